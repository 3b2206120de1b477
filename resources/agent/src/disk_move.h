/*
 * disk_move.h - the source's side of a disk that is copied to another host, while its guest runs (with a migration) or while
 * nobody uses it.
 *
 *   new      opens disk and link; for a running guest, tracks its writes from here on
 *   prepare  decides what may be left out; everything else is pending
 *   pass     sends what is pending, once through; writes make blocks pending again (write_tracking.h says how they are found)
 *   finish   after the guest was suspended (or at once, for a disk that nobody writes): the last pass, then the target has all of
 *            it on stable storage and keeps it
 *   verify   compares hashes of every block that was sent
 *
 * What may be left out of a running guest's disk, and why that is safe: disk_explore.h. One thread at a time, `stop` apart.
 */
#ifndef ME2_DISK_MOVE_H
#define ME2_DISK_MOVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "disk_wire.h"
#include "error.h"
#include "link.h"
#include "rate.h"

struct disk_move_settings {
	const char *path;           /* block device or file */
	enum link_kind link;        /* sealed or plain */
	const char *to;             /* IP:PORT */
	const uint8_t *key;
	struct disk_encoding encoding;
	struct shared_rate *rate;   /* of this link and the memory's */
	unsigned stall_s;           /* no sign of life from the target for this long: give up */
	bool explore;               /* leave out what is free */
	bool verify;
	bool live;                  /* a guest runs on it: */
	uint32_t domid;
	const atomic_ullong *suspended_ns; /* … becomes other than 0 when it is suspended. NULL: unknown */
	const atomic_bool *cancel;  /* becomes true when the user wants an end */
	int lines;                  /* where JSON lines go */
};

struct disk_move;

/* NULL with the reason. */
struct disk_move *disk_move_new(const struct disk_move_settings *settings, struct error *err);
/* Ends all of it. Without a finish before, the target drops what it made. */
void disk_move_free(struct disk_move *move);

bool disk_move_prepare(struct disk_move *move, struct error *err);

struct disk_pass {
	uint64_t blocks;    /* that it sent */
	uint64_t looked_ns; /* finding out what was written: next to nothing where writes are traced, else reading all of the disk */
	uint64_t sent_ns;
};

/* A guest that is suspended meanwhile has what it wrote last looked for by `finish` only. */
bool disk_move_pass(struct disk_move *move, struct disk_pass *pass, struct error *err);

bool disk_move_finish(struct disk_move *move, struct error *err);

/* After finish. False if it could not be done; differing blocks are told, and no failure. */
bool disk_move_verify(struct disk_move *move, struct error *err);

/* After finish: the guest stays here, so the copy is of no use. */
void disk_move_drop(struct disk_move *move);

/* Last line. */
void disk_move_report(struct disk_move *move);

#endif
