#include "pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint64_t magic = 0x6c6f61642d32454du; /* "ME2-load" */

/* Two running sums, so that exchanged words do not cancel out. */
static uint64_t checksum(const uint64_t *words, size_t count)
{
	uint64_t sum = 0, sum_of_sums = 0;
	for (size_t i = 0; i < count; i++) {
		sum += words[i];
		sum_of_sums += sum;
	}
	return sum ^ (sum_of_sums << 1 | sum_of_sums >> 63);
}

void page_make(uint64_t *page, enum content_kind kind, uint64_t index, uint32_t generation)
{
	if (kind == CONTENT_ZEROS) {
		content_fill(kind, 0, page, PAGE_WORDS);
		return;
	}
	uint64_t *body = page + PAGE_HEADER_WORDS;
	content_fill(kind, random_seed(index, generation), body, PAGE_WORDS - PAGE_HEADER_WORDS);
	page[0] = magic;
	page[1] = index;
	page[2] = generation;
	page[3] = checksum(body, PAGE_WORDS - PAGE_HEADER_WORDS);
}

static bool all_zero(const uint64_t *page)
{
	uint64_t any = 0;
	for (size_t i = 0; i < PAGE_WORDS; i++)
		any |= page[i];
	return !any;
}

bool page_is_good(const uint64_t *page, enum content_kind kind, uint64_t index, uint32_t generation)
{
	if (kind == CONTENT_ZEROS)
		return all_zero(page);
	return page[0] == magic && page[1] == index && page[2] == generation &&
	       page[3] == checksum(page + PAGE_HEADER_WORDS, PAGE_WORDS - PAGE_HEADER_WORDS);
}

enum content_kind page_kind(const struct content_mix *mix, uint64_t index)
{
	uint64_t total = 0;
	for (int kind = 0; kind < CONTENT_KINDS; kind++)
		total += mix->weight[kind];
	uint64_t draw = random_seed(index, 0) / 2 % (total ? total : 1);
	for (int kind = 0; kind < CONTENT_KINDS; kind++) {
		if (draw < mix->weight[kind])
			return (enum content_kind)kind;
		draw -= mix->weight[kind];
	}
	return CONTENT_ZEROS;
}

static off_t file_offset(const struct page_set *set, size_t index)
{
	return (off_t)(index - set->anonymous) * PAGE_BYTES;
}

/* The page itself, or a copy of it in `copy` when it lies in the file; NULL if the file cannot be read. */
static const uint64_t *load(const struct page_set *set, size_t index, uint64_t *copy)
{
	if (index < set->anonymous)
		return set->memory + index * PAGE_WORDS;
	return pread(set->fd, copy, PAGE_BYTES, file_offset(set, index)) == PAGE_BYTES ? copy : NULL;
}

static bool store(struct page_set *set, size_t index, uint32_t generation)
{
	enum content_kind kind = page_kind(&set->mix, index);
	set->generation[index] = generation;
	if (index < set->anonymous) {
		page_make(set->memory + index * PAGE_WORDS, kind, index, generation);
		return true;
	}
	uint64_t copy[PAGE_WORDS];
	page_make(copy, kind, index, generation);
	return pwrite(set->fd, copy, PAGE_BYTES, file_offset(set, index)) == PAGE_BYTES;
}

static void *allocate(size_t bytes)
{
	void *memory = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

bool pages_open(struct page_set *set, size_t anonymous, size_t file, const struct content_mix *mix, const char *path)
{
	*set = (struct page_set){ .anonymous = anonymous, .file = file, .mix = *mix };
	set->memory = allocate(anonymous * PAGE_BYTES);
	set->generation = allocate((anonymous + file) * sizeof *set->generation);
	set->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!set->memory || !set->generation || set->fd < 0)
		return false;
	for (size_t index = 0; index < anonymous + file; index++)
		if (!store(set, index, 1))
			return false;
	return true;
}

bool pages_check(struct page_set *set, size_t index)
{
	uint64_t copy[PAGE_WORDS];
	const uint64_t *page = load(set, index, copy);
	return page && page_is_good(page, page_kind(&set->mix, index), index, set->generation[index]);
}

bool pages_rewrite(struct page_set *set, size_t index)
{
	bool good = pages_check(set, index);
	return store(set, index, set->generation[index] + 1) && good;
}
