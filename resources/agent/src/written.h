/*
 * written.h - which of a guest's pages were written, told by reading only: a sum of each page that was looked at is kept and
 * compared at the next look. Log-dirty would tell more, but it belongs to whoever migrates the guest.
 *
 * Pages that were written lately are looked at on every turn, the others as the caller gets to them.
 */
#ifndef ME2_WRITTEN_H
#define ME2_WRITTEN_H

#include "error.h"
#include "guest.h"

struct written;

/* For a guest of so many frames: 10 bytes a frame. NULL with ERR_SYSTEM. The guest must outlive it. */
struct written *written_new(struct guest *guest, uint64_t frames, struct error *err);
void written_free(struct written *written);

/* Forgets what was found in the last turn. */
void written_next_turn(struct written *written);

/* Looks again at what was written lately, until `due_ns` (CLOCK_MONOTONIC) at the latest. */
void written_look_again(struct written *written, uint64_t due_ns);

/* One page that the caller has before it. */
void written_note(struct written *written, uint64_t frame, const uint8_t page[PAGE_BYTES]);

/* One byte a frame: 1 if it was found written in this turn, else 0. */
const uint8_t *written_found(const struct written *written);

#endif
