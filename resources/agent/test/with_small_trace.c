/*
 * with_small_trace.c - linked into build/agent-with-small-trace: the kernel gets so little room for the events it traces that it
 * loses some of a guest that writes.
 */
#include <linux/blktrace_api.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

/* A dozen events. */
#define ROOM_BYTES 640u
#define ROOMS 2u

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	if (request == BLKTRACESETUP) {
		struct blk_user_trace_setup *setup = argument;
		setup->buf_size = ROOM_BYTES;
		setup->buf_nr = ROOMS;
	}
	return __real_ioctl(fd, request, argument);
}
