/* outbox_test.c - if these fail, frames reach the target out of order or not at all, or a broken link hangs a migration. */
#include "outbox.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "io.h"
#include "le.h"
#include "link_pair.h"
#include "pages.h"

#define SOCKET_BYTES 32768
#define FRAMES 400u

static struct random rng = { .state = 3 };
static const struct link_hello hello = {0};

struct reader {
	struct link *link;
	uint32_t frames, wrong;
	uint64_t bytes;
	int end; /* of the last link_receive() */
};

/* Frames say their number, and have the size and the bytes that belong to it. */
static size_t size_of(uint32_t number)
{
	struct random sizes = { .state = number };
	return 4 + random_below(&sizes, number % 7 ? 3000 : LINK_FRAME_MAX - 3);
}

static void fill_frame(uint32_t number, uint8_t *frame)
{
	memset(frame, (int)(number & 0xff), size_of(number));
	le32_store(frame, number);
}

static void *read_all(void *context)
{
	struct reader *reader = context;
	static uint8_t got[LINK_FRAME_MAX], expected[LINK_FRAME_MAX];
	enum link_type type;
	size_t length;
	while ((reader->end = link_receive(reader->link, &type, got, &length, NULL)) == 1) {
		fill_frame(reader->frames, expected);
		reader->wrong += type != (reader->frames % 2 ? LINK_BATCH_PART : LINK_STREAM) || length != size_of(reader->frames)
			|| memcmp(got, expected, length) != 0;
		reader->frames++;
		reader->bytes += link_wire_bytes(reader->link, length);
	}
	return NULL;
}

typedef bool way_out(struct outbox *outbox, enum link_type type, const struct pieces *content, struct error *err);

static bool put_by(way_out *way, struct outbox *outbox, uint32_t number, struct error *err)
{
	static uint8_t frame[LINK_FRAME_MAX];
	fill_frame(number, frame);
	size_t length = size_of(number), cut = number % 5 ? length / 3 : 0;
	const struct iovec places[] = {{.iov_base = frame, .iov_len = cut}, {.iov_base = frame + cut, .iov_len = length - cut}};
	const struct pieces content = {.at = places, .count = 2, .length = length};
	bool ok = way(outbox, number % 2 ? LINK_BATCH_PART : LINK_STREAM, &content, err);
	memset(frame, 0, sizeof(frame)); /* it was copied, or is on the wire */
	return ok;
}

static bool put(struct outbox *outbox, uint32_t number, struct error *err)
{
	return put_by(outbox_put, outbox, number, err);
}

static void test_all_arrive_in_order(void)
{
	struct link_pair pair = link_pair_open(&hello, SOCKET_BYTES);
	struct reader reader = {.link = pair.target};
	struct error err = {0};
	pthread_t thread;
	pthread_create(&thread, NULL, read_all, &reader);
	struct outbox *outbox = outbox_new(pair.source);
	uint64_t sent_before = link_sent_bytes(pair.source);
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (i % 100 == 50)
			outbox_set_limit(outbox, random_below(&rng, 2) ? OUTBOX_BYTES_MAX : 1);
		CHECK(put_by(i % 16 < 3 ? outbox_pass : outbox_put, outbox, i, &err), "%s", err.message);
		struct outbox_meter meter = outbox_meter(outbox);
		CHECK(meter.sent_bytes <= meter.wire_bytes && meter.wire_bytes - meter.sent_bytes <= OUTBOX_BYTES_MAX + LINK_FRAME_MAX);
	}
	CHECK(outbox_drain(outbox, &err), "%s", err.message);
	struct outbox_meter meter = outbox_meter(outbox);
	CHECK(meter.wire_bytes == meter.sent_bytes && meter.sent_bytes == link_sent_bytes(pair.source) - sent_before);
	CHECK(meter.busy_ns > 0 && meter.cpu_ns > 0 && meter.cpu_ns <= meter.busy_ns && meter.blocked_ns > 0);
	link_shut_sending(pair.source);
	outbox_free(outbox);
	link_close(pair.source);
	pthread_join(thread, NULL);
	CHECK(reader.frames == FRAMES && reader.wrong == 0 && reader.bytes == meter.sent_bytes && reader.end == 0,
		"%u frames, %u wrong", reader.frames, reader.wrong);
	link_close(pair.target);
}

/* With nobody reading, what waits stays within the limit; put() goes on as soon as there is room. */
struct putter {
	struct outbox *outbox;
	uint32_t frames;
	atomic_uint put;
	bool ok;
	struct error err;
};

static void *put_all(void *context)
{
	struct putter *putter = context;
	putter->ok = true;
	for (uint32_t i = 0; putter->ok && i < putter->frames; i++) {
		putter->ok = put(putter->outbox, i, &putter->err);
		atomic_fetch_add(&putter->put, 1);
	}
	return NULL;
}

/* Until no frame was put for a while: the putter waits. */
static void await_standstill(struct putter *putter)
{
	unsigned before, now = 0, still = 0;
	while (still < 20) {
		before = now;
		usleep(5000);
		now = atomic_load(&putter->put);
		still = now == before ? still + 1 : 0;
	}
}

static void test_the_limit(size_t limit)
{
	struct link_pair pair = link_pair_open(&hello, SOCKET_BYTES);
	struct outbox *outbox = outbox_new(pair.source);
	struct putter putter = {.outbox = outbox, .frames = FRAMES};
	struct reader reader = {.link = pair.target};
	pthread_t putting, reading;
	if (limit)
		outbox_set_limit(outbox, limit);
	pthread_create(&putting, NULL, put_all, &putter);
	await_standstill(&putter);
	struct outbox_meter meter = outbox_meter(outbox);
	size_t most = limit && limit < OUTBOX_BYTES_MAX ? limit : OUTBOX_BYTES_MAX;
	CHECK(atomic_load(&putter.put) < FRAMES, "put() never waited");
	CHECK(meter.wire_bytes - meter.sent_bytes <= most + LINK_FRAME_MAX, "%llu bytes wait",
		(unsigned long long)(meter.wire_bytes - meter.sent_bytes));
	pthread_create(&reading, NULL, read_all, &reader);
	pthread_join(putting, NULL);
	CHECK(putter.ok && outbox_drain(outbox, NULL));
	link_shut_sending(pair.source);
	outbox_free(outbox);
	link_close(pair.source);
	pthread_join(reading, NULL);
	CHECK(reader.frames == FRAMES && reader.wrong == 0);
	link_close(pair.target);
}

/* Whoever waits when the link breaks is told, and so is whoever comes later. */
static void test_a_broken_link(bool draining)
{
	struct link_pair pair = link_pair_open(&hello, SOCKET_BYTES);
	struct outbox *outbox = outbox_new(pair.source);
	struct putter putter = {.outbox = outbox, .frames = draining ? 20 : FRAMES};
	pthread_t thread;
	pthread_create(&thread, NULL, put_all, &putter);
	struct error err = {0};
	if (draining) {
		pthread_join(thread, NULL);
		CHECK(putter.ok);
		link_close(pair.target);
		CHECK(!outbox_drain(outbox, &err) && strcmp(err.code, ERR_LINK) == 0);
	} else {
		await_standstill(&putter);
		link_close(pair.target);
		pthread_join(thread, NULL);
		CHECK(!putter.ok && strcmp(putter.err.code, ERR_LINK) == 0 && putter.err.message[0]);
	}
	err = (struct error){0};
	CHECK(!put(outbox, 0, &err) && strcmp(err.code, ERR_LINK) == 0);
	CHECK(!outbox_drain(outbox, NULL));
	err = (struct error){.code = ERR_CANCELLED};
	CHECK(!put(outbox, 0, &err) && strcmp(err.code, ERR_CANCELLED) == 0, "the first cause survives");
	outbox_free(outbox);
	link_close(pair.source);
}

/* The end does not wait for what nobody takes. */
static void test_the_end_drops_what_waits(void)
{
	struct link_pair pair = link_pair_open(&hello, SOCKET_BYTES);
	struct outbox *outbox = outbox_new(pair.source);
	for (uint32_t i = 0; i < 20; i++)
		CHECK(put(outbox, i, NULL));
	link_close(pair.target);
	outbox_free(outbox);
	link_close(pair.source);
	outbox_free(NULL);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_all_arrive_in_order();
	test_the_limit(0);
	test_the_limit(200000);
	test_the_limit(1);
	test_a_broken_link(false);
	test_a_broken_link(true);
	test_the_end_drops_what_waits();
	CHECKS_PASSED();
	return 0;
}
