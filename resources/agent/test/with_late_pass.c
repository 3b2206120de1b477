/*
 * with_late_pass.c - linked into build/agent-with-late-pass: what a guest writes to its disk beside its memory's rounds waits for
 * the last pass. A Linux guest freezes its processes before it is suspended, which gives the passes before so much time that the
 * last one mostly has nothing to do; here it has.
 */
#include <stdatomic.h>

#include "disk_leg.h"
#include "disk_move.h"

static atomic_bool follows;

bool __real_disk_leg_follow(struct disk_leg *leg, struct error *err);
bool __wrap_disk_leg_follow(struct disk_leg *leg, struct error *err);
bool __real_disk_move_pass(struct disk_move *move, struct disk_pass *pass, struct error *err);
bool __wrap_disk_move_pass(struct disk_move *move, struct disk_pass *pass, struct error *err);

bool __wrap_disk_leg_follow(struct disk_leg *leg, struct error *err)
{
	atomic_store(&follows, true);
	return __real_disk_leg_follow(leg, err);
}

bool __wrap_disk_move_pass(struct disk_move *move, struct disk_pass *pass, struct error *err)
{
	*pass = (struct disk_pass){0};
	return atomic_load(&follows) || __real_disk_move_pass(move, pass, err);
}
