/*
 * crc32c.h - CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the CPU's own instruction where it has it.
 */
#ifndef ME2_CRC32C_H
#define ME2_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Checksum of `length` bytes. `crc` is 0 to start, or the result for the bytes before these to go on. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

/* The same without the CPU's instruction, for the self-test and for CPUs that lack it. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length);

#endif
