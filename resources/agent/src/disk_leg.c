#include "disk_leg.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "disk_move.h"
#include "io.h"
#include "json.h"

/* So little may be left when xl starts, and a pass may take so long. */
#define LITTLE_BLOCKS 512u
#define LITTLE_NS 1000000000u
#define PASSES_MAX 30u
/* Between two passes beside the memory's rounds: what is written twice within that time travels once. */
#define TICK_US 200000u
#define TICK_NS (TICK_US * UINT64_C(1000))

struct disk_leg {
	struct job *job;
	struct disk_move *move;
	pthread_t thread;
	bool follows;
	atomic_bool stop;
};

static bool copy_until_little_is_left(struct disk_leg *leg, struct error *err)
{
	struct disk_pass pass;
	for (unsigned count = 0; count < PASSES_MAX; count++) {
		if (!disk_move_pass(leg->move, &pass, err))
			return false;
		if (pass.blocks <= LITTLE_BLOCKS || pass.sent_ns < LITTLE_NS)
			return true;
	}
	return error_set(err, ERR_GUEST_STATE, "Try again when it writes less, or over a faster link.",
		"the guest writes to its disk faster than the link carries");
}

static struct disk_move_settings settings_of(struct job *job, const char *path, const char *to, const uint8_t *key)
{
	return (struct disk_move_settings){
		.path = path,
		.link = (enum link_kind)job->link,
		.to = to,
		.key = key,
		.encoding = {.raw = job->mode == MODE_STOCK, .encoder = job->encoder, .level = (int)job->level,
			.cache_pages = job_cache_pages(job), .rate_mbit = job->rate_mbit},
		.rate = &job->rate,
		.stall_s = (unsigned)job->stall_s,
		.explore = job->mode == MODE_ME2,
		.verify = job->verify,
		.live = true,
		.domid = job->domid,
		.suspended_ns = &job->suspended_ns,
		.cancel = &job->cancel,
		.lines = STDOUT_FILENO,
	};
}

struct disk_leg *disk_leg_begin(struct job *job, const char *path, const char *to, const uint8_t key[LINK_KEY_BYTES],
	struct error *err)
{
	const struct disk_move_settings settings = settings_of(job, path, to, key);
	struct disk_leg *leg = calloc(1, sizeof(*leg));
	if (!leg) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	leg->job = job;
	job->has_disk = true;
	if ((leg->move = disk_move_new(&settings, err)) && disk_move_prepare(leg->move, err) && copy_until_little_is_left(leg, err))
		return leg;
	disk_move_free(leg->move);
	free(leg);
	return NULL;
}

/* Where a pass has to read all of the disk, the disk is the guest's alone for as long before the next. */
static void rest(const struct disk_leg *leg, const struct disk_pass *pass)
{
	uint64_t until = clock_ns() + pass->looked_ns;
	do {
		usleep(TICK_US);
	} while (clock_ns() + TICK_NS < until && !atomic_load(&leg->stop) && !atomic_load(&leg->job->suspended_ns));
}

/* Until the guest is suspended; then the last pass. */
static bool follow_to_the_end(struct disk_leg *leg, struct error *err)
{
	struct disk_pass pass;
	while (!atomic_load(&leg->job->suspended_ns)) {
		if (atomic_load(&leg->stop))
			return true;
		if (!disk_move_pass(leg->move, &pass, err))
			return false;
		rest(leg, &pass);
	}
	if (!disk_move_finish(leg->move, err))
		return false;
	atomic_store(&leg->job->disk_done_ns, clock_ns());
	return true;
}

static void *follow(void *context)
{
	struct disk_leg *leg = context;
	struct error err = {0};
	if (!follow_to_the_end(leg, &err)) {
		leg->job->disk_error = err;
		atomic_store(&leg->job->disk_failed, true);
	}
	return NULL;
}

bool disk_leg_follow(struct disk_leg *leg, struct error *err)
{
	leg->follows = pthread_create(&leg->thread, NULL, follow, leg) == 0;
	return leg->follows || error_set(err, ERR_SYSTEM, "", "out of memory");
}

void disk_leg_end(struct disk_leg *leg, bool migrated, bool is_here)
{
	struct error err = {0};
	atomic_store(&leg->stop, true);
	if (!migrated)
		atomic_store(&leg->job->cancel, true); /* a last pass that nobody waits for */
	if (leg->follows)
		pthread_join(leg->thread, NULL);
	if (migrated && leg->job->verify && !disk_move_verify(leg->move, &err))
		json_write_error(&err, STDOUT_FILENO);
	if (is_here)
		disk_move_drop(leg->move);
	disk_move_report(leg->move);
	disk_move_free(leg->move);
	free(leg);
}
