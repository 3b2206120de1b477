/* encoder_choice_test.c - if these fail, `auto` is slower than it could be, or than stock. */
#include "encoder_choice.h"

#include "check.h"
#include "pages.h"

#define RAW 0u
#define RLE 1u
#define LZ4 2u
#define ZSTD1 3u
#define ZSTD9 (ENCODER_CHOICES - 1)

/* ns and bytes for a page, much as measured on a desktop's CPU. */
static const struct encoder_cost usual[ENCODER_CHOICES] = {
	{.ns = 300, .bytes = 4096}, {.ns = 600, .bytes = 2900}, {.ns = 7000, .bytes = 2200}, {.ns = 13000, .bytes = 1700},
	{.ns = 30000, .bytes = 1500}, {.ns = 60000, .bytes = 1400}, {.ns = 100000, .bytes = 1350},
};

static struct encoder_choice with_costs(unsigned cpus, double link_ns)
{
	struct encoder_choice choice;
	encoder_choice_init(&choice, cpus, 0);
	memcpy(choice.cost, usual, sizeof(usual));
	choice.sampled = true;
	choice.link_ns = link_ns;
	return choice;
}

static unsigned settled(struct encoder_choice *choice)
{
	for (unsigned i = 0; i < 10; i++)
		encoder_choice_next(choice);
	return choice->current;
}

static unsigned at_rate(unsigned cpus, double mbit)
{
	struct encoder_choice choice = with_costs(cpus, 8e3 / mbit);
	choice.link_cpu_ns = 0.3;
	choice.source_ns = 1500;
	return settled(&choice);
}

static void test_what_is_not_known_changes_nothing(void)
{
	struct encoder_choice choice;
	encoder_choice_init(&choice, 4, 0);
	struct page_encoding first = encoder_choice_next(&choice);
	CHECK(first.encoder == ENCODER_RLE);
	encoder_choice_note_link(&choice, 1 << 20, 1, 1);
	CHECK(encoder_choice_next(&choice).encoder == ENCODER_RLE, "no sample yet");
	choice = with_costs(4, 0);
	CHECK(settled(&choice) == RLE, "nothing known of the link");
	encoder_choice_init(&choice, 4, 20);
	CHECK(choice.link_ns > 399 && choice.link_ns < 401, "the cap is known from the start: %f ns a byte", choice.link_ns);
}

static void test_from_slow_to_fast(void)
{
	for (unsigned cpus = 1; cpus <= 4; cpus++) {
		CHECK(at_rate(cpus, 10) >= ZSTD1 + 2, "10 Mbit/s: %u", at_rate(cpus, 10));
		CHECK(at_rate(cpus, 20000) <= RLE, "20 Gbit/s: %u", at_rate(cpus, 20000));
		unsigned last = ZSTD9;
		for (double mbit = 5; mbit < 100000; mbit *= 1.5) {
			unsigned choice = at_rate(cpus, mbit);
			CHECK(choice <= last, "a faster link, yet a slower encoder: %u after %u at %.0f Mbit/s", choice, last, mbit);
			last = choice;
		}
	}
}

/* Never slower than stock: the slower of CPU and link, for the chosen one against raw pages. */
static double page_ns(unsigned index, unsigned cpus, double link_ns)
{
	double link = usual[index].bytes * link_ns, work = usual[index].ns;
	if (cpus == 1 || (cpus == 2 && link_ns < 0.6))
		work += usual[index].bytes * 0.3 + 1500;
	return work > link ? work : link;
}

static void test_never_slower_than_raw(void)
{
	for (unsigned cpus = 1; cpus <= 4; cpus++)
		for (double mbit = 1; mbit < 1e6; mbit *= 1.2) {
			double link_ns = 8e3 / mbit, chosen = page_ns(at_rate(cpus, mbit), cpus, link_ns);
			CHECK(chosen <= 1.1 * page_ns(RAW, cpus, link_ns), "%.0f Mbit/s: %.2f of raw", mbit, chosen / page_ns(RAW, cpus, link_ns));
		}
}

/* With one CPU the time that xl and the seal need is not there for the encoder. */
static void test_one_cpu_pays_for_all(void)
{
	struct encoder_choice two = with_costs(4, 12), one = with_costs(1, 12);
	two.source_ns = one.source_ns = 12000;
	two.link_cpu_ns = one.link_cpu_ns = 1;
	CHECK(settled(&two) > settled(&one), "%u, %u", two.current, one.current);
	one.source_ns = 0;
	one.link_cpu_ns = 0;
	CHECK(settled(&one) == two.current, "%u, %u", two.current, one.current);
}

/* A link whose speed is measured a little differently each time does not make it change to and fro: each change of level
 * forgets the stream's context. */
static void test_hysteresis(void)
{
	for (double link_ns = 0.05; link_ns < 1000; link_ns *= 1.02)
		for (unsigned start = RAW; start <= ZSTD9; start++) {
			struct encoder_choice choice = with_costs(4, link_ns);
			unsigned changes = 0;
			choice.current = start;
			settled(&choice);
			for (unsigned i = 0; i < 20; i++) {
				unsigned before = choice.current;
				choice.link_ns = i % 2 ? link_ns : link_ns * 1.015;
				changes += settled(&choice) != before;
			}
			CHECK(changes <= 1, "%u changes at %.3f ns a byte", changes, link_ns);
			CHECK(page_ns(choice.current, 4, link_ns) <= 1.12 * page_ns(at_rate(4, 8e3 / link_ns), 4, link_ns));
		}
}

static void test_what_batches_teach(void)
{
	struct encoder_choice choice = with_costs(4, 10);
	choice.current = ZSTD1;
	for (unsigned i = 0; i < 50; i++)
		encoder_choice_note_batch(&choice, 1000, 1000 * 850, 1000 * 26000); /* half the size, twice the time */
	CHECK(choice.cost[ZSTD1].bytes_bias > 0.49 && choice.cost[ZSTD1].bytes_bias < 0.51, "%f", choice.cost[ZSTD1].bytes_bias);
	CHECK(choice.cost[ZSTD1].ns_bias > 1.99 && choice.cost[ZSTD1].ns_bias < 2.01, "%f", choice.cost[ZSTD1].ns_bias);
	CHECK(choice.cost[ZSTD1].bytes == usual[ZSTD1].bytes && choice.cost[LZ4].bytes_bias == 0, "the sample stays what it is");
	struct encoder_choice before = choice;
	encoder_choice_note_batch(&choice, 0, 0, 0);
	encoder_choice_note_batch(&choice, ENCODER_PAGES_MIN - 1, 1, 1000000000);
	CHECK(memcmp(&before, &choice, sizeof(choice)) == 0, "a batch of few mixed pages says nothing");
	choice.current = before.current = RLE;
	encoder_choice_note_batch(&choice, 1000, 1000 * 100, 1000 * 100);
	CHECK(memcmp(&before, &choice, sizeof(choice)) == 0, "what does not compress is what the sample says");
	encoder_choice_note_link(&choice, 0, 5, 5);
	encoder_choice_note_source(&choice, 0, 5);
	encoder_choice_note_source(&choice, ENCODER_PAGES_MIN - 1, 1000000000);
	CHECK(memcmp(&before, &choice, sizeof(choice)) == 0);
	encoder_choice_note_source(&choice, 1000, 1000 * 700);
	CHECK(choice.source_ns > 699 && choice.source_ns < 701);
}

static void test_the_link_is_followed(void)
{
	struct encoder_choice choice = with_costs(4, 0);
	for (unsigned i = 0; i < 30; i++)
		encoder_choice_note_link(&choice, 1000000, 800000000, 1000000); /* 10 Mbit/s */
	CHECK(settled(&choice) > LZ4, "%u", choice.current);
	for (unsigned i = 0; i < 60; i++)
		encoder_choice_note_link(&choice, 1000000, 300000, 200000); /* 27 Gbit/s */
	CHECK(settled(&choice) <= RLE, "%u at %f ns a byte", choice.current, choice.link_ns);
	CHECK(choice.link_cpu_ns > 0.19 && choice.link_cpu_ns < 0.21);
	/* What a busy machine adds now and then does not make the link slow; what lasts does. */
	double fast = choice.link_ns;
	for (unsigned i = 0; i < 3 * ENCODER_LINK_NEWS; i++)
		encoder_choice_note_link(&choice, 1000000, i % 4 ? 30000000 : 300000, 200000);
	CHECK(choice.link_ns == fast);
	for (unsigned i = 0; i < ENCODER_LINK_NEWS; i++)
		encoder_choice_note_link(&choice, 1000000, 30000000, 200000);
	CHECK(choice.link_ns > 29 && choice.link_ns < 31, "%f", choice.link_ns);
}

/* The cache is for links that are slower than the CPU. */
static void test_the_cache(void)
{
	struct encoder_choice slow = with_costs(4, 8e3 / 20), fast = with_costs(4, 8e3 / 1000000);
	CHECK(!encoder_choice_next(&slow).without_cache && !encoder_choice_next(&slow).without_cache);
	settled(&fast);
	CHECK(encoder_choice_next(&fast).without_cache);
}

static void test_a_sample_measures(void)
{
	static uint8_t pages[ENCODER_SAMPLE_PAGES * PAGE_BYTES];
	struct random rng = {.state = 8};
	struct encoder_choice choice;
	for (unsigned i = 0; i < ENCODER_SAMPLE_PAGES; i++)
		fill_page(&rng, i % 2 ? KIND_DATABASE : KIND_TEXT, pages + i * PAGE_BYTES);
	encoder_choice_init(&choice, 1, 1);
	struct encoder_choice before = choice;
	CHECK(!encoder_choice_sample(&choice, pages, 0) && !choice.sampled);
	CHECK(encoder_choice_sample(&choice, pages, ENCODER_SAMPLE_PAGES) && choice.sampled);
	for (unsigned i = 0; i < ENCODER_CHOICES; i++) {
		const struct encoder_cost *cost = &choice.cost[i];
		CHECK(cost->ns > 0 && cost->bytes > 100 && cost->bytes <= PAGE_BYTES && cost->ns_bias == 0 && cost->bytes_bias == 0, "%u", i);
	}
	CHECK(choice.cost[RAW].bytes == PAGE_BYTES && choice.cost[RLE].bytes < PAGE_BYTES);
	CHECK(choice.cost[ZSTD9].bytes < choice.cost[LZ4].bytes && choice.cost[ZSTD1].bytes < choice.cost[LZ4].bytes
		&& choice.cost[LZ4].bytes < PAGE_BYTES);
	CHECK(choice.link_ns == before.link_ns && choice.source_ns == 0 && choice.current == before.current && choice.cpus == 1,
		"a sample says nothing of anything else");
	/* Again, with other contents: the costs are new. */
	for (unsigned i = 0; i < ENCODER_SAMPLE_PAGES; i++)
		fill_page(&rng, KIND_RANDOM, pages + i * PAGE_BYTES);
	double old = choice.cost[ZSTD1].bytes;
	CHECK(encoder_choice_sample(&choice, pages, ENCODER_SAMPLE_PAGES));
	CHECK(choice.cost[ZSTD1].bytes > old && choice.cost[ZSTD1].bytes_bias == 0);
	CHECK(settled(&choice) <= RLE, "what does not shrink is not compressed");
}

static void fill_sample(uint8_t *pages, enum page_kind kind)
{
	struct random rng = {.state = 12};
	for (unsigned i = 0; i < ENCODER_SAMPLE_PAGES; i++)
		fill_page(&rng, kind, pages + i * PAGE_BYTES);
}

/* A sample of pages that happen to shrink less, or more, does not unlearn what batches have taught of the encoder in use;
 * and what they taught of another one, over a sample that is gone, says nothing of this one. */
static void test_a_new_sample_and_old_corrections(void)
{
	static uint8_t pages[ENCODER_SAMPLE_PAGES * PAGE_BYTES];
	struct encoder_choice choice = with_costs(1, 400);
	choice.current = ZSTD1;
	for (unsigned i = 0; i < 50; i++)
		encoder_choice_note_batch(&choice, 1000, 1000 * 850, 1000 * 26000);
	choice.cost[LZ4].bytes_bias = choice.cost[LZ4].ns_bias = 0.1;
	for (enum page_kind kind = KIND_TEXT; kind <= KIND_RANDOM; kind++) {
		fill_sample(pages, kind);
		CHECK(encoder_choice_sample(&choice, pages, ENCODER_SAMPLE_PAGES));
		const struct encoder_cost *cost = &choice.cost[ZSTD1];
		CHECK(cost->bytes * cost->bytes_bias > 849 && cost->bytes * cost->bytes_bias < 851, "%f", cost->bytes * cost->bytes_bias);
		CHECK(cost->ns * cost->ns_bias > 25900 && cost->ns * cost->ns_bias < 26100, "%f", cost->ns * cost->ns_bias);
		CHECK(choice.cost[LZ4].bytes_bias == 0 && choice.cost[LZ4].ns_bias == 0);
	}
}

/* Where the link is fast, no time is lost with measuring what cannot be worth it; where nothing is known of it, all is. */
static void test_what_is_hopeless_is_not_measured(void)
{
	static uint8_t pages[ENCODER_SAMPLE_PAGES * PAGE_BYTES];
	struct encoder_choice choice;
	fill_sample(pages, KIND_TEXT);
	encoder_choice_init(&choice, 4, 0);
	CHECK(!encoder_choice_knows_link(&choice) && encoder_choice_sample(&choice, pages, ENCODER_SAMPLE_PAGES));
	CHECK(choice.cost[ZSTD9].bytes > 0);
	encoder_choice_note_link(&choice, 1 << 30, 1000, 1000); /* 0.000001 ns a byte */
	CHECK(encoder_choice_knows_link(&choice) && encoder_choice_sample(&choice, pages, ENCODER_SAMPLE_PAGES));
	CHECK(choice.cost[RAW].bytes == PAGE_BYTES && choice.cost[RLE].bytes > 0 && choice.cost[LZ4].bytes == 0
		&& choice.cost[ZSTD9].bytes == 0);
	CHECK(settled(&choice) <= RLE, "what was not measured is not chosen");
	choice.current = ZSTD1;
	CHECK(encoder_choice_sample(&choice, pages, ENCODER_SAMPLE_PAGES) && choice.cost[ZSTD1].bytes > 0, "the one in use always is");
	CHECK(settled(&choice) <= RLE);
}

/* With two CPUs it depends on what the link waits for. */
static void test_one_thread(void)
{
	struct encoder_choice choice = with_costs(2, 0.3);
	choice.link_cpu_ns = 0.25;
	choice.source_ns = 1500;
	CHECK(encoder_choice_one_thread(&choice) && encoder_choice_next(&choice).without_cache);
	choice.cpus = 1;
	CHECK(encoder_choice_one_thread(&choice));
	choice.cpus = 3;
	CHECK(!encoder_choice_one_thread(&choice), "there is a CPU for the other thread");
	choice.cpus = 2;
	choice.link_ns = 8;
	CHECK(!encoder_choice_one_thread(&choice) && !encoder_choice_next(&choice).without_cache, "it is the wire that is slow");
}

int main(void)
{
	test_what_is_not_known_changes_nothing();
	test_from_slow_to_fast();
	test_never_slower_than_raw();
	test_one_cpu_pays_for_all();
	test_hysteresis();
	test_what_batches_teach();
	test_the_link_is_followed();
	test_the_cache();
	test_a_sample_measures();
	test_a_new_sample_and_old_corrections();
	test_what_is_hopeless_is_not_measured();
	test_one_thread();
	CHECKS_PASSED();
	return 0;
}
