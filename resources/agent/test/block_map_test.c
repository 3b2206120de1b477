/* block_map_test.c - without it, a block that anything on the disk uses could be called free, and be left out. */
#include <string.h>

#include "block_map.h"
#include "check.h"
#include "pages.h"

#define BLOCKS 100u
#define STATEMENTS 40u

static const uint64_t block = DISK_BLOCK_BYTES;

static struct disk_view whole_view(uint64_t bytes)
{
	return (struct disk_view){.bytes = bytes, .count = 1, .segments = {{.bytes = bytes}}};
}

/* What a block is after two statements, by the header's words. */
static enum disk_class agreed(enum disk_class first, enum disk_class second)
{
	bool first_yields = first == DISK_FREE || (first == DISK_DOUBTFUL && second != DISK_FREE);
	bool second_yields = second == DISK_FREE || second == DISK_DOUBTFUL;
	return first_yields || !second_yields ? second : first;
}

static void used_wins_in_any_order(void)
{
	struct disk_view view = whole_view(BLOCKS * block);
	for (int first = 0; first < DISK_CLASSES; first++)
		for (int second = 0; second < DISK_CLASSES; second++) {
			struct block_map *map = block_map_new(BLOCKS * block);
			block_map_say(map, &view, 0, BLOCKS * block, first);
			block_map_say(map, &view, 0, 20 * block, second); /* a whole word, and a part of one */
			for (uint64_t i = 0; i < BLOCKS; i++)
				CHECK(block_map_get(map, i) == (i < 20 ? agreed(first, second) : (enum disk_class)first), "%d, then %d", first, second);
			block_map_free(map);
		}
}

static void parts_of_blocks_are_used_and_never_free(void)
{
	uint64_t bytes = 10 * block + 512;
	struct disk_view view = whole_view(bytes);
	struct block_map *map = block_map_new(bytes);
	CHECK(block_map_blocks(map) == 11);
	block_map_say(map, &view, 1, bytes - 1, DISK_FREE);
	CHECK(block_map_get(map, 0) == DISK_UNKNOWN && block_map_get(map, 1) == DISK_FREE && block_map_get(map, 9) == DISK_FREE);
	CHECK(block_map_get(map, 10) == DISK_UNKNOWN, "the disk's last block is not whole");
	block_map_say(map, &view, 3 * block - 1, 2, DISK_DOUBTFUL);
	block_map_say(map, &view, 5 * block - 1, 2, DISK_DATA);
	CHECK(block_map_get(map, 2) == DISK_DOUBTFUL && block_map_get(map, 3) == DISK_DOUBTFUL);
	CHECK(block_map_get(map, 4) == DISK_DATA && block_map_get(map, 5) == DISK_DATA && block_map_get(map, 6) == DISK_FREE);
	block_map_say(map, &view, bytes, 1, DISK_SWAP);
	block_map_say(map, &view, 8 * block, UINT64_MAX, DISK_SWAP);
	CHECK(block_map_get(map, 7) == DISK_FREE && block_map_get(map, 8) == DISK_SWAP && block_map_get(map, 10) == DISK_SWAP);
	block_map_free(map);
}

/* A volume in two pieces, the wrong way round, of which one begins within a block. */
static void what_a_volume_says_lands_where_its_pieces_are(void)
{
	struct disk_view all = whole_view(BLOCKS * block), view = {0};
	CHECK(disk_view_append(&view, &all, 50 * block, 4 * block) && disk_view_append(&view, &all, 10 * block + 512, 4 * block));
	CHECK(!disk_view_append(&view, &all, 99 * block, 2 * block), "beyond the end");
	struct block_map *map = block_map_new(BLOCKS * block);
	struct space space = space_begin(map, &view);
	space_tell(&space, 2 * block, DISK_DATA);
	space_tell(&space, block / 2, DISK_FREE);
	space_tell(&space, block / 2 + 3 * block, DISK_FREE);
	space_finish(&space);
	CHECK(space.bytes[DISK_FREE] == 4 * block && space.bytes[DISK_DATA] == 2 * block);
	uint64_t counts[DISK_CLASSES];
	block_map_count(map, counts);
	CHECK(counts[DISK_DATA] == 2 && block_map_get(map, 50) == DISK_DATA);
	CHECK(counts[DISK_FREE] == 3 && block_map_get(map, 52) == DISK_FREE && block_map_get(map, 11) == DISK_FREE);
	block_map_say(map, &all, 0, BLOCKS * block, DISK_FREE);
	CHECK(block_map_get(map, 12) == DISK_UNKNOWN && block_map_get(map, 14) == DISK_UNKNOWN, "the end that was not told is unknown for good");
	block_map_free(map);
}

/* Any statements: each block by itself against what was said of it; runs and counts against the blocks. */
static void runs_and_counts_follow_from_blocks(struct random *rng)
{
	struct disk_view view = whole_view(BLOCKS * block);
	struct block_map *map = block_map_new(BLOCKS * block);
	enum disk_class expected[BLOCKS] = {0};
	bool said[BLOCKS] = {0};
	for (unsigned i = 0; i < STATEMENTS; i++) {
		uint64_t first = random_below(rng, BLOCKS), count = 1 + random_below(rng, 40);
		enum disk_class class = random_below(rng, 2) ? (enum disk_class)random_below(rng, DISK_CLASSES) : DISK_FREE;
		block_map_say(map, &view, first * block, count * block, class);
		for (uint64_t at = first; at < first + count && at < BLOCKS; at++) {
			expected[at] = said[at] ? agreed(expected[at], class) : class;
			said[at] = true;
		}
	}
	uint64_t counts[DISK_CLASSES], again[DISK_CLASSES] = {0};
	for (uint64_t at = 0; at < BLOCKS; at++) {
		CHECK(block_map_get(map, at) == expected[at]);
		again[expected[at]]++;
	}
	for (uint64_t at = 0, end; at < BLOCKS; at = end) {
		end = block_map_run_end(map, at);
		CHECK(end > at && end <= BLOCKS && (end == BLOCKS || expected[end] != expected[at]));
		for (uint64_t i = at; i < end; i++)
			CHECK(expected[i] == expected[at]);
	}
	block_map_count(map, counts);
	CHECK(memcmp(counts, again, sizeof(counts)) == 0);
	block_map_free(map);
}

int main(void)
{
	used_wins_in_any_order();
	parts_of_blocks_are_used_and_never_free();
	what_a_volume_says_lands_where_its_pieces_are();
	struct random rng = {.state = 5};
	for (unsigned i = 0; i < 300; i++)
		runs_and_counts_follow_from_blocks(&rng);
	CHECKS_PASSED();
	return 0;
}
