/*
 * ext_file.h - the blocks of a file of ext2, ext3 or ext4, by its inode: an extent tree, or the older block pointers.
 *
 * Format: kernel documentation, "ext4 Data Structures and Algorithms", 4.1 (inodes) and 4.2 (the contents of i_block).
 */
#ifndef ME2_EXT_FILE_H
#define ME2_EXT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ext_layout.h"

#define EXT_INODE_BYTES_READ 128u

/* Blocks [first, first + count) of the file are at `block` of the file system. */
struct ext_run {
	uint64_t block;
	uint32_t first, count;
};

struct ext_file {
	struct ext_run *runs; /* in order of `first` */
	size_t count, capacity;
	uint32_t blocks;      /* by its size */
};

/* How blocks of the file system are read: one block to `to`. */
struct ext_reader {
	bool (*read)(void *context, uint64_t block, uint8_t *to);
	void *context;
	const struct ext_layout *layout;
};

/* Maps the file of an inode (its first EXT_INODE_BYTES_READ bytes). False: damaged, or in too many pieces. Free it in any
 * case. */
bool ext_file_map(struct ext_file *file, const struct ext_reader *reader, const uint8_t *inode);
void ext_file_free(struct ext_file *file);

/* The block of the file system that holds block `number` of the file; 0: a hole, or beyond the end. */
uint64_t ext_file_block(const struct ext_file *file, uint32_t number);

#endif
