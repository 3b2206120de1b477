/* disk_explore_test.c - without it, a damaged file system could be believed, and blocks that hold files be called free. */
#include "check.h"
#include "disk_builder.h"
#include "disk_explore.h"

#define BYTES (1u << 20)
#define BLOCKS (BYTES / DISK_BLOCK_BYTES)
#define EXT_FREE_BYTES ((374u + 509u) * EXT_BLOCK)
#define EXT_GROUP_1_FREE_BYTES (509u * EXT_BLOCK)
#define EXT_FREE_BLOCKS 220u

static uint8_t bytes[BYTES];

struct result {
	struct volume volume; /* the first */
	size_t volumes;
	uint64_t counts[DISK_CLASSES];
	enum disk_class classes[BLOCKS];
};

static struct result explore(void)
{
	struct error err = {0};
	struct result result;
	struct disk *disk = disk_open_memory(bytes, BYTES);
	struct disk_exploration *found = disk_explore(disk, &err);
	CHECK(found && found->count > 0);
	result.volume = found->volumes[0];
	result.volumes = found->count;
	block_map_count(found->map, result.counts);
	for (uint64_t i = 0; i < BLOCKS; i++)
		result.classes[i] = block_map_get(found->map, i);
	disk_exploration_free(found);
	disk_close(disk);
	return result;
}

static void build(void (*how)(uint8_t *))
{
	memset(bytes, 0, BYTES);
	how(bytes);
}

static bool all_is_unknown(void)
{
	struct result result = explore();
	return result.volume.state == VOLUME_UNKNOWN && result.counts[DISK_UNKNOWN] == BLOCKS && *result.volume.note;
}

/* Nothing is free, and what looks free is shown as that. */
static bool is_doubtful(void)
{
	struct result result = explore();
	return result.volume.state == VOLUME_DOUBTFUL && !result.counts[DISK_FREE] && !result.volume.free_bytes
		&& result.counts[DISK_DOUBTFUL] && *result.volume.note;
}

/* --- ext --- */

static void ext_is_understood(void)
{
	build(ext_build);
	struct result result = explore();
	CHECK(result.volume.state == VOLUME_CLEAN && strcmp(result.volume.kind, "ext4") == 0 && !*result.volume.note);
	CHECK(result.volume.free_bytes == EXT_FREE_BYTES && result.counts[DISK_FREE] == EXT_FREE_BLOCKS, "%u", (unsigned)result.counts[DISK_FREE]);
	CHECK(result.classes[0] == DISK_METADATA && result.classes[8] == DISK_JOURNAL && result.classes[32] == DISK_DATA);
	CHECK(result.classes[48] == DISK_FREE && result.classes[128] == DISK_METADATA, "a copy of the superblock");
}

/* The blocks that a committed transaction allocated look free in their group's bitmap. */
static void ext_journal_is_applied(void)
{
	build(ext_build_dirty);
	struct result result = explore();
	CHECK(result.volume.state == VOLUME_REPLAYED && result.counts[DISK_FREE] == EXT_FREE_BLOCKS - 2);
	CHECK(result.classes[48] == DISK_DATA && result.classes[49] == DISK_DATA && result.classes[50] == DISK_FREE);
	bytes[(EXT_JOURNAL_FIRST + 5) * EXT_BLOCK + 200] ^= 1; /* its commit record */
	CHECK(is_doubtful());
	build(ext_build_dirty);
	bytes[(EXT_JOURNAL_FIRST + 4) * EXT_BLOCK + 200] ^= 1; /* the bitmap in it */
	result = explore();
	CHECK(result.classes[50] == DISK_UNKNOWN && result.volume.free_bytes == EXT_GROUP_1_FREE_BYTES);
	build(ext_build_dirty);
	memset(ext_block(bytes, 5) + 7 * 128, 0, 128);
	CHECK(is_doubtful(), "no journal's file");
}

static void a_damaged_group_is_unknown_and_the_others_are_not(void)
{
	static const struct {
		unsigned at;
		uint8_t value;
		bool sealed;
		const char *what;
	} damages[] = {
		{3 * EXT_BLOCK + 15, 0x40, false, "another block in use: the bitmap's checksum"}, {3 * EXT_BLOCK + 40, 0xff, true, "more used than are counted"},
		{2 * EXT_BLOCK + 0xc, 0, true, "fewer free than the bitmap says"}, {2 * EXT_BLOCK + 8, 6, false, "another inode table: the descriptor's checksum"},
		{2 * EXT_BLOCK + 3, 1, true, "a bitmap far away"}, {2 * EXT_BLOCK, 0, true, "a bitmap before the first block"},
		{2 * EXT_BLOCK + 0x23, 1, true, "a bitmap beyond 32 bits"}, {2 * EXT_BLOCK + 0xb, 1, true, "an inode table far away"},
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		build(ext_build);
		bytes[damages[i].at] = damages[i].value;
		if (damages[i].sealed)
			ext_seal(bytes);
		struct result result = explore();
		CHECK(result.volume.free_bytes == EXT_GROUP_1_FREE_BYTES && *result.volume.note, "%s", damages[i].what);
		CHECK(result.classes[50] == DISK_UNKNOWN && result.classes[200] == DISK_FREE, "%s", damages[i].what);
	}
}

static void a_superblock_that_makes_no_sense_is_unknown(void)
{
	static const struct {
		unsigned at;
		uint32_t value;
		const char *what;
	} absurd[] = {
		{0x04, EXT_BYTES / EXT_BLOCK + 1, "more blocks than the disk has"}, {0x04, 0, "no blocks"}, {0x150, 1, "2^32 blocks"},
		{0x14, 2, "the first block"}, {0x18, 7, "the size of blocks"}, {0x18, UINT32_MAX, "the size of blocks"},
		{0x20, 0, "no blocks in a group"}, {0x20, 8, "tiny groups"}, {0x20, 8200, "more blocks than bits"}, {0x20, 509, "no whole bytes"},
		{0x28, 0, "no inodes"}, {0x28, UINT32_MAX, "too many inodes"}, {0x28, 8192, "an inode table larger than its group"},
		{0x58, 0, "the size of inodes"}, {0x58, 192, "the size of inodes"}, {0x58, 2048, "the size of inodes"},
		{0xfc, 0, "the size of descriptors"}, {0xfc, 48u << 16, "the size of descriptors"}, {0xcc, 0xffffu << 16, "room for descriptors"},
		{0x60, 0x2c2 | 0x1, "compression"}, {0x60, 0x80000000, "an unknown feature"}, {0x64, 0x401 | 0x80, "an unknown feature"},
	};
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		build(ext_build);
		le32_store(bytes + 1024 + absurd[i].at, absurd[i].value);
		ext_seal(bytes);
		CHECK(all_is_unknown(), "%s: %#x", absurd[i].what, absurd[i].value);
	}
	build(ext_build);
	bytes[1024 + 0x88] ^= 1;
	CHECK(all_is_unknown(), "the superblock's checksum");
}

static void ext_in_doubt_has_no_free_block(void)
{
	build(ext_build);
	le16_store(bytes + 1024 + 0x3a, 3);
	ext_seal(bytes);
	CHECK(is_doubtful(), "errors on record");
	build(ext_build);
	le16_store(bytes + 1024 + 0x3a, 0);
	ext_seal(bytes);
	CHECK(is_doubtful(), "in use, and no journal in use");
	build(ext_build_dirty);
	le32_store(bytes + 1024 + 0x5c, 0x404);
	ext_seal(bytes);
	CHECK(is_doubtful(), "fast commits");
}

/* --- XFS --- */

static void xfs_is_understood(void)
{
	build(xfs_build);
	struct result result = explore();
	CHECK(result.volume.state == VOLUME_CLEAN && strcmp(result.volume.kind, "xfs") == 0 && !*result.volume.note);
	CHECK(result.volume.free_bytes == 2 * XFS_FREE_BLOCKS * XFS_BLOCK && result.counts[DISK_FREE] == 2 * XFS_FREE_BLOCKS / 4);
	CHECK(result.classes[0] == DISK_METADATA && result.classes[4] == DISK_FREE && result.classes[5] == DISK_DATA);
	CHECK(result.classes[64] == DISK_JOURNAL && result.classes[132] == DISK_FREE);
}

static void xfs_without_an_unmount_has_no_free_block(void)
{
	uint8_t *header;
	build(xfs_build);
	header = xfs_block(bytes, 0, XFS_LOG_FIRST);
	header[512 + 9] = 0;
	CHECK(is_doubtful(), "the last record is no unmount");
	build(xfs_build);
	be32_store(header + 1024, 1);
	CHECK(is_doubtful(), "a sector was written behind it");
	build(xfs_build);
	be32_store(header + 40 * 512, 1);
	CHECK(is_doubtful(), "a sector was written far behind it");
	build(xfs_build);
	memset(header, 0, 1024);
	CHECK(is_doubtful(), "no record at all");
	build(xfs_build);
	be64_store(bytes + 48, 0);
	xfs_seal(bytes);
	CHECK(is_doubtful(), "a log on another device");
}

static void a_damaged_allocation_group_is_unknown(void)
{
	static const struct {
		unsigned at; /* within group 0 */
		uint32_t value;
		const char *what;
	} damages[] = {
		{512 + 8, 1, "another group's AGF"}, {512 + 12, 511, "its length"}, {512 + 16, 512, "a root beyond the group"},
		{512 + 16, 0, "no root"}, {512 + 28, 0, "no tree"}, {512 + 28, 11, "a tree too high"}, {512 + 28, 3, "a tree higher than it is"},
		{512 + 52, XFS_FREE_BLOCKS - 1, "what it counts"}, {5 * 1024 + 12, 5, "a leaf that follows itself"},
		{5 * 1024 + 12, UINT32_MAX, "a chain that ends early"}, {5 * 1024 + 56, 0, "free space over the headers"},
		{5 * 1024 + 64, 19, "free space that overlaps"}, {6 * 1024 + 56 + 13 * 8, 510, "free space beyond the group"},
		{5 * 1024 + 60, UINT32_MAX, "too long an extent"}, {5 * 1024 + 4, 0xffff, "too many records"}, {5 * 1024 + 48, 1, "another owner"},
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		build(xfs_build);
		be32_store(bytes + damages[i].at, damages[i].value);
		xfs_seal(bytes);
		struct result result = explore();
		CHECK(result.volume.free_bytes == XFS_FREE_BLOCKS * XFS_BLOCK && *result.volume.note, "%s", damages[i].what);
		CHECK(result.classes[4] == DISK_UNKNOWN && result.classes[132] == DISK_FREE, "%s", damages[i].what);
	}
	build(xfs_build);
	bytes[6 * 1024 + 1000] ^= 1;
	CHECK(explore().classes[4] == DISK_UNKNOWN, "a leaf's checksum");
}

/* --- Swap --- */

static void build_swap(uint8_t *disk, uint32_t last_page)
{
	le32_store(disk + 1024, 1);
	le32_store(disk + 1028, last_page);
	memset(disk + 1036, 0xee, 16);
	memcpy(disk + 4086, "SWAPSPACE2", 10);
}

static void swap_is_recognised(void)
{
	memset(bytes, 0, BYTES);
	build_swap(bytes, BLOCKS - 3);
	struct result result = explore();
	CHECK(strcmp(result.volume.kind, "swap") == 0 && result.volume.state == VOLUME_CLEAN);
	CHECK(result.counts[DISK_SWAP] == BLOCKS - 3 && result.classes[0] == DISK_METADATA && result.classes[BLOCKS - 2] == DISK_UNKNOWN);
	CHECK(strcmp(result.volume.uuid, "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee") == 0);
	static const uint32_t senseless[] = {0, BLOCKS, UINT32_MAX};
	for (size_t i = 0; i < 3; i++) {
		build_swap(bytes, senseless[i]);
		CHECK(all_is_unknown(), "%#x pages", senseless[i]);
	}
	build_swap(bytes, BLOCKS - 1);
	le32_store(bytes + 1024, 2);
	CHECK(all_is_unknown(), "another version");
	build_swap(bytes, BLOCKS - 1);
	memcpy(bytes + 4086, "S1SUSPEND", 9);
	CHECK(all_is_unknown(), "the image of a suspended system");
}

/* --- */

/* A volume that was formatted anew may still bear an older superblock. */
static void two_readings_are_none(void)
{
	build(ext_build);
	memcpy(bytes, "LUKS\xba\xbe", 6);
	CHECK(all_is_unknown());
	build(ext_build);
	memcpy(bytes, "XFSB", 4);
	CHECK(all_is_unknown());
	memset(bytes, 0, BYTES);
	CHECK(all_is_unknown(), "nothing");
}

static void reading_has_a_limit(void)
{
	uint8_t to[64];
	struct disk *disk = disk_open_memory(bytes, BYTES);
	CHECK(disk_read(disk, BYTES - 64, to, 64) && !disk_read(disk, BYTES - 63, to, 64) && !disk_read(disk, UINT64_MAX, to, 64));
	disk_limit(disk, 100);
	CHECK(disk_read(disk, 0, to, 64) && !disk_read(disk, 64, to, 64) && disk_read(disk, 64, to, 36) && !disk_read(disk, 0, to, 1));
	disk_close(disk);
}

int main(void)
{
	ext_is_understood();
	ext_journal_is_applied();
	a_damaged_group_is_unknown_and_the_others_are_not();
	a_superblock_that_makes_no_sense_is_unknown();
	ext_in_doubt_has_no_free_block();
	xfs_is_understood();
	xfs_without_an_unmount_has_no_free_block();
	a_damaged_allocation_group_is_unknown();
	swap_is_recognised();
	two_readings_are_none();
	reading_has_a_limit();
	CHECKS_PASSED();
	return 0;
}
