/*
 * lvm2.h - LVM2 within a guest's disk: a physical volume, and what of its volume group lies on it.
 *
 * Understood are volumes that consist of linear segments on this one physical volume. A volume with a segment of another
 * type, or on another physical volume, is not; neither is one that another volume names (the origin of a snapshot, the
 * halves of a mirror): what is free in its file system may be live in the other. Extents that belong to no volume are free
 * only where every segment of the group is linear, since then each use of an extent is known.
 *
 * Format: "LVM2 on-disk format" of the LVM2 documentation (label, physical volume header, metadata areas), lvm(8),
 * vgcfgbackup(8) for the text.
 */
#ifndef ME2_LVM2_H
#define ME2_LVM2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"
#include "error.h"
#include "lvm2_text.h"

#define LVM2_VOLUMES_MAX 128u
#define LVM2_SEGMENTS_MAX 1024u
#define LVM2_EXTENTS_MAX (LVM2_SEGMENTS_MAX + 1)
#define LVM2_UUID_CHARS 32u

struct lvm2_range {
	uint64_t offset, bytes; /* within the physical volume */
};

struct lvm2_volume {
	char name[LVM2_NAME_BYTES];
	const char *why_not;     /* NULL: understood */
	struct disk_view view;   /* what of it lies here: all, if it is understood */
};

struct lvm2_group {
	char name[LVM2_NAME_BYTES];
	uint64_t first_extent;   /* where extents begin, bytes; before it is LVM's own metadata */
	size_t count;
	struct lvm2_volume volumes[LVM2_VOLUMES_MAX];
	size_t free_count;       /* extents of no volume */
	struct lvm2_range free[LVM2_EXTENTS_MAX];
};

/* True if there is a label of LVM2. */
bool lvm2_is_there(const struct disk_view *view);

/* NULL with `err` set: damaged, or too large. The caller frees it. */
struct lvm2_group *lvm2_read(const struct disk_view *view, struct error *err);

#endif
