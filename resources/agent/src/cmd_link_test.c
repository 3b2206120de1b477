/* cmd_link_test.c - `link-test`: how much the link carries, by the transport that a migration would use. */
#include <signal.h>
#include <stdlib.h>
#include <sodium.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "json.h"
#include "key.h"
#include "options.h"

static bool send_and_wait(struct link *link, uint64_t bytes, struct error *err)
{
	uint8_t *chunk = malloc(LINK_FRAME_MAX);
	enum link_type type;
	size_t length;
	if (!chunk)
		return error_set(err, ERR_SYSTEM, "", "out of memory");
	randombytes_buf(chunk, LINK_FRAME_MAX); /* so that nothing on the way can compress it */
	bool ok = true;
	for (uint64_t sent = 0; ok && sent < bytes; sent += LINK_FRAME_MAX)
		ok = link_send(link, LINK_STREAM, chunk, LINK_FRAME_MAX, err);
	ok = ok && link_send(link, LINK_IMAGE_END, "", 0, err);
	if (ok && (link_receive(link, &type, chunk, &length, err) != 1 || type != LINK_IMAGE_TAKEN))
		ok = error_set(err, ERR_LINK, "", "the other end did not confirm");
	free(chunk);
	return ok;
}

int cmd_link_test(int argc, char **argv)
{
	static const char *const kinds[] = {"sealed", "plain", NULL};
	char to[128];
	uint64_t megabytes = 4, rate = 0;
	int kind = LINK_SEALED;
	struct option options[] = {
		{.name = "--to", .kind = OPTION_TEXT, .value = to, .maximum = sizeof(to), .required = true},
		{.name = "--link", .kind = OPTION_CHOICE, .value = &kind, .choices = kinds},
		{.name = "--megabytes", .kind = OPTION_NUMBER, .value = &megabytes, .minimum = 1, .maximum = 1024},
		{.name = "--rate", .kind = OPTION_NUMBER, .value = &rate, .minimum = 1, .maximum = 400000},
	};
	struct error err = {0};
	uint8_t key[LINK_KEY_BYTES];
	const struct link_hello hello = {.flags = LINK_FLAG_MEASURE};
	struct link *link = NULL;
	signal(SIGPIPE, SIG_IGN);
	if (!options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv, NULL, 0, NULL, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	bool ok = read_key_line(STDIN_FILENO, key, &err)
		&& (link = link_connect((enum link_kind)kind, to, key, &hello, &err));
	if (ok)
		link_set_rate(link, rate);
	uint64_t began = clock_ns();
	ok = ok && send_and_wait(link, megabytes << 20, &err);
	uint64_t took = clock_ns() - began;
	if (ok) {
		struct json json;
		json_start(&json, "linkTest");
		json_u64(&json, "bytes", link_sent_bytes(link));
		json_ms(&json, "ms", took);
		json_u64(&json, "bytesPerSecond", (uint64_t)((double)link_sent_bytes(link) * 1e9 / (double)took));
		json_print(&json);
	} else {
		json_write_error(&err, STDOUT_FILENO);
	}
	link_close(link);
	return ok ? 0 : 1;
}
