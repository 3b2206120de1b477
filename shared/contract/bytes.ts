/**
 * Bytes in the contract. JSON has none, and the RPC library's default turns a Uint8Array into an object of numbers;
 * one rule for both ends sends them as base64, which both Node and the browser code natively.
 */
import { z } from 'zod'

/** Bytes up to `maxBytes`; a longer array is refused. */
export function bytesUpTo(maxBytes: number): z.ZodType<Uint8Array> {
  return z.custom<Uint8Array>(value => value instanceof Uint8Array && value.length <= maxBytes, `At most ${maxBytes} bytes.`)
}

/** As much of Node's Buffer as is used: Node 24 has no base64 of its own for a Uint8Array, and a browser has no Buffer. */
interface Base64 {
  from: ((bytes: ArrayBufferLike, offset: number, length: number) => { toString: (encoding: 'base64') => string }) & ((text: string, encoding: 'base64') => Uint8Array)
}

const nodes = (globalThis as { Buffer?: Base64 }).Buffer

function toBase64(bytes: Uint8Array): string {
  return nodes
    ? nodes.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
    : (bytes as Uint8Array & { toBase64: () => string }).toBase64()
}

function fromBase64(text: string): Uint8Array {
  return nodes ? new Uint8Array(nodes.from(text, 'base64')) : (Uint8Array as unknown as { fromBase64: (text: string) => Uint8Array }).fromBase64(text)
}

/** Given to the RPC library on both sides; the number is ours, above those it keeps for itself. */
export const bytesSerializer = {
  type: 20,
  condition: (value: unknown): boolean => value instanceof Uint8Array,
  serialize: (value: unknown): string => toBase64(value as Uint8Array),
  deserialize: (text: unknown): Uint8Array => fromBase64(String(text)),
}
