/*
 * ext.h - which blocks of an ext2, ext3 or ext4 file system hold something.
 *
 * "Free" here: the block bitmap of its group says so, where bitmap, descriptor and superblock are sound (checksums where
 * the file system has them; the descriptor's count of free clusters always) and, if the journal holds committed
 * transactions, as they leave bitmap and descriptor. A group whose bitmap is not initialised holds its own metadata only.
 * Blocks of metadata are used whatever the bitmap says. A group that is not sound is unknown, hence used.
 *
 * "Free" does not mean that a guest that is running holds nothing there. It may have written a file's data to a block
 * whose allocation is as yet only in its memory (delayed allocation, a transaction that has not committed). So the blocks
 * that are called free may be left out of the disk of a guest that is shut down; of a running guest only under all of the
 * three rules in disk_explore.h. This holds for ordered, journalled and writeback modes alike, since it rests on bitmaps
 * alone.
 *
 * What is pending and cannot be applied (no journal but not unmounted cleanly, a journal on another device, fast commits,
 * a damaged journal, errors on record) makes free blocks doubtful, hence used.
 *
 * Classes are by place: superblocks, descriptors and bitmaps, inode tables, the journal's file. What else is allocated is
 * file data, directories and extent trees included.
 *
 * Format: kernel documentation, "ext4 Data Structures and Algorithms"; see ext_layout.h, ext_file.h, jbd2.h.
 */
#ifndef ME2_EXT_H
#define ME2_EXT_H

#include <stdbool.h>

#include "block_map.h"
#include "error.h"
#include "volume.h"

/* True if there is an ext superblock. */
bool ext_is_there(const struct disk_view *view);

/* Says in `map` what the blocks of the view are, and in `volume` (kind, uuid, state, bytes, note) what was found. Whatever
 * is on the disk, and however it changes meanwhile, what cannot be relied on is unknown. False: nothing can be, and why;
 * what was said must then be overruled. `*moved`: it may work at the next attempt, since the guest's journal moved on
 * while it was being read. */
bool ext_explore(const struct disk_view *view, struct block_map *map, struct volume *volume, bool *moved, struct error *err);

#endif
