/*
 * swap_area.h - a swap area of Linux (include/linux/swap.h, union swap_header; mkswap(8)): the signature "SWAPSPACE2" ends
 * its first page. An area that holds the image of a suspended system has another signature, so it is not taken for swap.
 */
#ifndef ME2_SWAP_AREA_H
#define ME2_SWAP_AREA_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"

#define SWAP_HEADER_BYTES 4096u

struct swap_area {
	uint64_t bytes; /* from the start of the view */
	uint8_t uuid[16];
};

bool swap_area_read(const struct disk_view *view, struct swap_area *area);

#endif
