/* vmcoreinfo_test.c - without it, a kernel's own description of itself could be misread and live pages taken for free. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "kernel_layout.h"
#include "vmcoreinfo.h"

static bool parse(struct vmcoreinfo *note, const char *text)
{
	struct error err = {0};
	return vmcoreinfo_parse(note, (const uint8_t *)text, strlen(text), &err);
}

static void load(struct vmcoreinfo *note, const char *path)
{
	uint8_t bytes[VMCOREINFO_BYTES] = {0};
	struct error err = {0};
	FILE *file = fopen(path, "r");
	CHECK(file, "%s", path);
	CHECK(fread(bytes, 1, sizeof(bytes), file) > 1000);
	fclose(file);
	CHECK(vmcoreinfo_parse(note, bytes, sizeof(bytes), &err), "%s: %s", path, err.message);
}

static void values_are_read_in_their_notation(void)
{
	struct vmcoreinfo note;
	uint64_t value;
	int64_t number;
	CHECK(parse(&note, "OSRELEASE=6.1\nPAGESIZE=4096\nSYMBOL(a)=ffffffff81000000\nNUMBER(b)=-129\nNUMBER(c)=0xff8eceb240000000\n"
		"OFFSET(page.flags)=08\nSIZE(page)=64\nLENGTH(zone.free_area)=11\nNUMBER(junk)=12x\nNUMBER(empty)=\nNUMBER(spaced)= 1\n"
		"NUMBER(huge)=99999999999999999999\nNUMBER(last)=7"));
	CHECK(vmcoreinfo_symbol(&note, "a", &value) && value == 0xffffffff81000000);
	CHECK(vmcoreinfo_number(&note, "b", &number) && number == -129);
	CHECK(vmcoreinfo_number(&note, "c", &number) && (uint64_t)number == 0xff8eceb240000000);
	CHECK(vmcoreinfo_offset(&note, "page.flags", &value) && value == 8);
	CHECK(vmcoreinfo_size(&note, "page", &value) && value == 64);
	CHECK(vmcoreinfo_length(&note, "zone.free_area", &value) && value == 11);
	CHECK(vmcoreinfo_number(&note, "last", &number) && number == 7);
	static const char *const unusable[] = {"junk", "empty", "spaced", "huge", "absent", "las"};
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++)
		CHECK(!vmcoreinfo_number(&note, unusable[i], &number), "%s", unusable[i]);
}

static void what_is_no_note_is_refused(void)
{
	struct vmcoreinfo note;
	uint8_t page[VMCOREINFO_BYTES];
	CHECK(!parse(&note, ""));
	CHECK(!parse(&note, "OSRELEASE"));
	CHECK(!parse(&note, "OSRELEASE=6.1\n"));
	CHECK(!parse(&note, "OSRELEASE=6.1\nPAGESIZE=65536\n"));
	CHECK(!parse(&note, "OSRELEASE=6.1\nPAGESIZE=4096\n\x01\n"));
	CHECK(!parse(&note, "XOSRELEASE=6.1\nPAGESIZE=4096\n"));
	memset(page, 'x', sizeof(page)); /* a page without any end */
	memcpy(page, "OSRELEASE=6.1\nPAGESIZE=4096\n", 28);
	CHECK(vmcoreinfo_parse(&note, page, sizeof(page), NULL) && strlen(note.text) == sizeof(page) + 1);
}

static void kernels_are_understood(void)
{
	struct vmcoreinfo note;
	struct kernel_layout layout;
	struct error err = {0};

	load(&note, "fuzz/corpus/vmcoreinfo_fuzz/linux-5.10.txt");
	CHECK(kernel_layout_read(&layout, &note, &err), "%s", err.message);
	CHECK(strcmp(layout.release, "5.10.0-46-amd64") == 0 && layout.levels == 4 && layout.page_bytes == 64);
	CHECK(layout.top_table == 0xffffffffb900a000 - 0xffffffff80000000 - 830472192);
	CHECK(page_type_is(layout.buddy, -129) && !page_type_is(layout.buddy, -1) && !page_type_is(layout.buddy, -257));
	CHECK(page_type_is(layout.offline, -257) && layout.slab_flag == 1 << 9);
	CHECK(layout.has_hugetlb_dtor && layout.dtor_offset == 16 && layout.hugetlb_dtor == 2);

	load(&note, "fuzz/corpus/vmcoreinfo_fuzz/linux-6.1.txt");
	CHECK(kernel_layout_read(&layout, &note, &err), "%s", err.message);
	CHECK(layout.levels == 5 && layout.section_roots == 262144 && layout.section_shift == 15 && layout.orders == 11);
	for (int32_t mapcount = -1024; mapcount < 1024; mapcount++)
		CHECK(!page_type_is(layout.page_table, mapcount) && !page_type_is(layout.slab_type, mapcount), "not published");

	load(&note, "fuzz/corpus/vmcoreinfo_fuzz/linux-6.12.txt");
	CHECK(kernel_layout_read(&layout, &note, &err), "%s", err.message);
	CHECK(page_type_is(layout.buddy, (int32_t)0xf0000000) && page_type_is(layout.buddy, (int32_t)0xf0000123));
	CHECK(page_type_is(layout.slab_type, (int32_t)0xf5000007) && page_type_is(layout.hugetlb_type, (int32_t)0xf4000000));
	CHECK(page_type_is(layout.page_table, (int32_t)0xf2000000) && !page_type_is(layout.page_table, -1));
	CHECK(layout.slab_flag == 0 && !layout.has_hugetlb_dtor && layout.head_mask == 64);
}

/* One line of a good note replaced by another. */
static bool understood_with(const char *line, const char *other)
{
	struct vmcoreinfo note;
	load(&note, "fuzz/corpus/vmcoreinfo_fuzz/linux-6.1.txt");
	char *at = strstr(note.text, line), rest[VMCOREINFO_BYTES];
	CHECK(at, "%s", line);
	snprintf(rest, sizeof(rest), "%s", at + strlen(line));
	snprintf(at, sizeof(note.text) - (size_t)(at - note.text), "%s%s", other, rest);
	struct kernel_layout layout;
	struct error err = {0};
	bool good = kernel_layout_read(&layout, &note, &err);
	CHECK(good || err.code, "a refusal says why");
	return good;
}

static void senseless_layouts_are_refused(void)
{
	CHECK(understood_with("\nSIZE(page)=64\n", "\nSIZE(page)=56\n"));
	CHECK(!understood_with("\nSIZE(page)=64\n", "\nSIZE(page)=16\n"));
	CHECK(!understood_with("\nSIZE(page)=64\n", "\nSIZE(page)=4096\n"));
	CHECK(!understood_with("\nSIZE(page)=64\n", "\nSIZE(page)=63\n"));
	CHECK(!understood_with("\nOFFSET(page._mapcount)=48\n", "\nOFFSET(page._mapcount)=64\n"));
	CHECK(!understood_with("\nOFFSET(page._mapcount)=48\n", "\nOFFSET(page._mapcount)=46\n"));
	CHECK(!understood_with("\nOFFSET(page.private)=40\n", "\nOFFSET(page.private)=18446744073709551608\n"));
	CHECK(!understood_with("\nOFFSET(page.private)=40\n", "\n"));
	CHECK(!understood_with("\nNUMBER(SECTION_SIZE_BITS)=27\n", "\nNUMBER(SECTION_SIZE_BITS)=63\n"));
	CHECK(!understood_with("\nLENGTH(zone.free_area)=11\n", "\nLENGTH(zone.free_area)=40\n"));
	CHECK(!understood_with("\nLENGTH(zone.free_area)=11\n", "\nLENGTH(zone.free_area)=0\n"));
	CHECK(!understood_with("\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n", "\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1\n"));
	CHECK(!understood_with("\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n", "\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=0\n"));
	CHECK(!understood_with("\nNUMBER(phys_base)=-392167424\n", "\nNUMBER(phys_base)=-392167423\n"));
	CHECK(!understood_with("\nSIZE(mem_section)=32\n", "\nSIZE(mem_section)=0\n"));
	CHECK(!understood_with("\nSYMBOL(mem_section)=ff263483cfbc2000\n", "\nSYMBOL(mem_section)=ff263483cfbc2001\n"));
}

int main(void)
{
	values_are_read_in_their_notation();
	what_is_no_note_is_refused();
	kernels_are_understood();
	senseless_layouts_are_refused();
	CHECKS_PASSED();
	return 0;
}
