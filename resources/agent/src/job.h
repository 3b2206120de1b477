/*
 * job.h - what `migrate` (the supervisor that owns xl) and `send` (the transport that xl runs) share.
 *
 * xl stands between the two processes, so they meet in a memory file and a socket that xl passes on by inheritance: the
 * key and the settings never appear in an argument list. The socket carries `send`'s JSON lines up; the supervisor asks
 * for an abort by setting `cancel`, or by dying (the socket then reaches its end).
 */
#ifndef ME2_JOB_H
#define ME2_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "guest.h"
#include "link.h"
#include "rate.h"

#define JOB_MAGIC 0x4a32454du

enum job_mode { MODE_STOCK, MODE_ME2 };
/* `delta` is run-length encoding with a cache; `auto` is encoder_choice.h. */
enum job_encoder { JOB_RLE, JOB_NONE, JOB_DELTA, JOB_LZ4, JOB_ZSTD, JOB_AUTO };
enum job_phase { PHASE_PRECOPY, PHASE_FINAL, PHASE_HANDSHAKE, PHASE_VERIFY };

struct job {
	uint32_t magic;

	/* Settings, written by the supervisor before xl starts. */
	int mode;             /* enum job_mode */
	int encoder;          /* enum job_encoder */
	uint64_t level;       /* of zstd */
	uint64_t cache_mib;   /* pages kept at both ends; 0: none */
	int link;             /* enum link_kind */
	char to[128];         /* IP:PORT, or the ssh destination */
	char remote_agent[128]; /* path of the agent at the target, for ssh */
	uint8_t key[LINK_KEY_BYTES];
	uint64_t rate_mbit;   /* 0: no cap */
	uint64_t stall_s;     /* no sign of life from the target for this long: give up */
	uint64_t hold_s;      /* keep the target's "ready" back */
	bool verify, scrub;
	uint32_t domid;
	char name[128];

	struct shared_rate rate; /* the cap, for this link and the disk's */

	/* The disk's part, if it has one (disk_leg.h): `send` gives the guest away only after disk_done_ns, and gives up when the
	 * disk has failed. */
	bool has_disk;
	atomic_ullong disk_done_ns;
	atomic_bool disk_failed;
	struct error disk_error; /* written before disk_failed is set */

	/* The supervisor's wish. */
	atomic_bool cancel;

	/* Progress, written by `send`. Byte counters as in PROTOCOL.md. */
	atomic_ullong stream_bytes, link_bytes;
	atomic_ullong cpu_ns; /* of `send`, at its end */
	/* Instants, CLOCK_MONOTONIC ns; 0: not yet. */
	atomic_ullong suspended_ns, image_taken_ns, go_ahead_ns, unpaused_ns;
	atomic_int report_status; /* the target's report, -1: none came */
	/* Why it ended early; written once, before `send` exits. Read by the supervisor after xl has ended. */
	struct error error;
};

static inline uint32_t job_cache_pages(const struct job *job)
{
	return (uint32_t)(job->cache_mib * (1048576u / PAGE_BYTES));
}

#endif
