/*
 * page_cache.h - the pages that the source keeps as it last sent them, to send a page that comes round again as its
 * difference, and a page that is there already as a reference.
 *
 * The target keeps the same pages in the same slots, told by the batches (FORMAT.md, "Slots"): every decision is taken
 * here, so what to keep may change without the target knowing. Only pages of mixed content are kept.
 *
 * Sets of four slots, chosen by the frame. In the first round pages are kept first come, first kept: nobody knows yet which
 * will come again, and to replace one by another would be no gain (a scan over more pages than there are slots finds none
 * of them again under LRU). A page that is sent again replaces one that never was.
 */
#ifndef ME2_PAGE_CACHE_H
#define ME2_PAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h" /* PAGE_BYTES */

#define PAGE_CACHE_WAYS 4u

struct page_cache;

/* `slots` at least PAGE_CACHE_WAYS; rounded down to a multiple of it. Memory is touched as pages are kept. NULL when out
 * of memory. */
struct page_cache *page_cache_new(uint32_t slots);
void page_cache_free(struct page_cache *cache);
uint32_t page_cache_slots(const struct page_cache *cache);

/* What was last kept of the frame, and its slot; NULL: nothing. Holds until the next page_cache_keep(). */
const uint8_t *page_cache_find(const struct page_cache *cache, uint64_t frame, uint32_t *slot);

/* A slot whose content is `page`, byte for byte. `hash` is its page_hash(). Not every one is found. */
bool page_cache_find_same(const struct page_cache *cache, const uint8_t page[PAGE_BYTES], uint64_t hash, uint32_t *slot);

/* Keeps the page if there is room for it: in the frame's own slot, a free one, or that of a page sent less often.
 * `again`: it was sent before. */
bool page_cache_keep(struct page_cache *cache, uint64_t frame, const uint8_t page[PAGE_BYTES], uint64_t hash, bool again, uint32_t *slot);

#endif
