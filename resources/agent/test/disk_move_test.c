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
static atomic_bool trace_lost;

struct block_trace *__wrap_block_trace_start(const char *device, struct block_set *written, struct block_set *ever_written,
	struct error *err);
bool __wrap_block_trace_settle(struct block_trace *trace);
uint64_t __wrap_block_trace_writes(struct block_trace *trace);
void __wrap_block_trace_stop(struct block_trace *trace);

struct block_trace *__wrap_block_trace_start(const char *device, struct block_set *written, struct block_set *ever_written,
	struct error *err)
{
	(void)device;
	(void)err;
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

/* --- A guest that syncs when asked, and a disk of two ext4 volumes whose journals are where the test says --- */

#define UNREADABLE 0u /* the journal could not be applied in that look */

static const uint32_t (*journal_script)[2]; /* the next transaction of each, look by look; NULL: the disk is really explored */
static size_t looks;

struct disk_exploration *__real_disk_explore(struct disk *disk, struct error *err);
struct disk_exploration *__wrap_disk_explore(struct disk *disk, struct error *err);
struct guest_sync *__wrap_guest_sync_open(uint32_t domid, struct error *err);
bool __wrap_guest_sync_run(struct guest_sync *sync, unsigned wait_ms, const atomic_bool *cancel, struct error *err);
void __wrap_guest_sync_close(struct guest_sync *sync);

struct disk_exploration *__wrap_disk_explore(struct disk *disk, struct error *err)
{
	struct disk_exploration *found = __real_disk_explore(disk, err);
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

static void write_traced(int fd, uint64_t block)
{
	uint8_t page[PAGE_BYTES];
	fill_page(&generator, random_below(&generator, KINDS), page);
	block_set_add(traced_ever, block, 1);
	block_set_add(traced_pending, block, 1);
	CHECK(pwrite(fd, page, PAGE_BYTES, (off_t)(block * DISK_BLOCK_BYTES)) == PAGE_BYTES);
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
		uint64_t sent;
		int status;
		make_disk();
		struct target target = start_target(DISK_BYTES, false, 0);
		struct disk_move_settings settings = settings_for(&target, null_fd);
		settings.encoding = ways[i];
		struct disk_move *move = disk_move_new(&settings, &err);
		CHECK(move, "%s", err.message);
		CHECK(disk_move_prepare(move, &err) && disk_move_pass(move, &sent, &err) && disk_move_finish(move, &err)
			&& disk_move_verify(move, &err), "way %zu: %s", i, err.message);
		CHECK(sent == BLOCKS + 1);
		disk_move_free(move);
		CHECK(target_said(&target, "\"outcome\":\"kept\"", &status) && status == 0);
		CHECK(same_contents(), "way %zu", i);
	}
}

struct writer {
	int fd;
	atomic_bool stop;
	atomic_uint writes;
};

static void *write_on(void *context)
{
	struct writer *writer = context;
	struct random places = {.state = 99};
	while (!atomic_load(&writer->stop)) {
		write_traced(writer->fd, random_below(&places, BLOCKS));
		atomic_fetch_add(&writer->writes, 1);
		usleep(200);
	}
	return NULL;
}

/* `follow`: the last pass is made, as it must be. */
static bool copy_while_written(bool follow, int null_fd)
{
	struct error err = {0};
	struct writer writer = {0};
	pthread_t thread;
	uint64_t sent;
	int status;
	make_disk();
	struct target target = start_target(DISK_BYTES, false, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	settings.live = true;
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move, "%s", err.message);
	writer.fd = open(source_path, O_RDWR);
	CHECK(writer.fd >= 0 && pthread_create(&thread, NULL, write_on, &writer) == 0);
	CHECK(disk_move_prepare(move, &err));
	for (unsigned pass = 0; pass < 5; pass++)
		CHECK(disk_move_pass(move, &sent, &err), "%s", err.message);
	for (unsigned seen = atomic_load(&writer.writes); atomic_load(&writer.writes) < seen + 20;)
		usleep(1000); /* more is written than the passes saw */
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	close(writer.fd);
	CHECK(!follow || disk_move_finish(move, &err), "%s", err.message);
	if (!follow) /* whoever forgets the last pass: everything pending is thrown away */
		for (uint64_t block = 0; block < BLOCKS; block++)
			block_set_take(traced_pending, block);
	CHECK(follow || disk_move_finish(move, &err), "%s", err.message);
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"kept\"", &status));
	return same_contents();
}

static void ends_badly(int null_fd)
{
	struct error err = {0};
	struct stat info;
	uint64_t sent;
	int status;
	/* the target's disk is full in the middle */
	make_disk();
	struct target target = start_target(DISK_BYTES, false, 0);
	struct disk_move_settings settings = settings_for(&target, null_fd);
	struct disk_move *move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err) && disk_move_pass(move, &sent, &err));
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

	/* lost events are never passed over */
	target = start_target(DISK_BYTES, false, 0);
	settings = settings_for(&target, null_fd);
	settings.live = true;
	move = disk_move_new(&settings, &err);
	CHECK(move && disk_move_prepare(move, &err));
	atomic_store(&trace_lost, true);
	CHECK(!disk_move_pass(move, &sent, &err) && strstr(err.message, "lost traces"));
	atomic_store(&trace_lost, false);
	disk_move_free(move);
	CHECK(target_said(&target, "\"outcome\":\"removed\"", &status));
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
	uint64_t sent;
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
	CHECK(move && disk_move_prepare(move, &err) && disk_move_pass(move, &sent, &err), "%s", err.message);
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
	CHECK(copy_while_written(true, null_fd));
	CHECK(!copy_while_written(false, null_fd), "a copy without its last pass went unnoticed");
	ends_badly(null_fd);
	waits_for_commits(null_fd);
	refuses_targets(null_fd);
	unlink(source_path);
	unlink(target_path);
	rmdir(folder);
	CHECKS_PASSED();
	return 0;
}
