/*
 * kernel_layout.h - what Memory Exploration needs of a VMCOREINFO note, checked: every number within limits, every
 * field inside its structure and aligned. What passed here can be used without further thought.
 */
#ifndef ME2_KERNEL_LAYOUT_H
#define ME2_KERNEL_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "vmcoreinfo.h"

/* A page type kept in struct page's _mapcount/page_type: `(int32 & mask) == value`. Not published: never equal. */
struct page_type {
	uint32_t mask, value;
};

struct kernel_layout {
	char release[65]; /* utsname's own limit */

	/* Address translation. */
	uint64_t top_table;          /* guest-physical address of the kernel's top page table */
	uint64_t top_table_address;  /* and its address in the kernel's own space */
	unsigned levels;             /* 4 or 5 */
	uint64_t encryption_mask;    /* bits of a page-table entry that are no address (SME); 0: none */

	/* SPARSEMEM: an array of pointers to pages full of struct mem_section. */
	uint64_t section_roots_address;
	uint64_t section_roots;
	uint64_t section_entry_bytes;
	uint64_t section_map_offset; /* of section_mem_map in struct mem_section */
	unsigned section_shift;      /* log2 of frames in a section */

	/* struct page; offsets in bytes. */
	uint32_t page_bytes;
	uint32_t flags, mapping, private_data, compound_head; /* 8 bytes each */
	uint32_t mapcount, refcount;                          /* 4 bytes each */
	unsigned orders;                                      /* a buddy block has 1 << (0 … orders - 1) frames */

	struct page_type buddy, offline, slab_type, hugetlb_type, page_table;

	/* Bits of page.flags; 0 where the kernel does not publish them. */
	uint64_t lru_flag, swap_cache_flag, swap_backed_flag, slab_flag, head_mask;

	/* Before 6.9 a hugetlb page shows in its first tail page: one byte at `dtor_offset` has the value `hugetlb_dtor`. */
	bool has_hugetlb_dtor;
	uint32_t dtor_offset;
	uint8_t hugetlb_dtor;
};

static inline bool page_type_is(struct page_type type, int32_t mapcount)
{
	return ((uint32_t)mapcount & type.mask) == type.value;
}

/* False with ERR_NOT_UNDERSTOOD, naming the first line of the note that is missing or out of its limits. */
bool kernel_layout_read(struct kernel_layout *layout, const struct vmcoreinfo *note, struct error *err);

#endif
