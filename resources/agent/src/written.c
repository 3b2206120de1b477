#include "written.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "io.h"

#define HOT_MAX 4096u
#define HOT_AT_ONCE 256u
#define HOT_FOR_LOOKS 6u /* a page is let go after so many looks that found it unchanged */

struct hot_page {
	uint64_t frame;
	unsigned quiet; /* looks since it was last found written */
};

struct written {
	struct guest *guest;
	uint64_t frames;
	uint64_t *sums; /* page_hash, which is never 0; 0: not looked at yet */
	uint8_t *found, *is_hot;
	struct hot_page hot[HOT_MAX];
	size_t hot_count, hot_next; /* where the next turn begins: time may not suffice for all */
};

struct written *written_new(struct guest *guest, uint64_t frames, struct error *err)
{
	struct written *written = calloc(1, sizeof(*written));
	if (written) {
		written->guest = guest;
		written->frames = frames;
		written->sums = calloc(frames, sizeof(uint64_t));
		written->found = calloc(frames, 1);
		written->is_hot = calloc(frames, 1);
	}
	if (written && written->sums && written->found && written->is_hot)
		return written;
	written_free(written);
	error_set(err, ERR_SYSTEM, "", "out of memory");
	return NULL;
}

void written_free(struct written *written)
{
	if (!written)
		return;
	free(written->sums);
	free(written->found);
	free(written->is_hot);
	free(written);
}

void written_next_turn(struct written *written)
{
	memset(written->found, 0, written->frames);
}

/* True if the page changed since it was last looked at. */
static bool compare(struct written *written, uint64_t frame, const uint8_t *page)
{
	uint64_t sum = page_hash(page);
	uint64_t before = written->sums[frame];
	written->sums[frame] = sum;
	return before && before != sum;
}

void written_note(struct written *written, uint64_t frame, const uint8_t page[PAGE_BYTES])
{
	if (!compare(written, frame, page))
		return;
	written->found[frame] = 1;
	if (written->is_hot[frame] || written->hot_count == HOT_MAX)
		return;
	written->is_hot[frame] = 1;
	written->hot[written->hot_count++] = (struct hot_page){.frame = frame};
}

static void look_at(struct written *written, struct hot_page *pages, size_t count)
{
	uint64_t frames[HOT_AT_ONCE] = {0};
	bool failed[HOT_AT_ONCE] = {0};
	for (size_t i = 0; i < count; i++)
		frames[i] = pages[i].frame;
	const uint8_t *bytes = guest_map(written->guest, frames, count, failed);
	for (size_t i = 0; i < count; i++) {
		bool changed = bytes && !failed[i] && compare(written, pages[i].frame, bytes + i * PAGE_BYTES);
		pages[i].quiet = changed ? 0 : pages[i].quiet + 1;
		if (changed)
			written->found[pages[i].frame] = 1;
	}
	if (bytes)
		guest_unmap(written->guest, bytes, count);
}

/* The turn goes on with the page that it would have gone on with. */
static void drop_quiet(struct written *written)
{
	size_t kept = 0, next = written->hot_next;
	for (size_t i = 0; i < written->hot_count; i++) {
		if (i == next)
			written->hot_next = kept;
		if (written->hot[i].quiet < HOT_FOR_LOOKS)
			written->hot[kept++] = written->hot[i];
		else
			written->is_hot[written->hot[i].frame] = 0;
	}
	written->hot_count = kept;
	if (written->hot_next >= kept)
		written->hot_next = 0;
}

void written_look_again(struct written *written, uint64_t due_ns)
{
	for (size_t looked = 0, count; looked < written->hot_count && clock_ns() < due_ns; looked += count) {
		size_t to_end = written->hot_count - written->hot_next, left = written->hot_count - looked;
		count = to_end < left ? to_end : left;
		count = count < HOT_AT_ONCE ? count : HOT_AT_ONCE;
		look_at(written, written->hot + written->hot_next, count);
		written->hot_next = (written->hot_next + count) % written->hot_count;
	}
	drop_quiet(written);
}

const uint8_t *written_found(const struct written *written)
{
	return written->found;
}
