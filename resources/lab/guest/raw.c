#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { STRIDE = 31, MAX_COMPLAINTS = 20 }; /* odd, so that the blocks of a round are different ones */
_Static_assert(RAW_MAX_DEPTH <= RAW_BLOCKS && (RAW_BLOCKS & (RAW_BLOCKS - 1)) == 0, "a stride that is odd meets no block twice");

static const struct timespec rest = { .tv_nsec = 5000000 };

static void complain(struct raw_writer *raw, size_t block, const char *what)
{
	if (atomic_fetch_add(&raw->errors, 1) < MAX_COMPLAINTS)
		printf("ME2 bad raw block=%zu generation=%" PRIu32 ": %s\n", block, raw->generation[block], what);
}

static uint64_t *page_of(struct raw_writer *raw, unsigned slot)
{
	return raw->pages + (size_t)slot * PAGE_WORDS;
}

static bool write_first(struct raw_writer *raw)
{
	for (size_t block = 0; block < RAW_BLOCKS; block++) {
		page_make(raw->pages, CONTENT_COMPRESSED, block, 0);
		if (pwrite(raw->fd, raw->pages, PAGE_BYTES, (off_t)block * PAGE_BYTES) != PAGE_BYTES)
			return false;
	}
	return fsync(raw->fd) == 0;
}

bool raw_open(struct raw_writer *raw, const char *path, unsigned depth, uint64_t seed)
{
	memset(raw, 0, sizeof *raw);
	raw->depth = depth;
	raw->random = random_seed(seed, depth);
	raw->pages = aligned_alloc(PAGE_BYTES, (size_t)(depth + 1) * PAGE_BYTES);
	raw->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
	return raw->pages && raw->fd >= 0 && write_first(raw) && syscall(SYS_io_setup, depth, &raw->context) == 0;
}

void raw_close(struct raw_writer *raw)
{
	syscall(SYS_io_destroy, raw->context);
	close(raw->fd);
	free(raw->pages);
}

static void check(struct raw_writer *raw, size_t block)
{
	uint64_t *page = page_of(raw, raw->depth);
	if (pread(raw->fd, page, PAGE_BYTES, (off_t)block * PAGE_BYTES) != PAGE_BYTES)
		complain(raw, block, strerror(errno));
	else if (!page_is_good(page, CONTENT_COMPRESSED, block, raw->generation[block]))
		complain(raw, block, "other contents");
}

static void prepare(struct raw_writer *raw, unsigned slot, size_t block)
{
	page_make(page_of(raw, slot), CONTENT_COMPRESSED, block, ++raw->generation[block]);
	raw->requests[slot] = (struct iocb){
		.aio_data = block, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)raw->fd,
		.aio_buf = (uintptr_t)page_of(raw, slot), .aio_nbytes = PAGE_BYTES, .aio_offset = (int64_t)block * PAGE_BYTES,
	};
}

/* Returns how many are under way. */
static unsigned submit(struct raw_writer *raw)
{
	struct iocb *requests[RAW_MAX_DEPTH];
	size_t first = random_next(&raw->random) % RAW_BLOCKS;
	for (unsigned slot = 0; slot < raw->depth; slot++) {
		prepare(raw, slot, (first + (size_t)slot * STRIDE) % RAW_BLOCKS);
		requests[slot] = &raw->requests[slot];
	}
	unsigned done = 0;
	while (done < raw->depth) {
		long some = syscall(SYS_io_submit, raw->context, (long)(raw->depth - done), requests + done);
		if (some <= 0 && errno != EAGAIN)
			break;
		done += some > 0 ? (unsigned)some : 0;
	}
	for (unsigned slot = done; slot < raw->depth; slot++)
		complain(raw, raw->requests[slot].aio_data, "it could not be submitted");
	return done;
}

static void await(struct raw_writer *raw, unsigned count)
{
	struct io_event events[RAW_MAX_DEPTH];
	while (count > 0) {
		long some = syscall(SYS_io_getevents, raw->context, 1L, (long)count, events, NULL);
		for (long i = 0; i < some; i++)
			if (events[i].res != PAGE_BYTES)
				complain(raw, events[i].data, "the disk refused it");
		count -= some > 0 ? (unsigned)some : 0;
		atomic_fetch_add(&raw->writes, some > 0 ? (uint64_t)some : 0);
	}
}

void raw_round(struct raw_writer *raw)
{
	await(raw, submit(raw));
	for (unsigned i = 0; i < raw->depth; i++)
		check(raw, random_next(&raw->random) % RAW_BLOCKS);
}

static void *work(void *argument)
{
	struct raw_writer *raw = argument;
	while (!atomic_load(&raw->stop)) {
		raw_round(raw);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
	}
	return NULL;
}

bool raw_start(struct raw_writer *raw)
{
	errno = pthread_create(&raw->thread, NULL, work, raw);
	return errno == 0;
}

void raw_stop(struct raw_writer *raw)
{
	atomic_store(&raw->stop, true);
	pthread_join(raw->thread, NULL);
	raw_close(raw);
	printf("ME2 raw writes=%" PRIu64 " errors=%" PRIu64 "\n", atomic_load(&raw->writes), atomic_load(&raw->errors));
}
