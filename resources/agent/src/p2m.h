/*
 * p2m.h - a PV guest's physical-to-machine table: which machine frame is behind a guest frame?
 *
 * A 64-bit Linux guest keeps the table in its own memory and publishes it in its shared-info page, in one or both of two
 * forms: a list that is linear in its kernel's address space, found through page tables, or (all that kernels before 4.4
 * have) a tree of frame numbers. The list is preferred. The table's pages stay mapped while the p2m lives and its entries are
 * read as they are at that instant; where the guest says that it has rearranged the list, it is mapped anew.
 * Sources: Xen xen/include/public/arch-x86/xen.h (struct arch_shared_info), Linux arch/x86/xen/p2m.c,
 * arch/x86/include/asm/xen/page.h (marks of entries that are no RAM).
 *
 * Nothing in the table is trusted: frames are reached through `p2m_reader`, which maps only what belongs to the guest.
 */
#ifndef ME2_P2M_H
#define ME2_P2M_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "guest.h" /* PAGE_BYTES, GUEST_NO_FRAME */

#define P2M_FRAMES_MAX (UINT64_C(1) << 34) /* 64 TiB */

struct p2m;

/* How machine frames are reached: as guest_map_table_frames() and guest_unmap(); `failed` is never NULL. */
struct p2m_reader {
	const uint8_t *(*map)(void *context, const uint64_t *frames, size_t count, bool *failed);
	void (*unmap)(void *context, const uint8_t *mapping, size_t count);
	void *context;
};

/* `shared_info_frame`: machine frame. `frames_max`: more than any table of this guest can have, at most P2M_FRAMES_MAX. NULL
 * with ERR_NOT_UNDERSTOOD where the guest publishes no table, or one that cannot be followed. */
struct p2m *p2m_open(const struct p2m_reader *reader, uint64_t shared_info_frame, uint64_t frames_max, struct error *err);
void p2m_close(struct p2m *p2m);

/* Guest frames in the table now, without the room that Linux reserves behind them for memory that may be plugged in. */
uint64_t p2m_frames(const struct p2m *p2m);

/* Machine frames behind `count` guest frames, GUEST_NO_FRAME where there is none. In the tree form a page that joins the table
 * after p2m_open() is not seen. */
void p2m_look_up(struct p2m *p2m, const uint64_t *frames, size_t count, uint64_t *machine_frames);

/* The guest frame that a machine frame is behind now, or GUEST_NO_FRAME. The inverse is made by the first call: what has been
 * exchanged since then is not found, and nothing wrong is. */
uint64_t p2m_find(struct p2m *p2m, uint64_t machine_frame);

#endif
