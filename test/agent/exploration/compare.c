/*
 * compare.c - the agent's view of a paused guest, page by page against the account its kernel left in memory (truth.h).
 *
 *   compare RAM [HOLE_FIRST HOLE_END]     the hole in guest page frames
 *
 * Prints one JSON line. Exit status 3: the guest has not finished its account yet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "explore.h"
#include "guest.h"
#include "json.h"
#include "truth.h"
#include "vmcoreinfo.h"

#define BATCH 512u
#define HUGE_FRAMES 512u
#define EXAMPLES 12
#define NOT_READY 3
#define UNTOLD UINT64_MAX

struct comparison {
	struct guest *guest;
	uint64_t frames;
	uint64_t *flags;    /* the kernel's account; UNTOLD where it says nothing */
	uint64_t told;      /* frames it is about */
	uint64_t account, looks;
	char kernel_offset[24];
	bool five_levels;
	uint8_t *classes;   /* the agent's */
};

/* What the two say of one class, in pages. */
struct agreement {
	uint64_t truth, agreed, missed, extra;
};

static void fail(const struct error *err)
{
	fprintf(stderr, "compare: %s\n", err->message);
	exit(1);
}

/* --- Collecting --- */

static void take_truth(struct comparison *comparison, const struct truth_page *page)
{
	if (page->complete != 1 || page->frames > comparison->frames + HUGE_FRAMES * 64)
		return;
	comparison->told = page->frames;
	comparison->account = page->account;
	if (page->first == 0)
		comparison->looks = page->looks;
	for (uint64_t i = 0; i < TRUTH_FLAGS_PER_PAGE && page->first + i < page->frames; i++)
		if (page->first + i < comparison->frames)
			comparison->flags[page->first + i] = page->flags[i];
}

static void take_note(struct comparison *comparison, const uint8_t *bytes)
{
	struct vmcoreinfo note;
	struct error ignored = {0};
	int64_t five_levels;
	if (!vmcoreinfo_parse(&note, bytes, VMCOREINFO_BYTES, &ignored)
		|| !vmcoreinfo_number(&note, "pgtable_l5_enabled", &five_levels))
		return;
	comparison->five_levels = five_levels == 1;
	vmcoreinfo_text(&note, "KERNELOFFSET", comparison->kernel_offset, sizeof(comparison->kernel_offset));
}

static void collect(struct comparison *comparison)
{
	uint64_t frame = 0;
	while ((frame = guest_next_data(comparison->guest, frame)) < comparison->frames) {
		uint64_t run = guest_data_end(comparison->guest, frame) - frame;
		size_t count = run < BATCH ? (size_t)run : BATCH;
		const uint8_t *bytes = guest_map_range(comparison->guest, frame, count, NULL);
		for (size_t i = 0; bytes && i < count; i++) {
			const uint8_t *page = bytes + i * PAGE_BYTES;
			if (memcmp(page, TRUTH_TAG, sizeof(((struct truth_page *)0)->tag)) == 0)
				take_truth(comparison, (const struct truth_page *)(const void *)page);
			else if (vmcoreinfo_starts(page, PAGE_BYTES))
				take_note(comparison, page);
		}
		guest_unmap(comparison->guest, bytes, count);
		frame += count;
	}
}

static bool truth_is_whole(const struct comparison *comparison)
{
	if (!comparison->told)
		return false;
	for (uint64_t frame = 0; frame < comparison->told && frame < comparison->frames; frame++)
		if (comparison->flags[frame] == UNTOLD)
			return false;
	return true;
}

/* --- Comparing --- */

static bool has(const struct comparison *comparison, uint64_t frame, int bit)
{
	uint64_t flags = frame < comparison->frames ? comparison->flags[frame] : UNTOLD;
	return flags != UNTOLD && (flags >> bit & 1);
}

/* A transparent huge page, as against a folio of a few pages, which the kernel flags the same way. */
static bool is_transparent_huge(const struct comparison *comparison, uint64_t frame)
{
	uint64_t head = frame - frame % HUGE_FRAMES;
	if (!has(comparison, frame, KPF_THP) || !has(comparison, head, KPF_COMPOUND_HEAD))
		return false;
	for (uint64_t i = 1; i < HUGE_FRAMES; i++)
		if (!has(comparison, head + i, KPF_COMPOUND_TAIL))
			return false;
	return true;
}

/* The class that a frame's flags call for; PAGE_UNKNOWN where they name none that the map has. */
static enum page_class true_class(const struct comparison *comparison, uint64_t frame)
{
	if (has(comparison, frame, KPF_BUDDY))
		return PAGE_FREE;
	/* Frames without a struct page, or in a memory block that is offline. */
	if (has(comparison, frame, KPF_OFFLINE) || has(comparison, frame, KPF_NOPAGE))
		return PAGE_OFFLINE;
	if (has(comparison, frame, KPF_SLAB)) /* first: on 6.12 some slab pages are flagged as anonymous too */
		return PAGE_SLAB;
	if (has(comparison, frame, KPF_PGTABLE))
		return PAGE_TABLE;
	if (has(comparison, frame, KPF_HUGE) || is_transparent_huge(comparison, frame))
		return PAGE_HUGE;
	if (has(comparison, frame, KPF_SWAPCACHE))
		return PAGE_SWAP_CACHE;
	if (has(comparison, frame, KPF_ANON))
		return PAGE_ANON;
	if (has(comparison, frame, KPF_LRU))
		return has(comparison, frame, KPF_MMAP) ? PAGE_CACHE_MAPPED : PAGE_CACHE;
	return PAGE_UNKNOWN;
}

static enum page_class told_class(const struct comparison *comparison, uint64_t frame)
{
	enum page_class class = (enum page_class)comparison->classes[frame];
	return class == PAGE_RESERVED ? PAGE_OFFLINE : class; /* no struct page, and KPF_NOPAGE, are one */
}

static void show_example(const struct comparison *comparison, uint64_t frame, enum page_class truth)
{
	static int shown;
	if (shown++ < EXAMPLES)
		fprintf(stderr, "frame %#llx: flags %#llx ask for class %d, the agent says %d\n", (unsigned long long)frame,
			(unsigned long long)comparison->flags[frame], truth, comparison->classes[frame]);
}

static void compare(const struct comparison *comparison, struct agreement agreements[PAGE_CLASSES])
{
	for (uint64_t frame = 0; frame < comparison->frames; frame++) {
		if (comparison->flags[frame] == UNTOLD)
			continue;
		enum page_class truth = true_class(comparison, frame), told = told_class(comparison, frame);
		agreements[truth].truth++;
		if (truth == told) {
			agreements[truth].agreed++;
			continue;
		}
		agreements[truth].missed++;
		agreements[told].extra++;
		if (truth != PAGE_UNKNOWN || told != PAGE_KERNEL_OTHER)
			show_example(comparison, frame, truth);
	}
}

static uint64_t count_free_mixed(const struct comparison *comparison, const struct explorer *explorer)
{
	uint64_t mixed = 0, frame = 0, word;
	while ((frame = guest_next_data(comparison->guest, frame)) < comparison->frames) {
		uint64_t end = guest_data_end(comparison->guest, frame);
		for (; frame < end; frame++) {
			const uint8_t *page = explorer_is_free(explorer, frame) ? guest_map(comparison->guest, &frame, 1, NULL) : NULL;
			mixed += page && !page_is_constant(page, &word);
			guest_unmap(comparison->guest, page, 1);
		}
	}
	return mixed;
}

/* The classifier for whole maps and the look at single pages must be of one mind. */
static uint64_t count_self_contradictions(const struct comparison *comparison, const struct explorer *explorer)
{
	uint64_t count = 0;
	for (uint64_t frame = 0; frame < comparison->frames; frame++)
		count += explorer_is_free(explorer, frame) != (comparison->classes[frame] == PAGE_FREE);
	return count;
}

static void report(const struct comparison *comparison, const struct explorer *explorer,
	const struct agreement agreements[PAGE_CLASSES])
{
	static const char *const names[PAGE_CLASSES] = {
		[PAGE_FREE] = "free", [PAGE_ANON] = "anon", [PAGE_CACHE] = "cache", [PAGE_CACHE_MAPPED] = "cacheMapped",
		[PAGE_SWAP_CACHE] = "swapCache", [PAGE_SLAB] = "slab", [PAGE_TABLE] = "pageTable", [PAGE_HUGE] = "huge",
		[PAGE_OFFLINE] = "offline",
	};
	struct json json;
	json_start(&json, "comparison");
	json_string(&json, "kernel", explorer_kernel(explorer));
	json_u64(&json, "levels", comparison->five_levels ? 5 : 4);
	json_u64(&json, "kernelOffset", strtoull(comparison->kernel_offset, NULL, 16));
	json_u64(&json, "sections", explorer_sections(explorer));
	json_u64(&json, "frames", comparison->told);
	json_u64(&json, "account", comparison->account);
	json_u64(&json, "looks", comparison->looks);
	json_u64(&json, "freeMixed", count_free_mixed(comparison, explorer));
	json_u64(&json, "contradictions", count_self_contradictions(comparison, explorer));
	json_open_object(&json, "classes");
	for (int class = 0; class < PAGE_CLASSES; class++) {
		if (!names[class])
			continue;
		json_open_object(&json, names[class]);
		json_u64(&json, "truth", agreements[class].truth);
		json_u64(&json, "agreed", agreements[class].agreed);
		json_u64(&json, "missed", agreements[class].missed);
		json_u64(&json, "extra", agreements[class].extra);
		json_close_object(&json);
	}
	json_close_object(&json);
	json_print(&json);
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct comparison comparison = {0};
	struct agreement agreements[PAGE_CLASSES] = {{0}};
	if (argc != 2 && argc != 4)
		return 2;
	uint64_t hole_first = argc == 4 ? strtoull(argv[2], NULL, 0) : 0, hole_end = argc == 4 ? strtoull(argv[3], NULL, 0) : 0;
	comparison.guest = guest_open_file(argv[1], hole_first, hole_end, &err);
	if (!comparison.guest)
		fail(&err);
	comparison.frames = guest_frames(comparison.guest);
	comparison.flags = malloc(comparison.frames * sizeof(*comparison.flags));
	comparison.classes = malloc(comparison.frames);
	if (!comparison.flags || !comparison.classes)
		return 1;
	memset(comparison.flags, 0xff, comparison.frames * sizeof(*comparison.flags));
	collect(&comparison);
	if (!truth_is_whole(&comparison))
		return NOT_READY;
	struct explorer *explorer = explorer_open(comparison.guest, &err);
	if (!explorer)
		fail(&err);
	explorer_classify(explorer, 0, comparison.frames, comparison.classes);
	compare(&comparison, agreements);
	report(&comparison, explorer, agreements);
	explorer_close(explorer);
	guest_close(comparison.guest);
	free(comparison.flags);
	free(comparison.classes);
	return 0;
}
