/*
 * le.h - little-endian integers in byte buffers, at any alignment. The agent runs on x86-64 only, so a copy is enough.
 */
#ifndef ME2_LE_H
#define ME2_LE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t le16_load(const uint8_t *from)
{
	uint16_t value;
	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint32_t le32_load(const uint8_t *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint64_t le64_load(const uint8_t *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof(value));
	return value;
}

static inline void le16_store(uint8_t *to, uint16_t value) { memcpy(to, &value, sizeof(value)); }
static inline void le32_store(uint8_t *to, uint32_t value) { memcpy(to, &value, sizeof(value)); }
static inline void le64_store(uint8_t *to, uint64_t value) { memcpy(to, &value, sizeof(value)); }

#endif
