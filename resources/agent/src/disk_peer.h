/*
 * disk_peer.h - what the target of a disk answers, on a thread of its own: that it has put things on stable storage, hashes of what
 * it wrote, signs of life.
 */
#ifndef ME2_DISK_PEER_H
#define ME2_DISK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "link.h"

#define DISK_PEER_HASHES 4096u /* at once */

struct disk_peer;

/* Listens on the link from now on. NULL when out of memory. */
struct disk_peer *disk_peer_new(struct link *link);
/* The link must have been broken, or closed by the target. */
void disk_peer_free(struct disk_peer *peer);

/* Waits until everything that was sent before is on stable storage there. False when the link failed, with its reason. */
bool disk_peer_sync(struct disk_peer *peer, struct error *err);

/* The target's hashes (page_hash) of `count` blocks, at most DISK_PEER_HASHES; 0: it was not sent one. */
bool disk_peer_hashes(struct disk_peer *peer, uint64_t first, size_t count, uint64_t *hashes, struct error *err);

/* Why the target is gone, if it is: what a sender that failed should tell. */
void disk_peer_explain(struct disk_peer *peer, struct error *err);

/* Waits for the target's word that it keeps the copy, or has dropped it. */
bool disk_peer_confirm(struct disk_peer *peer, enum link_type what, struct error *err);

#endif
