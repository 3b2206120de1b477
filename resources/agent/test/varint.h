/* varint.h - reads a LEB128 number, as FORMAT.md and PROTOCOL.md use them. */
#ifndef ME2_TEST_VARINT_H
#define ME2_TEST_VARINT_H

#include <stdint.h>

static inline uint64_t get_varint(const uint8_t **at)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		uint8_t byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
}

#endif
