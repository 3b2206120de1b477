#include "heartbeat.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint64_t magic = 0x3142484b52425455u;
/* A beat of a guest without a disk ends here. */
static const size_t bytes_without_disk = 5 * sizeof(uint64_t);

/* Longer than the second in which Linux refuses at most once, so that no refusal is withheld. */
static const uint64_t ask_every_ns = 1200000000u;
/* A refusal comes back within a few milliseconds; one that comes later still stops the beat. */
static const uint64_t answer_within_ns = 100000000u;

/* A socket that sends to this address only, and hears of refusals. */
static int connect_to(const char *address, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_group(struct heartbeat *heartbeat, const char *group, unsigned *port)
{
	char address[INET_ADDRSTRLEN], end;
	if (sscanf(group, "%15[0-9.]:%5u%c", address, port, &end) != 2 || *port == 0 || *port > UINT16_MAX) {
		errno = EINVAL;
		return false;
	}
	heartbeat->group_fd = connect_to(address, *port);
	return heartbeat->group_fd >= 0;
}

static bool open_hosts(struct heartbeat *heartbeat, const char *hosts, unsigned port)
{
	char list[HEARTBEAT_HOSTS * INET_ADDRSTRLEN], *next = NULL;
	errno = EINVAL;
	if (strlen(hosts) >= sizeof list)
		return false;
	strcpy(list, hosts);
	for (char *address = strtok_r(list, ",", &next); address; address = strtok_r(NULL, ",", &next)) {
		if (heartbeat->hosts == HEARTBEAT_HOSTS)
			return false;
		int fd = connect_to(address, port);
		if (fd < 0)
			return false;
		heartbeat->host_fd[heartbeat->hosts++] = fd;
	}
	return heartbeat->hosts > 0;
}

bool heartbeat_open(struct heartbeat *heartbeat, const char *group, const char *hosts)
{
	unsigned port;
	*heartbeat = (struct heartbeat){ 0 };
	return open_group(heartbeat, group, &port) && open_hosts(heartbeat, hosts, port);
}

/* Takes the error that waits at the socket, if any: left there, it would fail the next datagram. */
static bool take_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof error;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0;
}

static bool anybody_listens(struct heartbeat *heartbeat)
{
	bool listens = false;
	for (int i = 0; i < heartbeat->hosts; i++) {
		heartbeat->refused[i] |= take_error(heartbeat->host_fd[i]);
		listens |= !heartbeat->refused[i];
	}
	return listens;
}

void heartbeat_step(struct heartbeat *heartbeat, uint64_t monotonic_ns, const struct vitals *vitals)
{
	bool listens = anybody_listens(heartbeat);
	if (heartbeat->sequence && monotonic_ns - heartbeat->asked_ns >= answer_within_ns)
		heartbeat->wanted = listens;
	bool ask = !heartbeat->sequence || monotonic_ns - heartbeat->asked_ns >= ask_every_ns;
	if (!ask && !heartbeat->wanted)
		return;
	const uint64_t datagram[] = {
		htole64(magic), htole64(++heartbeat->sequence), htole64(monotonic_ns), htole64(vitals->bad), htole64(vitals->checked),
		htole64(vitals->files_checked), htole64(vitals->file_errors), htole64(vitals->disk_written_bytes),
	};
	size_t bytes = vitals->has_disk ? sizeof datagram : bytes_without_disk;
	if (!ask) {
		send(heartbeat->group_fd, datagram, bytes, 0);
		return;
	}
	/* this beat goes to each host by itself: every host still hears every sequence number once */
	heartbeat->asked_ns = monotonic_ns;
	for (int i = 0; i < heartbeat->hosts; i++)
		heartbeat->refused[i] = send(heartbeat->host_fd[i], datagram, bytes, 0) < 0;
}
