/* cmd_heartbeat.c - `heartbeat`: hears a guest's heartbeat with the kernel's time stamps and tells the largest gap. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "json.h"
#include "options.h"

#define HEARTBEAT_MAGIC UINT64_C(0x3142484b52425455)
#define REPORT_NS 100000000u

struct beat { /* little-endian, as sent */
	uint64_t magic, sequence, guest_ns, bad, checked;
	uint64_t files_checked, file_errors, disk_written_bytes; /* only from a guest with a disk */
};

#define BYTES_WITHOUT_DISK offsetof(struct beat, files_checked)

struct heard {
	uint64_t received, first_sequence;
	struct beat last;               /* the rest of a beat without a disk is zero */
	bool has_disk;
	uint64_t last_sequence;         /* the highest */
	uint64_t last_ns;               /* arrival of the last one */
	uint64_t gap_ns;                /* largest since the last report */
	uint64_t largest_ns, largest_from, largest_to;
};

static int open_socket(uint64_t port, struct error *err)
{
	int on = 1, buffer = 1 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	}
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error_set(err, ERR_SYSTEM, "", "cannot listen for heartbeats on port %llu: %s", (unsigned long long)port, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The kernel stamps with CLOCK_REALTIME; brought to the monotonic clock by the offset at this moment. */
static uint64_t arrival_ns(struct msghdr *message)
{
	struct timespec stamp, real;
	uint64_t mono = clock_ns();
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		clock_gettime(CLOCK_REALTIME, &real);
		int64_t age = (real.tv_sec - stamp.tv_sec) * 1000000000ll + (real.tv_nsec - stamp.tv_nsec);
		return age >= 0 && (uint64_t)age < mono ? mono - (uint64_t)age : mono;
	}
	return mono;
}

static void note(struct heard *heard, const struct beat *beat, bool has_disk, uint64_t now)
{
	if (!heard->received)
		heard->first_sequence = beat->sequence;
	else if (now > heard->last_ns && now - heard->last_ns > heard->gap_ns)
		heard->gap_ns = now - heard->last_ns;
	if (heard->received && now > heard->last_ns && now - heard->last_ns > heard->largest_ns) {
		heard->largest_ns = now - heard->last_ns;
		heard->largest_from = heard->last_ns;
		heard->largest_to = now;
	}
	heard->received++;
	if (beat->sequence > heard->last_sequence)
		heard->last_sequence = beat->sequence;
	heard->last = *beat;
	heard->has_disk = has_disk;
	heard->last_ns = now;
}

static void take(int fd, uint32_t from, struct heard *heard)
{
	struct beat beat = {0};
	char control[256];
	struct sockaddr_in sender;
	struct iovec part = {&beat, sizeof(beat)};
	struct msghdr message = {.msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
	bool has_disk = n == (ssize_t)sizeof(beat);
	if ((has_disk || n == (ssize_t)BYTES_WITHOUT_DISK) && beat.magic == HEARTBEAT_MAGIC && (!from || sender.sin_addr.s_addr == from))
		note(heard, &beat, has_disk, arrival_ns(&message));
}

/* What the guest said last. */
static void report_vitals(struct json *json, const struct heard *heard)
{
	json_u64(json, "bad", heard->last.bad);
	json_u64(json, "checked", heard->last.checked);
	if (!heard->has_disk)
		return;
	json_u64(json, "filesChecked", heard->last.files_checked);
	json_u64(json, "fileErrors", heard->last.file_errors);
	json_u64(json, "diskWrittenBytes", heard->last.disk_written_bytes);
}

static void report(struct heard *heard, uint64_t now)
{
	/* a gap that is still open counts as it grows */
	uint64_t open = heard->received && now > heard->last_ns ? now - heard->last_ns : 0;
	struct json json;
	json_start(&json, "heartbeat");
	json_u64(&json, "ns", now);
	json_u64(&json, "received", heard->received);
	json_u64(&json, "lastSequence", heard->last_sequence);
	report_vitals(&json, heard);
	json_ms(&json, "gapMs", open > heard->gap_ns ? open : heard->gap_ns);
	json_print(&json);
	heard->gap_ns = 0;
}

static void summarize(const struct heard *heard)
{
	uint64_t expected = heard->received ? heard->last_sequence - heard->first_sequence + 1 : 0;
	struct json json;
	json_start(&json, "heartbeatSummary");
	json_u64(&json, "received", heard->received);
	json_u64(&json, "lost", expected > heard->received ? expected - heard->received : 0);
	report_vitals(&json, heard);
	json_ms(&json, "largestGapMs", heard->largest_ns);
	json_u64(&json, "gapStartNs", heard->largest_from);
	json_u64(&json, "gapEndNs", heard->largest_to);
	json_print(&json);
}

int cmd_heartbeat(int argc, char **argv)
{
	uint64_t port = 0;
	char from_text[64] = "";
	struct option options[] = {
		{.name = "--port", .kind = OPTION_NUMBER, .value = &port, .minimum = 1, .maximum = 65535, .required = true},
		{.name = "--from", .kind = OPTION_TEXT, .value = from_text, .maximum = sizeof(from_text)},
	};
	struct error err = {0};
	struct in_addr from = {0};
	int fd = -1;
	if (!options_parse(options, 2, argc, argv, NULL, 0, NULL, &err)
		|| (*from_text && inet_pton(AF_INET, from_text, &from) != 1 && !error_set(&err, ERR_USAGE, "", "--from takes an IPv4 address"))
		|| (fd = open_socket(port, &err)) < 0) {
		json_write_error(&err, STDOUT_FILENO);
		return fd < 0 && strcmp(err.code, ERR_USAGE) != 0 ? 1 : 2;
	}
	struct heard heard = {0};
	struct pollfd waits[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	char ignored[64];
	for (uint64_t due = clock_ns() + REPORT_NS;;) {
		uint64_t now = clock_ns();
		if (now >= due) {
			report(&heard, now);
			due = now + REPORT_NS;
		}
		if (poll(waits, 2, (int)((due - now) / 1000000u) + 1) < 0 && errno != EINTR)
			break;
		if (waits[1].revents & POLLIN)
			take(fd, from.s_addr, &heard);
		if (waits[0].revents && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0)
			break;
	}
	summarize(&heard);
	close(fd);
	return 0;
}
