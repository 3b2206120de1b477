/*
 * encode_bench.c - how fast pages are encoded and decoded, as ratios to memcpy() of the same pages in the same run.
 * Bars (agent.md): encode >= 0.5, decode >= 0.7. All in one thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../test/pages.h"
#include "batch.h"
#include "crc32c.h"
#include "hash.h"
#include "io.h"
#include "rebuild.h"

#define PASSES 9

/* Shares of a used guest's memory in 32nds. Constant pages are told apart before the encoder, but count here as well. */
static const struct { enum page_kind kind; unsigned share; const char *name; } mix[] = {
	{ KIND_TEXT, 8, "text" }, { KIND_DATABASE, 8, "database 40-90 % full" }, { KIND_POINTERS, 6, "kernel objects" },
	{ KIND_RANDOM, 6, "random" }, { KIND_ZERO, 3, "zero" }, { KIND_CONSTANT, 1, "constant" },
};
#define MIX_PAGES 32u
#define KINDS_IN_MIX (sizeof(mix) / sizeof(mix[0]))

/* All pages of one measurement; `sizes` 0: raw. */
struct set {
	size_t pages;
	uint8_t *original, *encoded, *decoded;
	uint16_t *sizes;
};

static void *allocate(size_t bytes)
{
	void *memory = aligned_alloc(PAGE_BYTES, bytes);
	if (!memory) {
		perror("aligned_alloc");
		exit(1);
	}
	memset(memory, 1, bytes); /* present before it is measured */
	return memory;
}

static void set_new(struct set *set, size_t pages)
{
	set->pages = pages;
	set->original = allocate(pages * PAGE_BYTES);
	set->encoded = allocate(pages * PAGE_BYTES);
	set->decoded = allocate(pages * PAGE_BYTES);
	set->sizes = allocate(pages * sizeof(*set->sizes) + PAGE_BYTES - pages * sizeof(*set->sizes) % PAGE_BYTES);
}

static void set_free(struct set *set)
{
	free(set->original);
	free(set->encoded);
	free(set->decoded);
	free(set->sizes);
}

static enum page_kind kind_in_mix(size_t page)
{
	unsigned at = (unsigned)(page * 13 % MIX_PAGES); /* 13: spread, not sorted */
	size_t i = 0;
	while (at >= mix[i].share)
		at -= mix[i++].share;
	return mix[i].kind;
}

static void copy_all(struct set *set)
{
	for (size_t i = 0; i < set->pages * PAGE_BYTES; i += PAGE_BYTES)
		memcpy(set->decoded + i, set->original + i, PAGE_BYTES);
}

static void encode_all(struct set *set)
{
	for (size_t i = 0; i < set->pages; i++) {
		const uint8_t *page = set->original + i * PAGE_BYTES;
		set->sizes[i] = (uint16_t)rle_encode(page, set->encoded + i * PAGE_BYTES);
		if (!set->sizes[i])
			memcpy(set->encoded + i * PAGE_BYTES, page, PAGE_BYTES);
	}
}

static void decode_all(struct set *set)
{
	for (size_t i = 0; i < set->pages; i++) {
		const uint8_t *from = set->encoded + i * PAGE_BYTES;
		uint8_t *to = set->decoded + i * PAGE_BYTES;
		if (!set->sizes[i])
			memcpy(to, from, PAGE_BYTES);
		else if (!rle_decode(from, set->sizes[i], to))
			abort();
	}
}

static volatile uint64_t sink;

static void hash_all(struct set *set)
{
	for (size_t i = 0; i < set->pages; i++)
		sink = page_hash(set->original + i * PAGE_BYTES);
}

static void checksum_all(struct set *set)
{
	sink = crc32c(0, set->original, set->pages * PAGE_BYTES);
}

static struct batch *batch;
static uint8_t *record;

/* What `send` and `receive` do to pages together: constants, encoding, checksum, and all of it back. */
static void batch_all(struct set *set)
{
	for (size_t i = 0; i < set->pages;) {
		batch_start(batch);
		for (; i < set->pages && batch_entries(batch) < BATCH_ENTRIES_MAX; i++)
			batch_append(batch, i, XEN_TYPE_NORMAL, set->original + i * PAGE_BYTES, false);
		size_t length, record_length;
		struct error err = { 0 };
		const uint8_t *bytes = batch_finish(batch, &length);
		if (!rebuild_batch(bytes, length, true, record, &record_length, NULL, NULL, &err))
			abort();
	}
}

typedef void work(struct set *);

/*
 * Bytes a second of each kind of work over the set: the fastest pass, for what else runs on the machine only ever slows a
 * pass down. The kinds take turns, so that all see the same machine. Small sets are gone through many times a pass.
 */
static void measure(struct set *set, work *const *kinds, size_t count, double *speeds)
{
	size_t repeats = 1 + 8192 / set->pages;
	double bytes = (double)(set->pages * PAGE_BYTES * repeats);
	for (size_t k = 0; k < count; k++)
		speeds[k] = 0;
	for (unsigned pass = 0; pass < PASSES; pass++)
		for (size_t k = 0; k < count; k++) {
			uint64_t start = clock_ns();
			for (size_t i = 0; i < repeats; i++)
				kinds[k](set);
			double speed = bytes / ((double)(clock_ns() - start) / 1e9);
			if (speed > speeds[k])
				speeds[k] = speed;
		}
}

static double encoded_share(const struct set *set)
{
	size_t bytes = 0;
	for (size_t i = 0; i < set->pages; i++)
		bytes += set->sizes[i] ? set->sizes[i] : PAGE_BYTES;
	return (double)bytes / (double)(set->pages * PAGE_BYTES);
}

static void report(const char *name, struct set *set)
{
	work *const kinds[] = { copy_all, encode_all, decode_all };
	double speeds[3];
	measure(set, kinds, 3, speeds);
	decode_all(set);
	if (memcmp(set->original, set->decoded, set->pages * PAGE_BYTES) != 0)
		abort();
	printf("%-24s %8.2f GB/s %8.2f %8.2f %8.2f\n", name, speeds[0] / 1e9, speeds[1] / speeds[0], speeds[2] / speeds[0],
		encoded_share(set));
}

int main(void)
{
	struct random random = { .state = 1 };
	struct set large, small;
	set_new(&large, 16384); /* 64 MiB: out of memory, as a guest is */
	set_new(&small, 64);    /* 256 KiB: out of the cache, as pages that were just read are */
	batch = batch_new(ENCODER_RLE);
	record = malloc(XEN_PAGE_RECORD_MAX);
	if (!batch || !record)
		return 1;

	printf("mix:");
	for (size_t i = 0; i < KINDS_IN_MIX; i++)
		printf("%s %u/32 %s", i ? "," : "", mix[i].share, mix[i].name);
	printf("\n%-24s %13s %8s %8s %8s\n", "pages", "memcpy", "encode", "decode", "size");
	for (size_t k = 0; k < KINDS_IN_MIX; k++) {
		for (size_t i = 0; i < small.pages; i++)
			fill_page(&random, mix[k].kind, small.original + i * PAGE_BYTES);
		report(mix[k].name, &small);
	}
	for (size_t i = 0; i < small.pages; i++)
		fill_page(&random, kind_in_mix(i), small.original + i * PAGE_BYTES);
	report("mix, 256 KiB in cache", &small);
	for (size_t i = 0; i < large.pages; i++)
		fill_page(&random, kind_in_mix(i), large.original + i * PAGE_BYTES);
	report("mix, 64 MiB in memory", &large);
	work *const others[] = { hash_all, checksum_all, batch_all };
	double speeds[3];
	measure(&large, others, 3, speeds);
	printf("on the 64 MiB: hash %.2f GB/s, crc32c %.2f GB/s, batch and rebuild %.2f GB/s\n", speeds[0] / 1e9,
		speeds[1] / 1e9, speeds[2] / 1e9);

	free(record);
	batch_free(batch);
	set_free(&small);
	set_free(&large);
	return 0;
}
