/*
 * sender_verify.c - does the target hold what the source holds? Asked while the suspended original still exists here.
 *
 * The page tables of a PV guest are apart: on their way libxc turns the machine frames in them into guest frames.
 */
#include <stdlib.h>
#include <string.h>

#include "grants.h"
#include "hash.h"
#include "io.h"
#include "json.h"
#include "sender.h"

#define FRAMES_AT_ONCE 1024u
#define NAMED_FRAMES 16u

struct comparison {
	uint64_t compared, differing, skipped, page_tables, io_buffers;
	uint64_t frames[NAMED_FRAMES];
	uint64_t *granted; /* bitmap of frames that a back end may write while the guest is suspended; NULL: not known */
};

/* The target's hashes of `count` frames from `first`. Other frames that arrive meanwhile are signs of life. */
static bool fetch_hashes(struct sender *sender, uint64_t first, uint64_t count, uint8_t *frame, uint64_t *hashes,
	struct error *err)
{
	uint64_t wanted[2] = {first, count};
	enum link_type type;
	size_t length;
	if (!link_send(sender->link, LINK_HASHES_WANTED, wanted, sizeof(wanted), err))
		return false;
	do {
		if (link_receive(sender->link, &type, frame, &length, err) != 1)
			return error_set(err, ERR_LINK, "", "the link ended while the copies were compared");
		atomic_store(&sender->heard_ns, clock_ns());
	} while (type != LINK_HASHES);
	if (length != 8 + count * 8 || memcmp(frame, &first, 8) != 0)
		return error_set(err, ERR_LINK, "", "the target answered with the wrong hashes");
	memcpy(hashes, frame + 8, count * 8);
	return true;
}

/* In use at the source, as far as anyone can tell: a free page's content means nothing. The shared-info page is Xen's: each
 * host writes its own. So are those that xl does not take for the guest's RAM. */
static bool counts(const struct sender *sender, uint64_t frame)
{
	if (frame == sender->shared_info_frame || (sender->not_there && sender->not_there[frame / 64] >> (frame % 64) & 1))
		return false;
	return !sender->explorer || (explorer_knows(sender->explorer, frame) && !explorer_is_free(sender->explorer, frame));
}

static bool is_granted(const struct comparison *result, uint64_t frame)
{
	return result->granted && (result->granted[frame / 64] >> (frame % 64) & 1);
}

/* The target has what was sent while the guest was suspended, so it was not the guest that has written here since: a back end
 * through a mapping, or Xen itself (it marks a pending event in pages that the guest has registered). */
static bool was_written_for_it(const struct sender *sender, uint64_t frame, uint64_t target_hash)
{
	return sender->final_hash && sender->final_hash[frame] && sender->final_hash[frame] == target_hash;
}

static void compare_page(const struct sender *sender, uint64_t frame, const uint8_t *page, uint64_t target_hash,
	struct comparison *result)
{
	result->compared++;
	if (page_hash(page) == target_hash)
		return;
	if (is_granted(result, frame) || was_written_for_it(sender, frame, target_hash)) {
		result->io_buffers++;
		return;
	}
	if (result->differing < NAMED_FRAMES)
		result->frames[result->differing] = frame;
	result->differing++;
}

/* False if it cannot be told which pages are page tables. */
static bool compare(struct sender *sender, uint64_t first, uint64_t count, const uint64_t *hashes,
	struct comparison *result, struct error *err)
{
	uint64_t frames[FRAMES_AT_ONCE];
	bool failed[FRAMES_AT_ONCE] = {0}, is_table[FRAMES_AT_ONCE];
	for (uint64_t i = 0; i < count; i++)
		frames[i] = first + i;
	if (!guest_find_machine_tables(sender->guest, frames, count, is_table, err))
		return false;
	const uint8_t *pages = guest_map(sender->guest, frames, count, failed);
	for (uint64_t i = 0; i < count; i++) {
		if (!pages || failed[i] || !counts(sender, first + i))
			result->skipped++;
		else if (is_table[i])
			result->page_tables++;
		else
			compare_page(sender, first + i, pages + i * PAGE_BYTES, hashes[i], result);
	}
	guest_unmap(sender->guest, pages, count);
	return true;
}

static void report(struct sender *sender, const struct comparison *result)
{
	struct json json;
	json_start(&json, "verify");
	json_u64(&json, "compared", result->compared);
	json_u64(&json, "differing", result->differing);
	json_u64(&json, "skipped", result->skipped);
	json_u64(&json, "pageTables", result->page_tables);
	json_u64(&json, "ioBuffers", result->io_buffers);
	json_open_array(&json, "frames");
	for (uint64_t i = 0; i < result->differing && i < NAMED_FRAMES; i++)
		json_u64(&json, NULL, result->frames[i]);
	json_close_array(&json);
	json_write(&json, sender->lines);
}

void sender_verify(struct sender *sender, struct error *err)
{
	struct comparison result = {0};
	uint8_t *frame = malloc(LINK_FRAME_MAX);
	uint64_t hashes[FRAMES_AT_ONCE], end = guest_frames(sender->guest);
	struct xen_domain domain;
	bool ok = frame && xen_domain_info(sender->xen, sender->job->domid, &domain, err);
	if (ok)
		sender->shared_info_frame = guest_frame_of_table(sender->guest, domain.shared_info_frame);
	result.granted = calloc(end / 64 + 1, sizeof(uint64_t));
	if (result.granted)
		grants_writable(sender->job->domid, sender->guest, result.granted);
	link_set_rate(sender->link, 0); /* not part of what is being compared */
	for (uint64_t first = 0; ok && first < end; first += FRAMES_AT_ONCE) {
		uint64_t count = end - first < FRAMES_AT_ONCE ? end - first : FRAMES_AT_ONCE;
		ok = fetch_hashes(sender, first, count, frame, hashes, err);
		ok = ok && compare(sender, first, count, hashes, &result, err);
	}
	free(frame);
	free(result.granted);
	result.granted = NULL;
	if (ok)
		report(sender, &result);
}
