#include "crc32c.h"

#include <immintrin.h>
#include <pthread.h>
#include <string.h>

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

/*
 * Folding (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel, 2009): a register of message
 * bits is multiplied by what makes it count the same so many bytes later, and added to what stands there. Several registers
 * go side by side; when less than all of them is left, the CRC of what they hold is the CRC of all before.
 */
#define FOLD_BYTES 128u      /* that PCLMULQDQ takes at a time: eight registers, … */
#define FOLD_WIDE_BYTES 256u /* … and VPCLMULQDQ: four of 512 bits */

/* For the lower and the upper half of 128 bits. */
static uint64_t fold[2], fold_wide[2];
static pthread_once_t fold_once = PTHREAD_ONCE_INIT;

/* x^n modulo the polynomial, bits reversed, in the upper half of 64 bits: the form that a product of reversed bits needs. */
static uint64_t power_of_x(unsigned n)
{
	uint32_t power = 1u << 31;
	for (; n; n--)
		power = power >> 1 ^ (power & 1 ? POLYNOMIAL : 0);
	return (uint64_t)power << 32;
}

/* One less than the distance in bits, for a product of reversed bits is one bit short. */
static void make_folds(void)
{
	fold[0] = power_of_x(8 * FOLD_BYTES + 63);
	fold[1] = power_of_x(8 * FOLD_BYTES - 1);
	fold_wide[0] = power_of_x(8 * FOLD_WIDE_BYTES + 63);
	fold_wide[1] = power_of_x(8 * FOLD_WIDE_BYTES - 1);
}

/* These three take and give the CRC's register itself, not its complement. */
__attribute__((target("sse4.2"))) static uint32_t crc_by_words(uint32_t crc, const uint8_t *from, size_t length)
{
	uint64_t wide = crc;
	for (; length >= 8; length -= 8, from += 8)
		wide = _mm_crc32_u64(wide, le64_load(from));
	uint32_t narrow = (uint32_t)wide;
	for (; length; length--)
		narrow = _mm_crc32_u8(narrow, *from++);
	return narrow;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc_by_folds(uint32_t crc, const uint8_t *from, size_t length)
{
	const __m128i by = _mm_set_epi64x((int64_t)fold[1], (int64_t)fold[0]);
	__m128i sum[FOLD_BYTES / 16];
	memcpy(sum, from, FOLD_BYTES);
	sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi32_si128((int)crc));
	for (from += FOLD_BYTES, length -= FOLD_BYTES; length >= FOLD_BYTES; from += FOLD_BYTES, length -= FOLD_BYTES)
		for (unsigned i = 0; i < FOLD_BYTES / 16; i++) {
			__m128i low = _mm_clmulepi64_si128(sum[i], by, 0x00), high = _mm_clmulepi64_si128(sum[i], by, 0x11);
			sum[i] = _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128((const __m128i *)(from + 16 * i)));
		}
	return crc_by_words(crc_by_words(0, (const uint8_t *)sum, FOLD_BYTES), from, length);
}

__attribute__((target("sse4.2,avx512f,vpclmulqdq"))) static uint32_t crc_by_wide_folds(uint32_t crc, const uint8_t *from, size_t length)
{
	const __m512i by = _mm512_broadcast_i32x4(_mm_set_epi64x((int64_t)fold_wide[1], (int64_t)fold_wide[0]));
	__m512i sum[FOLD_WIDE_BYTES / 64];
	memcpy(sum, from, FOLD_WIDE_BYTES);
	sum[0] = _mm512_xor_si512(sum[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
	for (from += FOLD_WIDE_BYTES, length -= FOLD_WIDE_BYTES; length >= FOLD_WIDE_BYTES;
		from += FOLD_WIDE_BYTES, length -= FOLD_WIDE_BYTES)
		for (unsigned i = 0; i < FOLD_WIDE_BYTES / 64; i++) {
			__m512i low = _mm512_clmulepi64_epi128(sum[i], by, 0x00), high = _mm512_clmulepi64_epi128(sum[i], by, 0x11);
			sum[i] = _mm512_xor_si512(_mm512_xor_si512(low, high), _mm512_loadu_si512(from + 64 * i));
		}
	return crc_by_words(crc_by_words(0, (const uint8_t *)sum, FOLD_WIDE_BYTES), from, length);
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
	if (!__builtin_cpu_supports("sse4.2"))
		return crc32c_portable(crc, bytes, length);
	pthread_once(&fold_once, make_folds);
	if (length >= FOLD_WIDE_BYTES && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq"))
		return ~crc_by_wide_folds(~crc, bytes, length);
	if (length >= FOLD_BYTES && __builtin_cpu_supports("pclmul"))
		return ~crc_by_folds(~crc, bytes, length);
	return ~crc_by_words(~crc, bytes, length);
}
