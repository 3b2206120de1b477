#include "batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "encode.h"
#include "le.h"

/* The run table's size is known only at the end. It gets room before the payload, and is put right in front of it. */
#define RUN_TABLE_MAX ((size_t)BATCH_ENTRIES_MAX * BATCH_RUN_MAX)
#define PAYLOAD_AT (BATCH_HEADER_BYTES + RUN_TABLE_MAX)
#define LENGTH_BYTES 2u /* before each encoded page */

/* Entries with consecutive frames, one type and one fate. */
struct run {
	uint64_t first;
	uint32_t count;
	uint8_t tag;
};

struct batch {
	enum page_encoder encoder;
	uint32_t entries;
	uint32_t runs;
	size_t payload_bytes;
	struct batch_counts counts;
	struct run run[BATCH_ENTRIES_MAX];
	uint8_t bytes[BATCH_MAX + LENGTH_BYTES]; /* an encoding is tried behind its length */
};

struct batch *batch_new(enum page_encoder encoder)
{
	struct batch *batch = malloc(sizeof(*batch));
	if (!batch)
		return NULL;
	batch->encoder = encoder;
	batch_start(batch);
	return batch;
}

void batch_free(struct batch *batch)
{
	free(batch);
}

void batch_start(struct batch *batch)
{
	batch->entries = batch->runs = 0;
	batch->payload_bytes = 0;
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

static void add_to_runs(struct batch *batch, uint64_t frame, uint8_t tag)
{
	struct run *last = batch->runs ? &batch->run[batch->runs - 1] : NULL;
	if (last && last->tag == tag && last->first + last->count == frame)
		last->count++;
	else
		batch->run[batch->runs++] = (struct run){ .first = frame, .count = 1, .tag = tag };
	batch->entries++;
}

/* Puts the content of a page that is sent at the end of the payload, in the smallest form that its type allows. */
static enum page_fate add_content(struct batch *batch, uint8_t type, const uint8_t *data, bool leave_out)
{
	uint8_t *to = batch->bytes + PAYLOAD_AT + batch->payload_bytes;
	if (type == XEN_TYPE_NORMAL) {
		uint64_t word;
		if (page_is_constant(data, &word)) {
			if (word == 0)
				return FATE_ZERO;
			le64_store(to, word);
			batch->payload_bytes += sizeof(word);
			return FATE_CONSTANT;
		}
		if (leave_out)
			return FATE_LEFT_OUT;
		size_t size = batch->encoder == ENCODER_RLE ? rle_encode(data, to + LENGTH_BYTES) : 0;
		if (size) {
			le16_store(to, (uint16_t)size);
			batch->payload_bytes += LENGTH_BYTES + size;
			return FATE_ENCODED;
		}
	}
	memcpy(to, data, PAGE_BYTES);
	batch->payload_bytes += PAGE_BYTES;
	return FATE_RAW;
}

static void count_page(struct batch_counts *counts, enum page_fate fate)
{
	counts->pages++;
	counts->left_out += fate == FATE_LEFT_OUT;
	counts->constant += fate == FATE_ZERO || fate == FATE_CONSTANT;
	counts->encoded += fate == FATE_ENCODED;
	counts->raw += fate == FATE_RAW;
}

enum page_fate batch_append(struct batch *batch, uint64_t frame, uint8_t type, const uint8_t *data, bool leave_out)
{
	assert(batch->entries < BATCH_ENTRIES_MAX && frame < XEN_FRAME_LIMIT && xen_type_is_known(type));
	enum page_fate fate = FATE_NO_DATA;
	if (xen_type_has_data(type)) {
		fate = add_content(batch, type, data, leave_out);
		count_page(&batch->counts, fate);
	}
	add_to_runs(batch, frame, (uint8_t)(type << 4 | fate));
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
		expected = run->first + run->count;
	}
	return (size_t)(to - table);
}

const uint8_t *batch_finish(struct batch *batch, size_t *length)
{
	assert(batch->entries > 0);
	uint8_t table[RUN_TABLE_MAX];
	size_t table_bytes = write_run_table(batch, table);
	uint8_t *start = batch->bytes + RUN_TABLE_MAX - table_bytes;
	*length = BATCH_HEADER_BYTES + table_bytes + batch->payload_bytes;

	memcpy(start + BATCH_HEADER_BYTES, table, table_bytes);
	le16_store(start + 4, (uint16_t)batch->entries);
	le16_store(start + 6, 0);
	le32_store(start, crc32c(0, start + 4, *length - 4));
	return start;
}
