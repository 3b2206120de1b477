/*
 * block_reader.h - reads blocks (disk_class.h) of a disk that may be written to meanwhile: what is on the disk now, around the page
 * cache where that is possible, for under blkback the cache is stale.
 */
#ifndef ME2_BLOCK_READER_H
#define ME2_BLOCK_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct block_reader {
	int fd; /* -1: not open */
	uint64_t bytes;
};

/* A disk of so many bytes. */
bool block_reader_open(struct block_reader *reader, const char *path, uint64_t bytes, struct error *err);
void block_reader_close(struct block_reader *reader);

/* Memory that blocks can be read to, to be freed with free(). NULL when there is none. */
uint8_t *block_reader_room(size_t blocks);

/* `to` is from block_reader_room(). What lies behind the end of a disk that is no multiple of a block reads as zeros. */
bool block_reader_read(const struct block_reader *reader, uint64_t first, size_t count, uint8_t *to, struct error *err);

#endif
