/*
 * classify_bench.c - how fast an 8 GiB guest's pages are classified, beside reading the same page array once from end to end.
 * The guest is a sparse memory file: its page array is there (128 MiB), what the pages hold is not.
 * Three guests: all free, a mixture as an aged guest has it (blocks of 1 to 64 frames), and nothing but single used pages.
 */
#include <inttypes.h>

#include "../test/fake_kernel.h"
#include "explore.h"
#include "guest.h"
#include "io.h"

#define FRAMES (64u * FAKE_SECTION_FRAMES) /* 8 GiB */
#define BAR_PAGES_PER_SECOND 50e6
#define PASSES 5

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void use(struct fake_kernel *kernel, uint64_t frame, uint64_t kind)
{
	uint64_t mapping = kind == 0 ? 0xffff888001234561 : kind == 1 ? 0xffff888001234560 : 0;
	memset(fake_page(kernel, frame), 0, kernel->page_bytes);
	fake_set64(kernel, frame, FAKE_FLAGS, kind == 2 ? FAKE_SLAB : FAKE_LRU);
	fake_set64(kernel, frame, FAKE_MAPPING, mapping);
	fake_set32(kernel, frame, FAKE_MAPCOUNT, kind == 0 ? 0 : -1);
	fake_set32(kernel, frame, FAKE_REFCOUNT, 1);
}

static void fill_free(struct fake_kernel *kernel)
{
	for (uint64_t frame = 0x40000; frame < FRAMES; frame += 1024)
		fake_free_block(kernel, frame, 10);
}

static void fill_mixed(struct fake_kernel *kernel)
{
	for (uint64_t frame = 0x40000; frame < FRAMES;) {
		unsigned order = (unsigned)(next_random() % 7);
		bool fits = frame % (UINT64_C(1) << order) == 0;
		if (fits && next_random() % 4 == 0) {
			fake_free_block(kernel, frame, order);
			frame += UINT64_C(1) << order;
		} else if (fits && order && next_random() % 4 == 0) {
			use(kernel, frame, 2);
			fake_compound(kernel, frame, UINT64_C(1) << order);
			frame += UINT64_C(1) << order;
		} else {
			use(kernel, frame++, next_random() % 4);
		}
	}
}

static void fill_used(struct fake_kernel *kernel)
{
	for (uint64_t frame = 0x40000; frame < FRAMES; frame++)
		use(kernel, frame, next_random() % 4);
}

static double best_seconds(void (*pass)(void *context), void *context)
{
	double best = 1e9;
	for (int i = 0; i < PASSES; i++) {
		uint64_t began = clock_ns();
		pass(context);
		double seconds = (double)(clock_ns() - began) / 1e9;
		best = seconds < best ? seconds : best;
	}
	return best;
}

struct run {
	const struct explorer *explorer;
	const uint8_t *array;
	uint8_t *classes;
	uint64_t sum;
};

static void classify_all(void *context)
{
	struct run *run = context;
	explorer_classify(run->explorer, 0, FRAMES, run->classes);
}

/* One word of each cache line: what memory alone allows. */
static void read_array(void *context)
{
	struct run *run = context;
	for (uint64_t at = 0; at < FRAMES * UINT64_C(64); at += 64)
		run->sum += *(const volatile uint64_t *)(const void *)(run->array + at);
}

static bool measure(const char *what, void (*fill)(struct fake_kernel *))
{
	struct fake_kernel kernel = {.types_in_top_byte = false, .levels = 4, .page_bytes = 64, .frames = FRAMES};
	struct error err = {0};
	fake_kernel_boot(&kernel);
	fill(&kernel);
	struct guest *guest = guest_open_file(kernel.path, 0, 0, &err);
	struct explorer *explorer = guest ? explorer_open(guest, &err) : NULL;
	struct run run = {.explorer = explorer, .array = fake_page(&kernel, 0), .classes = malloc(FRAMES)};
	if (!explorer || !run.classes) {
		fprintf(stderr, "classify_bench: %s\n", err.message);
		return false;
	}
	double scan = best_seconds(read_array, &run), classify = best_seconds(classify_all, &run);
	double rate = FRAMES / classify;
	printf("classify %-6s %7.1f Mpages/s  (bar %.0f; %.2f of reading one word of every struct page)\n", what, rate / 1e6,
		BAR_PAGES_PER_SECOND / 1e6, scan / classify);
	free(run.classes);
	explorer_close(explorer);
	guest_close(guest);
	fake_kernel_halt(&kernel);
	return true;
}

int main(void)
{
	bool all = measure("free", fill_free) && measure("mixed", fill_mixed) && measure("used", fill_used);
	return all ? 0 : 1;
}
