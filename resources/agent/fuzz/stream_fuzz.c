/*
 * stream_fuzz.c - any bytes as a migration stream. The first byte chooses the parser's mode and whether a generated stream
 * is damaged or the rest is taken as the stream; the second is the seed.
 *
 * What must hold: what is passed on is the input, unchanged and from its start; the size of the chunks, and where they are
 * read to, makes no difference; each page that is not left out survives batch and rebuild.
 */
#include <stdlib.h>

#include "../test/stream_builder.h"
#include "../test/together.h"
#include "batch.h"
#include "rebuild.h"

#define INVARIANT(condition) do { if (!(condition)) abort(); } while (0)

struct output {
	const uint8_t *input, *entries; /* the latter of the record that is being given */
	size_t length, passed;
	struct random random;
};

static struct batch *batch;
static struct rebuilder *scrubbing, *sparing;
static uint8_t *rebuilt;

static bool pass(void *context, const uint8_t *bytes, size_t length, struct error *err)
{
	struct output *output = context;
	(void)err;
	INVARIANT(length <= output->length - output->passed);
	INVARIANT(memcmp(output->input + output->passed, bytes, length) == 0);
	output->passed += length;
	return true;
}

static void check_rebuilt(const struct xen_page_record *record, const enum page_fate *fates, bool scrub, const uint8_t *bytes,
	size_t length)
{
	size_t rebuilt_length;
	struct error err = { 0 };
	INVARIANT(rebuild_together(scrub ? scrubbing : sparing, bytes, length, rebuilt, &rebuilt_length, NULL, NULL, &err));
	const uint8_t *page = rebuilt + 16 + record->count * 8, *original = record->pages;
	for (uint32_t i = 0; i < record->count; i++) {
		uint64_t entry = le64_load(rebuilt + 16 + i * 8);
		uint8_t type = xen_entry_type(record->entries[i]);
		bool left_out = fates[i] == FATE_LEFT_OUT;
		INVARIANT(xen_entry_frame(entry) == xen_entry_frame(record->entries[i]));
		INVARIANT(xen_entry_type(entry) == (left_out && !scrub ? XEN_TYPE_XALLOC : type));
		INVARIANT(left_out || !xen_type_has_data(type) || memcmp(page, original, PAGE_BYTES) == 0);
		page += xen_type_has_data(xen_entry_type(entry)) ? PAGE_BYTES : 0;
		original += xen_type_has_data(type) ? PAGE_BYTES : 0;
	}
	INVARIANT(rebuilt_length == (size_t)(page - rebuilt));
}

static bool take_pages(void *context, const struct xen_page_record *record, struct error *err)
{
	struct output *output = context;
	enum page_fate fates[XEN_PAGES_PER_RECORD];
	if (!record->pages)
		return true;
	if (record->first == 0) {
		output->entries = output->input + output->passed + 16;
		pass(context, output->input + output->passed, 16 + record->record_count * 8, err);
	}
	for (uint32_t i = 0; i < record->count; i++)
		INVARIANT(record->entries[i] == le64_load(output->entries + (record->first + i) * 8));
	const uint8_t *page = record->pages;
	batch_start(batch, (struct page_encoding){ .encoder = ENCODER_RLE }, false);
	for (uint32_t i = 0; i < record->count; i++) {
		uint8_t type = xen_entry_type(record->entries[i]);
		bool leave_out = random_below(&output->random, 3) == 0;
		fates[i] = batch_append(batch, xen_entry_frame(record->entries[i]), type, page, leave_out);
		page += xen_type_has_data(type) ? PAGE_BYTES : 0;
	}
	size_t length;
	const uint8_t *bytes = finish_batch(batch, &length);
	check_rebuilt(record, fates, true, bytes, length);
	check_rebuilt(record, fates, false, bytes, length);
	return pass(context, record->pages, record->data_pages * PAGE_BYTES, err);
}

/* Parses the input in chunks below `limit` bytes; returns how much was passed on. */
static size_t parse(enum xenstream_mode mode, const uint8_t *input, size_t length, uint32_t limit, uint64_t seed,
	struct error *err)
{
	static const struct xenstream_handler handler = { .bytes = pass, .page_data = take_pages };
	struct output output = { .input = input, .length = length, .random = { .state = seed } };
	struct xenstream *stream = xenstream_new(mode, &handler, &output);
	struct random chunks = { .state = seed };
	INVARIANT(stream != NULL);
	xenstream_set_part(stream, seed % 3 ? 1 + (uint32_t)(seed % 7) : XEN_PAGES_PER_RECORD);
	for (size_t at = 0; at < length;) {
		size_t chunk = 1 + random_below(&chunks, limit), room = chunk;
		uint8_t *space = random_below(&chunks, 2) ? xenstream_space(stream, &room) : NULL;
		chunk = chunk < room ? chunk : room;
		if (chunk > length - at)
			chunk = length - at;
		uint8_t *exact = malloc(chunk), *from = space ? space : exact;
		memcpy(from, input + at, chunk);
		bool fed = xenstream_feed(stream, from, chunk, err);
		free(exact);
		if (!fed)
			break;
		at += chunk;
	}
	INVARIANT(err->code || xenstream_phase(stream) != XENSTREAM_AFTER || output.passed == length);
	xenstream_free(stream);
	return output.passed;
}

static void check_stream(enum xenstream_mode mode, const uint8_t *input, size_t length, uint64_t seed)
{
	struct error whole = { 0 }, pieces = { 0 };
	size_t passed = parse(mode, input, length, UINT32_MAX, seed, &whole);
	INVARIANT(parse(mode, input, length, 16u << seed % 10, seed, &pieces) == passed);
	INVARIANT((whole.code == NULL) == (pieces.code == NULL) && strcmp(whole.message, pieces.message) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	if (!batch) {
		batch = batch_new(0, 1); /* no state that could outlive an input */
		scrubbing = rebuilder_new(0, true);
		sparing = rebuilder_new(0, false);
		rebuilt = malloc(XEN_PAGE_RECORD_MAX);
		INVARIANT(batch && scrubbing && sparing && rebuilt);
	}
	if (length < 2)
		return 0;
	enum xenstream_mode mode = data[0] & 1 ? XENSTREAM_ENTRIES : XENSTREAM_PAGES;
	uint64_t seed = data[1];
	if (data[0] & 2) {
		check_stream(mode, data + 2, length - 2, seed);
		return 0;
	}
	/* Each 4 bytes of the rest damage the generated stream: u24 where, u8 what. */
	struct stream_builder builder = { 0 };
	struct random random = { .state = seed };
	builder_whole(&builder, &random, data[0] & 4 ? 2 : 3, data[0] & 8 ? 1 : 2);
	for (size_t i = 2; i + 4 <= length; i += 4)
		builder.bytes[(le32_load(data + i) & 0xffffff) % builder.length] ^= data[i + 3];
	check_stream(mode, builder.bytes, builder.length, seed);
	builder_free(&builder);
	return 0;
}
