/*
 * xenstream.h - push parser for what `xl migrate` writes to its transport.
 *
 * Layers: xl header and its optional data (the guest's configuration), libxl header, libxl records, within one of them
 * the libxc image (image header, domain header, records), libxl END; after that every byte is handshake. Sources:
 * docs/specs/libxl-migration-stream and libxc-migration-stream in the Xen tree.
 *
 * The caller feeds chunks of any size; the parser calls back. It checks each header before it lets it through, never
 * keeps more than one PAGE_DATA record (XEN_PAGE_RECORD_MAX), and streams everything else. Nothing is held back after a
 * record, a part of it, or the handshake has arrived in full. Record types it does not know are passed on: it is for xl at the other end
 * to refuse them. Versions, flags and lengths it does not know are ERR_STREAM.
 */
#ifndef ME2_XENSTREAM_H
#define ME2_XENSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "guest.h" /* PAGE_BYTES */

/* libxc's record header: u32 type, u32 body length, little-endian. Bodies are padded to 8. */
#define XEN_RECORD_HEADER_BYTES 8u
#define XEN_RECORD_BODY_MAX (128u << 20)
#define XEN_RECORD_END 0u
#define XEN_RECORD_PAGE_DATA 1u

/* PAGE_DATA body: u32 count, u32 reserved, count entries of u64, then PAGE_BYTES for each entry that has data. */
#define XEN_PAGES_PER_RECORD 1024u
#define XEN_PAGE_RECORD_MAX (XEN_RECORD_HEADER_BYTES + 8u + XEN_PAGES_PER_RECORD * (8u + PAGE_BYTES))

/* Types of a PAGE_DATA entry (its bits 63-60). 1-4 are page tables of level 1 to 4 of a PV guest, 9-12 the same pinned. */
#define XEN_TYPE_NORMAL 0x0u
#define XEN_TYPE_L1_TABLE 0x1u
#define XEN_TYPE_BROKEN 0xdu
#define XEN_TYPE_XALLOC 0xeu /* allocated, no data */
#define XEN_TYPE_XTAB 0xfu   /* not there */
#define XEN_FRAME_LIMIT (UINT64_C(1) << 52)

static inline uint8_t xen_entry_type(uint64_t entry) { return (uint8_t)(entry >> 60); }
static inline uint64_t xen_entry_frame(uint64_t entry) { return entry & (XEN_FRAME_LIMIT - 1); }
static inline uint64_t xen_entry(uint8_t type, uint64_t frame) { return (uint64_t)type << 60 | frame; }
static inline bool xen_type_is_known(uint8_t type) { return type <= 4 || (type >= 9 && type <= 15); }
static inline bool xen_type_has_data(uint8_t type) { return type < XEN_TYPE_BROKEN; }

/* A PAGE_DATA record, or a part of one. All pointers are the parser's and hold until the callback returns. */
struct xen_page_record {
	uint32_t count;          /* entries here, at least 1 */
	uint32_t first;          /* which of the record's the first one is: 0 where a record begins */
	uint32_t record_count;   /* entries of the whole record, at most XEN_PAGES_PER_RECORD */
	uint32_t data_pages;     /* entries here that have data */
	const uint64_t *entries; /* as in the stream, those of the parts to come behind them; see xen_entry_type(), xen_entry_frame() */
	const uint8_t *pages;    /* data_pages * PAGE_BYTES, in the order of the entries; NULL with XENSTREAM_ENTRIES */
};

/* Any member may be NULL. A callback returns false, with `err` filled, to stop the parser. */
struct xenstream_handler {
	/* Bytes that are to be forwarded as they are, in order. */
	bool (*bytes)(void *context, const uint8_t *bytes, size_t length, struct error *err);
	/* A libxc record is about to begin; none of its bytes has been passed on yet. PAGE_DATA records too. */
	bool (*record)(void *context, uint32_t type, uint32_t length, struct error *err);
	/* A PAGE_DATA record, or its next part; counts, types and length of the whole record are right. */
	bool (*page_data)(void *context, const struct xen_page_record *record, struct error *err);
};

enum xenstream_mode {
	XENSTREAM_PAGES,   /* PAGE_DATA records go to page_data() and not to bytes() */
	XENSTREAM_ENTRIES, /* page_data() sees the entries only; every byte of the stream goes to bytes(), uncopied */
};

enum xenstream_phase {
	XENSTREAM_HEADERS, /* xl and libxl headers, up to the libxc image */
	XENSTREAM_IMAGE,   /* libxc records */
	XENSTREAM_TAIL,    /* the libxl records behind the image */
	XENSTREAM_AFTER,   /* behind libxl's END: handshake */
};

/* From the libxc headers; zeros before XENSTREAM_IMAGE. */
struct xenstream_image {
	uint32_t version;    /* 2 or 3 */
	uint32_t guest_type; /* 1 PV, 2 HVM or PVH */
	uint32_t xen_major, xen_minor;
};

struct xenstream;

/* `handler` is copied. NULL only when out of memory. */
struct xenstream *xenstream_new(enum xenstream_mode mode, const struct xenstream_handler *handler, void *context);
void xenstream_free(struct xenstream *stream);

/* XENSTREAM_PAGES: from the next part on page_data() gets so many pages with data at once, which are then still in the
 * CPU's cache; whole records by default. */
void xenstream_set_part(struct xenstream *stream, uint32_t data_pages);

/* Where the next bytes of the stream are best read to, and how many (*room): a record of pages is not copied then when it is
 * fed. NULL, and *room as it was: it makes no difference. Holds until the next xenstream_feed(). */
uint8_t *xenstream_space(struct xenstream *stream, size_t *room);

/* False on the first error (ERR_STREAM, or a callback's own); the parser must not be fed again then. */
bool xenstream_feed(struct xenstream *stream, const uint8_t *bytes, size_t length, struct error *err);

/* At end of input only XENSTREAM_AFTER means that the stream was whole. */
enum xenstream_phase xenstream_phase(const struct xenstream *stream);
const struct xenstream_image *xenstream_image(const struct xenstream *stream);

/*
 * Pre-copy rounds. The stream does not mark them, but within a round frames only ascend, and libxc fills each record but
 * the last of a round. So a record starts a round if its first frame is not above the last one's last frame, or if the
 * last one was shorter than the longest seen. (Missed: a round that ends with a full record, followed by one that starts
 * above its last frame. It is then counted as one round.)
 */
struct round_tracker {
	uint32_t round;      /* of the last record: 0 for the first round */
	uint32_t longest;    /* entries in the longest record so far; 0: none seen */
	uint32_t last_count; /* entries in the last record */
	uint64_t last_frame;
};

/* Takes note of a record's entries; `tracker` is all zeros at the start. True if it starts a round other than the first. */
bool round_tracker_next(struct round_tracker *tracker, const uint64_t *entries, uint32_t count);

#endif
