#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES 65536u
#define WINDOWS (DISK_CACHE_BYTES / WINDOW_BYTES)
#define ALIGNMENT 4096u
#define NO_WINDOW UINT64_MAX

struct window {
	uint64_t offset; /* NO_WINDOW: empty */
	size_t length;   /* shorter than a window at the disk's end */
	uint64_t used;   /* when, counted in look-ups */
};

struct disk {
	int fd;
	const uint8_t *memory; /* NULL: a file or device */
	uint64_t bytes, lookups, fetchable; /* fetchable: bytes, what is left of the limit */
	bool direct;
	struct window windows[WINDOWS];
	uint8_t *cache;
};

/* --- Opening --- */

static int open_direct(const char *path, bool *direct)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT | O_NONBLOCK);
	*direct = fd >= 0;
	return fd >= 0 || errno != EINVAL ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static bool find_size(int fd, uint64_t *bytes, struct error *err)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return error_errno(err, "cannot look at the disk");
	if (S_ISBLK(info.st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, bytes) != 0)
			return error_errno(err, "cannot tell the disk's size");
	} else if (S_ISREG(info.st_mode)) {
		*bytes = (uint64_t)info.st_size;
	} else {
		return error_set(err, ERR_USAGE, "", "the disk is neither a file nor a block device");
	}
	if (*bytes == 0 || *bytes > DISK_BYTES_MAX)
		return error_set(err, ERR_NOT_SUPPORTED, "", "the disk is empty or larger than 16 TiB");
	return true;
}

/* Some file systems take O_DIRECT and then refuse each read. */
static void settle_direct(struct disk *disk)
{
	if (disk->direct && pread(disk->fd, disk->cache, WINDOW_BYTES, 0) < 0 && errno == EINVAL)
		disk->direct = fcntl(disk->fd, F_SETFL, 0) != 0;
}

static struct disk *new_disk(uint64_t bytes)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	if (disk)
		*disk = (struct disk){.fd = -1, .bytes = bytes, .fetchable = UINT64_MAX};
	return disk;
}

struct disk *disk_open_memory(const uint8_t *bytes, uint64_t length)
{
	struct disk *disk = new_disk(length);
	if (disk)
		disk->memory = bytes;
	return disk;
}

struct disk *disk_open(const char *path, struct error *err)
{
	uint64_t bytes;
	bool direct;
	int fd = open_direct(path, &direct);
	if (fd < 0) {
		error_errno(err, "cannot open the disk");
		return NULL;
	}
	struct disk *disk = find_size(fd, &bytes, err) ? new_disk(bytes) : NULL;
	if (!disk || !(disk->cache = aligned_alloc(ALIGNMENT, DISK_CACHE_BYTES))) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		free(disk);
		close(fd);
		return NULL;
	}
	disk->fd = fd;
	disk->direct = direct;
	settle_direct(disk);
	disk_forget(disk);
	return disk;
}

void disk_close(struct disk *disk)
{
	if (!disk)
		return;
	if (disk->fd >= 0)
		close(disk->fd);
	free(disk->cache);
	free(disk);
}

uint64_t disk_bytes(const struct disk *disk)
{
	return disk->bytes;
}

bool disk_is_direct(const struct disk *disk)
{
	return disk->direct;
}

/* --- Reading --- */

void disk_forget(struct disk *disk)
{
	for (size_t i = 0; i < WINDOWS; i++)
		disk->windows[i].offset = NO_WINDOW;
}

void disk_limit(struct disk *disk, uint64_t bytes)
{
	disk->fetchable = bytes;
}

static bool spend(struct disk *disk, uint64_t bytes)
{
	if (bytes > disk->fetchable)
		return false;
	disk->fetchable -= bytes;
	return true;
}

static uint8_t *window_bytes(const struct disk *disk, const struct window *window)
{
	return disk->cache + (size_t)(window - disk->windows) * WINDOW_BYTES;
}

static bool load_window(struct disk *disk, struct window *window, uint64_t offset)
{
	ssize_t length;
	window->offset = NO_WINDOW;
	if (!spend(disk, WINDOW_BYTES))
		return false;
	do
		length = pread(disk->fd, window_bytes(disk, window), WINDOW_BYTES, (off_t)offset);
	while (length < 0 && errno == EINTR);
	if (length <= 0)
		return false;
	window->offset = offset;
	window->length = (size_t)length;
	return true;
}

/* The window at `offset`, from the disk in place of the one that was longest unused if need be; NULL: a read error. */
static struct window *find_window(struct disk *disk, uint64_t offset)
{
	struct window *oldest = disk->windows;
	for (struct window *window = disk->windows; window < disk->windows + WINDOWS; window++) {
		if (window->offset == offset) {
			window->used = ++disk->lookups;
			return window;
		}
		if (window->offset == NO_WINDOW || (oldest->offset != NO_WINDOW && window->used < oldest->used))
			oldest = window;
	}
	oldest->used = ++disk->lookups;
	return load_window(disk, oldest, offset) ? oldest : NULL;
}

bool disk_read(struct disk *disk, uint64_t offset, void *to, size_t length)
{
	uint8_t *out = to;
	if (offset > disk->bytes || length > disk->bytes - offset)
		return false;
	if (disk->memory) {
		if (!spend(disk, length))
			return false;
		memcpy(to, disk->memory + offset, length);
		return true;
	}
	while (length) {
		size_t skip = offset % WINDOW_BYTES, part = WINDOW_BYTES - skip;
		const struct window *window = find_window(disk, offset - skip);
		part = part < length ? part : length;
		if (!window || skip + part > window->length)
			return false;
		memcpy(out, window_bytes(disk, window) + skip, part);
		out += part;
		offset += part;
		length -= part;
	}
	return true;
}

/* --- Parts --- */

struct disk_view disk_view_all(struct disk *disk)
{
	return (struct disk_view){.disk = disk, .bytes = disk->bytes, .count = 1, .segments = {{.bytes = disk->bytes}}};
}

struct disk_segment disk_view_piece(const struct disk_view *view, uint64_t offset, uint64_t bytes)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct disk_segment *segment = &view->segments[i];
		if (offset < segment->at || offset - segment->at >= segment->bytes)
			continue;
		uint64_t skip = offset - segment->at, left = segment->bytes - skip;
		return (struct disk_segment){.at = offset, .offset = segment->offset + skip, .bytes = bytes < left ? bytes : left};
	}
	return (struct disk_segment){.at = offset};
}

bool disk_view_append(struct disk_view *view, const struct disk_view *whole, uint64_t offset, uint64_t bytes)
{
	if (!bytes || offset > whole->bytes || bytes > whole->bytes - offset)
		return false;
	while (bytes) {
		struct disk_segment piece = disk_view_piece(whole, offset, bytes);
		if (!piece.bytes || view->count == DISK_SEGMENTS_MAX)
			return false;
		offset += piece.bytes;
		bytes -= piece.bytes;
		piece.at = view->bytes;
		view->bytes += piece.bytes;
		view->segments[view->count++] = piece;
	}
	return true;
}

bool disk_view_part(const struct disk_view *whole, uint64_t offset, uint64_t bytes, struct disk_view *part)
{
	*part = (struct disk_view){.disk = whole->disk};
	return disk_view_append(part, whole, offset, bytes);
}

bool disk_view_read(const struct disk_view *view, uint64_t offset, void *to, size_t length)
{
	uint8_t *out = to;
	while (length) {
		struct disk_segment piece = disk_view_piece(view, offset, length);
		if (!piece.bytes || !disk_read(view->disk, piece.offset, out, (size_t)piece.bytes))
			return false;
		out += piece.bytes;
		offset += piece.bytes;
		length -= (size_t)piece.bytes;
	}
	return true;
}
