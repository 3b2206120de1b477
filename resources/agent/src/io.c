#include "io.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define PARTS_AT_ONCE 256u

bool io_write_all(int fd, const void *bytes, size_t length)
{
	const char *from = bytes;
	while (length) {
		ssize_t n = write(fd, from, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		from += n;
		length -= (size_t)n;
	}
	return true;
}

/* Drops the first `length` bytes; returns how many parts are used up with them. */
static size_t advance(struct iovec *parts, size_t count, size_t length)
{
	size_t done = 0;
	while (done < count && length >= parts[done].iov_len)
		length -= parts[done++].iov_len;
	if (done < count) {
		parts[done].iov_base = (char *)parts[done].iov_base + length;
		parts[done].iov_len -= length;
	}
	return done;
}

bool io_write_parts(int fd, struct iovec *parts, size_t count)
{
	while (count) {
		ssize_t n = writev(fd, parts, (int)count);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		size_t done = advance(parts, count, (size_t)n);
		parts += done;
		count -= done;
	}
	return true;
}

bool io_write_pieces(int fd, const struct pieces *pieces)
{
	struct pieces_reader reader = {.left = *pieces};
	struct iovec parts[PARTS_AT_ONCE];
	while (reader.left.length) {
		struct pieces next = pieces_next(&reader, SIZE_MAX, parts, PARTS_AT_ONCE);
		if (!io_write_parts(fd, parts, next.count))
			return false;
	}
	return true;
}

ssize_t io_read_all(int fd, void *bytes, size_t length)
{
	char *to = bytes;
	size_t done = 0;
	while (done < length) {
		ssize_t n = read(fd, to + done, length - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

bool io_wait_end(int fd, uint64_t timeout_ms)
{
	char dropped[256];
	uint64_t now = clock_ns(), due = now + timeout_ms * UINT64_C(1000000);
	for (; now < due; now = clock_ns()) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (poll(&wait, 1, (int)((due - now) / 1000000u) + 1) > 0 && read(fd, dropped, sizeof(dropped)) <= 0)
			return true;
	}
	return false;
}

static uint64_t read_clock(clockid_t which)
{
	struct timespec now;
	clock_gettime(which, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t thread_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t process_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
