#include "hypercall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct privcmd_hypercall {
	uint64_t op;
	uint64_t argument[5];
};
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

static int open_either(const char *path, const char *older_path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd >= 0 || errno != ENOENT ? fd : open(older_path, O_RDWR | O_CLOEXEC);
}

int privcmd_open(struct error *err)
{
	int fd = open_either("/dev/xen/privcmd", "/proc/xen/privcmd");
	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		error_set(err, ERR_NOT_ROOT, "Connect as root, or as a user who may use sudo.", "only root may talk to Xen");
	else
		error_set(err, ERR_NO_XEN, "Boot the machine with Xen, and connect to its dom0.", "this is not a Xen dom0");
	return -1;
}

/* Pages of /dev/xen/hypercall never move; since Linux 4.18. */
static uint8_t *map_buffer(void)
{
	int fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		uint8_t *buffer = mmap(NULL, HYPERCALL_BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (buffer != MAP_FAILED)
			return buffer;
	}
	uint8_t *buffer = mmap(NULL, HYPERCALL_BUFFER_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	if (buffer == MAP_FAILED)
		return NULL;
	madvise(buffer, HYPERCALL_BUFFER_BYTES, MADV_DONTFORK); /* copy-on-write would move it */
	return buffer;
}

bool hypercall_open(struct hypercall *hypercall, struct error *err)
{
	hypercall->privcmd = privcmd_open(err);
	if (hypercall->privcmd < 0)
		return false;
	hypercall->buffer = map_buffer();
	if (!hypercall->buffer) {
		error_errno(err, "cannot lock memory for Xen");
		close(hypercall->privcmd);
		return false;
	}
	pthread_mutex_init(&hypercall->turn, NULL);
	return true;
}

void hypercall_close(struct hypercall *hypercall)
{
	munmap(hypercall->buffer, HYPERCALL_BUFFER_BYTES);
	close(hypercall->privcmd);
	pthread_mutex_destroy(&hypercall->turn);
}

void hypercall_begin(struct hypercall *hypercall)
{
	pthread_mutex_lock(&hypercall->turn);
	memset(hypercall->buffer, 0, HYPERCALL_BUFFER_BYTES);
}

void hypercall_end(struct hypercall *hypercall)
{
	pthread_mutex_unlock(&hypercall->turn);
}

long hypercall_do(struct hypercall *hypercall, unsigned number, uint64_t argument0, uint64_t argument1,
	uint64_t argument2)
{
	struct privcmd_hypercall call = {.op = number, .argument = {argument0, argument1, argument2}};
	/* glibc's ioctl() would cut the answer to an int. */
	long answer = syscall(SYS_ioctl, hypercall->privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);
	return answer >= 0 ? answer : -errno;
}
