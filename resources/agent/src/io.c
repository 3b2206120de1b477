#include "io.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

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

uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
