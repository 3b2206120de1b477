/* batch_test.c - if these fail, pages arrive wrong, in the wrong place, or cost more than they should. */
#include "batch.h"

#include "check.h"
#include "le.h"
#include "page_cache.h"
#include "pages.h"
#include "rebuild.h"
#include "together.h"

#define WORLD_FRAMES 200u

static struct random rng = { .state = 77 };
static uint8_t *record;

static const struct page_encoding encodings[] = {
	{ .encoder = ENCODER_NONE }, { .encoder = ENCODER_RLE }, { .encoder = ENCODER_RLE, .without_cache = true },
	{ .encoder = ENCODER_LZ4 }, { .encoder = ENCODER_ZSTD, .level = 1 }, { .encoder = ENCODER_ZSTD, .level = 6 },
};
#define ENCODINGS (sizeof(encodings) / sizeof(encodings[0]))

struct entry {
	uint64_t frame;
	uint8_t type;
	bool leave_out;
	enum page_fate fate;
	uint8_t page[PAGE_BYTES];
};

static struct entry entries[BATCH_ENTRIES_MAX];
static uint8_t *raw_pages[BATCH_ENTRIES_MAX]; /* as they were given, until the batch has been used */

/* One migration: what makes its batches, and two targets that get all of them. */
struct pair {
	struct batch *batch;
	struct rebuilder *scrubbing, *sparing;
	uint64_t by_fate[FATES];
};

static struct pair pair_new(uint32_t cache_pages, unsigned threads)
{
	struct pair pair = { .batch = batch_new(cache_pages, threads), .scrubbing = rebuilder_new(cache_pages, true),
		.sparing = rebuilder_new(cache_pages, false) };
	CHECK(pair.batch && pair.scrubbing && pair.sparing);
	return pair;
}

static void pair_free(struct pair *pair)
{
	batch_free(pair->batch);
	rebuilder_free(pair->scrubbing);
	rebuilder_free(pair->sparing);
}

static void append_all(struct pair *pair, struct page_encoding encoding, bool again, uint32_t count)
{
	batch_start(pair->batch, encoding, again);
	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = &entries[i];
		uint8_t *page = malloc(PAGE_BYTES); /* its own, so that the sanitizer sees it read too far, or later than it may be */
		memcpy(page, e->page, PAGE_BYTES);
		e->fate = batch_append(pair->batch, e->frame, e->type, xen_type_has_data(e->type) ? page : NULL, e->leave_out);
		pair->by_fate[e->fate]++;
		raw_pages[i] = e->fate == FATE_RAW ? page : NULL;
		if (e->fate != FATE_RAW)
			free(page);
	}
	CHECK(batch_entries(pair->batch) == count);
}

/* The record that xl must get, against the one in `record`. */
static void check_record(uint32_t count, bool scrub, size_t record_length)
{
	const uint8_t *page = record + 16 + count * 8;
	for (uint32_t i = 0; i < count; i++) {
		const struct entry *e = &entries[i];
		bool scrubbed = e->fate == FATE_LEFT_OUT && scrub;
		uint8_t type = e->fate == FATE_LEFT_OUT && !scrub ? XEN_TYPE_XALLOC : e->type;
		CHECK(le64_load(record + 16 + i * 8) == xen_entry(type, e->frame), "entry %u", i);
		if (!xen_type_has_data(type))
			continue;
		static const uint8_t zeros[PAGE_BYTES];
		CHECK(memcmp(page, scrubbed ? zeros : e->page, PAGE_BYTES) == 0, "entry %u, fate %d", i, (int)e->fate);
		page += PAGE_BYTES;
	}
	CHECK(record_length == (size_t)(page - record));
	CHECK(le32_load(record) == XEN_RECORD_PAGE_DATA && le32_load(record + 4) == record_length - 8);
	CHECK(le32_load(record + 8) == count && le32_load(record + 12) == 0);
}

static void rebuild(struct rebuilder *rebuilder, const uint8_t *bytes, size_t length, uint32_t count, bool scrub)
{
	size_t record_length = 0;
	struct error err = { 0 };
	CHECK(rebuild_together(rebuilder, bytes, length, record, &record_length, NULL, NULL, &err), "%s", err.message);
	check_record(count, scrub, record_length);
}

/* Finishes the batch and has both targets rebuild it from an exact copy. Returns its length. */
static size_t pass(struct pair *pair, uint32_t count)
{
	size_t length;
	const uint8_t *bytes = finish_batch(pair->batch, &length);
	CHECK(bytes && length <= BATCH_MAX);
	uint8_t *copy = malloc(length);
	memcpy(copy, bytes, length);
	for (uint32_t i = 0; i < count; i++)
		free(raw_pages[i]);
	rebuild(pair->scrubbing, copy, length, count, true);
	rebuild(pair->sparing, copy, length, count, false);
	free(copy);
	return length;
}

static void check_counts(const struct batch *batch, uint32_t count, size_t length)
{
	const struct batch_counts *counts = batch_counts(batch);
	uint64_t by_fate[FATES] = { 0 }, data = 0, tables = 0;
	for (uint32_t i = 0; i < count; i++) {
		by_fate[entries[i].fate]++;
		data += xen_type_has_data(entries[i].type);
		tables += xen_type_has_data(entries[i].type) && entries[i].type != XEN_TYPE_NORMAL;
	}
	CHECK(counts->pages == data && by_fate[FATE_NO_DATA] == count - data);
	CHECK(counts->left_out == by_fate[FATE_LEFT_OUT] && counts->encoded == by_fate[FATE_ENCODED] + by_fate[FATE_PACKED]);
	CHECK(counts->constant == by_fate[FATE_ZERO] + by_fate[FATE_CONSTANT] && counts->raw == by_fate[FATE_RAW]);
	CHECK(counts->delta == by_fate[FATE_DELTA] && counts->reference == by_fate[FATE_REFERENCE]);
	CHECK(counts->left_out + counts->constant + counts->encoded + counts->raw + counts->delta + counts->reference == counts->pages);
	CHECK(counts->mixed == counts->encoded + counts->raw - tables);
	CHECK(counts->hits <= counts->lookups && counts->lookups <= counts->mixed + counts->delta + counts->reference);
	/* What remains is header and table. */
	size_t known = BATCH_HEADER_BYTES + counts->mixed_bytes + tables * PAGE_BYTES + 8 * by_fate[FATE_CONSTANT] + 4 * counts->reference;
	CHECK(length > known && length <= known + count * BATCH_RUN_MAX + counts->delta * (PAGE_BYTES - 2));
}

/* --- Pages that come again, changed a little, a lot or not at all --- */

static struct {
	uint64_t frame;
	uint8_t page[PAGE_BYTES];
} world[WORLD_FRAMES];

static void make_world(void)
{
	uint64_t frame = random_below(&rng, 100);
	for (uint32_t i = 0; i < WORLD_FRAMES; i++) {
		world[i].frame = frame;
		fill_page(&rng, (enum page_kind)random_below(&rng, KINDS), world[i].page);
		/* Goes down now and then: order is kept whatever it is. */
		frame = (frame + (random_below(&rng, 4) ? 1 : random_u64(&rng) >> random_below(&rng, 64))) % XEN_FRAME_LIMIT;
	}
}

static void change(uint8_t *page)
{
	uint32_t at = random_below(&rng, PAGE_BYTES - 64);
	switch (random_below(&rng, 6)) {
	case 0:
		fill_page(&rng, (enum page_kind)random_below(&rng, KINDS), page);
		break;
	case 1:
		memcpy(page, world[random_below(&rng, WORLD_FRAMES)].page, PAGE_BYTES);
		break;
	case 2: case 3:
		fill_random(&rng, page + at, 64);
		break;
	default:
		break;
	}
}

static void take_from_world(uint32_t count)
{
	static const uint8_t types[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15 };
	uint32_t first = random_below(&rng, WORLD_FRAMES);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (first + i) % WORLD_FRAMES;
		struct entry *e = &entries[i];
		change(world[at].page);
		*e = (struct entry){ .frame = world[at].frame, .type = types[random_below(&rng, sizeof(types))],
			.leave_out = random_below(&rng, 4) == 0 };
		memcpy(e->page, world[at].page, PAGE_BYTES);
	}
}

static void pass_from_world(struct pair *pair, struct page_encoding encoding, bool again, uint32_t count)
{
	take_from_world(count);
	append_all(pair, encoding, again, count);
	size_t length = pass(pair, count);
	check_counts(pair->batch, count, length);
}

static void test_a_migration_with_each_encoder(void)
{
	static const uint32_t caches[] = { 0, PAGE_CACHE_WAYS - 1, PAGE_CACHE_WAYS, 66, 1024 };
	for (size_t e = 0; e < ENCODINGS; e++)
		for (size_t c = 0; c < sizeof(caches) / sizeof(caches[0]); c++) {
			struct pair pair = pair_new(caches[c], 1 + c % 2);
			make_world();
			for (unsigned i = 0; i < 10; i++)
				pass_from_world(&pair, encodings[e], i >= 3, 1 + random_below(&rng, 80));
			bool cached = caches[c] >= PAGE_CACHE_WAYS && !encodings[e].without_cache;
			bool packs = batch_codec(encodings[e].encoder) != CODEC_NONE;
			CHECK((pair.by_fate[FATE_PACKED] > 0) == packs);
			CHECK((pair.by_fate[FATE_ENCODED] > 0) == (encodings[e].encoder == ENCODER_RLE));
			bool roomy = cached && caches[c] > 4 * PAGE_CACHE_WAYS;
			CHECK(cached || !(pair.by_fate[FATE_DELTA] + pair.by_fate[FATE_REFERENCE]));
			CHECK(!roomy || (pair.by_fate[FATE_DELTA] && pair.by_fate[FATE_REFERENCE]), "encoding %zu, cache %zu", e, c);
			pair_free(&pair);
		}
}

static void test_encoders_may_change_at_any_batch(void)
{
	for (unsigned threads = 1; threads <= 2; threads++) {
		struct pair pair = pair_new(64, threads);
		make_world();
		for (unsigned i = 0; i < 60; i++)
			pass_from_world(&pair, encodings[random_below(&rng, ENCODINGS)], i >= 10, 1 + random_below(&rng, 30));
		for (unsigned fate = 0; fate < FATES; fate++)
			CHECK(pair.by_fate[fate], "fate %u", fate);
		pair_free(&pair);
	}
}

/* --- How one page travels --- */

static enum page_fate fate_of(struct batch *batch, enum page_encoder encoder, uint8_t type, enum page_kind kind, bool leave_out)
{
	uint8_t page[PAGE_BYTES];
	fill_page(&rng, kind, page);
	batch_start(batch, (struct page_encoding){ .encoder = encoder }, false);
	return batch_append(batch, 5, type, page, leave_out);
}

static void test_how_each_page_travels(void)
{
	struct batch *batch = batch_new(0, 1);
	CHECK(fate_of(batch, ENCODER_RLE, 0, KIND_DATABASE, false) == FATE_ENCODED);
	CHECK(fate_of(batch, ENCODER_RLE, 0, KIND_RANDOM, false) == FATE_RAW);
	CHECK(fate_of(batch, ENCODER_LZ4, 0, KIND_DATABASE, false) == FATE_PACKED);
	CHECK(fate_of(batch, ENCODER_ZSTD, 0, KIND_RANDOM, false) == FATE_PACKED);
	CHECK(fate_of(batch, ENCODER_NONE, 0, KIND_DATABASE, false) == FATE_RAW);
	for (enum page_encoder encoder = ENCODER_NONE; encoder < ENCODERS; encoder++) {
		/* Exploration and constants count whatever the encoder. Only mixed content is left out: what a kernel wrote into a
		 * free page on purpose arrives. */
		CHECK(fate_of(batch, encoder, 0, KIND_DATABASE, true) == FATE_LEFT_OUT);
		CHECK(fate_of(batch, encoder, 0, KIND_RANDOM, true) == FATE_LEFT_OUT);
		for (int leave_out = 0; leave_out < 2; leave_out++) {
			CHECK(fate_of(batch, encoder, 0, KIND_ZERO, leave_out) == FATE_ZERO);
			CHECK(fate_of(batch, encoder, 0, KIND_CONSTANT, leave_out) == FATE_CONSTANT);
		}
		/* Page tables of PV guests go as they are; what has no data has none. */
		for (uint8_t type = 1; type < XEN_TYPE_BROKEN; type++)
			if (xen_type_is_known(type))
				CHECK(fate_of(batch, encoder, type, KIND_ZERO, true) == FATE_RAW, "type %u", type);
		for (uint8_t type = XEN_TYPE_BROKEN; type <= XEN_TYPE_XTAB; type++) {
			batch_start(batch, (struct page_encoding){ .encoder = encoder }, false);
			CHECK(batch_append(batch, 5, type, NULL, true) == FATE_NO_DATA && batch_counts(batch)->pages == 0);
		}
	}
	batch_free(batch);
}

static void test_what_the_cache_is_for(void)
{
	const struct page_encoding rle = { .encoder = ENCODER_RLE };
	struct batch *batch = batch_new(1024, 1);
	uint8_t page[PAGE_BYTES], other[PAGE_BYTES];
	fill_page(&rng, KIND_RANDOM, page);
	fill_page(&rng, KIND_RANDOM, other);
	batch_start(batch, rle, false);
	CHECK(batch_append(batch, 1, 0, page, false) == FATE_RAW);
	CHECK(batch_append(batch, 2, 0, page, false) == FATE_REFERENCE, "another frame with the same content");
	CHECK(batch_counts(batch)->lookups == 0, "nothing was sent before in the first round");
	batch_start(batch, rle, true);
	CHECK(batch_append(batch, 1, 0, page, false) == FATE_DELTA, "written, but with what was there");
	page[2000] ^= 1;
	CHECK(batch_append(batch, 1, 0, page, false) == FATE_DELTA);
	CHECK(batch_append(batch, 1, 0, page, true) == FATE_LEFT_OUT, "free comes first");
	CHECK(batch_append(batch, 1, 0, other, false) == FATE_RAW, "a difference that is no smaller");
	CHECK(batch_append(batch, 3, 0, page, false) == FATE_RAW, "it was replaced");
	CHECK(batch_append(batch, 4, 0, other, false) == FATE_REFERENCE);
	CHECK(batch_counts(batch)->lookups == 5 && batch_counts(batch)->hits == 3);
	CHECK(batch_append(batch, 1, XEN_TYPE_L1_TABLE, other, true) == FATE_RAW && batch_counts(batch)->lookups == 5,
		"a page table has nothing to do with it");
	batch_start(batch, (struct page_encoding){ .encoder = ENCODER_NONE }, true);
	CHECK(batch_append(batch, 1, 0, other, false) == FATE_DELTA, "raw pages have a cache, too, …");
	batch_start(batch, (struct page_encoding){ .encoder = ENCODER_NONE, .without_cache = true }, true);
	CHECK(batch_append(batch, 1, 0, other, false) == FATE_RAW && !batch_counts(batch)->lookups, "… unless the CPU is short");
	batch_free(batch);
}

static void test_packed_pages_are_counted_once_packed(void)
{
	struct batch *batch = batch_new(0, 1);
	uint8_t page[PAGE_BYTES];
	size_t length;
	batch_start(batch, (struct page_encoding){ .encoder = ENCODER_ZSTD, .level = 1 }, false);
	for (unsigned i = 0; i < 3; i++) {
		fill_page(&rng, KIND_TEXT, page);
		batch_append(batch, i, 0, page, false);
		batch_append(batch, 10 + i, XEN_TYPE_XALLOC, NULL, false);
	}
	CHECK(batch_counts(batch)->mixed == 3 && batch_counts(batch)->mixed_bytes == 0);
	CHECK(finish_batch(batch, &length) && batch_counts(batch)->mixed_bytes > 0 && batch_counts(batch)->mixed_bytes < length);
	batch_start(batch, (struct page_encoding){ .encoder = ENCODER_ZSTD, .level = 1 }, false);
	CHECK(batch_counts(batch)->mixed == 0);
	batch_free(batch);
}

/* --- What it costs --- */

static size_t length_of(struct batch *batch, struct page_encoding encoding, uint64_t first, uint8_t type, const uint8_t *page, bool leave_out)
{
	size_t length;
	batch_start(batch, encoding, false);
	for (uint64_t i = 0; i < BATCH_ENTRIES_MAX; i++)
		batch_append(batch, first + i, type, page, leave_out);
	CHECK(finish_batch(batch, &length));
	return length;
}

static void test_what_costs_nothing(void)
{
	struct batch *batch = batch_new(2048, 1);
	uint8_t page[PAGE_BYTES];
	for (size_t e = 0; e < ENCODINGS; e++) {
		/* Xen's hole below 4 GiB: hundreds of records of 1024 frames that are not there. */
		CHECK(length_of(batch, encodings[e], 0xf0000, XEN_TYPE_XTAB, NULL, false) <= 20);
		page_fill(page, 0);
		CHECK(length_of(batch, encodings[e], 0, XEN_TYPE_NORMAL, page, false) <= 20);
		fill_page(&rng, KIND_RANDOM, page);
		CHECK(length_of(batch, encodings[e], 0, XEN_TYPE_NORMAL, page, true) <= 20);
	}
	/* That pages are kept costs a few bytes for each run, not for each page; copies cost a reference. */
	fill_page(&rng, KIND_DATABASE, page);
	size_t copies = length_of(batch, (struct page_encoding){ .encoder = ENCODER_RLE }, 0, XEN_TYPE_NORMAL, page, false);
	CHECK(copies < BATCH_ENTRIES_MAX * 4 + PAGE_BYTES + 40, "%zu", copies);
	batch_free(batch);
	batch = batch_new(4096, 1);
	size_t raw, kept;
	for (int cached = 0; cached < 2; cached++) {
		batch_start(batch, (struct page_encoding){ .encoder = ENCODER_RLE, .without_cache = !cached }, false);
		for (uint64_t i = 0; i < BATCH_ENTRIES_MAX; i++) {
			fill_page(&rng, KIND_RANDOM, page);
			CHECK(batch_append(batch, i, 0, page, false) == FATE_RAW);
		}
		CHECK(finish_batch(batch, cached ? &kept : &raw));
	}
	CHECK(kept == raw, "%zu, %zu", kept, raw);
	batch_free(batch);
}

/* Nothing encodes, each entry is a run with the longest step, and each is kept. */
static void test_the_worst(void)
{
	for (size_t e = 0; e < ENCODINGS; e++) {
		struct pair pair = pair_new(4096, 1);
		for (unsigned round = 0; round < 2; round++) {
			for (uint32_t i = 0; i < BATCH_ENTRIES_MAX; i++) {
				entries[i] = (struct entry){ .frame = i % 2 ? XEN_FRAME_LIMIT - 1 - i : i, .type = XEN_TYPE_NORMAL };
				fill_page(&rng, KIND_RANDOM, entries[i].page);
			}
			append_all(&pair, encodings[e], round, BATCH_ENTRIES_MAX);
			CHECK(pass(&pair, BATCH_ENTRIES_MAX) > (size_t)BATCH_ENTRIES_MAX * PAGE_BYTES);
		}
		pair_free(&pair);
	}
}

/* Around the size where the two bytes of the length decide; as the last page of a full batch. */
static void test_encodings_that_just_fit(void)
{
	struct pair pair = pair_new(0, 1);
	for (uint32_t i = 0; i < BATCH_ENTRIES_MAX; i++) {
		entries[i] = (struct entry){ .frame = i, .type = XEN_TYPE_NORMAL };
		fill_page(&rng, KIND_RANDOM, entries[i].page);
	}
	for (unsigned zero_words = 0; zero_words < 6; zero_words++) {
		memset(entries[BATCH_ENTRIES_MAX - 1].page + 64, 0, zero_words * 8);
		append_all(&pair, (struct page_encoding){ .encoder = ENCODER_RLE }, false, BATCH_ENTRIES_MAX);
		CHECK(entries[BATCH_ENTRIES_MAX - 1].fate == (zero_words >= 2 ? FATE_ENCODED : FATE_RAW), "%u zero words", zero_words);
		pass(&pair, BATCH_ENTRIES_MAX);
	}
	pair_free(&pair);
}

int main(void)
{
	record = malloc(XEN_PAGE_RECORD_MAX);
	CHECK(record);
	test_a_migration_with_each_encoder();
	test_encoders_may_change_at_any_batch();
	test_how_each_page_travels();
	test_what_the_cache_is_for();
	test_packed_pages_are_counted_once_packed();
	test_what_costs_nothing();
	test_the_worst();
	test_encodings_that_just_fit();
	free(record);
	CHECKS_PASSED();
	return 0;
}
