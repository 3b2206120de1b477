/*
 * transport_bench.c - whole migrations through `send` and `receive` as processes of their own, without Xen.
 *
 *   this program (as xl at the source) → pipe → send → TCP → receive → pipe → this program (as xl migrate-receive)
 *
 * Pass-through: a stock stream takes that way, and the same stream the same way with cat in the place of send and of receive.
 * Bar (agent.md): >= 0.9 of cat. On a machine that does other work, too, the processes' own CPU time says more than the clock;
 * both are told. Memory: the peak that wait4() tells of each process. Bars: 32 MiB and 2 % of the guest for
 * send, 32 MiB for receive, the cache of kept pages apart; the guest's page array counts, for here (other than on Xen) it is
 * mapped from a file.
 *
 * ME2: a stream of 4 GiB, half of it free. Bars by CPU time: 1.0 GB/s of xl's stream for send, 1.2 GB/s for receive.
 * `auto` against stock on the sealed link, where nothing is free, at several caps: never slower by more than 3 %.
 *
 * The Makefile puts the three __wrap_ functions in the place of what send asks Xen for; everything else is the agent.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../test/fake_kernel.h"
#include "../test/mix.h"
#include "../test/stream_builder.h"
#include "batch.h"
#include "commands.h"
#include "handshake.h"
#include "io.h"
#include "job.h"
#include "xen.h"

#define PIPE_BYTES (1 << 20)
#define CHUNK_BYTES 262144u
#define CHUNK_PAGES (CHUNK_BYTES / PAGE_BYTES)
#define POOL_PAGES 16384u /* 64 MiB of contents; each time they come round they are stamped anew */
#define PASSES 15 /* odd */
#define STOCK_FRAMES 131072u                   /* 512 MiB */
#define ME2_FRAMES (32u * FAKE_SECTION_FRAMES) /* 4 GiB */
#define FIRST_FREE_FRAME 0x40000u
#define BAR_OF_CAT 0.9
#define BAR_SEND 1.0    /* GB/s for a CPU */
#define BAR_RECEIVE 1.2
#define BAR_OF_STOCK 1.03
#define CACHE_MIB 64u
#define BAR_MIB 32.0
#define BAR_OF_GUEST 0.02
#define RAM_VARIABLE "ME2_BENCH_RAM"
#define MIB 1048576.0

static void stop(const char *what)
{
	perror(what);
	exit(1);
}

static void need(bool good, const char *what)
{
	if (!good)
		stop(what);
}

/* --- What `send` asks Xen for --- */

static bool is_send;
struct xen *__wrap_xen_open(struct error *err);
bool __wrap_xen_domain_info(struct xen *xen, uint32_t domid, struct xen_domain *domain, struct error *err);
struct guest *__wrap_guest_open_xen(uint32_t domid, struct error *err);

/* Never looked into: only the two functions below get it. */
struct xen *__wrap_xen_open(struct error *err)
{
	static uint64_t stand_in;
	if (is_send)
		return (struct xen *)&stand_in;
	error_set(err, ERR_NO_XEN, "", "there is no Xen here");
	return NULL;
}

bool __wrap_xen_domain_info(struct xen *xen, uint32_t domid, struct xen_domain *domain, struct error *err)
{
	(void)xen;
	(void)err;
	*domain = (struct xen_domain){.domid = domid, .state = XEN_SUSPENDED};
	return true;
}

struct guest *__wrap_guest_open_xen(uint32_t domid, struct error *err)
{
	(void)domid;
	return guest_open_file(getenv(RAM_VARIABLE), 0, 0, err);
}

/* --- The other parts this program plays --- */

static void say(const void *bytes, size_t length)
{
	need(io_write_all(STDOUT_FILENO, bytes, length), "back channel");
}

/* xl migrate-receive: takes the whole stream, then the go-ahead, and reports success. */
static int play_target(void)
{
	static uint8_t chunk[CHUNK_BYTES];
	static const struct xenstream_handler nothing;
	struct error err = {0};
	struct xenstream *stream = xenstream_new(XENSTREAM_ENTRIES, &nothing, NULL);
	need(stream != NULL, "target");
	say(HANDSHAKE_BANNER, HANDSHAKE_BANNER_BYTES);
	while (xenstream_phase(stream) != XENSTREAM_AFTER) {
		ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
		need(n > 0 && xenstream_feed(stream, chunk, (size_t)n, &err), err.code ? err.message : "target");
	}
	xenstream_free(stream);
	say(HANDSHAKE_READY, HANDSHAKE_READY_BYTES);
	need(io_read_all(STDIN_FILENO, chunk, HANDSHAKE_GO_AHEAD_BYTES) == (ssize_t)HANDSHAKE_GO_AHEAD_BYTES, "go-ahead");
	say(HANDSHAKE_REPORT "\0", HANDSHAKE_REPORT_BYTES + 1);
	return 0;
}

/* A guest, every other block of its memory free: prints where its RAM is, and keeps it until stdin ends. */
static int play_guest(void)
{
	struct fake_kernel kernel = {.levels = 4, .page_bytes = 64, .frames = ME2_FRAMES};
	char path[64];
	fake_kernel_boot(&kernel);
	for (uint64_t frame = FIRST_FREE_FRAME; frame < ME2_FRAMES; frame += 2048)
		fake_free_block(&kernel, frame, 10);
	int length = snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), kernel.fd);
	say(path, (size_t)length + 1);
	return io_read_all(STDIN_FILENO, path, 1) == 0 ? 0 : 1;
}

/* --- Processes --- */

struct piece {
	pid_t pid;
	int in, out; /* our ends of its pipes, -1: none */
};

static void keep_off(int fd)
{
	need(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0, "fcntl");
}

/* Starts argv[0] on these descriptors; -1: a pipe, whose other end is the piece's. */
static struct piece start(const char *const *argv, int in, int out)
{
	int to[2] = {in, -1}, from[2] = {-1, out};
	if (in < 0) {
		need(pipe2(to, O_CLOEXEC) == 0, "pipe");
		fcntl(to[0], F_SETPIPE_SZ, PIPE_BYTES);
	}
	need(out >= 0 || pipe2(from, O_CLOEXEC) == 0, "pipe");
	pid_t pid = fork();
	need(pid >= 0, "fork");
	if (pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	return (struct piece){.pid = pid, .in = to[1], .out = from[0]};
}

struct cost {
	double peak_bytes, cpu_seconds; /* with the processes that it started itself */
	char said[8192];                /* the end of what it wrote to us */
};

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* What comes from `fd` until its end; the last of it, as a string. */
static void hear(int fd, char *said, size_t capacity)
{
	size_t length = 0;
	ssize_t n;
	while ((n = read(fd, said + length, capacity - 1 - length)) > 0) {
		length += (size_t)n;
		if (length > capacity / 2) {
			memmove(said, said + length - capacity / 2, capacity / 2);
			length = capacity / 2;
		}
	}
	said[length] = '\0';
}

/* Waits for its end, which must be a good one. */
static struct cost finish(struct piece *piece)
{
	struct cost cost = {0};
	struct rusage usage;
	int status;
	if (piece->in >= 0)
		close(piece->in);
	if (piece->out >= 0) {
		hear(piece->out, cost.said, sizeof(cost.said));
		close(piece->out);
	}
	need(wait4(piece->pid, &status, 0, &usage) == piece->pid, "wait4");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "transport_bench: a process ended with status %#x\n%s", (unsigned)status, cost.said);
		exit(1);
	}
	cost.peak_bytes = (double)usage.ru_maxrss * 1024;
	cost.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
	return cost;
}

/* --- xl at the source --- */

static uint8_t *pool;
static bool stamped[POOL_PAGES]; /* of mixed content */

static void fill_pool(void)
{
	struct random random = {.state = 1};
	/* Shared, so that no child begins with it in its own memory. */
	pool = mmap(NULL, (size_t)POOL_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(pool != MAP_FAILED, "contents");
	for (size_t i = 0; i < POOL_PAGES; i++) {
		enum page_kind kind = kind_in_mix(i);
		fill_page(&random, kind, pool + i * PAGE_BYTES);
		stamped[i] = kind != KIND_ZERO && kind != KIND_CONSTANT;
	}
}

/* No two pages of a guest are the same but for those of one word. */
static void stamp_pages(uint64_t first, uint32_t count)
{
	for (uint64_t frame = first; frame < first + count; frame++)
		if (stamped[frame % POOL_PAGES])
			le64_store(pool + frame % POOL_PAGES * PAGE_BYTES + PAGE_BYTES / 2, frame);
}

static void write_records(int to, uint64_t frames)
{
	uint8_t head[16 + XEN_PAGES_PER_RECORD * 8];
	for (uint64_t first = 0; first < frames; first += XEN_PAGES_PER_RECORD) {
		memset(head, 0, 16);
		le32_store(head, XEN_RECORD_PAGE_DATA);
		le32_store(head + 4, 8 + XEN_PAGES_PER_RECORD * (8 + PAGE_BYTES));
		le32_store(head + 8, XEN_PAGES_PER_RECORD);
		for (uint32_t i = 0; i < XEN_PAGES_PER_RECORD; i++)
			le64_store(head + 16 + i * 8, xen_entry(XEN_TYPE_NORMAL, first + i));
		need(io_write_all(to, head, sizeof(head)), "stream");
		stamp_pages(first, XEN_PAGES_PER_RECORD);
		for (uint32_t i = 0; i < XEN_PAGES_PER_RECORD; i += CHUNK_PAGES)
			need(io_write_all(to, pool + (first + i) % POOL_PAGES * PAGE_BYTES, CHUNK_BYTES), "stream");
	}
}

static void await(int from, struct handshake *handshake, enum handshake_event wanted)
{
	enum handshake_event event = HANDSHAKE_MORE;
	uint8_t byte;
	while (event != wanted) {
		need(io_read_all(from, &byte, 1) == 1, "the back channel ended");
		handshake_take(handshake, &byte, 1, &event);
	}
}

/* A migration of so many frames; seconds from its first byte until the target has the last. */
static double migrate(int to, int from, uint64_t frames)
{
	struct stream_builder head = {0}, tail = {0};
	struct handshake handshake = {0};
	builder_xl_header(&head, 1000);
	builder_libxl_header(&head);
	builder_record(&head, 1, NULL, 0);
	builder_libxc_headers(&head, 3, 2);
	builder_libxc_record(&tail, XEN_RECORD_END, NULL, 0);
	builder_record(&tail, 0, NULL, 0);

	await(from, &handshake, HANDSHAKE_BANNERED);
	uint64_t began = clock_ns();
	need(io_write_all(to, head.bytes, head.length), "stream");
	write_records(to, frames);
	need(io_write_all(to, tail.bytes, tail.length), "stream");
	await(from, &handshake, HANDSHAKE_IS_READY);
	double seconds = (double)(clock_ns() - began) / 1e9;
	need(io_write_all(to, HANDSHAKE_GO_AHEAD, HANDSHAKE_GO_AHEAD_BYTES), "go-ahead");
	await(from, &handshake, HANDSHAKE_REPORTED);
	builder_free(&head);
	builder_free(&tail);
	return seconds;
}

/* --- The two ways --- */

static char self[4096];

static void connect_pair(int ends[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(listener >= 0 && ends[0] >= 0 && bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0
		&& getsockname(listener, (struct sockaddr *)&address, &length) == 0
		&& connect(ends[0], (struct sockaddr *)&address, length) == 0, "loopback");
	ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	need(ends[1] >= 0, "loopback");
	close(listener);
}

struct passage {
	double seconds, cpu_seconds; /* the latter of all processes but this one */
	double send_cpu, receive_cpu;    /* seconds; receive's without xl */
	double send_peak, receive_peak;  /* bytes */
	char encoder[24];                /* the one that took most pages */
};

/* How a migration goes through the agent. */
struct way {
	enum job_mode mode;
	enum job_encoder encoder;
	enum link_kind link;
	uint64_t rate_mbit, cache_mib, level;
};

static struct passage through_cat(uint64_t frames)
{
	const char *const cat[] = {"cat", NULL}, *const target_argv[] = {self, "migrate-receive", NULL};
	int ends[2];
	connect_pair(ends);
	struct piece target = start(target_argv, -1, -1);
	struct piece far = start(cat, ends[1], target.in);
	struct piece near = start(cat, -1, ends[0]);
	target.in = -1; /* the far cat's now */
	double seconds = migrate(near.in, target.out, frames);
	double cpu_seconds = finish(&near).cpu_seconds + finish(&far).cpu_seconds;
	return (struct passage){.seconds = seconds, .cpu_seconds = cpu_seconds + finish(&target).cpu_seconds};
}

static struct piece start_receive(enum link_kind link, uint64_t *port)
{
	const char *const argv[] = {self, "receive", "--link", link == LINK_PLAIN ? "plain" : "sealed", "--bind", "127.0.0.1",
		"--wait", "20", NULL};
	char line[200] = "";
	struct piece receive = start(argv, -1, -1);
	dprintf(receive.in, "%0*d\n", 2 * LINK_KEY_BYTES, 0);
	for (size_t i = 0; i < sizeof(line) - 1 && !strchr(line, '\n'); i++)
		need(read(receive.out, line + i, 1) == 1, "receive");
	const char *number = strstr(line, "\"port\":");
	need(number != NULL, "receive");
	*port = strtoull(number + 7, NULL, 10);
	return receive;
}

/* `lines` gets our end of where it reports. Open until the migration is over: its end would tell `send` that the console has
 * gone. */
static struct piece start_send(const struct way *way, uint64_t port, int *lines)
{
	char job_text[24], lines_text[24];
	int job_fd = memfd_create("job", 0), ends[2];
	need(job_fd >= 0 && ftruncate(job_fd, sizeof(struct job)) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "job");
	keep_off(ends[0]);
	struct job *job = mmap(NULL, sizeof(*job), PROT_READ | PROT_WRITE, MAP_SHARED, job_fd, 0);
	need(job != MAP_FAILED, "job");
	*job = (struct job){.magic = JOB_MAGIC, .mode = way->mode, .encoder = way->encoder, .link = way->link, .stall_s = 20,
		.rate_mbit = way->rate_mbit, .cache_mib = way->cache_mib,
		.level = way->level, .scrub = true};
	need(shared_rate_init(&job->rate, way->rate_mbit, clock_ns()), "rate");
	snprintf(job->to, sizeof(job->to), "127.0.0.1:%u", (unsigned)port);
	snprintf(job_text, sizeof(job_text), "%d", job_fd);
	snprintf(lines_text, sizeof(lines_text), "%d", ends[1]);
	const char *const argv[] = {self, "send", job_text, lines_text, NULL};
	struct piece send = start(argv, -1, -1);
	munmap(job, sizeof(*job));
	close(job_fd);
	close(ends[1]);
	*lines = ends[0];
	return send;
}

/* "cpuMs":{"agent":…} of the last line. */
static double agent_seconds(const char *said)
{
	const char *at = strstr(said, "\"cpuMs\":{\"agent\":");
	need(at != NULL, "receive did not tell its CPU time");
	return strtod(at + 17, NULL) / 1e3;
}

/* The encoder that took most pages, by the line "encoding" among those of `send`. */
static void find_encoder(const char *said, char encoder[24])
{
	const char *at = strstr(said, "\"t\":\"encoding\"");
	unsigned long long most = 0, level, pages;
	char name[8];
	while (at && (at = strstr(at, "{\"encoder\":")) && sscanf(at, "{\"encoder\":\"%7[a-z0-9]\",\"level\":%llu,\"pages\":%llu", name, &level, &pages) == 3) {
		if (pages > most)
			snprintf(encoder, 24, level ? "%s %llu" : "%s", name, level);
		most = pages > most ? pages : most;
		at++;
	}
}

struct listener {
	int lines;
	char said[16384];
};

static void *listen_to_send(void *context)
{
	struct listener *listener = context;
	hear(listener->lines, listener->said, sizeof(listener->said));
	return NULL;
}

static struct passage through_agent(const struct way *way, uint64_t frames)
{
	uint64_t port;
	struct listener listener;
	pthread_t thread;
	struct piece receive = start_receive(way->link, &port), send = start_send(way, port, &listener.lines);
	need(pthread_create(&thread, NULL, listen_to_send, &listener) == 0, "thread");
	double seconds = migrate(send.in, send.out, frames);
	struct cost at_source = finish(&send), at_target = finish(&receive);
	pthread_join(thread, NULL);
	close(listener.lines);
	struct passage passage = {
		.seconds = seconds,
		.cpu_seconds = at_source.cpu_seconds + at_target.cpu_seconds,
		.send_cpu = at_source.cpu_seconds,
		.receive_cpu = agent_seconds(at_target.said),
		.send_peak = at_source.peak_bytes,
		.receive_peak = at_target.peak_bytes,
	};
	find_encoder(listener.said, passage.encoder);
	return passage;
}

/* --- The measurements --- */

static const struct way stock = {.mode = MODE_STOCK, .link = LINK_PLAIN};
static const struct way rle = {.mode = MODE_ME2, .encoder = JOB_RLE, .link = LINK_PLAIN};
static const struct way largest = {.mode = MODE_ME2, .encoder = JOB_ZSTD, .link = LINK_PLAIN, .cache_mib = CACHE_MIB, .level = 9};
static const struct way best = {.mode = MODE_ME2, .encoder = JOB_AUTO, .link = LINK_PLAIN, .cache_mib = CACHE_MIB};

static void report_memory(const char *mode, uint64_t frames, const struct way *way, const struct passage *passage)
{
	double guest = (double)frames * PAGE_BYTES / MIB, cache = (double)way->cache_mib;
	double send = passage->send_peak / MIB, send_bar = BAR_MIB + BAR_OF_GUEST * guest + cache;
	double receive = passage->receive_peak / MIB, receive_bar = BAR_MIB + cache;
	printf("peak of memory, %s, guest of %.0f MiB, cache of %.0f MiB: send %.1f MiB (%.2f of the bar), receive %.1f MiB (%.2f of the bar)\n",
		mode, guest, cache, send, send / send_bar, receive, receive / receive_bar);
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(values[0]), compare_doubles);
	return values[count / 2];
}

/* Cat and the agent in turn; each pair sees much the same machine, so the pairs are compared, and the median of them told. */
static void measure_stock(void)
{
	double by_clock[PASSES], by_cpu[PASSES], speed[PASSES];
	struct passage agent = {0};
	for (int pass = 0; pass < PASSES; pass++) {
		struct passage cat = through_cat(STOCK_FRAMES);
		agent = through_agent(&stock, STOCK_FRAMES);
		by_clock[pass] = cat.seconds / agent.seconds;
		by_cpu[pass] = cat.cpu_seconds / agent.cpu_seconds;
		speed[pass] = (double)STOCK_FRAMES * PAGE_BYTES / 1e9 / agent.seconds;
	}
	printf("pass-through %.2f of cat by the clock, %.2f by CPU time (bar %.2f); %.2f GB/s\n", median(by_clock, PASSES),
		median(by_cpu, PASSES), BAR_OF_CAT, median(speed, PASSES));
	report_memory("stock", STOCK_FRAMES, &stock, &agent);
	fflush(stdout);
}

static void measure_half_free(const char *name, const struct way *way)
{
	double gigabytes = (double)ME2_FRAMES * PAGE_BYTES / 1e9;
	struct passage passage = through_agent(way, ME2_FRAMES);
	printf("me2 %s, half of memory free: %.2f GB/s of xl's stream by the clock; for a CPU: send %.2f GB/s (bar %.1f; %.2f s), "
		"receive %.2f GB/s (bar %.1f; %.2f s)\n", name, gigabytes / passage.seconds, gigabytes / passage.send_cpu, BAR_SEND,
		passage.send_cpu, gigabytes / passage.receive_cpu, BAR_RECEIVE, passage.receive_cpu);
	report_memory(name, ME2_FRAMES, way, &passage);
	fflush(stdout);
}

/* The encoder that takes most memory, its cache full. */
static void measure_zstd(void)
{
	struct passage passage = through_agent(&largest, STOCK_FRAMES);
	report_memory("zstd 9", ME2_FRAMES, &largest, &passage);
	fflush(stdout);
}

/* The same pages, none free, stock and `auto` in turn. */
static void measure_auto(uint64_t rate_mbit, enum link_kind link, uint64_t frames, int pairs)
{
	double ratio[PASSES], cpu_ratio[PASSES], stock_seconds[PASSES], auto_seconds[PASSES];
	struct way stock_way = stock, auto_way = best;
	stock_way.link = auto_way.link = link;
	stock_way.rate_mbit = auto_way.rate_mbit = rate_mbit;
	struct passage last = {0};
	for (int i = 0; i < pairs; i++) {
		struct passage by_stock = through_agent(&stock_way, frames);
		last = through_agent(&auto_way, frames);
		stock_seconds[i] = by_stock.seconds;
		auto_seconds[i] = last.seconds;
		cpu_ratio[i] = last.cpu_seconds / by_stock.cpu_seconds;
		ratio[i] = auto_seconds[i] / stock_seconds[i];
	}
	char rate[24] = "no cap";
	if (rate_mbit)
		snprintf(rate, sizeof(rate), "%u Mbit/s", (unsigned)rate_mbit);
	printf("auto, %s, %s, %u MiB: %.2f of stock's time (bar %.2f); %.2f s, stock %.2f s; %.2f of its CPU time, "
		"mostly %s\n", rate, link == LINK_PLAIN ? "plain" : "sealed",
		(unsigned)(frames * PAGE_BYTES >> 20), median(ratio, (size_t)pairs), BAR_OF_STOCK, median(auto_seconds, (size_t)pairs),
		median(stock_seconds, (size_t)pairs), median(cpu_ratio, (size_t)pairs), last.encoder);
	fflush(stdout);
}

static void measure_me2(void)
{
	const char *const argv[] = {self, "guest", NULL};
	char path[64] = "";
	struct piece guest = start(argv, -1, -1);
	need(read(guest.out, path, sizeof(path) - 1) > 0, "guest");
	setenv(RAM_VARIABLE, path, 1);
	measure_half_free("rle", &rle);
	measure_half_free("auto", &best);
	measure_zstd();
	measure_auto(10, LINK_SEALED, 32 * 256, 1);
	measure_auto(100, LINK_SEALED, 192 * 256, 1);
	measure_auto(1000, LINK_SEALED, 512 * 256, 3);
	measure_auto(0, LINK_SEALED, 1024 * 256, 7);
	measure_auto(0, LINK_PLAIN, 1024 * 256, 7);
	finish(&guest);
}

/* A folder with an `xl` that is this program, in front of PATH. */
static void become_xl(char *folder)
{
	char link_path[64], paths[8192];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	need(length > 0 && mkdtemp(folder), "folder");
	snprintf(link_path, sizeof(link_path), "%s/xl", folder);
	need(symlink(self, link_path) == 0, "xl");
	snprintf(paths, sizeof(paths), "%s:%s", folder, getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	setenv("PATH", paths, 1);
}

static void remove_xl(const char *folder)
{
	char link_path[64];
	snprintf(link_path, sizeof(link_path), "%s/xl", folder);
	unlink(link_path);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "migrate-receive") == 0)
		return play_target();
	if (argc > 1 && strcmp(argv[1], "guest") == 0)
		return play_guest();
	if (argc > 1) {
		is_send = strcmp(argv[1], "send") == 0;
		return run_command(argc, argv);
	}
	char folder[] = "/tmp/me2-bench-XXXXXX";
	signal(SIGPIPE, SIG_IGN);
	fill_pool();
	become_xl(folder);
	measure_stock();
	measure_me2();
	remove_xl(folder);
	return 0;
}
