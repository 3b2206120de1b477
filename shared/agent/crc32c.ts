/** CRC-32C (Castagnoli; reflected polynomial 0x82f63b78, as in iSCSI, RFC 3720 appendix B.4). */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++)
    crc = crc & 1 ? (crc >>> 1) ^ 0x82F63B78 : crc >>> 1
  return crc
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xFFFFFFFF
  for (const byte of bytes)
    crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xFF]!
  return (crc ^ 0xFFFFFFFF) >>> 0
}
