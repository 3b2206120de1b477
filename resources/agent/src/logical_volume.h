/*
 * logical_volume.h - a logical volume that a disk is copied to, made and removed with LVM's own tools (lvm(8)).
 *
 * Nothing of it is wiped: it holds whatever its extents held before, as any volume does that lvcreate makes.
 */
#ifndef ME2_LOGICAL_VOLUME_H
#define ME2_LOGICAL_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define LOGICAL_VOLUME_NAME_BYTES 128u /* with the NUL at its end */
#define LOGICAL_VOLUME_UUID_BYTES 39u

struct logical_volume {
	char group[LOGICAL_VOLUME_NAME_BYTES], name[LOGICAL_VOLUME_NAME_BYTES];
	char uuid[LOGICAL_VOLUME_UUID_BYTES]; /* LVM's; empty: not made here */
};

/* Is this where a volume with names that LVM allows would be: /dev/GROUP/NAME, or /dev/mapper/GROUP-NAME with each - of the names
 * doubled? Not where another file system than that of /dev is mounted (/dev/shm). */
bool logical_volume_of_path(const char *path, struct logical_volume *volume);

/* Makes it with room for so many bytes, rounded up to whole extents. ERR_NOT_SUPPORTED where LVM is not installed, ERR_USAGE where
 * there is no such group, ERR_SYSTEM where it has no room, or what LVM says. */
bool logical_volume_make(struct logical_volume *volume, uint64_t bytes, struct error *err);

/* Removes the volume that was made, which must be closed; never another, though it had the same name. True if it is gone. */
bool logical_volume_remove(const struct logical_volume *volume);

#endif
