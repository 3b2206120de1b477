#include "compress.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LZ4_DICTIONARY_BYTES 65536u
/* What a worker takes at a time: small enough that a flush after each batch leaves none idle. */
#define ZSTD_JOB_BYTES (1 << 20)
#define ZSTD_OVERLAP_WHOLE_WINDOW 9
/* Each worker has tables of its own: above this level they would take more memory than the agent may. */
#define ZSTD_WORKERS_LEVEL_MAX 3

struct compressor {
	unsigned threads;
	ZSTD_CCtx *zstd, *zstd_alone;
	int level;
	bool frame_open;
	LZ4_stream_t *lz4;
	char lz4_dictionary[LZ4_DICTIONARY_BYTES];
};

struct compressor *compressor_new(unsigned threads)
{
	struct compressor *compressor = calloc(1, sizeof(*compressor));
	if (compressor)
		compressor->threads = threads;
	return compressor;
}

void compressor_free(struct compressor *compressor)
{
	if (!compressor)
		return;
	ZSTD_freeCCtx(compressor->zstd);
	ZSTD_freeCCtx(compressor->zstd_alone);
	LZ4_freeStream(compressor->lz4);
	free(compressor);
}

static bool open_zstd(ZSTD_CCtx **context)
{
	if (*context)
		return true;
	if (!(*context = ZSTD_createCCtx()))
		return false;
	ZSTD_CCtx_setParameter(*context, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(*context, ZSTD_c_checksumFlag, 0); /* the batch has one */
	return true;
}

/* For the next frame. The window is set after the level, which has an opinion of its own on it. */
static void set_level(ZSTD_CCtx *context, int level, unsigned threads)
{
	bool many = threads > 1 && level <= ZSTD_WORKERS_LEVEL_MAX;
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, COMPRESS_WINDOW_LOG);
	ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, many ? (int)threads : 0);
	if (!many)
		return;
	ZSTD_CCtx_setParameter(context, ZSTD_c_jobSize, ZSTD_JOB_BYTES);
	ZSTD_CCtx_setParameter(context, ZSTD_c_overlapLog, ZSTD_OVERLAP_WHOLE_WINDOW);
}

static bool pump(ZSTD_CCtx *context, ZSTD_outBuffer *out, ZSTD_inBuffer *in, ZSTD_EndDirective how)
{
	size_t left;
	do {
		left = ZSTD_compressStream2(context, out, in, how);
		if (ZSTD_isError(left))
			return false;
	} while (left && out->pos < out->size);
	return left == 0;
}

static size_t run_zstd(struct compressor *compressor, int level, const uint8_t *from, size_t length, uint8_t *to)
{
	ZSTD_inBuffer nothing = {.src = ""}, in = {.src = from, .size = length};
	ZSTD_outBuffer out = {.dst = to, .size = length + COMPRESS_SLACK};
	if (!open_zstd(&compressor->zstd))
		return 0;
	if (compressor->frame_open && level != compressor->level) {
		if (!pump(compressor->zstd, &out, &nothing, ZSTD_e_end))
			return 0;
		compressor->frame_open = false;
	}
	if (!compressor->frame_open)
		set_level(compressor->zstd, level, compressor->threads);
	compressor->level = level;
	compressor->frame_open = true;
	return pump(compressor->zstd, &out, &in, ZSTD_e_flush) ? out.pos : 0;
}

static size_t run_lz4(struct compressor *compressor, const uint8_t *from, size_t length, uint8_t *to)
{
	if (!compressor->lz4 && !(compressor->lz4 = LZ4_createStream()))
		return 0;
	int size = LZ4_compress_fast_continue(compressor->lz4, (const char *)from, (char *)to, (int)length,
		(int)(length + COMPRESS_SLACK), 1);
	LZ4_saveDict(compressor->lz4, compressor->lz4_dictionary, LZ4_DICTIONARY_BYTES);
	return (size_t)size;
}

size_t compressor_run(struct compressor *compressor, enum codec codec, int level, const uint8_t *from, size_t length, uint8_t *to)
{
	return codec == CODEC_ZSTD ? run_zstd(compressor, level, from, length, to) : run_lz4(compressor, from, length, to);
}

size_t compressor_try(struct compressor *compressor, enum codec codec, int level, const uint8_t *from, size_t length, uint8_t *to)
{
	if (codec == CODEC_LZ4)
		return (size_t)LZ4_compress_default((const char *)from, (char *)to, (int)length, (int)(length + COMPRESS_SLACK));
	if (!open_zstd(&compressor->zstd_alone))
		return 0;
	ZSTD_CCtx_setParameter(compressor->zstd_alone, ZSTD_c_compressionLevel, level);
	size_t size = ZSTD_compress2(compressor->zstd_alone, to, length + COMPRESS_SLACK, from, length);
	return ZSTD_isError(size) ? 0 : size;
}

struct decompressor {
	ZSTD_DCtx *zstd;
	size_t lz4_bytes; /* of the dictionary: the end of the last section */
	uint8_t lz4_dictionary[LZ4_DICTIONARY_BYTES];
};

struct decompressor *decompressor_new(void)
{
	return calloc(1, sizeof(struct decompressor));
}

void decompressor_free(struct decompressor *decompressor)
{
	if (!decompressor)
		return;
	ZSTD_freeDCtx(decompressor->zstd);
	free(decompressor);
}

/* A section with more content than it should have leaves the rest in the decoder. */
static bool zstd_holds_more(ZSTD_DCtx *context)
{
	uint8_t byte;
	ZSTD_inBuffer nothing = {.src = ""};
	ZSTD_outBuffer rest = {.dst = &byte, .size = sizeof(byte)};
	return ZSTD_isError(ZSTD_decompressStream(context, &rest, &nothing)) || rest.pos;
}

static bool undo_zstd(struct decompressor *decompressor, const uint8_t *from, size_t length, uint8_t *to, size_t size)
{
	if (!decompressor->zstd) {
		if (!(decompressor->zstd = ZSTD_createDCtx()))
			return false;
		ZSTD_DCtx_setParameter(decompressor->zstd, ZSTD_d_windowLogMax, COMPRESS_WINDOW_LOG);
	}
	ZSTD_inBuffer in = {.src = from, .size = length};
	ZSTD_outBuffer out = {.dst = to, .size = size};
	while (in.pos < in.size) {
		size_t taken = in.pos, made = out.pos;
		if (ZSTD_isError(ZSTD_decompressStream(decompressor->zstd, &out, &in)) || (in.pos == taken && out.pos == made))
			return false;
	}
	return out.pos == out.size && !zstd_holds_more(decompressor->zstd);
}

static bool undo_lz4(struct decompressor *decompressor, const uint8_t *from, size_t length, uint8_t *to, size_t size)
{
	int made = LZ4_decompress_safe_usingDict((const char *)from, (char *)to, (int)length, (int)size,
		(const char *)decompressor->lz4_dictionary, (int)decompressor->lz4_bytes);
	if (made < 0 || (size_t)made != size)
		return false;
	decompressor->lz4_bytes = size < LZ4_DICTIONARY_BYTES ? size : LZ4_DICTIONARY_BYTES;
	memcpy(decompressor->lz4_dictionary, to + size - decompressor->lz4_bytes, decompressor->lz4_bytes);
	return true;
}

bool decompressor_run(struct decompressor *decompressor, enum codec codec, const uint8_t *from, size_t length, uint8_t *to, size_t size)
{
	switch (codec) {
	case CODEC_ZSTD:
		return undo_zstd(decompressor, from, length, to, size);
	case CODEC_LZ4:
		return undo_lz4(decompressor, from, length, to, size);
	default:
		return false;
	}
}
