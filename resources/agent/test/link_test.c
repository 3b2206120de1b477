/* link_test.c - the sealed and the plain link over loopback: what goes in comes out, and nobody without the key gets in. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "io.h"
#include "link.h"
#include "link_pair.h"

struct peer {
	enum link_kind kind;
	int listener, cancel;
	uint8_t key[LINK_KEY_BYTES];
	uint64_t wait_ms;
	struct link *link;
	struct link_hello hello;
	struct error err;
};

static void *accept_peer(void *context)
{
	struct peer *peer = context;
	char from[64];
	peer->link = link_accept(peer->kind, peer->listener, peer->key, peer->wait_ms, peer->cancel, &peer->hello, from,
		&peer->err);
	return NULL;
}

static uint16_t start(struct peer *peer, pthread_t *thread, enum link_kind kind)
{
	uint16_t port = 0;
	*peer = (struct peer){.kind = kind, .wait_ms = 20000, .cancel = eventfd(0, EFD_NONBLOCK)};
	memset(peer->key, 7, sizeof(peer->key));
	peer->listener = link_listen("127.0.0.1", &port, &peer->err);
	CHECK(peer->listener >= 0 && port, "%s", peer->err.message);
	pthread_create(thread, NULL, accept_peer, peer);
	return port;
}

static struct link *dial_asking(enum link_kind kind, uint16_t port, uint8_t key_byte, const struct link_hello *hello,
	struct error *err)
{
	char address[32];
	uint8_t key[LINK_KEY_BYTES];
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	memset(key, key_byte, sizeof(key));
	return link_connect(kind, address, key, hello, err);
}

static struct link *dial(enum link_kind kind, uint16_t port, uint8_t key_byte, struct error *err)
{
	const struct link_hello nothing = {0};
	return dial_asking(kind, port, key_byte, &nothing, err);
}

static void finish(struct peer *peer, pthread_t thread)
{
	pthread_join(thread, NULL);
	close(peer->listener);
	close(peer->cancel);
}

static void test_round_trip(enum link_kind kind)
{
	struct peer peer;
	pthread_t thread;
	struct error err = {0};
	uint16_t port = start(&peer, &thread, kind);
	const struct link_hello hello = {.flags = LINK_FLAG_ME2 | LINK_FLAG_VERIFY, .cache_pages = LINK_CACHE_PAGES_MAX};
	struct link *source = dial_asking(kind, port, 7, &hello, &err);
	CHECK(source, "%s", err.message);
	finish(&peer, thread);
	CHECK(peer.link && peer.hello.flags == hello.flags && peer.hello.cache_pages == hello.cache_pages);

	static uint8_t sent[LINK_FRAME_MAX], got[LINK_FRAME_MAX];
	size_t sizes[] = {0, 1, 4095, LINK_FRAME_MAX}, length;
	enum link_type type;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		randombytes_buf(sent, sizes[i]);
		uint64_t before = link_sent_bytes(source);
		CHECK(link_send(source, LINK_STREAM, sent, sizes[i], &err), "%s", err.message);
		CHECK(link_sent_bytes(source) - before == link_wire_bytes(source, sizes[i]));
		CHECK(link_receive(peer.link, &type, got, &length, &err) == 1, "%s", err.message);
		CHECK(type == LINK_STREAM && length == sizes[i] && memcmp(sent, got, length) == 0);
		CHECK(link_send(peer.link, LINK_BACK, sent, sizes[i] / 2, &err), "%s", err.message);
		CHECK(link_receive(source, &type, got, &length, &err) == 1, "%s", err.message);
		CHECK(type == LINK_BACK && length == sizes[i] / 2);
	}
	CHECK(!link_send(source, LINK_STREAM, sent, LINK_FRAME_MAX + 1, &err));
	CHECK(link_sent_bytes(source) > LINK_FRAME_MAX + 4096);
	link_shut_sending(source);
	CHECK(link_receive(peer.link, &type, got, &length, &err) == 0);
	CHECK(!link_send(source, LINK_STREAM, sent, 1, NULL));
	link_close(source);
	link_close(peer.link);
}

/* A frame whose content lies in several places, some of them empty. */
static void test_pieces(enum link_kind kind)
{
	struct peer peer;
	pthread_t thread;
	struct error err = {0};
	uint16_t port = start(&peer, &thread, kind);
	struct link *source = dial(kind, port, 7, &err);
	finish(&peer, thread);
	CHECK(source && peer.link, "%s", err.message);
	uint8_t bytes[LINK_PIECES_MAX + 1], got[LINK_FRAME_MAX];
	struct iovec places[LINK_PIECES_MAX + 1];
	for (unsigned i = 0; i <= LINK_PIECES_MAX; i++) {
		bytes[i] = (uint8_t)(i * 7);
		places[i] = (struct iovec){.iov_base = bytes + i, .iov_len = i != 3};
	}
	struct pieces content = {.at = places, .count = LINK_PIECES_MAX, .length = LINK_PIECES_MAX - 1}, none = {.at = places},
		many = {.at = places, .count = LINK_PIECES_MAX + 1, .length = LINK_PIECES_MAX};
	size_t length;
	enum link_type type;
	CHECK(!link_send_pieces(source, LINK_STREAM, &many, &err) && link_send_pieces(source, LINK_STREAM, &content, &err)
		&& link_send_pieces(source, LINK_IMAGE_END, &none, &err));
	CHECK(link_receive(peer.link, &type, got, &length, &err) == 1 && type == LINK_STREAM && length == LINK_PIECES_MAX - 1);
	CHECK(memcmp(got, bytes, 3) == 0 && memcmp(got + 3, bytes + 4, length - 3) == 0);
	CHECK(link_receive(peer.link, &type, got, &length, &err) == 1 && type == LINK_IMAGE_END && length == 0);
	link_close(source);
	link_close(peer.link);
}

static void test_wrong_key(enum link_kind kind)
{
	struct peer peer;
	pthread_t thread;
	struct error err = {0};
	uint16_t port = start(&peer, &thread, kind);
	CHECK(!dial(kind, port, 8, &err));
	CHECK(err.code && (strcmp(err.code, ERR_LINK_AUTH) == 0 || strcmp(err.code, ERR_LINK) == 0), "%s", err.code);
	/* the target goes on waiting for the right one */
	err = (struct error){0};
	struct link *source = dial(kind, port, 7, &err);
	CHECK(source, "%s", err.message);
	finish(&peer, thread);
	CHECK(peer.link);
	link_close(source);
	link_close(peer.link);
}

static void refuses(const struct link_hello *hello)
{
	struct peer peer;
	pthread_t thread;
	struct error err = {0};
	uint16_t port = start(&peer, &thread, LINK_SEALED);
	CHECK(!dial_asking(LINK_SEALED, port, 7, hello, &err));
	CHECK(strcmp(err.code, ERR_LINK_VERSION) == 0, "%s", err.code);
	finish(&peer, thread);
	CHECK(!peer.link && strcmp(peer.err.code, ERR_LINK_VERSION) == 0);
}

static void test_unknown_wishes(void)
{
	const struct link_hello flag = {.flags = 1u << 30}, cache = {.flags = LINK_FLAG_ME2, .cache_pages = LINK_CACHE_PAGES_MAX + 1},
		most = {.cache_pages = UINT32_MAX};
	refuses(&flag);
	refuses(&cache);
	refuses(&most);
}

static void test_over_descriptors(void)
{
	const struct link_hello hello = {.flags = LINK_FLAG_SCRUB, .cache_pages = 16}, unknown = {.flags = 1u << 31};
	struct link_pair pair = link_pair_open(&hello, 0);
	CHECK(pair.source && pair.target, "%s", pair.source_err.message);
	CHECK(pair.heard.flags == hello.flags && pair.heard.cache_pages == hello.cache_pages);
	uint8_t got[LINK_FRAME_MAX];
	size_t length;
	enum link_type type;
	CHECK(link_send(pair.source, LINK_STREAM, "over a pipe", 11, NULL));
	CHECK(link_receive(pair.target, &type, got, &length, NULL) == 1 && length == 11 && memcmp(got, "over a pipe", 11) == 0);
	link_close(pair.source);
	CHECK(link_receive(pair.target, &type, got, &length, NULL) == 0);
	link_close(pair.target);
	pair = link_pair_open(&unknown, 0);
	CHECK(!pair.source && !pair.target && strcmp(pair.source_err.code, ERR_LINK_VERSION) == 0
		&& strcmp(pair.target_err.code, ERR_LINK_VERSION) == 0);
}

/* A target of another version; counts what the source still says to it. */
struct old_target {
	int listener;
	const char *greeting; /* 40 bytes */
	ssize_t heard;
};

static void *greet(void *context)
{
	struct old_target *old = context;
	char byte;
	int source = accept(old->listener, NULL, NULL);
	io_write_all(source, old->greeting, 40);
	old->heard = io_read_all(source, &byte, 1);
	close(source);
	return NULL;
}

/* An agent of another version: nothing is told to it but the greeting. */
static void test_another_greeting(void)
{
	struct error err = {0};
	uint16_t port = 0;
	char address[32], greeting[40] = "ME2LINK1";
	uint8_t key[LINK_KEY_BYTES] = {0};
	const struct link_hello nothing = {0};
	int listener = link_listen("127.0.0.1", &port, &err);
	CHECK(listener >= 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	struct old_target old = {.listener = listener, .greeting = greeting};
	pthread_t thread;
	pthread_create(&thread, NULL, greet, &old);
	CHECK(!link_connect(LINK_SEALED, address, key, &nothing, &err) && strcmp(err.code, ERR_LINK_VERSION) == 0, "%s", err.code);
	pthread_join(thread, NULL);
	CHECK(old.heard == 0, "%zd bytes", old.heard);
	close(listener);
}

static void test_cancel(void)
{
	struct peer peer;
	pthread_t thread;
	start(&peer, &thread, LINK_SEALED);
	eventfd_write(peer.cancel, 1);
	finish(&peer, thread);
	CHECK(!peer.link && strcmp(peer.err.code, ERR_CANCELLED) == 0);
}

/* A man in the middle: passes both directions on and flips one bit of the source's byte number `at`. */
struct middle {
	int listener, to_target;
	size_t at;
};

static void *pump_back(void *context)
{
	int *fds = context;
	char bytes[4096];
	ssize_t n;
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0 && io_write_all(fds[1], bytes, (size_t)n))
		;
	shutdown(fds[1], SHUT_WR);
	return NULL;
}

static void *tamper(void *context)
{
	struct middle *middle = context;
	int source = accept(middle->listener, NULL, NULL), fds[2] = {middle->to_target, source};
	pthread_t back;
	char bytes[4096];
	size_t passed = 0;
	ssize_t n;
	pthread_create(&back, NULL, pump_back, fds);
	while ((n = read(source, bytes, sizeof(bytes))) > 0) {
		if (middle->at >= passed && middle->at < passed + (size_t)n)
			bytes[middle->at - passed] ^= 0x10;
		passed += (size_t)n;
		if (!io_write_all(middle->to_target, bytes, (size_t)n))
			break;
	}
	shutdown(middle->to_target, SHUT_WR);
	pthread_join(back, NULL);
	close(source);
	close(middle->to_target);
	return NULL;
}

static int dial_raw(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* Every byte that the source sends after the handshake's header, changed in turn, is noticed by the target. */
static void test_tampering(void)
{
	enum { HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES, SEAL = crypto_secretstream_xchacha20poly1305_ABYTES,
		HELLO = 5 + 8 + SEAL, FRAME = 5 + 10 + SEAL };
	for (size_t at = HEADER + HELLO; at < HEADER + HELLO + FRAME; at++) {
		struct error err = {0};
		struct peer peer;
		pthread_t thread, man;
		uint16_t port = start(&peer, &thread, LINK_SEALED), middle_port = 0;
		struct middle middle = {.listener = link_listen("127.0.0.1", &middle_port, &err), .to_target = dial_raw(port), .at = at};
		pthread_create(&man, NULL, tamper, &middle);
		struct link *source = dial(LINK_SEALED, middle_port, 7, &err);
		CHECK(source, "%s", err.message);
		finish(&peer, thread);
		CHECK(peer.link);
		uint8_t got[LINK_FRAME_MAX];
		size_t length;
		enum link_type type;
		CHECK(link_send(source, LINK_STREAM, "0123456789", 10, &err));
		link_shut_sending(source);
		CHECK(link_receive(peer.link, &type, got, &length, &err) == -1, "byte %zu", at);
		CHECK(err.code);
		link_close(peer.link);
		link_close(source);
		pthread_join(man, NULL);
		close(middle.listener);
	}
}

int main(void)
{
	CHECK(sodium_init() >= 0);
	test_round_trip(LINK_SEALED);
	test_round_trip(LINK_PLAIN);
	test_pieces(LINK_SEALED);
	test_pieces(LINK_PLAIN);
	test_wrong_key(LINK_SEALED);
	test_wrong_key(LINK_PLAIN);
	test_unknown_wishes();
	test_another_greeting();
	test_over_descriptors();
	test_cancel();
	test_tampering();
	CHECKS_PASSED();
	return 0;
}
