#include "page_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct entry {
	uint64_t frame;
	uint8_t sends; /* 0: empty; 1: once; 2 and more: it came again */
};

struct page_cache {
	uint32_t sets;
	struct entry *entries;   /* by slot; slot = way * sets + set, so that neighbours have neighbouring slots */
	uint8_t *pages;
	uint32_t *by_hash;       /* slot + 1; a newer page takes the place of an older one with the same place */
	uint32_t hash_mask;
};

static uint32_t power_of_two_above(uint32_t value)
{
	uint32_t power = 1;
	while (power < value)
		power *= 2;
	return power;
}

struct page_cache *page_cache_new(uint32_t slots)
{
	struct page_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return NULL;
	cache->sets = slots / PAGE_CACHE_WAYS;
	cache->hash_mask = power_of_two_above(2 * slots) - 1;
	cache->entries = calloc(page_cache_slots(cache), sizeof(*cache->entries));
	cache->by_hash = calloc((size_t)cache->hash_mask + 1, sizeof(*cache->by_hash));
	cache->pages = mmap(NULL, (size_t)page_cache_slots(cache) * PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (cache->pages == MAP_FAILED)
		cache->pages = NULL;
	if (cache->entries && cache->by_hash && cache->pages)
		return cache;
	page_cache_free(cache);
	return NULL;
}

void page_cache_free(struct page_cache *cache)
{
	if (!cache)
		return;
	if (cache->pages)
		munmap(cache->pages, (size_t)page_cache_slots(cache) * PAGE_BYTES);
	free(cache->entries);
	free(cache->by_hash);
	free(cache);
}

uint32_t page_cache_slots(const struct page_cache *cache)
{
	return cache->sets * PAGE_CACHE_WAYS;
}

static uint8_t *page_at(const struct page_cache *cache, uint32_t slot)
{
	return cache->pages + (size_t)slot * PAGE_BYTES;
}

const uint8_t *page_cache_find(const struct page_cache *cache, uint64_t frame, uint32_t *slot)
{
	for (*slot = (uint32_t)(frame % cache->sets); *slot < page_cache_slots(cache); *slot += cache->sets)
		if (cache->entries[*slot].sends && cache->entries[*slot].frame == frame)
			return page_at(cache, *slot);
	return NULL;
}

bool page_cache_find_same(const struct page_cache *cache, const uint8_t page[PAGE_BYTES], uint64_t hash, uint32_t *slot)
{
	uint32_t found = cache->by_hash[hash & cache->hash_mask];
	if (!found || memcmp(page_at(cache, found - 1), page, PAGE_BYTES) != 0)
		return false;
	*slot = found - 1;
	return true;
}

/* The frame's own slot, or the one of its set with the fewest sends. */
static uint32_t slot_for(const struct page_cache *cache, uint64_t frame)
{
	uint32_t least = (uint32_t)(frame % cache->sets);
	for (uint32_t slot = least; slot < page_cache_slots(cache); slot += cache->sets) {
		const struct entry *entry = &cache->entries[slot];
		if (entry->sends && entry->frame == frame)
			return slot;
		if (entry->sends < cache->entries[least].sends)
			least = slot;
	}
	return least;
}

bool page_cache_keep(struct page_cache *cache, uint64_t frame, const uint8_t page[PAGE_BYTES], uint64_t hash, bool again, uint32_t *slot)
{
	*slot = slot_for(cache, frame);
	struct entry *entry = &cache->entries[*slot];
	bool is_own = entry->sends && entry->frame == frame;
	uint8_t sends = again ? 2 : 1;
	if (!is_own && entry->sends >= sends)
		return false;
	if (is_own)
		sends = entry->sends < UINT8_MAX ? entry->sends + 1 : UINT8_MAX;
	*entry = (struct entry){.frame = frame, .sends = sends};
	memcpy(page_at(cache, *slot), page, PAGE_BYTES);
	cache->by_hash[hash & cache->hash_mask] = *slot + 1;
	return true;
}
