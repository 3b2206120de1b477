/*
 * disk_wire.h - blocks of a disk on the link: as they are, or in the batches that pages travel in (batch.h; the block's number is
 * the frame, FORMAT.md "Disks"), with a thread of their own to send them while later ones are read and encoded.
 */
#ifndef ME2_DISK_WIRE_H
#define ME2_DISK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "disk_class.h"
#include "error.h"
#include "link.h"

#define DISK_WIRE_BLOCKS 512u /* at once: 2 MiB */

/* How blocks travel. */
struct disk_encoding {
	bool raw;           /* the stock way: each block as it is, zeros too */
	int encoder;        /* enum job_encoder */
	int level;          /* of zstd */
	uint32_t cache_pages;
	uint64_t rate_mbit; /* the cap on the link, 0: none; for `auto` */
};

/* Sums since the start; all but `blocks` and the last two add up to it. */
struct disk_wire_counts {
	uint64_t blocks, constant, encoded, raw, delta, reference;
	uint64_t sent_bytes; /* on the wire, framing and seal included */
	uint64_t cpu_ns;     /* of encoding */
};

struct disk_wire;

/* NULL when out of memory. The link must outlive it. */
struct disk_wire *disk_wire_new(struct link *link, const struct disk_encoding *encoding);
/* What has not been sent is dropped; shut a link that holds things up first. */
void disk_wire_free(struct disk_wire *wire);

/* Sends `count` (1 … DISK_WIRE_BLOCKS) blocks, whose contents lie one after another. `again`: they were sent before. */
bool disk_wire_put(struct disk_wire *wire, const uint64_t *blocks, size_t count, const uint8_t *contents, bool again,
	struct error *err);

/* Waits until all is on the wire. */
bool disk_wire_drain(struct disk_wire *wire, struct error *err);

/* Thread-safe; a moment old where a batch is under way. */
struct disk_wire_counts disk_wire_counts(struct disk_wire *wire);

#endif
