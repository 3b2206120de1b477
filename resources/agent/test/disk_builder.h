/*
 * disk_builder.h - small disks in memory with hand-made structures, for unit tests and fuzzing. What carries a checksum is
 * sealed last, so that a test can damage a structure and still have it sound.
 */
#ifndef ME2_TEST_DISK_BUILDER_H
#define ME2_TEST_DISK_BUILDER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "be.h"
#include "crc32.h"
#include "crc32c.h"
#include "le.h"

static inline uint32_t raw_crc32c(uint32_t state, const void *bytes, size_t length)
{
	return ~crc32c(~state, bytes, length);
}

/* --- jbd2: blocks of 1 KiB, checksums v3, 64 bits --- */

#define JOURNAL_BLOCK 1024u
#define JOURNAL_BLOCKS 64u
#define JOURNAL_FEATURES (1u | 2u | 16u)
#define JOURNAL_SEQUENCE 5u

struct journal_builder {
	uint8_t *bytes;      /* JOURNAL_BLOCKS blocks */
	uint32_t features, seed, sequence, at;
	uint32_t first, end; /* of the log */
};

static inline uint8_t *journal_block(const struct journal_builder *journal, uint32_t number)
{
	return journal->bytes + (size_t)number * JOURNAL_BLOCK;
}

static inline void journal_header(uint8_t *block, uint32_t type, uint32_t sequence)
{
	be32_store(block, 0xc03b3998);
	be32_store(block + 4, type);
	be32_store(block + 8, sequence);
}

static inline void journal_seal(const struct journal_builder *journal, uint8_t *block, size_t at)
{
	be32_store(block + at, 0);
	if (journal->features & 24)
		be32_store(block + at, raw_crc32c(journal->seed, block, JOURNAL_BLOCK));
}

static inline void journal_seal_super(uint8_t *super)
{
	be32_store(super + 0xfc, 0);
	be32_store(super + 0xfc, raw_crc32c(UINT32_MAX, super, 1024));
}

/* An empty journal whose log begins at `start`. */
static inline struct journal_builder journal_begin(uint8_t *bytes, uint32_t features, uint32_t start)
{
	struct journal_builder journal = {.bytes = bytes, .features = features, .sequence = JOURNAL_SEQUENCE, .at = start,
		.first = 1, .end = JOURNAL_BLOCKS};
	memset(bytes, 0, (size_t)JOURNAL_BLOCKS * JOURNAL_BLOCK);
	journal_header(bytes, 4, 0);
	be32_store(bytes + 0x0c, JOURNAL_BLOCK);
	be32_store(bytes + 0x10, JOURNAL_BLOCKS);
	be32_store(bytes + 0x14, 1);
	be32_store(bytes + 0x18, JOURNAL_SEQUENCE);
	be32_store(bytes + 0x1c, start);
	be32_store(bytes + 0x28, features);
	memset(bytes + 0x30, 0x77, 16);
	bytes[0x50] = 4;
	journal.seed = raw_crc32c(UINT32_MAX, bytes + 0x30, 16);
	journal_seal_super(bytes);
	return journal;
}

static inline uint32_t journal_next(struct journal_builder *journal)
{
	uint32_t at = journal->at++;
	if (journal->at == journal->end)
		journal->at = journal->first;
	return at;
}

/* A descriptor with one tag, and its block of data. (Tags of checksums v3, or of 12 bytes without.) */
static inline void journal_add(struct journal_builder *journal, uint64_t number, const uint8_t *content)
{
	uint8_t *descriptor = journal_block(journal, journal_next(journal)), *data = journal_block(journal, journal_next(journal)), sequence[4];
	bool checksums = journal->features & 16, escaped = be32_load(content) == 0xc03b3998;
	memset(descriptor, 0, JOURNAL_BLOCK);
	memcpy(data, content, JOURNAL_BLOCK);
	if (escaped)
		be32_store(data, 0);
	journal_header(descriptor, 1, journal->sequence);
	be32_store(descriptor + 12, (uint32_t)number);
	be32_store(descriptor + 20, (uint32_t)(number >> 32));
	uint16_t flags = (uint16_t)(8 | (escaped ? 1 : 0)); /* the last one, with a UUID behind it */
	if (!checksums) {
		be16_store(descriptor + 18, flags);
		return;
	}
	be32_store(descriptor + 16, flags);
	be32_store(sequence, journal->sequence);
	be32_store(descriptor + 24, raw_crc32c(raw_crc32c(journal->seed, sequence, 4), data, JOURNAL_BLOCK));
	journal_seal(journal, descriptor, JOURNAL_BLOCK - 4);
}

static inline void journal_revoke(struct journal_builder *journal, uint64_t number)
{
	uint8_t *block = journal_block(journal, journal_next(journal));
	memset(block, 0, JOURNAL_BLOCK);
	journal_header(block, 5, journal->sequence);
	be32_store(block + 12, 24);
	be64_store(block + 16, number);
	journal_seal(journal, block, JOURNAL_BLOCK - 4);
}

static inline void journal_commit(struct journal_builder *journal)
{
	uint8_t *block = journal_block(journal, journal_next(journal));
	memset(block, 0, JOURNAL_BLOCK);
	journal_header(block, 2, journal->sequence++);
	if (journal->features & 24)
		journal_seal(journal, block, 16);
}

/* --- ext4: blocks of 1 KiB, two groups of 512, the second never used --- */

#define EXT_BYTES (1u << 20)
#define EXT_BLOCK 1024u
#define EXT_GROUP_BLOCKS 512u
#define EXT_GROUPS 2u
#define EXT_DATA_FIRST 128u
#define EXT_DATA_END 192u
#define EXT_JOURNAL_FIRST 32u

static inline uint8_t *ext_block(uint8_t *disk, uint32_t number)
{
	return disk + (size_t)number * EXT_BLOCK;
}

static inline uint8_t *ext_descriptor(uint8_t *disk, uint32_t group)
{
	return ext_block(disk, 2) + group * 64u;
}

static inline void ext_seal(uint8_t *disk)
{
	uint8_t *super = disk + 1024, number[4];
	uint32_t seed = raw_crc32c(UINT32_MAX, super + 0x68, 16);
	for (uint32_t group = 0; group < EXT_GROUPS; group++) {
		uint8_t *descriptor = ext_descriptor(disk, group);
		uint32_t bitmap = le32_load(descriptor);
		if (bitmap < EXT_BYTES / EXT_BLOCK) {
			uint32_t crc = raw_crc32c(seed, ext_block(disk, bitmap), EXT_GROUP_BLOCKS / 8);
			le16_store(descriptor + 0x18, (uint16_t)crc);
			le16_store(descriptor + 0x38, (uint16_t)(crc >> 16));
		}
		le16_store(descriptor + 0x1e, 0);
		le32_store(number, group);
		le16_store(descriptor + 0x1e, (uint16_t)raw_crc32c(raw_crc32c(seed, number, 4), descriptor, 64));
	}
	le32_store(super + 0x3fc, raw_crc32c(UINT32_MAX, super, 0x3fc));
}

static inline void ext_use(uint8_t *disk, uint32_t first, uint32_t end)
{
	uint8_t *bitmap = ext_block(disk, 3), *descriptor = ext_descriptor(disk, 0);
	for (uint32_t bit = first - 1; bit < end - 1; bit++)
		bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
	le16_store(descriptor + 0xc, (uint16_t)(le16_load(descriptor + 0xc) - (end - first)));
}

static inline void ext_build_groups(uint8_t *disk)
{
	for (uint32_t group = 0; group < EXT_GROUPS; group++) {
		uint8_t *descriptor = ext_descriptor(disk, group);
		le32_store(descriptor, 3 + group * 4);
		le32_store(descriptor + 4, 4 + group * 4);
		le32_store(descriptor + 8, 5 + group * 4);
		le16_store(descriptor + 0xc, EXT_GROUP_BLOCKS);
	}
	/* The second group holds nothing but the superblock and descriptors at its start, and lacks the disk's last block. */
	le16_store(ext_descriptor(disk, 1) + 0x12, 2);
	le16_store(ext_descriptor(disk, 1) + 0xc, EXT_GROUP_BLOCKS - 1 - 2);
	ext_use(disk, 1, 11);
	ext_use(disk, EXT_JOURNAL_FIRST, EXT_JOURNAL_FIRST + JOURNAL_BLOCKS);
	ext_use(disk, EXT_DATA_FIRST, EXT_DATA_END);
}

/* Inode 8, in one extent. */
static inline void ext_build_journal(uint8_t *disk)
{
	uint8_t *inode = ext_block(disk, 5) + 7 * 128;
	le32_store(inode + 4, JOURNAL_BLOCKS * EXT_BLOCK);
	le32_store(inode + 32, 0x80000);
	le16_store(inode + 40, 0xf30a);
	le16_store(inode + 42, 1);
	le16_store(inode + 44, 4);
	le16_store(inode + 56, JOURNAL_BLOCKS);
	le32_store(inode + 60, EXT_JOURNAL_FIRST);
	journal_begin(ext_block(disk, EXT_JOURNAL_FIRST), JOURNAL_FEATURES, 0);
}

/* `disk`: EXT_BYTES of zeros. */
static inline void ext_build(uint8_t *disk)
{
	uint8_t *super = disk + 1024;
	le32_store(super + 0x4, EXT_BYTES / EXT_BLOCK);
	le32_store(super + 0x14, 1);
	le32_store(super + 0x20, EXT_GROUP_BLOCKS);
	le32_store(super + 0x24, EXT_GROUP_BLOCKS);
	le32_store(super + 0x28, 16);
	le16_store(super + 0x38, 0xef53);
	le16_store(super + 0x3a, 1);
	le32_store(super + 0x4c, 1);
	le16_store(super + 0x58, 128);
	le32_store(super + 0x5c, 0x4);
	le32_store(super + 0x60, 0x2 | 0x40 | 0x80 | 0x200);
	le32_store(super + 0x64, 0x1 | 0x400);
	memset(super + 0x68, 0xab, 16);
	le32_store(super + 0xe0, 8);
	le16_store(super + 0xfe, 64);
	ext_build_groups(disk);
	ext_build_journal(disk);
	ext_seal(disk);
}

/* The same in use: blocks [EXT_DATA_END, + 8) were allocated by a transaction that is in the journal only. */
static inline void ext_build_dirty(uint8_t *disk)
{
	uint8_t *after = calloc(1, EXT_BYTES);
	ext_build(disk);
	ext_build(after);
	ext_use(after, EXT_DATA_END, EXT_DATA_END + 8);
	ext_seal(after);
	struct journal_builder journal = journal_begin(ext_block(disk, EXT_JOURNAL_FIRST), JOURNAL_FEATURES, 1);
	journal_add(&journal, 2, ext_block(after, 2));
	journal_add(&journal, 3, ext_block(after, 3));
	journal_commit(&journal);
	le32_store(disk + 1024 + 0x60, le32_load(disk + 1024 + 0x60) | 0x4);
	ext_seal(disk);
	free(after);
}

/* --- XFS: version 5, blocks of 1 KiB, two groups of 512 --- */

#define XFS_BYTES (1u << 20)
#define XFS_BLOCK 1024u
#define XFS_GROUP_BLOCKS 512u
#define XFS_LOG_FIRST 256u
#define XFS_LOG_BLOCKS 64u
#define XFS_ROOT 4u           /* of the free space tree; its leaves follow */
#define XFS_LEAVES 2u
#define XFS_LEAF_RECORDS 14u
#define XFS_FREE_FIRST 16u    /* blocks 16 … 19, 24 … 27, and so on, of a group are free: 28 times four */
#define XFS_FREE_BLOCKS (XFS_LEAVES * XFS_LEAF_RECORDS * 4u)

static inline uint8_t *xfs_block(uint8_t *disk, uint32_t group, uint32_t number)
{
	return disk + ((size_t)group * XFS_GROUP_BLOCKS + number) * XFS_BLOCK;
}

static inline void xfs_seal_at(uint8_t *bytes, size_t length, size_t at)
{
	le32_store(bytes + at, 0);
	le32_store(bytes + at, crc32c(0, bytes, length));
}

static inline void xfs_seal(uint8_t *disk)
{
	xfs_seal_at(disk, 512, 224);
	for (uint32_t group = 0; group < 2; group++) {
		xfs_seal_at(xfs_block(disk, group, 0) + 512, 512, 216);
		xfs_seal_at(xfs_block(disk, group, 0) + 1536, 512, 32);
		for (uint32_t i = 0; i <= XFS_LEAVES; i++)
			xfs_seal_at(xfs_block(disk, group, XFS_ROOT + i), XFS_BLOCK, 52);
	}
}

static inline uint8_t *xfs_build_node(uint8_t *disk, uint32_t group, uint32_t number, uint16_t level, uint16_t records)
{
	uint8_t *node = xfs_block(disk, group, number);
	memcpy(node, "AB3B", 4);
	be16_store(node + 4, level);
	be16_store(node + 6, records);
	be32_store(node + 8, UINT32_MAX);
	be32_store(node + 12, UINT32_MAX);
	be64_store(node + 16, ((uint64_t)group * XFS_GROUP_BLOCKS + number) * 2);
	memset(node + 32, 0xcd, 16);
	be32_store(node + 48, group);
	return node;
}

static inline void xfs_build_tree(uint8_t *disk, uint32_t group)
{
	uint8_t *root = xfs_build_node(disk, group, XFS_ROOT, 1, XFS_LEAVES);
	for (uint32_t leaf = 0; leaf < XFS_LEAVES; leaf++) {
		uint8_t *node = xfs_build_node(disk, group, XFS_ROOT + 1 + leaf, 0, XFS_LEAF_RECORDS);
		if (leaf + 1 < XFS_LEAVES)
			be32_store(node + 12, XFS_ROOT + 2 + leaf);
		for (uint32_t i = 0; i < XFS_LEAF_RECORDS; i++) {
			be32_store(node + 56 + i * 8, XFS_FREE_FIRST + 8 * (leaf * XFS_LEAF_RECORDS + i));
			be32_store(node + 60 + i * 8, 4);
		}
		memcpy(root + 56 + leaf * 8, node + 56, 8);
		be32_store(root + 56 + (XFS_BLOCK - 56) / 12 * 8 + leaf * 4, XFS_ROOT + 1 + leaf);
	}
}

static inline void xfs_build_group(uint8_t *disk, uint32_t group)
{
	uint8_t *agf = xfs_block(disk, group, 0) + 512, *agfl = agf + 1024;
	memcpy(agf, "XAGF", 4);
	be32_store(agf + 4, 1);
	be32_store(agf + 8, group);
	be32_store(agf + 12, XFS_GROUP_BLOCKS);
	be32_store(agf + 16, XFS_ROOT);
	be32_store(agf + 28, 2);
	be32_store(agf + 44, 1);
	be32_store(agf + 48, 2);
	be32_store(agf + 52, XFS_FREE_BLOCKS);
	memset(agf + 64, 0xcd, 16);
	memcpy(agfl, "XAFL", 4);
	be32_store(agfl + 36, 10);
	be32_store(agfl + 40, 11);
	xfs_build_tree(disk, group);
}

/* The record of an unmount at the start of a log that was never used before. */
static inline void xfs_build_log(uint8_t *disk)
{
	uint8_t *header = xfs_block(disk, 0, XFS_LOG_FIRST), *operation = header + 512;
	be32_store(header, 0xfeedbabe);
	be32_store(header + 4, 1);
	be32_store(header + 8, 2);
	be32_store(header + 12, 512);
	be32_store(header + 40, 1);
	be32_store(header + 320, 32768);
	be32_store(operation, 1);
	operation[9] = 0x20;
}

/* `disk`: XFS_BYTES of zeros. */
static inline void xfs_build(uint8_t *disk)
{
	memcpy(disk, "XFSB", 4);
	be32_store(disk + 4, XFS_BLOCK);
	be64_store(disk + 8, 2 * XFS_GROUP_BLOCKS);
	memset(disk + 32, 0xcd, 16);
	be64_store(disk + 48, XFS_LOG_FIRST);
	be32_store(disk + 84, XFS_GROUP_BLOCKS);
	be32_store(disk + 88, 2);
	be32_store(disk + 96, XFS_LOG_BLOCKS);
	be16_store(disk + 100, 5);
	be16_store(disk + 102, 512);
	disk[124] = 9;
	be32_store(disk + 216, 1);
	xfs_build_group(disk, 0);
	xfs_build_group(disk, 1);
	xfs_build_log(disk);
	xfs_seal(disk);
}

/* --- Partition tables --- */

static inline void mbr_entry_build(uint8_t *sector, unsigned index, uint8_t type, uint32_t first, uint32_t count)
{
	uint8_t *entry = sector + 446 + index * 16;
	entry[4] = type;
	le32_store(entry + 8, first);
	le32_store(entry + 12, count);
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

#define GPT_ENTRIES 4u

static inline void gpt_seal_copy(uint8_t *header, const uint8_t *entries)
{
	le32_store(header + 88, ~crc32_update(UINT32_MAX, entries, GPT_ENTRIES * 128));
	le32_store(header + 16, 0);
	le32_store(header + 16, ~crc32_update(UINT32_MAX, header, 92));
}

/* Two copies: header and entries in sectors 1 and 2, and in the last and the last but one. */
static inline void gpt_seal(uint8_t *disk, size_t length)
{
	gpt_seal_copy(disk + 512, disk + 1024);
	gpt_seal_copy(disk + length - 512, disk + length - 1024);
}

static inline void gpt_header_build(uint8_t *header, uint64_t number, uint64_t entries)
{
	memcpy(header, "EFI PART", 8);
	le32_store(header + 12, 92);
	le64_store(header + 24, number);
	le64_store(header + 72, entries);
	le32_store(header + 80, GPT_ENTRIES);
	le32_store(header + 84, 128);
}

/* One partition, [first, last] in sectors. */
static inline void gpt_build(uint8_t *disk, size_t length, uint64_t first, uint64_t last)
{
	uint64_t sectors = length / 512;
	mbr_entry_build(disk, 0, 0xee, 1, (uint32_t)sectors - 1);
	gpt_header_build(disk + 512, 1, 2);
	gpt_header_build(disk + length - 512, sectors - 1, sectors - 2);
	disk[1024] = 1;
	le64_store(disk + 1024 + 32, first);
	le64_store(disk + 1024 + 40, last);
	memcpy(disk + length - 1024, disk + 1024, GPT_ENTRIES * 128);
	gpt_seal(disk, length);
}

/* --- LVM2: extents of 64 KiB from 64 KiB on --- */

#define LVM_EXTENT (64u << 10)
#define LVM_AREA_AT 4096u
#define LVM_AREA_BYTES (LVM_EXTENT - LVM_AREA_AT)
#define LVM_TEXT_AT 1024u /* within the area */
#define LVM_ID "0123456789abcdefghijklmnopqrstuv"
#define LVM_ID_DASHED "012345-6789-abcd-efgh-ijkl-mnop-qrstuv"

static inline void lvm_seal(uint8_t *disk)
{
	uint8_t *label = disk + 512, *area = disk + LVM_AREA_AT;
	uint64_t length = le64_load(area + 48);
	if (length <= LVM_AREA_BYTES - LVM_TEXT_AT)
		le32_store(area + 56, crc32_update(0xf597a6cf, area + LVM_TEXT_AT, length));
	le32_store(area, crc32_update(0xf597a6cf, area + 4, 508));
	le32_store(label + 16, crc32_update(0xf597a6cf, label + 20, 492));
}

/* `volumes`: the text within logical_volumes { }. */
static inline void lvm_build(uint8_t *disk, uint64_t length, const char *volumes)
{
	uint8_t *label = disk + 512, *area = disk + LVM_AREA_AT;
	memcpy(label, "LABELONE", 8);
	le64_store(label + 8, 1);
	le32_store(label + 20, 32);
	memcpy(label + 24, "LVM2 001", 8);
	memcpy(label + 32, LVM_ID, 32);
	le64_store(label + 64, length);
	le64_store(label + 72, LVM_EXTENT);
	le64_store(label + 104, LVM_AREA_AT);
	le64_store(label + 112, LVM_AREA_BYTES);
	memcpy(area + 4, " LVM2 x[5A%r0N*>", 16);
	le32_store(area + 20, 1);
	le64_store(area + 24, LVM_AREA_AT);
	le64_store(area + 32, LVM_AREA_BYTES);
	le64_store(area + 40, LVM_TEXT_AT);
	int written = snprintf((char *)area + LVM_TEXT_AT, LVM_AREA_BYTES - LVM_TEXT_AT,
		"vg { # a group\nid = \"x\"\nseqno = 3\nextent_size = %u\nphysical_volumes {\npv0 {\nid = \"" LVM_ID_DASHED "\"\n"
		"pe_start = %u\npe_count = %u\n}\npv1 {\nid = \"other\"\npe_start = 128\npe_count = 9\n}\n}\nlogical_volumes {\n%s}\n}\n",
		LVM_EXTENT / 512, LVM_EXTENT / 512, (unsigned)(length / LVM_EXTENT - 1), volumes);
	le64_store(area + 48, (uint64_t)written + 1);
	lvm_seal(disk);
}

#endif
