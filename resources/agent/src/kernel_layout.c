#include "kernel_layout.h"

#include <string.h>

#include "guest.h"

/* Linux, Documentation/arch/x86/x86_64/mm.rst: where the kernel's text is mapped, before the KASLR shift. */
#define KERNEL_TEXT_BASE UINT64_C(0xffffffff80000000)
#define PHYSICAL_LIMIT (UINT64_C(1) << 52)
#define FRAME_SHIFT 12

static bool bad_line(struct error *err, const char *kind, const char *name)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "the guest's kernel does not publish a usable %s(%s)", kind, name);
}

static bool within(uint64_t value, uint64_t minimum, uint64_t maximum)
{
	return value >= minimum && value <= maximum;
}

static bool read_length(const struct vmcoreinfo *note, const char *name, uint64_t maximum, uint64_t *entries,
	struct error *err)
{
	return (vmcoreinfo_length(note, name, entries) && within(*entries, 1, maximum)) || bad_line(err, "LENGTH", name);
}

static bool read_size(const struct vmcoreinfo *note, const char *name, uint64_t minimum, uint64_t maximum,
	uint64_t *bytes, struct error *err)
{
	bool good = vmcoreinfo_size(note, name, bytes) && within(*bytes, minimum, maximum) && *bytes % 8 == 0;
	return good || bad_line(err, "SIZE", name);
}

/* Offset of an aligned field of `width` bytes inside a structure of `whole` bytes. */
static bool read_field(const struct vmcoreinfo *note, const char *name, uint32_t width, uint64_t whole,
	uint32_t *offset, struct error *err)
{
	uint64_t bytes;
	if (!vmcoreinfo_offset(note, name, &bytes) || bytes > whole - width || bytes % width != 0)
		return bad_line(err, "OFFSET", name);
	*offset = (uint32_t)bytes;
	return true;
}

static bool read_translation(struct kernel_layout *layout, const struct vmcoreinfo *note, struct error *err)
{
	uint64_t top;
	int64_t phys_base, five_levels, sme_mask;
	if (!vmcoreinfo_symbol(note, "init_top_pgt", &top) && !vmcoreinfo_symbol(note, "swapper_pg_dir", &top))
		return bad_line(err, "SYMBOL", "init_top_pgt");
	if (!vmcoreinfo_number(note, "phys_base", &phys_base))
		return bad_line(err, "NUMBER", "phys_base");
	layout->top_table_address = top;
	layout->top_table = top - KERNEL_TEXT_BASE + (uint64_t)phys_base;
	if (top < KERNEL_TEXT_BASE || layout->top_table >= PHYSICAL_LIMIT || layout->top_table % PAGE_BYTES != 0)
		return bad_line(err, "SYMBOL", "init_top_pgt");
	layout->levels = vmcoreinfo_number(note, "pgtable_l5_enabled", &five_levels) && five_levels == 1 ? 5 : 4;
	layout->encryption_mask = vmcoreinfo_number(note, "sme_mask", &sme_mask) ? (uint64_t)sme_mask : 0;
	return true;
}

static bool read_sections(struct kernel_layout *layout, const struct vmcoreinfo *note, struct error *err)
{
	uint32_t map_offset;
	int64_t section_bits;
	if (!vmcoreinfo_symbol(note, "mem_section", &layout->section_roots_address)
		|| layout->section_roots_address % 8 != 0)
		return bad_line(err, "SYMBOL", "mem_section");
	if (!read_length(note, "mem_section", UINT64_C(1) << 22, &layout->section_roots, err)
		|| !read_size(note, "mem_section", 8, PAGE_BYTES, &layout->section_entry_bytes, err)
		|| !read_field(note, "mem_section.section_mem_map", 8, layout->section_entry_bytes, &map_offset, err))
		return false;
	/* x86-64 uses 27. A section's page array must be whole pages, and small enough to map. */
	if (!vmcoreinfo_number(note, "SECTION_SIZE_BITS", &section_bits) || section_bits < 24 || section_bits > 31)
		return bad_line(err, "NUMBER", "SECTION_SIZE_BITS");
	layout->section_map_offset = map_offset;
	layout->section_shift = (unsigned)section_bits - FRAME_SHIFT;
	return true;
}

static bool read_struct_page(struct kernel_layout *layout, const struct vmcoreinfo *note, struct error *err)
{
	uint64_t bytes, orders, unused;
	if (!read_size(note, "page", 32, 256, &bytes, err))
		return false;
	layout->page_bytes = (uint32_t)bytes;
	/* Renamed in Linux 7.1, with another meaning that compound_head() in explore.c knows. */
	const char *compound = vmcoreinfo_offset(note, "page.compound_info", &unused) ? "page.compound_info"
		: "page.compound_head";
	if (!read_field(note, "page.flags", 8, bytes, &layout->flags, err)
		|| !read_field(note, "page.mapping", 8, bytes, &layout->mapping, err)
		|| !read_field(note, "page.private", 8, bytes, &layout->private_data, err)
		|| !read_field(note, compound, 8, bytes, &layout->compound_head, err)
		|| !read_field(note, "page._mapcount", 4, bytes, &layout->mapcount, err)
		|| !read_field(note, "page._refcount", 4, bytes, &layout->refcount, err)
		|| !read_length(note, "zone.free_area", layout->section_shift + 1, &orders, err))
		return false;
	layout->orders = (unsigned)orders;
	return true;
}

/* From 6.12 on the type is the top byte, and the rest of the word may be in use. */
static struct page_type page_type_of(int32_t value)
{
	uint32_t bits = (uint32_t)value;
	bool top_byte_only = (bits & 0xffffff) == 0;
	return (struct page_type){.mask = top_byte_only ? 0xff000000 : 0xffffffff, .value = bits};
}

static const struct page_type no_type = {.mask = 0, .value = 1};

/* Type values lie below every count of mappings, which starts at -1. */
static bool read_type(const struct vmcoreinfo *note, const char *name, struct page_type *type)
{
	int64_t value;
	if (!vmcoreinfo_number(note, name, &value) || value < INT32_MIN || value >= -1) {
		*type = no_type;
		return false;
	}
	*type = page_type_of((int32_t)value);
	return true;
}

/* The kernel does not publish the type of page tables, but 6.12 numbered all types anew, in one list: buddy 0xf0, offline
 * 0xf1, table 0xf2, guard 0xf3, hugetlb 0xf4, slab 0xf5. Where the four that are published are these, so is the table's. */
static struct page_type table_type(const struct kernel_layout *layout)
{
	bool same_list = layout->buddy.value == 0xf0000000 && layout->offline.value == 0xf1000000
		&& layout->hugetlb_type.value == 0xf4000000 && layout->slab_type.value == 0xf5000000;
	return same_list ? page_type_of((int32_t)0xf2000000) : no_type;
}

static uint64_t read_flag(const struct vmcoreinfo *note, const char *name)
{
	int64_t bit;
	return vmcoreinfo_number(note, name, &bit) && bit >= 0 && bit < 64 ? UINT64_C(1) << bit : 0;
}

static void read_hugetlb_dtor(struct kernel_layout *layout, const struct vmcoreinfo *note)
{
	int64_t dtor;
	uint32_t offset;
	struct error absent = {0};
	layout->has_hugetlb_dtor = vmcoreinfo_number(note, "HUGETLB_PAGE_DTOR", &dtor) && dtor > 0 && dtor < 256
		&& read_field(note, "page.compound_dtor", 1, layout->page_bytes, &offset, &absent);
	if (layout->has_hugetlb_dtor) {
		layout->dtor_offset = offset;
		layout->hugetlb_dtor = (uint8_t)dtor;
	}
}

static bool read_marks(struct kernel_layout *layout, const struct vmcoreinfo *note, struct error *err)
{
	if (!read_type(note, "PAGE_BUDDY_MAPCOUNT_VALUE", &layout->buddy))
		return bad_line(err, "NUMBER", "PAGE_BUDDY_MAPCOUNT_VALUE");
	read_type(note, "PAGE_OFFLINE_MAPCOUNT_VALUE", &layout->offline);
	read_type(note, "PAGE_SLAB_MAPCOUNT_VALUE", &layout->slab_type);
	read_type(note, "PAGE_HUGETLB_MAPCOUNT_VALUE", &layout->hugetlb_type);
	layout->page_table = table_type(layout);
	layout->lru_flag = read_flag(note, "PG_lru");
	layout->swap_cache_flag = read_flag(note, "PG_swapcache");
	layout->swap_backed_flag = read_flag(note, "PG_swapbacked");
	layout->slab_flag = read_flag(note, "PG_slab");
	int64_t head_mask;
	layout->head_mask = vmcoreinfo_number(note, "PG_head_mask", &head_mask) ? (uint64_t)head_mask : 0;
	read_hugetlb_dtor(layout, note);
	return true;
}

bool kernel_layout_read(struct kernel_layout *layout, const struct vmcoreinfo *note, struct error *err)
{
	memset(layout, 0, sizeof(*layout));
	vmcoreinfo_text(note, "OSRELEASE", layout->release, sizeof(layout->release));
	return read_translation(layout, note, err) && read_sections(layout, note, err)
		&& read_struct_page(layout, note, err) && read_marks(layout, note, err);
}
