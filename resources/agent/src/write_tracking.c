#include "write_tracking.h"

#include <sodium.h>
#include <stdlib.h>

#include "block_trace.h"
#include "disk_class.h"
#include "hash.h"

#define CHUNK_BLOCKS 512u

struct write_tracking {
	const char *path;
	const struct block_reader *reader;
	struct block_set *pending;
	struct block_set written;    /* since tracing began */
	struct block_trace *trace;   /* NULL: by hashes */
	struct error not_traced;
	unsigned losses;
	bool owes_comparison;        /* the trace has not seen everything */
	uint64_t seed;
	uint64_t *hashes;            /* by block, of what was sent last; 0: nothing was. NULL: too many */
	uint8_t *chunk;              /* CHUNK_BLOCKS */
};

/* --- Setting up --- */

static uint64_t hash_bytes(const struct write_tracking *tracking)
{
	return tracking->pending->blocks * sizeof(*tracking->hashes);
}

static void start_trace(struct write_tracking *tracking)
{
	tracking->not_traced = (struct error){0};
	tracking->trace = block_trace_start(tracking->path, tracking->pending, &tracking->written, &tracking->not_traced);
}

static bool make_room(struct write_tracking *tracking, struct error *err)
{
	bool fits = hash_bytes(tracking) <= TRACKING_HASH_BYTES_MAX;
	tracking->hashes = fits ? calloc(tracking->pending->blocks, sizeof(*tracking->hashes)) : NULL;
	tracking->chunk = block_reader_room(CHUNK_BLOCKS);
	return (block_set_init(&tracking->written, tracking->pending->blocks) && tracking->chunk && (tracking->hashes || !fits))
		|| error_set(err, ERR_SYSTEM, "", "not enough memory here to track writes to %s", tracking->path);
}

static bool can_track(const struct write_tracking *tracking, struct error *err)
{
	return tracking->trace || tracking->hashes || error_set(err, ERR_NOT_SUPPORTED, tracking->not_traced.action,
		"%s; and to compare a disk of this size takes %llu MiB here, more than %llu", tracking->not_traced.message,
		(unsigned long long)(hash_bytes(tracking) >> 20), (unsigned long long)(TRACKING_HASH_BYTES_MAX >> 20));
}

struct write_tracking *write_tracking_start(const char *path, const struct block_reader *reader, struct block_set *pending,
	struct error *err)
{
	struct write_tracking *tracking = calloc(1, sizeof(*tracking));
	if (!tracking) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	*tracking = (struct write_tracking){.path = path, .reader = reader, .pending = pending};
	randombytes_buf(&tracking->seed, sizeof(tracking->seed));
	if (make_room(tracking, err)) {
		start_trace(tracking);
		if (can_track(tracking, err))
			return tracking;
	}
	write_tracking_stop(tracking);
	return NULL;
}

void write_tracking_stop(struct write_tracking *tracking)
{
	if (!tracking)
		return;
	block_trace_stop(tracking->trace);
	block_set_release(&tracking->written);
	free(tracking->hashes);
	free(tracking->chunk);
	free(tracking);
}

/* --- What is known --- */

const char *write_tracking_not_traced(const struct write_tracking *tracking)
{
	return tracking->trace ? NULL : tracking->not_traced.message;
}

unsigned write_tracking_losses(const struct write_tracking *tracking)
{
	return tracking->losses;
}

bool write_tracking_may_be_written(const struct write_tracking *tracking, uint64_t block)
{
	return !tracking->trace || tracking->owes_comparison || block_set_has(&tracking->written, block);
}

uint64_t write_tracking_writes(struct write_tracking *tracking)
{
	return tracking->trace ? block_trace_writes(tracking->trace) : 0;
}

void write_tracking_note_sent(struct write_tracking *tracking, const uint64_t *blocks, size_t count, const uint8_t *contents)
{
	if (!tracking->hashes)
		return;
	for (size_t i = 0; i < count; i++)
		tracking->hashes[blocks[i]] = page_hash_seeded(contents + i * DISK_BLOCK_BYTES, tracking->seed);
}

/* --- What was written --- */

/* The new trace runs before the comparison reads, so between them nothing is missed. */
static void begin_anew(struct write_tracking *tracking)
{
	tracking->losses++;
	tracking->owes_comparison = true;
	block_trace_stop(tracking->trace);
	start_trace(tracking);
}

bool write_tracking_settle(struct write_tracking *tracking)
{
	if (tracking->trace && !block_trace_settle(tracking->trace))
		begin_anew(tracking);
	return tracking->trace && !tracking->owes_comparison;
}

static bool all_pending(const struct write_tracking *tracking, uint64_t first, size_t count)
{
	size_t i = 0;
	while (i < count && block_set_has(tracking->pending, first + i))
		i++;
	return i == count;
}

static bool compare_range(struct write_tracking *tracking, uint64_t first, size_t count, struct error *err)
{
	if (all_pending(tracking, first, count))
		return true;
	if (!block_reader_read(tracking->reader, first, count, tracking->chunk, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (page_hash_seeded(tracking->chunk + i * DISK_BLOCK_BYTES, tracking->seed) != tracking->hashes[first + i])
			block_set_add(tracking->pending, first + i, 1);
	return true;
}

static bool compare_all(struct write_tracking *tracking, comparison_goes_on *goes_on, void *context, struct error *err)
{
	size_t count;
	uint64_t blocks = tracking->pending->blocks;
	for (uint64_t block = 0; block < blocks; block += count) {
		if (!goes_on(context, block))
			return true;
		count = blocks - block < CHUNK_BLOCKS ? (size_t)(blocks - block) : CHUNK_BLOCKS;
		if (!compare_range(tracking, block, count, err))
			return false;
	}
	tracking->owes_comparison = false;
	return true;
}

bool write_tracking_compare(struct write_tracking *tracking, comparison_goes_on *goes_on, void *context, struct error *err)
{
	if (!can_track(tracking, err))
		return false;
	if (tracking->hashes)
		return compare_all(tracking, goes_on, context, err);
	block_set_add(tracking->pending, 0, tracking->pending->blocks);
	tracking->owes_comparison = false;
	return true;
}
