#include "disk_volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk.h"
#include "disk_class.h"
#include "logical_volume.h"

#define ALIGNMENT 4096u
#define GATHER_BLOCKS 256u
#define SECTOR_BYTES 512u

struct disk_volume {
	char path[PATH_MAX];
	int fd;
	bool is_new, is_device;
	struct logical_volume logical; /* if that is what was made */
	uint64_t bytes;
	uint8_t *gathered;       /* GATHER_BLOCKS blocks, aligned */
	uint64_t first;          /* block of the first of them */
	size_t count;
};

/* --- Is it free to be written? --- */

static bool loop_holds(const char *loop, const char *path)
{
	char name[320], held[PATH_MAX] = "";
	snprintf(name, sizeof(name), "/sys/block/%.255s/loop/backing_file", loop);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, held, sizeof(held) - 1) : 0;
	if (fd >= 0)
		close(fd);
	held[length > 0 ? length : 0] = '\0';
	held[strcspn(held, "\n")] = '\0';
	return strcmp(held, path) == 0;
}

/* A guest's disk in a file is a loop device. */
static bool check_loops(const char *path, struct error *err)
{
	DIR *folder = opendir("/sys/block");
	bool free = true;
	for (struct dirent *entry; folder && free && (entry = readdir(folder));)
		if (strncmp(entry->d_name, "loop", 4) == 0 && loop_holds(entry->d_name, path))
			free = error_set(err, ERR_BUSY, "Shut down the guest that uses it, or name another file.", "%.200s is in use by /dev/%.60s",
				path, entry->d_name);
	if (folder)
		closedir(folder);
	return free;
}

bool disk_volume_is_idle(const char *path, struct error *err)
{
	char real[PATH_MAX];
	struct stat info;
	if (!realpath(path, real) || stat(real, &info) != 0)
		return error_errno(err, "cannot look at %.200s", path);
	if (!S_ISBLK(info.st_mode))
		return check_loops(real, err);
	int fd = open(real, O_RDONLY | O_CLOEXEC | O_EXCL);
	if (fd < 0 && errno == EBUSY)
		return error_set(err, ERR_BUSY, "Shut down the guest that uses it, or unmount it.", "%.200s is in use", real);
	if (fd >= 0)
		close(fd);
	return true;
}

static bool check_room(const char *path, uint64_t bytes, struct error *err)
{
	char copy[PATH_MAX];
	struct statvfs info;
	snprintf(copy, sizeof(copy), "%s", path);
	if (statvfs(dirname(copy), &info) != 0)
		return error_errno(err, "there is no folder for %.200s", path);
	uint64_t room = (uint64_t)info.f_bavail * info.f_frsize;
	return room >= bytes || error_set(err, ERR_SYSTEM, "Make room there, or choose another folder.",
		"the disk needs %llu MiB, and there is room for %llu MiB", (unsigned long long)(bytes >> 20), (unsigned long long)(room >> 20));
}

/* --- Opening --- */

/* O_DIRECT where the file system knows it; asked for later, since one that does not may have made the file when it refuses. */
static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_DIRECT);
	return fd;
}

static bool make_file(struct disk_volume *volume, const char *path, struct error *err)
{
	if (!check_room(path, volume->bytes, err))
		return false;
	volume->fd = open_direct(path, O_RDWR | O_CREAT | O_EXCL);
	if (volume->fd < 0)
		return error_errno(err, "cannot make %.200s", path);
	volume->is_new = true;
	snprintf(volume->path, sizeof(volume->path), "%s", path);
	return ftruncate(volume->fd, (off_t)volume->bytes) == 0 || error_errno(err, "cannot make %.200s that large", path);
}

static bool check_size(const struct disk_volume *volume, uint64_t found, struct error *err)
{
	if (volume->is_device ? found >= volume->bytes : found == volume->bytes)
		return true;
	return error_set(err, ERR_USAGE, "Remove it, or name another one.", "what is there has %llu bytes, the disk has %llu",
		(unsigned long long)found, (unsigned long long)volume->bytes);
}

/* O_EXCL on a device: the kernel says EBUSY when it is mounted or part of something. */
static bool open_existing(struct disk_volume *volume, const struct stat *info, struct error *err)
{
	uint64_t found = (uint64_t)info->st_size;
	volume->is_device = S_ISBLK(info->st_mode);
	if (!volume->is_device && !S_ISREG(info->st_mode))
		return error_set(err, ERR_USAGE, "", "%.200s is neither a file nor a block device", volume->path);
	if (!check_loops(volume->path, err))
		return false;
	volume->fd = open_direct(volume->path, O_RDWR | (volume->is_device ? O_EXCL : 0));
	if (volume->fd < 0)
		return error_errno(err, "cannot open %.200s", volume->path);
	if (volume->is_device && ioctl(volume->fd, BLKGETSIZE64, &found) != 0)
		return error_errno(err, "cannot tell the size of %.200s", volume->path);
	return check_size(volume, found, err);
}

static bool make_logical_volume(struct disk_volume *volume, const char *path, struct error *err)
{
	struct stat info;
	if (!logical_volume_make(&volume->logical, volume->bytes, err))
		return false;
	volume->is_new = true;
	return (realpath(path, volume->path) && stat(volume->path, &info) == 0 && S_ISBLK(info.st_mode))
		? open_existing(volume, &info, err)
		: error_set(err, ERR_SYSTEM, "Look at udev there.", "the logical volume was made, but %.200s did not appear", path);
}

static bool make(struct disk_volume *volume, const char *path, struct error *err)
{
	bool is_logical = logical_volume_of_path(path, &volume->logical);
	return is_logical ? make_logical_volume(volume, path, err) : make_file(volume, path, err);
}

static bool open_path(struct disk_volume *volume, const char *path, bool overwrite, struct error *err)
{
	struct stat info;
	if (path[0] != '/' || strlen(path) >= sizeof(volume->path))
		return error_set(err, ERR_USAGE, "", "the path must be absolute");
	if (!volume->bytes || volume->bytes % SECTOR_BYTES || volume->bytes > DISK_BYTES_MAX)
		return error_set(err, ERR_USAGE, "", "a disk's size is a multiple of 512 bytes, at most 16 TiB");
	if (!realpath(path, volume->path) || stat(volume->path, &info) != 0)
		return make(volume, path, err);
	return (overwrite || error_set(err, ERR_USAGE, "Say that it may be overwritten, or name another file.",
		"%.200s is there already", path)) && open_existing(volume, &info, err);
}

struct disk_volume *disk_volume_open(const char *path, uint64_t bytes, bool overwrite, struct error *err)
{
	struct disk_volume *volume = calloc(1, sizeof(*volume));
	uint8_t *gathered = aligned_alloc(ALIGNMENT, (size_t)GATHER_BLOCKS * DISK_BLOCK_BYTES);
	if (!volume || !gathered) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		free(volume);
		free(gathered);
		return NULL;
	}
	*volume = (struct disk_volume){.fd = -1, .bytes = bytes, .gathered = gathered};
	if (open_path(volume, path, overwrite, err))
		return volume;
	disk_volume_discard(volume);
	disk_volume_close(volume);
	return NULL;
}

bool disk_volume_is_new(const struct disk_volume *volume)
{
	return volume->is_new;
}

uint64_t disk_volume_blocks(const struct disk_volume *volume)
{
	return (volume->bytes + DISK_BLOCK_BYTES - 1) / DISK_BLOCK_BYTES;
}

/* --- Writing --- */

static bool write_gathered(struct disk_volume *volume, struct error *err)
{
	uint64_t offset = volume->first * DISK_BLOCK_BYTES, end = offset + volume->count * DISK_BLOCK_BYTES;
	size_t length = (size_t)((end < volume->bytes ? end : volume->bytes) - offset), done = 0;
	volume->count = 0;
	while (done < length) {
		ssize_t n = pwrite(volume->fd, volume->gathered + done, length - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, ERR_SYSTEM, errno == ENOSPC ? "Make room there. The guest goes on at the source." : "Look at that disk.",
				"cannot write %.200s: %s", volume->path, strerror(errno));
		done += (size_t)n;
	}
	return true;
}

bool disk_volume_write(struct disk_volume *volume, uint64_t block, const uint8_t *contents, struct error *err)
{
	if (block >= disk_volume_blocks(volume))
		return error_set(err, ERR_STREAM, "", "a block lies beyond the disk's end");
	bool follows = volume->count && volume->count < GATHER_BLOCKS && block == volume->first + volume->count;
	if (!follows && volume->count && !write_gathered(volume, err))
		return false;
	if (!follows)
		volume->first = block;
	memcpy(volume->gathered + volume->count++ * DISK_BLOCK_BYTES, contents, DISK_BLOCK_BYTES);
	return true;
}

bool disk_volume_sync(struct disk_volume *volume, struct error *err)
{
	if (volume->count && !write_gathered(volume, err))
		return false;
	if (fsync(volume->fd) != 0 || (volume->is_device && ioctl(volume->fd, BLKFLSBUF, 0) != 0))
		return error_errno(err, "%.200s did not reach stable storage", volume->path);
	return true;
}

bool disk_volume_discard(struct disk_volume *volume)
{
	if (!volume->is_new)
		return false;
	if (volume->fd >= 0)
		close(volume->fd); /* LVM removes nothing that is open */
	volume->fd = -1;
	volume->is_new = !(volume->logical.uuid[0] ? logical_volume_remove(&volume->logical) : unlink(volume->path) == 0);
	return !volume->is_new;
}

void disk_volume_close(struct disk_volume *volume)
{
	if (!volume)
		return;
	if (volume->fd >= 0)
		close(volume->fd);
	free(volume->gathered);
	free(volume);
}
