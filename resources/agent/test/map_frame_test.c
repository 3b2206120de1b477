/* map_frame_test.c - a map that does not decode to what was classified would show the class a wrong memory. */
#include <string.h>

#include "check.h"
#include "crc32c.h"
#include "le.h"
#include "map_frame.h"
#include "varint.h"

#define FRAMES 5000u
#define SWEEP_MS 1234u

/* Decodes as PROTOCOL.md says, on top of what `classes` holds. */
static void apply(const uint8_t *frame, size_t length, uint8_t kind, uint8_t *classes)
{
	uint64_t next = 0;
	CHECK(length >= 40 && length <= map_frame_bound(FRAMES));
	CHECK(memcmp(frame, "ME2M", 4) == 0 && frame[4] == kind && !frame[5] && !frame[6] && !frame[7]);
	CHECK(le32_load(frame + 8) == length - 40 && le32_load(frame + 12) == crc32c(0, frame + 40, length - 40));
	CHECK(le64_load(frame + 16) == 7 && le64_load(frame + 24) == 123456789012 && le64_load(frame + 32) == FRAMES);
	const uint8_t *at = frame + 40;
	CHECK(kind != 3 || get_varint(&at) == SWEEP_MS);
	while (at < frame + length) {
		next += kind == 1 ? 0 : get_varint(&at);
		uint64_t count = get_varint(&at);
		CHECK(count && next + count <= FRAMES);
		memset(classes + next, kind == 3 ? 1 : *at, count);
		at++;
		next += count;
	}
	CHECK(kind != 1 || next == FRAMES);
}

static void round_trip(const uint8_t *before, const uint8_t *after)
{
	static const struct map_stamp stamp = {.sequence = 7, .ns = 123456789012, .frames = FRAMES};
	uint8_t *frame = malloc(map_frame_bound(FRAMES)), classes[FRAMES];
	memset(classes, 0xff, sizeof(classes));
	apply(frame, map_frame_snapshot(frame, &stamp, after), 1, classes);
	CHECK(memcmp(classes, after, FRAMES) == 0, "snapshot");
	memcpy(classes, before, FRAMES);
	apply(frame, map_frame_delta(frame, &stamp, before, after), 2, classes);
	CHECK(memcmp(classes, after, FRAMES) == 0, "delta");
	uint8_t found[FRAMES];
	for (size_t i = 0; i < FRAMES; i++)
		found[i] = before[i] != after[i];
	memset(classes, 0, FRAMES);
	apply(frame, map_frame_written(frame, &stamp, found, SWEEP_MS), 3, classes);
	CHECK(memcmp(classes, found, FRAMES) == 0, "written");
	free(frame);
}

int main(void)
{
	static const struct map_stamp stamp = {.frames = FRAMES};
	static uint8_t before[FRAMES], after[FRAMES], frame[FRAMES * 3 + 40];
	round_trip(before, after);
	CHECK(map_frame_delta(frame, &stamp, before, after) == 40, "no change is a bare header");
	memset(after, 3, FRAMES);
	round_trip(before, after);
	after[0] = after[FRAMES - 1] = 9;
	round_trip(before, after);
	for (unsigned step = 1; step < 400; step = step * 3 + 1) {
		for (unsigned i = 0; i < FRAMES; i++) {
			before[i] = (uint8_t)(rand() % 13);
			after[i] = (uint8_t)(i / step % 2 ? before[i] : rand() % 13);
		}
		round_trip(before, after);
	}
	CHECKS_PASSED();
	return 0;
}
