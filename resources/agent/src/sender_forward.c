/* sender_forward.c - the forward channel of `send`: xl's stream → classify, encode → link. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handshake.h"
#include "hash.h"
#include "io.h"
#include "json.h"
#include "sender.h"

#define CHUNK_BYTES 262144u

static bool flush(struct sender *sender, struct error *err)
{
	size_t length = sender->pending_length;
	sender->pending_length = 0;
	return !length || link_send(sender->link, LINK_STREAM, sender->pending, length, err);
}

/* Whole frames go as they lie there, the rest is gathered. */
static bool forward_bytes(struct sender *sender, const uint8_t *bytes, size_t length, struct error *err)
{
	while (length) {
		if (!sender->pending_length && length >= LINK_FRAME_MAX) {
			if (!link_send(sender->link, LINK_STREAM, bytes, LINK_FRAME_MAX, err))
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
		if (sender->pending_length == LINK_FRAME_MAX && !flush(sender, err))
			return false;
	}
	return true;
}

static bool send_batch(struct sender *sender, struct error *err)
{
	size_t length;
	const uint8_t *bytes = batch_finish(sender->batch, &length);
	if (!flush(sender, err))
		return false;
	while (length > LINK_FRAME_MAX) {
		if (!link_send(sender->link, LINK_BATCH_PART, bytes, LINK_FRAME_MAX, err))
			return false;
		bytes += LINK_FRAME_MAX;
		length -= LINK_FRAME_MAX;
	}
	return link_send(sender->link, LINK_BATCH_END, bytes, length, err);
}

static void mark_left_out(struct sender *sender, uint64_t frame, bool left_out)
{
	if (frame >= sender->left_out_frames)
		return;
	uint64_t bit = UINT64_C(1) << (frame % 64);
	if (left_out)
		sender->left_out[frame / 64] |= bit;
	else
		sender->left_out[frame / 64] &= ~bit;
}

static void add_counts(struct sender *sender, const struct batch_counts *counts)
{
	struct batch_counts *round = &sender->round_counts;
	round->pages += counts->pages;
	round->left_out += counts->left_out;
	round->constant += counts->constant;
	round->encoded += counts->encoded;
	round->raw += counts->raw;
	atomic_fetch_add(&sender->pages, counts->pages);
	atomic_fetch_add(&sender->left_out_pages, counts->left_out);
	atomic_fetch_add(&sender->constant, counts->constant);
	atomic_fetch_add(&sender->encoded, counts->encoded);
	atomic_fetch_add(&sender->raw, counts->raw);
}

static bool guest_is_suspended(struct sender *sender)
{
	struct xen_domain domain;
	return xen_domain_info(sender->xen, sender->job->domid, &domain, NULL) && domain.state == XEN_SUSPENDED;
}

static void open_round(struct sender *sender)
{
	sender->round_open = true;
	sender->round_is_final = guest_is_suspended(sender);
	sender->round_counts = (struct batch_counts){0};
	sender->round_started_ns = clock_ns();
	sender->round_link_bytes = link_sent_bytes(sender->link);
	sender->round_stream_bytes = atomic_load(&sender->job->stream_bytes);
}

static void close_round(struct sender *sender, bool final)
{
	if (!sender->round_open)
		return;
	sender->round_open = false;
	const struct batch_counts *counts = &sender->round_counts;
	atomic_store(&sender->last_round_pages, counts->pages);
	struct json json;
	json_start(&json, "round");
	json_u64(&json, "round", sender->rounds.round);
	json_u64(&json, "pages", counts->pages);
	json_u64(&json, "leftOut", counts->left_out);
	json_u64(&json, "constant", counts->constant);
	json_u64(&json, "encoded", counts->encoded);
	json_u64(&json, "raw", counts->raw);
	json_u64(&json, "streamBytes", atomic_load(&sender->job->stream_bytes) - sender->round_stream_bytes);
	json_u64(&json, "linkBytes", link_sent_bytes(sender->link) - sender->round_link_bytes);
	json_ms(&json, "ms", clock_ns() - sender->round_started_ns);
	json_bool(&json, "final", final);
	json_write(&json, sender->lines);
}

static void note_round(struct sender *sender, const struct xen_page_record *record)
{
	struct round_tracker next = sender->rounds;
	bool starts = round_tracker_next(&next, record);
	if (starts)
		close_round(sender, false); /* reports under its own number */
	sender->rounds = next;
	atomic_store(&sender->round, next.round);
	if (!sender->round_open)
		open_round(sender);
}

/* For sender_verify: what a page that the guest cannot have written since held when it was sent. */
static void keep_final_hash(struct sender *sender, uint64_t frame, const uint8_t *page)
{
	if (sender->round_is_final && sender->final_hash && frame < guest_frames(sender->guest))
		sender->final_hash[frame] = page_hash(page);
}

/* As keep_final_hash, from the guest's own memory: stock mode passes pages on without looking at them. */
static void keep_final_hashes(struct sender *sender, const struct xen_page_record *record)
{
	for (uint32_t i = 0; i < record->count && sender->round_is_final && sender->final_hash; i++) {
		uint64_t frame = xen_entry_frame(record->entries[i]);
		const uint8_t *page = xen_type_has_data(xen_entry_type(record->entries[i])) ? guest_map(sender->guest, &frame, 1, NULL) : NULL;
		if (!page)
			continue;
		keep_final_hash(sender, frame, page);
		guest_unmap(sender->guest, page, 1);
	}
}

/* Stock mode: the bytes go as they are, here they are only counted. */
static bool count_page_data(void *context, const struct xen_page_record *record, struct error *err)
{
	struct sender *sender = context;
	(void)err;
	note_round(sender, record);
	keep_final_hashes(sender, record);
	struct batch_counts counts = {.pages = record->data_pages, .raw = record->data_pages};
	add_counts(sender, &counts);
	return true;
}

/* me2: each page is looked at now, after libxc read it and cleaned its dirty bit (agent.md, "why that is safe"). */
static bool encode_page_data(void *context, const struct xen_page_record *record, struct error *err)
{
	struct sender *sender = context;
	const uint8_t *page = record->pages;
	note_round(sender, record);
	batch_start(sender->batch);
	for (uint32_t i = 0; i < record->count; i++) {
		uint64_t frame = xen_entry_frame(record->entries[i]);
		uint8_t type = xen_entry_type(record->entries[i]);
		bool has_data = xen_type_has_data(type);
		bool free_now = type == XEN_TYPE_NORMAL && frame < sender->left_out_frames
			&& explorer_is_free(sender->explorer, frame);
		enum page_fate fate = batch_append(sender->batch, frame, type, has_data ? page : NULL, free_now);
		if (has_data) {
			keep_final_hash(sender, frame, page);
			mark_left_out(sender, frame, fate == FATE_LEFT_OUT);
			page += PAGE_BYTES;
		}
	}
	add_counts(sender, batch_counts(sender->batch));
	return send_batch(sender, err);
}

static bool sweep_frame(struct sender *sender, uint64_t frame, struct error *err)
{
	const uint8_t *page = guest_map(sender->guest, &frame, 1, NULL);
	if (!page)
		return error_set(err, ERR_SYSTEM, "", "page frame %llu was left out, is in use now, and cannot be read",
			(unsigned long long)frame);
	batch_append(sender->batch, frame, XEN_TYPE_NORMAL, page, false);
	guest_unmap(sender->guest, page, 1);
	mark_left_out(sender, frame, false);
	return batch_entries(sender->batch) < BATCH_ENTRIES_MAX
		|| (send_batch(sender, err) && (batch_start(sender->batch), true));
}

/* The final sweep: whatever was left out and is no longer free at the suspension goes now. All of it, should the kernel not
 * be the one that was explored any more. */
static bool sweep(struct sender *sender, struct error *err)
{
	uint64_t still_out = 0, resent = 0;
	bool understood = explorer_refresh(sender->explorer);
	batch_start(sender->batch);
	for (uint64_t word = 0; word <= sender->left_out_frames / 64; word++) {
		for (uint64_t bits = sender->left_out[word]; bits; bits &= bits - 1) {
			uint64_t frame = word * 64 + (uint64_t)__builtin_ctzll(bits);
			if (understood && explorer_is_free(sender->explorer, frame)) {
				still_out++;
				continue;
			}
			resent++;
			if (!sweep_frame(sender, frame, err))
				return false;
		}
	}
	if (batch_entries(sender->batch) && !send_batch(sender, err))
		return false;
	struct json json;
	json_start(&json, "swept");
	json_u64(&json, "leftOut", still_out);
	json_u64(&json, "resent", resent);
	json_write(&json, sender->lines);
	return true;
}

static bool before_record(void *context, uint32_t type, uint32_t length, struct error *err)
{
	struct sender *sender = context;
	(void)length;
	bool after_pages = sender->round_open && type != XEN_RECORD_PAGE_DATA;
	if (!after_pages || sender->swept || !guest_is_suspended(sender))
		return true;
	close_round(sender, true);
	sender->swept = true;
	return !sender->explorer || sweep(sender, err);
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
static ssize_t read_stream(struct sender *sender, uint8_t *chunk)
{
	for (;;) {
		struct pollfd waits[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = sender->wake, .events = POLLIN}};
		if (poll(waits, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (waits[1].revents)
			return -1;
		ssize_t n = waits[0].revents ? read(STDIN_FILENO, chunk, CHUNK_BYTES) : -1;
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
	return link_send(sender->link, LINK_IMAGE_END, "", 0, err);
}

static bool forward_all(struct sender *sender, uint8_t *chunk, struct error *err)
{
	ssize_t n;
	while ((n = read_stream(sender, chunk)) > 0) {
		atomic_fetch_add(&sender->job->stream_bytes, (uint64_t)n);
		if (!xenstream_feed(sender->stream, chunk, (size_t)n, err) || !flush(sender, err)
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
		.record = before_record,
		.page_data = stock ? count_page_data : encode_page_data,
	};
	uint8_t *chunk = malloc(CHUNK_BYTES);
	sender->pending = malloc(LINK_FRAME_MAX);
	sender->batch = batch_new((enum page_encoder)sender->job->encoder);
	sender->stream = xenstream_new(stock ? XENSTREAM_ENTRIES : XENSTREAM_PAGES, &handler, sender);
	if (!chunk || !sender->pending || !sender->batch || !sender->stream)
		error_set(&err, ERR_SYSTEM, "", "out of memory");
	else
		forward_all(sender, chunk, &err);
	if (err.code)
		sender_abort(sender, &err);
	link_shut_sending(sender->link);
	xenstream_free(sender->stream);
	batch_free(sender->batch);
	free(sender->pending);
	free(chunk);
}
