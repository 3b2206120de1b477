/*
 * cmd_migrate.c - `migrate`: runs `xl migrate` with this executable as its transport, and tells what happened.
 *
 * xl gets `-s ''` and a command that is only this program's path and two numbers, so nothing of the user's reaches a shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "batch.h"
#include "commands.h"
#include "disk_leg.h"
#include "domain_json.h"
#include "io.h"
#include "job.h"
#include "json.h"
#include "key.h"
#include "lock.h"
#include "migrate_options.h"
#include "options.h"
#include "process.h"
#include "xen.h"

#define DOMAINS_MAX 1024
#define AWAY_SUFFIX "--migratedaway"

static struct job *job; /* one a process; the signal handler sets job->cancel */

static void on_signal(int number)
{
	(void)number;
	atomic_store(&job->cancel, true);
}

static void cancel_on_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* `cancel` on a line, or the end of stdin: the console wants an end, or is gone. */
static void *watch_stdin(void *context)
{
	char line[64];
	size_t length = 0;
	char byte;
	(void)context;
	while (read(STDIN_FILENO, &byte, 1) > 0) {
		if (byte != '\n') {
			line[length < sizeof(line) - 1 ? length++ : length] = byte;
			continue;
		}
		if (length == 6 && memcmp(line, "cancel", 6) == 0)
			break;
		length = 0;
	}
	atomic_store(&job->cancel, true);
	return NULL;
}

static bool own_path(char *path, size_t capacity, struct error *err)
{
	ssize_t length = readlink("/proc/self/exe", path, capacity - 1);
	if (length < 0)
		return error_errno(err, "cannot tell where this program is");
	path[length] = '\0';
	/* it becomes part of a command that xl gives to a shell */
	if (strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") != (size_t)length)
		return error_set(err, ERR_SYSTEM, "Deploy the agent to a path of letters, digits, '/', '.', '_' and '-'.",
			"the agent's own path cannot be used");
	return true;
}

static struct job *new_job(int *fd, struct error *err)
{
	*fd = memfd_create("me2-job", 0); /* no CLOEXEC: xl hands it on to `send` */
	if (*fd < 0 || ftruncate(*fd, sizeof(struct job)) != 0) {
		error_errno(err, "cannot make shared memory");
		return NULL;
	}
	struct job *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (made == MAP_FAILED) {
		error_errno(err, "cannot map shared memory");
		return NULL;
	}
	made->magic = JOB_MAGIC;
	atomic_store(&made->report_status, -1);
	return made;
}

/* Xen logs what a PV guest writes by shadow paging only; xl would find that out when the target is waiting already. */
static bool check_log_dirty(struct xen *xen, const struct xen_domain *domain, struct error *err)
{
	struct xen_machine machine;
	if (domain->kind != XEN_PV)
		return true;
	if (!xen_get_machine(xen, &machine, err))
		return false;
	return machine.shadow || error_set(err, ERR_NOT_SUPPORTED,
		"Use a PVH or HVM guest, or a host whose Xen has shadow paging (Debian 11's has).",
		"this Xen is built without shadow paging, so PV guests cannot be migrated alive from here");
}

static bool check_guest(struct xen *xen, const struct xen_domain *domain, struct error *err)
{
	if (domain->domid == 0)
		return error_set(err, ERR_GUEST_STATE, "Name a guest.", "dom0 cannot be migrated");
	if (domain->state != XEN_RUNNING && domain->state != XEN_BLOCKED)
		return error_set(err, ERR_GUEST_STATE, "Unpause or start it first.", "the guest is %s, so it cannot be migrated live",
			xen_state_name(domain->state));
	return check_log_dirty(xen, domain, err);
}

static bool start_xl(struct process *xl, int job_fd, int lines_fd, struct error *err)
{
	char path[512], rune[600], domid[16];
	if (!own_path(path, sizeof(path), err))
		return false;
	snprintf(rune, sizeof(rune), "exec %s send %d %d", path, job_fd, lines_fd);
	snprintf(domid, sizeof(domid), "%u", job->domid);
	char *argv[] = {"xl", "migrate", "-s", "", domid, rune, NULL};
	return process_start(xl, argv, PROCESS_PIPE_ERR, err);
}

static void *relay_xl(void *context)
{
	relay_lines(*(int *)context, STDOUT_FILENO);
	return NULL;
}

/* send's lines, until the last holder of the socket has ended. */
static void relay_send(int lines)
{
	char *line = malloc(JSON_LINE_MAX);
	ssize_t n;
	while (line && ((n = recv(lines, line, JSON_LINE_MAX, 0)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			io_write_all(STDOUT_FILENO, line, (size_t)n);
	free(line);
}

static const char *outcome(int xl_status)
{
	if (xl_status == 0)
		return "migrated";
	if (atomic_load(&job->go_ahead_ns) && atomic_load(&job->report_status) < 0)
		return "unknown";
	return job->error.code && strcmp(job->error.code, ERR_CANCELLED) == 0 ? "aborted" : "failed";
}

static void json_between(struct json *json, const char *name, uint64_t from, uint64_t to)
{
	if (from && to >= from)
		json_ms(json, name, to - from);
	else
		json_null(json, name);
}

static void list_here(struct json *json, struct xen *xen)
{
	struct xen_domain *domains = calloc(DOMAINS_MAX, sizeof(*domains));
	int count = domains ? xen_domains(xen, domains, DOMAINS_MAX, NULL) : 0;
	char away[sizeof(job->name) + sizeof(AWAY_SUFFIX)];
	snprintf(away, sizeof(away), "%s" AWAY_SUFFIX, job->name);
	json_open_array(json, "here");
	for (int i = 0; i < count; i++)
		if (strcmp(domains[i].name, job->name) == 0 || strcmp(domains[i].name, away) == 0)
			json_domain(json, NULL, &domains[i]);
	json_close_array(json);
	free(domains);
}

static void report_done(struct xen *xen, uint64_t started, int xl_status)
{
	/* xl waits for `send` only where it fails. */
	uint64_t send_ns = atomic_load(&job->cpu_ns), xl_ns = children_cpu_ns();
	if (xl_status != 0 && xl_ns >= send_ns)
		xl_ns -= send_ns;
	uint64_t unpaused = atomic_load(&job->unpaused_ns), suspended = atomic_load(&job->suspended_ns);
	struct json json;
	json_start(&json, "done");
	json_string(&json, "outcome", outcome(xl_status));
	json_string(&json, "reason", xl_status == 0 ? NULL : job->error.code ? job->error.code : ERR_XL_FAILED);
	json_string(&json, "message", xl_status == 0 ? NULL : job->error.code ? job->error.message
		: "xl ended with an error; see its own lines");
	json_i64(&json, "xlExit", xl_status);
	json_u64(&json, "streamBytes", atomic_load(&job->stream_bytes));
	json_u64(&json, "linkBytes", atomic_load(&job->link_bytes));
	json_cpu(&json, send_ns, xl_ns);
	json_ms(&json, "totalMs", (unpaused ? unpaused : clock_ns()) - started);
	json_between(&json, "downtimeMs", suspended, unpaused);
	json_between(&json, "downtimeTransferMs", suspended, atomic_load(&job->image_taken_ns));
	list_here(&json, xen);
	json_print(&json);
}

/* Returns xl's exit status; -1: it did not run. */
static int run_xl(int job_fd, struct disk_leg *leg, struct error *err)
{
	int lines[2];
	struct process xl;
	pthread_t xl_lines;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, lines) != 0) {
		error_errno(err, "socketpair");
		return -1;
	}
	fcntl(lines[0], F_SETFD, FD_CLOEXEC);
	if ((leg && !disk_leg_follow(leg, err)) || !start_xl(&xl, job_fd, lines[1], err))
		return -1;
	close(lines[1]);
	pthread_create(&xl_lines, NULL, relay_xl, &xl.err);
	relay_send(lines[0]);
	int xl_status = process_wait(&xl, 0);
	pthread_join(xl_lines, NULL);
	return xl_status;
}

static bool is_known_to_be_here(int xl_status)
{
	return xl_status != 0 && strcmp(outcome(xl_status), "unknown") != 0;
}

/* What failed before xl ran is why the migration did. */
static int supervise(struct xen *xen, int job_fd, const struct migrate_options *options, const uint8_t *disk_key)
{
	struct error err = {0};
	struct disk_leg *leg = NULL;
	pthread_t stdin_watch;
	int xl_status = -1;
	uint64_t started = clock_ns();
	pthread_create(&stdin_watch, NULL, watch_stdin, NULL);
	pthread_detach(stdin_watch); /* a blocked read cannot be woken; it ends with the process */
	if (!options->disk[0] || (leg = disk_leg_begin(job, options->disk, options->disk_to, disk_key, &err)))
		xl_status = run_xl(job_fd, leg, &err);
	if (!job->error.code && err.code)
		job->error = err;
	sodium_memzero(job->key, sizeof(job->key));
	if (leg)
		disk_leg_end(leg, xl_status == 0, is_known_to_be_here(xl_status));
	report_done(xen, started, xl_status);
	return xl_status == 0 ? 0 : 1;
}

/* The link's key, and the disk's if there is one. */
static bool read_keys(const struct migrate_options *options, uint8_t disk_key[LINK_KEY_BYTES], struct error *err)
{
	return (options->link == LINK_STDIO || read_key_line(STDIN_FILENO, job->key, err))
		&& (!options->disk[0] || read_key_line(STDIN_FILENO, disk_key, err));
}

int cmd_migrate(int argc, char **argv)
{
	struct error err = {0};
	struct migrate_options options;
	struct xen_domain domain;
	struct xen *xen = NULL;
	uint8_t disk_key[LINK_KEY_BYTES];
	int job_fd, result = 1;
	if (!migrate_options_parse(&options, argc, argv, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	if ((xen = xen_open(&err)) && xen_find_domain(xen, options.domain, &domain, &err) && check_guest(xen, &domain, &err)
		&& lock_guest(domain.uuid, options.owner, &err) >= 0 && (job = new_job(&job_fd, &err))
		&& read_keys(&options, disk_key, &err) && shared_rate_init(&job->rate, options.rate_mbit, clock_ns())) {
		migrate_options_apply(&options, job);
		job->domid = domain.domid;
		memcpy(job->name, domain.name, sizeof(job->name));
		cancel_on_signals();
		result = supervise(xen, job_fd, &options, disk_key);
		sodium_memzero(disk_key, sizeof(disk_key));
	}
	if (err.code)
		json_write_error(&err, STDOUT_FILENO);
	return result;
}
