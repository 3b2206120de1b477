#include "block_set.h"

#include <stdlib.h>

static uint64_t words_of(const struct block_set *set)
{
	return set->blocks / 64 + 1;
}

bool block_set_init(struct block_set *set, uint64_t blocks)
{
	set->blocks = blocks;
	set->words = calloc(words_of(set), sizeof(*set->words));
	return set->words != NULL;
}

void block_set_release(struct block_set *set)
{
	free(set->words);
	set->words = NULL;
}

void block_set_add(struct block_set *set, uint64_t first, uint64_t count)
{
	uint64_t end = first < set->blocks && count < set->blocks - first ? first + count : set->blocks;
	for (uint64_t block = first; block < end;) {
		unsigned bit = block % 64, bits = end - block < 64 - bit ? (unsigned)(end - block) : 64 - bit;
		uint64_t ones = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
		atomic_fetch_or(&set->words[block / 64], ones << bit);
		block += bits;
	}
}

bool block_set_has(const struct block_set *set, uint64_t block)
{
	return block < set->blocks && atomic_load(&set->words[block / 64]) >> block % 64 & 1;
}

bool block_set_take(struct block_set *set, uint64_t block)
{
	uint64_t bit = UINT64_C(1) << block % 64;
	return block < set->blocks && atomic_fetch_and(&set->words[block / 64], ~bit) & bit;
}

uint64_t block_set_next(const struct block_set *set, uint64_t from)
{
	for (uint64_t block = from; block < set->blocks;) {
		uint64_t rest = atomic_load(&set->words[block / 64]) >> block % 64;
		if (rest) {
			block += (unsigned)__builtin_ctzll(rest);
			return block < set->blocks ? block : set->blocks;
		}
		block = (block / 64 + 1) * 64;
	}
	return set->blocks;
}

uint64_t block_set_count(const struct block_set *set)
{
	uint64_t count = 0;
	for (uint64_t i = 0; i < words_of(set); i++)
		count += (unsigned)__builtin_popcountll(atomic_load(&set->words[i]));
	return count;
}
