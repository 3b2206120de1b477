#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "json.h"

#define LINE_MAX_BYTES 1000

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static uint64_t timeval_ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

uint64_t children_cpu_ns(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_CHILDREN, &usage) == 0 ? timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime) : 0;
}

void process_close(struct process *process)
{
	close_fd(&process->in);
	close_fd(&process->out);
	close_fd(&process->err);
}

static void become(char *const argv[], int in, int out, int err_fd)
{
	setsid();
	signal(SIGPIPE, SIG_DFL);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(in >= 0 ? in : null_fd, STDIN_FILENO);
	dup2(out >= 0 ? out : null_fd, STDOUT_FILENO);
	dup2(err_fd >= 0 ? err_fd : null_fd, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

bool process_start(struct process *process, char *const argv[], unsigned pipes, struct error *err)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1};
	*process = (struct process){.pid = -1, .in = -1, .out = -1, .err = -1};
	bool ok = (!(pipes & PROCESS_PIPE_IN) || pipe2(in, O_CLOEXEC) == 0)
		&& (!(pipes & PROCESS_PIPE_OUT) || pipe2(out, O_CLOEXEC) == 0)
		&& (!(pipes & PROCESS_PIPE_ERR) || pipe2(errors, O_CLOEXEC) == 0)
		&& (process->pid = fork()) >= 0;
	if (ok && process->pid == 0)
		become(argv, in[0], out[1], errors[1]);
	if (!ok)
		error_errno(err, "cannot start %s", argv[0]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&errors[1]);
	*process = (struct process){.pid = process->pid, .in = in[1], .out = out[0], .err = errors[0]};
	if (!ok)
		process_close(process);
	return ok;
}

int process_wait(struct process *process, unsigned timeout_ms)
{
	uint64_t deadline = clock_ns() + (uint64_t)timeout_ms * 1000000u;
	for (;;) {
		int status;
		pid_t done = waitpid(process->pid, &status, timeout_ms ? WNOHANG : 0);
		if (done == process->pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (done < 0 && errno != EINTR)
			return -1;
		if (timeout_ms && clock_ns() >= deadline)
			return -1;
		struct timespec tick = {.tv_nsec = 5000000};
		if (timeout_ms)
			nanosleep(&tick, NULL);
	}
}

/* False if the end of `fd` does not come in time. */
static bool read_text(int fd, char *text, size_t capacity, unsigned timeout_ms)
{
	char chunk[4096];
	size_t used = 0;
	ssize_t n = 1;
	uint64_t now = clock_ns(), due = now + (uint64_t)timeout_ms * 1000000u;
	for (; n > 0 && now < due; now = clock_ns()) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (poll(&wait, 1, (int)((due - now) / 1000000u) + 1) <= 0 || (n = read(fd, chunk, sizeof(chunk))) <= 0)
			continue;
		size_t room = capacity - 1 - used, part = (size_t)n < room ? (size_t)n : room;
		memcpy(text + used, chunk, part);
		used += part;
	}
	text[used] = '\0';
	return n <= 0;
}

int process_run(char *const argv[], unsigned output, char *text, size_t capacity, unsigned timeout_ms, struct error *err)
{
	struct process child;
	text[0] = '\0';
	if (!process_start(&child, argv, output, err))
		return -1;
	bool ended = read_text(output == PROCESS_PIPE_OUT ? child.out : child.err, text, capacity, timeout_ms);
	if (!ended)
		kill(child.pid, SIGKILL);
	process_close(&child);
	int status = process_wait(&child, timeout_ms);
	return ended ? status : -1;
}

static void report_line(int report_fd, const char *line)
{
	struct json json;
	json_start(&json, "xl");
	json_string(&json, "line", line);
	json_write(&json, report_fd);
}

void relay_lines(int fd, int report_fd)
{
	char line[LINE_MAX_BYTES + 1], chunk[4096];
	size_t length = 0;
	ssize_t n;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n; i++) {
			bool end = chunk[i] == '\n' || chunk[i] == '\r';
			if (!end && chunk[i] && length < LINE_MAX_BYTES)
				line[length++] = chunk[i];
			if (end && length) {
				line[length] = '\0';
				report_line(report_fd, line);
				length = 0;
			}
		}
	}
	line[length] = '\0';
	if (length)
		report_line(report_fd, line);
}
