/*
 * crc32.h - CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320) as GPT and LVM2 use it: a bare register, which GPT
 * starts from and ends by inverting, and LVM2 starts from a number of its own.
 */
#ifndef ME2_CRC32_H
#define ME2_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_update(uint32_t state, const void *bytes, size_t length);

#endif
