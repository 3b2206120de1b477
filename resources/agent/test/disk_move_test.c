/* disk_move_test.c - a disk's way from one file to another, through both commands' own code, while it is written to or not. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block_trace.h"
#include "check.h"
#include "commands.h"
#include "disk_class.h"
#include "disk_explore.h"
#include "disk_move.h"
#include "disk_volume.h"
#include "guest_sync.h"
#include "io.h"
#include "job.h"
#include "pages.h"
#include "write_tracking.h"

#define BLOCKS 1500u
#define TAIL_BYTES 1536u /* behind the last whole block */
#define DISK_BYTES ((uint64_t)BLOCKS * DISK_BLOCK_BYTES + TAIL_BYTES)
#define KEY "0707070707070707070707070707070707070707070707070707070707070707\n"

static char folder[] = "/tmp/me2-disk-move-XXXXXX";
static char source_path[64], target_path[64];
static struct random generator = {.state = 1};
static const uint8_t key[LINK_KEY_BYTES] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

/* --- In place of the kernel's tracing: whoever writes says so (-Wl,--wrap) --- */

static struct block_set *traced_pending, *traced_ever;
static atomic_bool trace_lost;          /* by the trace that runs: one that begins anew has lost nothing */
static const char *trace_refusal;       /* a code: none can be begun */

struct block_trace *__wrap_block_trace_start(const char *device, struct block_set *written, struct block_set *ever_written,
	struct error *err);
bool __wrap_block_trace_settle(struct block_trace *trace);
uint64_t __wrap_block_trace_writes(struct block_trace *trace);
void __wrap_block_trace_stop(struct block_trace *trace);

struct block_trace *__wrap_block_trace_start(const char *device, struct block_set *written, struct block_set *ever_written,
	struct error *err)
{
	(void)device;
	if (trace_refusal) {
		error_set(err, trace_refusal, "", "the test does not trace");
		return NULL;
	}
	atomic_store(&trace_lost, false);
	traced_pending = written;
	traced_ever = ever_written;
	return (struct block_trace *)(void *)&traced_pending;
}

bool __wrap_block_trace_settle(struct block_trace *trace)
{
	(void)trace;
	return !atomic_load(&trace_lost);
}

/* The guest never rests. */
uint64_t __wrap_block_trace_writes(struct block_trace *trace)
{
	static uint64_t writes;
	(void)trace;
	return ++writes;
}

void __wrap_block_trace_stop(struct block_trace *trace)
{
	(void)trace;
}

/* --- A negative control: comparisons that see nothing --- */

static bool blind;

bool __real_write_tracking_compare(struct write_tracking *tracking, comparison_goes_on *goes_on, void *context, struct error *err);
bool __wrap_write_tracking_compare(struct write_tracking *tracking, comparison_goes_on *goes_on, void *context, struct error *err);

bool __wrap_write_tracking_compare(struct write_tracking *tracking, comparison_goes_on *goes_on, void *context, struct error *err)
{
	return blind || __real_write_tracking_compare(tracking, goes_on, context, err);
}

/* --- A guest that syncs when asked, and a disk of two ext4 volumes whose journals are where the test says --- */

#define UNREADABLE 0u /* the journal could not be applied in that look */

static const uint32_t (*journal_script)[2]; /* the next transaction of each, look by look; NULL: the disk is really explored */
static size_t looks;
static uint64_t free_blocks[2];             /* from, to: what each look calls free, and nothing else */

struct disk_exploration *__real_disk_explore(struct disk *disk, struct error *err);
struct disk_exploration *__wrap_disk_explore(struct disk *disk, struct error *err);
struct guest_sync *__wrap_guest_sync_open(uint32_t domid, struct error *err);
bool __wrap_guest_sync_run(struct guest_sync *sync, unsigned wait_ms, const atomic_bool *cancel, struct error *err);
void __wrap_guest_sync_close(struct guest_sync *sync);

struct disk_exploration *__wrap_disk_explore(struct disk *disk, struct error *err)
{
	struct disk_exploration *found = __real_disk_explore(disk, err);
	if (free_blocks[1]) {
		struct disk_view all = disk_view_all(disk);
		block_map_free(found->map);
		found->map = block_map_new(disk_bytes(disk));
		block_map_say(found->map, &all, free_blocks[0] * DISK_BLOCK_BYTES, (free_blocks[1] - free_blocks[0]) * DISK_BLOCK_BYTES,
			DISK_FREE);
	}
	if (!journal_script)
		return found;
	found->count = 2;
	for (size_t i = 0; i < 2; i++) {
		found->volumes[i].has_journal = journal_script[looks][i] != UNREADABLE;
		found->volumes[i].next_transaction = journal_script[looks][i];
	}
	looks++;
	return found;
}

struct guest_sync *__wrap_guest_sync_open(uint32_t domid, struct error *err)
{
	(void)domid;
	if (!journal_script)
		error_set(err, ERR_NOT_UNDERSTOOD, "", "no guest");
	return journal_script ? calloc(1, 1) : NULL;
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

static void write_untraced(int fd, uint64_t block)
{
	uint8_t page[PAGE_BYTES];
	fill_page(&generator, random_below(&generator, KINDS), page);
	CHECK(pwrite(fd, page, PAGE_BYTES, (off_t)(block * DISK_BLOCK_BYTES)) == PAGE_BYTES);
}

static void write_traced(int fd, uint64_t block)
{
	block_set_add(traced_ever, block, 1);
	block_set_add(traced_pending, block, 1);
	write_untraced(fd, block);
	block_set_add(traced_pending, block, 1);
}

/* --- Disks --- */

static void make_disk(void)
{
	uint8_t page[PAGE_BYTES];
	int fd = open(source_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (i % 5 == 0)
			continue; /* a hole */
		fill_page(&generator, random_below(&generator, KINDS), page);
		CHECK(pwrite(fd, page, i % 5 == 1 ? PAGE_BYTES : PAGE_BYTES / 2, (off_t)i * PAGE_BYTES) > 0);
	}
	CHECK(ftruncate(fd, (off_t)DISK_BYTES) == 0 && pwrite(fd, "the end", 7, (off_t)(DISK_BYTES - 7)) == 7);
	close(fd);
	unlink(target_path);
}

static bool same_contents(void)
{
	uint8_t a[PAGE_BYTES], b[PAGE_BYTES];
	int from = open(source_path, O_RDONLY), to = open(target_path, O_RDONLY);
	CHECK(from >= 0 && to >= 0);
	ssize_t n;
	bool same = true;
	while (same && (n = io_read_all(from, a, sizeof(a))) > 0)
		same = io_read_all(to, b, sizeof(b)) == n && memcmp(a, b, (size_t)n) == 0;
	same = same && io_read_all(to, b, 1) == 0;
	close(from);
	close(to);
	return same;
}

/* --- The target, a process of its own --- */

struct target {
	pid_t pid;
	int in, out;
	char to[64];
};

static struct target start_target(uint64_t bytes, bool overwrite, uint64_t file_limit)
{
	struct target target;
	char size[32], line[512], *argv[] = {"agent", "disk-receive", "--path", target_path, "--bytes", size, "--bind", "127.0.0.1",
		"--link", "plain", overwrite ? "--overwrite" : NULL};
	int in[2], out[2];
	size_t length = 0;
	snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	CHECK(pipe(in) == 0 && pipe(out) == 0);
	fflush(NULL);
	target.pid = fork();
	if (target.pid == 0) {
		const struct rlimit limit = {.rlim_cur = file_limit, .rlim_max = file_limit};
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		signal(SIGXFSZ, SIG_IGN);
		if (file_limit)
			setrlimit(RLIMIT_FSIZE, &limit);
		exit(run_command(overwrite ? 11 : 10, argv));
	}
	close(in[0]);
	close(out[1]);
	target.in = in[1];
	target.out = out[0];
	CHECK(io_write_all(target.in, KEY, strlen(KEY)));
	while (length < sizeof(line) - 1 && read(target.out, line + length, 1) == 1 && line[length] != '\n')
		length++;
	line[length] = '\0';
	const char *port = strstr(line, "\"port\":");
	target.to[0] = '\0';
	if (port)
		snprintf(target.to, sizeof(target.to), "127.0.0.1:%d", atoi(port + 7));
	return target;
}

static bool target_said(struct target *target, const char *words, int *status)
{
	char output[8192];
	ssize_t length = io_read_all(target->out, output, sizeof(output) - 1);
	output[length > 0 ? length : 0] = '\0';
	close(target->in);
	close(target->out);
	CHECK(waitpid(target->pid, status, 0) == target->pid);
	*status = WEXITSTATUS(*status);
	if (!strstr(output, words))
		fprintf(stderr, "the target said: %s\n", output);
	return strstr(output, words) != NULL;
}

/* --- The source --- */

static atomic_bool cancelled;

static struct disk_move_settings settings_for(const struct target *target, int null_fd)
{
	return (struct disk_move_settings){.path = source_path, .link = LINK_PLAIN, .to = target->to, .key = key, .stall_s = 10,
		.verify = true, .cancel = &cancelled, .lines = null_fd, .encoding = {.encoder = JOB_RLE}};
}

static void copies_at_rest(int null_fd)
{
	static const struct disk_encoding ways[] = {{.raw = true}, {.encoder = JOB_NONE}, {.encoder = JOB_RLE},
		{.encoder = JOB_DELTA, .cache_pages = 512}, {.encoder = JOB_LZ4}, {.encoder = JOB_ZSTD, .level = 3},
		{.encoder = JOB_AUTO, .cache_pages = 512}};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct error err = {0};
		struct disk_pass pass;
		int status;
		make_disk();
		struct target target = start_target(DISK_BYTES, false, 0);
		struct disk_move_settings settings = settings_for(&target, null_fd);
		settings.encoding = ways[i];
		struct disk_move *move = disk_move_new(&settings, &err);
		CHECK(move, "%s", err.message);
		CHECK(disk_move_prepare(move, &err) && disk_move_pass(move, &pass, &err) && disk_move_finish(move, &err)
			&& disk_move_verify(move, &err), "way %zu: %s", i, err.message);
		CHECK(pass.blocks == BLOCKS + 1);
		disk_move_free(move);
		CHECK(target_said(&target, "\"outcome\":\"kept\"", &status) && status == 0);
		CHECK(same_contents(), "way %zu", i);
	}
}

/* A device that is not zero, as a logical volume that was just made: zeros have to be written, too. */
static void writes_zeros(int null_fd)
{
	struct error err = {0};
	uint8_t garbage[PAGE_BYTES];
	int status;
	make_disk();
	memset(garbage, 0xa5, sizeof(garbage));
	int fd = open(target_path, O_RDWR | O_CREAT, 0600);
	for (uint64_t at = 0; at < DISK_BYTES; at += PAGE_BYTES)
		CHECK(pwrite(fd, garbage, at + PAGE_BYTES < DISK_BYTES ? PAGE_BYTES : TAIL_BYTES, (off_t)at) > 0);
	close(fd);
	struct target target = start_target(DISK_BYTES, true, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err) && disk_move_finish(move, &err), "%s", err.message);
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"kept\"", &status) && status == 0 && same_contents());
}

struct writer {
	int fd;
	void (*write)(int fd, uint64_t block);
	atomic_bool stop;
	atomic_uint writes;
};

static void *write_on(void *context)
{
	struct writer *writer = context;
	struct random places = {.state = 99};
	while (!atomic_load(&writer->stop)) {
		writer->write(writer->fd, random_below(&places, BLOCKS));
		atomic_fetch_add(&writer->writes, 1);
		usleep(200);
	}
	return NULL;
}

/* A guest that writes in the middle of a pass, too; `finish` comes after its last write. */
static void write_beside_passes(struct disk_move *move, void (*write)(int fd, uint64_t block))
{
	struct error err = {0};
	struct disk_pass pass;
	struct writer writer = {.write = write, .fd = open(source_path, O_RDWR)};
	pthread_t thread;
	CHECK(writer.fd >= 0 && pthread_create(&thread, NULL, write_on, &writer) == 0);
	CHECK(disk_move_prepare(move, &err));
	for (unsigned count = 0; count < 5; count++)
		CHECK(disk_move_pass(move, &pass, &err), "%s", err.message);
	for (unsigned seen = atomic_load(&writer.writes); atomic_load(&writer.writes) < seen + 20;)
		usleep(1000); /* more is written than the passes saw */
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	close(writer.fd);
}

/* `follow`: the last pass is made, as it must be. */
static bool copy_while_written(bool follow, int null_fd)
{
	struct error err = {0};
	int status;
	make_disk();
	struct target target = start_target(DISK_BYTES, false, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	settings.live = true;
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move, "%s", err.message);
	write_beside_passes(move, write_traced);
	CHECK(!follow || disk_move_finish(move, &err), "%s", err.message);
	if (!follow) /* whoever forgets the last pass: everything pending is thrown away */
		for (uint64_t block = 0; block < BLOCKS; block++)
			block_set_take(traced_pending, block);
	CHECK(follow || disk_move_finish(move, &err), "%s", err.message);
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"kept\"", &status));
	return same_contents();
}

/* --- Writes that no trace shows --- */

static const char *const refusals[] = {ERR_BUSY, ERR_NOT_SUPPORTED, ERR_SYSTEM};

/* A move of a running guest's disk, and what it said. */
struct live {
	struct target target;
	struct disk_move *move;
	atomic_ullong suspended_ns;
	int source, lines;
	char said[65536];
};

static void begin_live(struct live *live, bool explore)
{
	struct error err = {0};
	make_disk();
	*live = (struct live){.target = start_target(DISK_BYTES, false, 0), .source = open(source_path, O_RDWR),
		.lines = open(folder, O_TMPFILE | O_RDWR, 0600)};
	CHECK(live->source >= 0 && live->lines >= 0);
	struct disk_move_settings settings = settings_for(&live->target, live->lines);
	settings.live = true;
	settings.explore = explore;
	settings.suspended_ns = &live->suspended_ns;
	live->move = disk_move_new(&settings, &err);
	CHECK(live->move, "%s", err.message);
}

static uint64_t blocks_sent(struct live *live)
{
	struct error err = {0};
	struct disk_pass pass;
	CHECK(disk_move_pass(live->move, &pass, &err), "%s", err.message);
	return pass.blocks;
}

/* True if the target has what the source has. */
static bool end_live(struct live *live)
{
	struct error err = {0};
	int status;
	atomic_store(&live->suspended_ns, 1);
	CHECK(disk_move_finish(live->move, &err) && disk_move_verify(live->move, &err), "%s", err.message);
	disk_move_free(live->move);
	ssize_t length = pread(live->lines, live->said, sizeof(live->said) - 1, 0);
	live->said[length > 0 ? length : 0] = '\0';
	close(live->lines);
	close(live->source);
	CHECK(target_said(&live->target, "\"outcome\":\"kept\"", &status) && status == 0);
	return same_contents();
}

static void falls_back_to_hashes(const char *refusal)
{
	static const uint32_t settled[][2] = {{UNREADABLE, UNREADABLE}};
	static const uint64_t places[] = {0, 1, 511, 512, 777, BLOCKS - 1};
	static struct live live;
	trace_refusal = refusal;
	journal_script = settled;
	looks = 0;
	free_blocks[1] = 500; /* of no use: without a trace nothing is left out */
	begin_live(&live, true);
	struct error err = {0};
	CHECK(disk_move_prepare(live.move, &err) && blocks_sent(&live) == BLOCKS + 1 && blocks_sent(&live) == 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		CHECK(pwrite(live.source, "changed", 7, (off_t)(places[i] * DISK_BLOCK_BYTES + i)) == 7);
	CHECK(pwrite(live.source, "tail", 4, (off_t)(DISK_BYTES - 4)) == 4);
	CHECK(blocks_sent(&live) == sizeof(places) / sizeof(places[0]) + 1, "what has changed, and nothing else");
	CHECK(pwrite(live.source, "once more", 9, 3 * DISK_BLOCK_BYTES) == 9);
	CHECK(end_live(&live));
	CHECK(strstr(live.said, "\"leftOut\":0,\"tracked\":\"hash\",\"notTraced\":\"the test does not trace\",\"notExplored\":\"writes to it"),
		"%s", live.said);
	CHECK(strstr(live.said, "\"t\":\"diskVerify\",\"compared\":1501,\"differing\":0,"), "%s", live.said);
	trace_refusal = NULL;
	journal_script = NULL;
	free_blocks[1] = 0;
}

/* What is written in the middle of a pass, and after the last of them; `see`: comparisons do what they should. */
static void hashes_beside_writes(bool see)
{
	static struct live live;
	trace_refusal = ERR_BUSY;
	begin_live(&live, false);
	blind = !see;
	write_beside_passes(live.move, write_untraced);
	CHECK(end_live(&live) == see, "a write was missed, or a copy without comparisons went unnoticed");
	CHECK((strstr(live.said, ",\"differing\":0,") != NULL) == see, "verification must not believe the tracking: %s", live.said);
	blind = false;
	trace_refusal = NULL;
}

enum after_loss { TRACES_AGAIN, CANNOT_TRACE_AGAIN, IS_SUSPENDED_AT_ONCE };

/* What was left out travels as well: the guest may have written there while nobody saw it. */
static void loses_events(enum after_loss then)
{
	static const uint32_t settled[][2] = {{UNREADABLE, UNREADABLE}};
	static struct live live;
	struct error err = {0};
	free_blocks[0] = 100;
	free_blocks[1] = 200;
	journal_script = settled;
	looks = 0;
	begin_live(&live, true);
	CHECK(disk_move_prepare(live.move, &err) && blocks_sent(&live) == BLOCKS + 1 - 100, "%s", err.message);
	journal_script = NULL;
	write_untraced(live.source, 150);
	CHECK(pwrite(live.source, "unseen", 6, 1000 * DISK_BLOCK_BYTES) == 6);
	atomic_store(&trace_lost, true);
	trace_refusal = then == CANNOT_TRACE_AGAIN ? ERR_BUSY : NULL;
	atomic_store(&live.suspended_ns, then == IS_SUSPENDED_AT_ONCE);
	CHECK(blocks_sent(&live) == (then == IS_SUSPENDED_AT_ONCE ? 0 : 101));
	(then == CANNOT_TRACE_AGAIN ? write_untraced : write_traced)(live.source, 1200);
	CHECK(end_live(&live), "after a loss, case %d", (int)then);
	CHECK(strstr(live.said, "\"leftOut\":100,\"tracked\":\"trace\",\"notTraced\":null"), "%s", live.said);
	CHECK(strstr(live.said, "\"t\":\"diskTracking\"") && strstr(live.said, "\"losses\":1"), "%s", live.said);
	CHECK((strstr(live.said, "\"tracked\":\"hash\"") != NULL) == (then == CANNOT_TRACE_AGAIN), "%s", live.said);
	trace_refusal = NULL;
	free_blocks[0] = free_blocks[1] = 0;
}

static bool never_asked(void *context, uint64_t done)
{
	(void)context;
	(void)done;
	return false;
}

/* Nothing is hashed there: events that are lost make all of it pending, and without a trace it is refused. */
static void disk_too_large_for_hashes(void)
{
	struct error err = {0};
	const struct block_reader reader = {.fd = -1};
	struct block_set pending;
	CHECK(block_set_init(&pending, TRACKING_HASH_BYTES_MAX / sizeof(uint64_t) + 1));
	trace_refusal = ERR_BUSY;
	CHECK(!write_tracking_start(source_path, &reader, &pending, &err) && strcmp(err.code, ERR_NOT_SUPPORTED) == 0
		&& strstr(err.message, "more than 512"), "%s", err.message);
	trace_refusal = NULL;
	struct write_tracking *tracking = write_tracking_start(source_path, &reader, &pending, &err);
	CHECK(tracking && write_tracking_settle(tracking) && block_set_count(&pending) == 0);
	atomic_store(&trace_lost, true);
	CHECK(!write_tracking_settle(tracking) && write_tracking_compare(tracking, never_asked, NULL, &err));
	CHECK(block_set_count(&pending) == pending.blocks && write_tracking_settle(tracking));
	write_tracking_stop(tracking);
	block_set_release(&pending);
}

static void ends_badly(int null_fd)
{
	struct error err = {0};
	struct stat info;
	struct disk_pass pass;
	int status;
	/* the target's disk is full in the middle */
	make_disk();
	struct target target = start_target(DISK_BYTES, false, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err) && disk_move_pass(move, &pass, &err));
	disk_move_free(move); /* … the source goes away before the end */
	CHECK(target_said(&target, "\"outcome\":\"removed\"", &status) && status == 1);
	CHECK(stat(target_path, &info) != 0 && errno == ENOENT);

	/* dropped after it was complete: the guest stayed */
	target = start_target(DISK_BYTES, false, 0);
	settings = settings_for(&target, null_fd);
	move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err) && disk_move_finish(move, &err), "%s", err.message);
	disk_move_drop(move);
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"removed\"", &status) && stat(target_path, &info) != 0);
}

static size_t looks_until_settled(const uint32_t script[][2], int null_fd)
{
	struct error err = {0};
	int status;
	make_disk();
	struct target target = start_target(DISK_BYTES, false, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	settings.live = settings.explore = true;
	journal_script = script;
	looks = 0;
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err), "%s", err.message);
	journal_script = NULL;
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"removed\"", &status));
	return looks;
}

/* Two commits of each after the sync: the one that was under way, and the one that it began. Numbers wrap. */
static void waits_for_commits(int null_fd)
{
	static const uint32_t both[][2] = {{500, 7}, {501, 8}, {502, 8}, {502, 8}, {503, 9}, {0, 0}, {0, 0}};
	static const uint32_t wrapping[][2] = {{UINT32_MAX, 7}, {1, 9}, {0, 0}};
	static const uint32_t late[][2] = {{500, UNREADABLE}, {501, 700}, {502, 700}, {502, 701}, {503, 702}, {0, 0}};
	static const uint32_t none[][2] = {{UNREADABLE, UNREADABLE}, {0, 0}}; /* such a look calls nothing free */
	CHECK(looks_until_settled(both, null_fd) == 5);
	CHECK(looks_until_settled(wrapping, null_fd) == 2);
	CHECK(looks_until_settled(late, null_fd) == 5, "a journal that is seen later counts from there");
	CHECK(looks_until_settled(none, null_fd) == 1);
}

static void refuses_targets(int null_fd)
{
	struct error err = {0};
	struct disk_pass pass;
	int status;
	make_disk();
	CHECK(link(source_path, target_path) == 0);
	struct target target = start_target(DISK_BYTES, false, 0);
	CHECK(target_said(&target, "", &status) && status == 1 && !target.to[0]);
	target = start_target(DISK_BYTES + 512, true, 0);
	CHECK(target_said(&target, "", &status) && status == 1 && !target.to[0]);
	unlink(target_path);

	/* no room for it: the limit on a file's size stands for the disk's */
	target = start_target(DISK_BYTES, false, DISK_BYTES / 2);
	CHECK(target_said(&target, "", &status) && status == 1 && !target.to[0]);

	/* what is overwritten and not complete is told to be so, and stays */
	int fd = open(target_path, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)DISK_BYTES) == 0);
	close(fd);
	target = start_target(DISK_BYTES, true, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err) && disk_move_pass(move, &pass, &err), "%s", err.message);
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"incomplete\"", &status) && access(target_path, F_OK) == 0);
}

static void sets(void)
{
	struct block_set set;
	CHECK(block_set_init(&set, 200));
	block_set_add(&set, 60, 10);
	block_set_add(&set, 199, 5);
	block_set_add(&set, 500, 1);
	CHECK(block_set_count(&set) == 11 && block_set_next(&set, 0) == 60 && block_set_next(&set, 70) == 199);
	CHECK(block_set_take(&set, 63) && !block_set_take(&set, 63) && !block_set_has(&set, 63) && block_set_has(&set, 64));
	CHECK(block_set_take(&set, 199) && block_set_next(&set, 70) == 200 && !block_set_has(&set, 200));
	block_set_release(&set);
}

int main(void)
{
	int null_fd = open("/dev/null", O_WRONLY);
	signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(folder));
	snprintf(source_path, sizeof(source_path), "%s/source", folder);
	snprintf(target_path, sizeof(target_path), "%s/target", folder);
	sets();
	copies_at_rest(null_fd);
	writes_zeros(null_fd);
	CHECK(copy_while_written(true, null_fd));
	CHECK(!copy_while_written(false, null_fd), "a copy without its last pass went unnoticed");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		falls_back_to_hashes(refusals[i]);
	hashes_beside_writes(true);
	hashes_beside_writes(false);
	loses_events(TRACES_AGAIN);
	loses_events(CANNOT_TRACE_AGAIN);
	loses_events(IS_SUSPENDED_AT_ONCE);
	disk_too_large_for_hashes();
	ends_badly(null_fd);
	waits_for_commits(null_fd);
	refuses_targets(null_fd);
	unlink(source_path);
	unlink(target_path);
	rmdir(folder);
	CHECKS_PASSED();
	return 0;
}
