/*
 * partitions.h - partition tables: MBR with extended partitions, GPT.
 *
 * Formats: UEFI Specification 2.10, chapter 5 (GPT, and the MBR in 5.2); for chains of extended partitions
 * linux/Documentation and the description in "Master boot record" / "Extended boot record" of the OSDev wiki. A table
 * that contradicts itself (partitions that overlap, leave the disk, or lie on the table) is refused whole: what it says of
 * one partition would not be worth more than the rest.
 */
#ifndef ME2_PARTITIONS_H
#define ME2_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "error.h"

#define PARTITIONS_MAX 128u
#define TABLE_RANGES_MAX (PARTITIONS_MAX + 4u)

struct byte_range {
	uint64_t offset, bytes;
};

struct partition {
	unsigned number;         /* as Linux counts: logical ones from 5 */
	struct byte_range range; /* within the disk */
};

enum table_kind { TABLE_NONE, TABLE_MBR, TABLE_GPT };

struct partition_table {
	enum table_kind kind;
	bool from_backup;                            /* GPT: the primary header or its entries are damaged */
	size_t count;
	struct partition partitions[PARTITIONS_MAX];
	size_t range_count;                          /* where the table itself is */
	struct byte_range ranges[TABLE_RANGES_MAX];
};

/* Fills `table`; TABLE_NONE when there is none (a boot sector with no entry in use is none). False: there is one, and it
 * cannot be used. `table->kind` is set then, too. */
bool partitions_read(const struct disk_view *disk, struct partition_table *table, struct error *err);
/* Whether there is a table, sound or not. */
bool partitions_are_there(const struct disk_view *disk);

#endif
