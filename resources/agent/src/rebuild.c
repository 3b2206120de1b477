#include "rebuild.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "batch.h"
#include "compress.h"
#include "crc32c.h"
#include "encode.h"
#include "le.h"

#define ENTRIES_AT (XEN_RECORD_HEADER_BYTES + 8u)

/* What is left of the batch to read. */
struct reader {
	const uint8_t *at, *end;
};

/* An entry as the run table has it. */
struct entry {
	uint8_t fate;
	uint32_t slot; /* plus 1; 0: not kept */
};

struct rebuilder {
	bool scrub;
	uint32_t cache_pages;
	uint8_t *slots;
	struct decompressor *decompressor;
	const uint8_t *next_packed; /* in `packed` */
	uint8_t *next_made;         /* in `made` */
	struct entry entries[BATCH_ENTRIES_MAX];
	struct pieces record;
	struct iovec place[1 + BATCH_ENTRIES_MAX]; /* header and entries, then the pages; those that lie in a row are one */
	uint8_t head[ENTRIES_AT + BATCH_ENTRIES_MAX * 8];
	uint8_t packed[BATCH_ENTRIES_MAX * PAGE_BYTES];
	uint8_t made[BATCH_ENTRIES_MAX * PAGE_BYTES]; /* pages that lie nowhere as they are */
};

struct rebuilder *rebuilder_new(uint32_t cache_pages, bool scrub)
{
	struct rebuilder *rebuilder = malloc(sizeof(*rebuilder));
	if (!rebuilder)
		return NULL;
	rebuilder->scrub = scrub;
	rebuilder->cache_pages = cache_pages;
	rebuilder->slots = NULL;
	if (cache_pages)
		rebuilder->slots = mmap(NULL, (size_t)cache_pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (rebuilder->slots == MAP_FAILED)
		rebuilder->slots = NULL;
	rebuilder->decompressor = decompressor_new();
	if (rebuilder->decompressor && (rebuilder->slots || !cache_pages))
		return rebuilder;
	rebuilder_free(rebuilder);
	return NULL;
}

void rebuilder_free(struct rebuilder *rebuilder)
{
	if (!rebuilder)
		return;
	if (rebuilder->slots)
		munmap(rebuilder->slots, (size_t)rebuilder->cache_pages * PAGE_BYTES);
	decompressor_free(rebuilder->decompressor);
	free(rebuilder);
}

static uint8_t *slot_at(const struct rebuilder *rebuilder, uint32_t slot)
{
	return rebuilder->slots + (size_t)slot * PAGE_BYTES;
}

static bool damaged(struct error *err, const char *what)
{
	return error_set(err, ERR_STREAM, "Run the migration again.", "The page data from the source is damaged: %s.", what);
}

static const struct pieces *refused(struct error *err, const char *what)
{
	damaged(err, what);
	return NULL;
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

/* The slot of a run's first entry, where the run's fate has one. */
static bool read_slot(const struct rebuilder *rebuilder, struct reader *in, uint8_t fate, uint64_t count, uint64_t *slot)
{
	*slot = 0;
	if (!page_fate_can_be_kept(fate))
		return true;
	if (!get_varint(in, slot) || (*slot && (*slot > rebuilder->cache_pages || count > rebuilder->cache_pages - *slot + 1)))
		return false;
	return *slot || fate != FATE_DELTA; /* a difference needs what it differs from */
}

/* Reads the run table into the record's entries and those of the rebuilder. */
static bool read_runs(struct rebuilder *rebuilder, struct reader *in, uint32_t entries, struct error *err)
{
	uint64_t expected = 0;
	for (uint32_t done = 0; done < entries;) {
		uint64_t step, count, slot;
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
		if (!read_slot(rebuilder, in, fate, count, &slot))
			return damaged(err, "a page is to be kept where there is no room for it");
		for (uint64_t i = 0; i < count; i++, done++) {
			le64_store(rebuilder->head + ENTRIES_AT + done * 8, rebuilt_entry(type, fate, first + i, rebuilder->scrub));
			rebuilder->entries[done] = (struct entry){.fate = fate, .slot = slot ? (uint32_t)(slot + i) : 0};
		}
		expected = first + count;
	}
	return true;
}

/* Decodes the packed pages, all at once; they are handed out in order. */
static bool unpack(struct rebuilder *rebuilder, enum codec codec, const uint8_t *section, size_t length, uint32_t entries)
{
	size_t pages = 0;
	for (uint32_t i = 0; i < entries; i++)
		pages += rebuilder->entries[i].fate == FATE_PACKED;
	rebuilder->next_packed = rebuilder->packed;
	if (!pages || codec == CODEC_NONE)
		return !pages && codec == CODEC_NONE && !length;
	return decompressor_run(rebuilder->decompressor, codec, section, length, rebuilder->packed, pages * PAGE_BYTES);
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

static bool read_encoded(struct reader *in, uint8_t *page)
{
	const uint8_t *from = take(in, sizeof(uint16_t));
	size_t length = from ? le16_load(from) : 0;
	return from && (from = take(in, length)) && rle_decode(from, length, page);
}

static bool read_difference(struct reader *in, const uint8_t *before, uint8_t *page)
{
	if (!read_encoded(in, page))
		return false;
	for (size_t i = 0; i < PAGE_BYTES; i += 8)
		le64_store(page + i, le64_load(page + i) ^ le64_load(before + i));
	return true;
}

static bool read_reference(const struct rebuilder *rebuilder, struct reader *in, uint8_t *page)
{
	const uint8_t *from = take(in, sizeof(uint32_t));
	if (!from || le32_load(from) >= rebuilder->cache_pages)
		return false;
	memcpy(page, slot_at(rebuilder, le32_load(from)), PAGE_BYTES);
	return true;
}

/* A page that is decoded or filled. */
static bool make_page(struct rebuilder *rebuilder, struct reader *in, const struct entry *entry, uint8_t *page)
{
	const uint8_t *from;
	switch (entry->fate) {
	case FATE_CONSTANT:
		if (!(from = take(in, sizeof(uint64_t))))
			return false;
		page_fill(page, le64_load(from));
		return true;
	case FATE_ENCODED:
		return read_encoded(in, page);
	case FATE_DELTA:
		return read_difference(in, slot_at(rebuilder, entry->slot - 1), page);
	default:
		return read_reference(rebuilder, in, page);
	}
}

/* Where an entry's page is now; NULL if it cannot be decoded. A page in a slot is copied: a later entry may replace it. */
static const uint8_t *find_page(struct rebuilder *rebuilder, struct reader *in, const struct entry *entry)
{
	static const uint8_t zeros[PAGE_BYTES];
	uint8_t *made = rebuilder->next_made;
	switch (entry->fate) {
	case FATE_ZERO:
	case FATE_LEFT_OUT:
		return zeros;
	case FATE_RAW:
		return take(in, PAGE_BYTES);
	case FATE_PACKED:
		rebuilder->next_packed += PAGE_BYTES;
		return rebuilder->next_packed - PAGE_BYTES;
	default:
		rebuilder->next_made += PAGE_BYTES;
		return make_page(rebuilder, in, entry, made) ? made : NULL;
	}
}

static void begin_record(struct rebuilder *rebuilder, uint32_t entries)
{
	struct iovec *head = rebuilder->place;
	rebuilder->record = pieces_of(head, rebuilder->head, ENTRIES_AT + entries * 8);
	rebuilder->next_made = rebuilder->made;
}

static void add_to_record(struct rebuilder *rebuilder, const uint8_t *page)
{
	struct pieces *record = &rebuilder->record;
	struct iovec *last = &rebuilder->place[record->count - 1];
	if ((uint8_t *)last->iov_base + last->iov_len == page)
		last->iov_len += PAGE_BYTES;
	else
		pieces_of(&rebuilder->place[record->count++], page, PAGE_BYTES);
	record->length += PAGE_BYTES;
}

static void write_record_header(uint8_t *record, size_t record_length, uint32_t entries)
{
	le32_store(record, XEN_RECORD_PAGE_DATA);
	le32_store(record + 4, (uint32_t)(record_length - XEN_RECORD_HEADER_BYTES));
	le32_store(record + 8, entries);
	le32_store(record + 12, 0);
}

static bool read_pages(struct rebuilder *rebuilder, struct reader *in, uint32_t entries, rebuilt_page *seen, void *context,
	struct error *err)
{
	begin_record(rebuilder, entries);
	for (uint32_t i = 0; i < entries; i++) {
		const struct entry *entry = &rebuilder->entries[i];
		uint64_t rebuilt = le64_load(rebuilder->head + ENTRIES_AT + i * 8);
		const uint8_t *page = NULL;
		if (xen_type_has_data(xen_entry_type(rebuilt))) {
			if (!(page = find_page(rebuilder, in, entry)))
				return damaged(err, "the content of a page cannot be decoded");
			add_to_record(rebuilder, page);
		}
		if (entry->slot)
			memcpy(slot_at(rebuilder, entry->slot - 1), page, PAGE_BYTES);
		if (seen)
			seen(context, xen_entry_frame(rebuilt), page);
	}
	return in->at == in->end || damaged(err, "a batch is longer than its pages");
}

const struct pieces *rebuild_batch(struct rebuilder *rebuilder, const uint8_t *batch, size_t length, rebuilt_page *seen,
	void *context, struct error *err)
{
	if (length < BATCH_HEADER_BYTES || length > BATCH_MAX)
		return refused(err, "a batch has an impossible size");
	if (crc32c(0, batch + 4, length - 4) != le32_load(batch))
		return refused(err, "a batch does not match its checksum");
	uint32_t entries = le16_load(batch + 4), packed_bytes = le32_load(batch + 8);
	uint8_t codec = batch[6];
	if (entries == 0 || entries > BATCH_ENTRIES_MAX || codec >= CODECS || batch[7] != 0
		|| packed_bytes > length - BATCH_HEADER_BYTES)
		return refused(err, "a batch has an impossible header");

	struct reader in = { .at = batch + BATCH_HEADER_BYTES, .end = batch + length - packed_bytes };
	if (!read_runs(rebuilder, &in, entries, err))
		return NULL;
	if (!unpack(rebuilder, (enum codec)codec, batch + length - packed_bytes, packed_bytes, entries))
		return refused(err, "its packed pages cannot be decoded");
	if (!read_pages(rebuilder, &in, entries, seen, context, err))
		return NULL;
	write_record_header(rebuilder->head, rebuilder->record.length, entries);
	return &rebuilder->record;
}
