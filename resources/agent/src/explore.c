#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "kernel_layout.h"
#include "kernel_memory.h"
#include "vmcoreinfo.h"

#define NO_FRAME UINT64_MAX
#define SCAN_BATCH 512u
#define CANDIDATES_MAX 64u

/* Linux, include/linux/mmzone.h: low bits of section_mem_map, which are no part of the address. */
#define SECTION_HAS_MAP UINT64_C(0x2)
#define SECTION_ONLINE UINT64_C(0x4)
#define SECTION_FLAGS UINT64_C(0x3f)

/* Linux, include/linux/page-flags.h: low bits of page.mapping. */
#define MAPPING_KIND UINT64_C(0x3)
#define MAPPING_ANON UINT64_C(0x1)
#define HUGE_FRAMES 512u /* 2 MiB, the least a huge page has on x86 */

struct section {
	const uint8_t *array;  /* its struct pages, one after another; NULL: none */
	uint64_t address;      /* of the first, in the kernel's address space */
	uint64_t *frames;      /* table frames behind the array, NO_FRAME where there is none */
	bool *missing;         /* array pages that are not mapped; NULL: none is missing */
	bool online;
};

struct explorer {
	struct guest *guest;
	struct vmcoreinfo note;
	uint64_t note_frame;
	struct kernel_layout layout;
	struct kernel_memory memory;
	struct section *sections;
	uint64_t section_count, mapped_sections;
	uint64_t section_mask;      /* frames in a section - 1 */
	uint64_t array_pages;       /* pages of one section's array */
	bool publishes_online;      /* SECTION_ONLINE is in use (since 4.13) */
};

static inline uint64_t load64(const uint8_t *page, uint32_t offset)
{
	return __atomic_load_n((const uint64_t *)(const void *)(page + offset), __ATOMIC_ACQUIRE);
}

static inline int32_t load32(const uint8_t *page, uint32_t offset)
{
	return __atomic_load_n((const int32_t *)(const void *)(page + offset), __ATOMIC_ACQUIRE);
}

static inline const struct section *section_of(const struct explorer *explorer, uint64_t frame)
{
	uint64_t number = frame >> explorer->layout.section_shift;
	if (number >= explorer->section_count || !explorer->sections[number].array)
		return NULL;
	return &explorer->sections[number];
}

/* Struct page number `index` of a section; NULL if it is not mapped. */
static inline const uint8_t *page_in_section(const struct section *section, uint64_t index, uint32_t page_bytes)
{
	uint64_t offset = index * page_bytes, last = offset + page_bytes - 1;
	if (section->missing && (section->missing[offset / PAGE_BYTES] || section->missing[last / PAGE_BYTES]))
		return NULL;
	return section->array + offset;
}

/* The struct page of a frame; NULL if there is none, or it is not mapped. */
static inline const uint8_t *page_at(const struct explorer *explorer, uint64_t frame)
{
	const struct section *section = section_of(explorer, frame);
	return section ? page_in_section(section, frame & explorer->section_mask, explorer->layout.page_bytes) : NULL;
}

/* --- Opening: the note, then the sections --- */

static void release_section(struct explorer *explorer, struct section *section)
{
	guest_unmap(explorer->guest, section->array, explorer->array_pages);
	free(section->frames);
	free(section->missing);
	memset(section, 0, sizeof(*section));
}

/* section_mem_map of one section; 0 if the section does not exist. */
static uint64_t read_section_map(struct explorer *explorer, uint64_t number)
{
	const struct kernel_layout *layout = &explorer->layout;
	uint64_t per_root = PAGE_BYTES / layout->section_entry_bytes, root, map;
	if (number / per_root >= layout->section_roots
		|| !kernel_read(&explorer->memory, layout->section_roots_address + number / per_root * 8, &root) || !root)
		return 0;
	uint64_t entry = root + number % per_root * layout->section_entry_bytes + layout->section_map_offset;
	if (!kernel_read(&explorer->memory, entry, &map) || !(map & SECTION_HAS_MAP))
		return 0;
	return map;
}

static void translate_array(struct explorer *explorer, uint64_t address, uint64_t *frames)
{
	uint64_t physical = 0, run_bytes = 0;
	for (uint64_t i = 0; i < explorer->array_pages; i++, address += PAGE_BYTES) {
		if (run_bytes > PAGE_BYTES) {
			physical += PAGE_BYTES;
			run_bytes -= PAGE_BYTES;
		} else if (!kernel_translate(&explorer->memory, address, &physical, &run_bytes)) {
			run_bytes = 0;
		}
		frames[i] = run_bytes ? physical / PAGE_BYTES : NO_FRAME;
	}
}

/* Takes `frames` over. */
static void map_section(struct explorer *explorer, struct section *section, uint64_t address, uint64_t *frames)
{
	bool *missing = malloc(explorer->array_pages * sizeof(*missing));
	section->address = address;
	section->frames = frames;
	section->array = missing ? guest_map_table_frames(explorer->guest, frames, explorer->array_pages, missing) : NULL;
	if (section->array && memchr(missing, true, explorer->array_pages))
		section->missing = missing;
	else
		free(missing);
}

/* Brings what is known of one section up to date. False only when out of memory. */
static bool update_section(struct explorer *explorer, uint64_t number)
{
	struct section *section = &explorer->sections[number];
	uint64_t map = read_section_map(explorer, number);
	/* The kernel stores the address that frame 0's struct page would have, if the section's array began there. */
	uint64_t address = (map & ~SECTION_FLAGS)
		+ (number << explorer->layout.section_shift) * explorer->layout.page_bytes;
	if (!map || address % PAGE_BYTES != 0) {
		release_section(explorer, section);
		return true;
	}
	uint64_t *frames = malloc(explorer->array_pages * sizeof(*frames));
	if (!frames)
		return false;
	translate_array(explorer, address, frames);
	bool same = section->array && section->address == address
		&& memcmp(section->frames, frames, explorer->array_pages * sizeof(*frames)) == 0;
	if (same) {
		free(frames);
	} else {
		release_section(explorer, section);
		map_section(explorer, section, address, frames);
	}
	section->online = map & SECTION_ONLINE;
	return true;
}

static bool update_sections(struct explorer *explorer)
{
	explorer->mapped_sections = 0;
	for (uint64_t number = 0; number < explorer->section_count; number++) {
		if (!update_section(explorer, number))
			return false;
		explorer->mapped_sections += explorer->sections[number].array != NULL;
	}
	const struct section *home = section_of(explorer, explorer->note_frame);
	explorer->publishes_online = home && home->online;
	return true;
}

/* A note may be left over from a kernel that ran here before: its page table would not map itself. */
static bool table_maps_itself(struct explorer *explorer)
{
	uint64_t top, mapped;
	return kernel_top_table(&explorer->memory, &top)
		&& kernel_translate(&explorer->memory, explorer->layout.top_table_address, &mapped, NULL) && mapped == top;
}

static bool array_makes_sense(struct explorer *explorer)
{
	const uint8_t *page = page_at(explorer, explorer->note_frame);
	return page && load32(page, explorer->layout.refcount) > 0
		&& !page_type_is(explorer->layout.buddy, load32(page, explorer->layout.mapcount));
}

static void forget(struct explorer *explorer)
{
	for (uint64_t i = 0; explorer->sections && i < explorer->section_count; i++)
		release_section(explorer, &explorer->sections[i]);
	free(explorer->sections);
	explorer->sections = NULL;
	if (explorer->memory.guest)
		kernel_memory_release(&explorer->memory);
}

static bool open_note(struct explorer *explorer, const uint8_t *bytes, uint64_t frame, struct error *err)
{
	const struct kernel_layout *layout = &explorer->layout;
	explorer->note_frame = frame;
	if (!vmcoreinfo_parse(&explorer->note, bytes, VMCOREINFO_BYTES, err)
		|| !kernel_layout_read(&explorer->layout, &explorer->note, err))
		return false;
	kernel_memory_init(&explorer->memory, explorer->guest, layout);
	if (!table_maps_itself(explorer))
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "the page tables of the guest's kernel cannot be followed");
	explorer->section_mask = (UINT64_C(1) << layout->section_shift) - 1;
	explorer->array_pages = ((explorer->section_mask + 1) * layout->page_bytes) / PAGE_BYTES;
	explorer->section_count = (guest_frames(explorer->guest) >> layout->section_shift) + 1;
	explorer->sections = calloc(explorer->section_count, sizeof(*explorer->sections));
	if (!explorer->sections || !update_sections(explorer))
		return error_set(err, ERR_SYSTEM, "", "out of memory");
	return array_makes_sense(explorer)
		|| error_set(err, ERR_NOT_UNDERSTOOD, "", "the guest's page array is not where its kernel says");
}

/* Tries every note in `count` frames; *left bounds how many more are worth trying. */
static bool open_in_range(struct explorer *explorer, uint64_t first, size_t count, unsigned *left, struct error *err)
{
	bool failed[SCAN_BATCH], opened = false;
	const uint8_t *bytes = guest_map_range(explorer->guest, first, count, failed);
	if (!bytes)
		return false;
	for (size_t i = 0; i < count && !opened && *left; i++) {
		const uint8_t *page = bytes + i * PAGE_BYTES;
		if (failed[i] || !vmcoreinfo_starts(page, PAGE_BYTES))
			continue;
		opened = open_note(explorer, page, first + i, err);
		if (!opened)
			forget(explorer);
		--*left;
	}
	guest_unmap(explorer->guest, bytes, count);
	return opened;
}

static bool find_and_open(struct explorer *explorer, struct error *err)
{
	uint64_t frames = guest_frames(explorer->guest), frame = 0;
	unsigned left = CANDIDATES_MAX;
	while ((frame = guest_next_data(explorer->guest, frame)) < frames && left) {
		uint64_t run = guest_data_end(explorer->guest, frame) - frame;
		size_t count = run < SCAN_BATCH ? (size_t)run : SCAN_BATCH;
		struct error why = {0};
		if (open_in_range(explorer, frame, count, &left, &why))
			return true;
		if (why.code)
			error_set(err, why.code, why.action, "%s", why.message);
		frame += count;
	}
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "no VMCOREINFO note in the guest's memory: not Linux, or not booted yet");
}

struct explorer *explorer_open(struct guest *guest, struct error *err)
{
	struct explorer *explorer = calloc(1, sizeof(*explorer));
	if (!explorer) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	explorer->guest = guest;
	struct error why = {0};
	if (find_and_open(explorer, &why))
		return explorer;
	error_set(err, why.code, why.action, "%s", why.message);
	free(explorer);
	return NULL;
}

void explorer_close(struct explorer *explorer)
{
	if (!explorer)
		return;
	forget(explorer);
	free(explorer);
}

static bool note_is_unchanged(struct explorer *explorer)
{
	const uint8_t *bytes = guest_map(explorer->guest, &explorer->note_frame, 1, NULL);
	if (!bytes)
		return false;
	struct vmcoreinfo note;
	struct error unread = {0};
	bool same = vmcoreinfo_parse(&note, bytes, VMCOREINFO_BYTES, &unread)
		&& strcmp(note.text, explorer->note.text) == 0;
	guest_unmap(explorer->guest, bytes, 1);
	return same;
}

bool explorer_refresh(struct explorer *explorer)
{
	return note_is_unchanged(explorer) && table_maps_itself(explorer) && update_sections(explorer)
		&& array_makes_sense(explorer);
}

struct kernel_memory *explorer_memory(struct explorer *explorer)
{
	return &explorer->memory;
}

const struct vmcoreinfo *explorer_note(const struct explorer *explorer)
{
	return &explorer->note;
}

const char *explorer_kernel(const struct explorer *explorer)
{
	return explorer->layout.release;
}

uint64_t explorer_sections(const struct explorer *explorer)
{
	return explorer->mapped_sections;
}

/* --- Free pages --- */

/* If `page`, the struct page of `frame`, heads a block of the buddy allocator right now: its frames, else 0. The guest runs
 * meanwhile, so the mark and the order are read twice. */
static inline uint64_t buddy_frames(const struct kernel_layout *layout, uint64_t frame, const uint8_t *page)
{
	if (!page_type_is(layout->buddy, load32(page, layout->mapcount)))
		return 0;
	uint64_t order = load64(page, layout->private_data);
	if (order >= layout->orders || (frame & ((UINT64_C(1) << order) - 1)) != 0)
		return 0;
	bool still = page_type_is(layout->buddy, load32(page, layout->mapcount))
		&& load64(page, layout->private_data) == order;
	return still ? UINT64_C(1) << order : 0;
}

/* Frames from `frame` to the end of the free block it lies in; 0 if it lies in none. */
static uint64_t free_frames_from(const struct explorer *explorer, uint64_t frame)
{
	uint64_t head = NO_FRAME;
	for (unsigned order = 0; order < explorer->layout.orders; order++) {
		uint64_t next = frame & ~((UINT64_C(1) << order) - 1);
		if (next == head)
			continue;
		head = next;
		const uint8_t *page = page_at(explorer, head);
		if (!page)
			return 0;
		uint64_t frames = buddy_frames(&explorer->layout, head, page);
		if (frames)
			return head + frames > frame ? head + frames - frame : 0;
	}
	return 0;
}

bool explorer_is_free(const struct explorer *explorer, uint64_t frame)
{
	const uint8_t *page = page_at(explorer, frame);
	return page && load32(page, explorer->layout.refcount) == 0 && free_frames_from(explorer, frame) > 0;
}

/* --- Classes --- */

/* A struct page that was never set up is all ones (PAGE_POISON_PATTERN). */
static inline bool is_set_up(const struct explorer *explorer, const uint8_t *page)
{
	return page && load64(page, explorer->layout.flags) != UINT64_MAX;
}

bool explorer_knows(const struct explorer *explorer, uint64_t frame)
{
	return is_set_up(explorer, page_at(explorer, frame));
}

static uint64_t page_address(const struct explorer *explorer, const struct section *section, uint64_t frame)
{
	return section->address + (frame & explorer->section_mask) * explorer->layout.page_bytes;
}

/* Up to Linux 7.0, and where HugeTLB optimization is not built in, a tail page holds its head's address + 1. Otherwise it
 * holds a mask that turns its own address into the head's: no struct page lies that near the top of the address space. */
static inline bool link_is_mask(uint64_t link)
{
	return link >> 32 == 0xffffffff;
}

/* The frame at the head of the compound page that `frame` belongs to: itself, unless it is a tail. NO_FRAME: unclear. */
static uint64_t compound_head(const struct explorer *explorer, uint64_t frame, uint64_t link)
{
	const struct section *section = section_of(explorer, frame);
	if (!(link & 1))
		return frame;
	if (!section)
		return NO_FRAME;
	uint64_t address = page_address(explorer, section, frame);
	uint64_t head_address = link_is_mask(link) ? address & link : link - 1;
	uint64_t distance = (address - head_address) / explorer->layout.page_bytes;
	if (distance > frame)
		return NO_FRAME;
	const struct section *head_section = section_of(explorer, frame - distance);
	bool consistent = head_section && page_address(explorer, head_section, frame - distance) == head_address;
	return consistent ? frame - distance : NO_FRAME;
}

static bool spans_huge_page(const struct explorer *explorer, uint64_t head)
{
	const uint8_t *last = page_at(explorer, head + HUGE_FRAMES - 1);
	if (head % HUGE_FRAMES != 0 || !last)
		return false;
	uint64_t link = load64(last, explorer->layout.compound_head);
	return (link & 1) && compound_head(explorer, head + HUGE_FRAMES - 1, link) == head;
}

static bool is_hugetlb(const struct explorer *explorer, uint64_t head, uint64_t flags)
{
	const struct kernel_layout *layout = &explorer->layout;
	if (!layout->has_hugetlb_dtor || !(flags & layout->head_mask))
		return false;
	const uint8_t *tail = page_at(explorer, head + 1);
	return tail && tail[layout->dtor_offset] == layout->hugetlb_dtor;
}

/* Pages of processes and files: whom the kernel would ask to write them out. */
static inline enum page_class content_class(const struct kernel_layout *layout, uint64_t flags, uint64_t mapping,
	int32_t mapcount)
{
	uint64_t swap_flags = layout->swap_cache_flag | layout->swap_backed_flag;
	if (layout->swap_cache_flag && (flags & swap_flags) == swap_flags)
		return PAGE_SWAP_CACHE;
	if (mapping & MAPPING_ANON)
		return PAGE_ANON;
	bool in_cache = (mapping & MAPPING_KIND) == 0 && (int64_t)mapping < 0;
	if (!in_cache)
		return PAGE_KERNEL_OTHER;
	return mapcount >= 0 ? PAGE_CACHE_MAPPED : PAGE_CACHE;
}

/* Pages whose _mapcount is a type instead of a count. */
static enum page_class typed_class(const struct kernel_layout *layout, int32_t mapcount)
{
	if (page_type_is(layout->offline, mapcount))
		return PAGE_OFFLINE;
	if (page_type_is(layout->slab_type, mapcount))
		return PAGE_SLAB;
	if (page_type_is(layout->page_table, mapcount))
		return PAGE_TABLE;
	return page_type_is(layout->hugetlb_type, mapcount) ? PAGE_HUGE : PAGE_KERNEL_OTHER;
}

static enum page_class compound_class(const struct explorer *explorer, uint64_t head, uint64_t flags,
	enum page_class content)
{
	if (is_hugetlb(explorer, head, flags))
		return PAGE_HUGE;
	return content != PAGE_KERNEL_OTHER && spans_huge_page(explorer, head) ? PAGE_HUGE : content;
}

/* Class of a page that is not free and not a tail. `layout` is the explorer's, or a copy. */
static inline enum page_class head_class(const struct explorer *explorer, const struct kernel_layout *layout,
	uint64_t frame, const uint8_t *page)
{
	uint64_t flags = load64(page, layout->flags);
	int32_t mapcount = load32(page, layout->mapcount);
	if (flags == UINT64_MAX)
		return PAGE_RESERVED;
	if (flags & layout->slab_flag)
		return PAGE_SLAB;
	if (mapcount < -1)
		return typed_class(layout, mapcount);
	enum page_class content = content_class(layout, flags, load64(page, layout->mapping), mapcount);
	return flags & layout->head_mask ? compound_class(explorer, frame, flags, content) : content;
}

static enum page_class tail_class(const struct explorer *explorer, uint64_t frame, uint64_t link)
{
	uint64_t head = compound_head(explorer, frame, link);
	const uint8_t *page = head == NO_FRAME ? NULL : page_at(explorer, head);
	return page ? head_class(explorer, &explorer->layout, head, page) : PAGE_KERNEL_OTHER;
}

/* The tails of one compound page come in a row and share its class. */
struct last_compound {
	uint64_t link;
	enum page_class class;
};

static inline enum page_class used_class(const struct explorer *explorer, const struct kernel_layout *layout,
	uint64_t frame, const uint8_t *page, struct last_compound *last)
{
	uint64_t link = load64(page, layout->compound_head);
	if (!(link & 1))
		return head_class(explorer, layout, frame, page);
	if (load64(page, layout->flags) == UINT64_MAX)
		return PAGE_RESERVED;
	if (link != last->link || link_is_mask(link))
		*last = (struct last_compound){.link = link, .class = tail_class(explorer, frame, link)};
	return last->class;
}

/* Frames of one section that has a page array. */
static void classify_online(const struct explorer *explorer, uint64_t first, uint64_t count, uint8_t *classes)
{
	const struct kernel_layout layout = explorer->layout; /* copies, which no store below can change */
	const struct section section = *section_of(explorer, first);
	uint64_t index = first & explorer->section_mask;
	struct last_compound last = {0};
	uint64_t run = free_frames_from(explorer, first);
	for (uint64_t done = 0; done < count;) {
		const uint8_t *page = page_in_section(&section, index + done, layout.page_bytes);
		if (page && !run)
			run = buddy_frames(&layout, first + done, page);
		if (run) {
			run = run < count - done ? run : count - done;
			memset(classes + done, PAGE_FREE, run);
			done += run;
			run = 0;
			continue;
		}
		classes[done] = page ? (uint8_t)used_class(explorer, &layout, first + done, page, &last) : PAGE_RESERVED;
		done++;
	}
}

void explorer_classify(const struct explorer *explorer, uint64_t first, uint64_t count, uint8_t *classes)
{
	while (count) {
		uint64_t left = explorer->section_mask + 1 - (first & explorer->section_mask);
		uint64_t part = left < count ? left : count;
		const struct section *section = section_of(explorer, first);
		if (!section)
			memset(classes, PAGE_RESERVED, part);
		else if (explorer->publishes_online && !section->online)
			memset(classes, PAGE_OFFLINE, part);
		else
			classify_online(explorer, first, part, classes);
		first += part;
		count -= part;
		classes += part;
	}
}

enum page_class explorer_class(const struct explorer *explorer, uint64_t frame)
{
	uint8_t class;
	explorer_classify(explorer, frame, 1, &class);
	return (enum page_class)class;
}
