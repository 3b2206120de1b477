#include "churn.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "content.h"
#include "pages.h"

static bool allocate(struct churn *churn, size_t block, uint64_t *random)
{
	size_t pages = 1 + random_next(random) % CHURN_BLOCK_PAGES;
	uint64_t *words = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		return false;
	churn->blocks[block].words = words;
	churn->blocks[block].pages = pages;
	churn->blocks[block].seed = random_next(random);
	for (size_t page = 0; page < pages; page++)
		page_make(words + page * PAGE_WORDS, CONTENT_POINTERS, page, (uint32_t)churn->blocks[block].seed);
	return true;
}

static uint64_t give_back(struct churn *churn, size_t block)
{
	uint64_t bad = 0, *words = churn->blocks[block].words;
	size_t pages = churn->blocks[block].pages;
	for (size_t page = 0; page < pages; page++)
		bad += !page_is_good(words + page * PAGE_WORDS, CONTENT_POINTERS, page, (uint32_t)churn->blocks[block].seed);
	munmap(words, pages * PAGE_BYTES);
	churn->blocks[block].words = NULL;
	return bad;
}

uint64_t churn_step(struct churn *churn, uint64_t *random, uint64_t pages)
{
	uint64_t bad = 0;
	for (uint64_t done = 0; done < pages;) {
		size_t block = random_next(random) % CHURN_BLOCKS;
		if (churn->blocks[block].words) {
			done += churn->blocks[block].pages;
			bad += give_back(churn, block);
		} else if (allocate(churn, block, random)) {
			done += churn->blocks[block].pages;
		} else {
			break;
		}
	}
	return bad;
}
