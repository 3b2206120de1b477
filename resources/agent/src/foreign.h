/*
 * foreign.h - what else a volume may hold: file systems and containers that are recognised by a mark and not understood.
 *
 * They are named in the list of what was found. More important: a volume that was formatted anew may still bear the
 * superblock of a file system that was there before, and what that calls free may hold anything.
 *
 * Marks: the formats' own specifications, as magic(5) and blkid(8) list them.
 */
#ifndef ME2_FOREIGN_H
#define ME2_FOREIGN_H

#include "disk.h"

/* The name of what is there, NULL for nothing known. */
const char *foreign_name(const struct disk_view *view);

#endif
