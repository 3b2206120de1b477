#include "crc32c.h"

#include <nmmintrin.h>
#include <pthread.h>

#include "le.h"

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41, bits reversed */

/* table[k][b]: the CRC of byte b followed by k zero bytes, so that eight bytes take eight look-ups and no loop. */
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][byte] = crc;
	}
	for (unsigned byte = 0; byte < 256; byte++)
		for (unsigned zeros = 1; zeros < 8; zeros++)
			table[zeros][byte] = table[zeros - 1][byte] >> 8 ^ table[0][table[zeros - 1][byte] & 0xff];
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length)
{
	pthread_once(&table_once, make_table);
	const uint8_t *from = bytes;
	crc = ~crc;
	for (; length >= 8; length -= 8, from += 8) {
		uint32_t low = le32_load(from) ^ crc, high = le32_load(from + 4);
		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24]
			^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^ table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
	}
	for (; length; length--)
		crc = crc >> 8 ^ table[0][(crc ^ *from++) & 0xff];
	return ~crc;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	uint64_t wide = ~crc;
	for (; length >= 8; length -= 8, from += 8)
		wide = _mm_crc32_u64(wide, le64_load(from));
	uint32_t narrow = (uint32_t)wide;
	for (; length; length--)
		narrow = _mm_crc32_u8(narrow, *from++);
	return ~narrow;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, bytes, length);
	return crc32c_portable(crc, bytes, length);
}
