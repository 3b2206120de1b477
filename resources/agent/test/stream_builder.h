/*
 * stream_builder.h - makes migration streams for tests and fuzzing, from the formats that xenstream.h names. It keeps no
 * state of the stream, so it makes wrong ones just as well. Notes where each libxc record begins.
 */
#ifndef ME2_TEST_STREAM_BUILDER_H
#define ME2_TEST_STREAM_BUILDER_H

#include <stdlib.h>
#include <string.h>

#include "le.h"
#include "pages.h"
#include "xenstream.h"

#define BUILDER_RECORDS_MAX 256

struct stream_builder {
	uint8_t *bytes;
	size_t length, capacity;
	size_t record_at[BUILDER_RECORDS_MAX]; /* offsets of the libxc records */
	size_t records;
};

static inline void builder_free(struct stream_builder *builder)
{
	free(builder->bytes);
	*builder = (struct stream_builder){ 0 };
}

/* Room for `length` more bytes, zeroed and counted in. */
static inline uint8_t *builder_room(struct stream_builder *builder, size_t length)
{
	if (builder->capacity - builder->length < length) {
		builder->capacity = (builder->capacity + length) * 2;
		builder->bytes = realloc(builder->bytes, builder->capacity);
		if (!builder->bytes)
			abort();
	}
	uint8_t *room = builder->bytes + builder->length;
	memset(room, 0, length);
	builder->length += length;
	return room;
}

static inline void builder_put(struct stream_builder *builder, const void *bytes, size_t length)
{
	uint8_t *room = builder_room(builder, length);
	if (length)
		memcpy(room, bytes, length);
}

static inline void builder_xl_header(struct stream_builder *builder, uint32_t configuration_bytes)
{
	uint8_t *header = builder_room(builder, 48);
	memcpy(header, "Xen saved domain, xl format\n \0 \r", 32);
	le32_store(header + 32, 0x01020304);
	le32_store(header + 36, 3);
	le32_store(header + 44, configuration_bytes);
	memset(builder_room(builder, configuration_bytes), '{', configuration_bytes);
}

static inline void builder_libxl_header(struct stream_builder *builder)
{
	uint8_t *header = builder_room(builder, 16);
	memcpy(header, "LibxlFmt", 8);
	header[11] = 2;
}

/* A record of either layer, with its padding. `body` may be NULL for zeros. */
static inline void builder_record(struct stream_builder *builder, uint32_t type, const void *body, uint32_t length)
{
	uint8_t *record = builder_room(builder, 8 + (((size_t)length + 7) & ~(size_t)7));
	le32_store(record, type);
	le32_store(record + 4, length);
	if (body && length)
		memcpy(record + 8, body, length);
}

static inline void builder_libxc_record(struct stream_builder *builder, uint32_t type, const void *body, uint32_t length)
{
	if (builder->records < BUILDER_RECORDS_MAX)
		builder->record_at[builder->records++] = builder->length;
	builder_record(builder, type, body, length);
}

static inline void builder_libxc_headers(struct stream_builder *builder, uint8_t version, uint32_t guest_type)
{
	uint8_t *image = builder_room(builder, 24), *domain = builder_room(builder, 16);
	image = domain - 24; /* the second call may have moved it */
	memset(image, 0xff, 8);
	memcpy(image + 8, "XENF", 4);
	image[15] = version;
	le32_store(domain, guest_type);
	le16_store(domain + 4, 12);
	le32_store(domain + 8, 4);
	le32_store(domain + 12, 17);
}

/* A PAGE_DATA record of `count` entries; pages of type `types[i]` (frame `first` + i * `step`) get generated contents. */
static inline void builder_pages(struct stream_builder *builder, struct random *random, uint32_t count, uint64_t first,
	uint64_t step, const uint8_t *types)
{
	uint32_t data_pages = 0;
	for (uint32_t i = 0; i < count; i++)
		data_pages += xen_type_has_data(types[i]);
	size_t at = builder->length;
	builder_libxc_record(builder, XEN_RECORD_PAGE_DATA, NULL, 8 + count * 8 + data_pages * PAGE_BYTES);
	uint8_t *record = builder->bytes + at, *page = record + 16 + count * 8;
	le32_store(record + 8, count);
	for (uint32_t i = 0; i < count; i++) {
		le64_store(record + 16 + i * 8, xen_entry(types[i], first + i * step));
		if (xen_type_has_data(types[i])) {
			fill_page(random, (enum page_kind)random_below(random, KINDS), page);
			page += PAGE_BYTES;
		}
	}
}

/* One of the types that a guest of that kind has. */
static inline uint8_t random_type(struct random *random, uint32_t guest_type)
{
	static const uint8_t pv[] = { 0, 0, 0, 0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15 };
	static const uint8_t hvm[] = { 0, 0, 0, 0, 0, 0, 13, 14, 15 };
	return guest_type == 1 ? pv[random_below(random, sizeof(pv))] : hvm[random_below(random, sizeof(hvm))];
}

/* A whole stream: every layer, every libxc record type in an order that libxc uses, small random rounds, the handshake. */
static inline void builder_whole(struct stream_builder *builder, struct random *random, uint8_t version, uint32_t guest_type)
{
	static const uint32_t static_data[] = { 0x11, 0x12, 0x10 };
	static const uint32_t pv_tail[] = { 4, 5, 6, 0xc, 7, 8, 0xb, 0xd, 0xe, 0xf };
	static const uint32_t hvm_tail[] = { 8, 0xa, 9, 0xb, 0xd, 0xe, 0xf };
	uint8_t types[16];

	builder_xl_header(builder, random_below(random, 3000));
	builder_libxl_header(builder);
	builder_record(builder, 1, NULL, 0);
	builder_libxc_headers(builder, version, guest_type);
	for (size_t i = 0; version == 3 && i < sizeof(static_data) / sizeof(static_data[0]); i++)
		builder_libxc_record(builder, static_data[i], NULL, i < 2 ? random_below(random, 100) : 0);
	if (guest_type == 1) {
		builder_libxc_record(builder, 2, NULL, 8);
		builder_libxc_record(builder, 3, NULL, 8 * random_below(random, 20));
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < sizeof(types); i++)
			types[i] = random_type(random, guest_type);
		uint32_t count = 1 + random_below(random, 8), first = random_below(random, 1 << 20);
		builder_pages(builder, random, count, first, 1 + random_below(random, 3), types);
	}
	builder_libxc_record(builder, 0x80001234, "optional, unknown", 17);
	builder_libxc_record(builder, 0x1234, "mandatory, unknown", 18);
	const uint32_t *tail = guest_type == 1 ? pv_tail : hvm_tail;
	size_t tail_records = guest_type == 1 ? sizeof(pv_tail) / 4 : sizeof(hvm_tail) / 4;
	for (size_t i = 0; i < tail_records; i++)
		builder_libxc_record(builder, tail[i], NULL, random_below(random, 300));
	builder_libxc_record(builder, XEN_RECORD_END, NULL, 0);
	builder_record(builder, 2, "a store path", 12);
	builder_record(builder, 3, NULL, random_below(random, 5000));
	builder_record(builder, 0, NULL, 0);
	builder_put(builder, "domain is yours, you are cleared to unpause", 44);
}

#endif
