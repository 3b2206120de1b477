#include "outbox.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

#define FRAMES (2 * OUTBOX_BYTES_MAX / LINK_FRAME_MAX)

struct frame {
	enum link_type type;
	size_t length;
	uint8_t bytes[LINK_FRAME_MAX];
};

struct outbox {
	struct link *link;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* guarded by `lock`; a waiting frame's content is its owner's alone */
	unsigned first, count; /* waiting frames, the one that is being sent included */
	size_t waiting_bytes, limit;
	bool stop;
	struct error error;
	struct outbox_meter meter;
	struct frame frames[FRAMES];
};

/* Sends a frame; the lock is held before and after, not meanwhile. */
static void send_frame(struct outbox *outbox, enum link_type type, const struct pieces *content)
{
	struct error err = {0};
	pthread_mutex_unlock(&outbox->lock);
	uint64_t began = clock_ns(), cpu = thread_cpu_ns();
	link_send_pieces(outbox->link, type, content, &err);
	uint64_t busy_ns = clock_ns() - began, cpu_ns = thread_cpu_ns() - cpu;
	pthread_mutex_lock(&outbox->lock);
	outbox->meter.sent_bytes += err.code ? 0 : link_wire_bytes(outbox->link, content->length);
	outbox->meter.busy_ns += busy_ns;
	outbox->meter.cpu_ns += cpu_ns;
	if (err.code && !outbox->error.code)
		outbox->error = err;
}

/* The lock is held. */
static void send_first(struct outbox *outbox)
{
	struct frame *frame = &outbox->frames[outbox->first];
	struct iovec place;
	struct pieces content = pieces_of(&place, frame->bytes, frame->length);
	send_frame(outbox, frame->type, &content);
	outbox->first = (outbox->first + 1) % FRAMES;
	outbox->count--;
	outbox->waiting_bytes -= frame->length;
	pthread_cond_broadcast(&outbox->changed);
}

static void *send_all(void *context)
{
	struct outbox *outbox = context;
	pthread_mutex_lock(&outbox->lock);
	while (!outbox->stop && !outbox->error.code) {
		if (outbox->count)
			send_first(outbox);
		else
			pthread_cond_wait(&outbox->changed, &outbox->lock);
	}
	pthread_mutex_unlock(&outbox->lock);
	return NULL;
}

struct outbox *outbox_new(struct link *link)
{
	struct outbox *outbox = malloc(sizeof(*outbox));
	if (!outbox)
		return NULL;
	memset(outbox, 0, offsetof(struct outbox, frames));
	outbox->link = link;
	outbox->limit = OUTBOX_BYTES_MAX;
	pthread_mutex_init(&outbox->lock, NULL);
	pthread_cond_init(&outbox->changed, NULL);
	if (pthread_create(&outbox->thread, NULL, send_all, outbox) == 0)
		return outbox;
	free(outbox);
	return NULL;
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	pthread_mutex_lock(&outbox->lock);
	outbox->stop = true;
	pthread_cond_broadcast(&outbox->changed);
	pthread_mutex_unlock(&outbox->lock);
	pthread_join(outbox->thread, NULL);
	pthread_cond_destroy(&outbox->changed);
	pthread_mutex_destroy(&outbox->lock);
	free(outbox);
}

void outbox_set_limit(struct outbox *outbox, size_t bytes)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->limit = bytes < OUTBOX_BYTES_MAX ? bytes : OUTBOX_BYTES_MAX;
	pthread_mutex_unlock(&outbox->lock);
}

/* The lock is held. */
static bool is_full(const struct outbox *outbox, size_t length)
{
	return outbox->count == FRAMES || (outbox->count && outbox->waiting_bytes + length > outbox->limit);
}

static bool passed(const struct outbox *outbox, struct error *err)
{
	if (outbox->error.code && err && !err->code)
		*err = outbox->error;
	return !outbox->error.code;
}

bool outbox_put(struct outbox *outbox, enum link_type type, const struct pieces *content, struct error *err)
{
	size_t length = content->length;
	pthread_mutex_lock(&outbox->lock);
	uint64_t began = clock_ns();
	while (is_full(outbox, length) && !outbox->error.code)
		pthread_cond_wait(&outbox->changed, &outbox->lock);
	outbox->meter.blocked_ns += clock_ns() - began;
	if (!outbox->error.code) {
		struct frame *frame = &outbox->frames[(outbox->first + outbox->count) % FRAMES];
		frame->type = type;
		frame->length = length;
		pieces_copy(content, frame->bytes);
		outbox->count++;
		outbox->waiting_bytes += length;
		outbox->meter.wire_bytes += link_wire_bytes(outbox->link, length);
		pthread_cond_broadcast(&outbox->changed);
	}
	bool ok = passed(outbox, err);
	pthread_mutex_unlock(&outbox->lock);
	return ok;
}

/* The lock is held. */
static void wait_until_empty(struct outbox *outbox)
{
	uint64_t began = clock_ns();
	while (outbox->count && !outbox->error.code)
		pthread_cond_wait(&outbox->changed, &outbox->lock);
	outbox->meter.blocked_ns += clock_ns() - began;
}

bool outbox_pass(struct outbox *outbox, enum link_type type, const struct pieces *content, struct error *err)
{
	pthread_mutex_lock(&outbox->lock);
	wait_until_empty(outbox);
	outbox->meter.wire_bytes += outbox->error.code ? 0 : link_wire_bytes(outbox->link, content->length);
	if (!outbox->error.code)
		send_frame(outbox, type, content);
	bool ok = passed(outbox, err);
	pthread_mutex_unlock(&outbox->lock);
	return ok;
}

bool outbox_drain(struct outbox *outbox, struct error *err)
{
	pthread_mutex_lock(&outbox->lock);
	wait_until_empty(outbox);
	bool ok = passed(outbox, err);
	pthread_mutex_unlock(&outbox->lock);
	return ok;
}

struct outbox_meter outbox_meter(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	struct outbox_meter meter = outbox->meter;
	pthread_mutex_unlock(&outbox->lock);
	return meter;
}
