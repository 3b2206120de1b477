/* Files of known contents on a disk: a block that was lost, is stale, torn or another's shows in the file it belongs to.
 *
 * A set is a number of file names, of which some have a file and others must have none. A file is whole pages of the kind
 * in pages.h: a page's index tells the file's number and its place there, its generation is the file's. What must be there
 * is known in the process's memory, which travels with the guest; a set that is closed leaves it behind in a table on the
 * disk, and whoever opens it next, on whatever host, checks against the same.
 *
 * One thread changes and checks; the counts may be read by others. What is wrong is also said on standard output. */
#ifndef FILES_H
#define FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pages.h"

enum { FILES_MAX_PAGES = 256, FILES_CHUNK_PAGES = 16, FILES_MAX_COUNT = 1 << 20 };

struct file_slot {
	uint32_t generation;
	uint32_t pages; /* 0: there must be no such file */
};

struct file_set {
	int folder_fd;
	bool never_sync;
	size_t count;
	struct file_slot *slots;
	uint64_t random;
	_Atomic uint64_t checked;       /* files */
	_Atomic uint64_t errors;        /* files that were not as they must be, or could not be read or written */
	_Atomic uint64_t written_bytes;
	uint64_t chunk[FILES_CHUNK_PAGES * PAGE_WORDS];
};

/* A set without any file, in an empty folder, with as many names as fill `bytes` when four in five of them have a file.
 * Both return false with errno set. files_open takes the table away: without one (ENOENT) the last to use the set did not
 * close it, and nobody knows what must be there. */
bool files_make(struct file_set *set, const char *folder, uint64_t bytes, uint64_t seed);
bool files_open(struct file_set *set, const char *folder, bool never_sync, uint64_t seed);

/* Leaves the table behind and gives everything back. Returns false with errno set if there is no table now. */
bool files_close(struct file_set *set);

/* Writes, deletes and writes again until the files lie as on a disk in use for long: in pieces, old data between them. */
void files_age(struct file_set *set);

/* Checks a random file past the page cache. Returns the bytes looked at, never 0. */
uint64_t files_check(struct file_set *set);

/* Checks a random file, then makes it if it is not there, otherwise deletes it, writes it anew in place, or puts another
 * in its place by rename. Returns the bytes written, never 0. */
uint64_t files_change(struct file_set *set);

#endif
