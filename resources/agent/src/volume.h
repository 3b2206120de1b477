/*
 * volume.h - what was found in one part of a disk: a partition, a logical volume, or the disk itself.
 */
#ifndef ME2_VOLUME_H
#define ME2_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

enum volume_state {
	VOLUME_UNKNOWN,  /* not understood: all of it is used */
	VOLUME_CLEAN,    /* nothing is pending: the disk says all */
	VOLUME_REPLAYED, /* in use, or not shut down cleanly: the committed journal was applied in memory */
	VOLUME_DOUBTFUL  /* in use, or not shut down cleanly, and what is pending was not applied: nothing of it is free */
};

struct volume {
	char name[160];             /* "disk", "partition 1", "volume GROUP/NAME" */
	char kind[16];              /* "ext2" … "ext4", "xfs", "swap", "lvm2", another name, or "unknown" */
	char uuid[37];              /* as text, "" if there is none */
	uint64_t offset, bytes;     /* of its first byte on the disk; its size */
	enum volume_state state;
	bool has_journal;           /* which was applied … */
	uint32_t next_transaction;  /* … up to this one (ext3, ext4) */
	uint64_t free_bytes, doubtful_bytes; /* as its own file system counts, before rounding to blocks of the disk */
	char note[200];             /* what could not be understood, and why; "" if nothing */
};

/* 16 bytes as text. */
void volume_set_uuid(struct volume *volume, const uint8_t uuid[16]);

#endif
