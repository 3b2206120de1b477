/*
 * cmd_disk_receive.c - `disk-receive`: the target's side of a disk that is copied (disk_move.h).
 *
 * The copy is kept once the source has said that it is complete; what was made here and is not complete when the link ends is
 * removed. A copy that is complete stays even if the link breaks then: the guest may be about to run on it.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "await_source.h"
#include "batch.h"
#include "commands.h"
#include "disk.h"
#include "disk_class.h"
#include "disk_volume.h"
#include "hash.h"
#include "io.h"
#include "json.h"
#include "link.h"
#include "options.h"
#include "rebuild.h"

#define SILENCE_S 30u
#define SIGN_OF_LIFE_MS 500
#define HASHES_AT_ONCE 4096u
#define PATH_BYTES 1024u

enum fate { INCOMPLETE, KEPT, DROPPED };

struct disk_receiver {
	struct disk_volume *volume;
	struct link *link;
	struct link_hello asked;
	struct rebuilder *rebuilder;
	uint8_t *batch;       /* being assembled */
	size_t batch_length;
	uint64_t *hashes;     /* of what was written, by block; 0: nothing. NULL: not kept */
	uint64_t written;     /* blocks */
	struct error failed;  /* the first write that failed */
	enum fate fate;
	int cancel;           /* eventfd: the console wants an end */
	atomic_bool stop;
};

static void report(const char *kind, const char *name, uint64_t value)
{
	struct json json;
	json_start(&json, kind);
	json_u64(&json, "ns", clock_ns());
	json_u64(&json, name, value);
	json_print(&json);
}

/* --- Blocks --- */

static void write_block(void *context, uint64_t block, const uint8_t *contents)
{
	struct disk_receiver *receiver = context;
	if (!contents || receiver->failed.code || !disk_volume_write(receiver->volume, block, contents, &receiver->failed))
		return;
	receiver->written++;
	if (receiver->hashes)
		receiver->hashes[block] = page_hash(contents);
}

static bool all_written(const struct disk_receiver *receiver, struct error *err)
{
	return !receiver->failed.code || error_set(err, receiver->failed.code, receiver->failed.action, "%s", receiver->failed.message);
}

/* The frame lies behind the ones before it already. */
static bool take_batch(struct disk_receiver *receiver, size_t length, bool last, struct error *err)
{
	if (receiver->batch_length + length > BATCH_MAX)
		return error_set(err, ERR_STREAM, "", "a batch is larger than the format allows");
	receiver->batch_length += length;
	if (!last)
		return true;
	bool ok = rebuild_batch(receiver->rebuilder, receiver->batch, receiver->batch_length, write_block, receiver, err) != NULL;
	receiver->batch_length = 0;
	return ok && all_written(receiver, err);
}

static bool take_raw(struct disk_receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	uint64_t first;
	if (length < sizeof(first) || (length - sizeof(first)) % DISK_BLOCK_BYTES)
		return error_set(err, ERR_STREAM, "", "blocks of the wrong size");
	memcpy(&first, bytes, sizeof(first));
	size_t count = (length - sizeof(first)) / DISK_BLOCK_BYTES;
	for (size_t i = 0; i < count; i++)
		write_block(receiver, first + i, bytes + sizeof(first) + i * DISK_BLOCK_BYTES);
	return all_written(receiver, err);
}

/* --- Requests --- */

static bool sync_all(struct disk_receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	if (length != sizeof(uint64_t))
		return error_set(err, ERR_LINK, "", "a request of the wrong size");
	return disk_volume_sync(receiver->volume, err) && link_send(receiver->link, LINK_DISK_SYNCED, bytes, length, err);
}

static bool keep(struct disk_receiver *receiver, struct error *err)
{
	if (!disk_volume_sync(receiver->volume, err))
		return false;
	receiver->fate = KEPT;
	report("diskKept", "blocks", receiver->written);
	return link_send(receiver->link, LINK_IMAGE_TAKEN, "", 0, err);
}

static bool drop(struct disk_receiver *receiver, struct error *err)
{
	receiver->fate = DROPPED;
	return link_send(receiver->link, LINK_IMAGE_TAKEN, "", 0, err);
}

static bool answer_hashes(struct disk_receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	uint64_t wanted[2], answer[1 + HASHES_AT_ONCE], blocks = disk_volume_blocks(receiver->volume);
	if (length != sizeof(wanted))
		return error_set(err, ERR_LINK, "", "a request of the wrong size");
	memcpy(wanted, bytes, sizeof(wanted));
	if (wanted[1] > HASHES_AT_ONCE || wanted[0] > blocks || wanted[1] > blocks - wanted[0])
		return error_set(err, ERR_LINK, "", "hashes of blocks that are not there");
	answer[0] = wanted[0];
	for (uint64_t i = 0; i < wanted[1]; i++)
		answer[1 + i] = receiver->hashes ? receiver->hashes[wanted[0] + i] : 0;
	return link_send(receiver->link, LINK_HASHES, answer, (1 + wanted[1]) * 8, err);
}

static bool take_frame(struct disk_receiver *receiver, enum link_type type, const uint8_t *bytes, size_t length, struct error *err)
{
	switch (type) {
	case LINK_BATCH_PART:
	case LINK_BATCH_END:
		return take_batch(receiver, length, type == LINK_BATCH_END, err);
	case LINK_DISK_RAW:
		return take_raw(receiver, bytes, length, err);
	case LINK_DISK_SYNC:
		return sync_all(receiver, bytes, length, err);
	case LINK_HASHES_WANTED:
		return answer_hashes(receiver, bytes, length, err);
	case LINK_IMAGE_END:
		return keep(receiver, err);
	case LINK_DISK_DROP:
		return drop(receiver, err);
	case LINK_PING:
		return true;
	default:
		return error_set(err, ERR_LINK, "", "the source sent a frame of unknown type %d", (int)type);
	}
}

static void take_all(struct disk_receiver *receiver, struct error *err)
{
	enum link_type type;
	size_t length;
	for (;;) {
		uint8_t *bytes = receiver->batch + receiver->batch_length;
		if (link_receive(receiver->link, &type, bytes, &length, err) != 1 || !take_frame(receiver, type, bytes, length, err))
			return;
	}
}

/* --- Around it --- */

/* Signs of life for the source, and the console's wish. */
static void *control(void *context)
{
	struct disk_receiver *receiver = context;
	const uint64_t no_number = 0;
	while (!atomic_load(&receiver->stop)) {
		struct pollfd cancel = {.fd = receiver->cancel, .events = POLLIN};
		if (poll(&cancel, 1, SIGN_OF_LIFE_MS) > 0) {
			link_break(receiver->link);
			return NULL;
		}
		link_try_send(receiver->link, LINK_PING, &no_number, sizeof(no_number));
	}
	return NULL;
}

static bool prepare(struct disk_receiver *receiver, struct error *err)
{
	uint64_t blocks = disk_volume_blocks(receiver->volume);
	bool verify = receiver->asked.flags & LINK_FLAG_VERIFY;
	receiver->batch = malloc(BATCH_MAX + LINK_FRAME_MAX);
	receiver->rebuilder = rebuilder_new(receiver->asked.cache_pages, false);
	receiver->hashes = verify ? calloc(blocks, sizeof(*receiver->hashes)) : NULL;
	return (receiver->batch && receiver->rebuilder && (receiver->hashes || !verify))
		|| error_set(err, ERR_SYSTEM, "Choose a smaller cache, or no verification.", "not enough memory here for this disk");
}

static const char *settle_fate(struct disk_receiver *receiver)
{
	if (receiver->fate == KEPT)
		return "kept";
	return disk_volume_discard(receiver->volume) ? "removed" : "incomplete";
}

static void report_done(struct disk_receiver *receiver, const struct error *err)
{
	struct json json;
	if (err->code)
		json_write_error(err, STDOUT_FILENO);
	json_start(&json, "done");
	json_string(&json, "outcome", settle_fate(receiver));
	json_u64(&json, "blocks", receiver->written);
	json_u64(&json, "linkBytes", receiver->link ? link_received_bytes(receiver->link) : 0);
	json_cpu(&json, process_cpu_ns(), 0);
	json_print(&json);
}

static void release(struct disk_receiver *receiver)
{
	disk_volume_close(receiver->volume);
	if (receiver->link)
		link_close(receiver->link);
	if (receiver->rebuilder)
		rebuilder_free(receiver->rebuilder);
	free(receiver->batch);
	free(receiver->hashes);
}

static bool receive_disk(struct disk_receiver *receiver, struct error *err)
{
	pthread_t controller;
	if (!prepare(receiver, err) || pthread_create(&controller, NULL, control, receiver) != 0)
		return error_set(err, ERR_SYSTEM, "", "out of memory");
	link_set_silence(receiver->link, SILENCE_S);
	take_all(receiver, err);
	atomic_store(&receiver->stop, true);
	pthread_join(controller, NULL);
	link_shut_sending(receiver->link);
	return receiver->fate == KEPT;
}

static struct link *take_link(struct disk_receiver *receiver, const struct source_wait *wait, struct error *err)
{
	struct link *link = await_source(wait, &receiver->asked, err);
	if (!link || (receiver->asked.flags & LINK_FLAG_DISK && receiver->asked.cache_pages <= LINK_CACHE_PAGES_MAX))
		return link;
	error_set(err, ERR_LINK, "", "one end copies a disk, the other does not");
	link_close(link);
	return NULL;
}

int cmd_disk_receive(int argc, char **argv)
{
	static const char *const kinds[] = {"sealed", "plain", NULL};
	char ip[64] = "0.0.0.0", path[PATH_BYTES];
	uint64_t port = 0, wait_s = 60, bytes = 0;
	bool overwrite = false;
	int kind = LINK_SEALED;
	struct option options[] = {
		{.name = "--path", .kind = OPTION_TEXT, .value = path, .maximum = sizeof(path), .required = true},
		{.name = "--bytes", .kind = OPTION_NUMBER, .value = &bytes, .minimum = 512, .maximum = DISK_BYTES_MAX, .required = true},
		{.name = "--overwrite", .kind = OPTION_FLAG, .value = &overwrite, .flag_value = true},
		{.name = "--link", .kind = OPTION_CHOICE, .value = &kind, .choices = kinds},
		{.name = "--bind", .kind = OPTION_TEXT, .value = ip, .maximum = sizeof(ip)},
		{.name = "--port", .kind = OPTION_NUMBER, .value = &port, .maximum = 65535},
		{.name = "--wait", .kind = OPTION_NUMBER, .value = &wait_s, .minimum = 1, .maximum = 3600},
	};
	struct error err = {0};
	struct disk_receiver receiver = {.cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	signal(SIGPIPE, SIG_IGN);
	if (!options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv, NULL, 0, NULL, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	const struct source_wait wait = {.kind = (enum link_kind)kind, .ip = ip, .port = (uint16_t)port, .wait_s = wait_s,
		.cancel = receiver.cancel};
	bool kept = (receiver.volume = disk_volume_open(path, bytes, overwrite, &err))
		&& (receiver.link = take_link(&receiver, &wait, &err)) && receive_disk(&receiver, &err);
	if (receiver.volume)
		report_done(&receiver, &err);
	else
		json_write_error(&err, STDOUT_FILENO);
	release(&receiver);
	return kept ? 0 : 1;
}
