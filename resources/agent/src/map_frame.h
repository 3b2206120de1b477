/*
 * map_frame.h - the binary frames of `map`: a guest's page classes as runs, whole or as what changed. See PROTOCOL.md.
 */
#ifndef ME2_MAP_FRAME_H
#define ME2_MAP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define MAP_FRAME_HEADER_BYTES 40u
#define MAP_FRAME_RUN_BYTES 11u /* what a run of a snapshot takes at most */

struct map_stamp {
	uint64_t sequence;
	uint64_t ns;     /* CLOCK_MONOTONIC */
	uint64_t frames; /* of the guest: entries of each class array */
};

/* Bytes that no frame for so many guest frames can exceed. */
size_t map_frame_bound(uint64_t frames);

/* Each fills `out` (map_frame_bound() bytes) and returns the length. */
size_t map_frame_snapshot(uint8_t *out, const struct map_stamp *stamp, const uint8_t *classes);
size_t map_frame_delta(uint8_t *out, const struct map_stamp *stamp, const uint8_t *before, const uint8_t *after);
/* `found`: 1 for each frame that was found written. `sweep_ms`: how long one look at all of memory takes, 0: not known yet. */
size_t map_frame_written(uint8_t *out, const struct map_stamp *stamp, const uint8_t *found, uint64_t sweep_ms);

/* A snapshot in pieces, where the classes are not in one array: its header, then each of its runs. Each fills `out` and
 * returns the length. `payload_bytes`, `payload_crc` (crc32c): of all the runs. */
size_t map_frame_snapshot_header(uint8_t *out, const struct map_stamp *stamp, uint32_t payload_bytes, uint32_t payload_crc);
size_t map_frame_run(uint8_t *out, uint64_t count, uint8_t class);

#endif
