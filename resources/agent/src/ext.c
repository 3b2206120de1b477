#include "ext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext_file.h"
#include "ext_layout.h"
#include "jbd2.h"
#include "le.h"

struct ext {
	const struct disk_view *view;
	struct block_map *map;
	struct ext_layout layout;
	struct ext_file journal_file;
	struct jbd2 *journal;           /* NULL: nothing is pending in it */
	enum disk_class free_class;     /* what free blocks are: DISK_FREE or DISK_DOUBTFUL */
	uint8_t *descriptors, *bitmap;  /* a block each */
	uint64_t descriptor_block;      /* the one that is in `descriptors` */
	uint32_t damaged;               /* groups */
};

/* --- Reading --- */

static bool read_in_place(void *context, uint64_t block, uint8_t *to)
{
	const struct ext *ext = context;
	uint32_t bytes = ext->layout.block_bytes;
	return block < ext->layout.blocks && disk_view_read(ext->view, block * bytes, to, bytes);
}

/* As the guest will find it once the journal is replayed. */
static bool read_current(const struct ext *ext, uint64_t block, uint8_t *to)
{
	enum jbd2_answer answer = ext->journal ? jbd2_read(ext->journal, block, to) : JBD2_ABSENT;
	return answer == JBD2_FOUND || (answer == JBD2_ABSENT && read_in_place((void *)(uintptr_t)ext, block, to));
}

static bool read_journal_block(void *context, uint32_t number, uint8_t *to)
{
	const struct ext *ext = context;
	uint64_t block = ext_file_block(&ext->journal_file, number);
	return block && read_in_place(context, block, to);
}

/* --- Superblock --- */

static bool read_super(struct ext *ext, struct error *err)
{
	uint8_t super[EXT_SUPER_BYTES];
	return (disk_view_read(ext->view, EXT_SUPER_AT, super, sizeof(super))
		|| error_set(err, ERR_NOT_UNDERSTOOD, "", "ext: the superblock cannot be read"))
		&& ext_layout_read(&ext->layout, super, ext->view->bytes, err);
}

/* The journal may hold a newer superblock (the file system may just have grown). Block size and journal stay the same. */
static bool read_super_again(struct ext *ext, struct error *err)
{
	struct ext_layout newer;
	uint32_t bytes = ext->layout.block_bytes;
	uint8_t *block = ext->bitmap;
	if (!read_current(ext, EXT_SUPER_AT / bytes, block)
		|| !ext_layout_read(&newer, block + EXT_SUPER_AT % bytes, ext->view->bytes, err))
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "ext: the superblock in the journal is damaged");
	if (newer.block_bytes != bytes || newer.journal_inode != ext->layout.journal_inode)
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "ext: the superblock in the journal is another one");
	ext->layout = newer;
	return true;
}

static bool allocate(struct ext *ext, struct error *err)
{
	ext->descriptors = malloc(ext->layout.block_bytes);
	ext->bitmap = malloc(ext->layout.block_bytes);
	return (ext->descriptors && ext->bitmap) || error_set(err, ERR_SYSTEM, "", "out of memory");
}

/* --- Groups --- */

static bool read_group(struct ext *ext, uint32_t number, struct ext_group *group)
{
	uint64_t block = ext_descriptor_block(&ext->layout, number);
	if (block != ext->descriptor_block) {
		ext->descriptor_block = 0;
		if (!read_current(ext, block, ext->descriptors))
			return false;
		ext->descriptor_block = block;
	}
	return ext_group_read(&ext->layout, number, ext->descriptors + ext_descriptor_offset(&ext->layout, number), group);
}

static uint32_t group_clusters(const struct ext_layout *layout, uint32_t number)
{
	return (ext_group_blocks(layout, number) + layout->cluster_blocks - 1) / layout->cluster_blocks;
}

static void set_bits(uint8_t *bitmap, uint64_t first, uint64_t end)
{
	for (uint64_t bit = first; bit < end; bit++)
		bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/* Marks the clusters of those of `count` blocks from `first` on that lie in the group. */
static void use_blocks(struct ext *ext, uint32_t number, uint64_t first, uint64_t count)
{
	const struct ext_layout *layout = &ext->layout;
	uint64_t start = ext_group_first(layout, number), end = start + ext_group_blocks(layout, number);
	uint64_t from = first > start ? first : start, to = first + count < end ? first + count : end;
	uint32_t ratio = layout->cluster_blocks;
	if (from < to)
		set_bits(ext->bitmap, (from - start) / ratio, (to - start + ratio - 1) / ratio);
}

/* What the bitmap of a group would be that nothing was ever allocated in. */
static void make_bitmap(struct ext *ext, uint32_t number, const struct ext_group *group)
{
	const struct ext_layout *layout = &ext->layout;
	memset(ext->bitmap, 0, layout->block_bytes);
	use_blocks(ext, number, ext_group_first(layout, number), ext_group_base_blocks(layout, number));
	use_blocks(ext, number, group->block_bitmap, 1);
	use_blocks(ext, number, group->inode_bitmap, 1);
	use_blocks(ext, number, group->inode_table, ext_inode_table_blocks(layout));
}

static bool bitmap_is_sound(const struct ext *ext, const struct ext_group *group)
{
	const struct ext_layout *layout = &ext->layout;
	if (!(layout->ro_compat & EXT_RO_METADATA_CSUM))
		return true;
	uint32_t mask = layout->descriptor_bytes >= 64 ? UINT32_MAX : UINT16_MAX;
	uint32_t bytes = layout->blocks_per_group / layout->cluster_blocks / 8;
	return (ext_checksum(layout->seed, ext->bitmap, bytes) & mask) == group->bitmap_checksum;
}

static bool load_bitmap(struct ext *ext, uint32_t number, const struct ext_group *group)
{
	if (group->bitmap_uninitialised) {
		make_bitmap(ext, number, group);
		return true;
	}
	return read_current(ext, group->block_bitmap, ext->bitmap) && bitmap_is_sound(ext, group);
}

static bool bit_is_set(const uint8_t *bitmap, uint32_t bit)
{
	return bitmap[bit / 8] >> bit % 8 & 1;
}

/* One past the last of the run of equal bits that starts at `first`. */
static uint32_t run_end(const uint8_t *bitmap, uint32_t first, uint32_t end)
{
	bool set = bit_is_set(bitmap, first);
	uint8_t whole = set ? UINT8_MAX : 0;
	uint32_t bit = first + 1;
	while (bit < end)
		if (bit % 8 == 0 && bitmap[bit / 8] == whole)
			bit += 8;
		else if (bit_is_set(bitmap, bit) == set)
			bit++;
		else
			break;
	return bit < end ? bit : end;
}

static uint32_t count_free(const uint8_t *bitmap, uint32_t bits)
{
	uint32_t free_bits = 0;
	for (uint32_t bit = 0, end; bit < bits; bit = end) {
		end = run_end(bitmap, bit, bits);
		free_bits += bit_is_set(bitmap, bit) ? 0 : end - bit;
	}
	return free_bits;
}

static void tell_bitmap(const struct ext *ext, uint32_t number, struct space *space)
{
	const struct ext_layout *layout = &ext->layout;
	uint32_t clusters = group_clusters(layout, number);
	uint64_t left = ext_group_blocks(layout, number);
	for (uint32_t bit = 0, end; bit < clusters; bit = end) {
		end = run_end(ext->bitmap, bit, clusters);
		uint64_t run = (uint64_t)(end - bit) * layout->cluster_blocks;
		run = run < left ? run : left; /* the last cluster may be cut off */
		space_tell(space, run * layout->block_bytes, bit_is_set(ext->bitmap, bit) ? DISK_DATA : ext->free_class);
		left -= run;
	}
}

static void tell_group(struct ext *ext, uint32_t number, struct space *space)
{
	struct ext_group group;
	bool sound = read_group(ext, number, &group) && load_bitmap(ext, number, &group)
		&& count_free(ext->bitmap, group_clusters(&ext->layout, number)) == group.free_clusters;
	if (sound) {
		tell_bitmap(ext, number, space);
		return;
	}
	ext->damaged++;
	space_tell(space, (uint64_t)ext_group_blocks(&ext->layout, number) * ext->layout.block_bytes, DISK_UNKNOWN);
}

static void say_blocks(const struct ext *ext, uint64_t first, uint64_t count, enum disk_class class)
{
	uint32_t bytes = ext->layout.block_bytes;
	block_map_say(ext->map, ext->view, first * bytes, count * bytes, class);
}

static void say_metadata(struct ext *ext, uint32_t number)
{
	struct ext_group group;
	say_blocks(ext, ext_group_first(&ext->layout, number), ext_group_base_blocks(&ext->layout, number), DISK_METADATA);
	if (!read_group(ext, number, &group))
		return;
	say_blocks(ext, group.block_bitmap, 1, DISK_METADATA);
	say_blocks(ext, group.inode_bitmap, 1, DISK_METADATA);
	say_blocks(ext, group.inode_table, ext_inode_table_blocks(&ext->layout), DISK_INODE_TABLE);
}

static void say_special_blocks(const struct ext *ext)
{
	say_blocks(ext, 0, EXT_SUPER_AT / ext->layout.block_bytes + 1, DISK_METADATA);
	if (ext->layout.mmp_block)
		say_blocks(ext, ext->layout.mmp_block, 1, DISK_METADATA);
	for (size_t i = 0; i < ext->journal_file.count; i++)
		say_blocks(ext, ext->journal_file.runs[i].block, ext->journal_file.runs[i].count, DISK_JOURNAL);
}

static void tell_all(struct ext *ext, struct volume *volume)
{
	struct space space = space_begin(ext->map, ext->view);
	space_tell(&space, (uint64_t)ext->layout.first_block * ext->layout.block_bytes, DISK_METADATA);
	for (uint32_t number = 0; number < ext->layout.groups; number++)
		tell_group(ext, number, &space);
	space_finish(&space);
	for (uint32_t number = 0; number < ext->layout.groups; number++)
		say_metadata(ext, number);
	say_special_blocks(ext);
	volume->free_bytes = space.bytes[DISK_FREE];
	volume->doubtful_bytes = space.bytes[DISK_DOUBTFUL];
}

/* --- Journal --- */

static bool find_journal(struct ext *ext)
{
	const struct ext_layout *layout = &ext->layout;
	const struct ext_reader reader = {.read = read_in_place, .context = ext, .layout = layout};
	uint32_t index = layout->journal_inode - 1;
	struct ext_group group;
	uint8_t inode[EXT_INODE_BYTES_READ];
	if (!layout->journal_inode || index / layout->inodes_per_group >= layout->groups
		|| !read_group(ext, index / layout->inodes_per_group, &group))
		return false;
	uint64_t at = group.inode_table * layout->block_bytes + (uint64_t)(index % layout->inodes_per_group) * layout->inode_bytes;
	return disk_view_read(ext->view, at, inode, sizeof(inode)) && ext_file_map(&ext->journal_file, &reader, inode);
}

/* Everything that was read before is read anew from here on: a block that reached its place, and left the journal, between
 * the two would otherwise be missed in both. */
static bool load_journal(struct ext *ext, struct error *err)
{
	const struct jbd2_source source = {.read = read_journal_block, .context = ext,
		.block_bytes = ext->layout.block_bytes, .blocks = ext->journal_file.blocks};
	disk_forget(ext->view->disk);
	ext->journal = jbd2_load(&source, err);
	disk_forget(ext->view->disk);
	ext->descriptor_block = 0;
	return ext->journal && read_super_again(ext, err);
}

/* Whether nothing is pending, or all of it could be applied; `why` otherwise. */
static bool settle(struct ext *ext, struct volume *volume, struct error *why)
{
	const struct ext_layout *layout = &ext->layout;
	bool has_journal = find_journal(ext), pending = layout->incompat & EXT_INCOMPAT_RECOVER;
	volume->state = VOLUME_CLEAN;
	if (layout->has_errors)
		return error_set(why, ERR_NOT_UNDERSTOOD, "", "the file system has recorded errors");
	if (!pending)
		return layout->clean || error_set(why, ERR_NOT_UNDERSTOOD, "", "it is in use, or was not unmounted, and has no journal in use");
	if (!has_journal)
		return error_set(why, ERR_NOT_UNDERSTOOD, "", "it is in use, or was not unmounted, and its journal was not found on this disk");
	if (layout->compat & EXT_COMPAT_FAST_COMMIT)
		return error_set(why, ERR_NOT_UNDERSTOOD, "", "it is in use, or was not unmounted, and has fast commits");
	volume->state = VOLUME_REPLAYED;
	if (!load_journal(ext, why))
		return false;
	volume->has_journal = true;
	volume->next_transaction = jbd2_next_transaction(ext->journal);
	return true;
}

/* --- */

static void describe(const struct ext *ext, struct volume *volume, const struct error *doubt)
{
	const struct ext_layout *layout = &ext->layout;
	bool is_ext4 = layout->incompat & (EXT_INCOMPAT_EXTENTS | EXT_INCOMPAT_64BIT | EXT_INCOMPAT_FLEX_BG);
	bool has_journal = layout->compat & EXT_COMPAT_JOURNAL;
	snprintf(volume->kind, sizeof(volume->kind), "ext%c", is_ext4 ? '4' : has_journal ? '3' : '2');
	volume_set_uuid(volume, layout->uuid);
	if (doubt->code)
		snprintf(volume->note, sizeof(volume->note), "%.190s", doubt->message);
	else if (ext->damaged)
		snprintf(volume->note, sizeof(volume->note), "%u of %u block groups are damaged, or changed while they were read",
			ext->damaged, layout->groups);
}

static bool explore(struct ext *ext, struct volume *volume, bool *moved, struct error *err)
{
	struct error doubt = {0};
	if (!read_super(ext, err) || !allocate(ext, err))
		return false;
	bool settled = settle(ext, volume, &doubt);
	ext->free_class = settled ? DISK_FREE : DISK_DOUBTFUL;
	volume->state = settled ? volume->state : VOLUME_DOUBTFUL;
	tell_all(ext, volume);
	describe(ext, volume, &doubt);
	disk_forget(ext->view->disk);
	*moved = settled && ext->journal && !jbd2_is_unmoved(ext->journal);
	return !*moved || error_set(err, ERR_NOT_UNDERSTOOD, "", "ext: the journal moved on while it was being read");
}

bool ext_is_there(const struct disk_view *view)
{
	uint8_t super[EXT_SUPER_BYTES];
	return disk_view_read(view, EXT_SUPER_AT, super, sizeof(super)) && ext_is_super(super);
}

bool ext_explore(const struct disk_view *view, struct block_map *map, struct volume *volume, bool *moved, struct error *err)
{
	struct ext ext = {.view = view, .map = map};
	*moved = false;
	disk_forget(view->disk);
	bool good = explore(&ext, volume, moved, err);
	jbd2_free(ext.journal);
	ext_file_free(&ext.journal_file);
	free(ext.descriptors);
	free(ext.bitmap);
	return good;
}
