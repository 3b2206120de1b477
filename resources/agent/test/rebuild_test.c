/* rebuild_test.c - if these fail, a damaged or hostile source can harm the target's agent or hand xl nonsense. */
#include "rebuild.h"

#include "batch.h"
#include "check.h"
#include "crc32c.h"
#include "le.h"
#include "pages.h"

static struct random rng = { .state = 4711 };
static uint8_t *record;

/* A batch put together by hand, with a right checksum. */
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
	struct bytes bytes = { .length = 8 };
	le16_store(bytes.at + 4, entries);
	put(&bytes, runs, runs_length);
	return bytes;
}

#define MAKE(entries, ...) make(entries, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static bool rebuild(struct bytes *bytes, bool scrub, size_t *record_length, struct error *err)
{
	if (bytes->length >= 8)
		le32_store(bytes->at, crc32c(0, bytes->at + 4, bytes->length - 4));
	uint8_t *exact = malloc(bytes->length ? bytes->length : 1);
	memcpy(exact, bytes->at, bytes->length);
	bool rebuilt = rebuild_batch(exact, bytes->length, scrub, record, record_length, NULL, NULL, err);
	free(exact);
	return rebuilt;
}

static void check_accepted(struct bytes bytes, size_t expected_length)
{
	struct error err = { 0 };
	size_t record_length = 0;
	CHECK(rebuild(&bytes, true, &record_length, &err), "%s", err.message);
	CHECK(record_length == expected_length, "%zu", record_length);
}

static void check_refused(struct bytes bytes, const char *reason)
{
	struct error err = { 0 };
	size_t record_length = 0;
	CHECK(!rebuild(&bytes, true, &record_length, &err), "%s", reason);
	CHECK(err.code && strcmp(err.code, ERR_STREAM) == 0 && strstr(err.message, reason), "%s, not %s", err.message, reason);
}

/* The example of FORMAT.md, byte by byte. */
static void test_the_example(void)
{
	static const uint8_t example[] = {
		0x71, 0x3c, 0xce, 0x81, 0x07, 0x00, 0x00, 0x00, /* checksum, 7 entries */
		0x02, 0x80, 0x04, 0x02, /* type 0, zero: 2 frames from 0x100 */
		0x01, 0x00, 0x01,       /* type 0, left out: 0x102 */
		0x03, 0x04, 0x01,       /* type 0, constant: 0x105 */
		0x04, 0x00, 0x01,       /* type 0, encoded: 0x106 */
		0xf0, 0x0d, 0x02,       /* type 15, no data: 2 frames from 0x100 */
		0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, /* 0x105 */
		0x14, 0x00, 0xfe, 0x01, 0x00, 0x00,             /* 0x106: 20 bytes; group 0 in part zero, the others all */
		0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* all words but the first */
		0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
	};
	static const uint64_t frames[] = { 0x100, 0x101, 0x102, 0x105, 0x106, 0x100, 0x101 };
	size_t record_length;
	struct error err = { 0 };
	CHECK(rebuild_batch(example, sizeof(example), true, record, &record_length, NULL, NULL, &err), "%s (%08x)", err.message,
		crc32c(0, example + 4, sizeof(example) - 4));
	CHECK(record_length == 16 + 7 * 8 + 5 * PAGE_BYTES);
	for (unsigned i = 0; i < 7; i++)
		CHECK(le64_load(record + 16 + i * 8) == xen_entry(i < 5 ? 0 : 15, frames[i]), "entry %u", i);
	const uint8_t *page = record + 16 + 7 * 8;
	for (unsigned i = 0; i < 3 * PAGE_BYTES; i++)
		CHECK(page[i] == 0);
	CHECK(memcmp(page + 3 * PAGE_BYTES, example + 24, 8) == 0 && memcmp(page + 4 * PAGE_BYTES - 8, example + 24, 8) == 0);
	CHECK(le64_load(page + 4 * PAGE_BYTES) == UINT64_C(0x0807060504030201) && page[4 * PAGE_BYTES + 8] == 0);

	/* And it is what the encoder writes. */
	struct batch *batch = batch_new(ENCODER_RLE);
	uint8_t content[PAGE_BYTES];
	batch_start(batch);
	memset(content, 0, PAGE_BYTES);
	batch_append(batch, 0x100, 0, content, false);
	batch_append(batch, 0x101, 0, content, true);
	fill_page(&rng, KIND_RANDOM, content);
	batch_append(batch, 0x102, 0, content, true);
	batch_append(batch, 0x105, 0, page + 3 * PAGE_BYTES, false);
	batch_append(batch, 0x106, 0, page + 4 * PAGE_BYTES, false);
	batch_append(batch, 0x100, 15, NULL, false);
	batch_append(batch, 0x101, 15, NULL, false);
	size_t length;
	const uint8_t *bytes = batch_finish(batch, &length);
	CHECK(length == sizeof(example) && memcmp(bytes, example, length) == 0);
	batch_free(batch);
}

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
	for (size_t length = 0; length < 8; length++) {
		bytes.length = length;
		check_refused(bytes, "impossible size");
	}
	check_refused(MAKE(0, 0x02, 0x00, 0x01), "impossible header");
	check_refused(MAKE(1025, 0xf0, 0x00, 0x81, 0x08), "impossible header");
	bytes = MAKE(1, 0x02, 0x00, 0x01);
	bytes.at[6] = 1;
	check_refused(bytes, "impossible header");

	struct error err = { 0 };
	size_t record_length;
	uint8_t *huge = calloc(1, BATCH_MAX + 1);
	CHECK(!rebuild_batch(huge, BATCH_MAX + 1, true, record, &record_length, NULL, NULL, &err));
	CHECK(strstr(err.message, "impossible size"));
	free(huge);
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

static void test_types_and_fates(void)
{
	for (unsigned type = 0; type < 16; type++)
		for (unsigned fate = 0; fate < 16; fate++) {
			bool known = type <= 4 || type >= 9, has_data = type < 13;
			bool fits = known && (has_data ? fate == FATE_RAW || (type == 0 && fate >= FATE_LEFT_OUT && fate <= FATE_RAW)
				: fate == FATE_NO_DATA);
			struct bytes bytes = MAKE(1, (uint8_t)(type << 4 | fate), 0x00, 0x01);
			static const uint8_t encoded_zeros[] = { 4, 0, 0xff, 0, 0, 0 };
			if (fate == FATE_CONSTANT)
				put(&bytes, "constant", 8);
			if (fate == FATE_ENCODED)
				put(&bytes, encoded_zeros, sizeof(encoded_zeros));
			if (fate == FATE_RAW)
				bytes.length += PAGE_BYTES;
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
	bytes = MAKE(1, 0x05, 0x00, 0x01);
	bytes.length += PAGE_BYTES - 1;
	check_refused(bytes, "cannot be decoded");
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 4), "cannot be decoded");
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 0, 0), "cannot be decoded");
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 4, 0, 0xff, 0, 0), "cannot be decoded"); /* shorter than it says */
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 4, 0, 0x7f, 0, 0, 0), "cannot be decoded"); /* not a whole page */
	check_refused(MAKE(1, 0x04, 0x00, 0x01, 4, 0, 0xff, 0, 0, 0, 0), "longer than its pages");
}

/* A batch with every fate; `length` is set. */
static const uint8_t *mixed_batch(struct batch *batch, size_t *length)
{
	uint8_t page[PAGE_BYTES];
	batch_start(batch);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		fill_page(&rng, (enum page_kind)kind, page);
		batch_append(batch, 10 + kind, XEN_TYPE_NORMAL, page, kind == KIND_TEXT);
	}
	batch_append(batch, 3, XEN_TYPE_XALLOC, NULL, false);
	return batch_finish(batch, length);
}

static void test_every_cut_is_refused(void)
{
	struct batch *batch = batch_new(ENCODER_RLE);
	size_t length, record_length;
	const uint8_t *bytes = mixed_batch(batch, &length);
	for (size_t cut = 0; cut < length; cut++) {
		struct error err = { 0 };
		uint8_t *exact = malloc(cut ? cut : 1);
		memcpy(exact, bytes, cut);
		CHECK(!rebuild_batch(exact, cut, true, record, &record_length, NULL, NULL, &err));
		if (cut >= 8) { /* as a source that means it would send it */
			err = (struct error){ 0 };
			le32_store(exact, crc32c(0, exact + 4, cut - 4));
			CHECK(!rebuild_batch(exact, cut, true, record, &record_length, NULL, NULL, &err), "cut at %zu of %zu", cut, length);
		}
		free(exact);
	}
	batch_free(batch);
}

static void test_every_flipped_bit_is_seen(void)
{
	struct batch *batch = batch_new(ENCODER_RLE);
	size_t length, record_length;
	const uint8_t *bytes = mixed_batch(batch, &length);
	uint8_t *copy = malloc(length);
	memcpy(copy, bytes, length);
	for (size_t bit = 0; bit < length * 8; bit += 1 + random_below(&rng, 16)) {
		struct error err = { 0 };
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(!rebuild_batch(copy, length, true, record, &record_length, NULL, NULL, &err), "bit %zu", bit);
		CHECK(strcmp(err.code, ERR_STREAM) == 0 && err.message[0]);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(copy);
	batch_free(batch);
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
	CHECK(!page || page == record + 16 + 8 * (KINDS + 1) + seen->pages * PAGE_BYTES);
	seen->entries++;
	seen->pages += page != NULL;
}

static void test_every_page_is_shown(void)
{
	struct batch *batch = batch_new(ENCODER_RLE);
	size_t length, record_length;
	const uint8_t *bytes = mixed_batch(batch, &length);
	for (int scrub = 0; scrub < 2; scrub++) {
		struct seen seen = { .scrub = scrub };
		struct error err = { 0 };
		CHECK(rebuild_batch(bytes, length, scrub, record, &record_length, note_page, &seen, &err));
		CHECK(seen.entries == KINDS + 1 && record_length == 16 + 8 * (KINDS + 1) + seen.pages * PAGE_BYTES);
	}
	batch_free(batch);
}

int main(void)
{
	record = malloc(XEN_PAGE_RECORD_MAX);
	CHECK(record != NULL);
	test_the_example();
	test_smallest_and_highest();
	test_impossible_headers();
	test_wrong_tables();
	test_types_and_fates();
	test_wrong_payloads();
	test_every_cut_is_refused();
	test_every_flipped_bit_is_seen();
	test_every_page_is_shown();
	free(record);
	CHECKS_PASSED();
	return 0;
}
