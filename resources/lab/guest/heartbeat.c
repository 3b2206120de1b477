#include "heartbeat.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static const uint64_t magic = 0x3142484b52425455u;

static bool parse_address(const char *text, struct sockaddr_in *to)
{
	char address[INET_ADDRSTRLEN], end;
	unsigned port;
	*to = (struct sockaddr_in){ .sin_family = AF_INET };
	if (sscanf(text, "%15[0-9.]:%5u%c", address, &port, &end) != 2 || port == 0 || port > UINT16_MAX)
		return false;
	to->sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, address, &to->sin_addr) == 1;
}

bool heartbeat_open(struct heartbeat *heartbeat, const char *to)
{
	*heartbeat = (struct heartbeat){ .fd = -1 };
	if (!parse_address(to, &heartbeat->to)) {
		errno = EINVAL;
		return false;
	}
	heartbeat->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return heartbeat->fd >= 0;
}

void heartbeat_send(struct heartbeat *heartbeat, uint64_t monotonic_ns, uint64_t bad, uint64_t checked)
{
	uint64_t datagram[] = { htole64(magic), htole64(++heartbeat->sequence), htole64(monotonic_ns), htole64(bad), htole64(checked) };
	sendto(heartbeat->fd, datagram, sizeof datagram, 0, (struct sockaddr *)&heartbeat->to, sizeof heartbeat->to);
}
