/*
 * layout.h - where the parts of a saved guest are: what `xl save` writes, byte for byte what `xl migrate` sends before the
 * handshake (xenstream.h).
 */
#ifndef ME2_DAMAGE_LAYOUT_H
#define ME2_DAMAGE_LAYOUT_H

#include "xenstream.h"

struct record {
	uint64_t at;   /* of its header, from the start of the file */
	uint32_t type;
	uint32_t length; /* of its body, without padding */
};

struct layout {
	uint64_t bytes;
	uint64_t libxl_header_at, libxc_header_at; /* xl's is at 0 */
	struct record *records;                    /* libxc's, in order */
	size_t count, capacity;
	uint64_t pages_from, pages_to;             /* first PAGE_DATA record to the end of the last one */
};

/* Finds the parts of a whole stream. ERR_STREAM if it is not whole. layout_free() in either case. */
bool layout_find(struct layout *layout, const uint8_t *stream, uint64_t bytes, struct error *err);
void layout_free(struct layout *layout);

/* The first record of a type, NULL if there is none. */
const struct record *layout_record(const struct layout *layout, uint32_t type);

#endif
