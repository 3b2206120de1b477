#include "xfs_log.h"

#include "be.h"

#define SECTOR 512u
#define RECORD_MAGIC 0xfeedbabeu
#define RECORD_BYTES_MAX (256u << 10)      /* the largest that is written at once */
#define HEADER_COVERS 32768u               /* bytes of a record that one header sector has the cycle data of */
#define VERSION_2 2u
#define UNMOUNT 0x20u                      /* flag of an operation */
#define IN_FLIGHT_SECTORS 4096u            /* 8 buffers of 256 KiB: what can be under way at once, in any order */

struct log {
	const struct disk_view *view;
	uint64_t offset;
	uint32_t sectors;
};

static bool read_sector(const struct log *log, uint32_t number, uint8_t *to)
{
	return number < log->sectors && disk_view_read(log->view, log->offset + (uint64_t)number * SECTOR, to, SECTOR);
}

static bool read_cycle(const struct log *log, uint32_t number, uint32_t *cycle)
{
	uint8_t sector[SECTOR];
	if (!read_sector(log, number, sector))
		return false;
	*cycle = be32_load(sector);
	if (*cycle == RECORD_MAGIC)
		*cycle = be32_load(sector + 4);
	return true;
}

/* The first sector that the newest cycle has not reached; the log's length where that is the end. */
static bool find_head(const struct log *log, uint32_t *head)
{
	uint32_t newest, cycle, low = 0, high = log->sectors; /* all below `low` are of the newest cycle, `high` is not */
	if (!read_cycle(log, 0, &newest))
		return false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (!read_cycle(log, middle, &cycle) || (cycle != newest && cycle != newest - 1))
			return false;
		if (cycle == newest)
			low = middle + 1;
		else
			high = middle;
	}
	*head = low;
	return true;
}

/* Buffers may reach the disk out of order: no sector soon after the head may be newer than what must be there, and none
 * shortly before it older. */
static bool head_is_firm(const struct log *log, uint32_t head)
{
	uint32_t newest, cycle, span = log->sectors < IN_FLIGHT_SECTORS ? log->sectors : IN_FLIGHT_SECTORS;
	if (!read_cycle(log, 0, &newest))
		return false;
	for (uint32_t i = 0; i < span; i++) {
		uint32_t after = (uint32_t)((head + (uint64_t)i) % log->sectors), before = head - 1 - i;
		if (!read_cycle(log, after, &cycle) || cycle != (after < head ? newest : newest - 1))
			return false;
		if (i < head && (!read_cycle(log, before, &cycle) || cycle != newest))
			return false;
	}
	return true;
}

/* Header sectors of a record. */
static uint32_t header_sectors(const uint8_t *header)
{
	uint32_t bytes = be32_load(header + 320);
	if (!(be32_load(header + 8) & VERSION_2) || bytes <= HEADER_COVERS)
		return 1;
	return bytes <= RECORD_BYTES_MAX ? (bytes + HEADER_COVERS - 1) / HEADER_COVERS : UINT32_MAX / 2;
}

/* Whether the record that begins at `first` with `header` ends at the head and holds an unmount and nothing else. */
static bool is_unmount(const struct log *log, uint32_t first, uint32_t head, const uint8_t *header)
{
	uint8_t operation[SECTOR];
	uint32_t length = be32_load(header + 12), data = first + header_sectors(header);
	return length && length <= RECORD_BYTES_MAX && data < head && data + (length + SECTOR - 1) / SECTOR == head
		&& be32_load(header + 40) == 1 && read_sector(log, data, operation) && (operation[9] & UNMOUNT);
}

bool xfs_log_is_clean(const struct disk_view *view, uint64_t offset, uint64_t bytes)
{
	struct log log = {.view = view, .offset = offset, .sectors = (uint32_t)(bytes / SECTOR)};
	uint8_t sector[SECTOR];
	uint32_t head, back = 2 * RECORD_BYTES_MAX / SECTOR;
	if (bytes / SECTOR > UINT32_MAX / 2 || !find_head(&log, &head) || !head_is_firm(&log, head))
		return false;
	for (uint32_t at = head; at-- > 0 && head - at <= back;) {
		if (!read_sector(&log, at, sector))
			return false;
		if (be32_load(sector) == RECORD_MAGIC)
			return is_unmount(&log, at, head, sector);
	}
	return false;
}
