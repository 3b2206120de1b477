/*
 * pages.h - generated page contents for tests, fuzzing and benchmarks, from a generator with a fixed seed.
 */
#ifndef ME2_TEST_PAGES_H
#define ME2_TEST_PAGES_H

#include <stdint.h>
#include <string.h>

#include "encode.h"

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_u64(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 … limit-1 */
static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)(random_u64(random) % limit);
}

enum page_kind { KIND_ZERO, KIND_CONSTANT, KIND_TEXT, KIND_DATABASE, KIND_POINTERS, KIND_RANDOM, KIND_RUNS, KINDS };

static inline void fill_random(struct random *random, uint8_t *to, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)random_u64(random);
}

/* Words and spaces; as in a file of the page cache, hardly a word of 8 bytes is like its neighbour. */
static inline void fill_text(struct random *random, uint8_t *to, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(random_below(random, 6) ? 'a' + random_below(random, 26) : ' ');
}

/* Rows at the end, line pointers at the start, nothing between: a heap page that is 40 to 90 % full. */
static inline void fill_database(struct random *random, uint8_t *page)
{
	size_t full = PAGE_BYTES * (40 + random_below(random, 50)) / 100, heads = full / 10;
	memset(page, 0, PAGE_BYTES);
	fill_random(random, page, heads);
	for (size_t at = PAGE_BYTES - (full - heads); at < PAGE_BYTES; at += 128) {
		size_t row = PAGE_BYTES - at < 128 ? PAGE_BYTES - at : 128;
		fill_text(random, page + at, row < 88 ? row : 88); /* the rest of the row: empty columns */
	}
}

/* Kernel objects of 192 bytes: pointers, counters, empty fields, list heads that point to themselves (twice). */
static inline void fill_pointers(struct random *random, uint8_t *page)
{
	for (unsigned word = 0; word < PAGE_WORDS; word++) {
		uint64_t value = 0;
		switch (word % 24) {
		case 0: case 1: case 2: case 5: case 9: case 10: case 17:
			value = UINT64_C(0xffff888000000000) | (random_u64(random) & 0x3fffffc0);
			break;
		case 3: case 12: case 13:
			value = random_below(random, 1000);
			break;
		case 6:
			value = UINT64_C(0xffff888000000000) | word * 8;
			break;
		case 7:
			value = UINT64_C(0xffff888000000000) | (word - 1) * 8;
			break;
		default:
			break;
		}
		memcpy(page + word * 8, &value, sizeof(value));
	}
}

/* Runs of random kinds and lengths: every token, at every place. */
static inline void fill_runs(struct random *random, uint8_t *page)
{
	unsigned longest = 1u << random_below(random, 9);
	for (unsigned word = 0; word < PAGE_WORDS;) {
		unsigned count = 1 + random_below(random, longest), kind = random_below(random, 3);
		uint64_t repeated = random_below(random, 3);
		for (; count && word < PAGE_WORDS; count--, word++) {
			uint64_t value = kind == 0 ? 0 : kind == 1 ? repeated : random_u64(random);
			memcpy(page + word * 8, &value, sizeof(value));
		}
	}
}

static inline void fill_page(struct random *random, enum page_kind kind, uint8_t *page)
{
	switch (kind) {
	case KIND_ZERO:
		memset(page, 0, PAGE_BYTES);
		break;
	case KIND_CONSTANT:
		page_fill(page, random_u64(random) | 1);
		break;
	case KIND_TEXT:
		fill_text(random, page, PAGE_BYTES);
		break;
	case KIND_DATABASE:
		fill_database(random, page);
		break;
	case KIND_POINTERS:
		fill_pointers(random, page);
		break;
	case KIND_RUNS:
		fill_runs(random, page);
		break;
	default:
		fill_random(random, page, PAGE_BYTES);
		break;
	}
}

#endif
