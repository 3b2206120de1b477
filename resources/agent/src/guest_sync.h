/*
 * guest_sync.h - asks a running guest's kernel to write out all that it holds back, and sees in its memory that this was done.
 *
 * The request is Xen's (`xl sysrq DOMAIN s`); Linux answers "Emergency Sync complete" in its log (drivers/tty/sysrq.c, fs/sync.c).
 * That covers data and the allocation of their blocks, but a journal's last commit is only begun by it: see disk_explore.h for
 * what else has to be waited for.
 */
#ifndef ME2_GUEST_SYNC_H
#define ME2_GUEST_SYNC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct guest_sync;

/* Finds the kernel's log in the guest's memory. NULL with the reason. */
struct guest_sync *guest_sync_open(uint32_t domid, struct error *err);
void guest_sync_close(struct guest_sync *sync);

/* Once. False with ERR_NOT_UNDERSTOOD when the guest has not said within `wait_ms` that it is done (the request may be switched
 * off there), ERR_CANCELLED when `cancel` became true. */
bool guest_sync_run(struct guest_sync *sync, unsigned wait_ms, const atomic_bool *cancel, struct error *err);

#endif
