#include "p2m.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES 512u /* of 8 bytes, in a page of any table here */
#define ENTRY_BITS 9
#define FRAME_SHIFT 12

/* A machine address has at most 52 bits. Linux sets the two top bits of an entry that is no RAM of the guest's own (an identity
 * mapping, a frame of another domain), and all of one that stands for nothing. */
#define MACHINE_FRAME_BITS 40

/* Offsets in the struct shared_info of a 64-bit guest; the same from Xen 4.14 to 4.22. */
enum { INFO_FRAMES = 3088, INFO_TREE = 3096, INFO_ROOT = 3112, INFO_ADDRESS = 3120, INFO_GENERATION = 3128 };

/* Intel SDM volume 3, 4.5. A PV guest's page tables hold machine frames. */
#define PTE_PRESENT UINT64_C(1)
#define PTE_LARGE UINT64_C(0x80)
#define LIST_LEVELS 4u
#define TREE_LEVELS 2u /* above the table's own pages */
#define TREE_FRAMES_MAX (UINT64_C(1) << 27)

/* A guest may be stopped in the middle of a change; one that never ends it is not waited for. */
#define SETTLE_TRIES 20u
#define SETTLE_US 1000u

/* Where the table is, as the guest says. */
struct published {
	uint64_t frames;
	uint64_t tree;       /* machine frame of its top; 0 or all ones: there is none */
	uint64_t root;       /* cr3 of the address space with the list; 0: there is none */
	uint64_t address;    /* of the list, there */
	uint64_t generation; /* of the list; odd: it is being rearranged */
};

struct pair {
	uint64_t machine_frame, frame;
};

struct p2m {
	struct p2m_reader reader;
	uint64_t frames_max;
	const uint8_t *shared_info;
	struct published published; /* when the table was last read */
	uint64_t frames;            /* in the table; 0: it could not be read */
	uint64_t leaf_count;
	const uint8_t *leaves;      /* the table's own pages, one after another */
	bool *missing;              /* those of them that are not mapped */
	struct pair *pairs;         /* by machine frame; NULL: nobody has asked yet */
	size_t pair_count;
};

static uint64_t load64(const uint8_t *at)
{
	return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static struct published read_published(const struct p2m *p2m)
{
	struct published now = {
		.generation = load64(p2m->shared_info + INFO_GENERATION),
		.frames = load64(p2m->shared_info + INFO_FRAMES),
		.tree = load64(p2m->shared_info + INFO_TREE),
		.root = load64(p2m->shared_info + INFO_ROOT),
		.address = load64(p2m->shared_info + INFO_ADDRESS),
	};
	if (!now.root)
		now.address = now.generation = 0; /* without meaning then */
	return now;
}

static bool same_published(const struct published *one, const struct published *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

/* --- From the top down to the table's own pages --- */

/* The list and the tree are walked alike: a fixed number of levels of 512 entries each. */
struct walk {
	const struct p2m_reader *reader;
	bool is_tree;    /* entries are frame numbers, otherwise page-table entries */
	unsigned levels;
	uint64_t top;    /* machine frame */
	uint64_t base;   /* what the table's first page is called at the lowest level */
	struct {
		uint64_t frame;
		const uint8_t *bytes; /* NULL: it cannot be reached */
	} table[LIST_LEVELS];     /* the last one used of each level */
};

static void start_walk(struct walk *walk, const struct p2m *p2m, const struct published *published)
{
	*walk = (struct walk){.reader = &p2m->reader, .is_tree = !published->root};
	walk->levels = walk->is_tree ? TREE_LEVELS : LIST_LEVELS;
	walk->top = walk->is_tree ? published->tree : published->root >> FRAME_SHIFT;
	walk->base = published->address >> FRAME_SHIFT;
	for (unsigned level = 0; level < LIST_LEVELS; level++)
		walk->table[level].frame = GUEST_NO_FRAME;
}

static void leave_table(struct walk *walk, unsigned level)
{
	if (walk->table[level].bytes)
		walk->reader->unmap(walk->reader->context, walk->table[level].bytes, 1);
	walk->table[level].bytes = NULL;
}

static void end_walk(struct walk *walk)
{
	for (unsigned level = 0; level < LIST_LEVELS; level++)
		leave_table(walk, level);
}

static const uint8_t *reach_table(struct walk *walk, unsigned level, uint64_t frame)
{
	bool failed = false;
	if (walk->table[level].frame == frame)
		return walk->table[level].bytes;
	leave_table(walk, level);
	walk->table[level].frame = frame;
	walk->table[level].bytes = walk->reader->map(walk->reader->context, &frame, 1, &failed);
	return walk->table[level].bytes;
}

/* The frame that an entry leads to. PV guests have no large pages; at the lowest level the bit means something else. */
static uint64_t entry_target(const struct walk *walk, unsigned level, uint64_t entry)
{
	if (walk->is_tree)
		return entry && entry >> MACHINE_FRAME_BITS == 0 ? entry : GUEST_NO_FRAME;
	if (!(entry & PTE_PRESENT) || (level > 0 && (entry & PTE_LARGE)))
		return GUEST_NO_FRAME;
	return entry >> FRAME_SHIFT & ((UINT64_C(1) << MACHINE_FRAME_BITS) - 1);
}

/* Machine frame of the table's own page number `index`. */
static uint64_t find_leaf(struct walk *walk, uint64_t index)
{
	uint64_t name = walk->base + index, frame = walk->top;
	for (unsigned level = walk->levels; level-- > 0;) {
		const uint8_t *table = reach_table(walk, level, frame);
		if (!table)
			return GUEST_NO_FRAME;
		uint64_t place = name >> (ENTRY_BITS * level) & (ENTRIES - 1);
		frame = entry_target(walk, level, load64(table + place * 8));
		if (frame == GUEST_NO_FRAME)
			return GUEST_NO_FRAME;
	}
	return frame;
}

static bool not_followed(struct error *err, const char *why)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "the guest's table of machine frames cannot be followed: %s", why);
}

/* Machine frames of the table's own pages; their number to `kept`. Linux has one page stand for all of the room at the end that
 * memory may be plugged into (512 GiB by default): a page that fills the end is cut off. */
static uint64_t *list_leaves(struct walk *walk, uint64_t count, uint64_t count_max, uint64_t *kept, struct error *err)
{
	uint64_t *leaves = malloc((count < count_max ? count : count_max) * sizeof(*leaves));
	uint64_t last = GUEST_NO_FRAME, run_start = 0;
	bool fits = leaves != NULL;
	for (uint64_t i = 0; fits && i < count; i++) {
		uint64_t frame = find_leaf(walk, i);
		if (frame != last)
			run_start = i;
		fits = frame == last || i < count_max;
		if (fits && i < count_max)
			leaves[i] = frame;
		last = frame;
	}
	bool run_is_room = last == GUEST_NO_FRAME || count - run_start > 1;
	*kept = run_is_room ? run_start : count;
	if (fits && *kept)
		return leaves;
	not_followed(err, !leaves ? "out of memory" : fits && !*kept ? "it is empty" : "it is larger than the guest may be");
	free(leaves);
	return NULL;
}

/* --- Reading the whole table --- */

static void drop_leaves(struct p2m *p2m)
{
	if (p2m->leaves)
		p2m->reader.unmap(p2m->reader.context, p2m->leaves, p2m->leaf_count);
	free(p2m->missing);
	p2m->leaves = NULL;
	p2m->missing = NULL;
	p2m->leaf_count = p2m->frames = 0;
}

static bool check_published(const struct published *published, struct error *err)
{
	bool has_tree = published->tree != 0 && published->tree != UINT64_MAX;
	uint64_t most = published->root ? P2M_FRAMES_MAX : TREE_FRAMES_MAX;
	if (!published->root && !has_tree)
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "the guest publishes no table of machine frames: not Linux, or not booted yet");
	if (!published->frames || published->frames > most)
		return not_followed(err, "it has an impossible size");
	return published->address % PAGE_BYTES == 0 || not_followed(err, "it does not begin at a page");
}

static bool map_table(struct p2m *p2m, const struct published *published, struct error *err)
{
	struct walk walk;
	uint64_t count = (published->frames + ENTRIES - 1) / ENTRIES, count_max = (p2m->frames_max + ENTRIES - 1) / ENTRIES;
	if (!check_published(published, err))
		return false;
	start_walk(&walk, p2m, published);
	uint64_t *leaves = list_leaves(&walk, count, count_max, &p2m->leaf_count, err);
	end_walk(&walk);
	p2m->missing = leaves ? calloc(p2m->leaf_count, sizeof(*p2m->missing)) : NULL;
	if (p2m->missing)
		p2m->leaves = p2m->reader.map(p2m->reader.context, leaves, p2m->leaf_count, p2m->missing);
	free(leaves);
	if (!p2m->leaves)
		return not_followed(err, "none of its pages can be reached");
	uint64_t frames = p2m->leaf_count * ENTRIES;
	p2m->frames = frames < published->frames ? frames : published->frames;
	return true;
}

/* What was read counts only if nothing was rearranged meanwhile. After a failure the table is empty until the guest publishes
 * something else. */
static bool read_table(struct p2m *p2m, struct error *err)
{
	for (unsigned tries = 0; tries < SETTLE_TRIES; tries++) {
		struct error why = {0};
		drop_leaves(p2m);
		p2m->published = read_published(p2m);
		bool mapped = p2m->published.generation % 2 == 0 && map_table(p2m, &p2m->published, &why);
		struct published now = read_published(p2m);
		bool settled = p2m->published.generation % 2 == 0 && same_published(&now, &p2m->published);
		if (settled)
			return mapped || error_set(err, why.code, why.action, "%s", why.message);
		usleep(SETTLE_US);
	}
	drop_leaves(p2m);
	return not_followed(err, "it keeps changing");
}

struct p2m *p2m_open(const struct p2m_reader *reader, uint64_t shared_info_frame, uint64_t frames_max, struct error *err)
{
	struct p2m *p2m = calloc(1, sizeof(*p2m));
	bool failed = false;
	if (!p2m) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	p2m->reader = *reader;
	p2m->frames_max = frames_max < P2M_FRAMES_MAX ? frames_max : P2M_FRAMES_MAX;
	p2m->shared_info = reader->map(reader->context, &shared_info_frame, 1, &failed);
	if (!p2m->shared_info)
		not_followed(err, "the guest's shared-info page cannot be reached");
	else if (read_table(p2m, err))
		return p2m;
	p2m_close(p2m);
	return NULL;
}

void p2m_close(struct p2m *p2m)
{
	if (!p2m)
		return;
	drop_leaves(p2m);
	if (p2m->shared_info)
		p2m->reader.unmap(p2m->reader.context, p2m->shared_info, 1);
	free(p2m->pairs);
	free(p2m);
}

uint64_t p2m_frames(const struct p2m *p2m)
{
	return p2m->frames;
}

/* --- Entries --- */

static uint64_t entry_of(const struct p2m *p2m, uint64_t frame)
{
	if (frame >= p2m->frames || p2m->missing[frame / ENTRIES])
		return GUEST_NO_FRAME;
	uint64_t entry = load64(p2m->leaves + frame * 8);
	return entry >> MACHINE_FRAME_BITS ? GUEST_NO_FRAME : entry;
}

static void keep_up(struct p2m *p2m)
{
	struct published now = read_published(p2m);
	if (!same_published(&now, &p2m->published))
		read_table(p2m, NULL);
}

void p2m_look_up(struct p2m *p2m, const uint64_t *frames, size_t count, uint64_t *machine_frames)
{
	keep_up(p2m);
	for (size_t i = 0; i < count; i++)
		machine_frames[i] = entry_of(p2m, frames[i]);
}

static int by_machine_frame(const void *one, const void *other)
{
	uint64_t a = ((const struct pair *)one)->machine_frame, b = ((const struct pair *)other)->machine_frame;
	return (a > b) - (a < b);
}

static void make_inverse(struct p2m *p2m)
{
	p2m->pairs = malloc(p2m->frames * sizeof(*p2m->pairs));
	for (uint64_t frame = 0; p2m->pairs && frame < p2m->frames; frame++) {
		uint64_t machine_frame = entry_of(p2m, frame);
		if (machine_frame != GUEST_NO_FRAME)
			p2m->pairs[p2m->pair_count++] = (struct pair){.machine_frame = machine_frame, .frame = frame};
	}
	if (p2m->pairs)
		qsort(p2m->pairs, p2m->pair_count, sizeof(*p2m->pairs), by_machine_frame);
}

uint64_t p2m_find(struct p2m *p2m, uint64_t machine_frame)
{
	const struct pair wanted = {.machine_frame = machine_frame};
	keep_up(p2m);
	if (!p2m->pairs && p2m->frames)
		make_inverse(p2m);
	if (!p2m->pairs)
		return GUEST_NO_FRAME;
	const struct pair *pair = bsearch(&wanted, p2m->pairs, p2m->pair_count, sizeof(*p2m->pairs), by_machine_frame);
	return pair && entry_of(p2m, pair->frame) == machine_frame ? pair->frame : GUEST_NO_FRAME;
}
