/* xenstream_test.c - if these fail, xl at the target gets other bytes than xl at the source wrote, or gets them too late. */
#include "xenstream.h"

#include <stdio.h>

#include "check.h"
#include "stream_builder.h"

static struct random rng = { .state = 99 };

/* What came out of the parser; pass-through puts the records of pages back in place. */
struct output {
	const struct stream_builder *input;
	uint8_t *bytes;
	size_t length;
	size_t records, page_records, parts, entries, data_pages;
	uint32_t part_pages, next_entry; /* the latter of the record that comes in parts */
	unsigned refuse_at; /* the callback with this number says no; 0: none does */
	unsigned callbacks;
};

static bool agreed(struct output *output, struct error *err)
{
	if (++output->callbacks == output->refuse_at)
		return error_set(err, ERR_CANCELLED, "", "The test says no.");
	return true;
}

static bool take_bytes(void *context, const uint8_t *bytes, size_t length, struct error *err)
{
	struct output *output = context;
	CHECK(length > 0 && output->length + length <= output->input->length);
	memcpy(output->bytes + output->length, bytes, length);
	output->length += length;
	return agreed(output, err);
}

static bool take_record(void *context, uint32_t type, uint32_t length, struct error *err)
{
	struct output *output = context;
	CHECK(output->records < output->input->records);
	size_t at = output->input->record_at[output->records++];
	CHECK(output->length == at, "record %zu: %zu bytes out, not %zu", output->records, output->length, at);
	CHECK(type == le32_load(output->input->bytes + at) && length == le32_load(output->input->bytes + at + 4));
	return agreed(output, err);
}

static bool take_pages(void *context, const struct xen_page_record *record, struct error *err)
{
	struct output *output = context;
	const uint8_t *original = output->input->bytes + output->input->record_at[output->records - 1];
	uint32_t data_pages = 0;
	CHECK(record->first == output->next_entry && record->count && record->record_count == le32_load(original + 8));
	CHECK(record->first + record->count <= record->record_count);
	for (uint32_t i = 0; i < record->count; i++) {
		CHECK(record->entries[i] == le64_load(original + 16 + (record->first + i) * 8));
		data_pages += xen_type_has_data(xen_entry_type(record->entries[i]));
	}
	CHECK(record->data_pages == data_pages && data_pages <= output->part_pages);
	if (record->pages) { /* header and entries are the record's own; its pages come with its parts */
		size_t head = record->first ? 0 : 16 + record->record_count * 8, pages = data_pages * PAGE_BYTES;
		CHECK(output->length + head + pages <= output->input->length);
		memcpy(output->bytes + output->length, original, head);
		memcpy(output->bytes + output->length + head, record->pages, pages);
		output->length += head + pages;
	}
	output->next_entry = record->first + record->count == record->record_count ? 0 : record->first + record->count;
	output->page_records += output->next_entry == 0;
	output->parts++;
	output->entries += record->count;
	output->data_pages += data_pages;
	return agreed(output, err);
}

static const struct xenstream_handler handler = { .bytes = take_bytes, .record = take_record, .page_data = take_pages };

static struct output output_for(const struct stream_builder *input)
{
	struct output output = { .input = input, .bytes = malloc(input->length), .part_pages = XEN_PAGES_PER_RECORD };
	CHECK(output.bytes != NULL);
	return output;
}

/* Feeds [from, to) from exact copies of at most `chunk` bytes; 0: of random sizes, some of them where the parser wants them. */
static bool feed(struct xenstream *stream, const struct stream_builder *input, size_t from, size_t to, size_t chunk,
	struct error *err)
{
	while (from < to) {
		size_t length = chunk ? chunk : 1 + random_below(&rng, 1u << random_below(&rng, 15));
		size_t room = length;
		uint8_t *space = chunk || random_below(&rng, 2) ? NULL : xenstream_space(stream, &room);
		length = length < room ? length : room;
		if (length > to - from)
			length = to - from;
		uint8_t *exact = malloc(length), *there = space ? space : exact;
		memcpy(there, input->bytes + from, length);
		bool fed = xenstream_feed(stream, there, length, err);
		free(exact);
		if (!fed)
			return false;
		from += length;
	}
	return true;
}

static void check_pass_through(const struct stream_builder *input, enum xenstream_mode mode, size_t chunk)
{
	struct output output = output_for(input);
	struct error err = { 0 };
	struct xenstream *stream = xenstream_new(mode, &handler, &output);
	if (random_below(&rng, 2) && mode == XENSTREAM_PAGES)
		xenstream_set_part(stream, output.part_pages = 1 + random_below(&rng, 4));
	CHECK(feed(stream, input, 0, input->length, chunk, &err), "%s", err.message);
	CHECK(output.length == input->length && memcmp(output.bytes, input->bytes, input->length) == 0);
	CHECK(output.records == input->records && output.page_records == 3);
	CHECK(xenstream_phase(stream) == XENSTREAM_AFTER);
	xenstream_free(stream);
	free(output.bytes);
}

static void test_everything_passes(void)
{
	static const size_t chunks[] = { 0, 1, 7, 8, 4096, SIZE_MAX };
	for (unsigned i = 0; i < 24; i++) {
		struct stream_builder input = { 0 };
		builder_whole(&input, &rng, i % 2 ? 3 : 2, i % 4 < 2 ? 1 : 2);
		for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
			check_pass_through(&input, XENSTREAM_PAGES, chunks[c]);
			check_pass_through(&input, XENSTREAM_ENTRIES, chunks[c]);
		}
		builder_free(&input);
	}
}

/* xl at both ends waits for answers: what is complete must not wait here for what follows. */
static void test_nothing_is_held_back(void)
{
	for (int mode = XENSTREAM_PAGES; mode <= XENSTREAM_ENTRIES; mode++) {
		struct stream_builder input = { 0 };
		builder_whole(&input, &rng, 3, 2);
		struct output output = output_for(&input);
		struct error err = { 0 };
		struct xenstream *stream = xenstream_new((enum xenstream_mode)mode, &handler, &output);
		size_t fed = 0;
		for (size_t i = 0; i <= input.records + 1; i++) {
			size_t handshake = input.length - 44;
			size_t next = i < input.records ? input.record_at[i] : i == input.records ? handshake : input.length;
			CHECK(feed(stream, &input, fed, next, 0, &err), "%s", err.message);
			CHECK(output.length == next, "%zu of %zu bytes", output.length, next);
			CHECK((xenstream_phase(stream) == XENSTREAM_AFTER) == (next >= handshake));
			fed = next;
		}
		xenstream_free(stream);
		free(output.bytes);
		builder_free(&input);
	}
}

static void test_a_record_without_data_is_given_at_once(void)
{
	struct stream_builder input = { 0 };
	uint8_t types[1024];
	memset(types, XEN_TYPE_XTAB, sizeof(types));
	builder_xl_header(&input, 0);
	builder_libxl_header(&input);
	builder_record(&input, 1, NULL, 0);
	builder_libxc_headers(&input, 3, 2);
	builder_pages(&input, &rng, 1024, 0xf0000, 1, types);
	struct output output = output_for(&input);
	struct error err = { 0 };
	struct xenstream *stream = xenstream_new(XENSTREAM_PAGES, &handler, &output);
	CHECK(feed(stream, &input, 0, input.length, 0, &err));
	CHECK(output.page_records == 1 && output.entries == 1024 && output.data_pages == 0);
	xenstream_free(stream);
	free(output.bytes);
	builder_free(&input);
}

/* Each part as soon as it is there, with the entries behind it that have no data. */
static void test_records_come_in_parts(void)
{
	static const uint8_t types[] = { 13, 0, 14, 0, 0, 0, 15, 15, 0, 0, 14 };
	static const size_t pages_of[] = { 2, 2, 2 }, entries_of[] = { 4, 4, 3 };
	struct stream_builder input = { 0 };
	builder_xl_header(&input, 0);
	builder_libxl_header(&input);
	builder_record(&input, 1, NULL, 0);
	builder_libxc_headers(&input, 3, 2);
	size_t at = input.length + 16 + sizeof(types) * 8, fed = 0, entries = 0;
	builder_pages(&input, &rng, sizeof(types), 100, 1, types);
	struct output output = output_for(&input);
	struct error err = { 0 };
	struct xenstream *stream = xenstream_new(XENSTREAM_PAGES, &handler, &output);
	xenstream_set_part(stream, output.part_pages = 2);
	for (size_t part = 0; part < 3; part++) {
		at += pages_of[part] * PAGE_BYTES;
		entries += entries_of[part];
		CHECK(feed(stream, &input, fed, at - 1, 0, &err) && output.parts == part, "part %zu", part);
		CHECK(feed(stream, &input, at - 1, at, 0, &err) && output.parts == part + 1 && output.entries == entries, "part %zu", part);
		fed = at;
	}
	CHECK(fed == input.length && output.page_records == 1);
	size_t room = 7;
	CHECK(!xenstream_space(stream, &room) && room == 7, "between records there is nothing to be gained");
	xenstream_free(stream);
	free(output.bytes);
	builder_free(&input);
}

static void test_phases_and_image(void)
{
	struct stream_builder input = { 0 };
	struct error err = { 0 };
	builder_xl_header(&input, 100);
	builder_libxl_header(&input);
	builder_record(&input, 1, NULL, 0);
	size_t image = input.length + 40;
	builder_libxc_headers(&input, 3, 2);
	builder_libxc_record(&input, 8, NULL, 24);
	builder_libxc_record(&input, 0, NULL, 0);
	size_t tail = input.length;
	builder_record(&input, 3, NULL, 100);
	builder_record(&input, 0, NULL, 0);
	size_t after = input.length;
	builder_put(&input, "domain is yours", 15);

	struct output output = output_for(&input);
	struct xenstream *stream = xenstream_new(XENSTREAM_PAGES, &handler, &output);
	for (size_t i = 0; i < input.length; i++) {
		enum xenstream_phase expected = i < image ? XENSTREAM_HEADERS : i < tail ? XENSTREAM_IMAGE : i < after ? XENSTREAM_TAIL
			: XENSTREAM_AFTER;
		CHECK(xenstream_phase(stream) == expected, "byte %zu", i);
		CHECK(feed(stream, &input, i, i + 1, 1, &err), "%s", err.message);
	}
	const struct xenstream_image *about = xenstream_image(stream);
	CHECK(about->version == 3 && about->guest_type == 2 && about->xen_major == 4 && about->xen_minor == 17);
	xenstream_free(stream);
	free(output.bytes);
	builder_free(&input);
}

/* The offsets of a minimal stream's headers. */
enum {
	AT_XL = 0,
	AT_LIBXL = 48,
	AT_CONTEXT = AT_LIBXL + 16,
	AT_IMAGE = AT_CONTEXT + 8,
	AT_DOMAIN = AT_IMAGE + 24,
	AT_PAGES = AT_DOMAIN + 16,
	AT_ENTRIES = AT_PAGES + 16,
	AT_LIBXC_END = AT_ENTRIES + 2 * 8 + PAGE_BYTES,
	AT_LIBXL_END = AT_LIBXC_END + 8,
};

static void minimal_stream(struct stream_builder *input)
{
	static const uint8_t types[] = { XEN_TYPE_NORMAL, XEN_TYPE_XALLOC };
	builder_xl_header(input, 0);
	builder_libxl_header(input);
	builder_record(input, 1, NULL, 0);
	builder_libxc_headers(input, 3, 2);
	builder_pages(input, &rng, 2, 7, 1, types);
	builder_libxc_record(input, 0, NULL, 0);
	builder_record(input, 0, NULL, 0);
}

/* Changes bytes of the minimal stream: it must be refused for that reason, and nothing from `clean` on may get out. */
static void check_refused(size_t at, const void *bytes, size_t length, size_t clean, const char *reason)
{
	for (int mode = XENSTREAM_PAGES; mode <= XENSTREAM_ENTRIES; mode++) {
		struct stream_builder input = { 0 };
		struct error err = { 0 };
		minimal_stream(&input);
		memcpy(input.bytes + at, bytes, length);
		struct output output = output_for(&input);
		struct xenstream *stream = xenstream_new((enum xenstream_mode)mode, &handler, &output);
		CHECK(!feed(stream, &input, 0, input.length, 0, &err), "%s", reason);
		CHECK(strcmp(err.code, ERR_STREAM) == 0 && strstr(err.message, reason) && err.action[0], "%s, not %s", err.message,
			reason);
		CHECK(output.length <= clean, "%s: %zu bytes out", reason, output.length);
		xenstream_free(stream);
		free(output.bytes);
		builder_free(&input);
	}
}

#define REFUSED(at, clean, reason, ...) \
	check_refused(at, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), clean, reason)

static void test_what_is_not_understood_is_refused(void)
{
	REFUSED(AT_XL + 31, AT_XL, "xl's header", '\n');
	REFUSED(AT_XL + 32, AT_XL, "byte order", 1, 2, 3, 4);
	REFUSED(AT_XL + 36, AT_XL, "flags", 7);
	REFUSED(AT_XL + 36, AT_XL, "flags", 1);
	REFUSED(AT_XL + 44, AT_XL, "larger than 1 MiB", 1, 0, 0x10, 0);
	REFUSED(AT_LIBXL, AT_LIBXL, "libxl's header", 'X');
	REFUSED(AT_LIBXL + 11, AT_LIBXL, "version 2", 3);
	REFUSED(AT_LIBXL + 15, AT_LIBXL, "big-endian", 1);
	REFUSED(AT_LIBXL + 15, AT_LIBXL, "converted", 2);
	REFUSED(AT_LIBXL + 12, AT_LIBXL, "unknown options", 0x80);
	REFUSED(AT_CONTEXT, AT_CONTEXT, "without a memory image", 0);
	REFUSED(AT_CONTEXT + 4, AT_CONTEXT, "marker has a body", 8);
	REFUSED(AT_CONTEXT, AT_CONTEXT, "larger than 128 MiB", 3, 0, 0, 0, 1, 0, 0, 8);
	REFUSED(AT_IMAGE, AT_IMAGE, "libxc's image header", 0);
	REFUSED(AT_IMAGE + 8, AT_IMAGE, "libxc's image header", 'x');
	REFUSED(AT_IMAGE + 15, AT_IMAGE, "neither version", 1);
	REFUSED(AT_IMAGE + 15, AT_IMAGE, "neither version", 4);
	REFUSED(AT_IMAGE + 17, AT_IMAGE, "big-endian", 1);
	REFUSED(AT_DOMAIN, AT_DOMAIN, "neither PV nor HVM", 3);
	REFUSED(AT_DOMAIN + 4, AT_DOMAIN, "4096", 16);
	REFUSED(AT_LIBXC_END, AT_LIBXC_END, "larger than 128 MiB", 9, 0, 0, 0, 1, 0, 0, 8);
	REFUSED(AT_LIBXC_END + 4, AT_LIBXC_END, "end marker has a body", 8);
	REFUSED(AT_LIBXL_END, AT_LIBXL_END, "second memory image", 1);
}

static void test_wrong_records_of_pages_are_refused(void)
{
	uint32_t length = 8 + 2 * 8 + PAGE_BYTES;
	uint8_t wrong[4];
	REFUSED(AT_PAGES + 4, AT_PAGES, "impossible length", 8, 0);
	le32_store(wrong, XEN_PAGE_RECORD_MAX - 7);
	check_refused(AT_PAGES + 4, wrong, 4, AT_PAGES, "impossible length");
	REFUSED(AT_PAGES + 8, AT_PAGES, "impossible count", 0);
	REFUSED(AT_PAGES + 8, AT_PAGES, "impossible count", 1, 4);
	REFUSED(AT_PAGES + 8, AT_PAGES, "impossible count", 2, 0, 0, 0x80);
	REFUSED(AT_PAGES + 4, AT_PAGES, "impossible count", 16, 0);
	REFUSED(AT_PAGES + 8, AT_PAGES, "does not match", 3);
	le32_store(wrong, length + 8);
	check_refused(AT_PAGES + 4, wrong, 4, AT_PAGES, "does not match");
	le32_store(wrong, length - 1);
	check_refused(AT_PAGES + 4, wrong, 4, AT_PAGES, "does not match");
	REFUSED(AT_ENTRIES + 15, AT_PAGES, "does not match", 0); /* XALLOC becomes a page with data */
	for (uint8_t type = 5; type <= 8; type++)
		REFUSED(AT_ENTRIES + 7, AT_PAGES, "unknown type", (uint8_t)(type << 4));
}

static void test_a_callback_stops_it(void)
{
	struct stream_builder input = { 0 };
	builder_whole(&input, &rng, 3, 1);
	for (int mode = XENSTREAM_PAGES; mode <= XENSTREAM_ENTRIES; mode++)
		for (unsigned refuse_at = 1; refuse_at < 40; refuse_at++) {
			struct output output = output_for(&input);
			struct error err = { 0 };
			output.refuse_at = refuse_at;
			struct xenstream *stream = xenstream_new((enum xenstream_mode)mode, &handler, &output);
			CHECK(!feed(stream, &input, 0, input.length, 0, &err));
			CHECK(strcmp(err.code, ERR_CANCELLED) == 0 && output.callbacks == refuse_at);
			xenstream_free(stream);
			free(output.bytes);
		}
	builder_free(&input);
}

static void test_every_callback_may_be_absent(void)
{
	struct stream_builder input = { 0 };
	builder_whole(&input, &rng, 3, 2);
	for (int mode = XENSTREAM_PAGES; mode <= XENSTREAM_ENTRIES; mode++) {
		struct error err = { 0 };
		struct xenstream *stream = xenstream_new((enum xenstream_mode)mode, &(struct xenstream_handler){ 0 }, NULL);
		CHECK(feed(stream, &input, 0, input.length, 0, &err) && xenstream_phase(stream) == XENSTREAM_AFTER);
		xenstream_free(stream);
	}
	builder_free(&input);
}

static void test_a_cut_stream_never_counts_as_whole(void)
{
	struct stream_builder input = { 0 };
	minimal_stream(&input);
	for (size_t cut = 0; cut < input.length; cut++) {
		struct output output = output_for(&input);
		struct error err = { 0 };
		struct xenstream *stream = xenstream_new(XENSTREAM_PAGES, &handler, &output);
		CHECK(feed(stream, &input, 0, cut, 0, &err) && xenstream_phase(stream) != XENSTREAM_AFTER, "cut at %zu", cut);
		xenstream_free(stream);
		free(output.bytes);
	}
	builder_free(&input);
}

static bool next_round(struct round_tracker *tracker, uint32_t count, uint64_t first, uint64_t last)
{
	uint64_t entries[1024] = { 0 };
	entries[0] = xen_entry(XEN_TYPE_NORMAL, first);
	entries[count - 1] = xen_entry(XEN_TYPE_XTAB, last);
	return round_tracker_next(tracker, entries, count);
}

static void test_rounds(void)
{
	struct round_tracker tracker = { 0 };
	/* The first round of a PVH guest walks all frames up to Xen's special pages. */
	for (uint64_t frame = 0; frame < 0xff000; frame += 1024)
		CHECK(!next_round(&tracker, 1024, frame, frame + 1023) && tracker.round == 0);
	CHECK(next_round(&tracker, 1024, 0, 5000) && tracker.round == 1); /* frames start again */
	CHECK(!next_round(&tracker, 1024, 5001, 9000));
	CHECK(!next_round(&tracker, 300, 9001, 9400)); /* a short record ends its round */
	CHECK(next_round(&tracker, 20, 9500, 9600) && tracker.round == 2); /* so this one starts one, though it lies above */
	CHECK(next_round(&tracker, 1, 9600, 9600) && tracker.round == 3); /* the same frame once more */
	CHECK(next_round(&tracker, 1024, 9601, 11000) && tracker.round == 4);
	CHECK(next_round(&tracker, 1024, 11000, 12500) && tracker.round == 5); /* its last frame again: a new round */
	CHECK(!next_round(&tracker, 1, 0xfefff, 0xfefff) && tracker.round == 5);

	/* A saver that fills its records less is understood as well. */
	tracker = (struct round_tracker){ 0 };
	CHECK(!next_round(&tracker, 256, 0, 255) && !next_round(&tracker, 256, 256, 511) && !next_round(&tracker, 100, 512, 700));
	CHECK(next_round(&tracker, 256, 800, 1100) && tracker.round == 1);
}

int main(void)
{
	test_everything_passes();
	test_nothing_is_held_back();
	test_a_record_without_data_is_given_at_once();
	test_records_come_in_parts();
	test_phases_and_image();
	test_what_is_not_understood_is_refused();
	test_wrong_records_of_pages_are_refused();
	test_a_callback_stops_it();
	test_every_callback_may_be_absent();
	test_a_cut_stream_never_counts_as_whole();
	test_rounds();
	CHECKS_PASSED();
	return 0;
}
