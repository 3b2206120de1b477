/*
 * disk_leg.h - the disk's part of a migration, in the process that runs xl: what is used is copied before xl starts, what the guest
 * writes follows while its memory is on the way, and the last of it goes when the guest is suspended. `send` holds the target's
 * "ready" back until then (job.h), so the guest is not given away before its disk is.
 */
#ifndef ME2_DISK_LEG_H
#define ME2_DISK_LEG_H

#include <stdbool.h>

#include "error.h"
#include "job.h"

struct disk_leg;

/* Copies until little is left; minutes, perhaps. NULL with the reason: nothing has happened to the guest then. `path`: the block
 * device behind the guest's disk. */
struct disk_leg *disk_leg_begin(struct job *job, const char *path, const char *to, const uint8_t key[LINK_KEY_BYTES],
	struct error *err);

/* Goes on beside xl, on a thread of its own. */
bool disk_leg_follow(struct disk_leg *leg, struct error *err);

/* After xl has ended: compares if the guest has moved (and that was asked for), has the target drop its copy if the guest is
 * still here, and frees the leg. Where the guest is unknown (`migrated` and `is_here` false) the copy stays. */
void disk_leg_end(struct disk_leg *leg, bool migrated, bool is_here);

#endif
