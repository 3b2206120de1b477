/* compress_test.c - if these fail, packed pages arrive wrong, or a hostile source harms the target's agent. */
#include "compress.h"

#include <zstd.h>

#include "check.h"
#include "pages.h"

#define SECTION_MAX (64u * PAGE_BYTES)
#define STREAM_SECTIONS 60u

static struct random rng = { .state = 99 };
static const enum codec codecs[] = { CODEC_LZ4, CODEC_ZSTD };

static void fill_section(uint8_t *section, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		fill_page(&rng, (enum page_kind)random_below(&rng, KINDS), section + i * PAGE_BYTES);
}

/* Exact heap copies, so that the sanitizer sees any access beyond them. */
static bool undo(struct decompressor *decompressor, enum codec codec, const uint8_t *from, size_t length, uint8_t *to, size_t size)
{
	uint8_t *in = malloc(length ? length : 1), *out = malloc(size ? size : 1);
	memcpy(in, from, length);
	bool ok = decompressor_run(decompressor, codec, in, length, out, size);
	memcpy(to, out, size);
	free(in);
	free(out);
	return ok;
}

/* --- Streams --- */

/* Sections of any size; codec and level stay for a while, then change. */
static void test_a_stream_comes_back(unsigned threads)
{
	struct compressor *compressor = compressor_new(threads);
	struct decompressor *decompressor = decompressor_new();
	uint8_t *section = malloc(SECTION_MAX), *packed = malloc(SECTION_MAX + COMPRESS_SLACK), *back = malloc(SECTION_MAX);
	enum codec codec = CODEC_ZSTD;
	int level = 3;
	CHECK(compressor && decompressor && section && packed && back);
	for (unsigned i = 0; i < STREAM_SECTIONS; i++) {
		size_t pages = 1 + random_below(&rng, i % 8 ? 8 : SECTION_MAX / PAGE_BYTES), bytes = pages * PAGE_BYTES;
		if (random_below(&rng, 3) == 0) {
			codec = codecs[random_below(&rng, 2)];
			level = i % 10 ? 1 + (int)random_below(&rng, 6) : 1 + (int)random_below(&rng, COMPRESS_LEVEL_MAX);
		}
		fill_section(section, pages);
		size_t size = compressor_run(compressor, codec, level, section, bytes, packed);
		CHECK(size && size <= bytes + COMPRESS_SLACK);
		CHECK(undo(decompressor, codec, packed, size, back, bytes), "section %u, codec %d, level %d", i, (int)codec, level);
		CHECK(memcmp(section, back, bytes) == 0, "section %u, codec %d, level %d", i, (int)codec, level);
	}
	free(section);
	free(packed);
	free(back);
	compressor_free(compressor);
	decompressor_free(decompressor);
}

/* The largest section that a batch can have, of nothing that shrinks. */
static void test_the_largest_section(unsigned threads)
{
	const size_t bytes = (size_t)1024 * PAGE_BYTES;
	struct compressor *compressor = compressor_new(threads);
	struct decompressor *decompressor = decompressor_new();
	uint8_t *section = malloc(bytes), *packed = malloc(bytes + COMPRESS_SLACK), *back = malloc(bytes);
	fill_random(&rng, section, bytes);
	for (unsigned i = 0; i < 4; i++) {
		enum codec codec = codecs[i % 2];
		section[i]++;
		size_t size = compressor_run(compressor, codec, 1, section, bytes, packed);
		CHECK(size > 0 && size <= bytes + COMPRESS_SLACK);
		CHECK(undo(decompressor, codec, packed, size, back, bytes) && memcmp(section, back, bytes) == 0);
	}
	free(section);
	free(packed);
	free(back);
	compressor_free(compressor);
	decompressor_free(decompressor);
}

/* What repeats is found although a batch, and sections of the other codec, lie between. */
static void test_context_goes_on(void)
{
	uint8_t pages[2 * PAGE_BYTES], other[PAGE_BYTES], packed[2 * PAGE_BYTES + COMPRESS_SLACK];
	fill_random(&rng, pages, sizeof(pages));
	fill_random(&rng, other, sizeof(other));
	for (unsigned c = 0; c < 2; c++) {
		struct compressor *compressor = compressor_new(1);
		size_t first = compressor_run(compressor, codecs[c], 3, pages, sizeof(pages), packed);
		compressor_run(compressor, codecs[1 - c], 3, other, sizeof(other), packed);
		size_t second = compressor_run(compressor, codecs[c], 3, pages, sizeof(pages), packed);
		CHECK(first >= sizeof(pages) && second < 200, "codec %d: %zu, then %zu", (int)codecs[c], first, second);
		compressor_free(compressor);
	}
}

static void test_another_level_forgets(void)
{
	uint8_t page[PAGE_BYTES], packed[PAGE_BYTES + COMPRESS_SLACK];
	struct compressor *compressor = compressor_new(1);
	fill_random(&rng, page, sizeof(page));
	compressor_run(compressor, CODEC_ZSTD, 3, page, sizeof(page), packed);
	CHECK(compressor_run(compressor, CODEC_ZSTD, 4, page, sizeof(page), packed) >= PAGE_BYTES);
	CHECK(compressor_run(compressor, CODEC_ZSTD, 4, page, sizeof(page), packed) < 100);
	compressor_free(compressor);
}

static void test_trying_leaves_the_stream_alone(void)
{
	struct compressor *tries = compressor_new(1), *plain = compressor_new(1);
	uint8_t page[PAGE_BYTES], a[PAGE_BYTES + COMPRESS_SLACK], b[PAGE_BYTES + COMPRESS_SLACK], scratch[PAGE_BYTES + COMPRESS_SLACK];
	for (unsigned i = 0; i < 40; i++) {
		enum codec codec = codecs[i % 2];
		fill_page(&rng, KIND_DATABASE, page);
		size_t alone = compressor_try(tries, codec, 1 + (int)i % 9, page, sizeof(page), scratch);
		CHECK(alone > 0 && alone < PAGE_BYTES);
		size_t size = compressor_run(tries, codec, 3, page, sizeof(page), a);
		CHECK(size == compressor_run(plain, codec, 3, page, sizeof(page), b) && memcmp(a, b, size) == 0);
	}
	compressor_free(tries);
	compressor_free(plain);
}

/* --- Damage --- */

/* Two sections of each codec. Only the second one is damaged: the decoder has state by then. */
struct sample {
	enum codec codec;
	uint8_t plain[2][3 * PAGE_BYTES];
	uint8_t packed[2][3 * PAGE_BYTES + COMPRESS_SLACK];
	size_t size[2];
};

static void make_sample(struct sample *sample, enum codec codec)
{
	struct compressor *compressor = compressor_new(1);
	sample->codec = codec;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned page = 0; page < 3; page++)
			fill_page(&rng, page ? KIND_DATABASE : KIND_TEXT, sample->plain[i] + page * PAGE_BYTES);
		sample->size[i] = compressor_run(compressor, codec, 3, sample->plain[i], sizeof(sample->plain[i]), sample->packed[i]);
	}
	compressor_free(compressor);
}

/* Runs the first section as it is, then `length` bytes as the second. */
static bool undo_second(const struct sample *sample, const uint8_t *second, size_t length, size_t expected, uint8_t *to)
{
	struct decompressor *decompressor = decompressor_new();
	CHECK(undo(decompressor, sample->codec, sample->packed[0], sample->size[0], to, sizeof(sample->plain[0])));
	bool ok = undo(decompressor, sample->codec, second, length, to, expected);
	decompressor_free(decompressor);
	return ok;
}

static void test_what_is_not_whole_is_refused(const struct sample *sample)
{
	uint8_t back[4 * PAGE_BYTES], longer[4 * PAGE_BYTES + COMPRESS_SLACK];
	const uint8_t *packed = sample->packed[1];
	size_t size = sample->size[1], plain = sizeof(sample->plain[1]);
	CHECK(undo_second(sample, packed, size, plain, back) && memcmp(back, sample->plain[1], plain) == 0);
	for (size_t cut = 0; cut < size; cut += 1 + random_below(&rng, 16))
		CHECK(!undo_second(sample, packed, cut, plain, back), "cut at %zu of %zu", cut, size);
	/* More or less content than was expected. */
	CHECK(!undo_second(sample, packed, size, plain + PAGE_BYTES, back));
	CHECK(!undo_second(sample, packed, size, plain - PAGE_BYTES, back));
	CHECK(!undo_second(sample, packed, size, plain - 1, back));
	CHECK(!undo_second(sample, packed, 0, 0, back) || sample->codec == CODEC_ZSTD);
	memcpy(longer, packed, size);
	memset(longer + size, 0xff, 64);
	CHECK(!undo_second(sample, longer, size + 64, plain, back));
}

/* Damage either shows or gives other content of the same size: the batch's checksum is there to tell. What counts here is
 * that the sanitizer has nothing to say. */
static void test_damage_does_no_harm(const struct sample *sample)
{
	uint8_t back[4 * PAGE_BYTES], damaged[3 * PAGE_BYTES + COMPRESS_SLACK];
	size_t size = sample->size[1];
	unsigned refused = 0;
	for (unsigned i = 0; i < 1500; i++) {
		memcpy(damaged, sample->packed[1], size);
		for (unsigned hits = 1 + random_below(&rng, 4); hits; hits--)
			damaged[i % 2 ? random_below(&rng, 64) : random_below(&rng, (uint32_t)size)] ^= (uint8_t)(1u << random_below(&rng, 8));
		refused += !undo_second(sample, damaged, size, sizeof(sample->plain[1]), back);
	}
	CHECK(refused > 50, "%u", refused);
	for (unsigned i = 0; i < 500; i++) {
		size_t length = random_below(&rng, 300);
		fill_random(&rng, damaged, length);
		undo_second(sample, damaged, length, PAGE_BYTES, back);
	}
}

static void test_unknown_codecs(void)
{
	struct decompressor *decompressor = decompressor_new();
	uint8_t to[8] = { 0 };
	CHECK(!decompressor_run(decompressor, CODEC_NONE, (const uint8_t *)"12345678", 8, to, 8));
	CHECK(!decompressor_run(decompressor, CODECS, (const uint8_t *)"12345678", 8, to, 8));
	decompressor_free(decompressor);
}

/* A source may not make the target keep more than the window that the format allows. */
static void test_large_windows_are_refused(void)
{
	static uint8_t page[PAGE_BYTES], packed[PAGE_BYTES + COMPRESS_SLACK], back[PAGE_BYTES];
	fill_page(&rng, KIND_TEXT, page);
	for (int window_log = COMPRESS_WINDOW_LOG - 1; window_log <= COMPRESS_WINDOW_LOG + 6; window_log++) {
		ZSTD_CCtx *context = ZSTD_createCCtx();
		struct decompressor *decompressor = decompressor_new();
		ZSTD_inBuffer in = { .src = page, .size = sizeof(page) };
		ZSTD_outBuffer out = { .dst = packed, .size = sizeof(packed) };
		ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
		CHECK(ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush) == 0);
		bool ok = undo(decompressor, CODEC_ZSTD, packed, out.pos, back, sizeof(back));
		CHECK(ok == (window_log <= COMPRESS_WINDOW_LOG), "window of 2^%d", window_log);
		decompressor_free(decompressor);
		ZSTD_freeCCtx(context);
	}
}

int main(void)
{
	static struct sample sample;
	for (unsigned threads = 1; threads <= 2; threads++) {
		test_a_stream_comes_back(threads);
		test_the_largest_section(threads);
	}
	test_context_goes_on();
	test_another_level_forgets();
	test_trying_leaves_the_stream_alone();
	for (unsigned c = 0; c < 2; c++) {
		make_sample(&sample, codecs[c]);
		test_what_is_not_whole_is_refused(&sample);
		test_damage_does_no_harm(&sample);
	}
	test_unknown_codecs();
	test_large_windows_are_refused();
	CHECKS_PASSED();
	return 0;
}
