#include "ext_layout.h"

#include <string.h>

#include "crc32c.h"
#include "le.h"

#define MAGIC 0xef53u
#define SUPER_CHECKSUM_AT 0x3fcu
#define LOG_BLOCK_MAX 6u               /* 64 KiB */
#define BLOCKS_PER_GROUP_MIN 256u      /* what mke2fs makes at the least */
#define GROUPS_MAX (1u << 22)          /* 16 TiB in groups of 4096 blocks of 1 KiB */
#define STATE_CLEAN 1
#define STATE_ERRORS 2
#define FLAG_BLOCK_UNINIT 2
#define DESCRIPTOR_BYTES_SMALL 32u
#define DESCRIPTOR_CHECKSUM_AT 0x1eu

/* Those of Linux that leave allocation as it is described: filetype, recover, meta_bg, extents, 64bit, mmp, flex_bg,
 * ea_inode, csum_seed, largedir, inline_data, encrypt, casefold. */
#define INCOMPAT_KNOWN (0x2u | 0x4u | 0x10u | 0x40u | 0x80u | 0x100u | 0x200u | 0x400u | 0x2000u | 0x4000u | 0x8000u | 0x10000u | 0x20000u)
/* sparse_super, large_file, btree_dir, huge_file, gdt_csum, dir_nlink, extra_isize, quota, bigalloc, metadata_csum, readonly,
 * project, shared_blocks, verity, orphan_present. (They bind who writes; but bigalloc shows that a reader must know them.) */
#define RO_COMPAT_KNOWN (0x1u | 0x2u | 0x4u | 0x8u | 0x10u | 0x20u | 0x40u | 0x100u | 0x200u | 0x400u | 0x1000u | 0x2000u | 0x4000u | 0x8000u | 0x10000u)

static bool refuse(struct error *err, const char *why)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "ext: %s", why);
}

uint32_t ext_checksum(uint32_t state, const void *bytes, size_t length)
{
	return ~crc32c(~state, bytes, length);
}

/* CRC-16 (reflected polynomial 0xa001), of the group descriptors before metadata_csum. */
static uint16_t crc16(uint16_t state, const uint8_t *bytes, size_t length)
{
	for (; length; length--) {
		state ^= *bytes++;
		for (unsigned bit = 0; bit < 8; bit++)
			state = (uint16_t)(state >> 1 ^ (state & 1 ? 0xa001 : 0));
	}
	return state;
}

/* --- Superblock --- */

bool ext_is_super(const uint8_t *super)
{
	return le16_load(super + 0x38) == MAGIC;
}

static bool take_features(struct ext_layout *layout, const uint8_t *super, struct error *err)
{
	bool dynamic = le32_load(super + 0x4c) >= 1;
	layout->compat = dynamic ? le32_load(super + 0x5c) : 0;
	layout->incompat = dynamic ? le32_load(super + 0x60) : 0;
	layout->ro_compat = dynamic ? le32_load(super + 0x64) : 0;
	layout->inode_bytes = dynamic ? le16_load(super + 0x58) : 128;
	uint32_t unknown = layout->incompat & ~INCOMPAT_KNOWN, unknown_ro = layout->ro_compat & ~RO_COMPAT_KNOWN;
	if (unknown || unknown_ro)
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "ext: features that are not known (incompat %#x, ro_compat %#x)", unknown, unknown_ro);
	memcpy(layout->uuid, super + 0x68, sizeof(layout->uuid));
	bool own_seed = layout->incompat & EXT_INCOMPAT_CSUM_SEED;
	layout->seed = own_seed ? le32_load(super + 0x270) : ext_checksum(UINT32_MAX, layout->uuid, sizeof(layout->uuid));
	if (!(layout->ro_compat & EXT_RO_METADATA_CSUM))
		return true;
	return ext_checksum(UINT32_MAX, super, SUPER_CHECKSUM_AT) == le32_load(super + SUPER_CHECKSUM_AT)
		|| refuse(err, "the superblock's checksum is wrong");
}

static bool take_block_sizes(struct ext_layout *layout, const uint8_t *super, struct error *err)
{
	uint32_t log_block = le32_load(super + 0x18), log_cluster = le32_load(super + 0x1c);
	if (log_block > LOG_BLOCK_MAX)
		return refuse(err, "the block size makes no sense");
	layout->block_bytes = 1024u << log_block;
	layout->cluster_blocks = 1;
	layout->blocks_per_group = le32_load(super + 0x20);
	if (layout->ro_compat & EXT_RO_BIGALLOC) {
		if (log_cluster < log_block || log_cluster - log_block > 16)
			return refuse(err, "the cluster size makes no sense");
		layout->cluster_blocks = 1u << (log_cluster - log_block);
	}
	uint64_t clusters = layout->blocks_per_group / layout->cluster_blocks;
	if (layout->blocks_per_group < BLOCKS_PER_GROUP_MIN || layout->blocks_per_group % layout->cluster_blocks || clusters % 8
		|| clusters > layout->block_bytes * UINT64_C(8))
		return refuse(err, "the size of block groups makes no sense");
	return true;
}

static bool take_size(struct ext_layout *layout, const uint8_t *super, uint64_t volume_bytes, struct error *err)
{
	layout->blocks = le32_load(super + 0x4);
	if (layout->incompat & EXT_INCOMPAT_64BIT)
		layout->blocks |= (uint64_t)le32_load(super + 0x150) << 32;
	layout->first_block = le32_load(super + 0x14);
	if (layout->first_block > 1 || layout->blocks <= layout->first_block)
		return refuse(err, "the number of blocks makes no sense");
	if (layout->blocks > volume_bytes / layout->block_bytes)
		return refuse(err, "the file system is larger than what holds it");
	uint64_t groups = (layout->blocks - layout->first_block + layout->blocks_per_group - 1) / layout->blocks_per_group;
	layout->groups = (uint32_t)groups;
	return groups <= GROUPS_MAX || refuse(err, "too many block groups");
}

static bool take_inodes(struct ext_layout *layout, const uint8_t *super, struct error *err)
{
	uint32_t bytes = layout->inode_bytes;
	layout->inodes_per_group = le32_load(super + 0x28);
	if (bytes < 128 || bytes > layout->block_bytes || (bytes & (bytes - 1)))
		return refuse(err, "the size of inodes makes no sense");
	if (layout->inodes_per_group == 0 || layout->inodes_per_group > layout->block_bytes * UINT64_C(8))
		return refuse(err, "the number of inodes makes no sense");
	return true;
}

static bool take_descriptors(struct ext_layout *layout, const uint8_t *super, struct error *err)
{
	uint32_t bytes = layout->incompat & EXT_INCOMPAT_64BIT ? le16_load(super + 0xfe) : DESCRIPTOR_BYTES_SMALL;
	layout->descriptor_bytes = bytes;
	layout->reserved_descriptor_blocks = le16_load(super + 0xce);
	layout->first_meta_group = le32_load(super + 0x104);
	layout->backup_groups[0] = le32_load(super + 0x24c);
	layout->backup_groups[1] = le32_load(super + 0x250);
	return (bytes >= DESCRIPTOR_BYTES_SMALL && bytes <= 1024 && (bytes & (bytes - 1)) == 0)
		|| refuse(err, "the size of group descriptors makes no sense");
}

bool ext_layout_read(struct ext_layout *layout, const uint8_t *super, uint64_t volume_bytes, struct error *err)
{
	*layout = (struct ext_layout){0};
	if (!ext_is_super(super))
		return refuse(err, "no superblock");
	uint16_t state = le16_load(super + 0x3a);
	layout->clean = state & STATE_CLEAN;
	layout->has_errors = state & STATE_ERRORS;
	if (!take_features(layout, super, err) || !take_block_sizes(layout, super, err)
		|| !take_size(layout, super, volume_bytes, err) || !take_inodes(layout, super, err)
		|| !take_descriptors(layout, super, err))
		return false;
	if (ext_inode_table_blocks(layout) > layout->blocks_per_group || ext_group_base_blocks(layout, 0) > layout->blocks_per_group)
		return refuse(err, "block groups are smaller than their own metadata");
	layout->journal_inode = layout->compat & EXT_COMPAT_JOURNAL ? le32_load(super + 0xe0) : 0;
	layout->mmp_block = layout->incompat & EXT_INCOMPAT_MMP ? le64_load(super + 0x168) : 0;
	return true;
}

/* --- Groups --- */

uint64_t ext_group_first(const struct ext_layout *layout, uint32_t group)
{
	return layout->first_block + (uint64_t)group * layout->blocks_per_group;
}

uint32_t ext_group_blocks(const struct ext_layout *layout, uint32_t group)
{
	uint64_t left = layout->blocks - ext_group_first(layout, group);
	return left < layout->blocks_per_group ? (uint32_t)left : layout->blocks_per_group;
}

static bool is_power_of(uint32_t number, uint32_t base)
{
	uint64_t power = base;
	while (power < number)
		power *= base;
	return power == number;
}

static bool has_super(const struct ext_layout *layout, uint32_t group)
{
	if (group == 0)
		return true;
	if (layout->compat & EXT_COMPAT_SPARSE_SUPER_2)
		return group == layout->backup_groups[0] || group == layout->backup_groups[1];
	if (group == 1 || !(layout->ro_compat & EXT_RO_SPARSE_SUPER))
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

static uint32_t descriptors_per_block(const struct ext_layout *layout)
{
	return layout->block_bytes / layout->descriptor_bytes;
}

/* Whether a group's descriptors are kept in its own meta group. */
static bool in_meta_group(const struct ext_layout *layout, uint32_t group)
{
	return (layout->incompat & EXT_INCOMPAT_META_BG) && group / descriptors_per_block(layout) >= layout->first_meta_group;
}

uint32_t ext_group_base_blocks(const struct ext_layout *layout, uint32_t group)
{
	uint32_t per_block = descriptors_per_block(layout), base = has_super(layout, group) ? 1 : 0;
	if (in_meta_group(layout, group)) {
		uint32_t place = group % per_block;
		return base + (place == 0 || place == 1 || place == per_block - 1);
	}
	if (!base)
		return 0;
	uint32_t all = (layout->groups + per_block - 1) / per_block;
	bool some = (layout->incompat & EXT_INCOMPAT_META_BG) && layout->first_meta_group < all;
	return base + (some ? layout->first_meta_group : all) + layout->reserved_descriptor_blocks;
}

uint32_t ext_inode_table_blocks(const struct ext_layout *layout)
{
	uint64_t bytes = (uint64_t)layout->inodes_per_group * layout->inode_bytes;
	return (uint32_t)((bytes + layout->block_bytes - 1) / layout->block_bytes);
}

uint64_t ext_descriptor_block(const struct ext_layout *layout, uint32_t group)
{
	uint32_t per_block = descriptors_per_block(layout), index = group / per_block;
	uint64_t super_block = EXT_SUPER_AT / layout->block_bytes;
	if (!in_meta_group(layout, group))
		return super_block + 1 + index;
	uint32_t first = index * per_block;
	uint64_t block = ext_group_first(layout, first) + has_super(layout, first);
	/* Block 0 of blocks of 1 KiB lies before the superblock; only with bigalloc does group 0 start there. */
	return block + (first == 0 && super_block > layout->first_block);
}

uint32_t ext_descriptor_offset(const struct ext_layout *layout, uint32_t group)
{
	return group % descriptors_per_block(layout) * layout->descriptor_bytes;
}

static bool descriptor_is_sound(const struct ext_layout *layout, uint32_t number, const uint8_t *descriptor)
{
	static const uint8_t blank[2];
	uint8_t group[4];
	uint16_t stored = le16_load(descriptor + DESCRIPTOR_CHECKSUM_AT);
	size_t rest = DESCRIPTOR_CHECKSUM_AT + 2;
	le32_store(group, number);
	if (layout->ro_compat & EXT_RO_METADATA_CSUM) {
		uint32_t crc = ext_checksum(layout->seed, group, sizeof(group));
		crc = ext_checksum(crc, descriptor, DESCRIPTOR_CHECKSUM_AT);
		crc = ext_checksum(crc, blank, sizeof(blank));
		return (ext_checksum(crc, descriptor + rest, layout->descriptor_bytes - rest) & 0xffff) == stored;
	}
	if (!(layout->ro_compat & EXT_RO_GDT_CSUM))
		return true;
	uint16_t crc = crc16(UINT16_MAX, layout->uuid, sizeof(layout->uuid));
	crc = crc16(crc, group, sizeof(group));
	crc = crc16(crc, descriptor, DESCRIPTOR_CHECKSUM_AT);
	return crc16(crc, descriptor + rest, layout->descriptor_bytes - rest) == stored;
}

/* The halves of a number of a descriptor: the high one is there in large descriptors only. */
static uint64_t wide(const struct ext_layout *layout, uint32_t low, uint32_t high, unsigned shift)
{
	return layout->descriptor_bytes >= 64 ? low | (uint64_t)high << shift : low;
}

bool ext_group_read(const struct ext_layout *layout, uint32_t number, const uint8_t *descriptor, struct ext_group *group)
{
	static const uint8_t none[64];
	const uint8_t *high = layout->descriptor_bytes >= 64 ? descriptor : none;
	bool has_checksum = layout->ro_compat & (EXT_RO_GDT_CSUM | EXT_RO_METADATA_CSUM);
	*group = (struct ext_group){
		.block_bitmap = wide(layout, le32_load(descriptor), le32_load(high + 0x20), 32),
		.inode_bitmap = wide(layout, le32_load(descriptor + 0x4), le32_load(high + 0x24), 32),
		.inode_table = wide(layout, le32_load(descriptor + 0x8), le32_load(high + 0x28), 32),
		.free_clusters = (uint32_t)wide(layout, le16_load(descriptor + 0xc), le16_load(high + 0x2c), 16),
		.bitmap_checksum = (uint32_t)wide(layout, le16_load(descriptor + 0x18), le16_load(high + 0x38), 16),
		.bitmap_uninitialised = has_checksum && (le16_load(descriptor + 0x12) & FLAG_BLOCK_UNINIT),
	};
	return descriptor_is_sound(layout, number, descriptor) && group->block_bitmap < layout->blocks
		&& group->inode_bitmap < layout->blocks && group->block_bitmap >= layout->first_block
		&& group->inode_bitmap >= layout->first_block && group->inode_table >= layout->first_block
		&& group->inode_table < layout->blocks && ext_inode_table_blocks(layout) <= layout->blocks - group->inode_table;
}
