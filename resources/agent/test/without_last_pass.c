/*
 * without_last_pass.c - linked, with with_late_pass.c, into build/agent-without-last-pass, a negative control: once the guest is
 * suspended no block of its disk is sent any more. What it wrote last is missing at the target.
 */
#include <stdatomic.h>

#include "block_set.h"
#include "disk_move.h"

static atomic_bool guest_is_suspended;

bool __real_disk_move_finish(struct disk_move *move, struct error *err);
bool __wrap_disk_move_finish(struct disk_move *move, struct error *err);
uint64_t __real_block_set_next(const struct block_set *set, uint64_t from);
uint64_t __wrap_block_set_next(const struct block_set *set, uint64_t from);

bool __wrap_disk_move_finish(struct disk_move *move, struct error *err)
{
	atomic_store(&guest_is_suspended, true);
	bool finished = __real_disk_move_finish(move, err);
	atomic_store(&guest_is_suspended, false);
	return finished;
}

uint64_t __wrap_block_set_next(const struct block_set *set, uint64_t from)
{
	return atomic_load(&guest_is_suspended) ? set->blocks : __real_block_set_next(set, from);
}
