/*
 * batch_fuzz.c - any bytes as the batches of a migration, each behind its length (u16), with the checksum put right so that
 * the rest of the decoder is reached. What one batch leaves behind, kept pages and the compressors' contexts, the next finds.
 *
 * What must hold: a refusal is a sentence, and what is accepted is a record that libxc would accept and that survives being
 * made into a batch again. Scrubbing makes no difference to what is accepted.
 */
#include <stdlib.h>

#include "../test/together.h"
#include "batch.h"
#include "crc32c.h"
#include "le.h"
#include "rebuild.h"

#define INVARIANT(condition) do { if (!(condition)) abort(); } while (0)
#define SLOTS 64u

/* What has no state that could outlive an input. */
struct buffers {
	struct batch *batch;
	struct rebuilder *rebuilder;
	uint8_t *first, *second;
};

static void check_record(const uint8_t *record, size_t length)
{
	uint32_t count = le32_load(record + 8);
	size_t expected = 16 + count * 8;
	INVARIANT(le32_load(record) == XEN_RECORD_PAGE_DATA && le32_load(record + 4) == length - 8 && le32_load(record + 12) == 0);
	INVARIANT(count >= 1 && count <= XEN_PAGES_PER_RECORD);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t entry = le64_load(record + 16 + i * 8);
		INVARIANT(xen_type_is_known(xen_entry_type(entry)));
		INVARIANT(entry == xen_entry(xen_entry_type(entry), xen_entry_frame(entry)));
		expected += xen_type_has_data(xen_entry_type(entry)) ? PAGE_BYTES : 0;
	}
	INVARIANT(length == expected);
}

static void check_again(struct buffers *buffers, size_t length)
{
	uint32_t count = le32_load(buffers->first + 8);
	const uint8_t *page = buffers->first + 16 + count * 8;
	size_t batch_length, again;
	struct error err = { 0 };
	batch_start(buffers->batch, (struct page_encoding){ .encoder = ENCODER_RLE }, false);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t entry = le64_load(buffers->first + 16 + i * 8);
		batch_append(buffers->batch, xen_entry_frame(entry), xen_entry_type(entry), page, false);
		page += xen_type_has_data(xen_entry_type(entry)) ? PAGE_BYTES : 0;
	}
	const uint8_t *bytes = finish_batch(buffers->batch, &batch_length);
	INVARIANT(rebuild_together(buffers->rebuilder, bytes, batch_length, buffers->second, &again, NULL, NULL, &err));
	INVARIANT(again == length && memcmp(buffers->first, buffers->second, length) == 0);
}

static bool check_batch(struct buffers *buffers, struct rebuilder *rebuilder, const uint8_t *batch, size_t length)
{
	struct error err = { 0 };
	size_t record_length;
	bool accepted = rebuild_together(rebuilder, batch, length, buffers->first, &record_length, NULL, NULL, &err);
	if (accepted) {
		check_record(buffers->first, record_length);
		check_again(buffers, record_length);
	} else {
		INVARIANT(err.code && strcmp(err.code, ERR_STREAM) == 0 && err.message[0]);
	}
	return accepted;
}

/* An exact copy with the right checksum, so that the sanitizer sees any access beyond it. */
static uint8_t *exact_batch(const uint8_t *bytes, size_t length)
{
	uint8_t *exact = malloc(length ? length : 1);
	memcpy(exact, bytes, length);
	if (length >= 8)
		le32_store(exact, crc32c(0, exact + 4, length - 4));
	return exact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct buffers buffers;
	if (!buffers.batch) {
		buffers.batch = batch_new(0, 1);
		buffers.rebuilder = rebuilder_new(0, false);
		buffers.first = malloc(XEN_PAGE_RECORD_MAX);
		buffers.second = malloc(XEN_PAGE_RECORD_MAX);
		INVARIANT(buffers.batch && buffers.rebuilder && buffers.first && buffers.second);
	}
	struct rebuilder *scrubbing = rebuilder_new(SLOTS, true), *sparing = rebuilder_new(SLOTS, false);
	INVARIANT(scrubbing && sparing);
	for (bool accepted = true; accepted && length >= 2;) {
		size_t part = le16_load(data);
		data += 2;
		length -= 2;
		part = part < length ? part : length;
		uint8_t *exact = exact_batch(data, part);
		accepted = check_batch(&buffers, scrubbing, exact, part);
		INVARIANT(check_batch(&buffers, sparing, exact, part) == accepted);
		free(exact);
		data += part;
		length -= part;
	}
	rebuilder_free(scrubbing);
	rebuilder_free(sparing);
	return 0;
}
