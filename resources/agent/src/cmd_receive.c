/*
 * cmd_receive.c - `receive`: the target side. Takes the link, feeds xl migrate-receive, returns its back channel.
 *
 *   main     link → xl's stdin
 *   back     xl's stdout → link
 *   lines    xl's stderr → JSON
 *   control  the console's end of stdin, and signs of life for the source
 *
 * Until the go-ahead has been passed to xl, whatever goes wrong ends in closing xl's stdin: xl then destroys its copy and
 * the guest goes on at the source. After it, nothing is undone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "await_source.h"
#include "batch.h"
#include "commands.h"
#include "handshake.h"
#include "hash.h"
#include "io.h"
#include "json.h"
#include "link.h"
#include "options.h"
#include "process.h"
#include "rebuild.h"
#include "xen.h"

#define PIPE_BYTES (1 << 20)
#define SIGN_OF_LIFE_MS 500
#define SILENCE_S 30u
#define XL_END_MS 120000u
#define HASHES_AT_ONCE 4096u
#define DOMAINS_MAX 1024
#define INCOMING_SUFFIX "--incoming"
#define HASH_FRAMES_MAX (UINT64_C(1) << 28) /* 1 TiB of guest memory */

struct receiver {
	enum link_kind kind;
	int report; /* where JSON lines go: stdout, stderr when stdout is the link */
	struct link *link;
	struct link_hello asked;
	int cancel; /* eventfd: the console wants an end */
	char incoming[160]; /* what xl calls the guest while it arrives; empty: not known */
	uint32_t newest_domid; /* before xl started: a later one is ours */
	atomic_bool stop;

	struct process xl;
	pthread_mutex_t turn; /* guards the two below against each other */
	bool closed_xl;       /* xl's stdin was closed: the copy will be destroyed */
	bool go_ahead;        /* xl was told to start the guest */
	atomic_int status;    /* xl's report, -1: none */
	atomic_int xl_status; /* its exit status, -1: still running */
	uint64_t stream_bytes;

	uint8_t *batch;       /* being assembled; frames are received behind what is there of it */
	size_t batch_length;
	struct rebuilder *rebuilder;
	struct xenstream *stream; /* hashes the pages in stock mode */
	uint64_t *hashes;         /* by frame; 0: had no data */
	uint64_t hash_frames;
};

static void report_instant(struct receiver *receiver, const char *kind)
{
	struct json json;
	json_start(&json, kind);
	json_u64(&json, "ns", clock_ns());
	json_write(&json, receiver->report);
}

/* Ends xl's input, unless the guest may already run here. */
static bool close_xl(struct receiver *receiver)
{
	pthread_mutex_lock(&receiver->turn);
	bool ours = !receiver->go_ahead;
	if (ours && !receiver->closed_xl && receiver->xl.in >= 0) {
		receiver->closed_xl = true;
		/* Another thread may be writing: give it a broken pipe instead of a reused descriptor. */
		int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		dup3(null_fd, receiver->xl.in, O_CLOEXEC);
		close(null_fd);
	}
	pthread_mutex_unlock(&receiver->turn);
	return ours;
}

static bool xl_failed(struct error *err)
{
	return error_set(err, ERR_TARGET_FAILED, "See xl's own lines.", "xl at the target stopped taking the stream: %s",
		strerror(errno));
}

static bool feed_xl(struct receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	receiver->stream_bytes += length;
	return io_write_all(receiver->xl.in, bytes, length) || xl_failed(err);
}

static bool feed_xl_record(struct receiver *receiver, const struct pieces *record, struct error *err)
{
	receiver->stream_bytes += record->length;
	return io_write_pieces(receiver->xl.in, record) || xl_failed(err);
}

static bool grow_hashes(struct receiver *receiver, uint64_t frame)
{
	uint64_t frames = receiver->hash_frames ? receiver->hash_frames : 65536;
	while (frames <= frame)
		frames *= 2;
	uint64_t *hashes = realloc(receiver->hashes, frames * sizeof(*hashes));
	if (!hashes)
		return false;
	memset(hashes + receiver->hash_frames, 0, (frames - receiver->hash_frames) * sizeof(*hashes));
	receiver->hashes = hashes;
	receiver->hash_frames = frames;
	return true;
}

static void note_page(void *context, uint64_t frame, const uint8_t *page)
{
	struct receiver *receiver = context;
	if (!page || frame >= HASH_FRAMES_MAX || (frame >= receiver->hash_frames && !grow_hashes(receiver, frame)))
		return;
	receiver->hashes[frame] = page_hash(page);
}

static bool note_record(void *context, const struct xen_page_record *record, struct error *err)
{
	const uint8_t *page = record->pages;
	(void)err;
	for (uint32_t i = 0; i < record->count; i++) {
		if (!xen_type_has_data(xen_entry_type(record->entries[i])))
			continue;
		note_page(context, xen_entry_frame(record->entries[i]), page);
		page += PAGE_BYTES;
	}
	return true;
}

static bool take_stream(struct receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	if (receiver->stream && !xenstream_feed(receiver->stream, bytes, length, err))
		return false;
	return feed_xl(receiver, bytes, length, err);
}

/* The frame lies behind the ones before it already. */
static bool take_batch(struct receiver *receiver, size_t length, bool last, struct error *err)
{
	if (!receiver->rebuilder || receiver->batch_length + length > BATCH_MAX)
		return error_set(err, ERR_STREAM, "", "a batch is larger than the format allows, or was not announced");
	receiver->batch_length += length;
	if (!last)
		return true;
	bool verify = receiver->asked.flags & LINK_FLAG_VERIFY;
	const struct pieces *record = rebuild_batch(receiver->rebuilder, receiver->batch, receiver->batch_length,
		verify ? note_page : NULL, receiver, err);
	receiver->batch_length = 0;
	return record && feed_xl_record(receiver, record, err);
}

static bool take_go_ahead(struct receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	if (length != HANDSHAKE_GO_AHEAD_BYTES || memcmp(bytes, HANDSHAKE_GO_AHEAD, length) != 0)
		return error_set(err, ERR_STREAM, "", "that is not xl's go-ahead");
	pthread_mutex_lock(&receiver->turn);
	bool ok = !receiver->closed_xl;
	receiver->go_ahead = ok;
	pthread_mutex_unlock(&receiver->turn);
	if (!ok)
		return false;
	report_instant(receiver, "goAhead");
	return feed_xl(receiver, bytes, length, err);
}

static bool image_ended(struct receiver *receiver, struct error *err)
{
	struct json json;
	json_start(&json, "received");
	json_u64(&json, "ns", clock_ns());
	json_u64(&json, "linkBytes", link_received_bytes(receiver->link));
	json_u64(&json, "streamBytes", receiver->stream_bytes);
	json_write(&json, receiver->report);
	return link_send(receiver->link, LINK_IMAGE_TAKEN, "", 0, err);
}

static bool answer_hashes(struct receiver *receiver, const uint8_t *bytes, size_t length, struct error *err)
{
	uint64_t wanted[2], answer[1 + HASHES_AT_ONCE];
	if (length != sizeof(wanted))
		return error_set(err, ERR_LINK, "", "a request of the wrong size");
	memcpy(wanted, bytes, sizeof(wanted));
	if (wanted[1] > HASHES_AT_ONCE || wanted[0] > HASH_FRAMES_MAX)
		return error_set(err, ERR_LINK, "", "too many hashes at once");
	answer[0] = wanted[0];
	for (uint64_t i = 0; i < wanted[1]; i++)
		answer[1 + i] = wanted[0] + i < receiver->hash_frames ? receiver->hashes[wanted[0] + i] : 0;
	return link_send(receiver->link, LINK_HASHES, answer, (1 + wanted[1]) * 8, err);
}

static bool take_frame(struct receiver *receiver, enum link_type type, const uint8_t *bytes, size_t length,
	struct error *err)
{
	uint64_t number = 0;
	switch (type) {
	case LINK_STREAM:
		return take_stream(receiver, bytes, length, err);
	case LINK_BATCH_PART:
	case LINK_BATCH_END:
		return take_batch(receiver, length, type == LINK_BATCH_END, err);
	case LINK_IMAGE_END:
		return image_ended(receiver, err);
	case LINK_GO_AHEAD:
		return take_go_ahead(receiver, bytes, length, err);
	case LINK_PING:
		memcpy(&number, bytes, length == sizeof(number) ? sizeof(number) : 0);
		return !number || link_send(receiver->link, LINK_PONG, &number, sizeof(number), err);
	case LINK_HASHES_WANTED:
		return answer_hashes(receiver, bytes, length, err);
	default:
		return error_set(err, ERR_LINK, "", "the source sent a frame of unknown type %d", (int)type);
	}
}

/* Until the source closes its side or something breaks. */
static void take_all(struct receiver *receiver, struct error *err)
{
	enum link_type type;
	size_t length;
	for (;;) {
		uint8_t *bytes = receiver->batch + receiver->batch_length;
		if (link_receive(receiver->link, &type, bytes, &length, err) != 1 || !take_frame(receiver, type, bytes, length, err))
			break;
	}
	close_xl(receiver);
}

static void *back(void *context)
{
	struct receiver *receiver = context;
	struct handshake handshake = {0};
	uint8_t bytes[4096];
	ssize_t n;
	while ((n = read(receiver->xl.out, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t taken = 0; taken < n;) {
			enum handshake_event event;
			taken += (ssize_t)handshake_take(&handshake, bytes + taken, (size_t)(n - taken), &event);
			if (event == HANDSHAKE_REPORTED)
				atomic_store(&receiver->status, handshake.status);
			if (event == HANDSHAKE_WRONG)
				break;
		}
		if (n > 0)
			link_send(receiver->link, LINK_BACK, bytes, (size_t)n, NULL);
	}
	/* xl may end while nothing flows: the source must hear of it. */
	atomic_store(&receiver->xl_status, process_wait(&receiver->xl, XL_END_MS));
	uint32_t ended = (uint32_t)atomic_load(&receiver->xl_status);
	link_send(receiver->link, LINK_XL_ENDED, &ended, sizeof(ended), NULL);
	return NULL;
}

static void *lines(void *context)
{
	struct receiver *receiver = context;
	relay_lines(receiver->xl.err, receiver->report);
	return NULL;
}

static void *control(void *context)
{
	struct receiver *receiver = context;
	bool listening = true;
	const uint64_t no_number = 0;
	while (!atomic_load(&receiver->stop)) {
		struct pollfd cancel = {.fd = listening ? receiver->cancel : -1, .events = POLLIN};
		if (poll(&cancel, 1, SIGN_OF_LIFE_MS) > 0) {
			listening = false;
			if (close_xl(receiver))
				link_break(receiver->link);
		}
		link_try_send(receiver->link, LINK_PING, &no_number, sizeof(no_number));
	}
	return NULL;
}

/* The domid of the unfinished copy that our xl made, 0 if there is none. *newest: the highest domid on this host. */
static uint32_t find_copy(const struct receiver *receiver, uint32_t *newest)
{
	struct xen *xen = xen_open(NULL);
	struct xen_domain *domains = calloc(DOMAINS_MAX, sizeof(*domains));
	int count = xen && domains ? xen_domains(xen, domains, DOMAINS_MAX, NULL) : 0;
	uint32_t copy = 0;
	*newest = 0;
	for (int i = 0; i < count; i++) {
		*newest = domains[i].domid > *newest ? domains[i].domid : *newest;
		if (domains[i].domid > receiver->newest_domid && receiver->incoming[0]
			&& strcmp(domains[i].name, receiver->incoming) == 0)
			copy = domains[i].domid;
	}
	free(domains);
	if (xen)
		xen_close(xen);
	return copy;
}

static bool prepare(struct receiver *receiver, struct error *err)
{
	static const struct xenstream_handler hasher = {.page_data = note_record};
	bool me2 = receiver->asked.flags & LINK_FLAG_ME2;
	receiver->batch = malloc((me2 ? BATCH_MAX : 0) + LINK_FRAME_MAX);
	if (me2)
		receiver->rebuilder = rebuilder_new(receiver->asked.cache_pages, receiver->asked.flags & LINK_FLAG_SCRUB);
	else if (receiver->asked.flags & LINK_FLAG_VERIFY)
		receiver->stream = xenstream_new(XENSTREAM_PAGES, &hasher, receiver);
	if (!receiver->batch || (me2 && !receiver->rebuilder))
		return error_set(err, ERR_SYSTEM, "Choose a smaller cache.", "not enough memory here for %u kept pages",
			receiver->asked.cache_pages);
	find_copy(receiver, &receiver->newest_domid);
	char *argv[] = {"xl", "migrate-receive", NULL};
	if (!process_start(&receiver->xl, argv, PROCESS_PIPE_IN | PROCESS_PIPE_OUT | PROCESS_PIPE_ERR, err))
		return false;
	fcntl(receiver->xl.in, F_SETPIPE_SZ, PIPE_BYTES);
	return true;
}

/* xl destroys its copy when it fails, but not when it crashes (4.17 does on a damaged libxl header). */
static bool copy_is_gone(const struct receiver *receiver, struct error *err)
{
	uint32_t newest, copy = find_copy(receiver, &newest);
	return !copy || error_set(err, ERR_TARGET_FAILED, "It never ran; remove it with xl destroy on the target once the guest runs elsewhere.",
		"xl at the target left an unfinished copy behind: %s, domain %u", receiver->incoming, copy);
}

static const char *outcome(const struct receiver *receiver, struct error *err)
{
	if (!receiver->go_ahead)
		return atomic_load(&receiver->xl_status) < 0 || !copy_is_gone(receiver, err) ? "failed" : "destroyed";
	int status = atomic_load(&receiver->status);
	return status == 0 ? "running" : status > 0 ? "destroyed" : "failed";
}

static void report_done(struct receiver *receiver, const struct error *err)
{
	struct json json;
	struct error left_behind = {0};
	const char *how = outcome(receiver, &left_behind);
	if (err->code)
		json_write_error(err, receiver->report);
	if (left_behind.code)
		json_write_error(&left_behind, receiver->report);
	json_start(&json, "done");
	json_string(&json, "outcome", how);
	json_i64(&json, "xlExit", atomic_load(&receiver->xl_status));
	json_cpu(&json, process_cpu_ns(), children_cpu_ns());
	json_u64(&json, "linkBytes", link_received_bytes(receiver->link));
	json_u64(&json, "streamBytes", receiver->stream_bytes);
	json_write(&json, receiver->report);
}

static int receive_guest(struct receiver *receiver, struct error *err)
{
	pthread_t threads[3];
	if (!prepare(receiver, err))
		return 1;
	link_set_silence(receiver->link, SILENCE_S);
	pthread_create(&threads[0], NULL, back, receiver);
	pthread_create(&threads[1], NULL, lines, receiver);
	pthread_create(&threads[2], NULL, control, receiver);
	take_all(receiver, err);
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += XL_END_MS / 1000;
	if (pthread_timedjoin_np(threads[0], NULL, &deadline) == 0)
		pthread_timedjoin_np(threads[1], NULL, &deadline);
	atomic_store(&receiver->stop, true);
	pthread_join(threads[2], NULL);
	link_shut_sending(receiver->link);
	report_done(receiver, err);
	return receiver->go_ahead && atomic_load(&receiver->status) == 0 ? 0 : 1;
}

/* `--measure`: count what comes, say when it was all there. */
static int measure(struct receiver *receiver, struct error *err)
{
	uint8_t *bytes = malloc(LINK_FRAME_MAX);
	enum link_type type;
	size_t length;
	while (bytes && link_receive(receiver->link, &type, bytes, &length, err) == 1 && type == LINK_STREAM)
		receiver->stream_bytes += length;
	free(bytes);
	if (err->code || type != LINK_IMAGE_END || !image_ended(receiver, err))
		return 1;
	link_shut_sending(receiver->link);
	return 0;
}

static struct link *take_link(struct receiver *receiver, const struct source_wait *wait, struct error *err)
{
	if (receiver->kind == LINK_STDIO)
		return link_accept_fds(dup(STDIN_FILENO), dup(STDOUT_FILENO), &receiver->asked, err);
	return await_source(wait, &receiver->asked, err);
}

int cmd_receive(int argc, char **argv)
{
	static const char *const kinds[] = {"sealed", "plain", "stdio", NULL};
	char ip[64] = "0.0.0.0", guest[128] = "";
	uint64_t port = 0, wait_s = 60;
	bool measuring = false;
	int kind = LINK_SEALED;
	struct option options[] = {
		{.name = "--link", .kind = OPTION_CHOICE, .value = &kind, .choices = kinds},
		{.name = "--bind", .kind = OPTION_TEXT, .value = ip, .maximum = sizeof(ip)},
		{.name = "--port", .kind = OPTION_NUMBER, .value = &port, .maximum = 65535},
		{.name = "--wait", .kind = OPTION_NUMBER, .value = &wait_s, .minimum = 1, .maximum = 604800},
		{.name = "--guest", .kind = OPTION_TEXT, .value = guest, .maximum = sizeof(guest)},
		{.name = "--measure", .kind = OPTION_FLAG, .value = &measuring, .flag_value = true},
	};
	struct error err = {0};
	static struct receiver receiver = {.turn = PTHREAD_MUTEX_INITIALIZER, .status = -1, .xl_status = -1};
	receiver.report = STDOUT_FILENO;
	receiver.cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	int result = 1;
	if (!options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv, NULL, 0, NULL, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	receiver.kind = (enum link_kind)kind;
	if (*guest)
		snprintf(receiver.incoming, sizeof(receiver.incoming), "%s" INCOMING_SUFFIX, guest);
	if (kind == LINK_STDIO)
		receiver.report = STDERR_FILENO;
	const struct source_wait wait = {.kind = receiver.kind, .ip = ip, .port = (uint16_t)port, .wait_s = wait_s,
		.cancel = receiver.cancel};
	receiver.link = take_link(&receiver, &wait, &err);
	bool asked = receiver.asked.flags & LINK_FLAG_MEASURE;
	if (receiver.link && asked != measuring)
		error_set(&err, ERR_LINK, "", "one end measures the link, the other migrates");
	else if (receiver.link)
		result = measuring ? measure(&receiver, &err) : receive_guest(&receiver, &err);
	if (err.code && (measuring || receiver.xl.pid <= 0))
		json_write_error(&err, receiver.report);
	link_close(receiver.link);
	return result;
}
