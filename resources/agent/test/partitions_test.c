/* partitions_test.c - without it, a damaged partition table could be believed, and a file system be looked for, and its free
 * space left out, where another one has its files. */
#include "check.h"
#include "disk_builder.h"
#include "disk_explore.h"
#include "partitions.h"

#define BYTES (4u << 20)
#define SECTORS (BYTES / 512)

static uint8_t bytes[BYTES];

static uint8_t *sector(uint32_t number)
{
	return bytes + number * UINT64_C(512);
}

static bool read_table(struct partition_table *table)
{
	struct error err = {0};
	struct disk *disk = disk_open_memory(bytes, BYTES);
	struct disk_view view = disk_view_all(disk);
	bool good = partitions_read(&view, table, &err);
	CHECK(good == !err.code);
	CHECK(partitions_are_there(&view) == (table->kind != TABLE_NONE));
	disk_close(disk);
	return good;
}

static bool is_refused(enum table_kind kind)
{
	struct partition_table table;
	return !read_table(&table) && table.kind == kind;
}

static bool has(const struct partition_table *table, size_t index, unsigned number, uint64_t first, uint64_t count)
{
	const struct partition *partition = &table->partitions[index];
	return index < table->count && partition->number == number && partition->range.offset == first * 512
		&& partition->range.bytes == count * 512;
}

/* --- MBR --- */

/* Partition 1, then an extended one with two logical ones whose records are at 1000 and 2000. */
static void build_mbr(void)
{
	memset(bytes, 0, BYTES);
	mbr_entry_build(sector(0), 0, 0x83, 63, 900);
	mbr_entry_build(sector(0), 1, 0x05, 1000, 3000);
	mbr_entry_build(sector(1000), 0, 0x83, 10, 500);
	mbr_entry_build(sector(1000), 1, 0x05, 1000, 1000);
	mbr_entry_build(sector(2000), 0, 0x8e, 1, 100);
}

static void logical_partitions_are_found(void)
{
	struct partition_table table;
	build_mbr();
	CHECK(read_table(&table) && table.kind == TABLE_MBR && table.count == 3);
	CHECK(has(&table, 0, 1, 63, 900) && has(&table, 1, 5, 1010, 500) && has(&table, 2, 6, 2001, 100));
	CHECK(table.range_count == 3 && table.ranges[2].offset == 2000 * 512, "the records are part of the table");
}

/* Records at 1000, 1010 and so on, each with a partition of five sectors. */
static void build_chain(unsigned records)
{
	build_mbr();
	memset(sector(1000), 0, 2000 * 512);
	for (unsigned i = 0; i < records; i++) {
		mbr_entry_build(sector(1000 + 10 * i), 0, 0x83, 5, 5);
		if (i + 1 < records)
			mbr_entry_build(sector(1000 + 10 * i), 1, 0x05, 10 * (i + 1), 10);
	}
}

static void a_chain_may_be_long_and_not_longer(void)
{
	struct partition_table table;
	build_chain(PARTITIONS_MAX - 1);
	CHECK(read_table(&table) && table.count == PARTITIONS_MAX && has(&table, PARTITIONS_MAX - 1, 131, 2265, 5));
	build_chain(PARTITIONS_MAX);
	CHECK(is_refused(TABLE_MBR), "with partition 1, one too many");
	build_chain(PARTITIONS_MAX + 1);
	memset(sector(0) + 446, 0, 16);
	CHECK(is_refused(TABLE_MBR), "a record too many");
}

static void a_chain_that_goes_wrong_is_refused(void)
{
	build_mbr();
	mbr_entry_build(sector(2000), 0, 0, 0, 0);
	mbr_entry_build(sector(2000), 1, 0x05, 1000, 1000);
	CHECK(is_refused(TABLE_MBR), "a record that follows itself");
	mbr_entry_build(sector(2000), 1, 0x05, 0, 1000);
	CHECK(is_refused(TABLE_MBR), "back to the first record");
	mbr_entry_build(sector(2000), 1, 0x05, 3000, 1000);
	mbr_entry_build(sector(4000), 0, 0x83, 1, 10);
	CHECK(is_refused(TABLE_MBR), "out of the extended partition");
	mbr_entry_build(sector(2000), 1, 0x83, 100, 10);
	CHECK(is_refused(TABLE_MBR), "no record");
	build_mbr();
	sector(2000)[510] = 0;
	CHECK(is_refused(TABLE_MBR), "a damaged record");
	build_mbr();
	mbr_entry_build(sector(2000), 0, 0x83, 1, UINT32_MAX);
	CHECK(is_refused(TABLE_MBR), "a logical partition beyond the disk");
}

static void mbr_partitions_that_overlap_are_refused(void)
{
	build_mbr();
	mbr_entry_build(sector(0), 2, 0x83, 962, 20);
	CHECK(is_refused(TABLE_MBR), "the last sector of partition 1");
	mbr_entry_build(sector(0), 2, 0x83, 963, 20);
	struct partition_table table;
	CHECK(read_table(&table) && table.count == 4, "right behind it");
	mbr_entry_build(sector(0), 2, 0x83, 963, 38);
	CHECK(is_refused(TABLE_MBR), "over a record of the extended partition");
	build_mbr();
	mbr_entry_build(sector(1000), 0, 0x83, 0, 500);
	CHECK(is_refused(TABLE_MBR), "a logical partition over its own record");
}

static void boot_code_is_no_table(void)
{
	struct partition_table table;
	build_mbr();
	sector(0)[446] = 0x12;
	CHECK(read_table(&table) && table.kind == TABLE_NONE);
	build_mbr();
	mbr_entry_build(sector(0), 3, 0x83, SECTORS - 10, 11);
	CHECK(read_table(&table) && table.kind == TABLE_NONE, "beyond the disk");
	memset(bytes, 0, 512);
	mbr_entry_build(sector(0), 0, 0, 0, 0);
	CHECK(read_table(&table) && table.kind == TABLE_NONE, "no entry");
}

/* --- GPT --- */

static void build_gpt(void)
{
	memset(bytes, 0, BYTES);
	gpt_build(bytes, BYTES, 64, 2111);
}

static void the_backup_is_read_where_the_first_copy_is_damaged(void)
{
	struct partition_table table;
	build_gpt();
	CHECK(read_table(&table) && table.kind == TABLE_GPT && !table.from_backup && has(&table, 0, 1, 64, 2048) && table.count == 1);
	sector(2)[56] ^= 1;
	CHECK(read_table(&table) && table.from_backup && has(&table, 0, 1, 64, 2048) && table.count == 1, "the entries");
	build_gpt();
	sector(1)[40] ^= 1;
	CHECK(read_table(&table) && table.from_backup && has(&table, 0, 1, 64, 2048), "the header");
	sector(SECTORS - 1)[40] ^= 1;
	CHECK(is_refused(TABLE_GPT), "both");
}

/* Says the same in both copies, with checksums that are right. */
static void store_in_headers(unsigned at, uint64_t value)
{
	le64_store(sector(1) + at, value);
	le64_store(sector(SECTORS - 1) + at, value);
	gpt_seal(bytes, BYTES);
}

static void a_gpt_that_makes_no_sense_is_refused(void)
{
	static const struct {
		unsigned at;
		uint64_t value;
		const char *what;
	} absurd[] = {
		{24, 7, "its own place"}, {72, SECTORS, "entries beyond the disk"}, {72, UINT64_MAX, "entries anywhere"},
		{80, 4 | UINT64_C(64) << 32, "short entries"}, {80, 4 | UINT64_C(132) << 32, "entries that are not aligned"},
		{80, UINT32_MAX | UINT64_C(128) << 32, "too many entries"}, {80, 3 | UINT64_C(0xfffffff8) << 32, "large entries"},
	};
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		build_gpt();
		store_in_headers(absurd[i].at, absurd[i].value);
		CHECK(is_refused(TABLE_GPT), "%s", absurd[i].what);
	}
}

static bool gpt_partition_is_refused(uint64_t first, uint64_t last)
{
	memset(bytes, 0, BYTES);
	gpt_build(bytes, BYTES, first, last);
	return is_refused(TABLE_GPT);
}

static void gpt_partitions_must_lie_apart_on_the_disk(void)
{
	CHECK(gpt_partition_is_refused(64, SECTORS));
	CHECK(gpt_partition_is_refused(64, 63));
	CHECK(gpt_partition_is_refused(0, UINT64_MAX));
	CHECK(gpt_partition_is_refused(2, 2111), "over the entries");
	build_gpt();
	for (unsigned copy = 0; copy < 2; copy++) {
		uint8_t *second = (copy ? sector(SECTORS - 2) : sector(2)) + 128;
		second[0] = 1;
		le64_store(second + 32, 2111);
		le64_store(second + 40, 3000);
	}
	gpt_seal(bytes, BYTES);
	CHECK(is_refused(TABLE_GPT), "over another partition");
}

/* Linux does not look for a GPT then either. */
static void without_its_protective_mbr_nothing_is_free(void)
{
	build_gpt();
	ext_build(sector(64));
	struct disk *disk = disk_open_memory(bytes, BYTES);
	struct error err = {0};
	uint64_t counts[DISK_CLASSES];
	for (unsigned damaged = 0; damaged < 2; damaged++) {
		struct disk_exploration *found = disk_explore(disk, &err);
		block_map_count(found->map, counts);
		CHECK(damaged ? counts[DISK_UNKNOWN] == BYTES / DISK_BLOCK_BYTES : counts[DISK_FREE] > 200);
		disk_exploration_free(found);
		sector(0)[511] = 0;
	}
	disk_close(disk);
}

int main(void)
{
	logical_partitions_are_found();
	a_chain_may_be_long_and_not_longer();
	a_chain_that_goes_wrong_is_refused();
	mbr_partitions_that_overlap_are_refused();
	boot_code_is_no_table();
	the_backup_is_read_where_the_first_copy_is_damaged();
	a_gpt_that_makes_no_sense_is_refused();
	gpt_partitions_must_lie_apart_on_the_disk();
	without_its_protective_mbr_nothing_is_free();
	CHECKS_PASSED();
	return 0;
}
