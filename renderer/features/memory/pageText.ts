/** A page's bytes as text. */
import { wordBytes } from '../../../shared/model/pageRuns.ts'

export function formatOffset(word: number): string {
  return (word * wordBytes).toString(16).padStart(3, '0')
}

/** As the number that it is, not in the order of its bytes. */
export function formatWord(value: bigint): string {
  return value.toString(16).padStart(2 * wordBytes, '0')
}

/** In the order of the bytes; a dot for what is no printable ASCII character. */
export function formatAscii(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte >= 0x20 && byte < 0x7F ? String.fromCharCode(byte) : '·').join('')
}

export function formatBytesHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

export function bytesOfWord(content: Uint8Array, word: number): Uint8Array {
  return content.subarray(word * wordBytes, (word + 1) * wordBytes)
}

/** Three digits, as that is what a time so short is good for. */
export function formatMicroseconds(us: number): string {
  return us >= 100 ? Math.round(us).toLocaleString('en-US') : us.toFixed(us >= 10 ? 1 : 2)
}
