/*
 * guest.h - reach a guest's memory, read-only, by guest page frame.
 *
 * Two implementations: guest_xen.c (PVH and HVM guests through privcmd; PV answers ERR_NOT_SUPPORTED) and
 * guest_file.c (a file that holds guest RAM from frame 0, with an optional hole).
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

/* One more than the highest RAM frame. For a PVH guest this is the end of RAM, not of Xen's special pages at 0xfeff…. */
uint64_t guest_frames(const struct guest *guest);

/* Maps `count` frames, in the order given, to consecutive addresses. `failed[i]` (may be NULL) tells which are not
 * there: touching those faults. NULL if none could be mapped. Unmap with the same count. */
const uint8_t *guest_map(struct guest *guest, const uint64_t *frames, size_t count, bool *failed);
void guest_unmap(struct guest *guest, const uint8_t *mapping, size_t count);

/* As guest_map() for the frames first … first + count. */
const uint8_t *guest_map_range(struct guest *guest, uint64_t first, size_t count, bool *failed);

/* First frame >= `frame` that may hold data (skips holes of a sparse file); guest_frames() when none. */
uint64_t guest_next_data(struct guest *guest, uint64_t frame);

/* First frame > `frame` that holds no data, where `frame` is an answer of guest_next_data(). Reading a hole of a live
 * guest's RAM file would allocate it. */
uint64_t guest_data_end(struct guest *guest, uint64_t frame);

#endif
