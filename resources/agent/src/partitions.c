#include "partitions.h"

#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "le.h"

#define MBR_SECTOR_BYTES 512u
#define MBR_ENTRIES_AT 446u
#define MBR_ENTRY_BYTES 16u
#define MBR_ENTRIES 4u
#define TYPE_GPT_PROTECTIVE 0xee
#define FIRST_LOGICAL 5u

#define GPT_HEADER_MIN 92u
#define GPT_ENTRY_MIN 128u
#define GPT_ENTRIES_BYTES_MAX (1u << 20)
#define TYPE_GUID_BYTES 16u

struct mbr_entry {
	uint8_t status, type;
	uint64_t first, count; /* sectors */
};

static bool refuse(struct error *err, const char *why)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "%s", why);
}

static bool add_partition(struct partition_table *table, unsigned number, uint64_t offset, uint64_t bytes)
{
	if (table->count == PARTITIONS_MAX)
		return false;
	table->partitions[table->count++] = (struct partition){.number = number, .range = {offset, bytes}};
	return true;
}

/* There is room: for the records of PARTITIONS_MAX logical partitions, or the pieces of a GPT, and the boot sector. */
static void add_range(struct partition_table *table, uint64_t offset, uint64_t bytes)
{
	table->ranges[table->range_count++] = (struct byte_range){offset, bytes};
}

static bool ranges_meet(const struct byte_range *a, const struct byte_range *b)
{
	return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static bool partition_is_alone(const struct partition_table *table, size_t index)
{
	const struct byte_range *range = &table->partitions[index].range;
	for (size_t i = 0; i < index; i++)
		if (ranges_meet(range, &table->partitions[i].range))
			return false;
	for (size_t i = 0; i < table->range_count; i++)
		if (ranges_meet(range, &table->ranges[i]))
			return false;
	return true;
}

static bool partitions_are_apart(const struct partition_table *table, struct error *err)
{
	for (size_t i = 0; i < table->count; i++)
		if (!partition_is_alone(table, i))
			return refuse(err, "partitions overlap each other or the partition table");
	return true;
}

/* --- MBR --- */

static bool read_boot_sector(const struct disk_view *disk, uint64_t sector_number, uint8_t *sector)
{
	return disk_view_read(disk, sector_number * MBR_SECTOR_BYTES, sector, MBR_SECTOR_BYTES)
		&& sector[510] == 0x55 && sector[511] == 0xaa;
}

static struct mbr_entry mbr_entry(const uint8_t *sector, unsigned index)
{
	const uint8_t *entry = sector + MBR_ENTRIES_AT + index * MBR_ENTRY_BYTES;
	return (struct mbr_entry){.status = entry[0], .type = entry[4], .first = le32_load(entry + 8), .count = le32_load(entry + 12)};
}

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static bool sectors_fit(const struct disk_view *disk, uint64_t first, uint64_t count)
{
	uint64_t sectors = disk->bytes / MBR_SECTOR_BYTES;
	return first > 0 && first < sectors && count > 0 && count <= sectors - first;
}

/* The code of a boot loader, or another file system's boot sector, is not a table. */
static bool looks_like_table(const struct disk_view *disk, const uint8_t *sector)
{
	bool any = false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct mbr_entry entry = mbr_entry(sector, i);
		if (entry.status != 0 && entry.status != 0x80)
			return false;
		if (!entry.type)
			continue;
		if (entry.type != TYPE_GPT_PROTECTIVE && !sectors_fit(disk, entry.first, entry.count))
			return false;
		any = true;
	}
	return any;
}

/* Each extended boot record holds one logical partition, counted from the record, and the next record, counted from the
 * start of the extended partition. */
static bool read_logical(const struct disk_view *disk, const struct mbr_entry *extended, unsigned *number,
	struct partition_table *table, struct error *err)
{
	uint8_t sector[MBR_SECTOR_BYTES];
	uint64_t at = extended->first;
	while (table->range_count <= PARTITIONS_MAX) {
		if (!read_boot_sector(disk, at, sector))
			return refuse(err, "a record of the extended partition is damaged");
		add_range(table, at * MBR_SECTOR_BYTES, MBR_SECTOR_BYTES);
		struct mbr_entry logical = mbr_entry(sector, 0), next = mbr_entry(sector, 1);
		if (logical.type && logical.count) {
			if (!sectors_fit(disk, at + logical.first, logical.count)
				|| !add_partition(table, *number, (at + logical.first) * MBR_SECTOR_BYTES, logical.count * MBR_SECTOR_BYTES))
				return refuse(err, "a logical partition lies outside the disk");
			(*number)++;
		}
		if (!next.type || !next.count)
			return true;
		if (!is_extended(next.type) || next.first >= extended->count)
			return refuse(err, "the chain of logical partitions leaves the extended partition");
		at = extended->first + next.first;
	}
	return refuse(err, "the chain of logical partitions does not end");
}

static bool read_mbr(const struct disk_view *disk, const uint8_t *sector, struct partition_table *table, struct error *err)
{
	unsigned logical = FIRST_LOGICAL;
	add_range(table, 0, MBR_SECTOR_BYTES);
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct mbr_entry entry = mbr_entry(sector, i);
		if (!entry.type)
			continue;
		bool good = is_extended(entry.type) ? read_logical(disk, &entry, &logical, table, err)
			: add_partition(table, i + 1, entry.first * MBR_SECTOR_BYTES, entry.count * MBR_SECTOR_BYTES);
		if (!good)
			return refuse(err, "too many partitions");
	}
	return true;
}

/* --- GPT --- */

struct gpt_header {
	uint64_t entries_at; /* bytes */
	uint32_t entries, entry_bytes, entries_crc;
};

static uint32_t gpt_crc(const void *bytes, size_t length)
{
	return ~crc32_update(UINT32_MAX, bytes, length);
}

static bool read_gpt_header(const struct disk_view *disk, uint64_t number, uint32_t sector_bytes, struct gpt_header *header)
{
	uint8_t sector[4096];
	if (!disk_view_read(disk, number * sector_bytes, sector, sector_bytes) || memcmp(sector, "EFI PART", 8) != 0)
		return false;
	uint32_t length = le32_load(sector + 12), crc = le32_load(sector + 16);
	if (length < GPT_HEADER_MIN || length > sector_bytes || le64_load(sector + 24) != number)
		return false;
	le32_store(sector + 16, 0);
	uint64_t first = le64_load(sector + 72);
	*header = (struct gpt_header){
		.entries_at = first * sector_bytes,
		.entries = le32_load(sector + 80),
		.entry_bytes = le32_load(sector + 84),
		.entries_crc = le32_load(sector + 88),
	};
	return gpt_crc(sector, length) == crc && first < disk->bytes / sector_bytes && header->entry_bytes >= GPT_ENTRY_MIN
		&& header->entry_bytes % 8 == 0 && header->entry_bytes <= sector_bytes
		&& (uint64_t)header->entries * header->entry_bytes <= GPT_ENTRIES_BYTES_MAX;
}

static bool take_gpt_entry(const struct disk_view *disk, const uint8_t *entry, uint32_t sector_bytes, unsigned number,
	struct partition_table *table)
{
	static const uint8_t unused[TYPE_GUID_BYTES];
	uint64_t first = le64_load(entry + 32), last = le64_load(entry + 40), sectors = disk->bytes / sector_bytes;
	if (memcmp(entry, unused, sizeof(unused)) == 0)
		return true;
	return first <= last && last < sectors
		&& add_partition(table, number, first * sector_bytes, (last - first + 1) * sector_bytes);
}

static bool take_gpt_entries(const struct disk_view *disk, const struct gpt_header *header, uint32_t sector_bytes,
	struct partition_table *table)
{
	uint32_t length = header->entries * header->entry_bytes;
	uint8_t *entries = malloc(length + 1u);
	bool good = entries && disk_view_read(disk, header->entries_at, entries, length)
		&& gpt_crc(entries, length) == header->entries_crc;
	for (uint32_t i = 0; good && i < header->entries; i++)
		good = take_gpt_entry(disk, entries + (size_t)i * header->entry_bytes, sector_bytes, i + 1, table);
	free(entries);
	return good;
}

/* One of the two copies, `number` being its header's sector. */
static bool read_gpt_copy(const struct disk_view *disk, uint64_t number, uint32_t sector_bytes, struct partition_table *table)
{
	struct gpt_header header;
	table->count = 0;
	if (!read_gpt_header(disk, number, sector_bytes, &header) || !take_gpt_entries(disk, &header, sector_bytes, table))
		return false;
	add_range(table, number * sector_bytes, sector_bytes);
	add_range(table, header.entries_at, (uint64_t)header.entries * header.entry_bytes);
	return true;
}

static bool read_gpt(const struct disk_view *disk, struct partition_table *table, struct error *err)
{
	static const uint32_t sector_sizes[] = {512, 4096};
	add_range(table, 0, MBR_SECTOR_BYTES);
	for (size_t i = 0; i < 2; i++)
		if (read_gpt_copy(disk, 1, sector_sizes[i], table))
			return true;
	table->from_backup = true;
	for (size_t i = 0; i < 2; i++) {
		uint64_t sectors = disk->bytes / sector_sizes[i];
		if (sectors > 2 && read_gpt_copy(disk, sectors - 1, sector_sizes[i], table))
			return true;
	}
	table->count = 0;
	return refuse(err, "both copies of the GPT partition table are damaged");
}

/* --- */

/* What the boot sector says is there; it is left in `sector`. */
static enum table_kind find_kind(const struct disk_view *disk, uint8_t *sector)
{
	if (!read_boot_sector(disk, 0, sector) || !looks_like_table(disk, sector))
		return TABLE_NONE;
	for (unsigned i = 0; i < MBR_ENTRIES; i++)
		if (mbr_entry(sector, i).type == TYPE_GPT_PROTECTIVE)
			return TABLE_GPT;
	return TABLE_MBR;
}

bool partitions_are_there(const struct disk_view *disk)
{
	uint8_t sector[MBR_SECTOR_BYTES];
	return find_kind(disk, sector) != TABLE_NONE;
}

bool partitions_read(const struct disk_view *disk, struct partition_table *table, struct error *err)
{
	uint8_t sector[MBR_SECTOR_BYTES];
	*table = (struct partition_table){.kind = find_kind(disk, sector)};
	if (table->kind == TABLE_NONE)
		return true;
	bool good = table->kind == TABLE_GPT ? read_gpt(disk, table, err) : read_mbr(disk, sector, table, err);
	return good && partitions_are_apart(table, err);
}
