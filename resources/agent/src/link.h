/*
 * link.h - the connection between `send` and `receive`: framed, full duplex, sealed by default.
 *
 *   sealed  TCP; libsodium secretstream (XChaCha20-Poly1305) each way, keys derived from the one-time key that the
 *           console gave to both ends over SSH. A peer without the key never gets past the first frame.
 *   plain   TCP; the peer proves the key, the data is not encrypted.
 *   stdio   two descriptors (an ssh channel): SSH has done both.
 *
 * The wire format is in FORMAT.md ("Link"). One thread may send while another receives; link_send() may be called by
 * several threads.
 */
#ifndef ME2_LINK_H
#define ME2_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "pieces.h"

#define LINK_KEY_BYTES 32
#define LINK_FRAME_MAX 65536u
#define LINK_PIECES_MAX 64u /* what a frame carries may lie in so many places */

enum link_kind { LINK_SEALED, LINK_PLAIN, LINK_STDIO };

/* What a frame carries. The numbers are part of the format. */
enum link_type {
	LINK_HELLO = 1,         /* source → target: struct link_hello */
	LINK_WELCOME = 2,       /* target → source: empty */
	LINK_REFUSED = 3,       /* target → source: a sentence */
	LINK_STREAM = 4,        /* source → target: bytes of xl's stream, as they are */
	LINK_BATCH_PART = 5,    /* source → target: part of a batch … */
	LINK_BATCH_END = 6,     /* … and its last part */
	LINK_IMAGE_END = 7,     /* source → target: the stream before the handshake is complete */
	LINK_IMAGE_TAKEN = 8,   /* target → source: all of it was given to xl there */
	LINK_GO_AHEAD = 9,      /* source → target: xl's permission to unpause */
	LINK_BACK = 10,         /* target → source: bytes of xl's back channel */
	LINK_PING = 11,         /* either way; proves that the peer lives: u64 number */
	LINK_PONG = 12,         /* the answer, same number */
	LINK_HASHES_WANTED = 13,/* source → target: u64 first frame, u64 count */
	LINK_HASHES = 14,       /* target → source: u64 first frame, then one u64 a frame (0: never sent) */
	LINK_XL_ENDED = 15,     /* target → source: u32 exit status of xl migrate-receive */
	LINK_DISK_RAW = 16,     /* source → target: u64 first block, then the contents of as many as there are */
	LINK_DISK_SYNC = 17,    /* source → target: u64 number; put all of the above on stable storage … */
	LINK_DISK_SYNCED = 18,  /* target → source: … done, same number */
	LINK_DISK_DROP = 19     /* source → target: the copy is of no use after all */
};

#define LINK_FLAG_ME2 1u      /* page data comes as batches */
#define LINK_FLAG_VERIFY 2u   /* keep a hash of every page */
#define LINK_FLAG_SCRUB 4u    /* left-out pages become zero pages */
#define LINK_FLAG_MEASURE 8u  /* no migration: count bytes and answer */
#define LINK_FLAG_DISK 16u    /* a disk: batches are of its blocks; LINK_IMAGE_END: the copy is complete, keep it */

/* What the source asks of the target before any data flows. */
struct link_hello {
	uint32_t flags;       /* LINK_FLAG_* */
	uint32_t cache_pages; /* slots for pages that batches may refer to; at most LINK_CACHE_PAGES_MAX */
};

#define LINK_CACHE_PAGES_MAX 262144u /* 1 GiB */

struct link;
struct shared_rate;

/* Connects to "IP:PORT" ("[IPv6]:PORT"). NULL on failure. `key` is not kept. */
struct link *link_connect(enum link_kind kind, const char *address, const uint8_t key[LINK_KEY_BYTES],
	const struct link_hello *hello, struct error *err);

/* Over two descriptors that are already a trusted channel; link_close() closes them. */
struct link *link_over_fds(int in, int out, const struct link_hello *hello, struct error *err);

/* Listens; fills `port`. Returns the descriptor, -1 on failure. */
int link_listen(const char *ip, uint16_t *port, struct error *err);

/* Waits up to `wait_ms` for a peer that has the key; others are dropped and the wait goes on. `cancel_fd` readable ends
 * the wait with ERR_CANCELLED. `hello` gets the peer's wishes, `from` its address. */
struct link *link_accept(enum link_kind kind, int listener, const uint8_t key[LINK_KEY_BYTES], uint64_t wait_ms,
	int cancel_fd, struct link_hello *hello, char from[64], struct error *err);

/* The target's side over two descriptors. */
struct link *link_accept_fds(int in, int out, struct link_hello *hello, struct error *err);

/* Caps what link_send() may send from now on; 0 lifts the cap. */
void link_set_rate(struct link *link, uint64_t mbit_per_second);

/* The same cap for several links, also of several processes: `rate` (rate.h) lies in memory that they share and outlives them. */
void link_share_rate(struct link *link, struct shared_rate *rate);

/* link_receive() fails with ERR_LINK_STALLED when nothing came for that long (TCP only; 0: never). */
void link_set_silence(struct link *link, unsigned seconds);

/* Sends one frame (at most LINK_FRAME_MAX bytes), waiting as the cap says. False when the link is broken or shut. */
bool link_send(struct link *link, enum link_type type, const void *bytes, size_t length, struct error *err);
bool link_send_pieces(struct link *link, enum link_type type, const struct pieces *content, struct error *err);

/* As link_send for a small frame, but never waits: false at once if another sender is under way or the wire is full. Not
 * subject to the cap. */
bool link_try_send(struct link *link, enum link_type type, const void *bytes, size_t length);

/* Receives one frame into `bytes` (LINK_FRAME_MAX). Returns 1, 0 at the peer's orderly end, -1 on error. */
int link_receive(struct link *link, enum link_type *type, uint8_t *bytes, size_t *length, struct error *err);

/* Tells the peer that nothing more will come; receiving goes on. Wakes a sender that is blocked. Thread-safe. */
void link_shut_sending(struct link *link);
/* Breaks both directions at once, waking whoever is blocked. Thread-safe. */
void link_break(struct link *link);

/* What a frame of that content takes on the wire. */
uint64_t link_wire_bytes(const struct link *link, size_t length);

/* Bytes put on the wire so far, framing and seal included. */
uint64_t link_sent_bytes(const struct link *link);
uint64_t link_received_bytes(const struct link *link);

void link_close(struct link *link);

#endif
