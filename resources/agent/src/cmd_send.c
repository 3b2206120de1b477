/* cmd_send.c - `send`: the transport that xl runs on behalf of `migrate`. stdin: xl's stream; stdout: xl's back channel. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "handshake.h"
#include "io.h"
#include "json.h"
#include "migrate_options.h"
#include "options.h"
#include "sender.h"

#define DRAIN_MS 20000u
#define PIPE_BYTES (1 << 20)

static struct job *map_job(int fd)
{
	struct stat info;
	if (fstat(fd, &info) != 0 || info.st_size < (off_t)sizeof(struct job))
		return NULL;
	struct job *job = mmap(NULL, sizeof(*job), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return job == MAP_FAILED || job->magic != JOB_MAGIC ? NULL : job;
}

void sender_abort(struct sender *sender, const struct error *why)
{
	pthread_mutex_lock(&sender->turn);
	bool first = !sender->aborting && !sender->go_ahead_given;
	if (first) {
		sender->aborting = true;
		sender->job->error = *why;
	}
	pthread_mutex_unlock(&sender->turn);
	if (!first)
		return;
	if (sender->link)
		link_shut_sending(sender->link);
	if (sender->ssh.pid > 0)
		kill(sender->ssh.pid, SIGTERM);
	eventfd_write(sender->wake, 1);
}

bool sender_is_aborting(struct sender *sender)
{
	pthread_mutex_lock(&sender->turn);
	bool aborting = sender->aborting;
	pthread_mutex_unlock(&sender->turn);
	return aborting;
}

static bool connect_over_ssh(struct sender *sender, const struct link_hello *hello, struct error *err)
{
	struct job *job = sender->job;
	char *argv[] = {"ssh", "-x", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5", "--", job->to, job->remote_agent,
		"receive", "--link", "stdio", NULL};
	if (!process_start(&sender->ssh, argv, PROCESS_PIPE_IN | PROCESS_PIPE_OUT, err))
		return false;
	sender->link = link_over_fds(sender->ssh.out, sender->ssh.in, hello, err);
	sender->ssh.in = sender->ssh.out = -1; /* the link's now */
	return sender->link != NULL;
}

static bool connect_target(struct sender *sender, struct error *err)
{
	struct job *job = sender->job;
	struct link_hello hello = {.cache_pages = job->mode == MODE_ME2 ? job_cache_pages(job) : 0};
	hello.flags = (job->mode == MODE_ME2 ? LINK_FLAG_ME2 : 0) | (job->verify ? LINK_FLAG_VERIFY : 0)
		| (job->scrub ? LINK_FLAG_SCRUB : 0);
	if (job->link == LINK_STDIO)
		return connect_over_ssh(sender, &hello, err);
	sender->link = link_connect((enum link_kind)job->link, job->to, job->key, &hello, err);
	return sender->link != NULL;
}

/* Memory Exploration, in me2 mode; verification needs the guest's memory in both modes. Failing is no reason to stop. */
static void reach_guest(struct sender *sender, struct error *why)
{
	struct job *job = sender->job;
	if (job->mode == MODE_STOCK && !job->verify)
		return;
	sender->guest = guest_open_xen(job->domid, why);
	if (sender->guest && job->verify) {
		sender->final_hash = calloc(guest_frames(sender->guest), sizeof(uint64_t));
		sender->not_there = calloc(guest_frames(sender->guest) / 64 + 1, sizeof(uint64_t));
	}
	if (!sender->guest || job->mode == MODE_STOCK)
		return;
	sender->explorer = explorer_open(sender->guest, why);
	if (!sender->explorer)
		return;
	sender->left_out_frames = guest_frames(sender->guest);
	sender->left_out = calloc(sender->left_out_frames / 64 + 1, sizeof(uint64_t));
	if (!sender->left_out) {
		explorer_close(sender->explorer);
		sender->explorer = NULL;
	}
}

static void report_start(struct sender *sender, uint64_t explore_ns, const struct error *why)
{
	struct job *job = sender->job;
	struct json json;
	json_start(&json, "start");
	json_u64(&json, "ns", clock_ns());
	json_u64(&json, "domid", job->domid);
	json_string(&json, "name", job->name);
	json_string(&json, "mode", job->mode == MODE_ME2 ? "me2" : "stock");
	json_string(&json, "encoder", job->mode == MODE_STOCK ? NULL : job_encoder_name(job->encoder));
	if (job->level)
		json_u64(&json, "level", job->level);
	else
		json_null(&json, "level");
	json_u64(&json, "cacheMib", job->cache_mib);
	json_string(&json, "link", job->link == LINK_SEALED ? "sealed" : job->link == LINK_PLAIN ? "plain" : "ssh");
	if (job->rate_mbit)
		json_u64(&json, "rateMbit", job->rate_mbit);
	else
		json_null(&json, "rateMbit");
	if (sender->explorer) {
		json_open_object(&json, "explored");
		json_string(&json, "kernel", explorer_kernel(sender->explorer));
		json_u64(&json, "sections", explorer_sections(sender->explorer));
		json_ms(&json, "ms", explore_ns);
		json_close_object(&json);
	} else {
		json_null(&json, "explored");
	}
	json_string(&json, "notExplored", job->mode == MODE_ME2 && !sender->explorer ? why->message : NULL);
	json_write(&json, sender->lines);
}

/* Once the target has destroyed its copy, or was never told to start it, xl here may have its guest back. If xl has heard
 * "ready" it waits for a report, so it gets the one that a failed target gives; otherwise our end is enough. The go-ahead
 * was not passed on, so no copy can be running there. */
static void give_guest_back(struct sender *sender)
{
	static const char report[] = HANDSHAKE_REPORT "\0\1" HANDSHAKE_GO_AHEAD;
	if (atomic_load(&sender->ready_passed) && !sender->reported)
		io_write_all(STDOUT_FILENO, report, sizeof(report));
}

static void end_back_thread(struct sender *sender, pthread_t back)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	bool lost = sender->job->error.code && strcmp(sender->job->error.code, ERR_LINK_STALLED) == 0;
	deadline.tv_sec += lost ? 0 : DRAIN_MS / 1000u;
	if (pthread_timedjoin_np(back, NULL, &deadline) == 0)
		return;
	link_break(sender->link);
	if (sender->ssh.pid > 0)
		kill(sender->ssh.pid, SIGKILL);
	pthread_join(back, NULL);
}

static int run(struct sender *sender)
{
	struct error err = {0}, why = {0};
	pthread_t back, watch;
	if (!(sender->xen = xen_open(&err)) || !connect_target(sender, &err)) {
		sender->job->error = err;
		return 1;
	}
	atomic_store(&sender->heard_ns, clock_ns());
	pthread_create(&back, NULL, sender_back, sender);
	pthread_create(&watch, NULL, sender_watch, sender);
	/* The target's xl starts meanwhile, and libxc reads pages already: classifying later than that is the safe order. */
	uint64_t began = clock_ns();
	reach_guest(sender, &why);
	link_share_rate(sender->link, &sender->job->rate);
	report_start(sender, clock_ns() - began, &why);
	sender_forward(sender);
	if (sender->job->mode == MODE_ME2)
		sender_report_encoding(sender);
	end_back_thread(sender, back);
	atomic_store(&sender->stop, true);
	pthread_join(watch, NULL);
	atomic_store(&sender->job->link_bytes, link_sent_bytes(sender->link));
	atomic_store(&sender->job->cpu_ns, process_cpu_ns());
	if (sender_is_aborting(sender))
		give_guest_back(sender);
	return sender->reported && atomic_load(&sender->job->report_status) == 0 ? 0 : 1;
}

int cmd_send(int argc, char **argv)
{
	uint64_t job_fd, lines_fd;
	struct sender sender = {.ssh = {.pid = -1}};
	if (argc != 2 || !parse_number(argv[0], &job_fd) || !parse_number(argv[1], &lines_fd) || job_fd > 1023
		|| lines_fd > 1023 || !(sender.job = map_job((int)job_fd)) || sodium_init() < 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	sender.lines = (int)lines_fd;
	fcntl(sender.lines, F_SETFD, FD_CLOEXEC);
	fcntl(sender.lines, F_SETFL, O_NONBLOCK);
	fcntl(STDIN_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	sender.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&sender.turn, NULL);
	atomic_store(&sender.job->report_status, -1);
	return run(&sender);
}
