/*
 * io.h - reading and writing file descriptors whole, and the monotonic clock.
 */
#ifndef ME2_IO_H
#define ME2_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pieces.h"

/* Writes all of it, retrying short writes and EINTR. False with errno set when it cannot. */
bool io_write_all(int fd, const void *bytes, size_t length);

/* The same for several pieces in a row, as one system call takes them. `parts` is used up. */
bool io_write_parts(int fd, struct iovec *parts, size_t count);

/* The same for any number of them. */
bool io_write_pieces(int fd, const struct pieces *pieces);

/* Reads up to `length`, stopping early only at end of file. Returns bytes read, or -1 with errno set. */
ssize_t io_read_all(int fd, void *bytes, size_t length);

/* Waits `timeout_ms` for the end of `fd`, dropping what it reads. True once the end is there: whoever asked has gone. */
bool io_wait_end(int fd, uint64_t timeout_ms);

/* CLOCK_MONOTONIC, nanoseconds. */
uint64_t clock_ns(void);

/* CPU time of the calling thread and of the whole process, nanoseconds. */
uint64_t thread_cpu_ns(void);
uint64_t process_cpu_ns(void);

#endif
