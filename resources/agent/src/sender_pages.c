/* sender_pages.c - page data in the forward channel of `send`: rounds, which pages travel and how, the final sweep. */
#include <string.h>

#include "hash.h"
#include "io.h"
#include "json.h"
#include "sender.h"

static bool send_batch(struct sender *sender, struct error *err)
{
	uint64_t began = sender_work_ns(sender);
	const struct pieces *batch = batch_finish(sender->batch);
	if (!batch)
		return error_set(err, ERR_SYSTEM, "Choose another encoder, or a smaller cache.", "out of memory");
	sender_note_batch(sender, sender_work_ns(sender) - began);
	if (!sender_flush(sender, err))
		return false;
	struct pieces_reader reader = {.left = *batch};
	struct iovec places[LINK_PIECES_MAX];
	while (reader.left.length) {
		struct pieces frame = pieces_next(&reader, LINK_FRAME_MAX, places, LINK_PIECES_MAX);
		if (!sender_put(sender, reader.left.length ? LINK_BATCH_PART : LINK_BATCH_END, &frame, err))
			return false;
	}
	return true;
}

static void mark_left_out(struct sender *sender, uint64_t frame, bool left_out)
{
	if (frame >= sender->left_out_frames)
		return;
	uint64_t bit = UINT64_C(1) << (frame % 64);
	if (left_out)
		sender->left_out[frame / 64] |= bit;
	else
		sender->left_out[frame / 64] &= ~bit;
}

static void add_counts(struct sender *sender, const struct batch_counts *counts)
{
	struct batch_counts *round = &sender->round_counts;
	round->pages += counts->pages;
	round->left_out += counts->left_out;
	round->constant += counts->constant;
	round->encoded += counts->encoded;
	round->raw += counts->raw;
	round->delta += counts->delta;
	round->reference += counts->reference;
	atomic_fetch_add(&sender->pages, counts->pages);
	atomic_fetch_add(&sender->left_out_pages, counts->left_out);
	atomic_fetch_add(&sender->constant, counts->constant);
	atomic_fetch_add(&sender->encoded, counts->encoded);
	atomic_fetch_add(&sender->raw, counts->raw);
	atomic_fetch_add(&sender->delta, counts->delta);
	atomic_fetch_add(&sender->reference, counts->reference);
}

static bool guest_is_suspended(struct sender *sender)
{
	struct xen_domain domain;
	return xen_domain_info(sender->xen, sender->job->domid, &domain, NULL) && domain.state == XEN_SUSPENDED;
}

static void open_round(struct sender *sender)
{
	sender->round_open = true;
	sender->round_is_final = guest_is_suspended(sender);
	sender->round_counts = (struct batch_counts){0};
	sender->round_started_ns = clock_ns();
	sender->round_link_bytes = sender_link_bytes(sender);
	sender->round_stream_bytes = atomic_load(&sender->job->stream_bytes);
}

static void close_round(struct sender *sender, bool final)
{
	if (!sender->round_open)
		return;
	sender->round_open = false;
	const struct batch_counts *counts = &sender->round_counts;
	atomic_store(&sender->last_round_pages, counts->pages);
	struct json json;
	json_start(&json, "round");
	json_u64(&json, "round", sender->rounds.round);
	json_u64(&json, "pages", counts->pages);
	json_u64(&json, "leftOut", counts->left_out);
	json_u64(&json, "constant", counts->constant);
	json_u64(&json, "encoded", counts->encoded);
	json_u64(&json, "raw", counts->raw);
	json_u64(&json, "delta", counts->delta);
	json_u64(&json, "reference", counts->reference);
	json_u64(&json, "streamBytes", atomic_load(&sender->job->stream_bytes) - sender->round_stream_bytes);
	json_u64(&json, "linkBytes", sender_link_bytes(sender) - sender->round_link_bytes);
	json_ms(&json, "ms", clock_ns() - sender->round_started_ns);
	json_bool(&json, "final", final);
	json_write(&json, sender->lines);
}

static void note_round(struct sender *sender, const struct xen_page_record *record)
{
	struct round_tracker next = sender->rounds;
	bool starts = round_tracker_next(&next, record->entries, record->record_count);
	if (starts)
		close_round(sender, false); /* reports under its own number */
	sender->rounds = next;
	atomic_store(&sender->round, next.round);
	atomic_store(&sender->may_suspend, next.round > 0 || !sender->guest || next.last_frame >= guest_frames(sender->guest) / 8 * 7);
	if (!sender->round_open)
		open_round(sender);
}

/* For sender_verify: what a page that the guest cannot have written since held when it was sent. */
static void keep_final_hash(struct sender *sender, uint64_t frame, const uint8_t *page)
{
	if (sender->round_is_final && sender->final_hash && frame < guest_frames(sender->guest))
		sender->final_hash[frame] = page_hash(page);
}

/* For sender_verify: pages of Xen's own that the guest has mapped into a gap of its memory (its grant table) can be read here as its
 * RAM can, but xl leaves them behind: at the target the guest has new ones. */
static void note_presence(struct sender *sender, uint64_t entry)
{
	uint64_t frame = xen_entry_frame(entry), bit = UINT64_C(1) << frame % 64;
	if (!sender->not_there || frame >= guest_frames(sender->guest))
		return;
	if (xen_entry_type(entry) == XEN_TYPE_XTAB)
		sender->not_there[frame / 64] |= bit;
	else
		sender->not_there[frame / 64] &= ~bit;
}

/* As keep_final_hash, from the guest's own memory: stock mode passes pages on without looking at them. Page tables of a PV guest
 * are not in the stream as they are in memory. */
static void keep_final_hashes(struct sender *sender, const struct xen_page_record *record)
{
	for (uint32_t i = 0; i < record->count && sender->round_is_final && sender->final_hash; i++) {
		uint64_t frame = xen_entry_frame(record->entries[i]);
		const uint8_t *page = xen_entry_type(record->entries[i]) == XEN_TYPE_NORMAL ? guest_map(sender->guest, &frame, 1, NULL) : NULL;
		if (!page)
			continue;
		keep_final_hash(sender, frame, page);
		guest_unmap(sender->guest, page, 1);
	}
}

/* Stock mode: the bytes go as they are, here they are only counted. */
bool sender_count_page_data(void *context, const struct xen_page_record *record, struct error *err)
{
	struct sender *sender = context;
	(void)err;
	note_round(sender, record);
	for (uint32_t i = 0; i < record->count; i++)
		note_presence(sender, record->entries[i]);
	keep_final_hashes(sender, record);
	struct batch_counts counts = {.pages = record->data_pages, .raw = record->data_pages};
	add_counts(sender, &counts);
	return true;
}

bool sender_encode_page_data(void *context, const struct xen_page_record *record, struct error *err)
{
	struct sender *sender = context;
	const uint8_t *page = record->pages;
	if (record->first == 0)
		note_round(sender, record);
	sender_choose_encoder(sender);
	uint64_t began = sender_work_ns(sender);
	batch_start(sender->batch, sender->encoding, sender->rounds.round > 0);
	for (uint32_t i = 0; i < record->count; i++) {
		uint64_t frame = xen_entry_frame(record->entries[i]);
		uint8_t type = xen_entry_type(record->entries[i]);
		bool has_data = xen_type_has_data(type);
		note_presence(sender, record->entries[i]);
		bool free_now = type == XEN_TYPE_NORMAL && frame < sender->left_out_frames
			&& explorer_is_free(sender->explorer, frame);
		enum page_fate fate = batch_append(sender->batch, frame, type, has_data ? page : NULL, free_now);
		if (has_data) {
			keep_final_hash(sender, frame, page);
			mark_left_out(sender, frame, fate == FATE_LEFT_OUT);
			sender_keep_sample(sender, fate, page);
			page += PAGE_BYTES;
		}
	}
	sender_note_append(sender, sender_work_ns(sender) - began);
	add_counts(sender, batch_counts(sender->batch));
	bool ok = send_batch(sender, err);
	sender_note_sent(sender);
	return ok;
}

/* The entries of a PV guest's page tables are machine frames of this host, so a page that has become one must not go as it is.
 * It never should: Xen marks a page as written when it becomes a page table and when it ceases to be one, so libxc has sent it
 * again by now, with its entries converted, and it is not among those left out any more. */
static bool check_no_page_table(struct sender *sender, uint64_t frame, struct error *err)
{
	bool is_table;
	if (!guest_find_machine_tables(sender->guest, &frame, 1, &is_table, err))
		return false;
	return !is_table || error_set(err, ERR_GUEST_STATE, "The guest goes on at the source. Run the migration again.",
		"page frame %llu was left out and has become a page table", (unsigned long long)frame);
}

static bool sweep_frame(struct sender *sender, uint64_t frame, uint64_t *resent, struct error *err)
{
	if (!check_no_page_table(sender, frame, err))
		return false;
	const uint8_t *page = guest_map(sender->guest, &frame, 1, NULL);
	if (!page && explorer_class(sender->explorer, frame) == PAGE_OFFLINE)
		return true; /* given back to Xen since it was left out */
	if (!page)
		return error_set(err, ERR_SYSTEM, "", "page frame %llu was left out, is in use now, and cannot be read",
			(unsigned long long)frame);
	uint8_t *copy = sender->swept_pages + (size_t)batch_entries(sender->batch) * PAGE_BYTES;
	memcpy(copy, page, PAGE_BYTES);
	guest_unmap(sender->guest, page, 1);
	batch_append(sender->batch, frame, XEN_TYPE_NORMAL, copy, false);
	mark_left_out(sender, frame, false);
	(*resent)++;
	return batch_entries(sender->batch) < BATCH_ENTRIES_MAX
		|| (send_batch(sender, err) && (batch_start(sender->batch, sender->encoding, true), true));
}

/* The final sweep: whatever was left out and is no longer free at the suspension goes now. All of it, should the kernel not
 * be the one that was explored any more. */
static bool sweep(struct sender *sender, struct error *err)
{
	uint64_t still_out = 0, resent = 0;
	bool understood = explorer_refresh(sender->explorer);
	batch_start(sender->batch, sender->encoding, true);
	for (uint64_t word = 0; word <= sender->left_out_frames / 64; word++) {
		for (uint64_t bits = sender->left_out[word]; bits; bits &= bits - 1) {
			uint64_t frame = word * 64 + (uint64_t)__builtin_ctzll(bits);
			if (understood && explorer_is_free(sender->explorer, frame)) {
				still_out++;
				continue;
			}
			if (!sweep_frame(sender, frame, &resent, err))
				return false;
		}
	}
	if (batch_entries(sender->batch) && !send_batch(sender, err))
		return false;
	struct json json;
	json_start(&json, "swept");
	json_u64(&json, "leftOut", still_out);
	json_u64(&json, "resent", resent);
	json_write(&json, sender->lines);
	return true;
}

bool sender_before_record(void *context, uint32_t type, uint32_t length, struct error *err)
{
	struct sender *sender = context;
	(void)length;
	bool after_pages = sender->round_open && type != XEN_RECORD_PAGE_DATA;
	if (!after_pages || sender->swept || !guest_is_suspended(sender))
		return true;
	close_round(sender, true);
	sender->swept = true;
	return !sender->explorer || sweep(sender, err);
}

