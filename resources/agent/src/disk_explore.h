/*
 * disk_explore.h - Disk Exploration: what is each block of a guest's disk to the guest? Reading only.
 *
 * From the disk down: partition table (partitions.h), LVM2 (lvm2.h), file systems (ext.h, xfs.h) and swap (swap_area.h).
 * Where nothing is understood, where two readings are possible, and between partitions (boot loaders live there), blocks
 * are unknown, and unknown is used. The disk may change while it is read: what does not fit together is unknown, too.
 *
 * WHAT FREE MEANS. DISK_FREE: some time after disk_explore() was called, the file system that owns the block had it free,
 * by what had reached the disk, its committed journal included. For a guest that is shut down, that is all there is: the
 * block holds nothing.
 *
 * WHAT IT DOES NOT MEAN. It does not mean that a guest that is running holds nothing there. A guest can have written a
 * file's data to a block and have the allocation of that block only in its memory: delayed allocation, a transaction that
 * is not committed. The block looks free, holds live data, and if it was written before tracing began, no trace shows it.
 * So a block of a running guest's disk may be left out only when all of this holds:
 *
 *   1. every write was traced (none lost) from before a full sync of the guest began, and that sync has ended, the commits of
 *      its journals included that were under way or begun then (Linux' emergency sync begins the last one, and does not wait);
 *   2. disk_explore(), called after the end of that sync, says DISK_FREE;
 *   3. no write to the block has been traced since tracing began.
 *
 * Why that is enough. Take a block with data that matters. Either the data was written before tracing began. Then, when
 * the sync ended, the allocation was committed; rule 2 sees it, or sees a later state in which the file no longer has the
 * block, and then the data does not matter, unless the block was given out and written again, which rule 3 sees. Or the
 * data was written later: then rule 3 sees it. Without rule 1 the first case has a hole: an allocation that was not
 * committed by the time of rule 2, for data that was written before anyone looked. Without applying the journal it has
 * another: an allocation that was committed, but not yet in its place.
 *
 * Whoever leaves blocks out looks at them once more at the end with rules 2 and 3, when the guest is suspended.
 *
 * A file system whose log is not applied here (XFS, unless cleanly unmounted) has no DISK_FREE block: what it calls free
 * is DISK_DOUBTFUL, which is used, and which only a map may show as free.
 */
#ifndef ME2_DISK_EXPLORE_H
#define ME2_DISK_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>

#include "block_map.h"
#include "disk.h"
#include "error.h"
#include "volume.h"

#define VOLUMES_MAX 256u

struct disk_exploration {
	struct block_map *map;
	const char *table;          /* "gpt", "mbr" or "none" */
	bool table_from_backup;     /* GPT: the primary copy is damaged */
	size_t count;
	struct volume volumes[VOLUMES_MAX]; /* in the order found; what holds others precedes them */
};

/* Looks at all of the disk anew. NULL with `err` set only where memory runs out: a disk that is not understood is unknown. */
struct disk_exploration *disk_explore(struct disk *disk, struct error *err);
void disk_exploration_free(struct disk_exploration *exploration);

#endif
