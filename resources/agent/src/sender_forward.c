/* sender_forward.c - the forward channel of `send`: xl's stream → link, and xl's part of the handshake. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handshake.h"
#include "io.h"
#include "json.h"
#include "sender.h"

#define CHUNK_BYTES 1048576u /* all that the pipe from xl holds: each turn of reader and writer costs a switch */
#define SHORT_CHUNK_BYTES 65536u /* … where pages are read to where they are used, and this is for what is between them */

bool sender_put(struct sender *sender, enum link_type type, const struct pieces *content, struct error *err)
{
	if (!sender->outbox)
		return link_send_pieces(sender->link, type, content, err);
	bool one_thread = sender->sample && encoder_choice_one_thread(&sender->choice);
	return (one_thread ? outbox_pass : outbox_put)(sender->outbox, type, content, err);
}

static bool put_bytes(struct sender *sender, enum link_type type, const void *bytes, size_t length, struct error *err)
{
	struct iovec place;
	struct pieces content = pieces_of(&place, bytes, length);
	return sender_put(sender, type, &content, err);
}

uint64_t sender_link_bytes(const struct sender *sender)
{
	return sender->outbox ? outbox_meter(sender->outbox).wire_bytes : link_sent_bytes(sender->link);
}

bool sender_flush(struct sender *sender, struct error *err)
{
	size_t length = sender->pending_length;
	sender->pending_length = 0;
	return !length || put_bytes(sender, LINK_STREAM, sender->pending, length, err);
}

/* Whole frames go as they lie there, the rest is gathered. */
static bool forward_bytes(struct sender *sender, const uint8_t *bytes, size_t length, struct error *err)
{
	while (length) {
		if (!sender->pending_length && length >= LINK_FRAME_MAX) {
			if (!put_bytes(sender, LINK_STREAM, bytes, LINK_FRAME_MAX, err))
				return false;
			bytes += LINK_FRAME_MAX;
			length -= LINK_FRAME_MAX;
			continue;
		}
		size_t room = LINK_FRAME_MAX - sender->pending_length, part = length < room ? length : room;
		memcpy(sender->pending + sender->pending_length, bytes, part);
		sender->pending_length += part;
		bytes += part;
		length -= part;
		if (sender->pending_length == LINK_FRAME_MAX && !sender_flush(sender, err))
			return false;
	}
	return true;
}

/* Handshake bytes from xl: its go-ahead. It is the point of no return, so the target must show that it lives first. */
static bool target_lives(struct sender *sender, struct error *err)
{
	const uint64_t number = 1;
	uint64_t deadline = clock_ns() + sender->job->stall_s * 1000000000u;
	if (!link_send(sender->link, LINK_PING, &number, sizeof(number), err))
		return false;
	while (atomic_load(&sender->pong) != number) {
		if (sender_is_aborting(sender))
			return false;
		if (clock_ns() > deadline)
			return error_set(err, ERR_LINK_STALLED, "The guest goes on at the source. Look at the target host.",
				"the target did not answer before the go-ahead");
		usleep(1000);
	}
	return true;
}

static bool give_go_ahead(struct sender *sender, struct error *err)
{
	if (!target_lives(sender, err))
		return false;
	pthread_mutex_lock(&sender->turn);
	bool mine = !sender->aborting;
	sender->go_ahead_given = mine;
	pthread_mutex_unlock(&sender->turn);
	if (!mine)
		return false;
	atomic_store(&sender->job->go_ahead_ns, clock_ns());
	struct json json;
	json_start(&json, "goAhead");
	json_u64(&json, "ns", atomic_load(&sender->job->go_ahead_ns));
	json_write(&json, sender->lines);
	return link_send(sender->link, LINK_GO_AHEAD, sender->go_ahead, sender->go_ahead_length, err);
}

static bool take_handshake(struct sender *sender, const uint8_t *bytes, size_t length, struct error *err)
{
	if (sender->go_ahead_length + length > HANDSHAKE_GO_AHEAD_BYTES)
		return error_set(err, ERR_STREAM, "", "xl said more than its go-ahead after the image");
	memcpy(sender->go_ahead + sender->go_ahead_length, bytes, length);
	sender->go_ahead_length += length;
	if (sender->go_ahead_length < HANDSHAKE_GO_AHEAD_BYTES)
		return true;
	if (memcmp(sender->go_ahead, HANDSHAKE_GO_AHEAD, HANDSHAKE_GO_AHEAD_BYTES) != 0)
		return error_set(err, ERR_STREAM, "", "xl did not give the go-ahead that was expected");
	return give_go_ahead(sender, err);
}

static bool on_bytes(void *context, const uint8_t *bytes, size_t length, struct error *err)
{
	struct sender *sender = context;
	if (sender->image_announced)
		return take_handshake(sender, bytes, length, err);
	return forward_bytes(sender, bytes, length, err);
}

/* Reads what xl has for us: > 0 bytes, 0 end, -1 aborting. */
static ssize_t read_stream(struct sender *sender, uint8_t *to, size_t room)
{
	for (;;) {
		struct pollfd waits[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = sender->wake, .events = POLLIN}};
		if (poll(waits, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (waits[1].revents)
			return -1;
		ssize_t n = waits[0].revents ? read(STDIN_FILENO, to, room) : -1;
		if (n >= 0)
			return n;
	}
}

static bool image_ended(struct sender *sender, struct error *err)
{
	if (sender->image_announced || xenstream_phase(sender->stream) != XENSTREAM_AFTER)
		return true;
	if (sender->explorer && !sender->swept)
		return error_set(err, ERR_GUEST_STATE, "The guest goes on at the source; look at its console.",
			"the image ended, but the guest was not seen suspended");
	sender->image_announced = true; /* xl says no more until it has heard "ready" */
	atomic_store(&sender->phase, PHASE_HANDSHAKE);
	return put_bytes(sender, LINK_IMAGE_END, "", 0, err) && (!sender->outbox || outbox_drain(sender->outbox, err));
}

/* The next bytes from xl: read to where they are used if that is known, to `chunk` otherwise. `*from` is where they are. */
static ssize_t read_next(struct sender *sender, uint8_t *chunk, const uint8_t **from)
{
	size_t room = sender->outbox ? SHORT_CHUNK_BYTES : CHUNK_BYTES;
	xenstream_set_part(sender->stream, sender_part_pages(sender));
	uint8_t *space = xenstream_space(sender->stream, &room), *to = space ? space : chunk;
	*from = to;
	return read_stream(sender, to, room);
}

static bool forward_all(struct sender *sender, uint8_t *chunk, struct error *err)
{
	const uint8_t *bytes;
	ssize_t n;
	while ((n = read_next(sender, chunk, &bytes)) > 0) {
		atomic_fetch_add(&sender->job->stream_bytes, (uint64_t)n);
		if (!xenstream_feed(sender->stream, bytes, (size_t)n, err) || !sender_flush(sender, err)
			|| !image_ended(sender, err))
			return false;
	}
	/* xl ends its side once it has the target's report, or when it failed (a guest that did not suspend, for one). */
	return n < 0 || sender->go_ahead_length || error_set(err, ERR_XL_FAILED,
		"See xl's own lines above; the guest goes on at the source.", "xl ended the stream before the guest was handed over");
}

void sender_forward(struct sender *sender)
{
	struct error err = {0};
	bool stock = sender->job->mode == MODE_STOCK;
	struct xenstream_handler handler = {
		.bytes = on_bytes,
		.record = sender_before_record,
		.page_data = stock ? sender_count_page_data : sender_encode_page_data,
	};
	uint8_t *chunk = malloc(CHUNK_BYTES);
	sender->pending = malloc(LINK_FRAME_MAX);
	sender->stream = xenstream_new(stock ? XENSTREAM_ENTRIES : XENSTREAM_PAGES, &handler, sender);
	if (!chunk || !sender->pending || !sender->stream || !(stock || sender_prepare_encoding(sender)))
		error_set(&err, ERR_SYSTEM, "", "out of memory");
	else
		forward_all(sender, chunk, &err);
	if (err.code)
		sender_abort(sender, &err);
	link_shut_sending(sender->link);
	outbox_free(sender->outbox);
	sender->outbox = NULL;
	xenstream_free(sender->stream);
	batch_free(sender->batch);
	free(sender->sample);
	free(sender->swept_pages);
	free(sender->pending);
	free(chunk);
}
