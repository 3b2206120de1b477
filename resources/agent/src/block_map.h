/*
 * block_map.h - the class of each block of a disk (disk_class.h), in half a byte a block: 12.5 MiB for 100 GB.
 *
 * Blocks start as unknown. Several sources may speak of one block (overlapping volumes, stale tables, damage): whoever
 * calls it used is believed, in whatever order they speak, doubtful before free. So a block is free only if somebody calls
 * all of it free and nobody says anything else of any part of it.
 */
#ifndef ME2_BLOCK_MAP_H
#define ME2_BLOCK_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"
#include "disk_class.h"

struct block_map;

/* For a disk of so many bytes (a last block that is not whole counts). NULL: out of memory. */
struct block_map *block_map_new(uint64_t disk_bytes);
void block_map_free(struct block_map *map);

uint64_t block_map_blocks(const struct block_map *map);
enum disk_class block_map_get(const struct block_map *map, uint64_t block);
/* One past the last block of the run of one class that `first` lies in. */
uint64_t block_map_run_end(const struct block_map *map, uint64_t first);
void block_map_count(const struct block_map *map, uint64_t counts[DISK_CLASSES]);

/* Says what [offset, offset + bytes) of a view is; what lies beyond its end is skipped. DISK_FREE is said of the blocks that
 * lie wholly within, where nothing has been said; DISK_DOUBTFUL of all that it touches, where nothing or DISK_FREE has been
 * said; any other class of all that it touches. */
void block_map_say(struct block_map *map, const struct disk_view *view, uint64_t offset, uint64_t bytes, enum disk_class class);

/* --- The space of one volume, told from its start to its end --- */

/* Joins neighbours of one class, so that small runs of free space that meet within a block make it free. */
struct space {
	struct block_map *map;
	const struct disk_view *view;
	uint64_t start, end;            /* of the run that is being put together, bytes of the view */
	enum disk_class class;
	uint64_t bytes[DISK_CLASSES];   /* told so far */
};

struct space space_begin(struct block_map *map, const struct disk_view *view);
void space_tell(struct space *space, uint64_t bytes, enum disk_class class);
/* What of the volume has not been told is unknown. */
void space_finish(struct space *space);

#endif
