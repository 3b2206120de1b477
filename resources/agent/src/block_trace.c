#include "block_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/blktrace_api.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk_class.h"

#define CPUS_MAX 1024
#define TICK_US 20000u
#define KERNEL_BUFFER_BYTES 131072u
#define KERNEL_BUFFERS 8u
#define READ_BYTES 65536u
#define EVENT_MAX (sizeof(struct blk_io_trace) + UINT16_MAX) /* the text that an event may carry is counted in 16 bits */
#define SECTOR_BYTES 512u
#define TRACE_FOLDER "/sys/kernel/debug/block"

/* What one CPU has told and is not read to its end yet. */
struct channel {
	int fd;
	size_t held;
	uint8_t bytes[READ_BYTES + EVENT_MAX];
};

struct block_trace {
	int device, dropped;
	uint64_t first_sector; /* of a partition on its disk: events count from the disk's start */
	struct block_set *written, *ever_written;
	struct channel *channels[CPUS_MAX];
	int channel_count;
	pthread_mutex_t reading;
	uint64_t writes;
	bool lost;
	pthread_t reader;
	bool reads;
	atomic_bool stop;
};

/* --- Events --- */

static void note(struct block_trace *trace, const struct blk_io_trace *event)
{
	unsigned kind = event->action >> BLK_TC_SHIFT, what = event->action & 0xffff;
	if (kind & BLK_TC_NOTIFY || !(kind & (BLK_TC_WRITE | BLK_TC_DISCARD)) || !event->bytes
		|| (what != __BLK_TA_QUEUE && what != __BLK_TA_COMPLETE) || event->sector < trace->first_sector)
		return;
	uint64_t start = (event->sector - trace->first_sector) * SECTOR_BYTES;
	uint64_t first = start / DISK_BLOCK_BYTES, last = (start + event->bytes - 1) / DISK_BLOCK_BYTES;
	block_set_add(trace->ever_written, first, last - first + 1);
	block_set_add(trace->written, first, last - first + 1);
	trace->writes++;
}

/* Notes the whole events among the bytes held, keeps the rest. */
static void take_events(struct block_trace *trace, struct channel *channel)
{
	size_t at = 0;
	struct blk_io_trace event;
	while (channel->held - at >= sizeof(event)) {
		memcpy(&event, channel->bytes + at, sizeof(event));
		if ((event.magic & 0xffffff00u) != BLK_IO_TRACE_MAGIC) {
			trace->lost = true; /* out of step: nothing that follows can be understood */
			channel->held = 0;
			return;
		}
		size_t length = sizeof(event) + event.pdu_len;
		if (channel->held - at < length)
			break;
		note(trace, &event);
		at += length;
	}
	channel->held -= at;
	memmove(channel->bytes, channel->bytes + at, channel->held);
}

static void read_channel(struct block_trace *trace, struct channel *channel)
{
	ssize_t n;
	while ((n = read(channel->fd, channel->bytes + channel->held, READ_BYTES)) > 0 || (n < 0 && errno == EINTR)) {
		channel->held += n > 0 ? (size_t)n : 0;
		take_events(trace, channel);
	}
}

static bool events_were_dropped(const struct block_trace *trace)
{
	char text[32] = "";
	return pread(trace->dropped, text, sizeof(text) - 1, 0) <= 0 || strtoull(text, NULL, 10) != 0;
}

bool block_trace_settle(struct block_trace *trace)
{
	pthread_mutex_lock(&trace->reading);
	for (int i = 0; i < trace->channel_count; i++)
		read_channel(trace, trace->channels[i]);
	trace->lost = trace->lost || events_were_dropped(trace);
	bool whole = !trace->lost;
	pthread_mutex_unlock(&trace->reading);
	return whole;
}

uint64_t block_trace_writes(struct block_trace *trace)
{
	block_trace_settle(trace);
	pthread_mutex_lock(&trace->reading);
	uint64_t writes = trace->writes;
	pthread_mutex_unlock(&trace->reading);
	return writes;
}

static void *read_on(void *context)
{
	struct block_trace *trace = context;
	while (!atomic_load(&trace->stop)) {
		block_trace_settle(trace);
		usleep(TICK_US);
	}
	return NULL;
}

/* --- Setting up --- */

static bool open_device(struct block_trace *trace, const char *device, struct error *err)
{
	struct stat info;
	char path[96], text[32] = "";
	trace->device = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (trace->device < 0 || fstat(trace->device, &info) != 0)
		return error_errno(err, "cannot open %s to trace it", device);
	if (!S_ISBLK(info.st_mode))
		return error_set(err, ERR_NOT_SUPPORTED, "", "%s is no block device, so its writes cannot be traced", device);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/start", major(info.st_rdev), minor(info.st_rdev));
	int start = open(path, O_RDONLY | O_CLOEXEC);
	if (start >= 0) {
		trace->first_sector = read(start, text, sizeof(text) - 1) > 0 ? strtoull(text, NULL, 10) : 0;
		close(start);
	}
	return true;
}

static bool set_up(struct block_trace *trace, const char *device, char name[32], struct error *err)
{
	struct blk_user_trace_setup setup = {
		.act_mask = BLK_TC_QUEUE | BLK_TC_COMPLETE,
		.buf_size = KERNEL_BUFFER_BYTES,
		.buf_nr = KERNEL_BUFFERS,
	};
	if (ioctl(trace->device, BLKTRACESETUP, &setup) != 0) {
		if (errno == EBUSY)
			return error_set(err, ERR_BUSY, "End the other tracer (blktrace, or another copy of this disk).",
				"the writes to %s are being traced by somebody else", device);
		return error_set(err, ERR_NOT_SUPPORTED, "Mount debugfs on /sys/kernel/debug; the kernel needs CONFIG_BLK_DEV_IO_TRACE.",
			"the kernel does not trace writes to %s: %s", device, strerror(errno));
	}
	memcpy(name, setup.name, 32);
	name[31] = '\0';
	return true;
}

static bool open_channels(struct block_trace *trace, const char *name, struct error *err)
{
	char path[128];
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	for (int cpu = 0; cpu < cpus && trace->channel_count < CPUS_MAX; cpu++) {
		snprintf(path, sizeof(path), TRACE_FOLDER "/%s/trace%d", name, cpu);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue; /* a CPU that is offline */
		struct channel *channel = malloc(sizeof(*channel));
		if (!channel) {
			close(fd);
			return error_set(err, ERR_SYSTEM, "", "out of memory");
		}
		channel->fd = fd;
		channel->held = 0;
		trace->channels[trace->channel_count++] = channel;
	}
	snprintf(path, sizeof(path), TRACE_FOLDER "/%s/dropped", name);
	trace->dropped = open(path, O_RDONLY | O_CLOEXEC);
	return (trace->channel_count && trace->dropped >= 0) || error_set(err, ERR_NOT_SUPPORTED,
		"Mount debugfs on /sys/kernel/debug.", "what the kernel traces cannot be read");
}

struct block_trace *block_trace_start(const char *device, struct block_set *written, struct block_set *ever_written,
	struct error *err)
{
	char name[32];
	struct block_trace *trace = calloc(1, sizeof(*trace));
	if (!trace) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	*trace = (struct block_trace){.device = -1, .dropped = -1, .written = written, .ever_written = ever_written};
	pthread_mutex_init(&trace->reading, NULL);
	bool ok = open_device(trace, device, err) && set_up(trace, device, name, err);
	if (ok && open_channels(trace, name, err)) {
		if (ioctl(trace->device, BLKTRACESTART) == 0 && pthread_create(&trace->reader, NULL, read_on, trace) == 0) {
			trace->reads = true;
			return trace;
		}
		error_errno(err, "tracing %s did not start", device);
	}
	if (!ok && trace->device >= 0) {
		close(trace->device); /* a trace that is not ours is not torn down */
		trace->device = -1;
	}
	block_trace_stop(trace);
	return NULL;
}

void block_trace_stop(struct block_trace *trace)
{
	if (!trace)
		return;
	atomic_store(&trace->stop, true);
	if (trace->reads)
		pthread_join(trace->reader, NULL);
	for (int i = 0; i < trace->channel_count; i++) {
		close(trace->channels[i]->fd);
		free(trace->channels[i]);
	}
	if (trace->dropped >= 0)
		close(trace->dropped);
	if (trace->device >= 0) {
		ioctl(trace->device, BLKTRACESTOP);
		ioctl(trace->device, BLKTRACETEARDOWN);
		close(trace->device);
	}
	pthread_mutex_destroy(&trace->reading);
	free(trace);
}
