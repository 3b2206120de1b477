/* cmd_disk_send.c - `disk-send`: copies a disk that nobody uses to another host. */
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <unistd.h>

#include "commands.h"
#include "disk_move.h"
#include "disk_volume.h"
#include "io.h"
#include "json.h"
#include "key.h"
#include "migrate_options.h"

static atomic_bool cancelled;

/* The end of stdin: the console wants an end, or is gone. */
static void *watch_stdin(void *context)
{
	char byte;
	(void)context;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	atomic_store(&cancelled, true);
	return NULL;
}

static bool copy(const struct migrate_options *options, const uint8_t *key, struct error *err)
{
	struct disk_pass pass;
	const struct disk_move_settings settings = {
		.path = options->disk,
		.link = (enum link_kind)options->link,
		.to = options->disk_to,
		.key = key,
		.encoding = {.raw = options->mode == MODE_STOCK, .encoder = options->encoder, .level = (int)options->level,
			.cache_pages = (uint32_t)(options->cache_mib * (1048576u / PAGE_BYTES)), .rate_mbit = options->rate_mbit},
		.stall_s = (unsigned)options->stall_s,
		.explore = options->mode == MODE_ME2,
		.verify = options->verify,
		.cancel = &cancelled,
		.lines = STDOUT_FILENO,
	};
	struct disk_move *move = disk_move_new(&settings, err);
	bool ok = move && disk_move_prepare(move, err) && disk_move_pass(move, &pass, err) && disk_move_finish(move, err)
		&& (!options->verify || disk_move_verify(move, err));
	if (move)
		disk_move_report(move);
	disk_move_free(move);
	return ok;
}

int cmd_disk_send(int argc, char **argv)
{
	struct error err = {0};
	struct migrate_options options;
	uint8_t key[LINK_KEY_BYTES];
	pthread_t watcher;
	signal(SIGPIPE, SIG_IGN);
	if (!disk_send_options_parse(&options, argc, argv, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	bool ok = read_key_line(STDIN_FILENO, key, &err) && disk_volume_is_idle(options.disk, &err);
	if (ok) {
		pthread_create(&watcher, NULL, watch_stdin, NULL);
		pthread_detach(watcher); /* a blocked read cannot be woken; it ends with the process */
		ok = copy(&options, key, &err);
	}
	sodium_memzero(key, sizeof(key));
	if (err.code)
		json_write_error(&err, STDOUT_FILENO);
	return ok ? 0 : 1;
}
