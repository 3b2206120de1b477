/*
 * without_sync.c - linked into build/agent-without-sync, the negative control of the rules in disk_explore.h: a guest's sync is
 * taken for done without one (rule 1). What such an agent leaves out of a running guest's disk is not free to the guest.
 */
#include <stdlib.h>

#include "guest_sync.h"

struct guest_sync *__wrap_guest_sync_open(uint32_t domid, struct error *err);
bool __wrap_guest_sync_run(struct guest_sync *sync, unsigned wait_ms, const atomic_bool *cancel, struct error *err);
void __wrap_guest_sync_close(struct guest_sync *sync);

struct guest_sync *__wrap_guest_sync_open(uint32_t domid, struct error *err)
{
	(void)domid;
	(void)err;
	return calloc(1, 1);
}

bool __wrap_guest_sync_run(struct guest_sync *sync, unsigned wait_ms, const atomic_bool *cancel, struct error *err)
{
	(void)sync;
	(void)wait_ms;
	(void)cancel;
	(void)err;
	return true;
}

void __wrap_guest_sync_close(struct guest_sync *sync)
{
	free(sync);
}
