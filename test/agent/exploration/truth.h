/*
 * truth.h - how the exploration guest leaves what its kernel says in its own memory, for whoever reads that from outside.
 *
 * /proc/kpageflags (one u64 a page frame; Linux Documentation/admin-guide/mm/pagemap.rst) is spread over pages that start
 * with a tag. Pages count only while `complete` is set: that is the last thing written, and it is taken back when anything
 * moves. The guest needs a moment to see that: an account holds for the instant at which a reader stopped the guest if, when
 * the guest has gone on, two more looks find that it is still the same (the first may have begun before that instant).
 */
#ifndef ME2_TEST_TRUTH_H
#define ME2_TEST_TRUTH_H

#include <stdint.h>

#define TRUTH_TAG "ME2 KPAGEFLAGS 1" /* 16 bytes, no NUL in the page */
#define TRUTH_FLAGS_PER_PAGE 505u

struct truth_page {
	char tag[16];
	uint64_t first;    /* page frame that flags[0] is about */
	uint64_t frames;   /* of the whole machine */
	uint64_t complete;
	uint64_t account;  /* counts accounts */
	uint64_t looks;    /* in the first page: how often all was looked at since and found to be as told */
	uint64_t flags[TRUTH_FLAGS_PER_PAGE];
};
_Static_assert(sizeof(struct truth_page) == 4096, "a truth page is a page");

/* Bits of /proc/kpageflags. */
enum {
	KPF_LRU = 5, KPF_SLAB = 7, KPF_BUDDY = 10, KPF_MMAP = 11, KPF_ANON = 12, KPF_SWAPCACHE = 13, KPF_COMPOUND_HEAD = 15,
	KPF_COMPOUND_TAIL = 16, KPF_HUGE = 17, KPF_NOPAGE = 20, KPF_THP = 22, KPF_OFFLINE = 23, KPF_PGTABLE = 26
};

/* Those that tell what a page is for. An account has no others: some never stand still (7.3 watches its own accesses with
 * DAMON, which marks one page after the other as idle). */
#define TRUTH_BITS (1u << KPF_LRU | 1u << KPF_SLAB | 1u << KPF_BUDDY | 1u << KPF_MMAP | 1u << KPF_ANON | 1u << KPF_SWAPCACHE \
	| 1u << KPF_COMPOUND_HEAD | 1u << KPF_COMPOUND_TAIL | 1u << KPF_HUGE | 1u << KPF_NOPAGE | 1u << KPF_THP \
	| 1u << KPF_OFFLINE | 1u << KPF_PGTABLE)

#endif
