/* Writes past the page cache, many of them under way at once, as a database's: when the guest is suspended, some have been
 * handed to its disk and are not confirmed yet. Those must reach the disk after it is resumed, wherever that is, and those that
 * were confirmed must be there already.
 *
 * One file of RAW_BLOCKS pages of the kind in pages.h, made anew each time; what is wrong is also said on standard output. */
#ifndef RAW_H
#define RAW_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pages.h"

enum { RAW_BLOCKS = 1024, RAW_MAX_DEPTH = 64 };

struct raw_writer {
	unsigned depth;       /* writes under way at once */
	int fd;
	aio_context_t context;
	uint64_t *pages;      /* of the writes, and one more to check with */
	struct iocb requests[RAW_MAX_DEPTH];
	uint32_t generation[RAW_BLOCKS];
	uint64_t random;
	_Atomic uint64_t writes; /* confirmed */
	_Atomic uint64_t errors;
	pthread_t thread;
	atomic_bool stop;
};

/* Makes the file and has all of it on the disk. Returns false with errno set. */
bool raw_open(struct raw_writer *raw, const char *path, unsigned depth, uint64_t seed);
void raw_close(struct raw_writer *raw);

/* Submits `depth` writes, waits until all are confirmed, and checks as many random blocks on the disk. */
void raw_round(struct raw_writer *raw);

/* Rounds on a thread of its own, until raw_stop, which closes as well. Returns false with errno set. */
bool raw_start(struct raw_writer *raw);
void raw_stop(struct raw_writer *raw);

#endif
