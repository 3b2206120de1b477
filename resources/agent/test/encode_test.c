/* encode_test.c - if these fail, guests lose memory: pages, checksums and hashes are wrong at the target. */
#include "encode.h"

#include "check.h"
#include "crc32c.h"
#include "hash.h"
#include "pages.h"

static struct random rng = { .state = 20240607 };

/* The size that encode.h promises, worked out word by word. */
static size_t expected_size(const uint8_t *page)
{
	size_t size = 4;
	uint64_t before = 0;
	for (unsigned group = 0; group < PAGE_WORDS; group += 64) {
		unsigned zeros = 0, repeats = 0;
		for (unsigned i = group; i < group + 64; i++) {
			uint64_t word;
			memcpy(&word, page + i * 8, 8);
			zeros += word == 0;
			repeats += word != 0 && i > 0 && word == before;
			before = word;
		}
		size += 8 * ((zeros > 0 && zeros < 64) + (repeats > 0 && repeats < 64) + (64 - zeros - repeats));
	}
	return size;
}

/* Exact heap copies, so that the sanitizer sees any access beyond them. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	CHECK(copy != NULL);
	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

typedef bool decode(const uint8_t *in, size_t length, uint8_t page[PAGE_BYTES]);
typedef size_t encode(const uint8_t page[PAGE_BYTES], uint8_t out[PAGE_BYTES]);

static void check_round_trip(const uint8_t *original, encode *encoder, decode *decoder)
{
	uint8_t *page = exact_copy(original, PAGE_BYTES), *out = malloc(PAGE_BYTES), *back = malloc(PAGE_BYTES);
	size_t expected = expected_size(page), size = encoder(page, out);
	CHECK(rle_size(page) == expected, "%zu", expected);
	CHECK(size == (expected < PAGE_BYTES ? expected : 0), "%zu, not %zu", size, expected);
	if (size) {
		uint8_t *in = exact_copy(out, size);
		CHECK(decoder(in, size, back));
		CHECK(memcmp(page, back, PAGE_BYTES) == 0, "size %zu", size);
		free(in);
	}
	free(page);
	free(out);
	free(back);
}

static void check_all_ways(const uint8_t *page)
{
	check_round_trip(page, rle_encode, rle_decode);
	check_round_trip(page, rle_encode, rle_decode_portable);
	check_round_trip(page, rle_encode_portable, rle_decode);
	check_round_trip(page, rle_encode_portable, rle_decode_portable);
}

static void test_generated_pages(void)
{
	uint8_t page[PAGE_BYTES];
	for (unsigned i = 0; i < 3000; i++) {
		fill_page(&rng, i % 2 ? KIND_RUNS : (enum page_kind)random_below(&rng, KINDS), page);
		check_all_ways(page);
	}
}

/* Every combination of zero, repeat and literal in 6 neighbouring words, within and between quads and groups. */
static void test_every_neighbourhood(void)
{
	uint8_t page[PAGE_BYTES], surroundings[PAGE_BYTES];
	static const unsigned places[] = { 0, 1, 2, 3, 58, 59, 60, 61, 62, 63, 64, 250, 255, 447, 503, 504, 505, 506 };
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++)
		for (unsigned code = 0; code < 729; code++) {
			fill_page(&rng, (enum page_kind)random_below(&rng, KINDS), surroundings);
			memcpy(page, surroundings, PAGE_BYTES);
			unsigned rest = code;
			for (unsigned i = places[p]; i < places[p] + 6; i++, rest /= 3) {
				uint64_t word = rest % 3 == 0 ? 0 : random_u64(&rng);
				if (rest % 3 == 2 && i > 0)
					memcpy(&word, page + (i - 1) * 8, 8);
				memcpy(page + i * 8, &word, 8);
			}
			check_round_trip(page, rle_encode, rle_decode);
			check_round_trip(page, rle_encode_portable, rle_decode_portable);
		}
}

static void test_sizes_at_the_edge(void)
{
	uint8_t page[PAGE_BYTES], out[PAGE_BYTES];
	fill_random(&rng, page, PAGE_BYTES);
	CHECK(rle_size(page) == PAGE_BYTES + 4);
	CHECK(rle_encode(page, out) == 0);
	memset(page + 800, 0, 8); /* one zero word saves its 8 bytes and costs a mask */
	CHECK(rle_size(page) == PAGE_BYTES + 4 && rle_encode(page, out) == 0);
	memset(page + 808, 0, 8);
	CHECK(rle_encode(page, out) == PAGE_BYTES - 4);
	check_all_ways(page);
	memset(page, 0, PAGE_BYTES);
	CHECK(rle_encode(page, out) == 4);
}

static void test_both_encoders_write_the_same(void)
{
	uint8_t page[PAGE_BYTES], a[PAGE_BYTES], b[PAGE_BYTES];
	for (unsigned i = 0; i < 500; i++) {
		fill_page(&rng, KIND_RUNS, page);
		size_t size = rle_encode(page, a);
		CHECK(rle_encode_portable(page, b) == size && memcmp(a, b, size) == 0);
	}
}

static void check_refused(const uint8_t *bytes, size_t length)
{
	uint8_t *in = exact_copy(bytes, length), *page = malloc(PAGE_BYTES);
	CHECK(!rle_decode(in, length, page), "length %zu", length);
	CHECK(!rle_decode_portable(in, length, page), "length %zu", length);
	free(in);
	free(page);
}

static void test_wrong_lengths_are_refused(void)
{
	uint8_t page[PAGE_BYTES], out[2 * PAGE_BYTES] = { 0 };
	for (unsigned i = 0; i < 20; i++) {
		fill_page(&rng, i % 2 ? KIND_RUNS : KIND_POINTERS, page);
		size_t size = rle_encode(page, out);
		for (size_t length = 0; size && length <= size + 9; length++)
			if (length != size)
				check_refused(out, length);
	}
}

static void test_contradictions_are_refused(void)
{
	static const uint8_t zero_all_and_some[12] = { 0xff, 0x01, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t repeat_all_and_some[4 + 8 + 64 * 8] = {
		0x3f, 0, 0x80, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	static const uint8_t zero_and_repeat[4] = { 0xff, 0, 0xff, 0 }, repeat_first[4] = { 0xfe, 0, 0x01, 0 };
	static const uint8_t repeat_of_zero_before[4] = { 0x7f, 0, 0x80, 0 };
	uint8_t repeat_of_zero[4 + 16 + 62 * 8] = { 0xfe, 0x01, 0, 0x01, 0x04, 0, 0, 0, 0, 0, 0, 0, 0x08 };
	check_refused(zero_all_and_some, sizeof(zero_all_and_some));
	check_refused(repeat_all_and_some, sizeof(repeat_all_and_some));
	check_refused(zero_and_repeat, sizeof(zero_and_repeat));
	check_refused(repeat_first, sizeof(repeat_first));
	check_refused(repeat_of_zero_before, sizeof(repeat_of_zero_before));
	check_refused(repeat_of_zero, sizeof(repeat_of_zero));
	uint8_t page[PAGE_BYTES];
	repeat_of_zero[12] = 0x02; /* the repeat moved to before the zero is right */
	CHECK(rle_decode(repeat_of_zero, sizeof(repeat_of_zero), page));
}

static void test_noise_never_leaves_the_page(void)
{
	uint8_t noise[300];
	for (unsigned i = 0; i < 20000; i++) {
		size_t length = 4 + 8 * random_below(&rng, 35);
		fill_random(&rng, noise, length);
		noise[1] &= (uint8_t)~noise[0];
		noise[3] &= (uint8_t)~noise[2];
		uint8_t *in = exact_copy(noise, length), *a = malloc(PAGE_BYTES), *b = malloc(PAGE_BYTES);
		bool decoded = rle_decode(in, length, a);
		CHECK(rle_decode_portable(in, length, b) == decoded);
		CHECK(!decoded || memcmp(a, b, PAGE_BYTES) == 0);
		free(in);
		free(a);
		free(b);
	}
}

static void test_constants(void)
{
	uint8_t *page = malloc(PAGE_BYTES);
	uint64_t word;
	for (unsigned i = 0; i < PAGE_BYTES; i += 8) {
		page_fill(page, UINT64_C(0x6b6b6b6b6b6b6ba5));
		CHECK(page_is_constant(page, &word) && word == UINT64_C(0x6b6b6b6b6b6b6ba5));
		page[i + i / 8 % 8] ^= 1;
		CHECK(!page_is_constant(page, &word), "byte %u", i);
	}
	page_fill(page, 0);
	CHECK(page_is_constant(page, &word) && word == 0);
	free(page);
}

static void test_crc32c(void)
{
	/* RFC 3720 B.4 */
	uint8_t bytes[32] = { 0 };
	CHECK(crc32c(0, bytes, 32) == 0x8a9136aa && crc32c_portable(0, bytes, 32) == 0x8a9136aa);
	memset(bytes, 0xff, 32);
	CHECK(crc32c(0, bytes, 32) == 0x62a8ab43 && crc32c_portable(0, bytes, 32) == 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	CHECK(crc32c(0, bytes, 32) == 0x46dd794e && crc32c_portable(0, bytes, 32) == 0x46dd794e);
	CHECK(crc32c(0, "123456789", 9) == 0xe3069283);
	CHECK(crc32c(0, NULL, 0) == 0);

	uint8_t page[PAGE_BYTES];
	fill_random(&rng, page, PAGE_BYTES);
	uint32_t whole = crc32c(0, page, PAGE_BYTES);
	for (size_t cut = 0; cut < 64; cut++) {
		CHECK(crc32c(crc32c(0, page, cut), page + cut, PAGE_BYTES - cut) == whole);
		CHECK(crc32c_portable(crc32c(0, page, cut), page + cut, PAGE_BYTES - cut) == whole);
	}
}

static void test_hash_sees_each_bit_and_place(void)
{
	uint8_t page[PAGE_BYTES];
	for (unsigned kind = 0; kind < KINDS; kind++) {
		fill_page(&rng, (enum page_kind)kind, page);
		uint64_t hash = page_hash(page);
		unsigned changed_bits = 0;
		for (unsigned bit = 0; bit < PAGE_BYTES * 8; bit++) {
			page[bit / 8] ^= (uint8_t)(1u << bit % 8);
			uint64_t other = page_hash(page);
			CHECK(other != hash && other != 0, "bit %u", bit);
			changed_bits += (unsigned)__builtin_popcountll(other ^ hash);
			page[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		double average = changed_bits / (PAGE_BYTES * 8.0);
		CHECK(average > 31.5 && average < 32.5, "%f of 64 bits change", average);
	}
	fill_page(&rng, KIND_RANDOM, page);
	uint64_t hash = page_hash(page);
	for (unsigned i = 8; i < PAGE_BYTES; i += 8) { /* two words change places */
		uint8_t swapped[PAGE_BYTES];
		memcpy(swapped, page, PAGE_BYTES);
		memcpy(swapped, page + i, 8);
		memcpy(swapped + i, page, 8);
		CHECK(page_hash(swapped) != hash, "word %u", i / 8);
	}
}

int main(void)
{
	test_generated_pages();
	test_every_neighbourhood();
	test_sizes_at_the_edge();
	test_both_encoders_write_the_same();
	test_wrong_lengths_are_refused();
	test_contradictions_are_refused();
	test_noise_never_leaves_the_page();
	test_constants();
	test_crc32c();
	test_hash_sees_each_bit_and_place();
	CHECKS_PASSED();
	return 0;
}
