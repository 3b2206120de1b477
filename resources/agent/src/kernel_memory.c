#include "kernel_memory.h"

#include <string.h>

/* Intel SDM volume 3, 4.5: 4-level and 5-level paging. */
#define ENTRY_PRESENT UINT64_C(1)
#define ENTRY_LARGE UINT64_C(0x80)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)
#define LEVEL_BITS 9
#define FRAME_SHIFT 12

void kernel_memory_init(struct kernel_memory *memory, struct guest *guest, const struct kernel_layout *layout)
{
	memset(memory, 0, sizeof(*memory));
	memory->guest = guest;
	memory->layout = layout;
}

void kernel_memory_release(struct kernel_memory *memory)
{
	for (size_t i = 0; i < CACHED_FRAMES; i++) {
		guest_unmap(memory->guest, memory->cache[i].bytes, 1);
		memory->cache[i].bytes = NULL;
	}
}

static const uint8_t *reach_frame(struct kernel_memory *memory, uint64_t frame)
{
	size_t slot = frame % CACHED_FRAMES;
	if (memory->cache[slot].bytes && memory->cache[slot].frame == frame)
		return memory->cache[slot].bytes;
	guest_unmap(memory->guest, memory->cache[slot].bytes, 1);
	memory->cache[slot].frame = frame;
	memory->cache[slot].bytes = guest_map_table_frames(memory->guest, &frame, 1, NULL);
	return memory->cache[slot].bytes;
}

static bool read_physical(struct kernel_memory *memory, uint64_t physical, uint64_t *value)
{
	const uint8_t *frame = reach_frame(memory, physical >> FRAME_SHIFT);
	if (!frame || physical % 8 != 0)
		return false;
	*value = __atomic_load_n((const uint64_t *)(const void *)(frame + physical % PAGE_BYTES), __ATOMIC_RELAXED);
	return true;
}

bool kernel_top_table(struct kernel_memory *memory, uint64_t *physical)
{
	uint64_t frame = guest_table_frame(memory->guest, memory->layout->top_table >> FRAME_SHIFT);
	*physical = frame << FRAME_SHIFT;
	return frame != GUEST_NO_FRAME;
}

bool kernel_translate(struct kernel_memory *memory, uint64_t address, uint64_t *physical, uint64_t *run_bytes)
{
	uint64_t table;
	if (!kernel_top_table(memory, &table))
		return false;
	for (unsigned level = memory->layout->levels; level-- > 0;) {
		unsigned shift = FRAME_SHIFT + LEVEL_BITS * level;
		uint64_t index = (address >> shift) & ((1u << LEVEL_BITS) - 1), entry;
		if (!read_physical(memory, table + index * 8, &entry) || !(entry & ENTRY_PRESENT))
			return false;
		uint64_t target = entry & ~memory->layout->encryption_mask & ENTRY_ADDRESS;
		bool leaf = level == 0 || (entry & ENTRY_LARGE);
		if (leaf && level > 2)
			return false; /* reserved: there are no pages above 1 GiB */
		if (leaf) {
			uint64_t inside = (UINT64_C(1) << shift) - 1;
			*physical = (target & ~inside) | (address & inside);
			if (run_bytes)
				*run_bytes = inside + 1 - (address & inside);
			return true;
		}
		table = target;
	}
	return false;
}

bool kernel_read(struct kernel_memory *memory, uint64_t address, uint64_t *value)
{
	uint64_t physical;
	return kernel_translate(memory, address, &physical, NULL) && read_physical(memory, physical, value);
}
