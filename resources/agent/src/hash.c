#include "hash.h"

#include "le.h"

/*
 * Four chains, so that the multiplier is always busy. Each step multiplies two words, one of them mixed with the chain so
 * far, to 128 bits and folds the halves. The keys (binary digits of pi) keep zero words from making zero products.
 */
#define CHAINS 4u

static const uint64_t key[2 * CHAINS] = {
	UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89),
	UINT64_C(0x452821e638d01377), UINT64_C(0xbe5466cf34e90c6c), UINT64_C(0xc0ac29b7c97c50dd), UINT64_C(0x3f84d5b5b5470917),
};

static uint64_t multiply_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t page_hash_seeded(const uint8_t page[PAGE_BYTES], uint64_t seed)
{
	uint64_t chain[CHAINS] = { key[1] ^ seed, key[3] ^ seed, key[5] ^ seed, key[7] ^ seed };
	for (unsigned at = 0; at < PAGE_BYTES; at += CHAINS * 16)
		for (unsigned i = 0; i < CHAINS; i++) {
			uint64_t a = le64_load(page + at + i * 16), b = le64_load(page + at + i * 16 + 8);
			chain[i] = multiply_fold(a ^ chain[i], b ^ key[2 * i] ^ seed);
		}
	uint64_t left = multiply_fold(chain[0] ^ key[4], chain[1] ^ key[5]);
	uint64_t right = multiply_fold(chain[2] ^ key[6], chain[3] ^ key[7]);
	uint64_t hash = multiply_fold(left ^ key[2], right ^ key[3]);
	return hash ? hash : 1;
}

uint64_t page_hash(const uint8_t page[PAGE_BYTES])
{
	return page_hash_seeded(page, 0);
}
