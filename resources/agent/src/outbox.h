/*
 * outbox.h - a bounded queue of frames before the link, with a thread of its own that sends them in order: pages are encoded
 * while earlier ones are under way, so a migration takes as long as the slower of the two, not as both.
 *
 * Whatever lies in the queue when the guest is suspended is part of its downtime; hence the limit.
 */
#ifndef ME2_OUTBOX_H
#define ME2_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "link.h"

#define OUTBOX_BYTES_MAX (2u << 20)

struct outbox;

/* Sums since the start. */
struct outbox_meter {
	uint64_t wire_bytes;  /* put so far, framing and seal included; some may still be waiting */
	uint64_t sent_bytes;  /* of these, on the wire */
	uint64_t busy_ns;     /* the sending thread was sending, or held up by the link or its cap */
	uint64_t cpu_ns;      /* what sending cost it */
	uint64_t blocked_ns;  /* outbox_put() and outbox_drain() waited */
};

/* NULL when out of memory. The link must outlive it. */
struct outbox *outbox_new(struct link *link);

/* Ends the thread; what has not been sent is dropped. A thread that a link holds up is waited for: shut the link first. */
void outbox_free(struct outbox *outbox);

/* No more than about so many bytes wait from now on (OUTBOX_BYTES_MAX at the start); a single frame always may. */
void outbox_set_limit(struct outbox *outbox, size_t bytes);

/* Copies the frame to the queue, waiting for room. False, with the reason, once the link has failed. */
bool outbox_put(struct outbox *outbox, enum link_type type, const struct pieces *content, struct error *err);

/* Sends the frame itself, uncopied, once all that waits is on the wire: where there is no CPU for two threads. */
bool outbox_pass(struct outbox *outbox, enum link_type type, const struct pieces *content, struct error *err);

/* Waits until all is on the wire. False, with the reason, once the link has failed. */
bool outbox_drain(struct outbox *outbox, struct error *err);

struct outbox_meter outbox_meter(struct outbox *outbox);

#endif
