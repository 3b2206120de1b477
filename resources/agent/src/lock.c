#include "lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FOLDER "/run/me2"

/* Returns the file, locked, with the owner in it; or -1 with the error, whose text is `taken` and the holder. */
static int lock_file(const char *path, const char *owner, const char *taken, const char *action, struct error *err)
{
	mkdir(LOCK_FOLDER, 0700);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		error_errno(err, "cannot open %s", path);
		return -1;
	}
	char holder[120] = "";
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);
		holder[n > 0 ? n : 0] = '\0';
		error_set(err, ERR_BUSY, action, "%s %s", taken, holder[0] ? holder : "another console");
		close(fd);
		return -1;
	}
	snprintf(holder, sizeof(holder), "%s", owner);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, strlen(holder), 0) < 0) {
		error_errno(err, "cannot write %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

int lock_guest(const uint8_t uuid[16], const char *owner, struct error *err)
{
	char path[sizeof(LOCK_FOLDER) + 48];
	int used = snprintf(path, sizeof(path), LOCK_FOLDER "/guest-");
	for (int i = 0; i < 16; i++)
		used += snprintf(path + used, sizeof(path) - (size_t)used, "%02x", uuid[i]);
	snprintf(path + used, sizeof(path) - (size_t)used, ".lock");
	return lock_file(path, owner, "this guest is being migrated already, by",
			 "Wait until that migration is over, or cancel it where it was started.", err);
}

int lock_autopilot(const char *owner, struct error *err)
{
	return lock_file(LOCK_FOLDER "/autopilot.lock", owner, "this host has an autopilot already, that of",
			 "Stop that autopilot where it was started; two would undo each other's moves.", err);
}
