#include "xenstream.h"

#include <stdlib.h>
#include <string.h>

#include "le.h"

#define XL_HEADER_BYTES 48u
#define XL_MAGIC_BYTES 32u
#define XL_BYTE_ORDER 0x01020304u
#define XL_FLAGS 3u /* JSON configuration, libxl stream version 2 */
#define XL_OPTIONAL_MAX (1u << 20)
#define LIBXL_HEADER_BYTES 16u
#define LIBXL_END 0u
#define LIBXL_LIBXC_CONTEXT 1u
#define LIBXC_IMAGE_HEADER_BYTES 24u
#define LIBXC_DOMAIN_HEADER_BYTES 16u
#define PAGE_ENTRIES_AT (XEN_RECORD_HEADER_BYTES + 8u)

static const char xl_magic[XL_MAGIC_BYTES + 1] = "Xen saved domain, xl format\n \0 \r";
static const char libxl_ident[] = "LibxlFmt";

/* The parser either passes bytes on (`passing` > 0) or collects `wanted` bytes for the stage it is in. */
enum stage {
	STAGE_XL_HEADER,
	STAGE_LIBXL_HEADER,
	STAGE_LIBXL_RECORD,
	STAGE_LIBXC_IMAGE,
	STAGE_LIBXC_DOMAIN,
	STAGE_LIBXC_RECORD,
	STAGE_PAGE_COUNT,   /* a PAGE_DATA record up to its count */
	STAGE_PAGE_ENTRIES, /* … up to its last entry */
	STAGE_PAGES,        /* … and the pages of a part of it behind */
	STAGE_AFTER,
};

struct xenstream {
	enum xenstream_mode mode;
	struct xenstream_handler handler;
	void *context;
	enum stage stage;
	enum xenstream_phase phase;
	struct xenstream_image image;
	uint64_t passing;
	size_t wanted, have;
	struct xen_page_record pages; /* the part that is being collected */
	uint64_t page_bytes;          /* of the record */
	uint32_t part_pages;
	uint64_t *collected; /* in u64, for the entries' alignment */
};

static bool refuse(struct error *err, const char *what)
{
	return error_set(err, ERR_STREAM, "This version of Xen's migration stream is not supported; use the stock mode.",
		"The migration stream from xl is not understood: %s.", what);
}

static bool damaged(struct error *err, const char *what)
{
	return error_set(err, ERR_STREAM, "Run the migration again.", "The migration stream is damaged: %s.", what);
}

static uint32_t be32_load(const uint8_t *from)
{
	return __builtin_bswap32(le32_load(from));
}

static bool emit(struct xenstream *stream, const uint8_t *bytes, size_t length, struct error *err)
{
	return !stream->handler.bytes || !length || stream->handler.bytes(stream->context, bytes, length, err);
}

/* Goes on to collect `wanted` bytes for `stage`, keeping what is collected already. */
static void collect_more(struct xenstream *stream, enum stage stage, size_t wanted)
{
	stream->stage = stage;
	stream->wanted = wanted;
}

static void collect(struct xenstream *stream, enum stage stage, size_t wanted)
{
	stream->have = 0;
	collect_more(stream, stage, wanted);
}

static uint64_t padded(uint32_t body_length)
{
	return ((uint64_t)body_length + 7) & ~UINT64_C(7);
}

static bool take_xl_header(struct xenstream *stream, const uint8_t *header, struct error *err)
{
	if (memcmp(header, xl_magic, XL_MAGIC_BYTES) != 0)
		return refuse(err, "it does not begin with xl's header");
	if (le32_load(header + 32) != XL_BYTE_ORDER)
		return refuse(err, "it has the other byte order");
	if (le32_load(header + 36) != XL_FLAGS)
		return refuse(err, "xl's header has flags other than JSON and stream version 2");
	uint32_t optional_bytes = le32_load(header + 44);
	if (optional_bytes > XL_OPTIONAL_MAX)
		return damaged(err, "the guest's configuration is larger than 1 MiB");
	collect(stream, STAGE_LIBXL_HEADER, LIBXL_HEADER_BYTES);
	stream->passing = optional_bytes;
	return emit(stream, header, XL_HEADER_BYTES, err);
}

static bool take_libxl_header(struct xenstream *stream, const uint8_t *header, struct error *err)
{
	if (memcmp(header, libxl_ident, 8) != 0)
		return refuse(err, "libxl's header is missing");
	if (be32_load(header + 8) != 2)
		return refuse(err, "libxl's stream is not version 2");
	if (be32_load(header + 12) != 0)
		return refuse(err, "libxl's stream is big-endian, converted, or has unknown options");
	collect(stream, STAGE_LIBXL_RECORD, XEN_RECORD_HEADER_BYTES);
	return emit(stream, header, LIBXL_HEADER_BYTES, err);
}

static bool take_libxl_record(struct xenstream *stream, const uint8_t *header, struct error *err)
{
	uint32_t type = le32_load(header), length = le32_load(header + 4);
	if (length > XEN_RECORD_BODY_MAX)
		return damaged(err, "a libxl record is larger than 128 MiB");
	if ((type == LIBXL_END || type == LIBXL_LIBXC_CONTEXT) && length != 0)
		return damaged(err, "a libxl marker has a body");
	if (type == LIBXL_LIBXC_CONTEXT && stream->phase != XENSTREAM_HEADERS)
		return refuse(err, "it has a second memory image");
	if (type == LIBXL_END && stream->phase == XENSTREAM_HEADERS)
		return damaged(err, "it ends without a memory image");

	if (type == LIBXL_END) {
		collect(stream, STAGE_AFTER, 0);
		stream->phase = XENSTREAM_AFTER;
	} else if (type == LIBXL_LIBXC_CONTEXT) {
		collect(stream, STAGE_LIBXC_IMAGE, LIBXC_IMAGE_HEADER_BYTES);
	} else {
		collect(stream, STAGE_LIBXL_RECORD, XEN_RECORD_HEADER_BYTES);
		stream->passing = padded(length);
	}
	return emit(stream, header, XEN_RECORD_HEADER_BYTES, err);
}

static bool take_libxc_image(struct xenstream *stream, const uint8_t *header, struct error *err)
{
	uint16_t options = __builtin_bswap16(le16_load(header + 16));
	stream->image.version = be32_load(header + 12);
	if (le64_load(header) != UINT64_MAX || be32_load(header + 8) != 0x58454e46)
		return refuse(err, "libxc's image header is missing");
	if (stream->image.version != 2 && stream->image.version != 3)
		return refuse(err, "libxc's image is neither version 2 nor 3");
	if (options != 0)
		return refuse(err, "libxc's image is big-endian or has unknown options");
	collect(stream, STAGE_LIBXC_DOMAIN, LIBXC_DOMAIN_HEADER_BYTES);
	return emit(stream, header, LIBXC_IMAGE_HEADER_BYTES, err);
}

static bool take_libxc_domain(struct xenstream *stream, const uint8_t *header, struct error *err)
{
	stream->image.guest_type = le32_load(header);
	stream->image.xen_major = le32_load(header + 8);
	stream->image.xen_minor = le32_load(header + 12);
	if (stream->image.guest_type != 1 && stream->image.guest_type != 2)
		return refuse(err, "the guest is neither PV nor HVM");
	if (le16_load(header + 4) != 12)
		return refuse(err, "its pages are not 4096 bytes");
	stream->phase = XENSTREAM_IMAGE;
	collect(stream, STAGE_LIBXC_RECORD, XEN_RECORD_HEADER_BYTES);
	return emit(stream, header, LIBXC_DOMAIN_HEADER_BYTES, err);
}

static bool take_libxc_record(struct xenstream *stream, const uint8_t *header, struct error *err)
{
	uint32_t type = le32_load(header), length = le32_load(header + 4);
	if (length > XEN_RECORD_BODY_MAX)
		return damaged(err, "a libxc record is larger than 128 MiB");
	if (type == XEN_RECORD_END && length != 0)
		return damaged(err, "libxc's end marker has a body");
	if (type == XEN_RECORD_PAGE_DATA && (length < 16 || length > XEN_PAGE_RECORD_MAX - XEN_RECORD_HEADER_BYTES))
		return damaged(err, "a record of pages has an impossible length");
	if (stream->handler.record && !stream->handler.record(stream->context, type, length, err))
		return false;

	if (type == XEN_RECORD_PAGE_DATA) {
		collect_more(stream, STAGE_PAGE_COUNT, PAGE_ENTRIES_AT);
		return true;
	}
	if (type == XEN_RECORD_END) {
		stream->phase = XENSTREAM_TAIL;
		collect(stream, STAGE_LIBXL_RECORD, XEN_RECORD_HEADER_BYTES);
	} else {
		collect(stream, STAGE_LIBXC_RECORD, XEN_RECORD_HEADER_BYTES);
		stream->passing = padded(length);
	}
	return emit(stream, header, XEN_RECORD_HEADER_BYTES, err);
}

static bool take_page_count(struct xenstream *stream, const uint8_t *record, struct error *err)
{
	uint32_t body_length = le32_load(record + 4), count = le32_load(record + 8);
	if (count == 0 || count > XEN_PAGES_PER_RECORD || body_length < 8 + count * 8)
		return damaged(err, "a record of pages has an impossible count");
	stream->pages = (struct xen_page_record){
		.count = count,
		.record_count = count,
		.entries = stream->collected + PAGE_ENTRIES_AT / 8,
	};
	stream->page_bytes = body_length - 8 - count * 8;
	collect_more(stream, STAGE_PAGE_ENTRIES, PAGE_ENTRIES_AT + count * 8);
	return true;
}

static bool give_page_record(struct xenstream *stream, struct error *err)
{
	return !stream->handler.page_data || stream->handler.page_data(stream->context, &stream->pages, err);
}

static size_t pages_at(const struct xenstream *stream)
{
	return PAGE_ENTRIES_AT + stream->pages.record_count * 8;
}

/* The part that begins with the record's entry `first`: up to its last page with data, and what has none behind it. */
static void begin_part(struct xenstream *stream, uint32_t first)
{
	struct xen_page_record *part = &stream->pages;
	part->first = first;
	part->entries = stream->collected + PAGE_ENTRIES_AT / 8 + first;
	part->count = part->data_pages = 0;
	for (; first + part->count < part->record_count; part->count++) {
		bool has_data = xen_type_has_data(xen_entry_type(part->entries[part->count]));
		if (has_data && part->data_pages == stream->part_pages)
			break;
		part->data_pages += has_data;
	}
	stream->have = pages_at(stream);
	collect_more(stream, STAGE_PAGES, stream->have + (size_t)part->data_pages * PAGE_BYTES);
}

static bool take_part(struct xenstream *stream, const uint8_t *record, struct error *err)
{
	stream->pages.pages = record + pages_at(stream);
	if (!give_page_record(stream, err))
		return false;
	uint32_t next = stream->pages.first + stream->pages.count;
	if (next < stream->pages.record_count)
		begin_part(stream, next);
	else
		collect(stream, STAGE_LIBXC_RECORD, XEN_RECORD_HEADER_BYTES);
	return true;
}

static bool take_page_entries(struct xenstream *stream, const uint8_t *record, struct error *err)
{
	struct xen_page_record *pages = &stream->pages;
	for (uint32_t i = 0; i < pages->count; i++) {
		uint8_t type = xen_entry_type(pages->entries[i]);
		if (!xen_type_is_known(type))
			return damaged(err, "a page has an unknown type");
		pages->data_pages += xen_type_has_data(type);
	}
	if (stream->page_bytes != (uint64_t)pages->data_pages * PAGE_BYTES)
		return damaged(err, "the length of a record of pages does not match its pages");

	if (stream->mode == XENSTREAM_PAGES) {
		begin_part(stream, 0);
		return stream->have < stream->wanted || take_part(stream, record, err);
	}
	collect(stream, STAGE_LIBXC_RECORD, XEN_RECORD_HEADER_BYTES);
	stream->passing = stream->page_bytes;
	return give_page_record(stream, err) && emit(stream, record, pages_at(stream), err);
}

/* All of what the stage waited for has been collected: checks it, passes it on, and chooses what comes next. */
static bool take_collected(struct xenstream *stream, struct error *err)
{
	const uint8_t *bytes = (const uint8_t *)stream->collected;
	switch (stream->stage) {
	case STAGE_XL_HEADER:
		return take_xl_header(stream, bytes, err);
	case STAGE_LIBXL_HEADER:
		return take_libxl_header(stream, bytes, err);
	case STAGE_LIBXL_RECORD:
		return take_libxl_record(stream, bytes, err);
	case STAGE_LIBXC_IMAGE:
		return take_libxc_image(stream, bytes, err);
	case STAGE_LIBXC_DOMAIN:
		return take_libxc_domain(stream, bytes, err);
	case STAGE_LIBXC_RECORD:
		return take_libxc_record(stream, bytes, err);
	case STAGE_PAGE_COUNT:
		return take_page_count(stream, bytes, err);
	case STAGE_PAGE_ENTRIES:
		return take_page_entries(stream, bytes, err);
	case STAGE_PAGES:
		return take_part(stream, bytes, err);
	case STAGE_AFTER:
		break;
	}
	return true;
}

struct xenstream *xenstream_new(enum xenstream_mode mode, const struct xenstream_handler *handler, void *context)
{
	struct xenstream *stream = calloc(1, sizeof(*stream));
	size_t room = mode == XENSTREAM_PAGES ? XEN_PAGE_RECORD_MAX : PAGE_ENTRIES_AT + XEN_PAGES_PER_RECORD * 8;
	uint64_t *collected = malloc(room);
	if (!stream || !collected) {
		free(stream);
		free(collected);
		return NULL;
	}
	stream->mode = mode;
	stream->part_pages = XEN_PAGES_PER_RECORD;
	stream->handler = *handler;
	stream->context = context;
	stream->collected = collected;
	collect(stream, STAGE_XL_HEADER, XL_HEADER_BYTES);
	return stream;
}

void xenstream_free(struct xenstream *stream)
{
	if (!stream)
		return;
	free(stream->collected);
	free(stream);
}

void xenstream_set_part(struct xenstream *stream, uint32_t data_pages)
{
	stream->part_pages = data_pages;
}

uint8_t *xenstream_space(struct xenstream *stream, size_t *room)
{
	if (stream->stage != STAGE_PAGES)
		return NULL;
	*room = stream->wanted - stream->have;
	return (uint8_t *)stream->collected + stream->have;
}

bool xenstream_feed(struct xenstream *stream, const uint8_t *bytes, size_t length, struct error *err)
{
	while (length) {
		if (stream->stage == STAGE_AFTER)
			return emit(stream, bytes, length, err);
		uint64_t due = stream->passing ? stream->passing : stream->wanted - stream->have;
		size_t now = due < length ? (size_t)due : length;
		if (stream->passing) {
			stream->passing -= now;
			if (!emit(stream, bytes, now, err))
				return false;
		} else {
			uint8_t *to = (uint8_t *)stream->collected + stream->have;
			if (bytes != to)
				memcpy(to, bytes, now);
			stream->have += now;
			if (stream->have == stream->wanted && !take_collected(stream, err))
				return false;
		}
		bytes += now;
		length -= now;
	}
	return true;
}

enum xenstream_phase xenstream_phase(const struct xenstream *stream)
{
	return stream->phase;
}

const struct xenstream_image *xenstream_image(const struct xenstream *stream)
{
	return &stream->image;
}

bool round_tracker_next(struct round_tracker *tracker, const uint64_t *entries, uint32_t count)
{
	uint64_t first = xen_entry_frame(entries[0]);
	bool starts = tracker->longest && (first <= tracker->last_frame || tracker->last_count < tracker->longest);
	tracker->round += starts;
	tracker->last_count = count;
	tracker->last_frame = xen_entry_frame(entries[count - 1]);
	if (count > tracker->longest)
		tracker->longest = count;
	return starts;
}
