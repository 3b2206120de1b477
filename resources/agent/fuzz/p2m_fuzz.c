/* p2m_fuzz.c - a PV guest writes its table of machine frames as it likes: nothing faults, leaks or goes on and on. */
#include <stdlib.h>
#include <string.h>

#include "p2m.h"

#define MACHINE_FRAMES 32u
#define SHARED_INFO 0u
#define FRAMES_MAX (UINT64_C(64) * 512)
#define CLAIMED_MAX (UINT64_C(1) << 22) /* more takes too long here; what is above P2M_FRAMES_MAX stays as it is */
#define FIXED_BYTES 8u
#define WRITE_BYTES 6u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct machine {
	uint64_t word[MACHINE_FRAMES][512];
	long mapped;      /* pages */
	unsigned changes; /* so many mappings are followed by a rearrangement */
};

static void require(int condition)
{
	if (!condition)
		abort();
}

static uint64_t *info(struct machine *machine, unsigned offset)
{
	return &machine->word[SHARED_INFO][offset / 8];
}

static const uint8_t *map(void *context, const uint64_t *frames, size_t count, bool *failed)
{
	struct machine *machine = context;
	uint8_t *mapping = malloc(count * PAGE_BYTES);
	size_t there = 0;
	require(mapping != NULL && count <= FRAMES_MAX / 512);
	for (size_t i = 0; i < count; i++) {
		failed[i] = frames[i] >= MACHINE_FRAMES;
		there += !failed[i];
		if (!failed[i])
			memcpy(mapping + i * PAGE_BYTES, machine->word[frames[i]], PAGE_BYTES);
	}
	if (machine->changes) {
		machine->changes--;
		*info(machine, 3128) += 2;
	}
	machine->mapped += there ? (long)count : 0;
	if (there)
		return mapping;
	free(mapping);
	return NULL;
}

static void unmap(void *context, const uint8_t *mapping, size_t count)
{
	((struct machine *)context)->mapped -= (long)count;
	free((void *)(uintptr_t)mapping);
}

/* Fixed: which form, sizes and places. Then writes: frame, place, what. */
static void build(struct machine *machine, const uint8_t *bytes, size_t length)
{
	uint64_t claimed = (uint64_t)bytes[1] << (bytes[2] & 63);
	*info(machine, 3088) = claimed > P2M_FRAMES_MAX ? claimed : claimed % CLAIMED_MAX;
	*info(machine, 3096) = bytes[3] == 0xff ? UINT64_MAX : bytes[3] % (MACHINE_FRAMES + 1);
	*info(machine, 3112) = bytes[0] & 1 ? (uint64_t)bytes[4] % (MACHINE_FRAMES + 1) << 12 : 0;
	*info(machine, 3120) = (uint64_t)bytes[5] << 30 | (uint64_t)bytes[6] << 12 | (bytes[0] == 0xff);
	*info(machine, 3128) = bytes[0] == 0xfe;
	machine->changes = bytes[7] & 15;
	for (size_t at = FIXED_BYTES; at + WRITE_BYTES <= length; at += WRITE_BYTES) {
		uint64_t frame = 1 + bytes[at] % (MACHINE_FRAMES - 1), place = (bytes[at + 1] | (unsigned)bytes[at + 2] << 8) % 512;
		uint64_t value = bytes[at + 4] % (MACHINE_FRAMES + 1);
		machine->word[frame][place] = bytes[at + 3] & 1 ? value << 12 | bytes[at + 5] : value | (uint64_t)bytes[at + 5] << 56;
		if (bytes[at + 3] == 0xfe) /* the whole page */
			for (unsigned i = 0; i < 512; i++)
				machine->word[frame][i] = value << 12 | bytes[at + 5];
	}
}

static void table_makes_sense(struct p2m *p2m)
{
	uint64_t frames = p2m_frames(p2m);
	require(frames > 0 && frames <= FRAMES_MAX);
	for (uint64_t frame = 0; frame < frames + 3; frame += 1 + frame / 64) {
		uint64_t found, again;
		p2m_look_up(p2m, &frame, 1, &found);
		if (found == GUEST_NO_FRAME)
			continue;
		uint64_t back = p2m_find(p2m, found);
		require(frame < frames && found >> 40 == 0 && back < frames);
		p2m_look_up(p2m, &back, 1, &again);
		require(again == found);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct machine machine;
	struct error err = {0};
	const struct p2m_reader reader = {.map = map, .unmap = unmap, .context = &machine};
	if (length < FIXED_BYTES)
		return 0;
	memset(&machine, 0, sizeof(machine));
	build(&machine, bytes, length);
	struct p2m *p2m = p2m_open(&reader, SHARED_INFO, FRAMES_MAX, &err);
	require(!p2m == (err.code != NULL));
	if (p2m)
		table_makes_sense(p2m);
	p2m_close(p2m);
	require(machine.mapped == 0);
	return 0;
}
