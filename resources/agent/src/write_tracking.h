/*
 * write_tracking.h - which blocks of a disk differ from what was sent of them, while a guest writes to it.
 *
 *   traced      every write is seen as it happens (block_trace.h); nothing has to be read again
 *   by hashes   where nothing can be traced: a comparison reads the disk and takes what differs from the hash of what was sent
 *
 * Hashes are kept while a trace runs, too: they cost a fraction of reading the block, and when the kernel loses events, tracing
 * begins anew and one comparison, with the guest running, finds what was missed. Nothing unchanged travels a second time then.
 *
 * Memory: 8 bytes a block, 2 MiB per GiB of disk, at most TRACKING_HASH_BYTES_MAX. A larger disk has no hashes: it has to be traced,
 * and lost events make all of it pending again.
 *
 * WHY A COMPARISON IS ENOUGH. One that has begun after the guest was suspended is decisive; earlier ones only save work for it.
 * A back end answers a write when the device has done it, so whatever the guest knows to be written had been written before it was
 * suspended, and a read that begins later and goes around the page cache returns it. A write that was not answered by then may still
 * reach the disk before the read, after it, or in part. The guest's front end has no answer to it, and so sends it again at the
 * target (blkfront does after every resume), which makes what the copy holds there of no account. A trace rests on the same: what it
 * sees completed after the suspension is not sent.
 *
 * A hash does not show that a block was WRITTEN, only that it holds something else. For what was sent that is the same: the target
 * has what the block holds. For a block that was left out it is not: one that is written anew with what it held would be missing
 * there. So a block that was not sent differs from everything, and without a trace nothing may be left out at all.
 *
 * Two contents have the same hash about once in 2^64. The seed is drawn for each run, so verification (page_hash), which looks at the
 * source and the target anew, does not share a blind spot with it.
 */
#ifndef ME2_WRITE_TRACKING_H
#define ME2_WRITE_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block_reader.h"
#include "block_set.h"
#include "error.h"

#define TRACKING_HASH_BYTES_MAX (UINT64_C(512) << 20) /* a disk of 256 GiB */

struct write_tracking;

/* From now on what is written gets into `pending`, by itself where it is traced. Both outlive the tracking. NULL with
 * ERR_NOT_SUPPORTED for a disk that can neither be traced nor compared, ERR_SYSTEM when out of memory. */
struct write_tracking *write_tracking_start(const char *path, const struct block_reader *reader, struct block_set *pending,
	struct error *err);
void write_tracking_stop(struct write_tracking *tracking);

/* Why writes are not traced; NULL: they are. */
const char *write_tracking_not_traced(const struct write_tracking *tracking);
/* How often the kernel has lost events so far. */
unsigned write_tracking_losses(const struct write_tracking *tracking);

/* May the block have been written since tracing began? */
bool write_tracking_may_be_written(const struct write_tracking *tracking, uint64_t block);
/* Writes that were traced so far. */
uint64_t write_tracking_writes(struct write_tracking *tracking);

/* These contents are what the target will have of the blocks. */
void write_tracking_note_sent(struct write_tracking *tracking, const uint64_t *blocks, size_t count, const uint8_t *contents);

/* True: `pending` has all that was written up to now. False: only a comparison tells. */
bool write_tracking_settle(struct write_tracking *tracking);

/* Asked now and then, with the blocks that are compared; false ends the comparison early. */
typedef bool comparison_goes_on(void *context, uint64_t done);

/* Makes every block pending that differs from what was sent of it. One that was ended early is still owed. False: the disk could
 * not be read, or there is nothing to compare with. */
bool write_tracking_compare(struct write_tracking *tracking, comparison_goes_on *goes_on, void *context, struct error *err);

#endif
