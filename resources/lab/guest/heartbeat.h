/* The guest's sign of life: a UDP datagram, format in resources/agent/PROTOCOL.md, "heartbeat".
 * It goes to a multicast group that both hosts have joined: one datagram instead of one to each host, because what a
 * datagram costs is the switch between guest and dom0, and that is the dearest thing on an emulated processor. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct heartbeat {
	int fd;
	struct sockaddr_in to;
	uint64_t sequence;
};

/* `to` reads ADDRESS:PORT. Returns false with errno set (EINVAL: it does not). */
bool heartbeat_open(struct heartbeat *heartbeat, const char *to);

/* Sends what there is to say now. Never blocks; what cannot be sent is a lost heartbeat, as it should be. */
void heartbeat_send(struct heartbeat *heartbeat, uint64_t monotonic_ns, uint64_t bad, uint64_t checked);

#endif
