/* Self-checking pages: a lost, stale or torn page after a migration is told from a good one.
 *
 * A page is {magic, index, generation, checksum, body}. The set also keeps the generation each page must have, so that an
 * older version of a page, which fits its own checksum, counts as bad too. Pages of kind zeros hold nothing but zeros.
 * The first `anonymous` pages are the process's own memory, the rest a file on a tmpfs (the guest's page cache). */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content.h"

enum { PAGE_BYTES = 4096, PAGE_WORDS = PAGE_BYTES / 8, PAGE_HEADER_WORDS = 4 };

/* Shares of the content kinds, in parts of their sum. */
struct content_mix {
	unsigned weight[CONTENT_KINDS];
};

struct page_set {
	size_t anonymous; /* pages of memory */
	size_t file;      /* pages of the file */
	struct content_mix mix;
	uint64_t *memory;
	uint32_t *generation; /* one per page, memory first */
	int fd;
};

/* Fills one page / checks one against what it must be. Pure. */
void page_make(uint64_t *page, enum content_kind kind, uint64_t index, uint32_t generation);
bool page_is_good(const uint64_t *page, enum content_kind kind, uint64_t index, uint32_t generation);

/* The kind of the page with this index; the same for all its generations. */
enum content_kind page_kind(const struct content_mix *mix, uint64_t index);

/* Allocates and fills all pages; the file is made at `path`. Returns false with errno set. */
bool pages_open(struct page_set *set, size_t anonymous, size_t file, const struct content_mix *mix, const char *path);

/* Both return whether the page was good before. Rewriting gives it its next generation. index < anonymous + file. */
bool pages_check(struct page_set *set, size_t index);
bool pages_rewrite(struct page_set *set, size_t index);

#endif
