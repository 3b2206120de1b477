/* What a guest is told to do: NAME=VALUE arguments, see resources/lab/guests.json for the profiles in use. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "pages.h"

enum { SETTINGS_MAX_PAGES = 1 << 24 };

struct settings {
	size_t memory_pages;       /* memory=MIB: the process's own pages */
	size_t file_pages;         /* file=MIB: pages of a tmpfs file */
	size_t hot_pages;          /* hot=MIB: the first pages of memory, rewritten at random */
	unsigned dirty_per_second; /* dirty=N: pages rewritten a second */
	unsigned check_per_second; /* check=N: pages verified a second, round and round */
	unsigned churn_per_second; /* churn=N: pages allocated or given back a second */
	struct content_mix mix;    /* contents=text:4,rows:2 ... */
	char disk[8];              /* disk=ext4 or xfs: what init has mounted at /disk; empty: there is no disk */
	bool never_sync;           /* sync=never: nothing is ever asked to reach the disk */
	unsigned disk_write_kib;   /* diskwrite=KIB: files written there a second */
	unsigned disk_check_kib;   /* diskcheck=KIB: files read back and checked a second */
	unsigned raw_depth;        /* raw=N: writes past the page cache under way there at once */
	char heartbeat[32];        /* heartbeat=ADDRESS:PORT: the multicast group that hears it */
	char hosts[40];            /* hosts=ADDRESS,ADDRESS: members of the group, asked whether they listen */
};

/* Returns NULL, or the first argument that is not understood, out of bounds, or asks for more hot pages than there are,
 * or for writes to a disk that there is not. */
const char *settings_parse(struct settings *settings, int count, char *const arguments[]);

#endif
