/* The guest's sign of life: a UDP datagram every 10 ms, format in resources/agent/PROTOCOL.md, "heartbeat".
 *
 * What a datagram costs is the switch between guest and dom0, and that is the dearest thing on an emulated processor: three
 * guests that beat without end fill it. So a guest beats to one multicast group that both hosts have joined, and only while
 * one of them listens. It asks each of them once in a while with a beat of its own: a host where nobody listens on the port
 * refuses it (ICMP, seen as an error of the socket); a host that says nothing counts as listening, until it is found that it
 * cannot be reached at all: it was switched off. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

enum { HEARTBEAT_HOSTS = 3 };

struct heartbeat {
	int group_fd;
	int host_fd[HEARTBEAT_HOSTS];
	bool refused[HEARTBEAT_HOSTS]; /* since it was last asked */
	uint64_t away_until_ns[HEARTBEAT_HOSTS];
	int hosts;
	uint64_t sequence;
	uint64_t asked_ns;
	bool wanted; /* somebody listens: to be called every 10 ms, otherwise now and then */
};

/* `group` reads ADDRESS:PORT, `hosts` ADDRESS or ADDRESS,ADDRESS. Returns false with errno set (EINVAL: they do not). */
bool heartbeat_open(struct heartbeat *heartbeat, const char *group, const char *hosts);

/* What a beat tells of its guest. */
struct vitals {
	uint64_t bad;     /* checks that failed, of pages and files */
	uint64_t checked; /* pages */
	bool has_disk;    /* the rest is told as well */
	uint64_t files_checked, file_errors, disk_written_bytes;
};

/* The error that an ask of this host had, 0: none; and whether any of them may be listening. Parts of heartbeat_step. */
void heartbeat_hear(struct heartbeat *heartbeat, int host, int error, uint64_t monotonic_ns);
bool heartbeat_is_heard(const struct heartbeat *heartbeat, uint64_t monotonic_ns);

/* Beats if it is wanted, asks if it is time. Never blocks; what cannot be sent is a lost heartbeat, as it should be. */
void heartbeat_step(struct heartbeat *heartbeat, uint64_t monotonic_ns, const struct vitals *vitals);

#endif
