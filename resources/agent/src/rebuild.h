/*
 * rebuild.h - turns batches (batch.h, FORMAT.md) back into the libxc PAGE_DATA records that xl at the target reads.
 */
#ifndef ME2_REBUILD_H
#define ME2_REBUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "pieces.h"
#include "xenstream.h"

/* What one migration's batches refer to: kept pages, and where the compressors are. */
struct rebuilder;

/* `cache_pages`: slots for kept pages; their memory is touched as they are used. `scrub`: left-out pages become zero
 * pages; without, entries of type XALLOC. NULL when out of memory. About XEN_PAGE_RECORD_MAX bytes, slots apart, touched as they are used. */
struct rebuilder *rebuilder_new(uint32_t cache_pages, bool scrub);
void rebuilder_free(struct rebuilder *rebuilder);

/* Told of every entry in order. `page` is the content that the target will have, NULL where the record carries none.
 * It holds as long as the record. */
typedef void rebuilt_page(void *context, uint64_t frame, const uint8_t *page);

/*
 * The record, header included, NULL if the batch is damaged. It holds until the next rebuild, and no longer than `batch`:
 * raw pages are not copied. Batches come in the order in which they were made. `seen` may be NULL.
 * Everything in the batch is checked: ERR_STREAM if it is damaged, and the rebuilder must not be used again then; no byte
 * outside the batch is read.
 */
const struct pieces *rebuild_batch(struct rebuilder *rebuilder, const uint8_t *batch, size_t length, rebuilt_page *seen,
	void *context, struct error *err);

#endif
