/*
 * guest_backend.h - what an implementation of guest.h provides; included by guest*.c only.
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
};

/* The first member of each implementation's own struct. */
struct guest {
	const struct guest_backend *backend;
	uint64_t frames;
};

#endif
