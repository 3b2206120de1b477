#include "map_frame.h"

#include <string.h>

#include "crc32c.h"
#include "le.h"

#define MAGIC 0x4d32454du /* "ME2M" */
#define KIND_SNAPSHOT 1
#define KIND_DELTA 2
#define KIND_WRITTEN 3
#define VARINT_MAX 10u    /* the sweep's time */
#define RUN_BYTES_MAX 3u  /* for each guest frame: a skip, a count and a class of a single frame take one byte each */

size_t map_frame_bound(uint64_t frames)
{
	return MAP_FRAME_HEADER_BYTES + VARINT_MAX + frames * RUN_BYTES_MAX;
}

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = (uint8_t)(value | 0x80);
	*out++ = (uint8_t)value;
	return out;
}

static size_t put_header(uint8_t *out, uint8_t kind, const struct map_stamp *stamp, uint32_t payload_bytes, uint32_t payload_crc)
{
	memset(out, 0, MAP_FRAME_HEADER_BYTES);
	le32_store(out, MAGIC);
	out[4] = kind;
	le32_store(out + 8, payload_bytes);
	le32_store(out + 12, payload_crc);
	le64_store(out + 16, stamp->sequence);
	le64_store(out + 24, stamp->ns);
	le64_store(out + 32, stamp->frames);
	return MAP_FRAME_HEADER_BYTES;
}

static size_t finish(uint8_t *out, uint8_t kind, const struct map_stamp *stamp, const uint8_t *end)
{
	const uint8_t *payload = out + MAP_FRAME_HEADER_BYTES;
	uint32_t payload_bytes = (uint32_t)(end - payload);
	return put_header(out, kind, stamp, payload_bytes, crc32c(0, payload, payload_bytes)) + payload_bytes;
}

size_t map_frame_snapshot_header(uint8_t *out, const struct map_stamp *stamp, uint32_t payload_bytes, uint32_t payload_crc)
{
	return put_header(out, KIND_SNAPSHOT, stamp, payload_bytes, payload_crc);
}

size_t map_frame_run(uint8_t *out, uint64_t count, uint8_t class)
{
	uint8_t *end = put_varint(out, count);
	*end++ = class;
	return (size_t)(end - out);
}

size_t map_frame_snapshot(uint8_t *out, const struct map_stamp *stamp, const uint8_t *classes)
{
	uint8_t *at = out + MAP_FRAME_HEADER_BYTES;
	for (uint64_t first = 0, end; first < stamp->frames; first = end) {
		for (end = first + 1; end < stamp->frames && classes[end] == classes[first]; end++)
			;
		at += map_frame_run(at, end - first, classes[first]);
	}
	return finish(out, KIND_SNAPSHOT, stamp, at);
}

size_t map_frame_delta(uint8_t *out, const struct map_stamp *stamp, const uint8_t *before, const uint8_t *after)
{
	uint8_t *at = out + MAP_FRAME_HEADER_BYTES;
	uint64_t told = 0; /* end of the last run */
	for (uint64_t first = 0, end; first < stamp->frames; first = end) {
		end = first + 1;
		if (before[first] == after[first])
			continue;
		while (end < stamp->frames && before[end] != after[end] && after[end] == after[first])
			end++;
		at = put_varint(at, first - told);
		at = put_varint(at, end - first);
		*at++ = after[first];
		told = end;
	}
	return finish(out, KIND_DELTA, stamp, at);
}

size_t map_frame_written(uint8_t *out, const struct map_stamp *stamp, const uint8_t *found, uint64_t sweep_ms)
{
	uint8_t *at = put_varint(out + MAP_FRAME_HEADER_BYTES, sweep_ms);
	uint64_t told = 0;
	for (uint64_t first = 0, end; first < stamp->frames; first = end) {
		end = first + 1;
		if (!found[first])
			continue;
		while (end < stamp->frames && found[end])
			end++;
		at = put_varint(at, first - told);
		at = put_varint(at, end - first);
		*at++ = 0;
		told = end;
	}
	return finish(out, KIND_WRITTEN, stamp, at);
}
