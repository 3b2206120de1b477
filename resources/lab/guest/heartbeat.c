#include "heartbeat.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/errqueue.h>
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
/* Longer than Linux takes to find that nobody answers for an address: as long as a host is off, it is found again and again. */
static const uint64_t away_for_ns = 6000000000u;

/* A socket that sends to this address only, and hears of refusals. */
static int connect_to(const char *address, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* without it Linux keeps to itself that nobody answers for the address */
	if (fd >= 0)
		setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof on);
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

/* The next error in the socket's queue, see ip(7), IP_RECVERR; 0: there is none. */
static int queued_error(int fd)
{
	char control[256], datagram[64];
	struct iovec part = { datagram, sizeof datagram };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return 0;
	for (struct cmsghdr *part_of = CMSG_FIRSTHDR(&message); part_of; part_of = CMSG_NXTHDR(&message, part_of)) {
		struct sock_extended_err error;
		if (part_of->cmsg_level != SOL_IP || part_of->cmsg_type != IP_RECVERR)
			continue;
		memcpy(&error, CMSG_DATA(part_of), sizeof error);
		return (int)error.ee_errno;
	}
	return EIO;
}

/* Takes the errors that wait at the socket, if any (0: none): left there, they would fail the next datagrams. That a host cannot be
 * reached outweighs a refusal from before. */
static int take_error(int fd)
{
	int error = 0, next;
	socklen_t size = sizeof error;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error == 0)
		return 0;
	while ((next = queued_error(fd)))
		error = next == EHOSTUNREACH ? next : error;
	return error;
}

void heartbeat_hear(struct heartbeat *heartbeat, int host, int error, uint64_t monotonic_ns)
{
	heartbeat->refused[host] |= error != 0;
	if (error == EHOSTUNREACH)
		heartbeat->away_until_ns[host] = monotonic_ns + away_for_ns;
}

bool heartbeat_is_heard(const struct heartbeat *heartbeat, uint64_t monotonic_ns)
{
	bool listens = false;
	for (int i = 0; i < heartbeat->hosts; i++)
		listens |= !heartbeat->refused[i] && monotonic_ns >= heartbeat->away_until_ns[i];
	return listens;
}

void heartbeat_step(struct heartbeat *heartbeat, uint64_t monotonic_ns, const struct vitals *vitals)
{
	for (int i = 0; i < heartbeat->hosts; i++)
		heartbeat_hear(heartbeat, i, take_error(heartbeat->host_fd[i]), monotonic_ns);
	bool listens = heartbeat_is_heard(heartbeat, monotonic_ns);
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
