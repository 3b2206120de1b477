#include "disk_explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext.h"
#include "foreign.h"
#include "lvm2.h"
#include "partitions.h"
#include "swap_area.h"
#include "xfs.h"

#define ATTEMPTS 3u /* while a journal moves on under the reader */

/* What an attempt may fetch: a quarter of the disk, and this. Any sound file system needs far less; a damaged or hostile one
 * could send the reader about for hours. What can no longer be read is unknown. */
#define FETCH_BYTES_MIN (UINT64_C(1) << 30)

enum level { LEVEL_DISK, LEVEL_PARTITION, LEVEL_LOGICAL };

struct explorer {
	struct disk_exploration *found;
	bool moved;   /* something changed that may be whole at the next attempt */
};

static void explore_view(struct explorer *explorer, const struct disk_view *view, const char *name, enum level level);

/* A new entry; NULL where there is no room: the view is unknown then. */
static struct volume *add_volume(struct explorer *explorer, const struct disk_view *view, const char *name)
{
	struct disk_exploration *found = explorer->found;
	if (found->count == VOLUMES_MAX) {
		block_map_say(found->map, view, 0, view->bytes, DISK_UNKNOWN);
		return NULL;
	}
	struct volume *volume = &found->volumes[found->count++];
	*volume = (struct volume){.offset = disk_view_piece(view, 0, 1).offset, .bytes = view->bytes, .kind = "unknown"};
	snprintf(volume->name, sizeof(volume->name), "%.150s", name);
	return volume;
}

static void make_unknown(struct explorer *explorer, const struct disk_view *view, struct volume *volume, const char *why)
{
	block_map_say(explorer->found->map, view, 0, view->bytes, DISK_UNKNOWN);
	volume->state = VOLUME_UNKNOWN;
	volume->free_bytes = volume->doubtful_bytes = 0;
	snprintf(volume->note, sizeof(volume->note), "%.190s", why);
}

/* --- What a view may hold --- */

enum content { CONTENT_TABLE, CONTENT_LVM2, CONTENT_EXT, CONTENT_XFS, CONTENT_SWAP, CONTENT_FOREIGN, CONTENTS };

struct claims {
	unsigned count;
	enum content first;
	const char *names[CONTENTS];
};

static void claim(struct claims *claims, enum content content, const char *name)
{
	if (!name)
		return;
	if (claims->count == 0)
		claims->first = content;
	claims->names[claims->count++] = name;
}

/* Everything that says the view is its own: more than one, and none can be believed. */
static struct claims find_claims(const struct disk_view *view)
{
	struct claims claims = {0};
	struct swap_area swap;
	claim(&claims, CONTENT_TABLE, partitions_are_there(view) ? "a partition table" : NULL);
	claim(&claims, CONTENT_LVM2, lvm2_is_there(view) ? "lvm2" : NULL);
	claim(&claims, CONTENT_EXT, ext_is_there(view) ? "ext" : NULL);
	claim(&claims, CONTENT_XFS, xfs_is_there(view) ? "xfs" : NULL);
	claim(&claims, CONTENT_SWAP, swap_area_read(view, &swap) ? "swap" : NULL);
	claim(&claims, CONTENT_FOREIGN, foreign_name(view));
	return claims;
}

/* --- Leaves --- */

static void explore_file_system(struct explorer *explorer, const struct disk_view *view, struct volume *volume, enum content content)
{
	struct error err = {0};
	bool moved = false;
	snprintf(volume->kind, sizeof(volume->kind), content == CONTENT_EXT ? "ext" : "xfs");
	bool good = content == CONTENT_EXT ? ext_explore(view, explorer->found->map, volume, &moved, &err)
		: xfs_explore(view, explorer->found->map, volume, &err);
	if (!good)
		make_unknown(explorer, view, volume, err.message);
	explorer->moved = explorer->moved || moved;
}

static void explore_swap(struct explorer *explorer, const struct disk_view *view, struct volume *volume)
{
	struct swap_area area;
	if (!swap_area_read(view, &area))
		return;
	block_map_say(explorer->found->map, view, area.bytes, UINT64_MAX, DISK_UNKNOWN);
	/* the header stays what it is when what was swapped out means nothing any more */
	block_map_say(explorer->found->map, view, 0, SWAP_HEADER_BYTES, DISK_METADATA);
	block_map_say(explorer->found->map, view, SWAP_HEADER_BYTES, area.bytes - SWAP_HEADER_BYTES, DISK_SWAP);
	snprintf(volume->kind, sizeof(volume->kind), "swap");
	volume_set_uuid(volume, area.uuid);
	volume->state = VOLUME_CLEAN;
}

/* --- LVM2 --- */

static void explore_logical(struct explorer *explorer, const struct lvm2_group *group, const struct lvm2_volume *logical)
{
	char name[sizeof(((struct volume *)0)->name)];
	snprintf(name, sizeof(name), "volume %.70s/%.70s", group->name, logical->name);
	if (!logical->why_not) {
		explore_view(explorer, &logical->view, name, LEVEL_LOGICAL);
		return;
	}
	struct volume *volume = add_volume(explorer, &logical->view, name);
	if (volume)
		make_unknown(explorer, &logical->view, volume, logical->why_not);
}

static void explore_lvm2(struct explorer *explorer, const struct disk_view *view, struct volume *volume)
{
	struct error err = {0};
	struct lvm2_group *group = lvm2_read(view, &err);
	snprintf(volume->kind, sizeof(volume->kind), "lvm2");
	if (!group) {
		make_unknown(explorer, view, volume, err.message);
		return;
	}
	volume->state = VOLUME_CLEAN;
	block_map_say(explorer->found->map, view, 0, group->first_extent, DISK_PARTITION);
	for (size_t i = 0; i < group->free_count; i++) {
		block_map_say(explorer->found->map, view, group->free[i].offset, group->free[i].bytes, DISK_FREE);
		volume->free_bytes += group->free[i].bytes;
	}
	for (size_t i = 0; i < group->count; i++)
		explore_logical(explorer, group, &group->volumes[i]);
	free(group);
}

/* --- Views --- */

static void explore_content(struct explorer *explorer, const struct disk_view *view, struct volume *volume,
	const struct claims *claims, enum level level)
{
	char why[sizeof(volume->note)];
	if (claims->count > 1) {
		snprintf(why, sizeof(why), "both %s and %s are there", claims->names[0], claims->names[1]);
		make_unknown(explorer, view, volume, why);
	} else if (claims->count == 0) {
		make_unknown(explorer, view, volume, "nothing that is known");
	} else if (claims->first == CONTENT_EXT || claims->first == CONTENT_XFS) {
		explore_file_system(explorer, view, volume, claims->first);
	} else if (claims->first == CONTENT_SWAP) {
		explore_swap(explorer, view, volume);
	} else if (claims->first == CONTENT_LVM2 && level != LEVEL_LOGICAL) {
		explore_lvm2(explorer, view, volume);
	} else {
		if (claims->first == CONTENT_FOREIGN)
			snprintf(volume->kind, sizeof(volume->kind), "%.15s", claims->names[0]);
		snprintf(why, sizeof(why), "%s is not understood here", claims->names[0]);
		make_unknown(explorer, view, volume, why);
	}
}

static void explore_view(struct explorer *explorer, const struct disk_view *view, const char *name, enum level level)
{
	struct volume *volume = add_volume(explorer, view, name);
	if (!volume)
		return;
	struct claims claims = find_claims(view);
	explore_content(explorer, view, volume, &claims, level);
}

/* --- Partitions --- */

static void explore_partitions(struct explorer *explorer, const struct disk_view *disk, const struct partition_table *table)
{
	struct disk_view part;
	char name[32];
	explorer->found->table = table->kind == TABLE_GPT ? "gpt" : "mbr";
	explorer->found->table_from_backup = table->from_backup;
	for (size_t i = 0; i < table->range_count; i++)
		block_map_say(explorer->found->map, disk, table->ranges[i].offset, table->ranges[i].bytes, DISK_PARTITION);
	for (size_t i = 0; i < table->count; i++) {
		const struct partition *partition = &table->partitions[i];
		snprintf(name, sizeof(name), "partition %u", partition->number);
		if (disk_view_part(disk, partition->range.offset, partition->range.bytes, &part))
			explore_view(explorer, &part, name, LEVEL_PARTITION);
	}
}

static void explore_disk(struct explorer *explorer, const struct disk_view *disk)
{
	struct partition_table table;
	struct error err = {0};
	explorer->found->table = "none";
	bool good = partitions_read(disk, &table, &err);
	struct claims claims = find_claims(disk);
	if (claims.count == 1 && claims.first == CONTENT_TABLE && good) {
		explore_partitions(explorer, disk, &table);
		return;
	}
	struct volume *volume = add_volume(explorer, disk, "disk");
	if (volume && good)
		explore_content(explorer, disk, volume, &claims, LEVEL_DISK);
	else if (volume)
		make_unknown(explorer, disk, volume, err.message);
}

/* --- */

static bool explore_once(struct disk *disk, struct explorer *explorer)
{
	struct disk_view all = disk_view_all(disk);
	struct disk_exploration *found = explorer->found;
	block_map_free(found->map);
	memset(found, 0, sizeof(*found));
	found->map = block_map_new(disk_bytes(disk));
	explorer->moved = false;
	disk_forget(disk);
	disk_limit(disk, disk_bytes(disk) / 4 + FETCH_BYTES_MIN);
	if (found->map)
		explore_disk(explorer, &all);
	return found->map != NULL;
}

struct disk_exploration *disk_explore(struct disk *disk, struct error *err)
{
	struct explorer explorer = {.found = calloc(1, sizeof(struct disk_exploration)), .moved = true};
	bool good = explorer.found != NULL;
	for (unsigned attempt = 0; good && explorer.moved && attempt < ATTEMPTS; attempt++)
		good = explore_once(disk, &explorer);
	if (good)
		return explorer.found;
	disk_exploration_free(explorer.found);
	error_set(err, ERR_SYSTEM, "", "out of memory");
	return NULL;
}

void disk_exploration_free(struct disk_exploration *exploration)
{
	if (!exploration)
		return;
	block_map_free(exploration->map);
	free(exploration);
}
