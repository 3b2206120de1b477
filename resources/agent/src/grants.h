/*
 * grants.h - which pages has a guest granted to its back ends (network, disk) to write into?
 *
 * Such a page may change while the guest is suspended: netback delivers packets into it until the domain is gone. Those
 * bytes belong to nobody, for the guest's front end connects anew with fresh buffers wherever it goes on. Sources: Xen
 * xen/include/public/{grant_table,memory}.h, Linux include/uapi/xen/privcmd.h.
 */
#ifndef ME2_GRANTS_H
#define ME2_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

/* Sets the bit of every guest frame (guest_frames() of them) that is granted for writing right now. False, with nothing set, where the
 * grant table cannot be read (before Linux 4.18, or a version 2 table, which Linux guests use above 16 TiB only). */
bool grants_writable(uint32_t domid, struct guest *guest, uint64_t *bitmap);

#endif
