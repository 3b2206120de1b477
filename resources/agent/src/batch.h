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

#include "compress.h"
#include "pieces.h"
#include "xenstream.h"

#define BATCH_ENTRIES_MAX XEN_PAGES_PER_RECORD
#define BATCH_HEADER_BYTES 12u
/* A run: u8 tag, varint of the step (zigzag of a 53-bit difference, 8 bytes), of the count (2 bytes), of the slot (3 bytes). */
#define BATCH_RUN_MAX 14u
#define BATCH_MAX (BATCH_HEADER_BYTES + BATCH_ENTRIES_MAX * (BATCH_RUN_MAX + PAGE_BYTES) + COMPRESS_SLACK)

/* How a page travels. The numbers are part of the format. */
enum page_fate {
	FATE_NO_DATA = 0,   /* the entry had no data (XALLOC, XTAB, BROKEN) */
	FATE_LEFT_OUT = 1,  /* free in the guest: announced, not sent */
	FATE_ZERO = 2,
	FATE_CONSTANT = 3,  /* one repeated word other than zero */
	FATE_ENCODED = 4,   /* run-length encoded */
	FATE_RAW = 5,
	FATE_PACKED = 6,    /* compressed together with the batch's other packed pages */
	FATE_DELTA = 7,     /* difference from the page as last sent, run-length encoded */
	FATE_REFERENCE = 8, /* the same as a page that the target keeps */
	FATES = 9
};

/* How the pages of a batch travel that are neither left out nor constant, nor cheaper as difference or reference. */
enum page_encoder { ENCODER_NONE, ENCODER_RLE, ENCODER_LZ4, ENCODER_ZSTD, ENCODERS };

/* "raw", "rle", … */
const char *page_encoder_name(enum page_encoder encoder);

/* An encoder and its level; level 0 where there is none. */
struct page_encoding {
	enum page_encoder encoder;
	int level;
	bool without_cache; /* pages are neither looked up nor kept: that costs CPU time too */
};

/* Entries that carried data from xl, by fate; all but `pages` add up to it. Constant includes zero, encoded what is packed. */
struct batch_counts {
	uint64_t pages, left_out, constant, encoded, raw, delta, reference;
	uint64_t lookups, hits; /* pages that were sent before and are of mixed content; of these, those that were kept */
	uint64_t mixed;         /* pages that were left to the batch's encoder … */
	uint64_t mixed_bytes;   /* … and what they take, table and header apart; known after batch_finish() */
};

/* Only these carry a slot: whole pages of mixed content. */
static inline bool page_fate_can_be_kept(unsigned fate)
{
	return fate == FATE_ENCODED || fate == FATE_RAW || fate == FATE_PACKED || fate == FATE_DELTA;
}

static inline enum codec batch_codec(enum page_encoder encoder)
{
	return encoder == ENCODER_LZ4 ? CODEC_LZ4 : encoder == ENCODER_ZSTD ? CODEC_ZSTD : CODEC_NONE;
}

struct batch;

/* `cache_pages` 0: no differences and no references. `threads`: see compress.h. NULL when out of memory. About twice
 * BATCH_MAX bytes, the cache and the compressors apart. */
struct batch *batch_new(uint32_t cache_pages, unsigned threads);
void batch_free(struct batch *batch);

/* Empties the batch and its counts. `again`: its pages were sent before (a later round). */
void batch_start(struct batch *batch, struct page_encoding encoding, bool again);

/* Adds an entry and says how it travels. `type` is a known libxc type, frame < XEN_FRAME_LIMIT, at most
 * BATCH_ENTRIES_MAX entries; `data` (PAGE_BYTES) is read only for types that have data. A page that goes raw is not copied:
 * its data must stay until the finished batch has been used.
 * `leave_out`: the page is free in the guest right now. It is honoured only for normal pages of mixed content; a constant
 * costs nothing, and kernels that rely on what a free page holds stay correct. Page tables of PV guests go raw. */
enum page_fate batch_append(struct batch *batch, uint64_t frame, uint8_t type, const uint8_t *data, bool leave_out);

/* Entries appended since batch_start(). */
uint32_t batch_entries(const struct batch *batch);
/* Counts since batch_start(). */
const struct batch_counts *batch_counts(const struct batch *batch);

/* The finished batch, at most BATCH_MAX bytes, some of them the data of its raw pages; valid until the next batch_start().
 * At least one entry. NULL when out of memory; the batch is of no more use then. */
const struct pieces *batch_finish(struct batch *batch);

#endif
