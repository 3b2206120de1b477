#include "batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "encode.h"
#include "hash.h"
#include "le.h"
#include "page_cache.h"

/* The run table's size is known only at the end. It gets room before the payload, and is put right in front of it. */
#define RUN_TABLE_MAX ((size_t)BATCH_ENTRIES_MAX * BATCH_RUN_MAX)
#define PAYLOAD_AT (BATCH_HEADER_BYTES + RUN_TABLE_MAX)
#define CHECKSUM_BYTES 4u
#define LENGTH_BYTES 2u /* before each encoded page */
/* What a packed page takes, as long as nothing is known. */
#define PACKED_PAGE_GUESS (PAGE_BYTES / 3)

/* Entries with consecutive frames, one type and one fate, kept in consecutive slots or not at all. */
struct run {
	uint64_t first;
	uint32_t count;
	uint32_t slot; /* of the first, plus 1; 0: not kept */
	uint8_t tag;
};

/* Raw pages that lie in a row. */
struct raw_pages {
	const uint8_t *at;
	size_t length;
	size_t payload_before; /* bytes of the payload that are in front of them */
};

struct batch {
	struct page_encoding encoding;
	bool again;
	uint32_t entries;
	uint32_t runs;
	uint32_t packed; /* pages */
	size_t payload_bytes; /* in `bytes`: without the raw pages, … */
	size_t raw_bytes;     /* … and these */
	uint32_t raws;
	size_t packed_page_bytes; /* what a packed page took on average in the last batch that had some */
	struct batch_counts counts;
	struct page_cache *cache; /* NULL: none */
	struct compressor *compressor;
	struct run run[BATCH_ENTRIES_MAX];
	struct raw_pages raw[BATCH_ENTRIES_MAX];
	struct iovec place[2 * BATCH_ENTRIES_MAX + 1]; /* raw pages, and what is in front of and behind each */
	struct pieces pieces;
	uint8_t bytes[BATCH_MAX + LENGTH_BYTES]; /* an encoding is tried behind its length */
	uint8_t packed_pages[BATCH_ENTRIES_MAX * PAGE_BYTES];
};

const char *page_encoder_name(enum page_encoder encoder)
{
	static const char *const names[ENCODERS] = {
		[ENCODER_NONE] = "raw", [ENCODER_RLE] = "rle", [ENCODER_LZ4] = "lz4", [ENCODER_ZSTD] = "zstd",
	};
	return names[encoder];
}

struct batch *batch_new(uint32_t cache_pages, unsigned threads)
{
	struct batch *batch = malloc(sizeof(*batch));
	if (!batch)
		return NULL;
	batch->packed_page_bytes = PACKED_PAGE_GUESS;
	batch->compressor = compressor_new(threads);
	batch->cache = cache_pages >= PAGE_CACHE_WAYS ? page_cache_new(cache_pages) : NULL;
	batch_start(batch, (struct page_encoding){.encoder = ENCODER_RLE}, false);
	if (batch->compressor && (batch->cache || cache_pages < PAGE_CACHE_WAYS))
		return batch;
	batch_free(batch);
	return NULL;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	compressor_free(batch->compressor);
	page_cache_free(batch->cache);
	free(batch);
}

void batch_start(struct batch *batch, struct page_encoding encoding, bool again)
{
	batch->encoding = encoding;
	batch->again = again;
	batch->entries = batch->runs = batch->packed = batch->raws = 0;
	batch->payload_bytes = batch->raw_bytes = 0;
	batch->counts = (struct batch_counts){ 0 };
}

uint32_t batch_entries(const struct batch *batch)
{
	return batch->entries;
}

const struct batch_counts *batch_counts(const struct batch *batch)
{
	return &batch->counts;
}

static void add_to_runs(struct batch *batch, uint64_t frame, uint8_t tag, uint32_t slot)
{
	struct run *last = batch->runs ? &batch->run[batch->runs - 1] : NULL;
	bool follows = last && last->tag == tag && last->first + last->count == frame
		&& (slot ? last->slot && last->slot + last->count == slot : !last->slot);
	if (follows)
		last->count++;
	else
		batch->run[batch->runs++] = (struct run){ .first = frame, .count = 1, .tag = tag, .slot = slot };
	batch->entries++;
}

static uint8_t *payload_end(struct batch *batch)
{
	return batch->bytes + PAYLOAD_AT + batch->payload_bytes;
}

static enum page_fate add_raw(struct batch *batch, const uint8_t *data)
{
	struct raw_pages *last = batch->raws ? &batch->raw[batch->raws - 1] : NULL;
	if (last && last->at + last->length == data && last->payload_before == batch->payload_bytes)
		last->length += PAGE_BYTES;
	else
		batch->raw[batch->raws++] = (struct raw_pages){.at = data, .length = PAGE_BYTES, .payload_before = batch->payload_bytes};
	batch->raw_bytes += PAGE_BYTES;
	return FATE_RAW;
}

/* The page's own encoding lies behind its length at the payload's end already. */
static enum page_fate add_encoded(struct batch *batch, size_t size, enum page_fate fate)
{
	le16_store(payload_end(batch), (uint16_t)size);
	batch->payload_bytes += LENGTH_BYTES + size;
	return fate;
}

/* What the batch's encoder makes of a page. */
static enum page_fate add_mixed(struct batch *batch, const uint8_t *data)
{
	size_t before = batch->payload_bytes + batch->raw_bytes, size;
	enum page_fate fate;
	switch (batch->encoding.encoder) {
	case ENCODER_LZ4:
	case ENCODER_ZSTD:
		memcpy(batch->packed_pages + (size_t)batch->packed++ * PAGE_BYTES, data, PAGE_BYTES);
		fate = FATE_PACKED;
		break;
	case ENCODER_RLE:
		size = rle_encode(data, payload_end(batch) + LENGTH_BYTES);
		fate = size ? add_encoded(batch, size, FATE_ENCODED) : add_raw(batch, data);
		break;
	default:
		fate = add_raw(batch, data);
	}
	batch->counts.mixed++;
	batch->counts.mixed_bytes += batch->payload_bytes + batch->raw_bytes - before;
	return fate;
}

/* What the batch's encoder would need for a page, about. */
static size_t expected_size(const struct batch *batch, const uint8_t *data)
{
	if (batch_codec(batch->encoding.encoder) != CODEC_NONE)
		return batch->packed_page_bytes;
	if (batch->encoding.encoder == ENCODER_NONE)
		return PAGE_BYTES;
	size_t size = rle_size(data);
	return size < PAGE_BYTES ? size : PAGE_BYTES;
}

static size_t encode_difference(const uint8_t *page, const uint8_t *before, uint8_t *to)
{
	uint64_t difference[PAGE_WORDS];
	for (size_t i = 0; i < PAGE_WORDS; i++)
		difference[i] = le64_load(page + 8 * i) ^ le64_load(before + 8 * i);
	return rle_encode((const uint8_t *)difference, to);
}

/* As difference or reference where the cache knows the page and that is smaller; otherwise to the encoder. */
static enum page_fate add_with_cache(struct batch *batch, uint64_t frame, const uint8_t *data, uint32_t *kept)
{
	uint32_t slot;
	uint64_t hash = page_hash(data);
	const uint8_t *before = page_cache_find(batch->cache, frame, &slot);
	batch->counts.lookups += batch->again;
	batch->counts.hits += batch->again && before;
	enum page_fate fate = FATES;
	if (before) {
		size_t size = encode_difference(data, before, payload_end(batch) + LENGTH_BYTES);
		if (size && size <= expected_size(batch, data))
			fate = add_encoded(batch, size, FATE_DELTA);
	} else if (page_cache_find_same(batch->cache, data, hash, &slot)) {
		le32_store(payload_end(batch), slot);
		batch->payload_bytes += sizeof(slot);
		return FATE_REFERENCE;
	}
	if (fate == FATES)
		fate = add_mixed(batch, data);
	if (page_cache_keep(batch->cache, frame, data, hash, batch->again, &slot))
		*kept = slot + 1;
	return fate;
}

/* Puts the content of a page that is sent at the end of the payload, in the smallest form that its type allows. */
static enum page_fate add_content(struct batch *batch, uint64_t frame, uint8_t type, const uint8_t *data, bool leave_out,
	uint32_t *kept)
{
	if (type != XEN_TYPE_NORMAL)
		return add_raw(batch, data);
	uint64_t word;
	if (page_is_constant(data, &word)) {
		if (word == 0)
			return FATE_ZERO;
		le64_store(payload_end(batch), word);
		batch->payload_bytes += sizeof(word);
		return FATE_CONSTANT;
	}
	if (leave_out)
		return FATE_LEFT_OUT;
	return batch->cache && !batch->encoding.without_cache ? add_with_cache(batch, frame, data, kept)
		: add_mixed(batch, data);
}

static void count_page(struct batch_counts *counts, enum page_fate fate)
{
	counts->pages++;
	counts->left_out += fate == FATE_LEFT_OUT;
	counts->constant += fate == FATE_ZERO || fate == FATE_CONSTANT;
	counts->encoded += fate == FATE_ENCODED || fate == FATE_PACKED;
	counts->raw += fate == FATE_RAW;
	counts->delta += fate == FATE_DELTA;
	counts->reference += fate == FATE_REFERENCE;
}

enum page_fate batch_append(struct batch *batch, uint64_t frame, uint8_t type, const uint8_t *data, bool leave_out)
{
	assert(batch->entries < BATCH_ENTRIES_MAX && frame < XEN_FRAME_LIMIT && xen_type_is_known(type));
	enum page_fate fate = FATE_NO_DATA;
	uint32_t kept = 0;
	if (xen_type_has_data(type)) {
		fate = add_content(batch, frame, type, data, leave_out, &kept);
		count_page(&batch->counts, fate);
	}
	add_to_runs(batch, frame, (uint8_t)(type << 4 | fate), kept);
	return fate;
}

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = (uint8_t)(value | 0x80);
	*to++ = (uint8_t)value;
	return to;
}

static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static size_t write_run_table(const struct batch *batch, uint8_t *table)
{
	uint8_t *to = table;
	uint64_t expected = 0;
	for (uint32_t i = 0; i < batch->runs; i++) {
		const struct run *run = &batch->run[i];
		*to++ = run->tag;
		to = put_varint(to, zigzag((int64_t)run->first - (int64_t)expected));
		to = put_varint(to, run->count);
		if (page_fate_can_be_kept(run->tag & 0xf))
			to = put_varint(to, run->slot);
		expected = run->first + run->count;
	}
	return (size_t)(to - table);
}

/* Compresses the packed pages behind the payload. False when out of memory. */
static bool pack(struct batch *batch, size_t *packed_bytes)
{
	*packed_bytes = 0;
	if (!batch->packed)
		return true;
	*packed_bytes = compressor_run(batch->compressor, batch_codec(batch->encoding.encoder), batch->encoding.level,
		batch->packed_pages, (size_t)batch->packed * PAGE_BYTES, payload_end(batch));
	batch->packed_page_bytes = *packed_bytes / batch->packed;
	batch->counts.mixed_bytes += *packed_bytes;
	return *packed_bytes > 0;
}

/* What begins at `start` and ends with the packed section, with the raw pages between. */
static void lay_out(struct batch *batch, const uint8_t *start, size_t packed_bytes)
{
	const uint8_t *payload = batch->bytes + PAYLOAD_AT, *done = start, *end = payload_end(batch) + packed_bytes;
	struct iovec *place = batch->place;
	for (uint32_t i = 0; i < batch->raws; i++) {
		const struct raw_pages *raw = &batch->raw[i];
		const uint8_t *before = payload + raw->payload_before;
		if (before > done)
			pieces_of(place++, done, (size_t)(before - done));
		pieces_of(place++, raw->at, raw->length);
		done = before;
	}
	if (end > done)
		pieces_of(place++, done, (size_t)(end - done));
	batch->pieces = (struct pieces){.at = batch->place, .count = (size_t)(place - batch->place),
		.length = (size_t)(end - start) + batch->raw_bytes};
}

/* Of all but the checksum itself. */
static uint32_t checksum(const struct pieces *pieces)
{
	const struct iovec *first = pieces->at;
	uint32_t crc = crc32c(0, (uint8_t *)first->iov_base + CHECKSUM_BYTES, first->iov_len - CHECKSUM_BYTES);
	for (size_t i = 1; i < pieces->count; i++)
		crc = crc32c(crc, pieces->at[i].iov_base, pieces->at[i].iov_len);
	return crc;
}

const struct pieces *batch_finish(struct batch *batch)
{
	assert(batch->entries > 0);
	uint8_t table[RUN_TABLE_MAX];
	size_t packed_bytes, table_bytes = write_run_table(batch, table);
	if (!pack(batch, &packed_bytes))
		return NULL;
	uint8_t *start = batch->bytes + RUN_TABLE_MAX - table_bytes;
	memcpy(start + BATCH_HEADER_BYTES, table, table_bytes);
	le16_store(start + 4, (uint16_t)batch->entries);
	start[6] = (uint8_t)(batch->packed ? batch_codec(batch->encoding.encoder) : CODEC_NONE);
	start[7] = 0;
	le32_store(start + 8, (uint32_t)packed_bytes);
	lay_out(batch, start, packed_bytes);
	le32_store(start, checksum(&batch->pieces));
	return &batch->pieces;
}
