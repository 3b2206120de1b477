/*
 * jbd2.h - the journal of ext3 and ext4, applied in memory: the newest committed content of each block in it.
 *
 * What is on the disk lags behind the journal: a block may have been allocated by a committed transaction while the
 * bitmap in its place does not say so yet. Only whole, committed transactions count, from the journal's tail on, and
 * revoked blocks do not, exactly as when the guest would replay it.
 *
 * Nothing is written. Contents are not copied but found again in the journal when they are asked for, which is right as
 * long as the tail has not moved: the guest reuses no part of the journal behind it. jbd2_is_unmoved() tells afterwards.
 *
 * Format: kernel documentation, "ext4 Data Structures and Algorithms", 3.6 Journal (jbd2); the size of a tag by feature
 * is that of fs/jbd2/journal.c, journal_tag_bytes(). Fast commits and journals on another device are not understood.
 */
#ifndef ME2_JBD2_H
#define ME2_JBD2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Where a journal is read from: block `number` of it, `block_bytes` long; false: cannot be read. */
struct jbd2_source {
	bool (*read)(void *context, uint32_t number, uint8_t *to);
	void *context;
	uint32_t block_bytes; /* of the file system: 1024 … 65536 */
	uint32_t blocks;      /* of the journal */
};

struct jbd2;

/* Reads the whole log. NULL with `err` set: damaged, not understood, or too much in it. `source->context` must outlive it. */
struct jbd2 *jbd2_load(const struct jbd2_source *source, struct error *err);
void jbd2_free(struct jbd2 *journal);

/* Transactions that are committed and not yet all in their places. */
uint32_t jbd2_transactions(const struct jbd2 *journal);

/* The number of the transaction that will be committed next. */
uint32_t jbd2_next_transaction(const struct jbd2 *journal);

enum jbd2_answer {
	JBD2_ABSENT,  /* not in the journal: what is in its place counts */
	JBD2_FOUND,
	JBD2_DAMAGED  /* in the journal, but its content cannot be read or fails its checksum */
};

/* The newest committed content of a block of the file system; `to` is one block. */
enum jbd2_answer jbd2_read(const struct jbd2 *journal, uint64_t block, uint8_t *to);

/* True if the journal's tail still is where it was. The caller must see to it that reads are not from a cache. */
bool jbd2_is_unmoved(const struct jbd2 *journal);

#endif
