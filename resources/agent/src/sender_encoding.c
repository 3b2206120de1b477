/* sender_encoding.c - which encoder `send` uses for the next batch, and the account of what each took. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "json.h"
#include "sender.h"

#define THREADS_MAX 4
/* Less than a record, so that the pages are still in a core's cache when they are sent. No less than 2 MiB: newer receivers make a
 * large page of 512 frames in a row, but only within a record. */
#define PART_PAGES 512u
/* Where a batch that is being sent may wait from the second round on: so much of it is added to the downtime. */
#define QUEUE_NS 100000000u
#define QUEUE_BYTES_MIN 131072u
/* Less than this says nothing of a link's speed. */
#define LINK_NEWS_BYTES 262144u

uint64_t sender_work_ns(const struct sender *sender)
{
	return sender->choice.cpus <= 1 ? thread_cpu_ns() : clock_ns();
}

uint32_t sender_part_pages(const struct sender *sender)
{
	return batch_codec(sender->encoding.encoder) == CODEC_NONE ? PART_PAGES : XEN_PAGES_PER_RECORD;
}

static struct encoder_use *use_of(struct sender *sender, struct page_encoding encoding)
{
	for (unsigned i = 0; i < sender->use_count; i++)
		if (sender->uses[i].encoding.encoder == encoding.encoder && sender->uses[i].encoding.level == encoding.level)
			return &sender->uses[i];
	struct encoder_use *use = &sender->uses[sender->use_count++]; /* all of encoder_choices, or one of the user's */
	*use = (struct encoder_use){.encoding = encoding};
	return use;
}

void sender_note_batch(struct sender *sender, uint64_t finish_ns)
{
	const struct batch_counts *counts = batch_counts(sender->batch);
	struct encoder_use *use = use_of(sender, sender->encoding);
	use->pages += counts->mixed;
	use->bytes += counts->mixed_bytes;
	use->cpu_ns += finish_ns;
	sender->lookups += counts->lookups;
	sender->hits += counts->hits;
	encoder_choice_note_batch(&sender->choice, counts->mixed, counts->mixed_bytes, finish_ns);
}

void sender_note_append(struct sender *sender, uint64_t ns)
{
	use_of(sender, sender->encoding)->cpu_ns += ns;
}

void sender_note_sent(struct sender *sender)
{
	sender->batch_ended_ns = clock_ns();
	sender->batch_blocked_ns = outbox_meter(sender->outbox).blocked_ns;
}

/* Keeps the queue short once the guest may be suspended after any round. */
static void limit_queue(struct sender *sender, const struct outbox_meter *meter)
{
	if (!sender->rounds.round || !meter->busy_ns)
		return;
	double bytes = (double)meter->sent_bytes / (double)meter->busy_ns * QUEUE_NS;
	outbox_set_limit(sender->outbox, bytes > QUEUE_BYTES_MIN ? bytes < OUTBOX_BYTES_MAX ? (size_t)bytes : OUTBOX_BYTES_MAX
		: QUEUE_BYTES_MIN);
}

static void note_link(struct sender *sender, const struct outbox_meter *now)
{
	struct outbox_meter *noted = &sender->link_noted;
	if (now->sent_bytes - noted->sent_bytes < LINK_NEWS_BYTES)
		return;
	encoder_choice_note_link(&sender->choice, now->sent_bytes - noted->sent_bytes, now->busy_ns - noted->busy_ns,
		now->cpu_ns - noted->cpu_ns);
	*noted = *now;
}

/* Batches are summed up until they say something. */
static void note_source(struct sender *sender, uint64_t pages, uint64_t ns)
{
	sender->source_pages += pages;
	sender->source_ns += ns;
	if (sender->source_pages < ENCODER_PAGES_MIN)
		return;
	encoder_choice_note_source(&sender->choice, sender->source_pages, sender->source_ns);
	sender->source_pages = sender->source_ns = 0;
}

void sender_choose_encoder(struct sender *sender)
{
	struct outbox_meter meter = outbox_meter(sender->outbox);
	uint64_t now = clock_ns(), mixed = batch_counts(sender->batch)->mixed;
	uint64_t waited = meter.blocked_ns - sender->batch_blocked_ns;
	limit_queue(sender, &meter);
	if (!sender->sample)
		return;
	note_link(sender, &meter);
	if (sender->batch_ended_ns && now - sender->batch_ended_ns > waited)
		note_source(sender, batch_counts(sender->batch)->pages, now - sender->batch_ended_ns - waited);
	sender->mixed_since_sample += mixed;
	if (sender->sampled == ENCODER_SAMPLE_PAGES && encoder_choice_knows_link(&sender->choice)
		&& encoder_choice_sample(&sender->choice, sender->sample, sender->sampled)) {
		sender->mixed_since_sample = 0;
		sender->sampled = 0;
	}
	sender->encoding = encoder_choice_next(&sender->choice);
}

void sender_keep_sample(struct sender *sender, enum page_fate fate, const uint8_t *page)
{
	bool mixed = fate == FATE_ENCODED || fate == FATE_RAW || fate == FATE_PACKED;
	bool due = !sender->choice.sampled || sender->mixed_since_sample >= ENCODER_SAMPLE_EVERY;
	if (!sender->sample || !mixed || !due || sender->sampled == ENCODER_SAMPLE_PAGES || batch_counts(sender->batch)->mixed % 8)
		return;
	memcpy(sender->sample + (size_t)sender->sampled++ * PAGE_BYTES, page, PAGE_BYTES);
}

void sender_report_encoding(struct sender *sender)
{
	struct json json;
	json_start(&json, "encoding");
	json_open_array(&json, "by");
	for (unsigned i = 0; i < sender->use_count; i++) {
		json_open_object(&json, NULL);
		json_string(&json, "encoder", page_encoder_name(sender->uses[i].encoding.encoder));
		json_u64(&json, "level", (uint64_t)sender->uses[i].encoding.level);
		json_u64(&json, "pages", sender->uses[i].pages);
		json_u64(&json, "bytes", sender->uses[i].bytes);
		json_ms(&json, "cpuMs", sender->uses[i].cpu_ns);
		json_close_object(&json);
	}
	json_close_array(&json);
	if (sender->job->cache_mib) {
		json_open_object(&json, "cache");
		json_u64(&json, "pages", job_cache_pages(sender->job));
		json_u64(&json, "lookups", sender->lookups);
		json_u64(&json, "hits", sender->hits);
		json_close_object(&json);
	} else {
		json_null(&json, "cache");
	}
	json_write(&json, sender->lines);
}

static enum page_encoder first_encoder(int encoder)
{
	return encoder == JOB_NONE ? ENCODER_NONE : encoder == JOB_LZ4 ? ENCODER_LZ4 : encoder == JOB_ZSTD ? ENCODER_ZSTD
		: ENCODER_RLE;
}

/* 1 when it cannot be found out. */
static unsigned usable_cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

bool sender_prepare_encoding(struct sender *sender)
{
	struct job *job = sender->job;
	unsigned cpus = usable_cpus();
	encoder_choice_init(&sender->choice, cpus, job->rate_mbit);
	sender->encoding = (struct page_encoding){.encoder = first_encoder(job->encoder), .level = (int)job->level};
	sender->batch = batch_new(job_cache_pages(job), cpus < THREADS_MAX ? cpus : THREADS_MAX);
	sender->outbox = outbox_new(sender->link);
	if (job->encoder == JOB_AUTO)
		sender->sample = malloc(ENCODER_SAMPLE_PAGES * PAGE_BYTES);
	sender->swept_pages = malloc(BATCH_ENTRIES_MAX * PAGE_BYTES);
	return sender->batch && sender->outbox && sender->swept_pages && (sender->sample || job->encoder != JOB_AUTO);
}

