/*
 * rebuild.h - turns a batch (batch.h, FORMAT.md) back into the libxc PAGE_DATA record that xl at the target reads.
 */
#ifndef ME2_REBUILD_H
#define ME2_REBUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "xenstream.h"

/* Told of every entry in order. `page` is the content that the target will have, NULL where the record carries none.
 * It holds until the next rebuild. */
typedef void rebuilt_page(void *context, uint64_t frame, const uint8_t *page);

/*
 * Writes the record, header included, to `record` (at least XEN_PAGE_RECORD_MAX bytes) and its size to `record_length`.
 * Left-out pages become zero pages with `scrub`, entries of type XALLOC without. `seen` may be NULL.
 * Everything in the batch is checked: ERR_STREAM if it is damaged, `record` then holds anything and must not be used; no
 * byte outside either buffer is touched.
 */
bool rebuild_batch(const uint8_t *batch, size_t length, bool scrub, uint8_t *record, size_t *record_length,
	rebuilt_page *seen, void *context, struct error *err);

#endif
