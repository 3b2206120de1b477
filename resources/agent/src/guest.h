/*
 * guest.h - reach a guest's memory, read-only, by guest page frame.
 *
 * Two implementations: guest_xen.c (guests on this host through privcmd; a 32-bit PV guest answers ERR_NOT_SUPPORTED) and
 * guest_file.c (a file that holds guest RAM from frame 0, with an optional hole).
 *
 * Guest frames are what the guest's kernel counts its RAM in. Table frames are what its page tables hold: the same numbers,
 * but the host's machine frames where the guest is PV. A guest is for one thread at a time.
 */
#ifndef ME2_GUEST_H
#define ME2_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define PAGE_BYTES 4096u

struct guest;

/* NULL on failure, with `err` filled. */
struct guest *guest_open_xen(uint32_t domid, struct error *err);

/* `path`: RAM file, which must not shrink meanwhile. Guest frames [hole_first, hole_end) do not exist, later ones follow
 * in the file at once; 0, 0: no hole. */
struct guest *guest_open_file(const char *path, uint64_t hole_first, uint64_t hole_end, struct error *err);

void guest_close(struct guest *guest);

/* One more than the highest RAM frame, as it was when the guest was opened. For a PVH guest this is the end of RAM, not of
 * Xen's special pages at 0xfeff…; a PV guest's last few hundred frames may not be there. */
uint64_t guest_frames(const struct guest *guest);

/* Maps `count` frames, in the order given, to consecutive addresses. `failed[i]` (may be NULL) tells which are not
 * there: touching those faults. NULL if none could be mapped. Unmap with the same count. */
const uint8_t *guest_map(struct guest *guest, const uint64_t *frames, size_t count, bool *failed);
void guest_unmap(struct guest *guest, const uint8_t *mapping, size_t count);

/* As guest_map() for the frames first … first + count. */
const uint8_t *guest_map_range(struct guest *guest, uint64_t first, size_t count, bool *failed);

/* Whoever keeps table frames must look again where they come from: the guest may exchange a frame for another. */
#define GUEST_NO_FRAME UINT64_MAX

/* The table frame behind a guest frame right now, GUEST_NO_FRAME if there is none. */
uint64_t guest_table_frame(struct guest *guest, uint64_t frame);

/* And back. For PV guests the first call makes an inverse of all frames: what was exchanged since then is not found. */
uint64_t guest_frame_of_table(struct guest *guest, uint64_t table_frame);

/* As guest_map(), by table frames. */
const uint8_t *guest_map_table_frames(struct guest *guest, const uint64_t *frames, size_t count, bool *failed);

/* Which of these guest frames are, right now, page tables that hold machine frames? Their bytes mean nothing on another
 * host. None, unless the guest is PV. False if Xen does not tell. */
bool guest_find_machine_tables(struct guest *guest, const uint64_t *frames, size_t count, bool *is_table, struct error *err);

/* First frame >= `frame` that may hold data (skips holes of a sparse file); guest_frames() when none. */
uint64_t guest_next_data(struct guest *guest, uint64_t frame);

/* First frame > `frame` that holds no data, where `frame` is an answer of guest_next_data(). Reading a hole of a live
 * guest's RAM file would allocate it. */
uint64_t guest_data_end(struct guest *guest, uint64_t frame);

#endif
