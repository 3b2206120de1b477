/*
 * ext_layout.h - where an ext2, ext3 or ext4 file system keeps what: its superblock and group descriptors.
 *
 * Format: kernel documentation, "ext4 Data Structures and Algorithms", chapters 2 (High Level Design: flexible and meta
 * block groups, bigalloc, lazy initialisation) and 3 (Global Structures: superblock, group descriptors, checksums).
 */
#ifndef ME2_EXT_LAYOUT_H
#define ME2_EXT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define EXT_SUPER_AT 1024u
#define EXT_SUPER_BYTES 1024u
#define EXT_BLOCK_BYTES_MAX 65536u

/* Features that matter here. */
enum { EXT_COMPAT_JOURNAL = 0x4, EXT_COMPAT_SPARSE_SUPER_2 = 0x200, EXT_COMPAT_FAST_COMMIT = 0x400 };
enum {
	EXT_INCOMPAT_RECOVER = 0x4, EXT_INCOMPAT_META_BG = 0x10, EXT_INCOMPAT_EXTENTS = 0x40, EXT_INCOMPAT_64BIT = 0x80,
	EXT_INCOMPAT_MMP = 0x100, EXT_INCOMPAT_FLEX_BG = 0x200, EXT_INCOMPAT_CSUM_SEED = 0x2000
};
enum { EXT_RO_SPARSE_SUPER = 0x1, EXT_RO_GDT_CSUM = 0x10, EXT_RO_BIGALLOC = 0x200, EXT_RO_METADATA_CSUM = 0x400 };

struct ext_layout {
	uint32_t compat, incompat, ro_compat;
	bool clean, has_errors;         /* by the superblock's state */
	uint32_t block_bytes, cluster_blocks, descriptor_bytes, inode_bytes;
	uint64_t blocks;
	uint32_t first_block;           /* of group 0 */
	uint32_t blocks_per_group, inodes_per_group, groups;
	uint32_t reserved_descriptor_blocks, first_meta_group, backup_groups[2];
	uint32_t journal_inode;         /* 0: none, or on another device */
	uint64_t mmp_block;
	uint32_t seed;                  /* of metadata checksums */
	uint8_t uuid[16];
};

struct ext_group {
	uint64_t block_bitmap, inode_bitmap, inode_table; /* blocks */
	uint32_t free_clusters, bitmap_checksum;
	bool bitmap_uninitialised;
};

/* True if there is the magic number of an ext superblock. */
bool ext_is_super(const uint8_t *super);
/* Takes a superblock (EXT_SUPER_BYTES) of a file system on a volume of so many bytes. False: damaged, larger than the
 * volume, or with features that may change where things are. */
bool ext_layout_read(struct ext_layout *layout, const uint8_t *super, uint64_t volume_bytes, struct error *err);

/* The checksum register of metadata_csum: crc32c, not inverted. */
uint32_t ext_checksum(uint32_t state, const void *bytes, size_t length);

uint64_t ext_group_first(const struct ext_layout *layout, uint32_t group);
uint32_t ext_group_blocks(const struct ext_layout *layout, uint32_t group);
/* Blocks at a group's start that hold copies of the superblock and of descriptors, with those reserved for growth. */
uint32_t ext_group_base_blocks(const struct ext_layout *layout, uint32_t group);
uint32_t ext_inode_table_blocks(const struct ext_layout *layout);

/* The block that holds a group's descriptor, and where in it. */
uint64_t ext_descriptor_block(const struct ext_layout *layout, uint32_t group);
uint32_t ext_descriptor_offset(const struct ext_layout *layout, uint32_t group);
/* Takes a descriptor; false if its checksum is wrong or it points outside the file system. */
bool ext_group_read(const struct ext_layout *layout, uint32_t number, const uint8_t *descriptor, struct ext_group *group);

#endif
