/* What a page of a busy machine looks like. A body is a pure function of (kind, seed), so a page can be made again to
 * look at, and two generations of one page share nothing but their kind. */
#ifndef CONTENT_H
#define CONTENT_H

#include <stddef.h>
#include <stdint.h>

enum content_kind {
	CONTENT_TEXT,       /* words of prose or markup up to 35-95 % of the page, then zeros, as in a cache of web objects */
	CONTENT_NUMBERS,    /* columns of counters: narrow numbers in wide fields, some rows empty */
	CONTENT_POINTERS,   /* a hash table's buckets: kernel-like addresses, two of three null */
	CONTENT_COMPRESSED, /* no structure at all */
	CONTENT_ROWS,       /* a database page: header, slots, free space of zeros, rows that grow down from the end */
	CONTENT_ZEROS,      /* allocated, never written since */
	CONTENT_KINDS
};

extern const char *const content_names[CONTENT_KINDS];

/* Writes all of the body's `words` 64-bit words. */
void content_fill(enum content_kind kind, uint64_t seed, uint64_t *body, size_t words);

/* The next number of a xorshift sequence; the state must not be 0. */
uint64_t random_next(uint64_t *state);

/* A well mixed, never zero seed from two numbers. */
uint64_t random_seed(uint64_t a, uint64_t b);

#endif
