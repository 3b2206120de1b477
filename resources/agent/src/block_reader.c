#include "block_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk_class.h"

#define ALIGNMENT 4096u

bool block_reader_open(struct block_reader *reader, const char *path, uint64_t bytes, struct error *err)
{
	reader->bytes = bytes;
	reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	if (reader->fd < 0 && errno == EINVAL) /* a file system without it, whose cache all who write share */
		reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	return reader->fd >= 0 || error_errno(err, "cannot open %s", path);
}

void block_reader_close(struct block_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

uint8_t *block_reader_room(size_t blocks)
{
	return aligned_alloc(ALIGNMENT, blocks * DISK_BLOCK_BYTES);
}

bool block_reader_read(const struct block_reader *reader, uint64_t first, size_t count, uint8_t *to, struct error *err)
{
	uint64_t offset = first * DISK_BLOCK_BYTES, end = offset + count * DISK_BLOCK_BYTES;
	size_t wanted = (size_t)((end < reader->bytes ? end : reader->bytes) - offset), got = 0;
	memset(to + wanted, 0, count * DISK_BLOCK_BYTES - wanted);
	while (got < wanted) {
		ssize_t n = pread(reader->fd, to + got, wanted - got, (off_t)(offset + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, ERR_SYSTEM, "Look at the disk; nothing was changed.", "cannot read the disk at byte %llu: %s",
				(unsigned long long)(offset + got), n < 0 ? strerror(errno) : "it has become shorter");
		got += (size_t)n;
	}
	return true;
}
