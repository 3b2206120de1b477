#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "options.h"
#include "rate.h"

#define HEADER_BYTES 5 /* u32 length of what follows the header, u8 type (sealed: 0, the type is its tag) */
#define SEAL_BYTES crypto_secretstream_xchacha20poly1305_ABYTES
#define SEALED_MAX (LINK_FRAME_MAX + SEAL_BYTES)
#define TAG_SHIFT 2 /* the tag's lower bits are libsodium's own */
#define NONCE_BYTES 32
#define HELLO_BYTES 8
#define AUTH_TIMEOUT_S 8
#define CONNECT_TIMEOUT_S 10

static const char greeting[8] = {'M', 'E', '2', 'L', 'I', 'N', 'K', '3'};

struct link {
	enum link_kind kind;
	int in, out; /* the same socket for TCP */
	crypto_secretstream_xchacha20poly1305_state push, pull;
	pthread_mutex_t sending;
	struct rate rate; /* guarded by `sending` */
	struct shared_rate *shared_rate; /* in its place, unless NULL */
	atomic_bool shut;
	atomic_ullong sent, received;
	uint8_t header[HEADER_BYTES]; /* of the next frame to receive: … */
	size_t header_bytes;          /* … what is there of it */
	uint8_t wire_out[SEALED_MAX], wire_in[SEALED_MAX]; /* sealed contents */
};

static struct link *new_link(enum link_kind kind, int in, int out)
{
	struct link *link = calloc(1, sizeof(*link));
	if (!link)
		abort();
	link->kind = kind;
	link->in = in;
	link->out = out;
	pthread_mutex_init(&link->sending, NULL);
	rate_init(&link->rate, 0, clock_ns());
	return link;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	close(link->in);
	if (link->out != link->in)
		close(link->out);
	pthread_mutex_destroy(&link->sending);
	sodium_memzero(link, sizeof(*link));
	free(link);
}

void link_shut_sending(struct link *link)
{
	atomic_store(&link->shut, true);
	if (link->kind == LINK_STDIO) {
		/* A pipe has no shutdown: replace the descriptor by one that is closed for writing. */
		int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null_fd >= 0) {
			dup3(null_fd, link->out, O_CLOEXEC);
			close(null_fd);
		}
	} else {
		shutdown(link->out, SHUT_WR);
	}
}

void link_break(struct link *link)
{
	link_shut_sending(link);
	if (link->kind != LINK_STDIO)
		shutdown(link->in, SHUT_RDWR);
}

static size_t content_bytes(const struct link *link, size_t length)
{
	return link->kind == LINK_SEALED ? length + SEAL_BYTES : length;
}

uint64_t link_wire_bytes(const struct link *link, size_t length)
{
	return HEADER_BYTES + content_bytes(link, length);
}

uint64_t link_sent_bytes(const struct link *link)
{
	return atomic_load(&link->sent);
}

uint64_t link_received_bytes(const struct link *link)
{
	return atomic_load(&link->received);
}

void link_set_rate(struct link *link, uint64_t mbit_per_second)
{
	pthread_mutex_lock(&link->sending);
	rate_init(&link->rate, mbit_per_second, clock_ns());
	pthread_mutex_unlock(&link->sending);
}

void link_share_rate(struct link *link, struct shared_rate *rate)
{
	link->shared_rate = rate;
}

static void put_u32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Fills link->wire_out with the sealed form of a frame. The caller holds `sending`. */
static void seal(struct link *link, const uint8_t header[HEADER_BYTES], enum link_type type, const struct pieces *content)
{
	uint8_t together[LINK_FRAME_MAX];
	const uint8_t *clear = content->count == 1 ? content->at->iov_base : together;
	if (content->count != 1)
		pieces_copy(content, together);
	crypto_secretstream_xchacha20poly1305_push(&link->push, link->wire_out, NULL, clear, content->length, header, HEADER_BYTES,
		(uint8_t)(type << TAG_SHIFT));
}

/* What is not sealed goes as it is, uncopied. The caller holds `sending`. */
static bool put_on_wire(struct link *link, enum link_type type, const struct pieces *content, struct error *err)
{
	bool sealed = link->kind == LINK_SEALED;
	size_t bytes = content_bytes(link, content->length);
	uint8_t header[HEADER_BYTES];
	struct iovec parts[1 + LINK_PIECES_MAX] = {{.iov_base = header, .iov_len = HEADER_BYTES}};
	put_u32(header, (uint32_t)bytes);
	header[4] = sealed ? 0 : (uint8_t)type;
	if (sealed) {
		seal(link, header, type, content);
		pieces_of(&parts[1], link->wire_out, bytes);
	} else {
		memcpy(&parts[1], content->at, content->count * sizeof(parts[1]));
	}
	if (!io_write_parts(link->out, parts, 1 + (sealed ? 1 : content->count)))
		return error_set(err, ERR_LINK, "Check the network between the two hosts.", "the link broke while sending: %s",
			strerror(errno));
	atomic_fetch_add(&link->sent, HEADER_BYTES + bytes);
	return true;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec wait = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, &wait) == EINTR)
		;
}

bool link_send(struct link *link, enum link_type type, const void *bytes, size_t length, struct error *err)
{
	struct iovec place;
	struct pieces content = pieces_of(&place, bytes, length);
	return link_send_pieces(link, type, &content, err);
}

bool link_send_pieces(struct link *link, enum link_type type, const struct pieces *content, struct error *err)
{
	if (content->length > LINK_FRAME_MAX || content->count > LINK_PIECES_MAX)
		return error_set(err, ERR_LINK, "", "a frame of %zu bytes in %zu pieces is too large", content->length, content->count);
	pthread_mutex_lock(&link->sending);
	uint64_t before = atomic_load(&link->sent);
	bool ok = !atomic_load(&link->shut) ? put_on_wire(link, type, content, err)
		: error_set(err, ERR_LINK, "", "the link was shut");
	uint64_t bytes = atomic_load(&link->sent) - before;
	uint64_t wait = link->shared_rate ? shared_rate_take(link->shared_rate, bytes, clock_ns())
		: rate_take(&link->rate, bytes, clock_ns());
	pthread_mutex_unlock(&link->sending);
	if (wait)
		sleep_ns(wait);
	return ok;
}

bool link_try_send(struct link *link, enum link_type type, const void *bytes, size_t length)
{
	if (pthread_mutex_trylock(&link->sending) != 0)
		return false;
	struct pollfd room = {.fd = link->out, .events = POLLOUT};
	struct iovec place;
	struct pieces content = pieces_of(&place, bytes, length);
	bool ok = !atomic_load(&link->shut) && poll(&room, 1, 0) == 1 && (room.revents & POLLOUT)
		&& put_on_wire(link, type, &content, NULL);
	pthread_mutex_unlock(&link->sending);
	return ok;
}

void link_set_silence(struct link *link, unsigned seconds)
{
	struct timeval limit = {.tv_sec = seconds};
	if (link->kind != LINK_STDIO)
		setsockopt(link->in, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static int read_failed(bool within_frame, ssize_t n, struct error *err)
{
	if (n == 0 && !within_frame)
		return 0;
	if (n == 0)
		error_set(err, ERR_LINK, "", "the link ended in the middle of a frame");
	else if (errno == EAGAIN || errno == EWOULDBLOCK)
		error_set(err, ERR_LINK_STALLED, "Look at the other host and the network between.", "no sign of life from the peer");
	else
		error_set(err, ERR_LINK, "Check the network between the two hosts.", "the link broke while receiving: %s",
			strerror(errno));
	return -1;
}

/* Reads into the parts until the first one is full: 1 then, and `*beyond` (of the second) came with it; 0 the peer closed
 * before the first byte, -1 error. */
static int read_wire(struct link *link, struct iovec *parts, size_t count, bool within_frame, size_t *beyond, struct error *err)
{
	size_t wanted = parts[0].iov_len, got = 0;
	while (got < wanted) {
		ssize_t n = readv(link->in, parts, (int)count);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return read_failed(within_frame || got, n, err);
		atomic_fetch_add(&link->received, (uint64_t)n);
		got += (size_t)n;
		size_t part = (size_t)n < parts[0].iov_len ? (size_t)n : parts[0].iov_len;
		parts[0].iov_base = (uint8_t *)parts[0].iov_base + part;
		parts[0].iov_len -= part;
	}
	*beyond = got - wanted;
	return 1;
}

/* The header of the next frame; part of it may have come with the content before. */
static int read_header(struct link *link, struct error *err)
{
	size_t beyond, have = link->header_bytes;
	struct iovec rest = {.iov_base = link->header + have, .iov_len = HEADER_BYTES - have};
	link->header_bytes = 0;
	return read_wire(link, &rest, 1, have > 0, &beyond, err);
}

/* A frame's content, and what is there already of the next header: one system call less a frame. */
static bool read_content(struct link *link, uint8_t *to, size_t size, struct error *err)
{
	struct iovec parts[2] = {
		{.iov_base = to, .iov_len = size},
		{.iov_base = link->header, .iov_len = HEADER_BYTES},
	};
	return read_wire(link, parts, 2, true, &link->header_bytes, err) == 1;
}

/* Opens the sealed content in link->wire_in. */
static bool unseal(struct link *link, const uint8_t header[HEADER_BYTES], size_t size, enum link_type *type, uint8_t *bytes,
	size_t *length, struct error *err)
{
	unsigned long long clear_length;
	unsigned char tag;
	if (crypto_secretstream_xchacha20poly1305_pull(&link->pull, bytes, &clear_length, &tag, link->wire_in, size, header,
		HEADER_BYTES) != 0)
		return error_set(err, ERR_LINK_AUTH, "Something between the hosts changed the data, or the peer does not have the key.",
			"a sealed frame failed authentication");
	*type = (enum link_type)(tag >> TAG_SHIFT);
	*length = (size_t)clear_length;
	return true;
}

int link_receive(struct link *link, enum link_type *type, uint8_t *bytes, size_t *length, struct error *err)
{
	uint8_t header[HEADER_BYTES];
	int got = read_header(link, err);
	if (got <= 0)
		return got;
	memcpy(header, link->header, HEADER_BYTES); /* the next one takes its place */
	size_t size = get_u32(header);
	bool sealed = link->kind == LINK_SEALED;
	size_t least = sealed ? SEAL_BYTES : 0;
	if (size < least || size > least + LINK_FRAME_MAX || (sealed && header[4] != 0)) {
		error_set(err, ERR_LINK, "", "a frame of %zu bytes is outside the format", size);
		return -1;
	}
	if (!read_content(link, sealed ? link->wire_in : bytes, size, err))
		return -1;
	if (sealed)
		return unseal(link, header, size, type, bytes, length, err) ? 1 : -1;
	*type = (enum link_type)header[4];
	*length = size;
	return 1;
}

/* One key a direction, bound to this connection by the target's nonce. */
static void derive_key(uint8_t out[32], const uint8_t key[LINK_KEY_BYTES], const uint8_t nonce[NONCE_BYTES],
	const char *direction)
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, key, LINK_KEY_BYTES, 32);
	crypto_generichash_update(&state, (const uint8_t *)direction, strlen(direction));
	crypto_generichash_update(&state, nonce, NONCE_BYTES);
	crypto_generichash_final(&state, out, 32);
}

#define TO_TARGET "me2 link, source to target"
#define TO_SOURCE "me2 link, target to source"
#define PROOF "me2 link, proof of the source"

static void set_timeouts(int fd, int seconds)
{
	struct timeval limit = {.tv_sec = seconds};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static void tune_socket(int fd)
{
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	/* Bounds what can be in flight beyond the cap, so that "sent" stays close to "received". */
	int buffer = 256 * 1024;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
}

static bool parse_address(const char *text, struct sockaddr_storage *address, socklen_t *length, struct error *err)
{
	char host[64];
	uint64_t port;
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(host) || !parse_number(colon + 1, &port) || !port
		|| port > 65535)
		return error_set(err, ERR_USAGE, "", "'%s' is no address of the form IP:PORT", text);
	bool bracketed = text[0] == '[' && colon[-1] == ']';
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * bracketed, text + bracketed);
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*length = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*length = sizeof(*v6);
		return true;
	}
	return error_set(err, ERR_USAGE, "", "'%s' is no IP address", host);
}

static int connect_tcp(const char *text, struct error *err)
{
	struct sockaddr_storage address;
	socklen_t length;
	if (!parse_address(text, &address, &length, err))
		return -1;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		error_errno(err, "socket");
		return -1;
	}
	set_timeouts(fd, CONNECT_TIMEOUT_S);
	if (connect(fd, (struct sockaddr *)&address, length) != 0) {
		error_set(err, ERR_LINK, "Check that the hosts reach each other on that address and that no firewall is between.",
			"cannot connect to the target at %s: %s", text, strerror(errno == EINPROGRESS ? ETIMEDOUT : errno));
		close(fd);
		return -1;
	}
	tune_socket(fd);
	return fd;
}

/* The source's half of the prelude on a fresh TCP connection. */
static bool prove_key(struct link *link, const uint8_t key[LINK_KEY_BYTES], struct error *err)
{
	uint8_t hello[sizeof(greeting) + NONCE_BYTES];
	ssize_t got = io_read_all(link->in, hello, sizeof(hello));
	if (got != (ssize_t)sizeof(hello))
		return error_set(err, ERR_LINK, "", "the target closed the connection before its greeting");
	if (memcmp(hello, greeting, sizeof(greeting)) != 0)
		return error_set(err, ERR_LINK_VERSION, "Deploy the same agent on both hosts.",
			"the target does not speak this version of the link");
	const uint8_t *nonce = hello + sizeof(greeting);
	uint8_t to_target[32], to_source[32], header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	bool ok;
	if (link->kind == LINK_PLAIN) {
		derive_key(to_target, key, nonce, PROOF);
		ok = io_write_all(link->out, to_target, sizeof(to_target));
	} else {
		derive_key(to_target, key, nonce, TO_TARGET);
		derive_key(to_source, key, nonce, TO_SOURCE);
		crypto_secretstream_xchacha20poly1305_init_push(&link->push, header, to_target);
		ok = io_write_all(link->out, header, sizeof(header))
			&& io_read_all(link->in, header, sizeof(header)) == (ssize_t)sizeof(header)
			&& crypto_secretstream_xchacha20poly1305_init_pull(&link->pull, header, to_source) == 0;
		sodium_memzero(to_source, sizeof(to_source));
	}
	sodium_memzero(to_target, sizeof(to_target));
	return ok || error_set(err, ERR_LINK_AUTH, "", "the target did not accept the key");
}

static struct link *fail(struct link *link)
{
	link_close(link);
	return NULL;
}

/* HELLO and its answer: the first sealed frames, so they also prove the keys. */
static bool say_hello(struct link *link, const struct link_hello *wishes, struct error *err)
{
	uint8_t hello[HELLO_BYTES], answer[LINK_FRAME_MAX];
	put_u32(hello, wishes->flags);
	put_u32(hello + 4, wishes->cache_pages);
	enum link_type type;
	size_t length;
	if (!link_send(link, LINK_HELLO, hello, sizeof(hello), err))
		return false;
	int got = link_receive(link, &type, answer, &length, err);
	if (got == 1 && type == LINK_WELCOME)
		return true;
	if (got == 1 && type == LINK_REFUSED)
		return error_set(err, ERR_LINK_VERSION, "Deploy the same agent on both hosts.", "the target refused: %.*s",
			(int)(length < 200 ? length : 200), (const char *)answer);
	return error_set(err, ERR_LINK_AUTH, "", "the target did not accept this connection");
}

struct link *link_connect(enum link_kind kind, const char *address, const uint8_t key[LINK_KEY_BYTES],
	const struct link_hello *hello, struct error *err)
{
	int fd = connect_tcp(address, err);
	if (fd < 0)
		return NULL;
	struct link *link = new_link(kind, fd, fd);
	set_timeouts(fd, AUTH_TIMEOUT_S);
	if (!prove_key(link, key, err) || !say_hello(link, hello, err))
		return fail(link);
	set_timeouts(fd, 0);
	return link;
}

struct link *link_over_fds(int in, int out, const struct link_hello *hello, struct error *err)
{
	struct link *link = new_link(LINK_STDIO, in, out);
	return say_hello(link, hello, err) ? link : fail(link);
}

int link_listen(const char *ip, uint16_t *port, struct error *err)
{
	struct sockaddr_storage address;
	socklen_t length;
	char text[80];
	/* parse_address wants a port; 0 (any) is not one a caller may connect to, so it is put in afterwards */
	snprintf(text, sizeof(text), strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, *port ? *port : 1u);
	if (!parse_address(text, &address, &length, err))
		return -1;
	in_port_t wanted = htons(*port);
	if (address.ss_family == AF_INET)
		((struct sockaddr_in *)&address)->sin_port = wanted;
	else
		((struct sockaddr_in6 *)&address)->sin6_port = wanted;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 4) != 0
		|| getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
		error_set(err, ERR_LINK, "Check that the address belongs to this host.", "cannot listen on %s: %s", ip,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
		: ((struct sockaddr_in6 *)&address)->sin6_port);
	return fd;
}

static bool check_key(struct link *link, const uint8_t key[LINK_KEY_BYTES])
{
	uint8_t hello[sizeof(greeting) + NONCE_BYTES];
	uint8_t *nonce = hello + sizeof(greeting);
	memcpy(hello, greeting, sizeof(greeting));
	randombytes_buf(nonce, NONCE_BYTES);
	if (!io_write_all(link->out, hello, sizeof(hello)))
		return false;
	uint8_t expected[32], proof[32], header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	if (link->kind == LINK_PLAIN) {
		derive_key(expected, key, nonce, PROOF);
		return io_read_all(link->in, proof, sizeof(proof)) == (ssize_t)sizeof(proof)
			&& sodium_memcmp(proof, expected, sizeof(proof)) == 0;
	}
	if (io_read_all(link->in, header, sizeof(header)) != (ssize_t)sizeof(header))
		return false;
	derive_key(expected, key, nonce, TO_TARGET);
	if (crypto_secretstream_xchacha20poly1305_init_pull(&link->pull, header, expected) != 0)
		return false;
	derive_key(expected, key, nonce, TO_SOURCE);
	crypto_secretstream_xchacha20poly1305_init_push(&link->push, header, expected);
	return io_write_all(link->out, header, sizeof(header));
}

static bool hear_hello(struct link *link, struct link_hello *wishes, struct error *err)
{
	uint8_t hello[LINK_FRAME_MAX];
	enum link_type type;
	size_t length;
	if (link_receive(link, &type, hello, &length, err) != 1 || type != LINK_HELLO || length != HELLO_BYTES)
		return error_set(err, ERR_LINK_AUTH, "", "the source did not introduce itself");
	wishes->flags = get_u32(hello);
	wishes->cache_pages = get_u32(hello + 4);
	const uint32_t known = LINK_FLAG_ME2 | LINK_FLAG_VERIFY | LINK_FLAG_SCRUB | LINK_FLAG_MEASURE | LINK_FLAG_DISK;
	if (wishes->flags & ~known || wishes->cache_pages > LINK_CACHE_PAGES_MAX) {
		static const char refusal[] = "this receiver does not know what is asked of it";
		link_send(link, LINK_REFUSED, refusal, sizeof(refusal) - 1, NULL);
		return error_set(err, ERR_LINK_VERSION, "Deploy the same agent on both hosts.",
			"the source asks for something this agent does not know (flags %#x, %u pages kept)", wishes->flags, wishes->cache_pages);
	}
	return link_send(link, LINK_WELCOME, "", 0, err);
}

static void peer_name(int fd, char from[64])
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	from[0] = '\0';
	if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0)
		return;
	const void *ip = peer.ss_family == AF_INET ? (const void *)&((struct sockaddr_in *)&peer)->sin_addr
		: (const void *)&((struct sockaddr_in6 *)&peer)->sin6_addr;
	inet_ntop(peer.ss_family, ip, from, 64);
}

struct link *link_accept(enum link_kind kind, int listener, const uint8_t key[LINK_KEY_BYTES], uint64_t wait_ms,
	int cancel_fd, struct link_hello *hello, char from[64], struct error *err)
{
	uint64_t deadline = clock_ns() + wait_ms * 1000000u;
	for (;;) {
		uint64_t now = clock_ns();
		if (now >= deadline) {
			error_set(err, ERR_LINK, "Check that the source reaches this host on the address it was given.",
				"nobody with the key connected in time");
			return NULL;
		}
		struct pollfd waits[2] = {{.fd = listener, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
		if (poll(waits, 2, (int)((deadline - now) / 1000000u) + 1) <= 0)
			continue;
		if (waits[1].revents) {
			error_set(err, ERR_CANCELLED, "", "cancelled before the source connected");
			return NULL;
		}
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		tune_socket(fd);
		set_timeouts(fd, AUTH_TIMEOUT_S);
		peer_name(fd, from);
		struct link *link = new_link(kind, fd, fd);
		struct error refused = {0};
		if (check_key(link, key) && hear_hello(link, hello, &refused)) {
			set_timeouts(fd, 0);
			return link;
		}
		link_close(link);
		if (refused.code && strcmp(refused.code, ERR_LINK_VERSION) == 0) {
			*err = refused;
			return NULL;
		}
	}
}

struct link *link_accept_fds(int in, int out, struct link_hello *hello, struct error *err)
{
	struct link *link = new_link(LINK_STDIO, in, out);
	return hear_hello(link, hello, err) ? link : fail(link);
}
