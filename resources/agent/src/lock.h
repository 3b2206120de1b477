/*
 * lock.h - one migration per guest at a time, and one autopilot per host, with the owner's name, so that two consoles get a
 * clear answer.
 */
#ifndef ME2_LOCK_H
#define ME2_LOCK_H

#include <stdint.h>

#include "error.h"

/* Takes the guest's lock; it lasts until the descriptor is closed or the process ends. Returns the descriptor, or -1 with
 * ERR_BUSY naming the owner. */
int lock_guest(const uint8_t uuid[16], const char *owner, struct error *err);

/* The same for this host as a whole: one autopilot decides about it. */
int lock_autopilot(const char *owner, struct error *err);

#endif
