/*
 * compress_fuzz.c - any bytes as packed sections, each behind its codec (u8), the size of its content (u16) and its length
 * (u16); what one section leaves behind the next finds. If the first byte is odd the sections are contents instead (the codec's
 * byte is then codec and level), which must survive being compressed and decompressed.
 */
#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "le.h"

#define INVARIANT(condition) do { if (!(condition)) abort(); } while (0)
#define HEAD_BYTES 5u
#define LEVELS 6

struct section {
	uint8_t codec;
	size_t size, length;
	const uint8_t *bytes;
};

/* Takes the next section off the input; false at its end. */
static bool next_section(const uint8_t **data, size_t *length, struct section *section)
{
	if (*length < HEAD_BYTES)
		return false;
	*section = (struct section){ .codec = (*data)[0], .size = le16_load(*data + 1), .length = le16_load(*data + 3),
		.bytes = *data + HEAD_BYTES };
	*length -= HEAD_BYTES;
	section->length = section->length < *length ? section->length : *length;
	*data += HEAD_BYTES + section->length;
	*length -= section->length;
	return true;
}

/* Exact heap copies, so that the sanitizer sees any access beyond them. */
static bool undo(struct decompressor *decompressor, enum codec codec, const uint8_t *bytes, size_t length, uint8_t **content, size_t size)
{
	uint8_t *exact = malloc(length ? length : 1);
	*content = malloc(size ? size : 1);
	memcpy(exact, bytes, length);
	bool ok = decompressor_run(decompressor, codec, exact, length, *content, size);
	free(exact);
	return ok;
}

static void check_sections(const uint8_t *data, size_t length)
{
	struct decompressor *decompressor = decompressor_new();
	struct section section;
	for (bool ok = true; ok && next_section(&data, &length, &section);) {
		uint8_t *content;
		ok = undo(decompressor, (enum codec)(section.codec % (CODECS + 1)), section.bytes, section.length, &content, section.size);
		free(content);
	}
	decompressor_free(decompressor);
}

static void check_contents(const uint8_t *data, size_t length)
{
	struct compressor *compressor = compressor_new(1);
	struct decompressor *decompressor = decompressor_new();
	struct section section;
	while (next_section(&data, &length, &section)) {
		enum codec codec = section.codec & 1 ? CODEC_LZ4 : CODEC_ZSTD;
		uint8_t *packed = malloc(section.length + COMPRESS_SLACK), *content;
		size_t size = section.length ? compressor_run(compressor, codec, 1 + (section.codec >> 1) % LEVELS, section.bytes, section.length, packed) : 0;
		INVARIANT(!section.length || size);
		if (size) {
			INVARIANT(undo(decompressor, codec, packed, size, &content, section.length));
			INVARIANT(memcmp(content, section.bytes, section.length) == 0);
			free(content);
		}
		free(packed);
	}
	compressor_free(compressor);
	decompressor_free(decompressor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	if (!length)
		return 0;
	if (data[0] & 1)
		check_contents(data + 1, length - 1);
	else
		check_sections(data + 1, length - 1);
	return 0;
}
