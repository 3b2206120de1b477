/*
 * page_class.h - what a page frame is to its guest. The numbers are part of the agent's protocol (map frames)
 * and of saved runs: append, never renumber. Where a kernel does not publish a flag the page is KERNEL_OTHER.
 */
#ifndef ME2_PAGE_CLASS_H
#define ME2_PAGE_CLASS_H

enum page_class {
	PAGE_UNKNOWN = 0,      /* not present */
	PAGE_FREE = 1,         /* in the buddy allocator */
	PAGE_ZERO = 2,         /* in use, all bytes zero */
	PAGE_ANON = 3,         /* user anonymous */
	PAGE_CACHE = 4,        /* page cache */
	PAGE_CACHE_MAPPED = 5, /* page cache mapped by a process */
	PAGE_SWAP_CACHE = 6,
	PAGE_SLAB = 7,
	PAGE_TABLE = 8,
	PAGE_HUGE = 9,         /* hugetlb or transparent huge page */
	PAGE_KERNEL_OTHER = 10,
	PAGE_OFFLINE = 11,     /* offline or ballooned out */
	PAGE_RESERVED = 12,    /* reserved, or no struct page */
	PAGE_CLASSES = 13
};

#endif
