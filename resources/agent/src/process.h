/*
 * process.h - child processes with pipes, and their output as lines.
 */
#ifndef ME2_PROCESS_H
#define ME2_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

struct process {
	pid_t pid;
	int in;  /* its stdin, -1 if not piped */
	int out; /* its stdout, -1 if not piped */
	int err; /* its stderr, -1 if not piped */
};

#define PROCESS_PIPE_IN 1u
#define PROCESS_PIPE_OUT 2u
#define PROCESS_PIPE_ERR 4u

/* Starts argv[0] (searched in PATH) in a session of its own, so that a terminal's ^C does not reach it. What is not piped
 * is /dev/null. Descriptors without CLOEXEC are inherited. */
bool process_start(struct process *process, char *const argv[], unsigned pipes, struct error *err);

/* Waits for the end; returns the exit status, 128 + signal when it was killed, -1 when `timeout_ms` is over first
 * (0: wait for ever). */
int process_wait(struct process *process, unsigned timeout_ms);

/* Runs argv[0] to its end and takes what it says on one output, PROCESS_PIPE_OUT or PROCESS_PIPE_ERR, as text that is cut to
 * `capacity`. Returns as process_wait(); what has not ended in time is killed. */
int process_run(char *const argv[], unsigned output, char *text, size_t capacity, unsigned timeout_ms, struct error *err);

/* CPU time of all children that have ended and were waited for, theirs included. */
uint64_t children_cpu_ns(void);

/* Closes what is still open of the pipes. */
void process_close(struct process *process);

/* Reads `fd` to its end and writes each line as {"t":"xl","line":…} to `report_fd`; long lines are cut. */
void relay_lines(int fd, int report_fd);

#endif
