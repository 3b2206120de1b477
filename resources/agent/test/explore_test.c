/* explore_test.c - without it, a page in use could be called free and its content be lost in a migration. */
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "explore.h"
#include "fake_kernel.h"
#include "guest_backend.h"

#define BLOCK 0x6000u /* where the tests put things; aligned for every order */

/* --- A PV guest: the same memory, and page tables that hold other numbers --- */

struct pv_guest {
	struct guest guest;
	struct guest *ram;
	const struct fake_kernel *kernel;
};

static struct pv_guest *pv_of(struct guest *guest)
{
	return (struct pv_guest *)guest;
}

static void pv_close(struct guest *guest)
{
	guest_close(pv_of(guest)->ram);
	free(guest);
}

static const uint8_t *pv_map(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	return guest_map(pv_of(guest)->ram, frames, count, failed);
}

static uint64_t pv_next_data(struct guest *guest, uint64_t frame)
{
	return guest_next_data(pv_of(guest)->ram, frame);
}

static uint64_t pv_data_end(struct guest *guest, uint64_t frame)
{
	return guest_data_end(pv_of(guest)->ram, frame);
}

static uint64_t pv_table_frame(struct guest *guest, uint64_t frame)
{
	return frame < guest->frames ? fake_table_frame(pv_of(guest)->kernel, frame) : GUEST_NO_FRAME;
}

static uint64_t pv_frame_of_table(struct guest *guest, uint64_t table_frame)
{
	uint64_t frame = fake_table_frame(pv_of(guest)->kernel, table_frame);
	return frame < guest->frames ? frame : GUEST_NO_FRAME;
}

static const uint8_t *pv_map_table_frames(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	uint64_t *own = malloc(count * sizeof(*own));
	for (size_t i = 0; i < count; i++)
		own[i] = pv_frame_of_table(guest, frames[i]);
	const uint8_t *mapping = pv_map(guest, own, count, failed);
	free(own);
	return mapping;
}

static const struct guest_backend pv_backend = {
	.close = pv_close, .map = pv_map, .next_data = pv_next_data, .data_end = pv_data_end, .table_frame = pv_table_frame,
	.frame_of_table = pv_frame_of_table, .map_table_frames = pv_map_table_frames,
};

static struct guest *open_guest(const struct fake_kernel *kernel)
{
	struct error err = {0};
	struct guest *ram = guest_open_file(kernel->path, 0, 0, &err);
	CHECK(ram, "%s", err.message);
	if (!kernel->machine_mask)
		return ram;
	struct pv_guest *pv = malloc(sizeof(*pv));
	*pv = (struct pv_guest){.guest = {.backend = &pv_backend, .frames = guest_frames(ram)}, .ram = ram, .kernel = kernel};
	return &pv->guest;
}

static struct explorer *open_explorer(struct fake_kernel *kernel, struct guest **guest)
{
	struct error err = {0};
	*guest = open_guest(kernel);
	struct explorer *explorer = explorer_open(*guest, &err);
	CHECK(explorer, "%s", err.message);
	return explorer;
}

static void close_explorer(struct explorer *explorer, struct guest *guest)
{
	explorer_close(explorer);
	guest_close(guest);
}

/* The fast path and the look at one page must agree. */
static void classify_agrees(const struct explorer *explorer, uint64_t first, uint64_t count)
{
	uint8_t classes[4096];
	explorer_classify(explorer, first, count, classes);
	for (uint64_t i = 0; i < count; i++) {
		CHECK(classes[i] == explorer_class(explorer, first + i), "frame %#llx", (unsigned long long)(first + i));
		CHECK((classes[i] == PAGE_FREE) == explorer_is_free(explorer, first + i));
	}
}

static void free_blocks_are_found_exactly(struct fake_kernel *kernel)
{
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);
	for (unsigned order = 0; order < FAKE_ORDERS; order++) {
		uint64_t size = UINT64_C(1) << order;
		fake_free_block(kernel, BLOCK, order);
		for (uint64_t i = 0; i < size; i++)
			CHECK(explorer_is_free(explorer, BLOCK + i), "order %u frame %llu", order, (unsigned long long)i);
		CHECK(!explorer_is_free(explorer, BLOCK + size) && !explorer_is_free(explorer, BLOCK - 1), "order %u", order);
		classify_agrees(explorer, BLOCK - 8, size + 16);
		classify_agrees(explorer, BLOCK + size / 2, size);
		fake_set32(kernel, BLOCK, FAKE_MAPCOUNT, -1);
		CHECK(!explorer_is_free(explorer, BLOCK) && !explorer_is_free(explorer, BLOCK + size - 1), "allocated again");
	}
	close_explorer(explorer, guest);
}

static void doubtful_pages_are_not_free(struct fake_kernel *kernel)
{
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);

	fake_free_block(kernel, BLOCK, 3);
	fake_set64(kernel, BLOCK, FAKE_PRIVATE, FAKE_ORDERS);
	CHECK(!explorer_is_free(explorer, BLOCK), "no block is that large");
	fake_set64(kernel, BLOCK, FAKE_PRIVATE, UINT64_MAX);
	CHECK(!explorer_is_free(explorer, BLOCK));

	fake_free_block(kernel, BLOCK + 4, 2);
	fake_set64(kernel, BLOCK + 4, FAKE_PRIVATE, 3);
	CHECK(!explorer_is_free(explorer, BLOCK + 4), "a block of 8 does not start there");

	fake_free_block(kernel, BLOCK, 3);
	fake_set32(kernel, BLOCK + 5, FAKE_REFCOUNT, 1);
	CHECK(!explorer_is_free(explorer, BLOCK + 5) && explorer_is_free(explorer, BLOCK + 4), "somebody uses it");
	fake_set32(kernel, BLOCK + 5, FAKE_REFCOUNT, 0);
	fake_set32(kernel, BLOCK + 4, FAKE_MAPCOUNT, fake_type(kernel, -129, 0xf0));
	fake_set64(kernel, BLOCK + 4, FAKE_PRIVATE, 0);
	CHECK(!explorer_is_free(explorer, BLOCK + 5), "between two marks of which one must be old");

	CHECK(!explorer_is_free(explorer, kernel->frames) && !explorer_is_free(explorer, UINT64_MAX));
	CHECK(!explorer_knows(explorer, kernel->frames) && explorer_knows(explorer, kernel->frames - 1));
	close_explorer(explorer, guest);
}

static void expect_class(const struct explorer *explorer, uint64_t frame, enum page_class expected, const char *what)
{
	CHECK(explorer_class(explorer, frame) == expected, "%s: class %d", what, explorer_class(explorer, frame));
	CHECK(!explorer_is_free(explorer, frame), "%s", what);
}

static void put(struct fake_kernel *kernel, uint64_t frame, uint64_t flags, uint64_t mapping, int32_t mapcount)
{
	memset(fake_page(kernel, frame), 0, kernel->page_bytes);
	fake_set64(kernel, frame, FAKE_FLAGS, flags);
	fake_set64(kernel, frame, FAKE_MAPPING, mapping);
	fake_set32(kernel, frame, FAKE_MAPCOUNT, mapcount);
	fake_set32(kernel, frame, FAKE_REFCOUNT, 1);
}

static void pages_of_processes_and_files(struct fake_kernel *kernel, const struct explorer *explorer)
{
	uint64_t file = 0xffff888001234560, anon = 0xffff888001234561;
	put(kernel, BLOCK, FAKE_LRU | FAKE_SWAPBACKED, anon, 0);
	expect_class(explorer, BLOCK, PAGE_ANON, "anonymous");
	put(kernel, BLOCK, FAKE_LRU | FAKE_SWAPBACKED | FAKE_SWAPCACHE, anon, 0);
	expect_class(explorer, BLOCK, PAGE_SWAP_CACHE, "swap cache");
	put(kernel, BLOCK, FAKE_LRU, file, -1);
	expect_class(explorer, BLOCK, PAGE_CACHE, "page cache");
	put(kernel, BLOCK, FAKE_LRU, file, 2);
	expect_class(explorer, BLOCK, PAGE_CACHE_MAPPED, "mapped page cache");
	put(kernel, BLOCK, 0, file | 2, -1);
	expect_class(explorer, BLOCK, PAGE_KERNEL_OTHER, "movable driver page");
	put(kernel, BLOCK, 0, 0, -1);
	expect_class(explorer, BLOCK, PAGE_KERNEL_OTHER, "kernel");
	put(kernel, BLOCK, UINT64_MAX, UINT64_MAX, -1);
	expect_class(explorer, BLOCK, PAGE_RESERVED, "never set up");
	CHECK(!explorer_knows(explorer, BLOCK));
}

static void pages_of_the_kernel(struct fake_kernel *kernel, const struct explorer *explorer)
{
	uint64_t slab_flag = kernel->types_in_top_byte ? 0 : FAKE_SLAB;
	put(kernel, BLOCK, slab_flag | FAKE_HEAD, 0xffff888001234561, fake_type(kernel, -1, 0xf5));
	fake_compound(kernel, BLOCK, 8);
	for (uint64_t i = 0; i < 8; i++)
		expect_class(explorer, BLOCK + i, PAGE_SLAB, "slab and its tails");
	classify_agrees(explorer, BLOCK - 4, 16);
	put(kernel, BLOCK, 0, 0, fake_type(kernel, -257, 0xf1));
	expect_class(explorer, BLOCK, PAGE_OFFLINE, "ballooned out");
	put(kernel, BLOCK, 0, 0, fake_type(kernel, -513, 0xf2));
	expect_class(explorer, BLOCK, kernel->types_in_top_byte ? PAGE_TABLE : PAGE_KERNEL_OTHER, "page table");
}

static void huge_pages(struct fake_kernel *kernel, const struct explorer *explorer)
{
	uint64_t anon = 0xffff888001234561;
	put(kernel, BLOCK, FAKE_HEAD | FAKE_LRU | FAKE_SWAPBACKED, anon, 0);
	fake_compound(kernel, BLOCK, 512);
	expect_class(explorer, BLOCK, PAGE_HUGE, "transparent huge page");
	expect_class(explorer, BLOCK + 511, PAGE_HUGE, "its last tail");
	classify_agrees(explorer, BLOCK - 4, 520);
	fake_compound(kernel, BLOCK, 16);
	put(kernel, BLOCK + 511, 0, 0, -1);
	expect_class(explorer, BLOCK, PAGE_ANON, "a large folio is no huge page");
	expect_class(explorer, BLOCK + 15, PAGE_ANON, "its tail");

	put(kernel, BLOCK, FAKE_HEAD, 0, fake_type(kernel, -1, 0xf4));
	fake_compound(kernel, BLOCK, 512);
	if (!kernel->types_in_top_byte)
		*((uint8_t *)fake_page(kernel, BLOCK + 1) + FAKE_DTOR) = FAKE_HUGETLB_DTOR;
	expect_class(explorer, BLOCK, PAGE_HUGE, "hugetlb");
	expect_class(explorer, BLOCK + 300, PAGE_HUGE, "its tail");
	/* Linux 7.1 on: tails hold a mask instead of an address. */
	for (uint64_t i = 1; i < 512; i++)
		fake_set64(kernel, BLOCK + i, FAKE_COMPOUND, ~(UINT64_C(512) * kernel->page_bytes - 1) | 1);
	if (kernel->page_bytes == 64)
		expect_class(explorer, BLOCK + 300, PAGE_HUGE, "tail with a mask");
	fake_set64(kernel, BLOCK + 9, FAKE_COMPOUND, 0x1234567 | 1);
	expect_class(explorer, BLOCK + 9, PAGE_KERNEL_OTHER, "tail of nothing known");
	fake_set64(kernel, BLOCK + 9, FAKE_COMPOUND, fake_page_address(kernel, BLOCK + 20) + 1);
	expect_class(explorer, BLOCK + 9, PAGE_KERNEL_OTHER, "tail before its head");
}

static void classes_are_told_apart(struct fake_kernel *kernel)
{
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);
	pages_of_processes_and_files(kernel, explorer);
	pages_of_the_kernel(kernel, explorer);
	huge_pages(kernel, explorer);
	close_explorer(explorer, guest);
}

static void absent_parts_are_skipped(struct fake_kernel *kernel)
{
	uint64_t gone = 0x100; /* a page of the page array */
	uint64_t first = gone * 4096 / kernel->page_bytes, end = (gone + 1) * 4096 / kernel->page_bytes;
	uint64_t *entry = kernel->small_pages ? fake_entry(kernel, FAKE_VMEMMAP + gone * 4096, 0) : NULL;
	uint64_t before = entry ? *entry : 0;
	if (!entry)
		return;
	*entry = 0;
	fake_free_block(kernel, BLOCK, 10);
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);
	CHECK(explorer_sections(explorer) == kernel->frames / FAKE_SECTION_FRAMES);
	CHECK(!explorer_knows(explorer, first + 1) && explorer_class(explorer, first + 1) == PAGE_RESERVED);
	CHECK(!explorer_is_free(explorer, first + 1));
	CHECK(explorer_knows(explorer, first - 2) && explorer_knows(explorer, end + 1));
	CHECK(explorer_is_free(explorer, BLOCK + 1023));

	*entry = before;
	CHECK(explorer_refresh(explorer) && explorer_knows(explorer, first + 1), "it has come back");
	close_explorer(explorer, guest);

	uint64_t *entries = fake_frame(kernel, FAKE_SECTIONS_FRAME);
	uint64_t second = entries[4];
	entries[4] = 0;
	explorer = open_explorer(kernel, &guest);
	CHECK(explorer_sections(explorer) == 1 && !explorer_knows(explorer, FAKE_SECTION_FRAMES));
	CHECK(explorer_class(explorer, FAKE_SECTION_FRAMES) == PAGE_RESERVED);
	entries[4] = second & ~UINT64_C(4);
	CHECK(explorer_refresh(explorer) && explorer_class(explorer, FAKE_SECTION_FRAMES) == PAGE_OFFLINE, "section offline");
	entries[4] = second;
	close_explorer(explorer, guest);
}

/* What hugetlb's vmemmap optimization does: a page of the page array moves, its old frame serves something else. */
static void a_moved_page_array_is_noticed(struct fake_kernel *kernel)
{
	uint64_t moved = 0x80, at = moved * 4096 / kernel->page_bytes + 8, spare = 0x9000;
	uint64_t *entry = kernel->small_pages ? fake_entry(kernel, FAKE_VMEMMAP + moved * 4096, 0) : NULL;
	if (!entry)
		return;
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);
	CHECK(explorer_refresh(explorer), "nothing has changed");
	uint64_t old = *entry;
	memcpy(fake_frame(kernel, spare), fake_frame(kernel, FAKE_ARRAYS_FRAME + moved), 4096);
	*entry = fake_table_frame(kernel, spare) << 12 | 3;
	fake_free_block(kernel, at, 0);
	CHECK(explorer_is_free(explorer, at), "fooled by what now lies there");
	CHECK(explorer_refresh(explorer) && !explorer_is_free(explorer, at));
	*entry = old;
	put(kernel, at, 0, 0, -1);
	close_explorer(explorer, guest);
}

static void another_kernel_is_noticed(struct fake_kernel *kernel)
{
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);
	char *text = fake_frame(kernel, FAKE_NOTE_FRAME);
	text[strlen("OSRELEASE=")] = '9';
	CHECK(!explorer_refresh(explorer));
	fake_write_note(kernel, FAKE_NOTE_FRAME);
	CHECK(explorer_refresh(explorer));
	uint64_t *entry = fake_entry(kernel, FAKE_TOP_TABLE, 0), before = *entry;
	*entry = 0;
	CHECK(!explorer_refresh(explorer));
	*entry = before;
	close_explorer(explorer, guest);
}

static void a_note_left_over_is_passed_by(struct fake_kernel *kernel)
{
	char *old = fake_frame(kernel, 4);
	fake_write_note(kernel, 4);
	*strstr(old, "a4610000") = 'b'; /* its page table lay elsewhere */
	struct guest *guest;
	struct explorer *explorer = open_explorer(kernel, &guest);
	CHECK(strstr(explorer_kernel(explorer), "-fake"));
	close_explorer(explorer, guest);
	memset(old, 0, 4096);
}

static void what_is_not_understood_is_refused(struct fake_kernel *kernel)
{
	struct error err = {0};
	struct guest *guest = open_guest(kernel);
	char *text = fake_frame(kernel, FAKE_NOTE_FRAME);
	text[0] = 'X';
	CHECK(!explorer_open(guest, &err) && strcmp(err.code, ERR_NOT_UNDERSTOOD) == 0);
	text[0] = 'O';
	fake_set32(kernel, FAKE_NOTE_FRAME, FAKE_REFCOUNT, 0);
	err.code = NULL;
	CHECK(!explorer_open(guest, &err) && strcmp(err.code, ERR_NOT_UNDERSTOOD) == 0, "the note cannot lie in a free page");
	fake_set32(kernel, FAKE_NOTE_FRAME, FAKE_REFCOUNT, 1);
	guest_close(guest);
}

static void explore(struct fake_kernel kernel)
{
	kernel.frames = 2 * FAKE_SECTION_FRAMES;
	fake_kernel_boot(&kernel);
	struct guest *guest;
	struct explorer *explorer = open_explorer(&kernel, &guest);
	CHECK(explorer_sections(explorer) == 2);
	CHECK(strcmp(explorer_kernel(explorer), kernel.types_in_top_byte ? "6.12.0-fake" : "6.1.0-fake") == 0);
	close_explorer(explorer, guest);
	free_blocks_are_found_exactly(&kernel);
	doubtful_pages_are_not_free(&kernel);
	classes_are_told_apart(&kernel);
	absent_parts_are_skipped(&kernel);
	a_moved_page_array_is_noticed(&kernel);
	another_kernel_is_noticed(&kernel);
	a_note_left_over_is_passed_by(&kernel);
	what_is_not_understood_is_refused(&kernel);
	fake_kernel_halt(&kernel);
}

int main(void)
{
	explore((struct fake_kernel){.types_in_top_byte = false, .levels = 4, .page_bytes = 64, .small_pages = true});
	explore((struct fake_kernel){.types_in_top_byte = true, .levels = 5, .page_bytes = 64, .small_pages = false});
	explore((struct fake_kernel){.types_in_top_byte = true, .levels = 4, .page_bytes = 56, .small_pages = true});
	explore((struct fake_kernel){.types_in_top_byte = false, .levels = 4, .page_bytes = 64, .small_pages = true,
		.machine_mask = 0x123a5a5});
	CHECKS_PASSED();
	return 0;
}
