#include "disk_wire.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "encoder_choice.h"
#include "io.h"
#include "job.h"
#include "outbox.h"
#include "xenstream.h"

#define THREADS_MAX 4
/* Less than this says nothing of a link's speed. */
#define LINK_NEWS_BYTES 262144u
/* A frame of raw blocks: the first one's number, then contents. */
#define RAW_BLOCKS ((LINK_FRAME_MAX - 8) / DISK_BLOCK_BYTES)

_Static_assert(DISK_BLOCK_BYTES == PAGE_BYTES, "a block travels as a page does");
_Static_assert(DISK_WIRE_BLOCKS <= BATCH_ENTRIES_MAX, "what is put at once is one batch");

struct disk_wire {
	struct outbox *outbox;
	bool raw;
	struct batch *batch;
	struct page_encoding encoding;
	bool automatic;
	struct encoder_choice choice;
	struct outbox_meter noted;   /* what `choice` has been told */
	uint64_t mixed_since_sample;
	uint8_t *sample;             /* ENCODER_SAMPLE_PAGES */
	pthread_mutex_t counting;
	struct disk_wire_counts counts;
};

static unsigned usable_cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static enum page_encoder encoder_of(int encoder)
{
	return encoder == JOB_NONE ? ENCODER_NONE : encoder == JOB_LZ4 ? ENCODER_LZ4 : encoder == JOB_ZSTD ? ENCODER_ZSTD
		: ENCODER_RLE;
}

struct disk_wire *disk_wire_new(struct link *link, const struct disk_encoding *encoding)
{
	struct disk_wire *wire = calloc(1, sizeof(*wire));
	unsigned cpus = usable_cpus();
	if (!wire)
		return NULL;
	pthread_mutex_init(&wire->counting, NULL);
	wire->raw = encoding->raw;
	wire->encoding = (struct page_encoding){.encoder = encoder_of(encoding->encoder), .level = encoding->level};
	wire->automatic = encoding->encoder == JOB_AUTO;
	encoder_choice_init(&wire->choice, cpus, encoding->rate_mbit);
	wire->outbox = outbox_new(link);
	wire->batch = batch_new(encoding->cache_pages, cpus < THREADS_MAX ? cpus : THREADS_MAX);
	wire->sample = malloc((size_t)ENCODER_SAMPLE_PAGES * PAGE_BYTES);
	if (wire->outbox && wire->batch && wire->sample)
		return wire;
	disk_wire_free(wire);
	return NULL;
}

void disk_wire_free(struct disk_wire *wire)
{
	if (!wire)
		return;
	if (wire->outbox)
		outbox_free(wire->outbox);
	if (wire->batch)
		batch_free(wire->batch);
	free(wire->sample);
	pthread_mutex_destroy(&wire->counting);
	free(wire);
}

/* --- The stock way --- */

static size_t run_length(const uint64_t *blocks, size_t count)
{
	size_t length = 1;
	while (length < count && length < RAW_BLOCKS && blocks[length] == blocks[0] + length)
		length++;
	return length;
}

static bool put_raw(struct disk_wire *wire, const uint64_t *blocks, size_t count, const uint8_t *contents, struct error *err)
{
	while (count) {
		uint64_t first = blocks[0];
		size_t run = run_length(blocks, count);
		struct iovec parts[] = {{&first, sizeof(first)}, {(void *)(uintptr_t)contents, run * DISK_BLOCK_BYTES}};
		struct pieces frame = {.at = parts, .count = 2, .length = parts[0].iov_len + parts[1].iov_len};
		if (!outbox_put(wire->outbox, LINK_DISK_RAW, &frame, err))
			return false;
		blocks += run;
		contents += run * DISK_BLOCK_BYTES;
		count -= run;
	}
	return true;
}

/* --- Batches --- */

static void note_link(struct disk_wire *wire)
{
	struct outbox_meter now = outbox_meter(wire->outbox);
	if (now.sent_bytes - wire->noted.sent_bytes < LINK_NEWS_BYTES)
		return;
	encoder_choice_note_link(&wire->choice, now.sent_bytes - wire->noted.sent_bytes, now.busy_ns - wire->noted.busy_ns,
		now.cpu_ns - wire->noted.cpu_ns);
	wire->noted = now;
}

/* Blocks of mixed content, spread over what is about to be sent. */
static unsigned take_sample(struct disk_wire *wire, size_t count, const uint8_t *contents)
{
	unsigned taken = 0;
	uint64_t word;
	size_t step = count / ENCODER_SAMPLE_PAGES + 1;
	for (size_t i = 0; i < count && taken < ENCODER_SAMPLE_PAGES; i += step)
		if (!page_is_constant(contents + i * PAGE_BYTES, &word))
			memcpy(wire->sample + (size_t)taken++ * PAGE_BYTES, contents + i * PAGE_BYTES, PAGE_BYTES);
	return taken;
}

static void choose_encoder(struct disk_wire *wire, size_t count, const uint8_t *contents)
{
	if (!wire->automatic)
		return;
	note_link(wire);
	bool due = !wire->choice.sampled || wire->mixed_since_sample >= ENCODER_SAMPLE_EVERY;
	if (due && encoder_choice_knows_link(&wire->choice)) {
		unsigned taken = take_sample(wire, count, contents);
		if (taken >= ENCODER_SAMPLE_PAGES / 2 && encoder_choice_sample(&wire->choice, wire->sample, taken))
			wire->mixed_since_sample = 0;
	}
	wire->encoding = encoder_choice_next(&wire->choice);
}

static bool put_batch(struct disk_wire *wire, const struct pieces *batch, struct error *err)
{
	struct pieces_reader reader = {.left = *batch};
	struct iovec places[LINK_PIECES_MAX];
	while (reader.left.length) {
		struct pieces frame = pieces_next(&reader, LINK_FRAME_MAX, places, LINK_PIECES_MAX);
		if (!outbox_put(wire->outbox, reader.left.length ? LINK_BATCH_PART : LINK_BATCH_END, &frame, err))
			return false;
	}
	return true;
}

static void count_batch(struct disk_wire *wire, uint64_t cpu_ns)
{
	const struct batch_counts *counts = batch_counts(wire->batch);
	pthread_mutex_lock(&wire->counting);
	wire->counts.blocks += counts->pages;
	wire->counts.constant += counts->constant;
	wire->counts.encoded += counts->encoded;
	wire->counts.raw += counts->raw;
	wire->counts.delta += counts->delta;
	wire->counts.reference += counts->reference;
	wire->counts.cpu_ns += cpu_ns;
	pthread_mutex_unlock(&wire->counting);
}

static bool put_encoded(struct disk_wire *wire, const uint64_t *blocks, size_t count, const uint8_t *contents, bool again,
	struct error *err)
{
	choose_encoder(wire, count, contents);
	uint64_t began = thread_cpu_ns();
	batch_start(wire->batch, wire->encoding, again);
	for (size_t i = 0; i < count; i++)
		batch_append(wire->batch, blocks[i], XEN_TYPE_NORMAL, contents + i * PAGE_BYTES, false);
	uint64_t appended = clock_ns();
	const struct pieces *batch = batch_finish(wire->batch);
	if (!batch)
		return error_set(err, ERR_SYSTEM, "Choose another encoder, or a smaller cache.", "out of memory");
	const struct batch_counts *counts = batch_counts(wire->batch);
	encoder_choice_note_batch(&wire->choice, counts->mixed, counts->mixed_bytes, clock_ns() - appended);
	wire->mixed_since_sample += counts->mixed;
	count_batch(wire, thread_cpu_ns() - began);
	return put_batch(wire, batch, err);
}

bool disk_wire_put(struct disk_wire *wire, const uint64_t *blocks, size_t count, const uint8_t *contents, bool again,
	struct error *err)
{
	if (!wire->raw)
		return put_encoded(wire, blocks, count, contents, again, err);
	pthread_mutex_lock(&wire->counting);
	wire->counts.blocks += count;
	wire->counts.raw += count;
	pthread_mutex_unlock(&wire->counting);
	return put_raw(wire, blocks, count, contents, err);
}

bool disk_wire_drain(struct disk_wire *wire, struct error *err)
{
	return outbox_drain(wire->outbox, err);
}

struct disk_wire_counts disk_wire_counts(struct disk_wire *wire)
{
	pthread_mutex_lock(&wire->counting);
	struct disk_wire_counts counts = wire->counts;
	pthread_mutex_unlock(&wire->counting);
	counts.sent_bytes = outbox_meter(wire->outbox).sent_bytes;
	return counts;
}
