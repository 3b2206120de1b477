#include "await_source.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "json.h"
#include "key.h"

static void *watch_stdin(void *context)
{
	int cancel = *(int *)context;
	char byte;
	free(context);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	eventfd_write(cancel, 1);
	return NULL;
}

/* Detached: a blocked read cannot be woken. */
static bool start_watching(int cancel)
{
	pthread_t watcher;
	int *context = malloc(sizeof(*context));
	if (!context)
		return false;
	*context = cancel;
	if (pthread_create(&watcher, NULL, watch_stdin, context) == 0)
		return pthread_detach(watcher) == 0;
	free(context);
	return false;
}

static void say_listening(const char *ip, uint16_t port)
{
	struct json json;
	json_start(&json, "listening");
	json_string(&json, "address", ip);
	json_u64(&json, "port", port);
	json_print(&json);
}

static void say_connected(const char *from)
{
	struct json json;
	json_start(&json, "connected");
	json_string(&json, "from", from);
	json_print(&json);
}

struct link *await_source(const struct source_wait *wait, struct link_hello *asked, struct error *err)
{
	uint8_t key[LINK_KEY_BYTES];
	uint16_t port = wait->port;
	char from[64];
	if (!read_key_line(STDIN_FILENO, key, err))
		return NULL;
	int listener = link_listen(wait->ip, &port, err);
	if (listener < 0)
		return NULL;
	say_listening(wait->ip, port);
	struct link *link = NULL;
	if (start_watching(wait->cancel))
		link = link_accept(wait->kind, listener, key, wait->wait_s * 1000, wait->cancel, asked, from, err);
	else
		error_set(err, ERR_SYSTEM, "", "out of memory");
	sodium_memzero(key, sizeof(key));
	close(listener);
	if (link)
		say_connected(from);
	return link;
}
