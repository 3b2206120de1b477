/* rebuild_test.c - if these fail, a damaged or hostile source can harm the target's agent or hand xl nonsense. */
#include "rebuild.h"

#include "batch.h"
#include "check.h"
#include "crc32c.h"
#include "le.h"
#include "page_cache.h"
#include "pages.h"
#include "together.h"

#define SLOTS 8u

static struct random rng = { .state = 4711 };
static uint8_t *record;

/* A batch put together by hand. */
struct bytes {
	uint8_t at[3 * PAGE_BYTES];
	size_t length;
};

static void put(struct bytes *bytes, const void *from, size_t length)
{
	if (length)
		memcpy(bytes->at + bytes->length, from, length);
	bytes->length += length;
}

static struct bytes make(uint16_t entries, const uint8_t *runs, size_t runs_length)
{
	struct bytes bytes = { .length = BATCH_HEADER_BYTES };
	le16_store(bytes.at + 4, entries);
	put(&bytes, runs, runs_length);
	return bytes;
}

#define MAKE(entries, ...) make(entries, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void put_packed(struct bytes *bytes, enum codec codec, const void *section, size_t length)
{
	bytes->at[6] = (uint8_t)codec;
	put(bytes, section, length);
	le32_store(bytes->at + 8, (uint32_t)length);
}

static void put_checksum(uint8_t *batch, size_t length)
{
	le32_store(batch, crc32c(0, batch + 4, length - 4));
}

/* Rebuilds an exact copy, so that the sanitizer sees any access beyond it. */
static bool rebuild_exact(struct rebuilder *rebuilder, const uint8_t *bytes, size_t length, size_t *record_length, struct error *err)
{
	uint8_t *exact = malloc(length ? length : 1);
	memcpy(exact, bytes, length);
	bool rebuilt = rebuild_together(rebuilder, exact, length, record, record_length, NULL, NULL, err);
	free(exact);
	return rebuilt;
}

static bool rebuild(struct bytes *bytes, size_t *record_length, struct error *err)
{
	struct rebuilder *rebuilder = rebuilder_new(SLOTS, true);
	if (bytes->length >= BATCH_HEADER_BYTES)
		put_checksum(bytes->at, bytes->length);
	bool rebuilt = rebuild_exact(rebuilder, bytes->at, bytes->length, record_length, err);
	rebuilder_free(rebuilder);
	return rebuilt;
}

static void check_accepted(struct bytes bytes, size_t expected_length)
{
	struct error err = { 0 };
	size_t record_length = 0;
	CHECK(rebuild(&bytes, &record_length, &err), "%s", err.message);
	CHECK(record_length == expected_length, "%zu", record_length);
}

static void check_refused(struct bytes bytes, const char *reason)
{
	struct error err = { 0 };
	size_t record_length = 0;
	CHECK(!rebuild(&bytes, &record_length, &err), "%s", reason);
	CHECK(err.code && strcmp(err.code, ERR_STREAM) == 0 && strstr(err.message, reason), "%s, not %s", err.message, reason);
}

/* --- The example of FORMAT.md, byte by byte --- */

static const uint8_t example[] = {
	0x8f, 0xd0, 0x3b, 0xe6, 0x09, 0x00, 0x00, 0x00, /* checksum, 9 entries, nothing packed */
	0x00, 0x00, 0x00, 0x00,
	0x02, 0x80, 0x04, 0x02, /* type 0, zero: 2 frames from 0x100 */
	0x01, 0x00, 0x01,       /* type 0, left out: 0x102 */
	0x03, 0x04, 0x01,       /* type 0, constant: 0x105 */
	0x04, 0x00, 0x01, 0x01, /* type 0, encoded: 0x106, kept in slot 0 */
	0x08, 0x00, 0x01,       /* type 0, reference: 0x107 */
	0x07, 0x03, 0x01, 0x01, /* type 0, difference: 0x106, kept in slot 0 */
	0xf0, 0x0d, 0x02,       /* type 15, no data: 2 frames from 0x100 */
	0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, /* 0x105 */
	0x14, 0x00, 0xfe, 0x01, 0x00, 0x00,             /* 0x106: 20 bytes; group 0 in part zero, the others all */
	0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* all words but the first */
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
	0x00, 0x00, 0x00, 0x00,                         /* 0x107: slot 0 */
	0x14, 0x00, 0xfe, 0x01, 0x00, 0x00,             /* 0x106 again: 20 bytes, … */
	0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* all words but the second */
	0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
};
#define EXAMPLE_CONSTANT UINT64_C(0x1100ffeeddccbbaa)
#define EXAMPLE_FIRST UINT64_C(0x0807060504030201)
#define EXAMPLE_SECOND UINT64_C(0x1817161514131211)
#define EXAMPLE_SLOTS PAGE_CACHE_WAYS

/* The page of the example's entry, as the target has it. */
static void example_page(unsigned entry, uint8_t page[PAGE_BYTES])
{
	page_fill(page, entry == 3 ? EXAMPLE_CONSTANT : 0);
	if (entry >= 4)
		le64_store(page, EXAMPLE_FIRST);
	if (entry == 6)
		le64_store(page + 8, EXAMPLE_SECOND);
}

static const uint64_t example_frames[] = { 0x100, 0x101, 0x102, 0x105, 0x106, 0x107, 0x106, 0x100, 0x101 };
#define EXAMPLE_ENTRIES 9u
#define EXAMPLE_PAGES 7u

static void test_the_example_is_read(void)
{
	struct rebuilder *rebuilder = rebuilder_new(EXAMPLE_SLOTS, true);
	uint8_t expected[PAGE_BYTES];
	size_t record_length;
	struct error err = { 0 };
	CHECK(rebuild_exact(rebuilder, example, sizeof(example), &record_length, &err), "%s (%08x)", err.message,
		crc32c(0, example + 4, sizeof(example) - 4));
	CHECK(record_length == 16 + EXAMPLE_ENTRIES * 8 + EXAMPLE_PAGES * PAGE_BYTES);
	for (unsigned i = 0; i < EXAMPLE_ENTRIES; i++)
		CHECK(le64_load(record + 16 + i * 8) == xen_entry(i < EXAMPLE_PAGES ? 0 : 15, example_frames[i]), "entry %u", i);
	for (unsigned i = 0; i < EXAMPLE_PAGES; i++) {
		example_page(i, expected);
		CHECK(memcmp(record + 16 + EXAMPLE_ENTRIES * 8 + i * PAGE_BYTES, expected, PAGE_BYTES) == 0, "entry %u", i);
	}
	rebuilder_free(rebuilder);
}

static void test_the_example_is_what_the_encoder_writes(void)
{
	struct batch *batch = batch_new(EXAMPLE_SLOTS, 1);
	uint8_t page[PAGE_BYTES];
	size_t length;
	batch_start(batch, (struct page_encoding){ .encoder = ENCODER_RLE }, true);
	for (unsigned i = 0; i < EXAMPLE_ENTRIES; i++) {
		if (i == 2)
			fill_page(&rng, KIND_RANDOM, page);
		else
			example_page(i, page);
		batch_append(batch, example_frames[i], i < EXAMPLE_PAGES ? 0 : 15, i < EXAMPLE_PAGES ? page : NULL, i == 1 || i == 2);
	}
	const uint8_t *bytes = finish_batch(batch, &length);
	CHECK(length == sizeof(example) && memcmp(bytes, example, length) == 0);
	batch_free(batch);
}

/* --- Batches by hand --- */

static void test_smallest_and_highest(void)
{
	check_accepted(MAKE(1, 0x02, 0x00, 0x01), 24 + PAGE_BYTES);
	/* Frame 2^52 - 1: zigzag of it has 53 bits. */
	check_accepted(MAKE(1, 0xf0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x01), 24);
	check_accepted(MAKE(1024, 0xf0, 0x00, 0x80, 0x08), 16 + 8 * 1024);
}

static void test_impossible_headers(void)
{
	struct bytes bytes = MAKE(1, 0x02, 0x00, 0x01);
	for (size_t length = 0; length < BATCH_HEADER_BYTES; length++) {
		bytes.length = length;
		check_refused(bytes, "impossible size");
	}
	check_refused(MAKE(0, 0x02, 0x00, 0x01), "impossible header");
	check_refused(MAKE(1025, 0xf0, 0x00, 0x81, 0x08), "impossible header");
	bytes = MAKE(1, 0x02, 0x00, 0x01);
	bytes.at[6] = CODECS;
	check_refused(bytes, "impossible header");
	bytes = MAKE(1, 0x02, 0x00, 0x01);
	bytes.at[7] = 1;
	check_refused(bytes, "impossible header");
	bytes = MAKE(1, 0x02, 0x00, 0x01);
	le32_store(bytes.at + 8, 4); /* packed bytes that reach into the header */
	check_refused(bytes, "impossible header");
	le32_store(bytes.at + 8, UINT32_MAX);
	check_refused(bytes, "impossible header");

	struct rebuilder *rebuilder = rebuilder_new(0, true);
	struct error err = { 0 };
	size_t record_length;
	uint8_t *huge = calloc(1, BATCH_MAX + 1);
	CHECK(!rebuild_together(rebuilder, huge, BATCH_MAX + 1, record, &record_length, NULL, NULL, &err));
	CHECK(strstr(err.message, "impossible size"));
	free(huge);
	rebuilder_free(rebuilder);
}

static void test_wrong_tables(void)
{
	check_refused(make(1, NULL, 0), "ends early");
	check_refused(MAKE(1, 0x02), "ends early");
	check_refused(MAKE(1, 0x02, 0x00), "ends early");
	check_refused(MAKE(1, 0x02, 0x80), "ends early");
	check_refused(MAKE(2, 0x02, 0x00, 0x01), "ends early");
	check_refused(MAKE(1, 0x02, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01), "ends early"); /* 9-byte varint */
	check_refused(MAKE(1, 0x02, 0x00, 0x00), "contradicts itself"); /* empty run */
	check_refused(MAKE(1, 0x02, 0x00, 0x02), "contradicts itself"); /* more than the header says */
	check_refused(MAKE(1, 0xf0, 0x01, 0x01), "contradicts itself"); /* frame -1 */
	check_refused(MAKE(1, 0xf0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0x01), "contradicts itself"); /* frame 2^52 */
	check_refused(MAKE(2, 0xf0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x02), "contradicts itself"); /* runs past it */
	check_refused(MAKE(1, 0xf0, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), "contradicts itself");
}

static const uint8_t encoded_zeros[] = { 4, 0, 0xff, 0, 0, 0 };

static void test_types_and_fates(void)
{
	/* An LZ4 block: one literal, 4090 times the same, 5 literals. */
	static const uint8_t packed_page[] = { 0x1f, 'a', 1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		246, 0x50, 'a', 'a', 'a', 'a', 'a' };
	for (unsigned type = 0; type < 16; type++)
		for (unsigned fate = 0; fate < 16; fate++) {
			bool known = type <= 4 || type >= 9, has_data = type < 13;
			bool fits = known && (has_data ? fate == FATE_RAW || (type == 0 && fate >= FATE_LEFT_OUT && fate < FATES)
				: fate == FATE_NO_DATA);
			struct bytes bytes = MAKE(1, (uint8_t)(type << 4 | fate), 0x00, 0x01);
			if (page_fate_can_be_kept(fate))
				put(&bytes, fate == FATE_DELTA ? "\1" : "\0", 1);
			if (fate == FATE_CONSTANT)
				put(&bytes, "constant", 8);
			if (fate == FATE_ENCODED || fate == FATE_DELTA)
				put(&bytes, encoded_zeros, sizeof(encoded_zeros));
			if (fate == FATE_REFERENCE)
				put(&bytes, "\0\0\0", 4);
			if (fate == FATE_RAW)
				bytes.length += PAGE_BYTES;
			if (fate == FATE_PACKED)
				put_packed(&bytes, CODEC_LZ4, packed_page, sizeof(packed_page));
			if (fits)
				check_accepted(bytes, has_data ? 24 + PAGE_BYTES : 24);
			else
				check_refused(bytes, "unknown type");
		}
}

static void test_wrong_payloads(void)
{
	struct bytes bytes = MAKE(1, 0x02, 0x00, 0x01);
	put(&bytes, "", 1);
	check_refused(bytes, "longer than its pages");
	bytes = MAKE(1, 0x03, 0x00, 0x01);
	put(&bytes, "1234567", 7);
	check_refused(bytes, "cannot be decoded");
	bytes = MAKE(1, 0x05, 0x00, 0x01, 0x00);
	bytes.length += PAGE_BYTES - 1;
	check_refused(bytes, "cannot be decoded");
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 0x00, 4), "cannot be decoded");
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 0x00, 0, 0), "cannot be decoded");
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 0x00, 4, 0, 0xff, 0, 0), "cannot be decoded"); /* shorter than it says */
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 0x00, 4, 0, 0x7f, 0, 0, 0), "cannot be decoded"); /* not a whole page */
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 0x00, 4, 0, 0xff, 0, 0, 0, 0), "longer than its pages");
	check_refused(MAKE(1, 0x07, 0x00, 0x01, 0x01, 4, 0, 0x7f, 0, 0, 0), "cannot be decoded");
	check_refused(MAKE(1, 0x08, 0x00, 0x01, 0, 0, 0), "cannot be decoded");
	check_refused(MAKE(1, 0x08, 0x00, 0x01, 0, 0, 0, 0, 0), "longer than its pages");
}

/* --- Slots --- */

/* `entries` raw pages in one run, its slot as the varint in `slot`. */
static struct bytes raw_pages(uint8_t entries, const uint8_t *slot, size_t slot_length)
{
	struct bytes bytes = MAKE(entries, 0x05, 0x00, entries);
	put(&bytes, slot, slot_length);
	bytes.length += entries * PAGE_BYTES;
	return bytes;
}

#define RAW_PAGES(entries, ...) raw_pages(entries, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void test_slots_have_bounds(void)
{
	check_accepted(RAW_PAGES(1, 0), 24 + PAGE_BYTES);
	check_accepted(RAW_PAGES(1, SLOTS), 24 + PAGE_BYTES);
	check_accepted(RAW_PAGES(2, SLOTS - 1), 32 + 2 * PAGE_BYTES);
	check_refused(RAW_PAGES(1, SLOTS + 1), "no room");
	check_refused(RAW_PAGES(2, SLOTS), "no room");
	check_refused(RAW_PAGES(1, 0xff, 0xff, 0xff, 0xff, 0x0f), "no room");                   /* 2^32 - 1 */
	check_refused(RAW_PAGES(1, 0x81, 0x80, 0x80, 0x80, 0x10), "no room");                   /* 2^32 + 1 */
	check_refused(RAW_PAGES(2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), "no room"); /* 2^56 - 1 */
	check_refused(RAW_PAGES(1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00), "no room"); /* 9 bytes */
	check_refused(MAKE(1, 0x05, 0x00, 0x01), "no room"); /* a slot is due, the table ends */
	check_refused(MAKE(1, 0x07, 0x00, 0x01, 0x00, 4, 0, 0xff, 0, 0, 0), "no room"); /* a difference from nothing */
	check_accepted(MAKE(1, 0x07, 0x00, 0x01, SLOTS, 4, 0, 0xff, 0, 0, 0), 24 + PAGE_BYTES);
	check_refused(MAKE(1, 0x07, 0x00, 0x01, SLOTS + 1, 4, 0, 0xff, 0, 0, 0), "no room");
	check_accepted(MAKE(1, 0x08, 0x00, 0x01, SLOTS - 1, 0, 0, 0), 24 + PAGE_BYTES);
	check_refused(MAKE(1, 0x08, 0x00, 0x01, SLOTS, 0, 0, 0), "cannot be decoded");
	check_refused(MAKE(1, 0x08, 0x00, 0x01, 0xff, 0xff, 0xff, 0xff), "cannot be decoded");
}

static void test_without_slots_nothing_refers_to_one(void)
{
	static struct bytes batches[3];
	batches[0] = RAW_PAGES(1, 1);
	batches[1] = MAKE(1, 0x07, 0x00, 0x01, 0x01, 4, 0, 0xff, 0, 0, 0);
	batches[2] = MAKE(1, 0x08, 0x00, 0x01, 0, 0, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct rebuilder *rebuilder = rebuilder_new(0, true);
		struct error err = { 0 };
		size_t record_length;
		put_checksum(batches[i].at, batches[i].length);
		CHECK(!rebuild_exact(rebuilder, batches[i].at, batches[i].length, &record_length, &err), "batch %u", i);
		rebuilder_free(rebuilder);
	}
}

static void check_page(struct rebuilder *rebuilder, struct bytes batch, unsigned entries, unsigned entry, const uint8_t *expected)
{
	struct error err = { 0 };
	size_t record_length;
	put_checksum(batch.at, batch.length);
	CHECK(rebuild_exact(rebuilder, batch.at, batch.length, &record_length, &err), "%s", err.message);
	CHECK(memcmp(record + 16 + 8 * entries + entry * PAGE_BYTES, expected, PAGE_BYTES) == 0);
}

static void test_what_is_kept_is_there_later(void)
{
	struct rebuilder *rebuilder = rebuilder_new(SLOTS, true);
	uint8_t page[PAGE_BYTES], zeros[PAGE_BYTES] = { 0 };
	struct bytes kept = RAW_PAGES(2, 3); /* slots 2 and 3 */
	fill_random(&rng, page, PAGE_BYTES);
	memcpy(kept.at + kept.length - PAGE_BYTES, page, PAGE_BYTES);
	check_page(rebuilder, MAKE(1, 0x08, 0x00, 0x01, 3, 0, 0, 0), 1, 0, zeros); /* never filled */
	check_page(rebuilder, kept, 2, 1, page);
	check_page(rebuilder, MAKE(1, 0x08, 0x00, 0x01, 3, 0, 0, 0), 1, 0, page);
	check_page(rebuilder, MAKE(1, 0x07, 0x00, 0x01, 4, 4, 0, 0xff, 0, 0, 0), 1, 0, page);
	check_page(rebuilder, MAKE(1, 0x08, 0x00, 0x01, 2, 0, 0, 0), 1, 0, kept.at + kept.length - 2 * PAGE_BYTES);
	rebuilder_free(rebuilder);
}

/* --- Packed sections --- */

/* A zstd frame (RFC 8878) without an end, so that more may follow: its header with a window of 2^`window_log`, then a block
 * of one repeated byte for each 4096 bytes. */
static size_t zstd_section(uint8_t *to, unsigned window_log, unsigned pages)
{
	const uint8_t header[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, (uint8_t)((window_log - 10) << 3) };
	static const uint8_t block[] = { 0x02, 0x80, 0x00, 'a' };
	memcpy(to, header, sizeof(header));
	for (unsigned i = 0; i < pages; i++)
		memcpy(to + sizeof(header) + i * sizeof(block), block, sizeof(block));
	return sizeof(header) + pages * sizeof(block);
}

/* `entries` pages that are packed, the section with `pages` of them. */
static struct bytes packed_pages(uint8_t entries, unsigned window_log, unsigned pages)
{
	struct bytes bytes = MAKE(entries, 0x06, 0x00, entries, 0x00);
	uint8_t section[64];
	size_t length = zstd_section(section, window_log, pages);
	put_packed(&bytes, CODEC_ZSTD, section, length);
	return bytes;
}

static void test_packed_sections(void)
{
	check_accepted(packed_pages(1, 12, 1), 24 + PAGE_BYTES);
	check_accepted(packed_pages(3, COMPRESS_WINDOW_LOG, 3), 40 + 3 * PAGE_BYTES);
	check_refused(packed_pages(1, COMPRESS_WINDOW_LOG + 1, 1), "packed pages");
	check_refused(packed_pages(1, 31, 1), "packed pages");
	check_refused(packed_pages(1, 12, 0), "packed pages");
	check_refused(packed_pages(2, 12, 1), "packed pages");
	check_refused(packed_pages(1, 12, 2), "packed pages");

	struct bytes bytes = packed_pages(1, 12, 1);
	bytes.at[6] = CODEC_NONE;
	check_refused(bytes, "packed pages");
	bytes.at[6] = CODEC_LZ4; /* the other one's data */
	check_refused(bytes, "packed pages");
	check_refused(MAKE(1, 0x06, 0x00, 0x01, 0x00), "packed pages"); /* nothing there at all */
	bytes = MAKE(1, 0x06, 0x00, 0x01, 0x00);
	bytes.at[6] = CODEC_ZSTD;
	check_refused(bytes, "packed pages");
	bytes.at[6] = CODEC_LZ4;
	check_refused(bytes, "packed pages");

	bytes = MAKE(1, 0x02, 0x00, 0x01); /* no packed pages, and … */
	bytes.at[6] = CODEC_ZSTD;
	check_refused(bytes, "packed pages"); /* … a codec */
	bytes.at[6] = CODEC_NONE;
	put_packed(&bytes, CODEC_NONE, "1234", 4);
	check_refused(bytes, "packed pages"); /* … a section */

	bytes = packed_pages(1, 12, 1);
	le32_store(bytes.at + 8, le32_load(bytes.at + 8) - 1); /* its first byte becomes payload */
	check_refused(bytes, "packed pages");
	le32_store(bytes.at + 8, le32_load(bytes.at + 8) + 2); /* the table's last byte becomes part of it */
	check_refused(bytes, "no room");
}

/* --- Damage --- */

static uint8_t mixed_pages[KINDS][PAGE_BYTES];

/* A batch with every fate but those that refer to an earlier one; `length` is set. */
static const uint8_t *mixed_batch(struct batch *batch, enum page_encoder encoder, size_t *length)
{
	batch_start(batch, (struct page_encoding){ .encoder = encoder, .level = encoder == ENCODER_ZSTD }, true);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		fill_page(&rng, (enum page_kind)kind, mixed_pages[kind]);
		batch_append(batch, 10 + kind, XEN_TYPE_NORMAL, mixed_pages[kind], kind == KIND_TEXT);
	}
	batch_append(batch, 3, XEN_TYPE_XALLOC, NULL, false);
	return finish_batch(batch, length);
}

static void cut_everywhere(const uint8_t *bytes, size_t length)
{
	size_t record_length;
	for (size_t cut = 0; cut < length; cut += cut < 64 ? 1 : 1 + random_below(&rng, 64)) {
		struct rebuilder *rebuilder = rebuilder_new(SLOTS, true);
		struct error err = { 0 };
		uint8_t *exact = malloc(cut ? cut : 1);
		memcpy(exact, bytes, cut);
		CHECK(!rebuild_together(rebuilder, exact, cut, record, &record_length, NULL, NULL, &err));
		if (cut >= 8) { /* as a source that means it would send it */
			err = (struct error){ 0 };
			put_checksum(exact, cut);
			CHECK(!rebuild_together(rebuilder, exact, cut, record, &record_length, NULL, NULL, &err), "cut at %zu of %zu", cut, length);
		}
		free(exact);
		rebuilder_free(rebuilder);
	}
}

static void flip_everywhere(const uint8_t *bytes, size_t length)
{
	struct rebuilder *rebuilder = rebuilder_new(SLOTS, true);
	size_t record_length;
	uint8_t *copy = malloc(length);
	memcpy(copy, bytes, length);
	for (size_t bit = 0; bit < length * 8; bit += 1 + random_below(&rng, 16)) {
		struct error err = { 0 };
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(!rebuild_together(rebuilder, copy, length, record, &record_length, NULL, NULL, &err), "bit %zu", bit);
		CHECK(strcmp(err.code, ERR_STREAM) == 0 && err.message[0]);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(copy);
	rebuilder_free(rebuilder);
}

static void test_damage_is_seen(void)
{
	for (enum page_encoder encoder = ENCODER_RLE; encoder < ENCODERS; encoder++) {
		struct batch *batch = batch_new(SLOTS, 1);
		size_t length;
		const uint8_t *bytes = mixed_batch(batch, encoder, &length);
		cut_everywhere(bytes, length);
		flip_everywhere(bytes, length);
		batch_free(batch);
	}
}

struct seen {
	unsigned entries, pages;
	bool scrub;
};

static void note_page(void *context, uint64_t frame, const uint8_t *page)
{
	struct seen *seen = context;
	uint64_t expected = seen->entries < KINDS ? 10 + seen->entries : 3;
	CHECK(frame == expected, "entry %u", seen->entries);
	bool left_out = seen->entries == KIND_TEXT;
	CHECK((page != NULL) == (seen->entries < KINDS && (!left_out || seen->scrub)));
	static const uint8_t zeros[PAGE_BYTES];
	CHECK(!page || memcmp(page, left_out ? zeros : mixed_pages[seen->entries], PAGE_BYTES) == 0, "entry %u", seen->entries);
	seen->entries++;
	seen->pages += page != NULL;
}

static void test_every_page_is_shown(void)
{
	struct batch *batch = batch_new(SLOTS, 1);
	size_t length, record_length;
	const uint8_t *bytes = mixed_batch(batch, ENCODER_RLE, &length);
	for (int scrub = 0; scrub < 2; scrub++) {
		struct rebuilder *rebuilder = rebuilder_new(SLOTS, scrub);
		struct seen seen = { .scrub = scrub };
		struct error err = { 0 };
		CHECK(rebuild_together(rebuilder, bytes, length, record, &record_length, note_page, &seen, &err));
		CHECK(seen.entries == KINDS + 1 && record_length == 16 + 8 * (KINDS + 1) + seen.pages * PAGE_BYTES);
		rebuilder_free(rebuilder);
	}
	batch_free(batch);
}

int main(void)
{
	record = malloc(XEN_PAGE_RECORD_MAX);
	CHECK(record != NULL);
	test_the_example_is_read();
	test_the_example_is_what_the_encoder_writes();
	test_smallest_and_highest();
	test_impossible_headers();
	test_wrong_tables();
	test_types_and_fates();
	test_wrong_payloads();
	test_slots_have_bounds();
	test_without_slots_nothing_refers_to_one();
	test_what_is_kept_is_there_later();
	test_packed_sections();
	test_damage_is_seen();
	test_every_page_is_shown();
	free(record);
	CHECKS_PASSED();
	return 0;
}
