/* link_pair.h - both ends of a link over two descriptors, in one process. */
#ifndef ME2_TEST_LINK_PAIR_H
#define ME2_TEST_LINK_PAIR_H

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "link.h"

struct link_pair {
	struct link *source, *target;
	struct link_hello heard;
	struct error source_err, target_err;
	int target_fd;
};

static inline void *link_pair_accept(void *context)
{
	struct link_pair *pair = context;
	int in = dup(pair->target_fd); /* the link closes both */
	pair->target = link_accept_fds(in, pair->target_fd, &pair->heard, &pair->target_err);
	return NULL;
}

/* An end that refused the other is NULL. `buffer_bytes`: of the socket, 0: as it comes. */
static inline struct link_pair link_pair_open(const struct link_hello *hello, int buffer_bytes)
{
	struct link_pair pair = {0};
	int fds[2];
	pthread_t thread;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	if (buffer_bytes)
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
	pair.target_fd = fds[1];
	CHECK(pthread_create(&thread, NULL, link_pair_accept, &pair) == 0);
	pair.source = link_over_fds(dup(fds[0]), fds[0], hello, &pair.source_err);
	pthread_join(thread, NULL);
	return pair;
}

#endif
