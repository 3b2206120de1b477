/*
 * batch.h - one libxc PAGE_DATA record in the compact form that ME2 sends, order kept. The format: FORMAT.md.
 *
 * Use: batch_start(), batch_append() for each entry, batch_finish(); again from batch_start() for the next record.
 */
#ifndef ME2_BATCH_H
#define ME2_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstream.h"

#define BATCH_ENTRIES_MAX XEN_PAGES_PER_RECORD
#define BATCH_HEADER_BYTES 8u
/* A run: u8 tag, varint of the step (zigzag of a 53-bit difference, 8 bytes), varint of the count (2 bytes). */
#define BATCH_RUN_MAX 11u
#define BATCH_MAX (BATCH_HEADER_BYTES + BATCH_ENTRIES_MAX * (BATCH_RUN_MAX + PAGE_BYTES))

/* How a page travels. The numbers are part of the format. */
enum page_fate {
	FATE_NO_DATA = 0,  /* the entry had no data (XALLOC, XTAB, BROKEN) */
	FATE_LEFT_OUT = 1, /* free in the guest: announced, not sent */
	FATE_ZERO = 2,
	FATE_CONSTANT = 3, /* one repeated word other than zero */
	FATE_ENCODED = 4,
	FATE_RAW = 5,
	FATES = 6
};

enum page_encoder {
	ENCODER_RLE,
	ENCODER_NONE, /* for comparison: what is neither left out nor constant goes raw */
};

/* Entries that carried data from xl, by fate: left_out + constant + encoded + raw = pages. Constant includes zero. */
struct batch_counts {
	uint64_t pages, left_out, constant, encoded, raw;
};

struct batch;

/* NULL when out of memory. About BATCH_MAX bytes. */
struct batch *batch_new(enum page_encoder encoder);
void batch_free(struct batch *batch);

/* Empties the batch and its counts. */
void batch_start(struct batch *batch);

/* Adds an entry and says how it travels. `type` is a known libxc type, frame < XEN_FRAME_LIMIT, at most
 * BATCH_ENTRIES_MAX entries; `data` (PAGE_BYTES) is read only for types that have data, before the call returns.
 * `leave_out`: the page is free in the guest right now. It is honoured only for normal pages of mixed content; a constant
 * costs nothing, and kernels that rely on what a free page holds stay correct. Page tables of PV guests go raw. */
enum page_fate batch_append(struct batch *batch, uint64_t frame, uint8_t type, const uint8_t *data, bool leave_out);

/* Entries appended since batch_start(). */
uint32_t batch_entries(const struct batch *batch);
/* Counts since batch_start(). */
const struct batch_counts *batch_counts(const struct batch *batch);

/* The finished batch, `*length` <= BATCH_MAX bytes; valid until the next batch_start(). At least one entry. */
const uint8_t *batch_finish(struct batch *batch, size_t *length);

#endif
