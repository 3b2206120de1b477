#include "encoder_choice.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "encode.h"
#include "io.h"

/* A change of level empties the window, and estimates are not exact. */
#define WORTH_A_CHANGE 0.95
/* Between two that are equally fast, the one with less work all in all. */
#define TIE_BREAK 0.02
/* Weight of a new measurement. */
#define NEWS 0.3
#define FIRST_CHOICE 1u
/* An encoder that takes so many times as long as a raw page does on the link is not worth it, however small it makes pages. */
#define HOPELESS 2
/* Of the link's time, as CPU time: then it is not the wire that it waits for. */
#define MOSTLY 0.3

const struct page_encoding encoder_choices[ENCODER_CHOICES] = {
	{.encoder = ENCODER_NONE},
	{.encoder = ENCODER_RLE},
	{.encoder = ENCODER_LZ4},
	{.encoder = ENCODER_ZSTD, .level = 1},
	{.encoder = ENCODER_ZSTD, .level = 3},
	{.encoder = ENCODER_ZSTD, .level = 6},
	{.encoder = ENCODER_ZSTD, .level = 9},
};

static bool compresses(unsigned index)
{
	return batch_codec(encoder_choices[index].encoder) != CODEC_NONE;
}

void encoder_choice_init(struct encoder_choice *choice, unsigned cpus, uint64_t rate_mbit)
{
	*choice = (struct encoder_choice){
		.cpus = cpus,
		.current = FIRST_CHOICE,
		.link_ns = rate_mbit ? 8e3 / (double)rate_mbit : 0,
	};
}

/* Bytes that one encoder makes of the sample. */
static size_t sample_size(unsigned index, struct compressor *compressor, const uint8_t *pages, uint32_t count, uint8_t *scratch)
{
	const struct page_encoding *encoding = &encoder_choices[index];
	size_t bytes = (size_t)count * PAGE_BYTES, size = 0;
	if (compresses(index))
		return compressor_try(compressor, batch_codec(encoding->encoder), encoding->level, pages, bytes, scratch);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *page = pages + (size_t)i * PAGE_BYTES;
		size_t encoded = encoding->encoder == ENCODER_RLE ? rle_encode(page, scratch) : 0;
		if (!encoded)
			memcpy(scratch, page, PAGE_BYTES);
		size += encoded ? encoded : PAGE_BYTES;
	}
	return size;
}

bool encoder_choice_knows_link(const struct encoder_choice *choice)
{
	return choice->link_ns > 0;
}

/* The second time is measured: at first code and tables are cold, and memory is new, which says nothing of the pages. */
static struct encoder_cost measure(unsigned index, struct compressor *compressor, const uint8_t *pages, uint32_t count, uint8_t *scratch)
{
	sample_size(index, compressor, pages, count, scratch);
	uint64_t began = thread_cpu_ns();
	size_t size = sample_size(index, compressor, pages, count, scratch);
	return (struct encoder_cost){.ns = (double)(thread_cpu_ns() - began) / count, .bytes = (double)size / count};
}

/* What is believed of the current encoder, beside a new measurement of it. */
static struct encoder_cost with_belief(struct encoder_cost measured, struct encoder_cost before)
{
	if (before.bytes_bias > 0)
		measured.bytes_bias = before.bytes_bias * before.bytes / measured.bytes;
	if (before.ns_bias > 0)
		measured.ns_bias = before.ns_bias * before.ns / measured.ns;
	return measured;
}

bool encoder_choice_sample(struct encoder_choice *choice, const uint8_t *pages, uint32_t count)
{
	struct compressor *compressor = compressor_new(1);
	uint8_t *scratch = malloc((size_t)count * PAGE_BYTES + COMPRESS_SLACK);
	struct encoder_cost cost[ENCODER_CHOICES] = {{0}};
	double most_ns = choice->link_ns > 0 ? HOPELESS * PAGE_BYTES * choice->link_ns : DBL_MAX;
	bool ok = compressor && scratch && count;
	for (unsigned i = 0; ok && i < ENCODER_CHOICES && (i <= choice->current || cost[i - 1].ns < most_ns); i++) {
		cost[i] = measure(i, compressor, pages, count, scratch);
		ok = cost[i].bytes > 0;
	}
	if (ok) {
		cost[choice->current] = with_belief(cost[choice->current], choice->cost[choice->current]);
		memcpy(choice->cost, cost, sizeof(cost));
		choice->sampled = true;
	}
	free(scratch);
	compressor_free(compressor);
	return ok;
}

static void mix(double *mean, double news)
{
	*mean = *mean > 0 ? *mean + NEWS * (news - *mean) : news;
}

void encoder_choice_note_batch(struct encoder_choice *choice, uint64_t mixed, uint64_t bytes, uint64_t ns)
{
	struct encoder_cost *cost = &choice->cost[choice->current];
	if (mixed < ENCODER_PAGES_MIN || !choice->sampled || !compresses(choice->current))
		return;
	mix(&cost->bytes_bias, (double)bytes / (double)mixed / cost->bytes);
	mix(&cost->ns_bias, (double)ns / (double)mixed / cost->ns);
}

void encoder_choice_note_link(struct encoder_choice *choice, uint64_t bytes, uint64_t busy_ns, uint64_t cpu_ns)
{
	if (!bytes)
		return;
	choice->link_news[choice->link_news_count++ % ENCODER_LINK_NEWS] = (double)busy_ns / (double)bytes;
	choice->link_ns = choice->link_news[0];
	for (unsigned i = 1; i < ENCODER_LINK_NEWS && i < choice->link_news_count; i++)
		if (choice->link_news[i] < choice->link_ns)
			choice->link_ns = choice->link_news[i];
	mix(&choice->link_cpu_ns, (double)cpu_ns / (double)bytes);
}

void encoder_choice_note_source(struct encoder_choice *choice, uint64_t pages, uint64_t ns)
{
	if (pages >= ENCODER_PAGES_MIN)
		mix(&choice->source_ns, (double)ns / (double)pages);
}

/* A compressor that was not in use yet is taken to gain from the stream's context as the current one does. */
static struct encoder_cost expected(const struct encoder_choice *choice, unsigned index)
{
	struct encoder_cost cost = choice->cost[index];
	const struct encoder_cost *current = &choice->cost[choice->current];
	double bytes_bias = cost.bytes_bias > 0 ? cost.bytes_bias : compresses(index) ? current->bytes_bias : 0;
	double ns_bias = cost.ns_bias > 0 ? cost.ns_bias : compresses(index) ? current->ns_bias : 0;
	cost.bytes *= bytes_bias > 0 ? bytes_bias : 1;
	cost.ns *= ns_bias > 0 ? ns_bias : 1;
	return cost;
}

static bool link_takes_cpu(const struct encoder_choice *choice)
{
	return choice->link_cpu_ns > MOSTLY * choice->link_ns;
}

bool encoder_choice_one_thread(const struct encoder_choice *choice)
{
	return choice->cpus <= 2 && link_takes_cpu(choice);
}

/* For a page of mixed content: what it keeps the CPU and the link busy. */
static void page_times(const struct encoder_choice *choice, unsigned index, double *work, double *link)
{
	struct encoder_cost cost = expected(choice, index);
	*link = cost.bytes * choice->link_ns;
	*work = cost.ns;
	if (choice->cpus <= 1 || encoder_choice_one_thread(choice))
		*work += cost.bytes * choice->link_cpu_ns + choice->source_ns;
}

/* The slower of the two, with a small part for all the work that it makes. */
static double page_ns(const struct encoder_choice *choice, unsigned index)
{
	double work, link;
	page_times(choice, index, &work, &link);
	return (work > link ? work : link) + TIE_BREAK * (work + link);
}

static bool is_cpu_bound(const struct encoder_choice *choice)
{
	double work, link;
	page_times(choice, choice->current, &work, &link);
	return work > link;
}

/* `current` if nothing is so much better that a change is worth it. */
static unsigned best_choice(const struct encoder_choice *choice)
{
	unsigned best = choice->current;
	double best_ns = WORTH_A_CHANGE * page_ns(choice, best);
	for (unsigned i = 0; i < ENCODER_CHOICES; i++) {
		double ns = page_ns(choice, i);
		if (choice->cost[i].bytes > 0 && ns < best_ns) {
			best = i;
			best_ns = ns;
		}
	}
	return best;
}

struct page_encoding encoder_choice_next(struct encoder_choice *choice)
{
	bool known = choice->sampled && encoder_choice_knows_link(choice);
	if (known)
		choice->current = best_choice(choice);
	struct page_encoding encoding = encoder_choices[choice->current];
	encoding.without_cache = !known || is_cpu_bound(choice);
	return encoding;
}
