#include "block_map.h"

#include <stdlib.h>
#include <string.h>

/* A block's half byte is its class + 1; 0: nothing has been said, so that memory nobody speaks of is never touched. */
#define UNSAID 0u
#define BLOCKS_PER_WORD 16u
#define EVERY_NIBBLE UINT64_C(0x1111111111111111)

struct block_map {
	uint64_t blocks;
	uint64_t words[];
};

struct block_map *block_map_new(uint64_t disk_bytes)
{
	uint64_t blocks = disk_bytes / DISK_BLOCK_BYTES + (disk_bytes % DISK_BLOCK_BYTES != 0);
	struct block_map *map = calloc(1, sizeof(*map) + (blocks / BLOCKS_PER_WORD + 1) * sizeof(uint64_t));
	if (map)
		map->blocks = blocks;
	return map;
}

void block_map_free(struct block_map *map)
{
	free(map);
}

uint64_t block_map_blocks(const struct block_map *map)
{
	return map->blocks;
}

static unsigned shift_of(uint64_t block)
{
	return (unsigned)(block % BLOCKS_PER_WORD) * 4;
}

static unsigned nibble(const struct block_map *map, uint64_t block)
{
	return (unsigned)(map->words[block / BLOCKS_PER_WORD] >> shift_of(block)) & 15;
}

enum disk_class block_map_get(const struct block_map *map, uint64_t block)
{
	unsigned value = nibble(map, block);
	return value == UNSAID ? DISK_UNKNOWN : (enum disk_class)(value - 1);
}

/* Whether all blocks of the word at `block` have the class; unknown has two forms. */
static bool word_is(const struct block_map *map, uint64_t block, enum disk_class class)
{
	uint64_t word = map->words[block / BLOCKS_PER_WORD];
	return word == EVERY_NIBBLE * (class + 1u) || (class == DISK_UNKNOWN && word == UNSAID);
}

uint64_t block_map_run_end(const struct block_map *map, uint64_t first)
{
	enum disk_class class = block_map_get(map, first);
	uint64_t end = first + 1;
	while (end < map->blocks) {
		bool whole = end % BLOCKS_PER_WORD == 0 && map->blocks - end >= BLOCKS_PER_WORD;
		if (whole && word_is(map, end, class))
			end += BLOCKS_PER_WORD;
		else if (block_map_get(map, end) == class)
			end++;
		else
			break;
	}
	return end;
}

void block_map_count(const struct block_map *map, uint64_t counts[DISK_CLASSES])
{
	memset(counts, 0, DISK_CLASSES * sizeof(counts[0]));
	for (uint64_t first = 0, end; first < map->blocks; first = end) {
		end = block_map_run_end(map, first);
		counts[block_map_get(map, first)] += end - first;
	}
}

/* --- Saying --- */

/* A block takes a class that is at least as strong as what has been said of it. */
static unsigned strength(unsigned value)
{
	if (value == UNSAID)
		return 0;
	return value == DISK_FREE + 1u ? 1 : value == DISK_DOUBTFUL + 1u ? 2 : 3;
}

static void say_block(struct block_map *map, uint64_t block, enum disk_class class)
{
	uint64_t *word = &map->words[block / BLOCKS_PER_WORD];
	unsigned shift = shift_of(block);
	if (strength(class + 1u) >= strength(nibble(map, block)))
		*word = (*word & ~(UINT64_C(15) << shift)) | (uint64_t)(class + 1u) << shift;
}

static void say_blocks(struct block_map *map, uint64_t first, uint64_t end, enum disk_class class)
{
	end = end < map->blocks ? end : map->blocks;
	while (first < end) {
		uint64_t *word = &map->words[first / BLOCKS_PER_WORD];
		bool whole = first % BLOCKS_PER_WORD == 0 && end - first >= BLOCKS_PER_WORD;
		if (whole && (*word == UNSAID || strength(class + 1u) == 3)) {
			*word = EVERY_NIBBLE * (class + 1u);
			first += BLOCKS_PER_WORD;
		} else {
			say_block(map, first++, class);
		}
	}
}

/* `offset` and `bytes` lie on the disk. */
static void say_bytes(struct block_map *map, uint64_t offset, uint64_t bytes, enum disk_class class)
{
	uint64_t end = offset + bytes, up = DISK_BLOCK_BYTES - 1;
	if (class == DISK_FREE)
		say_blocks(map, (offset + up) / DISK_BLOCK_BYTES, end / DISK_BLOCK_BYTES, class);
	else
		say_blocks(map, offset / DISK_BLOCK_BYTES, (end + up) / DISK_BLOCK_BYTES, class);
}

void block_map_say(struct block_map *map, const struct disk_view *view, uint64_t offset, uint64_t bytes, enum disk_class class)
{
	if (offset >= view->bytes)
		return;
	bytes = bytes < view->bytes - offset ? bytes : view->bytes - offset;
	while (bytes) {
		struct disk_segment piece = disk_view_piece(view, offset, bytes);
		say_bytes(map, piece.offset, piece.bytes, class);
		offset += piece.bytes;
		bytes -= piece.bytes;
	}
}

/* --- A volume's space --- */

struct space space_begin(struct block_map *map, const struct disk_view *view)
{
	return (struct space){.map = map, .view = view};
}

static void say_run(struct space *space)
{
	block_map_say(space->map, space->view, space->start, space->end - space->start, space->class);
	space->start = space->end;
}

void space_tell(struct space *space, uint64_t bytes, enum disk_class class)
{
	if (class != space->class)
		say_run(space);
	space->class = class;
	space->end += bytes;
	space->bytes[class] += bytes;
}

void space_finish(struct space *space)
{
	say_run(space);
	block_map_say(space->map, space->view, space->end, UINT64_MAX, DISK_UNKNOWN);
}
