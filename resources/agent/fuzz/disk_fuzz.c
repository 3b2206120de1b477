/* disk_fuzz.c - a guest writes its disk as it likes: exploring it neither faults nor leaks, ends, and never calls a block free
 * that nothing on the disk calls free. */
#include <stdlib.h>
#include <string.h>

#include "disk_builder.h"
#include "disk_explore.h"

#define DISK_BYTES (2u << 20)
#define PART_AT (64u << 10)
#define PATCH_BYTES 7u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint8_t disk[DISK_BYTES];

static void require(int condition)
{
	if (!condition)
		abort();
}

/* --- Disks to begin with --- */

enum base { BASE_EXT, BASE_EXT_DIRTY, BASE_XFS, BASE_MBR, BASE_GPT, BASE_LVM, BASE_RAW, BASES };

static void build_mbr(void)
{
	mbr_entry_build(disk, 0, 0x83, PART_AT / 512, EXT_BYTES / 512);
	mbr_entry_build(disk, 1, 0x05, 3000, 1000);
	mbr_entry_build(disk + 3000 * 512, 0, 0x82, 8, 80);
	mbr_entry_build(disk + 3000 * 512, 1, 0x05, 100, 200);
	mbr_entry_build(disk + 3100 * 512, 0, 0x83, 8, 100);
	ext_build_dirty(disk + PART_AT);
}

static void build_lvm(void)
{
	lvm_build(disk, DISK_BYTES, "root {\nsegment1 {\nstart_extent = 0\nextent_count = 16\ntype = \"striped\"\nstripe_count = 1\n"
		"stripes = [ \"pv0\", 0 ]\n}\n}\nswap {\nsegment1 {\nstart_extent = 0\nextent_count = 2\ntype = \"striped\"\nstripe_count = 1\n"
		"stripes = [ \"pv0\", 20 ]\n}\n}\n");
	xfs_build(disk + LVM_EXTENT);
}

static void build(enum base base)
{
	memset(disk, 0, sizeof(disk));
	if (base == BASE_EXT)
		ext_build(disk);
	else if (base == BASE_EXT_DIRTY)
		ext_build_dirty(disk);
	else if (base == BASE_XFS)
		xfs_build(disk);
	else if (base == BASE_MBR)
		build_mbr();
	else if (base == BASE_GPT)
		gpt_build(disk, DISK_BYTES, PART_AT / 512, (PART_AT + XFS_BYTES) / 512 - 1);
	else if (base == BASE_LVM)
		build_lvm();
	if (base == BASE_GPT)
		xfs_build(disk + PART_AT);
}

/* Checksums are made right again, so that what lies behind them is reached. */
static void seal(enum base base)
{
	if (base == BASE_EXT || base == BASE_EXT_DIRTY)
		ext_seal(disk);
	else if (base == BASE_XFS)
		xfs_seal(disk);
	else if (base == BASE_MBR)
		ext_seal(disk + PART_AT);
	else if (base == BASE_GPT)
		gpt_seal(disk, DISK_BYTES);
	else if (base == BASE_LVM)
		lvm_seal(disk);
}

/* Each patch: 3 bytes of place, 4 bytes that are written there. */
static void patch(const uint8_t *bytes, size_t length)
{
	for (; length >= PATCH_BYTES; bytes += PATCH_BYTES, length -= PATCH_BYTES)
		memcpy(disk + (bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16) % (DISK_BYTES - 4), bytes + 3, 4);
}

/* --- What must hold of any disk --- */

static void volume_makes_sense(const struct volume *volume)
{
	require(memchr(volume->name, 0, sizeof(volume->name)) && memchr(volume->note, 0, sizeof(volume->note)));
	require(volume->bytes <= DISK_BYTES && volume->free_bytes + volume->doubtful_bytes <= volume->bytes);
	require((volume->state != VOLUME_UNKNOWN && volume->state != VOLUME_DOUBTFUL) || volume->free_bytes == 0);
	require(volume->state != VOLUME_UNKNOWN || *volume->note);
}

static void exploration_makes_sense(const struct disk_exploration *found)
{
	uint64_t counts[DISK_CLASSES], all = 0, free_bytes = 0;
	block_map_count(found->map, counts);
	for (int class = 0; class < DISK_CLASSES; class++)
		all += counts[class];
	for (size_t i = 0; i < found->count; i++) {
		volume_makes_sense(&found->volumes[i]);
		free_bytes += found->volumes[i].free_bytes;
	}
	require(all == DISK_BYTES / DISK_BLOCK_BYTES && counts[DISK_ZERO] == 0);
	require(counts[DISK_FREE] * DISK_BLOCK_BYTES <= free_bytes);
	require(block_map_get(found->map, 0) != DISK_FREE); /* whatever says that others are free is there */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct error err = {0};
	if (length < 2)
		return 0;
	enum base base = bytes[0] % BASES;
	build(base);
	if (base == BASE_RAW)
		memcpy(disk + bytes[1] % 8 * 512, bytes + 2, length - 2 < DISK_BYTES / 2 ? length - 2 : DISK_BYTES / 2);
	else
		patch(bytes + 2, length - 2);
	if (base != BASE_RAW && bytes[1] % 4)
		seal(base);
	struct disk *open = disk_open_memory(disk, DISK_BYTES);
	struct disk_exploration *found = open ? disk_explore(open, &err) : NULL;
	require(found != NULL);
	exploration_makes_sense(found);
	disk_exploration_free(found);
	disk_close(open);
	return 0;
}
