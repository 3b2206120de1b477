/* The work of a lab guest: keeps pages of known contents, rewrites some at a set rate, checks all of them again and again,
 * and sends a heartbeat every 10 ms while somebody listens. One thread that sleeps as long as it may, because each time a
 * guest wakes is dear on an emulated processor; where there is a disk, another does the same with files (disk.h).
 *
 * Says on standard output (the guest's console), once a second, the second line where there is a disk:
 *   ME2 up=SECONDS heartbeats=N rewritten=N checked=N sweeps=N bad=N
 *   ME2 disk files=N errors=N written=BYTES
 * and ME2 load=PERCENT when it was told to put load on the processor (burn.h).
 * bad counts the checks that found a page or a file not as it must be; it stays 0 as long as nobody lost or mixed up any.
 *
 * On SIGTERM (the guest's poweroff sends it) it leaves the disk clean, says `ME2 stopped bad=N`, and powers the guest off. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "ageing.h"
#include "burn.h"
#include "churn.h"
#include "disk.h"
#include "heartbeat.h"
#include "pages.h"
#include "raw.h"
#include "settings.h"

static const uint64_t second_ns = 1000000000u;
static const uint64_t beating_tick_ns = 10000000u;
static const uint64_t resting_tick_ns = 50000000u;
static const uint64_t longest_catch_up_ns = 200000000u;
static const char disk_folder[] = "/disk", raw_file[] = "/disk/raw";

static volatile sig_atomic_t stopping;

struct workload {
	struct settings settings;
	struct page_set pages;
	struct heartbeat heartbeat;
	struct churn churn;
	struct disk disk;
	struct raw_writer raw;
	uint64_t random;
	uint64_t rewritten, checked, sweeps, bad;
	size_t next_check;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

static void sleep_until_ns(uint64_t instant_ns)
{
	struct timespec until = { (time_t)(instant_ns / second_ns), (long)(instant_ns % second_ns) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
}

static void note(struct workload *workload, size_t index, bool good)
{
	workload->checked++;
	if (good)
		return;
	if (workload->bad++ < 20)
		printf("ME2 bad page index=%zu generation=%" PRIu32 "\n", index, workload->pages.generation[index]);
}

static void rewrite_one(struct workload *workload)
{
	size_t index = random_next(&workload->random) % workload->settings.hot_pages;
	note(workload, index, pages_rewrite(&workload->pages, index));
	workload->rewritten++;
}

static void check_one(struct workload *workload)
{
	size_t index = workload->next_check;
	note(workload, index, pages_check(&workload->pages, index));
	if (++workload->next_check == workload->pages.anonymous + workload->pages.file) {
		workload->next_check = 0;
		workload->sweeps++;
	}
}

/* What is due of a rate, in whole pieces; the rest stays in `credit`. */
static uint64_t due(uint64_t *credit, unsigned per_second, uint64_t elapsed_ns)
{
	*credit += per_second * elapsed_ns;
	uint64_t pieces = *credit / second_ns;
	*credit %= second_ns;
	return pieces;
}

static bool has_disk(const struct workload *workload)
{
	return *workload->settings.disk;
}

static struct vitals vitals_of(struct workload *workload)
{
	struct file_set *files = &workload->disk.files;
	struct vitals vitals = {
		.checked = workload->checked,
		.has_disk = has_disk(workload),
		.files_checked = atomic_load(&files->checked),
		.file_errors = atomic_load(&files->errors) + atomic_load(&workload->raw.errors),
		.disk_written_bytes = atomic_load(&files->written_bytes),
	};
	vitals.bad = workload->bad + vitals.file_errors;
	return vitals;
}

static void report(const struct workload *workload, const struct vitals *vitals, uint64_t ns)
{
	printf("ME2 up=%.2f heartbeats=%" PRIu64 " rewritten=%" PRIu64 " checked=%" PRIu64 " sweeps=%" PRIu64 " bad=%" PRIu64 "\n",
	       (double)ns / (double)second_ns, workload->heartbeat.sequence, workload->rewritten, vitals->checked,
	       workload->sweeps, vitals->bad);
	if (vitals->has_disk)
		printf("ME2 disk files=%" PRIu64 " errors=%" PRIu64 " written=%" PRIu64 "\n", vitals->files_checked, vitals->file_errors,
		       vitals->disk_written_bytes);
}

static void run(struct workload *workload)
{
	uint64_t last = now_ns(), wake = last, next_report = last;
	uint64_t dirty_credit = 0, check_credit = 0, churn_credit = 0;
	bool has_pages = workload->pages.anonymous + workload->pages.file > 0;
	while (!stopping) {
		uint64_t now = now_ns();
		struct vitals vitals = vitals_of(workload);
		uint64_t elapsed = now - last < longest_catch_up_ns ? now - last : longest_catch_up_ns;
		last = now;
		heartbeat_step(&workload->heartbeat, now, &vitals);
		if (workload->settings.hot_pages)
			for (uint64_t n = due(&dirty_credit, workload->settings.dirty_per_second, elapsed); n; n--)
				rewrite_one(workload);
		if (has_pages)
			for (uint64_t n = due(&check_credit, workload->settings.check_per_second, elapsed); n; n--)
				check_one(workload);
		workload->bad += churn_step(&workload->churn, &workload->random,
					    due(&churn_credit, workload->settings.churn_per_second, elapsed));
		if (now >= next_report) {
			report(workload, &vitals, now);
			next_report = now + second_ns;
		}
		uint64_t tick_ns = workload->heartbeat.wanted ? beating_tick_ns : resting_tick_ns;
		/* after a pause: go on from now, do not make up for every tick */
		wake = now - wake > longest_catch_up_ns ? now + tick_ns : wake + tick_ns;
		sleep_until_ns(wake);
	}
}

static void on_terminate(int signal)
{
	stopping = signal;
}

static bool start_raw(struct workload *workload)
{
	unsigned depth = workload->settings.raw_depth;
	return depth == 0 || (raw_open(&workload->raw, raw_file, depth, now_ns()) && raw_start(&workload->raw));
}

static bool start_disk(struct workload *workload)
{
	const struct settings *settings = &workload->settings;
	workload->disk.write_kib_per_second = settings->disk_write_kib;
	workload->disk.check_kib_per_second = settings->disk_check_kib;
	return !has_disk(workload) ||
	       (disk_start(&workload->disk, disk_folder, settings->never_sync, now_ns()) && start_raw(workload));
}

static _Noreturn void power_off(struct workload *workload)
{
	if (workload->settings.raw_depth)
		raw_stop(&workload->raw);
	if (has_disk(workload) && (!disk_stop(&workload->disk) || umount(disk_folder) < 0))
		printf("ME2 disk not left clean: %s\n", strerror(errno));
	printf("ME2 stopped bad=%" PRIu64 "\n", vitals_of(workload).bad);
	reboot(RB_POWER_OFF);
	_exit(1);
}

static int fail(const char *what)
{
	printf("ME2 failed: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char *argv[])
{
	static struct workload workload;
	struct settings *settings = &workload.settings;
	struct ageing ageing;
	signal(SIGTERM, on_terminate);
	setvbuf(stdout, NULL, _IOLBF, 0);
	const char *unknown = settings_parse(settings, argc - 1, argv + 1);
	if (unknown) {
		printf("ME2 failed: setting %s\n", unknown);
		return 2;
	}
	if (!heartbeat_open(&workload.heartbeat, settings->heartbeat, settings->hosts))
		return fail("heartbeat");
	if (!ageing_begin(&ageing, (settings->memory_pages + settings->file_pages) * PAGE_BYTES))
		return fail("ageing");
	if (!pages_open(&workload.pages, settings->memory_pages, settings->file_pages, &settings->mix, "/cache/pages"))
		return fail("pages");
	ageing_end(&ageing);
	printf("ME2 aged pages=%zu\n", ageing_pages(&ageing));
	workload.random = random_seed((uint64_t)getpid(), now_ns());
	if (!start_disk(&workload))
		return fail("disk");
	if (!burn_start())
		return fail("load");
	run(&workload);
	power_off(&workload);
}
