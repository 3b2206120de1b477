/*
 * sender.h - the state of `send`, shared by its three threads:
 *
 *   forward (main)  xl's stream on stdin → classify, encode → link
 *   back            link → xl's back channel on stdout
 *   watch           asks the hypervisor whether the guest is suspended, reports progress, notices a dead link or a cancel
 *
 * The one decision that must never be taken twice is guarded by `turn`: the migration either aborts or gives the go-ahead.
 */
#ifndef ME2_SENDER_H
#define ME2_SENDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "batch.h"
#include "explore.h"
#include "job.h"
#include "process.h"
#include "xen.h"

struct sender {
	struct job *job;
	int lines;   /* socket to the supervisor: JSON lines up */
	int wake;    /* eventfd: readable once the migration is aborting */
	struct link *link;
	struct process ssh; /* pid -1 unless the link is an ssh process */

	struct xen *xen;
	struct guest *guest;       /* NULL when its memory cannot be reached */
	struct explorer *explorer; /* NULL: nothing is left out */

	/* forward */
	struct xenstream *stream;
	struct batch *batch;
	uint8_t *pending;          /* stream bytes not yet sent */
	size_t pending_length;
	uint64_t *left_out;        /* bitmap of frames that were left out and have had no data since */
	uint64_t left_out_frames;  /* bits in it */
	struct round_tracker rounds;
	struct batch_counts round_counts;
	uint64_t round_started_ns, round_link_bytes, round_stream_bytes;
	bool round_open, swept, image_announced;
	bool round_is_final;       /* it was opened after the guest was suspended */
	uint64_t *final_hash;      /* by frame: page_hash of what the final round sent; 0: nothing. NULL: not kept */
	uint8_t go_ahead[64];
	size_t go_ahead_length;

	/* totals for the progress line */
	atomic_ullong pages, left_out_pages, constant, encoded, raw, last_round_pages;
	atomic_uint round;
	atomic_int phase;

	/* back */
	atomic_ullong heard_ns;    /* last sign of life of the target */
	atomic_ullong pong;        /* number of the last answered ping */
	atomic_ullong ready_ns;    /* the target said ready; 0: not yet */
	atomic_bool ready_passed;  /* … and xl was told */
	uint64_t shared_info_frame; /* for the comparison */
	bool reported;             /* the target's report was passed to xl; back thread, then main after its end */

	/* the decision */
	pthread_mutex_t turn;
	bool aborting, go_ahead_given;
	atomic_bool stop;          /* the watch thread may end */
};

/* Gives up, unless the go-ahead has been given: then nothing happens. The first caller's error stays. Thread-safe. */
void sender_abort(struct sender *sender, const struct error *why);
bool sender_is_aborting(struct sender *sender);

/* The forward channel: from xl's stdin until the handshake is over or the migration aborts. */
void sender_forward(struct sender *sender);

/* The back channel; returns at the link's end. */
void *sender_back(void *sender);

/* Until `stop`. */
void *sender_watch(void *sender);

/* After the target's report and before xl hears of it: does the target hold what the source holds? */
void sender_verify(struct sender *sender, struct error *err);

#endif
