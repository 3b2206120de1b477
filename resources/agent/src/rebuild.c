#include "rebuild.h"

#include <string.h>

#include "batch.h"
#include "crc32c.h"
#include "encode.h"
#include "le.h"

#define ENTRIES_AT (XEN_RECORD_HEADER_BYTES + 8u)

/* What is left of the batch to read. */
struct reader {
	const uint8_t *at, *end;
};

static bool damaged(struct error *err, const char *what)
{
	return error_set(err, ERR_STREAM, "Run the migration again.", "The page data from the source is damaged: %s.", what);
}

static size_t bytes_left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

/* LEB128 of at most 8 bytes, 56 bits. */
static bool get_varint(struct reader *reader, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 56; shift += 7) {
		if (reader->at == reader->end)
			return false;
		uint8_t byte = *reader->at++;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static bool fate_fits_type(uint8_t type, uint8_t fate)
{
	if (!xen_type_is_known(type) || fate >= FATES)
		return false;
	if (fate == FATE_NO_DATA || !xen_type_has_data(type))
		return fate == FATE_NO_DATA && !xen_type_has_data(type);
	return fate == FATE_RAW || type == XEN_TYPE_NORMAL;
}

static uint64_t rebuilt_entry(uint8_t type, uint8_t fate, uint64_t frame, bool scrub)
{
	return xen_entry(fate == FATE_LEFT_OUT && !scrub ? XEN_TYPE_XALLOC : type, frame);
}

/* Reads the run table into the record's entries and the fate of each. */
static bool read_runs(struct reader *in, uint32_t entries, bool scrub, uint8_t *record, uint8_t *fates, struct error *err)
{
	uint64_t expected = 0;
	for (uint32_t done = 0; done < entries;) {
		uint64_t step, count;
		if (in->at == in->end)
			return damaged(err, "its table of pages ends early");
		uint8_t tag = *in->at++, type = tag >> 4, fate = tag & 0xf;
		if (!get_varint(in, &step) || !get_varint(in, &count))
			return damaged(err, "its table of pages ends early");
		if (!fate_fits_type(type, fate))
			return damaged(err, "a page has an unknown type");
		/* A step below zero wraps round to a huge frame, and is found by the same test. */
		uint64_t first = expected + (uint64_t)unzigzag(step);
		if (count == 0 || count > entries - done || first >= XEN_FRAME_LIMIT || count > XEN_FRAME_LIMIT - first)
			return damaged(err, "its table of pages contradicts itself");
		for (uint64_t i = 0; i < count; i++, done++) {
			le64_store(record + ENTRIES_AT + done * 8, rebuilt_entry(type, fate, first + i, scrub));
			fates[done] = fate;
		}
		expected = first + count;
	}
	return true;
}

/* Takes `length` bytes off the payload; NULL when they are not there. */
static const uint8_t *take(struct reader *in, size_t length)
{
	if (bytes_left(in) < length)
		return NULL;
	const uint8_t *taken = in->at;
	in->at += length;
	return taken;
}

static bool read_page(struct reader *in, uint8_t fate, uint8_t *page)
{
	const uint8_t *from;
	size_t length;
	switch (fate) {
	case FATE_CONSTANT:
		if (!(from = take(in, sizeof(uint64_t))))
			return false;
		page_fill(page, le64_load(from));
		return true;
	case FATE_ENCODED:
		if (!(from = take(in, sizeof(uint16_t))))
			return false;
		length = le16_load(from);
		return (from = take(in, length)) && rle_decode(from, length, page);
	case FATE_RAW:
		if (!(from = take(in, PAGE_BYTES)))
			return false;
		memcpy(page, from, PAGE_BYTES);
		return true;
	default: /* zero, or left out and scrubbed */
		memset(page, 0, PAGE_BYTES);
		return true;
	}
}

bool rebuild_batch(const uint8_t *batch, size_t length, bool scrub, uint8_t *record, size_t *record_length,
	rebuilt_page *seen, void *context, struct error *err)
{
	if (length < BATCH_HEADER_BYTES || length > BATCH_MAX)
		return damaged(err, "a batch has an impossible size");
	if (crc32c(0, batch + 4, length - 4) != le32_load(batch))
		return damaged(err, "a batch does not match its checksum");
	uint32_t entries = le16_load(batch + 4);
	if (entries == 0 || entries > BATCH_ENTRIES_MAX || le16_load(batch + 6) != 0)
		return damaged(err, "a batch has an impossible header");

	struct reader in = { .at = batch + BATCH_HEADER_BYTES, .end = batch + length };
	uint8_t fates[BATCH_ENTRIES_MAX];
	if (!read_runs(&in, entries, scrub, record, fates, err))
		return false;

	uint8_t *page = record + ENTRIES_AT + entries * 8;
	for (uint32_t i = 0; i < entries; i++) {
		uint64_t entry = le64_load(record + ENTRIES_AT + i * 8);
		bool has_data = xen_type_has_data(xen_entry_type(entry));
		if (has_data && !read_page(&in, fates[i], page))
			return damaged(err, "the content of a page cannot be decoded");
		if (seen)
			seen(context, xen_entry_frame(entry), has_data ? page : NULL);
		page += has_data ? PAGE_BYTES : 0;
	}
	if (in.at != in.end)
		return damaged(err, "a batch is longer than its pages");

	*record_length = (size_t)(page - record);
	le32_store(record, XEN_RECORD_PAGE_DATA);
	le32_store(record + 4, (uint32_t)(*record_length - XEN_RECORD_HEADER_BYTES));
	le32_store(record + 8, entries);
	le32_store(record + 12, 0);
	return true;
}
