/* Allocation churn: blocks of memory that come and go all the time, so that pages turn from free to used and back while
 * a migration looks at them. Each block holds a pattern of its own, checked before it is given back. */
#ifndef CHURN_H
#define CHURN_H

#include <stddef.h>
#include <stdint.h>

enum { CHURN_BLOCKS = 64, CHURN_BLOCK_PAGES = 64 };

struct churn {
	struct {
		uint64_t *words; /* NULL: not allocated */
		size_t pages;
		uint64_t seed;
	} blocks[CHURN_BLOCKS];
};

/* Allocates or gives back blocks picked by `random` until about `pages` pages have changed hands; returns how many of the
 * pages given back were not as they were written. A block that cannot be allocated is skipped. */
uint64_t churn_step(struct churn *churn, uint64_t *random, uint64_t pages);

#endif
