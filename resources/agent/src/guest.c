#include "guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest_backend.h"

void guest_close(struct guest *guest)
{
	if (guest)
		guest->backend->close(guest);
}

uint64_t guest_frames(const struct guest *guest)
{
	return guest->frames;
}

typedef const uint8_t *map_function(struct guest *guest, const uint64_t *frames, size_t count, bool *failed);

static const uint8_t *map_by(map_function *map, struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	if (!count)
		return NULL;
	bool *own = failed ? NULL : malloc(count * sizeof(*own));
	if (!failed && !own)
		return NULL;
	const uint8_t *mapping = map(guest, frames, count, failed ? failed : own);
	free(own);
	return mapping;
}

const uint8_t *guest_map(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	return map_by(guest->backend->map, guest, frames, count, failed);
}

const uint8_t *guest_map_table_frames(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	map_function *map = guest->backend->map_table_frames;
	return map_by(map ? map : guest->backend->map, guest, frames, count, failed);
}

uint64_t guest_table_frame(struct guest *guest, uint64_t frame)
{
	return guest->backend->table_frame ? guest->backend->table_frame(guest, frame) : frame;
}

uint64_t guest_frame_of_table(struct guest *guest, uint64_t table_frame)
{
	return guest->backend->frame_of_table ? guest->backend->frame_of_table(guest, table_frame) : table_frame;
}

bool guest_find_machine_tables(struct guest *guest, const uint64_t *frames, size_t count, bool *is_table, struct error *err)
{
	memset(is_table, false, count * sizeof(*is_table));
	return !guest->backend->find_machine_tables || guest->backend->find_machine_tables(guest, frames, count, is_table, err);
}

const uint8_t *guest_map_range(struct guest *guest, uint64_t first, size_t count, bool *failed)
{
	uint64_t *frames = malloc(count * sizeof(*frames));
	if (!frames)
		return NULL;
	for (size_t i = 0; i < count; i++)
		frames[i] = first + i;
	const uint8_t *mapping = guest_map(guest, frames, count, failed);
	free(frames);
	return mapping;
}

void guest_unmap(struct guest *guest, const uint8_t *mapping, size_t count)
{
	(void)guest;
	if (mapping)
		munmap((void *)(uintptr_t)mapping, count * PAGE_BYTES);
}

uint64_t guest_next_data(struct guest *guest, uint64_t frame)
{
	if (frame >= guest->frames)
		return guest->frames;
	return guest->backend->next_data ? guest->backend->next_data(guest, frame) : frame;
}

uint64_t guest_data_end(struct guest *guest, uint64_t frame)
{
	return guest->backend->data_end ? guest->backend->data_end(guest, frame) : guest->frames;
}
