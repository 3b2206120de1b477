#include "encode.h"

#include <immintrin.h>
#include <string.h>

#include "le.h"

#define WORD_BYTES 8u
#define HEADER_BYTES 4u

/* One bit a word, 64 words a group, 4 words a quad: what an AVX2 register holds. */
#define GROUPS (PAGE_WORDS / 64u)
#define GROUP_BYTES (64u * WORD_BYTES)
#define QUAD_BYTES (4u * WORD_BYTES)
#define AVX2 __attribute__((target("avx2,popcnt")))
/* Compiled into each caller, with its instruction set. */
#define SHARED static inline __attribute__((always_inline))

struct word_masks {
	uint64_t zero[GROUPS];
	uint64_t repeat[GROUPS];
};

/*
 * One permutation of a register moves a quad's literals to its front, and another moves them back; both are given as
 * indexes of 32-bit halves.
 *   packing    by the literal bits of the four words
 *   unpacking  by the literal bits of words 1 to 3, and in bit 0 whether word 0 is zero. If it is not, it is the first word
 *              loaded: a literal, or the last literal, which it repeats. Zero words get anything, and are cleared.
 *   clearing   by the zero bits of the four words
 */
#define HALVES(a, b, c, d) { 2 * (a), 2 * (a) + 1, 2 * (b), 2 * (b) + 1, 2 * (c), 2 * (c) + 1, 2 * (d), 2 * (d) + 1 }
static const uint32_t packing[16][8] = {
	HALVES(0, 0, 0, 0), HALVES(0, 0, 0, 0), HALVES(1, 0, 0, 0), HALVES(0, 1, 0, 0),
	HALVES(2, 0, 0, 0), HALVES(0, 2, 0, 0), HALVES(1, 2, 0, 0), HALVES(0, 1, 2, 0),
	HALVES(3, 0, 0, 0), HALVES(0, 3, 0, 0), HALVES(1, 3, 0, 0), HALVES(0, 1, 3, 0),
	HALVES(2, 3, 0, 0), HALVES(0, 2, 3, 0), HALVES(1, 2, 3, 0), HALVES(0, 1, 2, 3),
};
static const uint32_t unpacking[16][8] = {
	HALVES(0, 0, 0, 0), HALVES(0, 0, 0, 0), HALVES(0, 1, 1, 1), HALVES(0, 0, 0, 0),
	HALVES(0, 0, 1, 1), HALVES(0, 0, 0, 0), HALVES(0, 1, 2, 2), HALVES(0, 0, 1, 1),
	HALVES(0, 0, 0, 1), HALVES(0, 0, 0, 0), HALVES(0, 1, 1, 2), HALVES(0, 0, 0, 1),
	HALVES(0, 0, 1, 2), HALVES(0, 0, 0, 1), HALVES(0, 1, 2, 3), HALVES(0, 0, 1, 2),
};
#define UNLESS(bit) ((bit) ? 0 : UINT64_MAX)
#define CLEARED(zeros) { UNLESS((zeros) & 1), UNLESS((zeros) & 2), UNLESS((zeros) & 4), UNLESS((zeros) & 8) }
static const uint64_t clearing[16][4] = {
	CLEARED(0), CLEARED(1), CLEARED(2), CLEARED(3), CLEARED(4), CLEARED(5), CLEARED(6), CLEARED(7),
	CLEARED(8), CLEARED(9), CLEARED(10), CLEARED(11), CLEARED(12), CLEARED(13), CLEARED(14), CLEARED(15),
};

SHARED unsigned bits_in(uint64_t mask)
{
	return (unsigned)__builtin_popcountll(mask);
}

AVX2 static __m256i load_quad(const void *from)
{
	return _mm256_loadu_si256(from);
}

AVX2 static void store_quad(uint8_t *to, __m256i words)
{
	_mm256_storeu_si256((__m256i *)to, words);
}

static void find_runs_portable(const uint8_t *page, struct word_masks *masks)
{
	uint64_t before = 0; /* a zero is never a repeat, so this does not make word 0 one */
	for (unsigned group = 0; group < GROUPS; group++) {
		uint64_t zero = 0, repeat = 0;
		for (unsigned i = 0; i < 64; i++) {
			uint64_t word = le64_load(page + group * GROUP_BYTES + i * WORD_BYTES);
			zero |= (uint64_t)(word == 0) << i;
			repeat |= (uint64_t)(word == before) << i;
			before = word;
		}
		masks->zero[group] = zero;
		masks->repeat[group] = repeat & ~zero;
	}
}

/* Whether words 0 to 3 (of `a`) and 4 to 7 (of `b`) are all ones, as bits 0 1 4 5 2 3 6 7. */
AVX2 static uint8_t ones(__m256i a, __m256i b)
{
	__m256 low_halves = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), _MM_SHUFFLE(2, 0, 2, 0));
	return (uint8_t)_mm256_movemask_ps(low_halves);
}

/* Undoes the order of ones() in each byte. */
static uint64_t in_order(uint64_t mask)
{
	uint64_t up = mask << 2 & UINT64_C(0x3030303030303030), down = mask >> 2 & UINT64_C(0x0c0c0c0c0c0c0c0c);
	return (mask & UINT64_C(0xc3c3c3c3c3c3c3c3)) | up | down;
}

AVX2 static void find_runs_avx2(const uint8_t *page, struct word_masks *masks)
{
	const __m256i none = _mm256_setzero_si256();
	uint8_t *zero = (uint8_t *)masks->zero, *repeat = (uint8_t *)masks->repeat;
	for (unsigned eight = 0; eight < PAGE_WORDS / 8; eight++, page += 2 * QUAD_BYTES) {
		__m256i a = load_quad(page), b = load_quad(page + QUAD_BYTES);
		/* Nothing is before word 0; it is compared with itself, and its bit cleared below. */
		__m256i before_a = eight ? load_quad(page - WORD_BYTES) : _mm256_permute4x64_epi64(a, _MM_SHUFFLE(2, 1, 0, 0));
		__m256i before_b = load_quad(page + QUAD_BYTES - WORD_BYTES);
		zero[eight] = ones(_mm256_cmpeq_epi64(a, none), _mm256_cmpeq_epi64(b, none));
		repeat[eight] = ones(_mm256_cmpeq_epi64(a, before_a), _mm256_cmpeq_epi64(b, before_b));
	}
	for (unsigned group = 0; group < GROUPS; group++) {
		masks->zero[group] = in_order(masks->zero[group]);
		masks->repeat[group] = in_order(masks->repeat[group]) & ~masks->zero[group];
	}
	masks->repeat[0] &= ~UINT64_C(1);
}

/* Size of the encoding. */
SHARED size_t measure(const struct word_masks *masks)
{
	size_t stored_masks = 0, literals = 0;
	for (unsigned group = 0; group < GROUPS; group++) {
		uint64_t zero = masks->zero[group], repeat = masks->repeat[group];
		stored_masks += (zero != 0 && zero != UINT64_MAX) + (repeat != 0 && repeat != UINT64_MAX);
		literals += bits_in(~(zero | repeat));
	}
	return HEADER_BYTES + WORD_BYTES * (stored_masks + literals);
}

static uint8_t *put_mask(uint8_t *to, uint64_t mask, unsigned group, uint8_t *all, uint8_t *some)
{
	*all = (uint8_t)(*all | (mask == UINT64_MAX) << group);
	if (mask == 0 || mask == UINT64_MAX)
		return to;
	*some = (uint8_t)(*some | 1u << group);
	le64_store(to, mask);
	return to + WORD_BYTES;
}

static uint8_t *put_masks(uint8_t *out, const struct word_masks *masks)
{
	uint8_t *to = out + HEADER_BYTES;
	memset(out, 0, HEADER_BYTES);
	for (unsigned group = 0; group < GROUPS; group++) {
		to = put_mask(to, masks->zero[group], group, &out[0], &out[1]);
		to = put_mask(to, masks->repeat[group], group, &out[2], &out[3]);
	}
	return to;
}

/* A group of literals. GCC's own inline copy of this size takes several times as long. */
AVX2 static void copy_group(uint8_t *to, const uint8_t *from)
{
	for (unsigned i = 0; i < GROUP_BYTES; i += QUAD_BYTES)
		store_quad(to + i, load_quad(from + i));
}

/* Appends the words of a group that are set in `literal`. */
static uint8_t *pack(uint8_t *to, const uint8_t *words, uint64_t literal)
{
	for (; literal; literal &= literal - 1, to += WORD_BYTES)
		memcpy(to, words + (unsigned)__builtin_ctzll(literal) * WORD_BYTES, WORD_BYTES);
	return to;
}

/* The same, writing whole quads: up to 24 bytes more than it appends, but never at or behind `limit`. */
AVX2 static uint8_t *pack_avx2(uint8_t *to, const uint8_t *words, uint64_t literal, const uint8_t *limit)
{
	if (literal == UINT64_MAX) {
		copy_group(to, words);
		return to + GROUP_BYTES;
	}
	for (; literal; literal >>= 4, words += QUAD_BYTES) {
		if ((size_t)(limit - to) < QUAD_BYTES)
			return pack(to, words, literal);
		unsigned quad = literal & 15;
		store_quad(to, _mm256_permutevar8x32_epi32(load_quad(words), load_quad(packing[quad])));
		to += bits_in(quad) * WORD_BYTES;
	}
	return to;
}

AVX2 static size_t encode_avx2(const uint8_t *page, uint8_t *out)
{
	struct word_masks masks;
	find_runs_avx2(page, &masks);
	size_t size = measure(&masks);
	if (size >= PAGE_BYTES)
		return 0;
	uint8_t *to = put_masks(out, &masks);
	for (unsigned group = 0; group < GROUPS; group++)
		to = pack_avx2(to, page + group * GROUP_BYTES, ~(masks.zero[group] | masks.repeat[group]), out + PAGE_BYTES);
	return size;
}

size_t rle_encode_portable(const uint8_t page[PAGE_BYTES], uint8_t out[PAGE_BYTES])
{
	struct word_masks masks;
	find_runs_portable(page, &masks);
	size_t size = measure(&masks);
	if (size >= PAGE_BYTES)
		return 0;
	uint8_t *to = put_masks(out, &masks);
	for (unsigned group = 0; group < GROUPS; group++)
		to = pack(to, page + group * GROUP_BYTES, ~(masks.zero[group] | masks.repeat[group]));
	return size;
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

size_t rle_encode(const uint8_t page[PAGE_BYTES], uint8_t out[PAGE_BYTES])
{
	return has_avx2() ? encode_avx2(page, out) : rle_encode_portable(page, out);
}

size_t rle_size(const uint8_t page[PAGE_BYTES])
{
	struct word_masks masks;
	if (has_avx2())
		find_runs_avx2(page, &masks);
	else
		find_runs_portable(page, &masks);
	return measure(&masks);
}

/* A mask of the group at bit 0 of the header's `all` and `some`; `*in` moves on if it is stored. */
SHARED uint64_t get_mask(const uint8_t **in, unsigned all, unsigned some)
{
	if (!(some & 1))
		return all & 1 ? UINT64_MAX : 0;
	*in += WORD_BYTES;
	return le64_load(*in - WORD_BYTES);
}

/* Reads the masks, and checks that they fit each other and the number of literals. Returns where the literals start. */
SHARED const uint8_t *get_masks(const uint8_t *in, size_t length, struct word_masks *masks)
{
	if (length < HEADER_BYTES)
		return NULL;
	unsigned zero_all = in[0], zero_some = in[1], repeat_all = in[2], repeat_some = in[3];
	size_t words_left = (length - HEADER_BYTES) / WORD_BYTES, stored_masks = bits_in(zero_some) + bits_in(repeat_some);
	bool contradicts = zero_all & zero_some || repeat_all & repeat_some;
	if (contradicts || length % WORD_BYTES != HEADER_BYTES || words_left < stored_masks)
		return NULL;

	in += HEADER_BYTES;
	size_t literals = 0;
	uint64_t zero_before = UINT64_MAX, misplaced = 0; /* a repeat needs a word before it that is not zero */
	for (unsigned group = 0; group < GROUPS; group++) {
		uint64_t zero = get_mask(&in, zero_all >> group, zero_some >> group);
		uint64_t repeat = get_mask(&in, repeat_all >> group, repeat_some >> group);
		misplaced |= repeat & (zero | zero << 1 | zero_before >> 63);
		literals += bits_in(~(zero | repeat));
		zero_before = masks->zero[group] = zero;
		masks->repeat[group] = repeat;
	}
	return !misplaced && literals == words_left - stored_masks ? in : NULL;
}

/* Writes the words of a group; returns what follows the literals that it used. */
static const uint8_t *unpack(const uint8_t *literals, uint8_t *to, uint64_t zero, uint64_t repeat)
{
	for (unsigned i = 0; i < 64; i++, to += WORD_BYTES) {
		if (zero >> i & 1) {
			memset(to, 0, WORD_BYTES);
		} else if (repeat >> i & 1) {
			memcpy(to, literals - WORD_BYTES, WORD_BYTES);
		} else {
			memcpy(to, literals, WORD_BYTES);
			literals += WORD_BYTES;
		}
	}
	return literals;
}

/* A group of one word. */
AVX2 static void fill_group(uint8_t *to, uint64_t word)
{
	for (unsigned i = 0; i < GROUP_BYTES; i += QUAD_BYTES)
		store_quad(to + i, _mm256_set1_epi64x((long long)word));
}

/* The words of a group by quads. `last` is the last quad of the input: nothing is read behind it. */
AVX2 static const uint8_t *unpack_avx2(const uint8_t *literals, uint8_t *to, uint64_t zero, uint64_t repeat,
	const uint8_t *last)
{
	for (unsigned left = 64; left; left -= 4, zero >>= 4, repeat >>= 4, to += QUAD_BYTES) {
		unsigned zeros = zero & 15, quad = ~(unsigned)(zero | repeat) & 15;
		const uint8_t *from = literals - (repeat & 1) * WORD_BYTES;
		__m256i order = load_quad(unpacking[(quad & 14) | (zeros & 1)]);
		if (from > last) {
			order = _mm256_add_epi32(order, _mm256_set1_epi32((int)((from - last) / 4)));
			from = last;
		}
		__m256i words = _mm256_permutevar8x32_epi32(load_quad(from), order);
		store_quad(to, _mm256_and_si256(words, load_quad(clearing[zeros])));
		literals += bits_in(quad) * WORD_BYTES;
	}
	return literals;
}

AVX2 static bool decode_avx2(const uint8_t *in, size_t length, uint8_t *page)
{
	uint8_t padded[QUAD_BYTES] = { 0 }; /* a shorter input goes to its end */
	if (length < QUAD_BYTES)
		in = memcpy(padded + QUAD_BYTES - length, in, length);
	struct word_masks masks;
	const uint8_t *literals = get_masks(in, length, &masks), *last = in + length - QUAD_BYTES;
	if (!literals)
		return false;
	for (unsigned group = 0; group < GROUPS; group++, page += GROUP_BYTES) {
		uint64_t zero = masks.zero[group], repeat = masks.repeat[group];
		if (zero == UINT64_MAX) {
			fill_group(page, 0);
		} else if (repeat == UINT64_MAX) {
			fill_group(page, le64_load(literals - WORD_BYTES));
		} else if (!(zero | repeat)) {
			copy_group(page, literals);
			literals += GROUP_BYTES;
		} else {
			literals = unpack_avx2(literals, page, zero, repeat, last);
		}
	}
	return true;
}

bool rle_decode_portable(const uint8_t *in, size_t length, uint8_t page[PAGE_BYTES])
{
	struct word_masks masks;
	const uint8_t *literals = get_masks(in, length, &masks);
	if (!literals)
		return false;
	for (unsigned group = 0; group < GROUPS; group++)
		literals = unpack(literals, page + group * GROUP_BYTES, masks.zero[group], masks.repeat[group]);
	return true;
}

bool rle_decode(const uint8_t *in, size_t length, uint8_t page[PAGE_BYTES])
{
	return has_avx2() ? decode_avx2(in, length, page) : rle_decode_portable(in, length, page);
}

bool page_is_constant(const uint8_t page[PAGE_BYTES], uint64_t *word)
{
	*word = le64_load(page);
	/* Equal to itself, shifted by a word. */
	return memcmp(page, page + WORD_BYTES, PAGE_BYTES - WORD_BYTES) == 0;
}

void page_fill(uint8_t page[PAGE_BYTES], uint64_t word)
{
	for (unsigned i = 0; i < PAGE_BYTES; i += WORD_BYTES)
		le64_store(page + i, word);
}
