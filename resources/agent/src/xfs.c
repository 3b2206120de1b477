#include "xfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "be.h"
#include "crc32c.h"
#include "xfs_log.h"

#define SUPER_BYTES 512u
#define BLOCK_BYTES_MAX 65536u
#define SECTOR_BYTES_MAX 32768u
#define GROUPS_MAX (1u << 20)
#define GROUP_BLOCKS_MIN 64u
#define EXTENTS_MAX (1u << 20)         /* of free space in one group */
#define LEVELS_MAX 10u
#define NO_BLOCK UINT32_MAX
#define SUPER_CHECKSUM_AT 224u
#define AGF_CHECKSUM_AT 216u
#define AGFL_CHECKSUM_AT 32u
#define NODE_CHECKSUM_AT 52u

/* ftype, sparse inodes, meta_uuid, bigtime, nrext64, exchange range, parent pointers: none moves the free space. */
#define INCOMPAT_KNOWN 0xefu
#define INCOMPAT_META_UUID 0x4u
/* finobt, rmapbt, reflink, inobt counters */
#define RO_COMPAT_KNOWN 0xfu

struct extent {
	uint32_t first, count;
};

struct xfs {
	const struct disk_view *view;
	bool version_5;
	uint32_t block_bytes, sector_bytes, group_blocks, groups, log_blocks;
	unsigned group_log;                 /* bits of a block's number within its group */
	uint64_t blocks, log_start;         /* log_start: group and block in one number; 0: on another device */
	uint8_t uuid[16], meta_uuid[16];
	struct block_map *map;
	enum disk_class free_class;
	bool saying_tree;                   /* whether reading the tree says that its blocks are metadata */
	uint8_t *block;                     /* one, to read into */
	struct extent *extents;             /* of the group at hand */
	size_t extent_count, extent_capacity;
	uint32_t damaged;                   /* groups */
};

struct agf {
	uint32_t length, root, levels, free_blocks, list_first, list_last, list_count;
};

static bool refuse(struct error *err, const char *why)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "xfs: %s", why);
}

/* --- Superblock --- */

/* The checksum of a piece of metadata, which holds it (little-endian) at `at`. Clears it there. */
static bool is_sound(uint8_t *bytes, size_t length, size_t at)
{
	uint32_t stored = le32_load(bytes + at);
	le32_store(bytes + at, 0);
	return crc32c(0, bytes, length) == stored;
}

static bool take_version(struct xfs *xfs, const uint8_t *super, struct error *err)
{
	unsigned version = be16_load(super + 100) & 0xf;
	uint32_t incompat = be32_load(super + 216), ro_compat = be32_load(super + 212);
	memcpy(xfs->uuid, super + 32, sizeof(xfs->uuid));
	memcpy(xfs->meta_uuid, super + 32, sizeof(xfs->meta_uuid));
	xfs->version_5 = version == 5;
	if (version == 4)
		return true;
	if (version != 5)
		return refuse(err, "a version that is not known");
	if ((incompat & ~INCOMPAT_KNOWN) || (ro_compat & ~RO_COMPAT_KNOWN))
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "xfs: features that are not known, or a repair that is due (incompat %#x, ro_compat %#x)", incompat, ro_compat);
	if (incompat & INCOMPAT_META_UUID)
		memcpy(xfs->meta_uuid, super + 248, sizeof(xfs->meta_uuid));
	return true;
}

static bool is_size(uint32_t bytes, uint32_t least, uint32_t most)
{
	return bytes >= least && bytes <= most && (bytes & (bytes - 1)) == 0;
}

static bool take_geometry(struct xfs *xfs, const uint8_t *super, struct error *err)
{
	xfs->block_bytes = be32_load(super + 4);
	xfs->blocks = be64_load(super + 8);
	xfs->log_start = be64_load(super + 48);
	xfs->group_blocks = be32_load(super + 84);
	xfs->groups = be32_load(super + 88);
	xfs->log_blocks = be32_load(super + 96);
	xfs->sector_bytes = be16_load(super + 102);
	xfs->group_log = super[124];
	if (!is_size(xfs->block_bytes, 512, BLOCK_BYTES_MAX) || !is_size(xfs->sector_bytes, 512, SECTOR_BYTES_MAX)
		|| xfs->sector_bytes > xfs->block_bytes)
		return refuse(err, "the sizes of blocks and sectors make no sense");
	uint64_t before_last = (uint64_t)xfs->group_blocks * (xfs->groups - 1);
	if (xfs->groups == 0 || xfs->groups > GROUPS_MAX || xfs->group_blocks < GROUP_BLOCKS_MIN || xfs->group_log > 31
		|| xfs->group_blocks > UINT64_C(1) << xfs->group_log || xfs->blocks <= before_last
		|| xfs->blocks - before_last > xfs->group_blocks)
		return refuse(err, "the sizes of allocation groups make no sense");
	if (xfs->blocks > xfs->view->bytes / xfs->block_bytes)
		return refuse(err, "the file system is larger than what holds it");
	return true;
}

/* With the checksum over the whole of its sector. */
static bool read_super(struct xfs *xfs, struct error *err)
{
	uint8_t super[SUPER_BYTES];
	if (!disk_view_read(xfs->view, 0, super, sizeof(super)) || memcmp(super, "XFSB", 4) != 0)
		return refuse(err, "no superblock");
	if (!take_version(xfs, super, err) || !take_geometry(xfs, super, err))
		return false;
	if (super[126] != 0)
		return refuse(err, "it was never finished by mkfs");
	xfs->block = malloc(BLOCK_BYTES_MAX);
	if (!xfs->block)
		return error_set(err, ERR_SYSTEM, "", "out of memory");
	if (xfs->version_5 && (!disk_view_read(xfs->view, 0, xfs->block, xfs->sector_bytes)
		|| !is_sound(xfs->block, xfs->sector_bytes, SUPER_CHECKSUM_AT)))
		return refuse(err, "the superblock's checksum is wrong");
	return true;
}

/* --- Allocation groups --- */

static uint32_t group_length(const struct xfs *xfs, uint32_t group)
{
	uint64_t left = xfs->blocks - (uint64_t)group * xfs->group_blocks;
	return left < xfs->group_blocks ? (uint32_t)left : xfs->group_blocks;
}

static uint64_t group_offset(const struct xfs *xfs, uint32_t group, uint32_t block)
{
	return ((uint64_t)group * xfs->group_blocks + block) * xfs->block_bytes;
}

/* Sector `number` of a group, to xfs->block. */
static bool read_group_sector(const struct xfs *xfs, uint32_t group, unsigned number)
{
	return disk_view_read(xfs->view, group_offset(xfs, group, 0) + (uint64_t)number * xfs->sector_bytes, xfs->block, xfs->sector_bytes);
}

static bool read_agf(const struct xfs *xfs, uint32_t group, struct agf *agf)
{
	uint8_t *sector = xfs->block;
	if (!read_group_sector(xfs, group, 1) || memcmp(sector, "XAGF", 4) != 0 || be32_load(sector + 4) != 1)
		return false;
	if (xfs->version_5 && (memcmp(sector + 64, xfs->meta_uuid, 16) != 0 || !is_sound(sector, xfs->sector_bytes, AGF_CHECKSUM_AT)))
		return false;
	*agf = (struct agf){
		.length = be32_load(sector + 12),
		.root = be32_load(sector + 16),
		.levels = be32_load(sector + 28),
		.list_first = be32_load(sector + 40),
		.list_last = be32_load(sector + 44),
		.list_count = be32_load(sector + 48),
		.free_blocks = be32_load(sector + 52),
	};
	return be32_load(sector + 8) == group && agf->length == group_length(xfs, group) && agf->levels >= 1
		&& agf->levels <= LEVELS_MAX;
}

static size_t node_header_bytes(const struct xfs *xfs)
{
	return xfs->version_5 ? 56 : 16;
}

static bool node_is_sound(const struct xfs *xfs, uint32_t group, uint32_t number)
{
	uint8_t *node = xfs->block;
	if (!xfs->version_5)
		return memcmp(node, "ABTB", 4) == 0;
	uint64_t sector = group_offset(xfs, group, number) / 512;
	return memcmp(node, "AB3B", 4) == 0 && be64_load(node + 16) == sector && memcmp(node + 32, xfs->meta_uuid, 16) == 0
		&& be32_load(node + 48) == group && is_sound(node, xfs->block_bytes, NODE_CHECKSUM_AT);
}

static void say_blocks(const struct xfs *xfs, uint32_t group, uint32_t first, uint32_t count, enum disk_class class)
{
	block_map_say(xfs->map, xfs->view, group_offset(xfs, group, first), (uint64_t)count * xfs->block_bytes, class);
}

/* A block of the free space tree to xfs->block, at the height `level` (0: a leaf). */
static bool read_node(const struct xfs *xfs, uint32_t group, uint32_t number, unsigned level)
{
	uint8_t *node = xfs->block;
	size_t record_bytes = level ? 12 : 8, records_max = (xfs->block_bytes - node_header_bytes(xfs)) / record_bytes;
	if (xfs->saying_tree)
		say_blocks(xfs, group, number, 1, DISK_METADATA);
	return number && number < group_length(xfs, group)
		&& disk_view_read(xfs->view, group_offset(xfs, group, number), node, xfs->block_bytes)
		&& node_is_sound(xfs, group, number) && be16_load(node + 4) == level && be16_load(node + 6) <= records_max
		&& (level == 0 || be16_load(node + 6) > 0);
}

/* The leftmost leaf below the root; nodes hold their pointers behind the room for all keys. */
static bool find_first_leaf(const struct xfs *xfs, uint32_t group, const struct agf *agf, uint32_t *leaf)
{
	size_t keys_max = (xfs->block_bytes - node_header_bytes(xfs)) / 12;
	*leaf = agf->root;
	for (unsigned level = agf->levels - 1; level > 0; level--) {
		if (!read_node(xfs, group, *leaf, level))
			return false;
		*leaf = be32_load(xfs->block + node_header_bytes(xfs) + keys_max * 8);
	}
	return true;
}

static bool add_extent(struct xfs *xfs, struct extent extent)
{
	if (xfs->extent_count == xfs->extent_capacity) {
		size_t capacity = xfs->extent_capacity ? xfs->extent_capacity * 2 : 4096;
		struct extent *extents = capacity <= EXTENTS_MAX ? realloc(xfs->extents, capacity * sizeof(*extents)) : NULL;
		if (!extents)
			return false;
		xfs->extents = extents;
		xfs->extent_capacity = capacity;
	}
	xfs->extents[xfs->extent_count++] = extent;
	return true;
}

/* The records of the leaf in xfs->block. `next`: where the next record may begin; `total`: blocks so far. */
static bool take_leaf(struct xfs *xfs, uint32_t length, uint32_t *next, uint64_t *total)
{
	unsigned count = be16_load(xfs->block + 6);
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *record = xfs->block + node_header_bytes(xfs) + i * 8u;
		struct extent extent = {.first = be32_load(record), .count = be32_load(record + 4)};
		if (extent.first < *next || extent.first >= length || !extent.count || extent.count > length - extent.first
			|| !add_extent(xfs, extent))
			return false;
		*next = extent.first + extent.count;
		*total += extent.count;
	}
	return true;
}

/* All free space of a group to xfs->extents; false unless everything fits together. Leaves are chained to the right: since
 * records ascend and only a lone leaf may be empty, the chain ends. */
static bool read_free_space(struct xfs *xfs, uint32_t group, const struct agf *agf)
{
	uint32_t leaf, next = 1;
	uint64_t total = 0;
	xfs->extent_count = 0;
	if (!find_first_leaf(xfs, group, agf, &leaf))
		return false;
	for (bool lone = true; leaf != NO_BLOCK; lone = false) {
		if (!read_node(xfs, group, leaf, 0) || !take_leaf(xfs, agf->length, &next, &total))
			return false;
		leaf = be32_load(xfs->block + 12);
		if (be16_load(xfs->block + 6) == 0 && (!lone || leaf != NO_BLOCK))
			return false;
	}
	return total == agf->free_blocks;
}

static void tell_extents(const struct xfs *xfs, uint32_t length, struct space *space)
{
	uint32_t told = 0;
	for (size_t i = 0; i < xfs->extent_count; i++) {
		const struct extent *extent = &xfs->extents[i];
		space_tell(space, (uint64_t)(extent->first - told) * xfs->block_bytes, DISK_DATA);
		space_tell(space, (uint64_t)extent->count * xfs->block_bytes, xfs->free_class);
		told = extent->first + extent->count;
	}
	space_tell(space, (uint64_t)(length - told) * xfs->block_bytes, DISK_DATA);
}

static void tell_group(struct xfs *xfs, uint32_t group, struct space *space)
{
	struct agf agf;
	uint32_t length = group_length(xfs, group);
	if (read_agf(xfs, group, &agf) && read_free_space(xfs, group, &agf)) {
		tell_extents(xfs, length, space);
		return;
	}
	xfs->damaged++;
	space_tell(space, (uint64_t)length * xfs->block_bytes, DISK_UNKNOWN);
}

/* --- What is metadata, by place --- */

/* The list of blocks kept for the trees' growth is a ring. */
static void say_list(const struct xfs *xfs, uint32_t group, const struct agf *agf)
{
	size_t header = xfs->version_5 ? 36 : 0, size = (xfs->sector_bytes - header) / 4;
	if (!read_group_sector(xfs, group, 3) || agf->list_first >= size || agf->list_count > size)
		return;
	if (xfs->version_5 && (memcmp(xfs->block, "XAFL", 4) != 0 || !is_sound(xfs->block, xfs->sector_bytes, AGFL_CHECKSUM_AT)))
		return;
	for (uint32_t i = 0; i < agf->list_count; i++) {
		uint32_t number = be32_load(xfs->block + header + (agf->list_first + i) % size * 4);
		if (number < agf->length)
			say_blocks(xfs, group, number, 1, DISK_METADATA);
	}
}

static void say_group_metadata(struct xfs *xfs, uint32_t group)
{
	struct agf agf;
	block_map_say(xfs->map, xfs->view, group_offset(xfs, group, 0), UINT64_C(4) * xfs->sector_bytes, DISK_METADATA);
	if (!read_agf(xfs, group, &agf))
		return;
	say_list(xfs, group, &agf);
	xfs->saying_tree = true;
	read_free_space(xfs, group, &agf);
	xfs->saying_tree = false;
}

/* --- The log --- */

/* Where the log is, in bytes of the view; false: not on this disk. */
static bool find_log(const struct xfs *xfs, uint64_t *offset, uint64_t *bytes)
{
	uint64_t group = xfs->log_start >> xfs->group_log, block = xfs->log_start & ((UINT64_C(1) << xfs->group_log) - 1);
	if (!xfs->log_start || group >= xfs->groups || block + xfs->log_blocks > group_length(xfs, (uint32_t)group))
		return false;
	*offset = group_offset(xfs, (uint32_t)group, (uint32_t)block);
	*bytes = (uint64_t)xfs->log_blocks * xfs->block_bytes;
	return true;
}

static void tell_all(struct xfs *xfs, struct volume *volume)
{
	struct space space = space_begin(xfs->map, xfs->view);
	for (uint32_t group = 0; group < xfs->groups; group++)
		tell_group(xfs, group, &space);
	space_finish(&space);
	for (uint32_t group = 0; group < xfs->groups; group++)
		say_group_metadata(xfs, group);
	volume->free_bytes = space.bytes[DISK_FREE];
	volume->doubtful_bytes = space.bytes[DISK_DOUBTFUL];
}

static void describe(const struct xfs *xfs, struct volume *volume)
{
	bool clean = xfs->free_class == DISK_FREE;
	volume->state = clean ? VOLUME_CLEAN : VOLUME_DOUBTFUL;
	volume_set_uuid(volume, xfs->uuid);
	if (xfs->damaged)
		snprintf(volume->note, sizeof(volume->note), "%u of %u allocation groups are damaged, or changed while they were read",
			xfs->damaged, xfs->groups);
	else if (!clean)
		snprintf(volume->note, sizeof(volume->note), "it is in use, or was not unmounted, and its log is not replayed here");
}

static bool explore(struct xfs *xfs, struct volume *volume, struct error *err)
{
	uint64_t log_offset, log_bytes;
	if (!read_super(xfs, err))
		return false;
	bool has_log = find_log(xfs, &log_offset, &log_bytes);
	bool clean = has_log && xfs_log_is_clean(xfs->view, log_offset, log_bytes);
	xfs->free_class = clean ? DISK_FREE : DISK_DOUBTFUL;
	tell_all(xfs, volume);
	if (has_log)
		block_map_say(xfs->map, xfs->view, log_offset, log_bytes, DISK_JOURNAL);
	describe(xfs, volume);
	return true;
}

bool xfs_is_there(const struct disk_view *view)
{
	uint8_t magic[4];
	return disk_view_read(view, 0, magic, sizeof(magic)) && memcmp(magic, "XFSB", 4) == 0;
}

bool xfs_explore(const struct disk_view *view, struct block_map *map, struct volume *volume, struct error *err)
{
	struct xfs xfs = {.view = view, .map = map};
	disk_forget(view->disk);
	bool good = explore(&xfs, volume, err);
	free(xfs.extents);
	free(xfs.block);
	return good;
}
