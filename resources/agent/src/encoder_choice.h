/*
 * encoder_choice.h - `auto`: which encoder should the next batch use?
 *
 * The one with which the slower of CPU and link is done soonest, by what was measured here: each encoder's time and size on
 * a sample of the guest's own pages (again after every so many, for contents change), corrected by what the one in use
 * really needs, and the link's time for a byte. On a slow link that is near zstd, on a fast one near raw.
 *
 * Where dom0 has one CPU, encoding takes turns with sealing and with xl; otherwise they go side by side. With two CPUs they
 * do so as long as the link waits for the wire; once it is the CPU that sending takes, there is none to spare beside xl.
 */
#ifndef ME2_ENCODER_CHOICE_H
#define ME2_ENCODER_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"

#define ENCODER_CHOICES 7u
#define ENCODER_SAMPLE_PAGES 32u
/* Mixed pages between two samples. */
#define ENCODER_SAMPLE_EVERY 16384u

/* The link's time for a byte is the least of so many measurements: what else it waits for, the CPU above all, only adds. */
#define ENCODER_LINK_NEWS 8u
/* Batches of fewer pages say nothing: what they take is mostly what any batch takes. */
#define ENCODER_PAGES_MIN 128u

/* Cheapest first. */
extern const struct page_encoding encoder_choices[ENCODER_CHOICES];

/* Of one encoder, for one page of mixed content. */
struct encoder_cost {
	double ns, bytes;
	double ns_bias, bytes_bias; /* what it really takes, over the sample; 0: was not in use since the sample */
};

struct encoder_choice {
	unsigned cpus;
	bool sampled;
	unsigned current; /* index into encoder_choices */
	struct encoder_cost cost[ENCODER_CHOICES];
	double link_ns;     /* for a byte; 0: not known yet */
	double link_news[ENCODER_LINK_NEWS]; /* the last measurements of it, a ring */
	unsigned link_news_count;
	double link_cpu_ns; /* of which CPU time */
	double source_ns;   /* what xl and reading from it take for a page */
};

/* `cpus`: of this host; `rate_mbit`: the cap on the link, 0 if there is none. Begins with run-length encoding. */
void encoder_choice_init(struct encoder_choice *choice, unsigned cpus, uint64_t rate_mbit);

/* Something is known of the link: a sample will tell what may be worth it there. */
bool encoder_choice_knows_link(const struct encoder_choice *choice);

/* Measures the encoders on these pages, cheapest first, up to one that takes far longer than the link does for a raw page;
 * all where nothing is known of the link. What the current one is believed to take stays: batches tell more than a sample.
 * False when out of memory; nothing has changed then. */
bool encoder_choice_sample(struct encoder_choice *choice, const uint8_t *pages, uint32_t count);

/* What a batch with the current encoder took: `ns` for compressing alone, and only where it compresses. */
void encoder_choice_note_batch(struct encoder_choice *choice, uint64_t mixed, uint64_t bytes, uint64_t ns);
/* The link was busy for so long with so many bytes. Small amounts say nothing and should be summed up first. */
void encoder_choice_note_link(struct encoder_choice *choice, uint64_t bytes, uint64_t busy_ns, uint64_t cpu_ns);
/* Time for so many pages of any content that went neither into encoding nor into waiting for the link. */
void encoder_choice_note_source(struct encoder_choice *choice, uint64_t pages, uint64_t ns);

/* Decides; changes only for a gain that is worth it. Needs a sample and something known of the link. Where the CPU is what
 * holds things up, even so, or nothing is known yet, the cache is left alone. */
struct page_encoding encoder_choice_next(struct encoder_choice *choice);

/* All CPUs are busy: what is handed to another thread only costs a copy and a switch. */
bool encoder_choice_one_thread(const struct encoder_choice *choice);

#endif
