/* batch_test.c - if these fail, pages arrive wrong, in the wrong place, or cost more than they should. */
#include "batch.h"

#include "check.h"
#include "le.h"
#include "pages.h"
#include "rebuild.h"

static struct random rng = { .state = 77 };
static struct batch *rle, *none;
static uint8_t *record;

struct entry {
	uint64_t frame;
	uint8_t type;
	bool leave_out;
	enum page_fate fate;
	uint8_t page[PAGE_BYTES];
};

static struct entry entries[BATCH_ENTRIES_MAX];

static void append_all(struct batch *batch, uint32_t count)
{
	batch_start(batch);
	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = &entries[i];
		uint8_t *page = malloc(PAGE_BYTES); /* its own, so that the sanitizer sees it read too late or too far */
		memcpy(page, e->page, PAGE_BYTES);
		e->fate = batch_append(batch, e->frame, e->type, xen_type_has_data(e->type) ? page : NULL, e->leave_out);
		free(page);
	}
	CHECK(batch_entries(batch) == count);
}

/* Finishes and rebuilds from an exact copy. Returns the record's length. */
static size_t rebuild(struct batch *batch, bool scrub, size_t *batch_length)
{
	size_t record_length = 0;
	struct error err = { 0 };
	const uint8_t *bytes = batch_finish(batch, batch_length);
	CHECK(*batch_length <= BATCH_MAX);
	uint8_t *copy = malloc(*batch_length);
	memcpy(copy, bytes, *batch_length);
	CHECK(rebuild_batch(copy, *batch_length, scrub, record, &record_length, NULL, NULL, &err), "%s", err.message);
	free(copy);
	return record_length;
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

static void check_counts(const struct batch *batch, uint32_t count)
{
	const struct batch_counts *counts = batch_counts(batch);
	uint64_t by_fate[FATES] = { 0 }, data = 0;
	for (uint32_t i = 0; i < count; i++) {
		by_fate[entries[i].fate]++;
		data += xen_type_has_data(entries[i].type);
	}
	CHECK(counts->pages == data && by_fate[FATE_NO_DATA] == count - data);
	CHECK(counts->left_out == by_fate[FATE_LEFT_OUT] && counts->encoded == by_fate[FATE_ENCODED]);
	CHECK(counts->constant == by_fate[FATE_ZERO] + by_fate[FATE_CONSTANT] && counts->raw == by_fate[FATE_RAW]);
	CHECK(counts->left_out + counts->constant + counts->encoded + counts->raw == counts->pages);
}

static void random_entries(uint32_t count)
{
	static const uint8_t types[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15, 15 };
	uint64_t frame = random_below(&rng, 100);
	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = &entries[i];
		e->frame = frame;
		e->type = types[random_below(&rng, sizeof(types))];
		e->leave_out = random_below(&rng, 3) == 0;
		fill_page(&rng, (enum page_kind)random_below(&rng, KINDS), e->page);
		uint64_t jump = random_below(&rng, 4) ? 1 : random_u64(&rng) >> random_below(&rng, 64);
		frame = (frame + jump) % XEN_FRAME_LIMIT; /* goes down now and then: order is kept whatever it is */
	}
}

static void test_any_record_comes_back(void)
{
	size_t batch_length;
	for (unsigned i = 0; i < 120; i++) {
		uint32_t count = 1 + random_below(&rng, i % 20 ? 40 : BATCH_ENTRIES_MAX);
		struct batch *batch = i % 3 ? rle : none;
		random_entries(count);
		append_all(batch, count);
		check_counts(batch, count);
		check_record(count, true, rebuild(batch, true, &batch_length));
		check_record(count, false, rebuild(batch, false, &batch_length)); /* finishing twice changes nothing */
	}
}

static enum page_fate fate_of(struct batch *batch, uint8_t type, enum page_kind kind, bool leave_out)
{
	uint8_t page[PAGE_BYTES];
	fill_page(&rng, kind, page);
	batch_start(batch);
	return batch_append(batch, 5, type, page, leave_out);
}

static void test_how_each_page_travels(void)
{
	CHECK(fate_of(rle, 0, KIND_DATABASE, false) == FATE_ENCODED);
	CHECK(fate_of(rle, 0, KIND_RANDOM, false) == FATE_RAW);
	CHECK(fate_of(rle, 0, KIND_ZERO, false) == FATE_ZERO);
	CHECK(fate_of(rle, 0, KIND_CONSTANT, false) == FATE_CONSTANT);
	/* Only mixed content is left out: what a kernel wrote into a free page on purpose arrives. */
	CHECK(fate_of(rle, 0, KIND_DATABASE, true) == FATE_LEFT_OUT);
	CHECK(fate_of(rle, 0, KIND_RANDOM, true) == FATE_LEFT_OUT);
	CHECK(fate_of(rle, 0, KIND_ZERO, true) == FATE_ZERO);
	CHECK(fate_of(rle, 0, KIND_CONSTANT, true) == FATE_CONSTANT);
	/* Without an encoder exploration and constants still count. */
	CHECK(fate_of(none, 0, KIND_DATABASE, false) == FATE_RAW);
	CHECK(fate_of(none, 0, KIND_DATABASE, true) == FATE_LEFT_OUT);
	CHECK(fate_of(none, 0, KIND_ZERO, false) == FATE_ZERO);
	/* Page tables of PV guests go as they are; what has no data has none. */
	for (uint8_t type = 1; type <= 12; type++)
		if (xen_type_is_known(type))
			CHECK(fate_of(rle, type, KIND_ZERO, true) == FATE_RAW, "type %u", type);
	for (uint8_t type = XEN_TYPE_BROKEN; type <= XEN_TYPE_XTAB; type++) {
		batch_start(rle);
		CHECK(batch_append(rle, 5, type, NULL, true) == FATE_NO_DATA && batch_counts(rle)->pages == 0);
	}
}

static size_t length_of(struct batch *batch)
{
	size_t length;
	batch_finish(batch, &length);
	return length;
}

static void test_what_it_costs(void)
{
	uint8_t page[PAGE_BYTES];
	/* Xen's hole below 4 GiB: hundreds of records of 1024 frames that are not there. */
	batch_start(rle);
	for (uint64_t i = 0; i < BATCH_ENTRIES_MAX; i++)
		batch_append(rle, 0xf0000 + i, XEN_TYPE_XTAB, NULL, false);
	CHECK(length_of(rle) <= 16, "%zu", length_of(rle));

	batch_start(rle);
	page_fill(page, 0);
	for (uint64_t i = 0; i < BATCH_ENTRIES_MAX; i++)
		batch_append(rle, i, XEN_TYPE_NORMAL, page, false);
	CHECK(length_of(rle) <= 16, "%zu", length_of(rle));

	batch_start(rle);
	fill_page(&rng, KIND_RANDOM, page);
	for (uint64_t i = 0; i < BATCH_ENTRIES_MAX; i++)
		batch_append(rle, i, XEN_TYPE_NORMAL, page, true);
	CHECK(length_of(rle) <= 16, "%zu", length_of(rle));

	/* The worst: nothing encodes, and each entry is a run with the longest step. */
	for (uint32_t i = 0; i < BATCH_ENTRIES_MAX; i++) {
		entries[i] = (struct entry){ .frame = i % 2 ? XEN_FRAME_LIMIT - 1 - i : i, .type = XEN_TYPE_NORMAL };
		fill_page(&rng, KIND_RANDOM, entries[i].page);
	}
	append_all(rle, BATCH_ENTRIES_MAX);
	size_t length;
	check_record(BATCH_ENTRIES_MAX, true, rebuild(rle, true, &length));
	CHECK(length > (size_t)BATCH_ENTRIES_MAX * PAGE_BYTES);
}

static void test_encodings_that_just_fit(void)
{
	/* Around the size where the two bytes of the length decide; as the last page of a full batch. */
	uint8_t page[PAGE_BYTES];
	for (unsigned zero_words = 0; zero_words < 6; zero_words++) {
		batch_start(rle);
		for (uint32_t i = 0; i < BATCH_ENTRIES_MAX; i++) {
			fill_page(&rng, KIND_RANDOM, page);
			if (i == BATCH_ENTRIES_MAX - 1)
				memset(page + 64, 0, zero_words * 8);
			enum page_fate fate = batch_append(rle, i, XEN_TYPE_NORMAL, page, false);
			bool encoded = i == BATCH_ENTRIES_MAX - 1 && zero_words >= 2;
			CHECK(fate == (encoded ? FATE_ENCODED : FATE_RAW), "%u zero words", zero_words);
		}
		size_t length;
		size_t record_length = rebuild(rle, true, &length);
		CHECK(memcmp(record + record_length - PAGE_BYTES, page, PAGE_BYTES) == 0);
	}
}

int main(void)
{
	rle = batch_new(ENCODER_RLE);
	none = batch_new(ENCODER_NONE);
	record = malloc(XEN_PAGE_RECORD_MAX);
	CHECK(rle && none && record);
	test_any_record_comes_back();
	test_how_each_page_travels();
	test_what_it_costs();
	test_encodings_that_just_fit();
	batch_free(rle);
	batch_free(none);
	free(record);
	CHECKS_PASSED();
	return 0;
}
