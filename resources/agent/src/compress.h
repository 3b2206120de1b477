/*
 * compress.h - general compressors over the packed pages of a migration: one stream over all batches, so that what repeats
 * across pages is found, flushed at the end of each section, so that nothing is ever held back.
 *
 * A section is the packed pages of one batch. The two ends see the same sections in the same order; each codec goes on
 * where its own last section ended, whatever other codecs did between. Formats: zstd frames (RFC 8878) with a window of at
 * most 2^COMPRESS_WINDOW_LOG bytes; LZ4 blocks, each with up to the last 64 KiB of the section before as its dictionary.
 */
#ifndef ME2_COMPRESS_H
#define ME2_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are part of the format. */
enum codec { CODEC_NONE = 0, CODEC_LZ4 = 1, CODEC_ZSTD = 2, CODECS = 3 };

#define COMPRESS_WINDOW_LOG 21
#define COMPRESS_LEVEL_MAX 19
/* A section's size when it does not shrink at all is at most so much more than its content. */
#define COMPRESS_SLACK 32768u

struct compressor;

/* `threads` more than 1: zstd compresses with so many workers at its low levels; the order is kept. NULL when out of memory. What a codec
 * needs is taken when it is first used. */
struct compressor *compressor_new(unsigned threads);
void compressor_free(struct compressor *compressor);

/* Compresses one section into `to` (capacity: length + COMPRESS_SLACK). `level` is for zstd, 1 … COMPRESS_LEVEL_MAX;
 * another level than the last one's begins with an empty window. Returns its size, 0 when out of memory. */
size_t compressor_run(struct compressor *compressor, enum codec codec, int level, const uint8_t *from, size_t length, uint8_t *to);

/* Size of `length` bytes compressed on their own, 0 when out of memory; leaves the stream alone. `to` as above. */
size_t compressor_try(struct compressor *compressor, enum codec codec, int level, const uint8_t *from, size_t length, uint8_t *to);

struct decompressor;

struct decompressor *decompressor_new(void);
void decompressor_free(struct decompressor *decompressor);

/* Decodes one section that has exactly `size` bytes of content. False when it is damaged, asks for a larger window, or is
 * not whole: `to` then holds anything, and the decompressor must not be used again. */
bool decompressor_run(struct decompressor *decompressor, enum codec codec, const uint8_t *from, size_t length, uint8_t *to, size_t size);

#endif
