#include "ageing.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "content.h"
#include "pages.h"

/* Left alone while all else is full: enough for the kernel not to reclaim, let alone kill. */
static const size_t reserve_bytes = 14u << 20;
/* Given back beyond what the workload needs: page tables, tmpfs nodes, sockets. */
static const size_t slack_bytes = 4u << 20;

static size_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	unsigned long kib = 0;
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "MemAvailable: %lu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return (size_t)kib << 10;
}

/* Old data is of the same kinds as new data. */
static void fill_with_old_data(uint64_t *memory, size_t pages)
{
	for (size_t page = 0; page < pages; page++) {
		uint64_t seed = random_seed(page, UINT32_MAX);
		content_fill((enum content_kind)(seed / 2 % CONTENT_ZEROS), seed, memory + page * PAGE_WORDS, PAGE_WORDS);
	}
}

/* Pieces of 1 to 32 pages, each given back with the same odds. */
static void give_back(char *memory, size_t bytes, size_t wanted_bytes)
{
	uint64_t random = random_seed(bytes, wanted_bytes);
	uint64_t odds = wanted_bytes * 1024 / bytes;
	for (size_t at = 0; at < bytes;) {
		uint64_t draw = random_next(&random);
		size_t piece = (1 + draw / 1024 % 32) * PAGE_BYTES;
		if (piece > bytes - at)
			piece = bytes - at;
		if (draw % 1024 < odds)
			madvise(memory + at, piece, MADV_DONTNEED);
		at += piece;
	}
}

bool ageing_begin(struct ageing *ageing, size_t needed_bytes)
{
	size_t available = available_bytes();
	*ageing = (struct ageing){ 0 };
	if (available < needed_bytes + slack_bytes + reserve_bytes) {
		errno = ENOMEM;
		return false;
	}
	size_t bytes = (available - reserve_bytes) / PAGE_BYTES * PAGE_BYTES;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	madvise(memory, bytes, MADV_NOHUGEPAGE); /* huge pages could not be given back in small pieces */
	*ageing = (struct ageing){ memory, bytes };
	fill_with_old_data(memory, ageing_pages(ageing));
	give_back(memory, bytes, needed_bytes + slack_bytes);
	return true;
}

void ageing_end(struct ageing *ageing)
{
	munmap(ageing->memory, ageing->bytes);
}

size_t ageing_pages(const struct ageing *ageing)
{
	return ageing->bytes / PAGE_BYTES;
}
