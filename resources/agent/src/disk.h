/*
 * disk.h - a guest's disk, to be read only: a regular file or a block device, and parts of it (partitions, volumes).
 *
 * Reads go around the page cache (O_DIRECT) where the file system lets them: under blkback, buffered reads of a device
 * return stale blocks. A small cache of aligned windows (DISK_CACHE_BYTES in all) makes small reads cheap; disk_forget()
 * drops it, which a reader does whenever it needs what is on the disk now and not what was there a moment ago.
 */
#ifndef ME2_DISK_H
#define ME2_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define DISK_CACHE_BYTES (4u << 20)
#define DISK_BYTES_MAX (UINT64_C(1) << 44) /* 16 TiB */

struct disk;

/* NULL with `err` set: not there, neither file nor block device, empty, or larger than DISK_BYTES_MAX. */
struct disk *disk_open(const char *path, struct error *err);
/* A disk in memory, which must outlive it. For tests. */
struct disk *disk_open_memory(const uint8_t *bytes, uint64_t length);
void disk_close(struct disk *disk);

uint64_t disk_bytes(const struct disk *disk);
/* False: reads are buffered. */
bool disk_is_direct(const struct disk *disk);

/* All of [offset, offset + length), or false: beyond the end, or a read error. */
bool disk_read(struct disk *disk, uint64_t offset, void *to, size_t length);
void disk_forget(struct disk *disk);
/* From now on at most so many bytes are fetched from the disk; what comes after is a read error. None is set at first. */
void disk_limit(struct disk *disk, uint64_t bytes);

/* --- Parts of a disk --- */

#define DISK_SEGMENTS_MAX 64u

struct disk_segment {
	uint64_t at;     /* within the view */
	uint64_t offset; /* on the disk */
	uint64_t bytes;
};

/* A partition is one segment, a logical volume one or several; `at` ascends, segments do not overlap within the view. */
struct disk_view {
	struct disk *disk;
	uint64_t bytes;
	size_t count;
	struct disk_segment segments[DISK_SEGMENTS_MAX];
};

/* The whole disk as a view. */
struct disk_view disk_view_all(struct disk *disk);
/* A part of a view; false where it does not lie within, or has too many segments. */
bool disk_view_part(const struct disk_view *whole, uint64_t offset, uint64_t bytes, struct disk_view *part);
/* Puts a part of `whole` at the end of `view` (which starts as {.disk = …}); false as above. */
bool disk_view_append(struct disk_view *view, const struct disk_view *whole, uint64_t offset, uint64_t bytes);

/* All of it, or false. */
bool disk_view_read(const struct disk_view *view, uint64_t offset, void *to, size_t length);

/* The piece of the disk at `offset` of the view, at most `bytes` long; its length is 0 beyond the end. */
struct disk_segment disk_view_piece(const struct disk_view *view, uint64_t offset, uint64_t bytes);

#endif
