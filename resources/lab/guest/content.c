#include "content.h"

#include <string.h>

const char *const content_names[CONTENT_KINDS] = { "text", "numbers", "pointers", "compressed", "rows", "zeros" };

uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

uint64_t random_seed(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15u + b + 1;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31)) | 1;
}

/* `percent` of the words, at most all of them. */
static size_t share(size_t words, uint64_t percent)
{
	return words * percent / 100;
}

static size_t put_word(char *text, size_t at, size_t end, uint64_t choice)
{
	static const char *const vocabulary[] = {
		"the", "and", "memory", "page", "of", "a", "request", "served", "from", "cache", "to", "in", "<div class=\"item\">",
		"</div>", "host", "is", "was", "that", "<a href=\"/article/", "\">", "it", "with", "by", "at", "session", "price",
		"<span>", "</span>", "item", "not", "for", "index", "\n    ", "more", "as", "title",
	};
	const char *word = vocabulary[choice % (sizeof vocabulary / sizeof *vocabulary)];
	while (*word && at < end)
		text[at++] = *word++;
	if (at < end)
		text[at++] = ' ';
	return at;
}

/* Prose without end would be slow to write letter by letter: pages are cut from 64 KiB of it, each somewhere else. */
enum { CORPUS_BYTES = 65536 };

static const char *corpus(void)
{
	static char text[CORPUS_BYTES];
	uint64_t random = 1;
	if (!text[0])
		for (size_t at = 0; at < sizeof text;)
			at = put_word(text, at, sizeof text, random_next(&random));
	return text;
}

static void fill_text(uint64_t seed, uint64_t *body, size_t words)
{
	size_t bytes = share(words, 35 + random_next(&seed) % 61) * sizeof *body;
	memcpy(body, corpus() + random_next(&seed) % (CORPUS_BYTES - bytes), bytes);
}

static void fill_numbers(uint64_t seed, uint64_t *body, size_t words)
{
	uint64_t key = random_next(&seed) % 1000000;
	for (size_t row = 0; row + 4 <= words; row += 4) {
		uint64_t draw = random_next(&seed);
		if (draw % 8 < 3)
			continue; /* an empty row */
		body[row] = key += 1 + draw % 7;
		body[row + 1] = draw >> 40;
		if (draw & 32)
			body[row + 2] = body[row + 3] = draw >> 52 & 15;
		else
			body[row + 3] = draw >> 52;
	}
}

static void fill_pointers(uint64_t seed, uint64_t *body, size_t words)
{
	for (size_t bucket = 0; bucket < words; bucket++) {
		uint64_t draw = random_next(&seed);
		if (draw % 3 == 0)
			body[bucket] = 0xffff888000000000u | (draw >> 36 & ~(uint64_t)63);
	}
}

static void fill_compressed(uint64_t seed, uint64_t *body, size_t words)
{
	for (size_t i = 0; i < words; i++)
		body[i] = random_next(&seed);
}

static void fill_rows(uint64_t seed, uint64_t *body, size_t words)
{
	enum { ROW_WORDS = 12, USED_WORDS = 10 };
	size_t rows = share(words, 52 + random_next(&seed) % 27) / ROW_WORDS;
	uint16_t *slots = (uint16_t *)body;
	for (size_t row = 0; row < rows; row++) {
		uint64_t *fields = body + words - (row + 1) * ROW_WORDS;
		slots[row] = (uint16_t)((char *)fields - (char *)body);
		for (size_t i = 0; i < USED_WORDS; i++)
			fields[i] = random_next(&seed); /* the last two stay null columns */
	}
}

void content_fill(enum content_kind kind, uint64_t seed, uint64_t *body, size_t words)
{
	memset(body, 0, words * sizeof *body);
	switch (kind) {
	case CONTENT_TEXT: fill_text(seed, body, words); break;
	case CONTENT_NUMBERS: fill_numbers(seed, body, words); break;
	case CONTENT_POINTERS: fill_pointers(seed, body, words); break;
	case CONTENT_COMPRESSED: fill_compressed(seed, body, words); break;
	case CONTENT_ROWS: fill_rows(seed, body, words); break;
	case CONTENT_ZEROS:
	case CONTENT_KINDS: break;
	}
}
