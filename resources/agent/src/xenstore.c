#include "xenstore.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io.h"

#define MESSAGE_READ 2u
#define PAYLOAD_MAX 4096u
#define ANSWER_MS 3000u

struct message {
	uint32_t type, request, transaction, length;
};

struct xenstore {
	int fd;
	uint32_t requests;
	bool broken; /* an answer was late or made no sense: the next one could be anything */
};

static int connect_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_device(void)
{
	int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	return fd >= 0 ? fd : open("/proc/xen/xenbus", O_RDWR | O_CLOEXEC);
}

struct xenstore *xenstore_open(struct error *err)
{
	struct xenstore *store = calloc(1, sizeof(*store));
	int fd = connect_socket();
	if (fd < 0)
		fd = open_device();
	if (!store || fd < 0) {
		error_set(err, ERR_NO_XEN, "Check that xenstored runs.", "xenstore does not answer");
		free(store);
		return NULL;
	}
	store->fd = fd;
	return store;
}

void xenstore_close(struct xenstore *store)
{
	if (!store)
		return;
	close(store->fd);
	free(store);
}

/* The kernel's device hands a message over in any number of pieces. */
static bool receive(struct xenstore *store, void *bytes, size_t length, uint64_t deadline_ns)
{
	uint8_t *to = bytes;
	while (length) {
		uint64_t now = clock_ns();
		struct pollfd wait = {.fd = store->fd, .events = POLLIN};
		if (now >= deadline_ns)
			return false;
		if (poll(&wait, 1, (int)((deadline_ns - now) / 1000000u) + 1) <= 0)
			continue;
		ssize_t n = read(store->fd, to, length);
		if (n <= 0)
			return false;
		to += n;
		length -= (size_t)n;
	}
	return true;
}

static bool ask(struct xenstore *store, const char *path, struct message *answer, char *payload)
{
	uint64_t deadline_ns = clock_ns() + ANSWER_MS * UINT64_C(1000000);
	struct message question = {.type = MESSAGE_READ, .request = ++store->requests, .length = (uint32_t)strlen(path) + 1};
	return io_write_all(store->fd, &question, sizeof(question)) && io_write_all(store->fd, path, question.length)
		&& receive(store, answer, sizeof(*answer), deadline_ns) && answer->length <= PAYLOAD_MAX
		&& answer->request == question.request && receive(store, payload, answer->length, deadline_ns);
}

bool xenstore_read(struct xenstore *store, const char *path, char *value, size_t capacity)
{
	struct message answer;
	char payload[PAYLOAD_MAX];
	if (!store || store->broken || strlen(path) >= PAYLOAD_MAX)
		return false;
	store->broken = !ask(store, path, &answer, payload);
	if (store->broken || answer.type != MESSAGE_READ)
		return false;
	size_t length = answer.length < capacity ? answer.length : capacity - 1;
	memcpy(value, payload, length);
	value[length] = '\0';
	return true;
}
