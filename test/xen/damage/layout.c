#include "layout.h"

#include <stdlib.h>

#include "le.h"

#define XL_HEADER_BYTES 48u
#define XL_OPTIONAL_LENGTH_AT 44u
#define LIBXL_HEADER_BYTES 16u
#define RECORDS_MAX (1u << 20)

struct scan {
	struct layout *layout;
	uint64_t passed; /* bytes before the next one that the parser passes on */
};

static bool count_bytes(void *context, const uint8_t *bytes, size_t length, struct error *err)
{
	struct scan *scan = context;
	(void)bytes, (void)err;
	scan->passed += length;
	return true;
}

static bool make_room(struct layout *layout)
{
	if (layout->count < layout->capacity)
		return true;
	size_t capacity = layout->capacity ? layout->capacity * 2 : 1024;
	struct record *records = capacity <= RECORDS_MAX ? realloc(layout->records, capacity * sizeof(*records)) : NULL;
	if (!records)
		return false;
	layout->records = records;
	layout->capacity = capacity;
	return true;
}

static bool note_record(void *context, uint32_t type, uint32_t length, struct error *err)
{
	struct scan *scan = context;
	struct layout *layout = scan->layout;
	if (!make_room(layout))
		return error_set(err, ERR_SYSTEM, "", "no memory for so many records");
	layout->records[layout->count++] = (struct record){.at = scan->passed, .type = type, .length = length};
	if (type == XEN_RECORD_PAGE_DATA) {
		if (!layout->pages_to)
			layout->pages_from = scan->passed;
		layout->pages_to = scan->passed + XEN_RECORD_HEADER_BYTES + (((uint64_t)length + 7) & ~UINT64_C(7));
	}
	return true;
}

bool layout_find(struct layout *layout, const uint8_t *stream, uint64_t bytes, struct error *err)
{
	static const struct xenstream_handler handler = {.bytes = count_bytes, .record = note_record};
	struct scan scan = {.layout = layout};
	*layout = (struct layout){.bytes = bytes};
	struct xenstream *parser = xenstream_new(XENSTREAM_ENTRIES, &handler, &scan);
	bool whole = parser && xenstream_feed(parser, stream, bytes, err) && xenstream_phase(parser) == XENSTREAM_AFTER
		&& layout->pages_to;
	xenstream_free(parser);
	if (!whole)
		return error_set(err, ERR_STREAM, "", "this is not a guest that xl has saved");
	layout->libxl_header_at = XL_HEADER_BYTES + le32_load(stream + XL_OPTIONAL_LENGTH_AT);
	layout->libxc_header_at = layout->libxl_header_at + LIBXL_HEADER_BYTES + XEN_RECORD_HEADER_BYTES;
	return true;
}

void layout_free(struct layout *layout)
{
	free(layout->records);
}

const struct record *layout_record(const struct layout *layout, uint32_t type)
{
	for (size_t i = 0; i < layout->count; i++)
		if (layout->records[i].type == type)
			return &layout->records[i];
	return NULL;
}
