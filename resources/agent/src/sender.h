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
#include "encoder_choice.h"
#include "explore.h"
#include "job.h"
#include "outbox.h"
#include "process.h"
#include "xen.h"

/* What one encoder at one level took of a migration. */
struct encoder_use {
	struct page_encoding encoding;
	uint64_t pages, bytes, cpu_ns;
};

#define SENDER_USES_MAX (ENCODER_CHOICES + 1)

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
	struct outbox *outbox;     /* NULL in stock mode: what is only passed on goes straight to the link */
	struct batch *batch;
	struct page_encoding encoding;     /* of the next batch */
	struct encoder_choice choice;      /* `auto` */
	uint8_t *sample;                   /* ENCODER_SAMPLE_PAGES of mixed content for it, NULL unless `auto` */
	uint32_t sampled;                  /* pages in `sample` */
	uint64_t mixed_since_sample;
	uint64_t batch_ended_ns, batch_blocked_ns; /* when the last batch was done, and outbox_meter().blocked_ns then */
	uint64_t source_pages, source_ns;  /* what `choice` has not been told yet */
	struct outbox_meter link_noted;    /* what it has been told */
	struct encoder_use uses[SENDER_USES_MAX]; /* which encoder took what */
	unsigned use_count;
	uint64_t lookups, hits;            /* of the cache */
	uint8_t *swept_pages;      /* BATCH_ENTRIES_MAX pages of the batch that the final sweep makes */
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
	uint64_t *not_there;       /* bitmap of frames of which xl said last that they are not the guest's RAM. NULL: not kept */
	uint8_t go_ahead[64];
	size_t go_ahead_length;

	/* totals for the progress line */
	atomic_ullong pages, left_out_pages, constant, encoded, raw, delta, reference, last_round_pages;
	atomic_uint round;
	atomic_bool may_suspend;   /* the first round is over, or nearly */
	atomic_int phase;

	/* back */
	atomic_ullong heard_ns;    /* last sign of life of the target */
	atomic_ullong pong;        /* number of the last answered ping */
	atomic_ullong ready_ns;    /* the target said ready; 0: not yet */
	atomic_bool ready_passed;  /* … and xl was told */
	uint64_t shared_info_frame; /* for the comparison: guest frame, GUEST_NO_FRAME where it is none (PV) */
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

/* A frame to the link, in order; waits for room. sender_flush(): … and the stream bytes that are still gathered here. */
bool sender_put(struct sender *sender, enum link_type type, const struct pieces *content, struct error *err);
bool sender_flush(struct sender *sender, struct error *err);

/* Page data (sender_pages.c): callbacks of the stream's parser; `sender` is the context. Stock passes pages on and counts
 * them, me2 looks at each one now, after libxc read it and cleaned its dirty bit (agent.md, "why that is safe"). */
bool sender_count_page_data(void *sender, const struct xen_page_record *record, struct error *err);
bool sender_encode_page_data(void *sender, const struct xen_page_record *record, struct error *err);
bool sender_before_record(void *sender, uint32_t type, uint32_t length, struct error *err);

/* Encoding (sender_encoding.c), me2 only. Makes batch and outbox; false when out of memory. */
bool sender_prepare_encoding(struct sender *sender);
/* How many pages with data make a batch: few, so that they are still in the CPU's cache when they are sent, or a whole record
 * where they are compressed as one. */
uint32_t sender_part_pages(const struct sender *sender);
/* Before each batch: sets `encoding` by what the last one and the link have taught. */
void sender_choose_encoder(struct sender *sender);
/* A page that has just been appended: some of those that are left to the encoder are kept as a sample. */
void sender_keep_sample(struct sender *sender, enum page_fate fate, const uint8_t *page);
/* The time by which encoding is measured: where it has a CPU of its own, all that it takes; otherwise CPU time. */
uint64_t sender_work_ns(const struct sender *sender);
/* What appending to a batch took, what finishing it took, and that it has been sent. */
void sender_note_append(struct sender *sender, uint64_t ns);
void sender_note_batch(struct sender *sender, uint64_t finish_ns);
void sender_note_sent(struct sender *sender);

/* Which encoder took what, and how the cache did; a JSON line. After sender_forward(). */
void sender_report_encoding(struct sender *sender);

/* Bytes of stream and batches on the wire, and those that wait before it. */
uint64_t sender_link_bytes(const struct sender *sender);

/* The back channel; returns at the link's end. */
void *sender_back(void *sender);

/* Until `stop`. */
void *sender_watch(void *sender);

/* After the target's report and before xl hears of it: does the target hold what the source holds? */
void sender_verify(struct sender *sender, struct error *err);

#endif
