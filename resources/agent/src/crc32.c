#include "crc32.h"

#define POLYNOMIAL 0xedb88320u

uint32_t crc32_update(uint32_t state, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	for (; length; length--) {
		state ^= *from++;
		for (unsigned bit = 0; bit < 8; bit++)
			state = state >> 1 ^ (state & 1 ? POLYNOMIAL : 0);
	}
	return state;
}
