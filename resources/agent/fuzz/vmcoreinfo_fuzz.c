/* vmcoreinfo_fuzz.c - any page of a guest may pose as a note: reading it must neither fault nor accept a senseless layout. */
#include <stdlib.h>
#include <string.h>

#include "kernel_layout.h"
#include "vmcoreinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void field_fits(const struct kernel_layout *layout, uint32_t offset, uint32_t width)
{
	require(offset + width <= layout->page_bytes && offset % width == 0);
}

static void layout_makes_sense(const struct kernel_layout *layout)
{
	require(layout->page_bytes >= 32 && layout->page_bytes <= 256);
	field_fits(layout, layout->flags, 8);
	field_fits(layout, layout->mapping, 8);
	field_fits(layout, layout->private_data, 8);
	field_fits(layout, layout->compound_head, 8);
	field_fits(layout, layout->mapcount, 4);
	field_fits(layout, layout->refcount, 4);
	field_fits(layout, layout->dtor_offset, 1);
	require(layout->orders >= 1 && layout->orders <= layout->section_shift + 1);
	require(layout->section_shift >= 12 && layout->section_shift <= 19);
	require(layout->section_entry_bytes >= 8 && layout->section_map_offset + 8 <= layout->section_entry_bytes);
	require(!page_type_is(layout->buddy, -1) && !page_type_is(layout->buddy, 0));
	require(layout->top_table % 4096 == 0 && (layout->levels == 4 || layout->levels == 5));
	require(memchr(layout->release, 0, sizeof(layout->release)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct vmcoreinfo note;
	struct kernel_layout layout;
	struct error err = {0};
	if (!vmcoreinfo_parse(&note, bytes, length, &err))
		return 0;
	if (kernel_layout_read(&layout, &note, &err))
		layout_makes_sense(&layout);
	else
		require(err.code != NULL && *err.message);
	return 0;
}
