/**
 * Bytes in the contract. JSON has none, and the RPC library's default turns a Uint8Array into an object of numbers;
 * one rule for both ends sends them as base64, which both Node and the browser code natively.
 */
import { z } from 'zod'

/** Bytes up to `maxBytes`; a longer array is refused. */
export function bytesUpTo(maxBytes: number): z.ZodType<Uint8Array> {
  return z.custom<Uint8Array>(value => value instanceof Uint8Array && value.length <= maxBytes, `At most ${maxBytes} bytes.`)
}

const chunk = 0x8000

/** For runtimes without Uint8Array.prototype.toBase64 (Node 24). */
function toBase64(bytes: Uint8Array): string {
  const native = (bytes as { toBase64?: () => string }).toBase64
  if (native)
    return native.call(bytes)
  let text = ''
  for (let start = 0; start < bytes.length; start += chunk)
    text += String.fromCharCode(...bytes.subarray(start, start + chunk))
  return btoa(text)
}

function fromBase64(text: string): Uint8Array {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array }).fromBase64
  if (native)
    return native.call(Uint8Array, text)
  return Uint8Array.from(atob(text), character => character.charCodeAt(0))
}

/** Given to the RPC library on both sides; the number is ours, above those it keeps for itself. */
export const bytesSerializer = {
  type: 20,
  condition: (value: unknown): boolean => value instanceof Uint8Array,
  serialize: (value: unknown): string => toBase64(value as Uint8Array),
  deserialize: (text: unknown): Uint8Array => fromBase64(String(text)),
}
