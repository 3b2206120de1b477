#include "ext_file.h"

#include <stdlib.h>
#include <string.h>

#include "le.h"

#define RUNS_MAX 65536u
#define READS_MAX 16384u           /* blocks of the tree, or of pointers */
#define SIZE_LOW_AT 4u
#define FLAGS_AT 32u
#define POINTERS_AT 40u            /* i_block */
#define POINTERS_BYTES 60u
#define SIZE_HIGH_AT 108u
#define FLAG_EXTENTS 0x80000u
#define EXTENT_MAGIC 0xf30au
#define EXTENT_BYTES 12u
#define EXTENT_DEPTH_MAX 5u
#define EXTENT_INITIALISED_MAX 32768u /* longer ones are allocated, but not yet written */
#define DIRECT_POINTERS 12u

struct walk {
	struct ext_file *file;
	const struct ext_reader *reader;
	uint32_t reads, next; /* `next`: the block of the file that comes next */
};

static bool add_run(struct walk *walk, uint32_t first, uint64_t block, uint32_t count)
{
	struct ext_file *file = walk->file;
	uint64_t blocks = walk->reader->layout->blocks; /* no journal is longer than its file system */
	struct ext_run *last = file->count ? &file->runs[file->count - 1] : NULL;
	if (block == 0 || block >= blocks || count > blocks - block || first < walk->next || count > UINT32_MAX - first
		|| first + (uint64_t)count > blocks)
		return false;
	walk->next = first + count;
	if (last && last->first + last->count == first && last->block + last->count == block) {
		last->count += count;
		return true;
	}
	if (file->count == file->capacity) {
		size_t capacity = file->capacity ? file->capacity * 2 : 64;
		struct ext_run *runs = capacity <= RUNS_MAX ? realloc(file->runs, capacity * sizeof(*runs)) : NULL;
		if (!runs)
			return false;
		file->runs = runs;
		file->capacity = capacity;
	}
	file->runs[file->count++] = (struct ext_run){.block = block, .first = first, .count = count};
	return true;
}

/* A block of the tree, on the heap; NULL if it cannot be read. */
static uint8_t *read_node(struct walk *walk, uint64_t block)
{
	const struct ext_reader *reader = walk->reader;
	if (block == 0 || block >= reader->layout->blocks || walk->reads++ == READS_MAX)
		return NULL;
	uint8_t *node = malloc(reader->layout->block_bytes);
	if (node && reader->read(reader->context, block, node))
		return node;
	free(node);
	return NULL;
}

/* --- Extents --- */

static bool take_extent(struct walk *walk, const uint8_t *extent)
{
	uint32_t count = le16_load(extent + 4);
	uint64_t block = le32_load(extent + 8) | (uint64_t)le16_load(extent + 6) << 32;
	if (count > EXTENT_INITIALISED_MAX)
		count -= EXTENT_INITIALISED_MAX;
	return count && add_run(walk, le32_load(extent), block, count);
}

/* `depth`: what the node must say its height is. */
static bool walk_extents(struct walk *walk, const uint8_t *node, size_t length, unsigned depth)
{
	unsigned count = le16_load(node + 2);
	if (le16_load(node) != EXTENT_MAGIC || le16_load(node + 6) != depth || (count + 1) * EXTENT_BYTES > length)
		return false;
	bool good = true;
	for (unsigned i = 1; good && i <= count; i++) {
		const uint8_t *entry = node + i * EXTENT_BYTES;
		if (depth == 0) {
			good = take_extent(walk, entry);
			continue;
		}
		uint8_t *child = read_node(walk, le32_load(entry + 4) | (uint64_t)le16_load(entry + 8) << 32);
		good = child && walk_extents(walk, child, walk->reader->layout->block_bytes, depth - 1);
		free(child);
	}
	return good;
}

/* --- Block pointers --- */

/* `level` 0: the pointers are those of the file's own blocks; otherwise of blocks of pointers. A pointer of 0 is a hole. */
static bool walk_pointers(struct walk *walk, const uint8_t *pointers, size_t count, unsigned level, uint64_t *number)
{
	uint64_t per_block = walk->reader->layout->block_bytes / 4, span = 1;
	for (unsigned i = 0; i < level; i++)
		span *= per_block;
	bool good = true;
	for (size_t i = 0; good && i < count && *number < walk->file->blocks; i++) {
		uint32_t block = le32_load(pointers + i * 4);
		if (block == 0) {
			*number += span;
		} else if (level == 0) {
			good = add_run(walk, (uint32_t)(*number)++, block, 1);
		} else {
			uint8_t *child = read_node(walk, block);
			good = child && walk_pointers(walk, child, per_block, level - 1, number);
			free(child);
		}
	}
	return good;
}

static bool walk_all_pointers(struct walk *walk, const uint8_t *pointers)
{
	uint64_t number = 0;
	bool good = walk_pointers(walk, pointers, DIRECT_POINTERS, 0, &number);
	for (unsigned level = 1; good && level <= 3; level++)
		good = walk_pointers(walk, pointers + (DIRECT_POINTERS + level - 1) * 4, 1, level, &number);
	return good;
}

/* --- */

bool ext_file_map(struct ext_file *file, const struct ext_reader *reader, const uint8_t *inode)
{
	const uint8_t *pointers = inode + POINTERS_AT;
	struct walk walk = {.file = file, .reader = reader};
	uint64_t bytes = le32_load(inode + SIZE_LOW_AT) | (uint64_t)le32_load(inode + SIZE_HIGH_AT) << 32;
	*file = (struct ext_file){0};
	if (bytes / reader->layout->block_bytes > UINT32_MAX)
		return false;
	file->blocks = (uint32_t)(bytes / reader->layout->block_bytes);
	if (!(le32_load(inode + FLAGS_AT) & FLAG_EXTENTS))
		return walk_all_pointers(&walk, pointers);
	unsigned depth = le16_load(pointers + 6);
	return depth <= EXTENT_DEPTH_MAX && walk_extents(&walk, pointers, POINTERS_BYTES, depth);
}

void ext_file_free(struct ext_file *file)
{
	free(file->runs);
	*file = (struct ext_file){0};
}

uint64_t ext_file_block(const struct ext_file *file, uint32_t number)
{
	size_t low = 0, high = file->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (file->runs[middle].first <= number)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || number >= file->blocks)
		return 0;
	const struct ext_run *run = &file->runs[low - 1];
	return number - run->first < run->count ? run->block + (number - run->first) : 0;
}
