/*
 * guest_backend.h - what an implementation of guest.h provides; included by guest*.c, and by tests that play a guest.
 */
#ifndef ME2_GUEST_BACKEND_H
#define ME2_GUEST_BACKEND_H

#include "guest.h"

struct guest_backend {
	void (*close)(struct guest *guest);
	/* `failed` is never NULL. */
	const uint8_t *(*map)(struct guest *guest, const uint64_t *frames, size_t count, bool *failed);
	/* Both NULL: every frame may hold data. */
	uint64_t (*next_data)(struct guest *guest, uint64_t frame);
	uint64_t (*data_end)(struct guest *guest, uint64_t frame);
	/* All NULL: table frames are guest frames. Otherwise as in guest.h; `failed` is never NULL. */
	uint64_t (*table_frame)(struct guest *guest, uint64_t frame);
	uint64_t (*frame_of_table)(struct guest *guest, uint64_t table_frame);
	const uint8_t *(*map_table_frames)(struct guest *guest, const uint64_t *frames, size_t count, bool *failed);
	bool (*find_machine_tables)(struct guest *guest, const uint64_t *frames, size_t count, bool *is_table, struct error *err);
};

/* The first member of each implementation's own struct. */
struct guest {
	const struct guest_backend *backend;
	uint64_t frames;
};

#endif
