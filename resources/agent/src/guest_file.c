/* guest_file.c - a guest whose RAM is a file: a kernel under plain QEMU with a shared memory file, or a saved image. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest_backend.h"

struct guest_file {
	struct guest guest;
	int fd;
	uint64_t file_frames;
	uint64_t hole_first, hole_end; /* guest frames */
};

#define NO_FRAME UINT64_MAX

/* Where in the file a guest frame is; NO_FRAME if nowhere. */
static uint64_t file_frame(const struct guest_file *file, uint64_t frame)
{
	if (frame >= file->guest.frames || (frame >= file->hole_first && frame < file->hole_end))
		return NO_FRAME;
	return frame < file->hole_end ? frame : frame - (file->hole_end - file->hole_first);
}

static uint64_t guest_frame(const struct guest_file *file, uint64_t in_file)
{
	return in_file < file->hole_first || file->hole_end == 0 ? in_file
		: in_file + (file->hole_end - file->hole_first);
}

static struct guest_file *file_of(struct guest *guest)
{
	return (struct guest_file *)guest;
}

static void file_close(struct guest *guest)
{
	close(file_of(guest)->fd);
	free(guest);
}

static size_t run_length(const struct guest_file *file, const uint64_t *frames, size_t count)
{
	uint64_t first = file_frame(file, frames[0]);
	size_t length = 1;
	while (length < count && file_frame(file, frames[length]) == first + length)
		length++;
	return length;
}

static const uint8_t *file_map(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	const struct guest_file *file = file_of(guest);
	uint8_t *area = mmap(NULL, count * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return NULL;
	size_t mapped = 0;
	for (size_t i = 0, length; i < count; i += length) {
		bool there = file_frame(file, frames[i]) != NO_FRAME;
		length = there ? run_length(file, frames + i, count - i) : 1;
		if (there)
			there = mmap(area + i * PAGE_BYTES, length * PAGE_BYTES, PROT_READ, MAP_SHARED | MAP_FIXED, file->fd,
				(off_t)(file_frame(file, frames[i]) * PAGE_BYTES)) != MAP_FAILED;
		for (size_t k = 0; k < length; k++)
			failed[i + k] = !there;
		mapped += there ? length : 0;
	}
	if (mapped)
		return area;
	munmap(area, count * PAGE_BYTES);
	return NULL;
}

/* lseek() to data or to a hole, in file frames. A file system that knows no holes has only data. */
static uint64_t seek_frame(const struct guest_file *file, uint64_t in_file, int whence)
{
	off_t at = lseek(file->fd, (off_t)(in_file * PAGE_BYTES), whence);
	if (at >= 0)
		return (uint64_t)at / PAGE_BYTES;
	bool data = whence == SEEK_DATA && errno != ENXIO;
	return data ? in_file : file->file_frames;
}

static uint64_t file_next_data(struct guest *guest, uint64_t frame)
{
	const struct guest_file *file = file_of(guest);
	if (frame >= file->hole_first && frame < file->hole_end)
		frame = file->hole_end;
	if (frame >= guest->frames)
		return guest->frames;
	uint64_t in_file = seek_frame(file, file_frame(file, frame), SEEK_DATA);
	return in_file >= file->file_frames ? guest->frames : guest_frame(file, in_file);
}

static uint64_t file_data_end(struct guest *guest, uint64_t frame)
{
	const struct guest_file *file = file_of(guest);
	uint64_t in_file = seek_frame(file, file_frame(file, frame), SEEK_HOLE);
	/* A page that holds any data is data. */
	uint64_t end = in_file >= file->file_frames ? guest->frames : guest_frame(file, in_file);
	if (end <= frame)
		end = frame + 1;
	return frame < file->hole_first && end > file->hole_first ? file->hole_first : end;
}

static const struct guest_backend file_backend = {
	.close = file_close,
	.map = file_map,
	.next_data = file_next_data,
	.data_end = file_data_end,
};

struct guest *guest_open_file(const char *path, uint64_t hole_first, uint64_t hole_end, struct error *err)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info) != 0) {
		error_errno(err, "cannot open the RAM file");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	uint64_t frames = (uint64_t)info.st_size / PAGE_BYTES;
	bool hole_fits = hole_first <= hole_end && (hole_first < frames || hole_end == 0) && hole_end < UINT64_C(1) << 34;
	struct guest_file *file = S_ISREG(info.st_mode) && frames && hole_fits ? calloc(1, sizeof(*file)) : NULL;
	if (!file) {
		error_set(err, ERR_USAGE, "", "the RAM file is empty, not a plain file, or its hole lies outside it");
		close(fd);
		return NULL;
	}
	*file = (struct guest_file){
		.guest = {.backend = &file_backend, .frames = frames + (hole_end - hole_first)},
		.fd = fd,
		.file_frames = frames,
		.hole_first = hole_first,
		.hole_end = hole_end,
	};
	return &file->guest;
}
