/* with_slow_last_pass.c - linked into build/agent-with-slow-last-pass: the target's memory is ready long before its disk is. */
#include <unistd.h>

#include "disk_move.h"

#define LATE_S 12

bool __real_disk_move_finish(struct disk_move *move, struct error *err);
bool __wrap_disk_move_finish(struct disk_move *move, struct error *err);

bool __wrap_disk_move_finish(struct disk_move *move, struct error *err)
{
	sleep(LATE_S);
	return __real_disk_move_finish(move, err);
}
