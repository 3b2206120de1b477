/*
 * block_set.h - a set of a disk's blocks (disk_class.h), one bit a block: 3.1 MiB for 100 GB. Several threads may use it: a block
 * that is added while another thread takes it is either taken with what was written before, or still in the set.
 */
#ifndef ME2_BLOCK_SET_H
#define ME2_BLOCK_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct block_set {
	_Atomic uint64_t *words;
	uint64_t blocks; /* members are below this */
};

/* Empty. False when out of memory. */
bool block_set_init(struct block_set *set, uint64_t blocks);
void block_set_release(struct block_set *set);

/* Adds [first, first + count); what lies beyond the set's end is ignored. */
void block_set_add(struct block_set *set, uint64_t first, uint64_t count);
bool block_set_has(const struct block_set *set, uint64_t block);
/* Removes the block; true if it was there. */
bool block_set_take(struct block_set *set, uint64_t block);

/* The first member at or after `from`; `blocks` if there is none. */
uint64_t block_set_next(const struct block_set *set, uint64_t from);
uint64_t block_set_count(const struct block_set *set);

#endif
