/* together.h - batches and records in one place, as the tests compare and change them. */
#ifndef ME2_TEST_TOGETHER_H
#define ME2_TEST_TOGETHER_H

#include "batch.h"
#include "rebuild.h"

/* batch_finish(), copied together. Holds until the next call; NULL when out of memory. */
static inline const uint8_t *finish_batch(struct batch *batch, size_t *length)
{
	static uint8_t together[BATCH_MAX];
	const struct pieces *finished = batch_finish(batch);
	if (!finished || finished->length > BATCH_MAX)
		return NULL;
	pieces_copy(finished, together);
	*length = finished->length;
	return together;
}

/* rebuild_batch(), copied to `record` (XEN_PAGE_RECORD_MAX). */
static inline bool rebuild_together(struct rebuilder *rebuilder, const uint8_t *batch, size_t length, uint8_t *record,
	size_t *record_length, rebuilt_page *seen, void *context, struct error *err)
{
	const struct pieces *rebuilt = rebuild_batch(rebuilder, batch, length, seen, context, err);
	if (!rebuilt)
		return false;
	pieces_copy(rebuilt, record);
	*record_length = rebuilt->length;
	return true;
}

#endif
