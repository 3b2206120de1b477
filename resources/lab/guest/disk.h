/* The guest's own disk: a thread of its own changes and checks the files there (files.h) at set rates, so that a slow disk
 * does not hold up the heartbeat. */
#ifndef DISK_H
#define DISK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "files.h"

struct disk {
	struct file_set files;
	unsigned write_kib_per_second, check_kib_per_second;
	pthread_t thread;
	atomic_bool stop;
};

/* Takes over the set of files in the folder and starts to work on it; the rates are set by the caller before. Returns false
 * with errno set (ENOENT: it was not closed by the last who used it). */
bool disk_start(struct disk *disk, const char *folder, bool never_sync, uint64_t seed);

/* Ends the work and closes the set. Returns false with errno set if the next one cannot take it over. */
bool disk_stop(struct disk *disk);

#endif
