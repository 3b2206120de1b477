/* page_cache_test.c - if these fail, pages that come round again cost more than they should, or differ from what the target
 * keeps. */
#include "page_cache.h"

#include "check.h"
#include "hash.h"
#include "pages.h"

static struct random rng = { .state = 5 };

/* A page of mixed content that says which it is. */
static const uint8_t *page_of(uint64_t number)
{
	static uint8_t page[PAGE_BYTES];
	memset(page, 0x55, PAGE_BYTES);
	memcpy(page + 1000, &number, sizeof(number));
	return page;
}

static bool keep(struct page_cache *cache, uint64_t frame, uint64_t content, bool again, uint32_t *slot)
{
	const uint8_t *page = page_of(content);
	return page_cache_keep(cache, frame, page, page_hash(page), again, slot);
}

static bool has(const struct page_cache *cache, uint64_t frame, uint64_t content)
{
	uint32_t slot;
	const uint8_t *page = page_cache_find(cache, frame, &slot);
	return page && memcmp(page, page_of(content), PAGE_BYTES) == 0;
}

static void test_slots_are_rounded_down(void)
{
	for (uint32_t slots = PAGE_CACHE_WAYS; slots < 40; slots++) {
		struct page_cache *cache = page_cache_new(slots);
		CHECK(page_cache_slots(cache) == slots / PAGE_CACHE_WAYS * PAGE_CACHE_WAYS);
		page_cache_free(cache);
	}
	page_cache_free(NULL);
}

static void test_first_come_first_kept(void)
{
	const uint32_t slots = 64;
	struct page_cache *cache = page_cache_new(slots);
	bool taken[64] = { false };
	uint32_t slot;
	for (uint64_t frame = 0; frame < slots; frame++) {
		CHECK(keep(cache, frame, frame, false, &slot) && slot < slots && !taken[slot], "frame %u", (unsigned)frame);
		taken[slot] = true;
	}
	for (uint64_t frame = slots; frame < 4 * slots; frame++) {
		CHECK(!page_cache_find(cache, frame, &slot));
		CHECK(!keep(cache, frame, frame, false, &slot), "a page replaced another in the first round");
	}
	for (uint64_t frame = 0; frame < slots; frame++)
		CHECK(has(cache, frame, frame));
	page_cache_free(cache);
}

/* Neighbours have neighbouring slots, so that a run of pages is one run in the table. */
static void test_neighbours(void)
{
	struct page_cache *cache = page_cache_new(64);
	uint32_t first, slot;
	CHECK(keep(cache, 3, 3, false, &first));
	for (uint64_t frame = 4; frame < 10; frame++)
		CHECK(keep(cache, frame, frame, false, &slot) && slot == first + frame - 3);
	page_cache_free(cache);
}

static void test_who_comes_again_replaces_who_never_did(void)
{
	struct page_cache *cache = page_cache_new(PAGE_CACHE_WAYS); /* one set */
	uint32_t slot, own;
	for (uint64_t frame = 0; frame < PAGE_CACHE_WAYS; frame++)
		CHECK(keep(cache, frame, frame, false, &slot));
	CHECK(keep(cache, 2, 102, true, &own) && has(cache, 2, 102));
	CHECK(keep(cache, 2, 202, true, &slot) && slot == own, "a frame keeps its slot");
	for (uint64_t frame = 10; frame < 10 + PAGE_CACHE_WAYS - 1; frame++)
		CHECK(keep(cache, frame, frame, true, &slot) && slot != own, "frame %u", (unsigned)frame);
	CHECK(!keep(cache, 20, 20, true, &slot), "all have come again");
	CHECK(!keep(cache, 21, 21, false, &slot));
	CHECK(has(cache, 2, 202) && has(cache, 10, 10) && has(cache, 12, 12));
	page_cache_free(cache);
}

static void test_the_same_content(void)
{
	struct page_cache *cache = page_cache_new(64);
	uint32_t kept, slot;
	uint64_t hash = page_hash(page_of(1));
	CHECK(!page_cache_find_same(cache, page_of(1), page_hash(page_of(1)), &slot));
	CHECK(keep(cache, 7, 1, false, &kept));
	CHECK(page_cache_find_same(cache, page_of(1), page_hash(page_of(1)), &slot) && slot == kept);
	CHECK(!page_cache_find_same(cache, page_of(2), hash, &slot), "another page whose hash is the same");
	CHECK(keep(cache, 7, 2, true, &slot) && slot == kept);
	CHECK(!page_cache_find_same(cache, page_of(1), page_hash(page_of(1)), &slot), "it is there no more");
	CHECK(page_cache_find_same(cache, page_of(2), page_hash(page_of(2)), &slot) && slot == kept);
	page_cache_free(cache);
}

/* Whatever happens: a slot holds what was last kept there, and a frame is found where it was last kept, unless another has
 * taken the slot. */
#define MODEL_SLOTS 32u
#define MODEL_FRAMES 100u

static void test_against_a_naive_map(void)
{
	struct { uint64_t frame, content; bool used; } model[MODEL_SLOTS] = { 0 };
	struct page_cache *cache = page_cache_new(MODEL_SLOTS);
	unsigned same = 0, found = 0;
	for (uint64_t step = 0; step < 20000; step++) {
		uint64_t frame = random_below(&rng, MODEL_FRAMES), content = random_below(&rng, 60);
		uint32_t slot = 0;
		if (keep(cache, frame, content, random_below(&rng, 2), &slot)) {
			CHECK(slot < MODEL_SLOTS);
			for (unsigned i = 0; i < MODEL_SLOTS; i++)
				CHECK(!model[i].used || model[i].frame != frame || i == slot, "frame %u in two slots", (unsigned)frame);
			model[slot].frame = frame;
			model[slot].content = content;
			model[slot].used = true;
		}
		frame = random_below(&rng, MODEL_FRAMES);
		bool kept = false;
		uint64_t expected = 0;
		for (unsigned i = 0; i < MODEL_SLOTS; i++)
			if (model[i].used && model[i].frame == frame) {
				kept = true;
				expected = model[i].content;
			}
		CHECK(kept ? has(cache, frame, expected) : !page_cache_find(cache, frame, &slot), "step %u", (unsigned)step);
		content = random_below(&rng, 60);
		if (page_cache_find_same(cache, page_of(content), page_hash(page_of(content)), &slot)) {
			CHECK(model[slot].used && model[slot].content == content, "step %u", (unsigned)step);
			same++;
		}
		found += kept;
	}
	CHECK(same > 1000 && found > 1000, "%u, %u", same, found);
	page_cache_free(cache);
}

int main(void)
{
	test_slots_are_rounded_down();
	test_first_come_first_kept();
	test_neighbours();
	test_who_comes_again_replaces_who_never_did();
	test_the_same_content();
	test_against_a_naive_map();
	CHECKS_PASSED();
	return 0;
}
