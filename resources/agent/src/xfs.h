/*
 * xfs.h - which blocks of an XFS file system hold something: per allocation group, the B+tree of free space by block.
 *
 * "Free" here: a record of that tree covers the block, where superblock, AGF and every block of the tree are sound (on
 * version 5: checksum, owner, place and UUID), the records ascend, lie in their group, and add up to what the AGF counts.
 * A group where anything does not hold is unknown, hence used. Blocks kept for the trees' growth (AGFL) are used.
 *
 * XFS writes its trees long after the log: on a disk that is in use, or was not unmounted cleanly, a block that holds a
 * file's data, synced and all, may still be free in the tree. The log is not replayed here. So unless the log ends in the
 * record of an unmount, free blocks are doubtful, hence used (xfs_log.h): nothing may be left out of the disk of a running
 * guest, and the map still shows what the disk says.
 *
 * Classes: headers of allocation groups, AGFL and blocks of the free space tree are metadata, the log is journal; what else
 * is allocated, inodes included, is file data.
 *
 * Format: "XFS Algorithms & Data Structures", 3rd edition (xfs-documentation): Allocation Groups (superblock, AG Free
 * Space Management), Journaling Log; versions 4 and 5. Realtime files are on another device.
 */
#ifndef ME2_XFS_H
#define ME2_XFS_H

#include <stdbool.h>

#include "block_map.h"
#include "error.h"
#include "volume.h"

bool xfs_is_there(const struct disk_view *view);

/* As ext_explore(). */
bool xfs_explore(const struct disk_view *view, struct block_map *map, struct volume *volume, struct error *err);

#endif
