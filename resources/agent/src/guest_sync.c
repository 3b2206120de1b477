#include "guest_sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "explore.h"
#include "guest.h"
#include "io.h"
#include "kernel_log.h"
#include "process.h"

#define XL_MS 20000u
#define TICK_US 50000u
#define DONE "Emergency Sync complete"

struct guest_sync {
	uint32_t domid;
	struct guest *guest;
	struct explorer *explorer;
	struct kernel_log log;
};

struct guest_sync *guest_sync_open(uint32_t domid, struct error *err)
{
	struct guest_sync *sync = calloc(1, sizeof(*sync));
	if (!sync) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	sync->domid = domid;
	if ((sync->guest = guest_open_xen(domid, err)) && (sync->explorer = explorer_open(sync->guest, err))
		&& kernel_log_open(&sync->log, explorer_memory(sync->explorer), explorer_note(sync->explorer), err))
		return sync;
	guest_sync_close(sync);
	return NULL;
}

void guest_sync_close(struct guest_sync *sync)
{
	if (!sync)
		return;
	if (sync->explorer)
		explorer_close(sync->explorer);
	if (sync->guest)
		guest_close(sync->guest);
	free(sync);
}

static bool request(const struct guest_sync *sync, struct error *err)
{
	char domid[16];
	snprintf(domid, sizeof(domid), "%u", sync->domid);
	char *argv[] = {"xl", "sysrq", domid, "s", NULL};
	struct process xl;
	if (!process_start(&xl, argv, 0, err))
		return false;
	int status = process_wait(&xl, XL_MS);
	process_close(&xl);
	return status == 0 || error_set(err, ERR_XL_FAILED, "", "xl sysrq ended with status %d", status);
}

bool guest_sync_run(struct guest_sync *sync, unsigned wait_ms, const atomic_bool *cancel, struct error *err)
{
	uint64_t from = kernel_log_next(&sync->log), until = clock_ns() + wait_ms * UINT64_C(1000000);
	if (!from || !request(sync, err))
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "the messages of the guest's kernel cannot be read");
	while (!kernel_log_has(&sync->log, from, DONE)) {
		if (atomic_load(cancel))
			return error_set(err, ERR_CANCELLED, "", "cancelled");
		if (clock_ns() > until)
			return error_set(err, ERR_NOT_UNDERSTOOD, "Set kernel.sysrq in the guest so that it allows sync (16).",
				"the guest did not sync within %u s of being asked", wait_ms / 1000);
		usleep(TICK_US);
	}
	return true;
}
