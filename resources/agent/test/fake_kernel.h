/*
 * fake_kernel.h - guest RAM in a memory file, laid out as a Linux kernel would: a VMCOREINFO note, page tables, memory
 * sections and page arrays. Just enough for explore.c to find its way; every struct page starts as "in use by the kernel".
 */
#ifndef ME2_TEST_FAKE_KERNEL_H
#define ME2_TEST_FAKE_KERNEL_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAKE_SECTION_FRAMES 32768u
#define FAKE_NOTE_FRAME 0x20u
#define FAKE_TABLES_FRAME 0x1000u   /* the top page table, the others behind it */
#define FAKE_ROOTS_FRAME 0x2000u    /* pointers to pages full of struct mem_section */
#define FAKE_SECTIONS_FRAME 0x2001u
#define FAKE_ARRAYS_FRAME 0x3000u   /* the page arrays, section after section */

#define FAKE_DIRECT_MAP UINT64_C(0xffff888000000000)
#define FAKE_VMEMMAP UINT64_C(0xffffea0000000000)
#define FAKE_TOP_TABLE UINT64_C(0xffffffffa4610000)

/* Offsets in struct page, flag bits and types. */
enum {
	FAKE_FLAGS = 0, FAKE_COMPOUND = 8, FAKE_DTOR = 16, FAKE_MAPPING = 24, FAKE_PRIVATE = 40, FAKE_MAPCOUNT = 48,
	FAKE_REFCOUNT = 52, FAKE_ORDERS = 11, FAKE_HUGETLB_DTOR = 2
};
#define FAKE_LRU (UINT64_C(1) << 4)
#define FAKE_SLAB (UINT64_C(1) << 9)
#define FAKE_SWAPCACHE (UINT64_C(1) << 10)
#define FAKE_HEAD (UINT64_C(1) << 16)
#define FAKE_SWAPBACKED (UINT64_C(1) << 19)

struct fake_kernel {
	bool types_in_top_byte; /* as Linux 6.12, else as 6.1 */
	unsigned levels;
	uint32_t page_bytes;
	bool small_pages;       /* the page array is mapped by 4 KiB pages, else by 2 MiB pages */
	uint64_t machine_mask;  /* PV: page tables hold machine frames, which are guest frames ^ this; needs small pages */
	uint64_t frames;

	int fd;
	char path[32];
	uint8_t *ram;
	uint64_t next_table;
};

static void *fake_frame(struct fake_kernel *kernel, uint64_t frame)
{
	return kernel->ram + frame * 4096;
}

/* What a page table holds for a frame; and, given that, the frame. */
static uint64_t fake_table_frame(const struct fake_kernel *kernel, uint64_t frame)
{
	return frame ^ kernel->machine_mask;
}

static void *fake_page(struct fake_kernel *kernel, uint64_t frame)
{
	return kernel->ram + FAKE_ARRAYS_FRAME * UINT64_C(4096) + frame * kernel->page_bytes;
}

static void fake_set64(struct fake_kernel *kernel, uint64_t frame, uint32_t offset, uint64_t value)
{
	memcpy((uint8_t *)fake_page(kernel, frame) + offset, &value, sizeof(value));
}

static void fake_set32(struct fake_kernel *kernel, uint64_t frame, uint32_t offset, int32_t value)
{
	memcpy((uint8_t *)fake_page(kernel, frame) + offset, &value, sizeof(value));
}

static int32_t fake_type(const struct fake_kernel *kernel, int32_t old_value, uint32_t top_byte)
{
	return kernel->types_in_top_byte ? (int32_t)(top_byte << 24) : old_value;
}

static inline void fake_free_block(struct fake_kernel *kernel, uint64_t frame, unsigned order)
{
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
		memset(fake_page(kernel, frame + i), 0, kernel->page_bytes);
	fake_set32(kernel, frame, FAKE_MAPCOUNT, fake_type(kernel, -129, 0xf0));
	fake_set64(kernel, frame, FAKE_PRIVATE, order);
}

static uint64_t fake_page_address(const struct fake_kernel *kernel, uint64_t frame)
{
	return FAKE_VMEMMAP + frame * kernel->page_bytes;
}

static inline void fake_compound(struct fake_kernel *kernel, uint64_t head, uint64_t frames)
{
	for (uint64_t i = 1; i < frames; i++) {
		memset(fake_page(kernel, head + i), 0, kernel->page_bytes);
		fake_set64(kernel, head + i, FAKE_COMPOUND, fake_page_address(kernel, head) + 1);
	}
}

/* The page-table entry that maps `address` at `level` (0: 4 KiB), tables on the way made as needed. */
static uint64_t *fake_entry(struct fake_kernel *kernel, uint64_t address, unsigned level)
{
	uint64_t table = FAKE_TABLES_FRAME;
	for (unsigned at = kernel->levels - 1;; at--) {
		uint64_t *entry = (uint64_t *)fake_frame(kernel, table) + ((address >> (12 + 9 * at)) & 511);
		if (at == level)
			return entry;
		if (!*entry)
			*entry = fake_table_frame(kernel, kernel->next_table++) << 12 | 3;
		table = fake_table_frame(kernel, (*entry & UINT64_C(0xffffffffff000)) >> 12);
	}
}

static void fake_map(struct fake_kernel *kernel, uint64_t address, uint64_t frame)
{
	*fake_entry(kernel, address, 0) = fake_table_frame(kernel, frame) << 12 | UINT64_C(0x8000000000000003);
}

static void fake_map_arrays(struct fake_kernel *kernel, uint64_t sections)
{
	uint64_t bytes = sections * FAKE_SECTION_FRAMES * kernel->page_bytes;
	uint64_t step = kernel->small_pages ? 4096 : 0x200000;
	for (uint64_t at = 0; at < bytes; at += step) {
		uint64_t frame = FAKE_ARRAYS_FRAME + at / 4096;
		if (kernel->small_pages)
			fake_map(kernel, FAKE_VMEMMAP + at, frame);
		else
			*fake_entry(kernel, FAKE_VMEMMAP + at, 1) = frame << 12 | 0x83;
	}
}

static void fake_add_sections(struct fake_kernel *kernel, uint64_t sections)
{
	uint64_t roots_address = FAKE_DIRECT_MAP + FAKE_ROOTS_FRAME * UINT64_C(4096);
	uint64_t sections_address = FAKE_DIRECT_MAP + FAKE_SECTIONS_FRAME * UINT64_C(4096);
	fake_map(kernel, roots_address, FAKE_ROOTS_FRAME);
	fake_map(kernel, sections_address, FAKE_SECTIONS_FRAME);
	memcpy(fake_frame(kernel, FAKE_ROOTS_FRAME), &sections_address, 8);
	uint64_t *entries = fake_frame(kernel, FAKE_SECTIONS_FRAME);
	for (uint64_t i = 0; i < sections; i++)
		entries[i * 4] = FAKE_VMEMMAP | 0x7; /* present, has a map, online */
}

static void fake_write_note(struct fake_kernel *kernel, uint64_t frame)
{
	int64_t phys_base = (int64_t)(FAKE_TABLES_FRAME * UINT64_C(4096) - (FAKE_TOP_TABLE - UINT64_C(0xffffffff80000000)));
	char *text = fake_frame(kernel, frame);
	int length = snprintf(text, 4096, "OSRELEASE=%s\nBUILD-ID=00\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=%" PRIx64 "\n"
		"SYMBOL(mem_section)=%" PRIx64 "\nLENGTH(mem_section)=4096\nSIZE(mem_section)=32\n"
		"OFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=27\nSIZE(page)=%u\nOFFSET(page.flags)=%d\n"
		"OFFSET(page._refcount)=%d\nOFFSET(page.mapping)=%d\nOFFSET(page._mapcount)=%d\nOFFSET(page.private)=%d\n"
		"OFFSET(page.compound_head)=%d\nLENGTH(zone.free_area)=%d\nNUMBER(PG_lru)=4\nNUMBER(PG_swapcache)=10\n"
		"NUMBER(PG_swapbacked)=19\nNUMBER(PG_head_mask)=65536\nNUMBER(phys_base)=%" PRId64 "\n"
		"NUMBER(pgtable_l5_enabled)=%d\nNUMBER(sme_mask)=0\n",
		kernel->types_in_top_byte ? "6.12.0-fake" : "6.1.0-fake", FAKE_TOP_TABLE,
		FAKE_DIRECT_MAP + FAKE_ROOTS_FRAME * UINT64_C(4096), kernel->page_bytes, FAKE_FLAGS, FAKE_REFCOUNT, FAKE_MAPPING,
		FAKE_MAPCOUNT, FAKE_PRIVATE, FAKE_COMPOUND, FAKE_ORDERS, phys_base, kernel->levels == 5);
	snprintf(text + length, (size_t)(4096 - length), "%s", kernel->types_in_top_byte
		? "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-251658240\n"
		  "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-201326592\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376\n"
		: "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\nNUMBER(PG_slab)=9\n"
		  "OFFSET(page.compound_dtor)=16\nNUMBER(HUGETLB_PAGE_DTOR)=2\n");
}

/* Settings (all but the last four members) are the caller's; `frames` is a multiple of FAKE_SECTION_FRAMES. */
static void fake_kernel_boot(struct fake_kernel *kernel)
{
	kernel->fd = memfd_create("fake-kernel", MFD_CLOEXEC);
	if (kernel->fd < 0 || ftruncate(kernel->fd, (off_t)(kernel->frames * 4096)) != 0)
		abort();
	snprintf(kernel->path, sizeof(kernel->path), "/proc/self/fd/%d", kernel->fd);
	kernel->ram = mmap(NULL, kernel->frames * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, kernel->fd, 0);
	if (kernel->ram == MAP_FAILED)
		abort();
	kernel->next_table = FAKE_TABLES_FRAME + 1;
	uint64_t sections = kernel->frames / FAKE_SECTION_FRAMES;
	fake_map(kernel, FAKE_TOP_TABLE, FAKE_TABLES_FRAME);
	fake_map_arrays(kernel, sections);
	fake_add_sections(kernel, sections);
	for (uint64_t frame = 0; frame < kernel->frames; frame++) {
		fake_set32(kernel, frame, FAKE_MAPCOUNT, -1);
		fake_set32(kernel, frame, FAKE_REFCOUNT, 1);
	}
	fake_write_note(kernel, FAKE_NOTE_FRAME);
}

static inline void fake_kernel_halt(struct fake_kernel *kernel)
{
	munmap(kernel->ram, kernel->frames * 4096);
	close(kernel->fd);
}

#endif
