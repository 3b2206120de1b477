/*
 * xfs_log.h - whether the log of an XFS file system ends in the record of a clean unmount, so that nothing is pending.
 *
 * The log is a circle of sectors of 512 bytes, each of which begins with the number of the cycle that wrote it (a record's
 * header says it in its second word). The head is where the cycle steps back. Anything unexpected is taken for not clean.
 *
 * Format: "XFS Algorithms & Data Structures", Journaling Log.
 */
#ifndef ME2_XFS_LOG_H
#define ME2_XFS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"

/* The log is [offset, offset + bytes) of the view. */
bool xfs_log_is_clean(const struct disk_view *view, uint64_t offset, uint64_t bytes);

#endif
