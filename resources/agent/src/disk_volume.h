/*
 * disk_volume.h - the file or block device at the target that a disk is copied to.
 *
 * What is missing is made, if there is room for all of the disk: a file as large as the disk, or, where the path is that of a
 * logical volume (logical_volume.h), such a volume. Whoever gives a copy up has it removed again. What is there already is
 * overwritten only if that was asked for, and never while a loop device or a mount uses it.
 * A block that is never written keeps what it held: zeros in a file that was made, anything in a device. So a source leaves out
 * no block because of what it holds, zeros included, but only those whose contents mean nothing to the guest (disk_explore.h).
 * Writes go around the page cache (O_DIRECT) where that is possible.
 */
#ifndef ME2_DISK_VOLUME_H
#define ME2_DISK_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct disk_volume;

/* False with ERR_BUSY if a loop device (a guest's disk in a file is one) or the kernel (a mount, a block back end) uses it. */
bool disk_volume_is_idle(const char *path, struct error *err);

/* For a disk of so many bytes (a multiple of 512). NULL with the reason. */
struct disk_volume *disk_volume_open(const char *path, uint64_t bytes, bool overwrite, struct error *err);

/* True if it was made here. */
bool disk_volume_is_new(const struct disk_volume *volume);
uint64_t disk_volume_blocks(const struct disk_volume *volume);

/* Writes one block (DISK_BLOCK_BYTES of contents); neighbours are gathered, so it may reach the disk later. */
bool disk_volume_write(struct disk_volume *volume, uint64_t block, const uint8_t *contents, struct error *err);

/* Puts everything on stable storage. */
bool disk_volume_sync(struct disk_volume *volume, struct error *err);

/* Closes it, and removes it if it was made here. True if nothing of it is left. */
bool disk_volume_discard(struct disk_volume *volume);

/* What was not synced may be lost. */
void disk_volume_close(struct disk_volume *volume);

#endif
