/*
 * history_test.c - after any history of a guest that is migrated alive, does the target hold every page that is in use?
 *
 * A guest of a few pages allocates, writes, copies, frees and balloons at random, at any instant between what libxc and the
 * agent do: libxc reads and cleans the log-dirty bitmap, reads the pages (half a page, then the other half), and `send`
 * classifies them one by one. The page path of `send` (sender_pages.c), its batches and the target's rebuilder are the real
 * ones; the explorer answers with the model's own truth of that instant, or, to show that this test can fail, with what was
 * true before the bitmap was cleaned. Some guests are PV: pages become page tables, which libxc converts on their way.
 *
 *   history_test [HISTORIES]      the Makefile puts the __wrap_ functions in the place of what `send` asks Xen and the guest for
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "encoder_choice.h"
#include "io.h"
#include "le.h"
#include "pages.h"
#include "rebuild.h"
#include "sender.h"
#include "together.h"

#define PAGES_MAX 64u
#define POOL_PAGES 48u
#define HOLE_FRAMES 1000u /* in the middle of the guest, as below 4 GiB */
#define SHORT_RUN 400u
#define CONTROL_RUN 200u
#define POISON UINT64_C(0xaaaaaaaaaaaaaaaa)
#define MACHINE_BITS 0x5a /* a page table holds one thing here, and another in the stream */
#define REFUSED UINT32_MAX

enum page_state { IN_USE, FREE, BALLOONED, TABLE };
/* What a kernel does with a page when it is freed, and relies on when it is allocated. */
enum on_free { LEAVES, ZEROES, POISONS, ON_FREES };

/* How the page path is run. The first three lose nothing, the others must be found out. */
enum variant {
	AS_IT_IS,
	NO_SWEEP,           /* the order alone is enough, as long as kernels write what they allocate */
	FOOLED,             /* pages are called free at random: the sweep puts it right */
	CLASSIFIED_EARLIER, /* by what was true before the bitmap was cleaned; no sweep */
	SWEPT_EARLIER,      /* … and a sweep that knows no better than that, either */
	TABLES_UNMARKED     /* a page that becomes a page table does not count as written: the sweep must refuse to send it */
};

struct guest_model {
	struct random random;
	uint32_t pages;
	enum on_free on_free;
	bool careless; /* may use what it allocates without writing to it */
	bool paravirtual;
	bool suspended;
	uint32_t steps;
	enum page_state state[PAGES_MAX];
	bool was_free[PAGES_MAX]; /* before the bitmap was cleaned for the last time while the guest ran */
	bool dirty[PAGES_MAX];
	uint8_t page[PAGES_MAX][PAGE_BYTES];
};

struct target_model {
	struct rebuilder *rebuilder;
	uint8_t batch[BATCH_MAX], record[XEN_PAGE_RECORD_MAX];
	size_t batch_length;
	uint8_t page[PAGES_MAX][PAGE_BYTES];
	uint8_t type[PAGES_MAX];
};

struct totals {
	uint64_t histories, steps, left_out, tables;
	struct batch_counts sent;
};

static struct guest_model guest;
static struct target_model target;
static enum variant variant;
static bool kernel_is_known, scrub, sweeping;
static uint8_t pool[POOL_PAGES][PAGE_BYTES];
static struct totals totals;

static uint64_t frame_of(uint32_t page)
{
	return page < guest.pages / 2 ? page : page + HOLE_FRAMES;
}

static uint32_t page_of(uint64_t frame)
{
	return (uint32_t)(frame < HOLE_FRAMES ? frame : frame - HOLE_FRAMES);
}

static bool one_in(uint32_t count)
{
	return random_below(&guest.random, count) == 0;
}

/* --- The guest --- */

static void write_page(uint32_t page)
{
	guest.dirty[page] = true;
	uint8_t *content = guest.page[page];
	memcpy(content, pool[random_below(&guest.random, POOL_PAGES)], PAGE_BYTES);
	if (!one_in(4)) { /* unlike any other */
		uint64_t stamp = random_u64(&guest.random);
		memcpy(content + random_below(&guest.random, PAGE_WORDS) * 8, &stamp, sizeof(stamp));
	}
}

static void rewrite_part(uint32_t page)
{
	uint32_t bytes = 1 + random_below(&guest.random, 256), at = random_below(&guest.random, PAGE_BYTES - bytes);
	guest.dirty[page] = true;
	memset(guest.page[page] + at, (int)random_below(&guest.random, 256), bytes);
}

static void copy_page(uint32_t page)
{
	guest.dirty[page] = true;
	memmove(guest.page[page], guest.page[random_below(&guest.random, guest.pages)], PAGE_BYTES);
}

static void free_page(uint32_t page)
{
	guest.state[page] = FREE;
	guest.dirty[page] |= guest.on_free != LEAVES;
	if (guest.on_free != LEAVES)
		page_fill(guest.page[page], guest.on_free == POISONS ? POISON : 0);
}

static void make_table(uint32_t page)
{
	bool before = guest.dirty[page];
	write_page(page);
	guest.state[page] = TABLE;
	guest.dirty[page] = variant == TABLES_UNMARKED ? before : true;
}

/* Entries are written; in the end it is a page like others, which counts as written, too. */
static void use_table(uint32_t page)
{
	rewrite_part(page);
	if (!one_in(3))
		free_page(page);
}

static void allocate_page(uint32_t page)
{
	if (guest.paravirtual && one_in(4)) {
		make_table(page);
		return;
	}
	guest.state[page] = IN_USE;
	bool may_leave = guest.careless || guest.on_free == ZEROES; /* a page that is known to be zero needs no clearing */
	if (!may_leave || one_in(2))
		write_page(page);
}

/* Back to Xen, which forgets that the page was written (older releases do not). */
static void give_away(uint32_t page)
{
	guest.state[page] = BALLOONED;
	guest.dirty[page] &= one_in(2);
}

/* Xen gives a fresh page, which counts as written. */
static void take_back(uint32_t page)
{
	memset(guest.page[page], 0, PAGE_BYTES);
	guest.dirty[page] = true;
	free_page(page);
}

static void use_page(uint32_t page)
{
	switch (random_below(&guest.random, 8)) {
	case 0: case 1:
		write_page(page);
		break;
	case 2: case 3:
		rewrite_part(page);
		break;
	case 4:
		copy_page(page);
		break;
	default:
		free_page(page);
	}
}

static void step(void)
{
	uint32_t page = random_below(&guest.random, guest.pages);
	if (guest.suspended)
		return;
	totals.steps++;
	if (guest.state[page] == IN_USE)
		use_page(page);
	else if (guest.state[page] == TABLE)
		use_table(page);
	else if (guest.state[page] == BALLOONED)
		take_back(page);
	else if (kernel_is_known && one_in(8))
		give_away(page);
	else
		allocate_page(page);
}

/* Now and then the guest gets on with its work. */
static void steps_meanwhile(uint32_t most)
{
	if (one_in(3))
		for (uint32_t i = random_below(&guest.random, most + 1); i; i--)
			step();
}

static void boot(uint64_t seed)
{
	guest = (struct guest_model){ .random = { .state = seed } };
	guest.pages = 16 + random_below(&guest.random, PAGES_MAX - 15);
	guest.on_free = (enum on_free)random_below(&guest.random, ON_FREES);
	guest.careless = guest.on_free == LEAVES && variant != NO_SWEEP && variant != CLASSIFIED_EARLIER && one_in(2);
	guest.paravirtual = one_in(3);
	for (uint32_t page = 0; page < guest.pages; page++) {
		write_page(page);
		if (one_in(2))
			free_page(page);
		else if (guest.paravirtual && one_in(4))
			make_table(page);
		guest.dirty[page] = false;
	}
}

/* --- What `send` asks for --- */

bool __wrap_explorer_is_free(const struct explorer *explorer, uint64_t frame);
enum page_class __wrap_explorer_class(const struct explorer *explorer, uint64_t frame);
bool __wrap_explorer_refresh(struct explorer *explorer);
bool __wrap_xen_domain_info(struct xen *xen, uint32_t domid, struct xen_domain *domain, struct error *err);
const uint8_t *__wrap_guest_map(struct guest *mapped, const uint64_t *frames, size_t count, bool *failed);
bool __wrap_guest_find_machine_tables(struct guest *asked, const uint64_t *frames, size_t count, bool *is_table, struct error *err);
void __wrap_guest_unmap(struct guest *mapped, const uint8_t *mapping, size_t count);
uint64_t __wrap_guest_frames(const struct guest *mapped);
struct outbox_meter __wrap_outbox_meter(struct outbox *outbox);
uint64_t __wrap_sender_link_bytes(const struct sender *sender);
bool __wrap_sender_put(struct sender *sender, enum link_type type, const struct pieces *content, struct error *err);

bool __wrap_explorer_is_free(const struct explorer *explorer, uint64_t frame)
{
	(void)explorer;
	steps_meanwhile(3);
	uint32_t page = page_of(frame);
	if (sweeping ? !kernel_is_known : variant == FOOLED)
		return one_in(2);
	return variant == CLASSIFIED_EARLIER || variant == SWEPT_EARLIER ? guest.was_free[page] : guest.state[page] == FREE;
}

enum page_class __wrap_explorer_class(const struct explorer *explorer, uint64_t frame)
{
	static const enum page_class classes[] = { [IN_USE] = PAGE_ANON, [FREE] = PAGE_FREE, [BALLOONED] = PAGE_OFFLINE, [TABLE] = PAGE_TABLE };
	(void)explorer;
	return classes[guest.state[page_of(frame)]];
}

bool __wrap_explorer_refresh(struct explorer *explorer)
{
	(void)explorer;
	return kernel_is_known;
}

bool __wrap_xen_domain_info(struct xen *xen, uint32_t domid, struct xen_domain *domain, struct error *err)
{
	(void)xen;
	(void)err;
	*domain = (struct xen_domain){ .domid = domid, .state = guest.suspended ? XEN_SUSPENDED : XEN_RUNNING };
	return true;
}

const uint8_t *__wrap_guest_map(struct guest *mapped, const uint64_t *frames, size_t count, bool *failed)
{
	(void)mapped;
	(void)failed;
	uint32_t page = page_of(frames[0]);
	CHECK(count == 1 && page < guest.pages && guest.suspended, "only the sweep reads the guest");
	CHECK(guest.state[page] != TABLE, "a page table would be sent as it is");
	return guest.state[page] == BALLOONED ? NULL : guest.page[page];
}

bool __wrap_guest_find_machine_tables(struct guest *asked, const uint64_t *frames, size_t count, bool *is_table, struct error *err)
{
	(void)asked;
	(void)err;
	for (size_t i = 0; i < count; i++)
		is_table[i] = guest.state[page_of(frames[i])] == TABLE;
	return true;
}

void __wrap_guest_unmap(struct guest *mapped, const uint8_t *mapping, size_t count)
{
	(void)mapped;
	(void)mapping;
	(void)count;
}

uint64_t __wrap_guest_frames(const struct guest *mapped)
{
	(void)mapped;
	return guest.pages + HOLE_FRAMES;
}

struct outbox_meter __wrap_outbox_meter(struct outbox *outbox)
{
	(void)outbox;
	return (struct outbox_meter){ 0 };
}

uint64_t __wrap_sender_link_bytes(const struct sender *sender)
{
	(void)sender;
	return 0;
}

/* --- The target --- */

static void take_record(const uint8_t *record)
{
	uint32_t count = le32_load(record + 8);
	const uint8_t *content = record + 16 + count * 8;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t entry = le64_load(record + 16 + i * 8);
		uint32_t page = page_of(xen_entry_frame(entry));
		CHECK(page < guest.pages);
		target.type[page] = xen_entry_type(entry);
		if (!xen_type_has_data(xen_entry_type(entry)))
			continue;
		memcpy(target.page[page], content, PAGE_BYTES);
		content += PAGE_BYTES;
	}
}

bool __wrap_sender_put(struct sender *sender, enum link_type type, const struct pieces *content, struct error *err)
{
	size_t record_length;
	(void)sender;
	CHECK(content->length <= LINK_FRAME_MAX && target.batch_length + content->length <= BATCH_MAX);
	pieces_copy(content, target.batch + target.batch_length);
	target.batch_length += content->length;
	if (type == LINK_BATCH_PART)
		return true;
	CHECK(rebuild_together(target.rebuilder, target.batch, target.batch_length, target.record, &record_length, NULL, NULL, err),
		"%s", err->message);
	target.batch_length = 0;
	take_record(target.record);
	return true;
}

/* --- libxc and `send` --- */

static struct sender *sender_new(void)
{
	static struct job job;
	static const uint32_t caches[] = { 0, 0, 4, 8, 32, 64, 256 };
	static uint64_t left_out[(PAGES_MAX + HOLE_FRAMES) / 64 + 1];
	static uint8_t swept_pages[BATCH_ENTRIES_MAX * PAGE_BYTES];
	static struct sender sender;
	static uint64_t stand_in; /* never looked into */
	uint32_t cache = caches[random_below(&guest.random, sizeof(caches) / sizeof(caches[0]))];
	sender = (struct sender){ .job = &job, .lines = sender.lines, .swept_pages = swept_pages, .guest = (struct guest *)&stand_in, .xen = (struct xen *)&stand_in };
	if (!sender.lines)
		sender.lines = open("/dev/null", O_WRONLY);
	if (!one_in(20)) {
		sender.explorer = (struct explorer *)&stand_in;
		sender.left_out = left_out;
		sender.left_out_frames = guest_frames(sender.guest);
		memset(left_out, 0, sizeof(left_out));
	}
	kernel_is_known = !one_in(20);
	scrub = !one_in(3);
	sweeping = false;
	sender.batch = batch_new(cache, 1);
	target.rebuilder = rebuilder_new(cache, scrub);
	target.batch_length = 0;
	memset(target.page, 0xd5, sizeof(target.page)); /* what its machine's memory held before */
	CHECK(sender.batch && target.rebuilder && sender.lines > 0);
	return &sender;
}

/* One in eight histories has zstd, whose contexts take most of the time of those. */
static struct page_encoding any_encoding(bool costly)
{
	unsigned cheap[] = { 0, 1, 1, 2 }; /* raw, run-length, lz4 */
	struct page_encoding encoding = encoder_choices[costly ? random_below(&guest.random, ENCODER_CHOICES) : cheap[random_below(&guest.random, 4)]];
	encoding.without_cache = one_in(4);
	return encoding;
}

static void convert(uint8_t *table)
{
	for (size_t i = 0; i < PAGE_BYTES; i++)
		table[i] ^= MACHINE_BITS;
}

/* Any level, pinned or not. */
static uint8_t any_table_type(void)
{
	return (uint8_t)(1 + random_below(&guest.random, 4) + 8 * random_below(&guest.random, 2));
}

/* As libxc does it: the type, then the page. */
static uint64_t read_page(uint32_t page, uint8_t *to)
{
	if (guest.state[page] == BALLOONED)
		return xen_entry(XEN_TYPE_XTAB, frame_of(page));
	uint8_t type = guest.state[page] == TABLE ? any_table_type() : XEN_TYPE_NORMAL;
	memcpy(to, guest.page[page], PAGE_BYTES / 2);
	if (one_in(20))
		step();
	memcpy(to + PAGE_BYTES / 2, guest.page[page] + PAGE_BYTES / 2, PAGE_BYTES / 2);
	if (type != XEN_TYPE_NORMAL)
		convert(to);
	return xen_entry(type, frame_of(page));
}

/* All of it is read by libxc before any of it is sent; its parts are looked at one after the other. */
static bool pass_record(struct sender *sender, const uint32_t *pages, uint32_t count, struct error *err)
{
	static uint8_t content[PAGES_MAX * PAGE_BYTES];
	uint64_t entries[PAGES_MAX];
	uint32_t data_pages = 0, part_entries = one_in(2) ? count : 1 + random_below(&guest.random, count);
	for (uint32_t i = 0; i < count; i++) {
		entries[i] = read_page(pages[i], content + data_pages * PAGE_BYTES);
		data_pages += xen_type_has_data(xen_entry_type(entries[i]));
	}
	struct xen_page_record part = { .record_count = count, .entries = entries, .pages = content };
	for (; part.first < count; part.first += part.count) {
		part.entries = entries + part.first;
		part.pages += part.data_pages * PAGE_BYTES;
		part.count = count - part.first < part_entries ? count - part.first : part_entries;
		part.data_pages = 0;
		for (uint32_t i = 0; i < part.count; i++)
			part.data_pages += xen_type_has_data(xen_entry_type(part.entries[i]));
		steps_meanwhile(10);
		if (!sender_encode_page_data(sender, &part, err))
			return false;
	}
	return true;
}

/* Reads and cleans the bitmap, then sends what it says; all pages in the first round. */
static bool pass_round(struct sender *sender, bool first, uint32_t per_record, bool switching, bool costly, struct error *err)
{
	uint32_t pages[PAGES_MAX], count = 0;
	for (uint32_t page = 0; page < guest.pages && !guest.suspended; page++)
		guest.was_free[page] = guest.state[page] == FREE;
	steps_meanwhile(10);
	for (uint32_t page = 0; page < guest.pages; page++) {
		if (first || guest.dirty[page])
			pages[count++] = page;
		guest.dirty[page] = false;
	}
	for (uint32_t at = 0; at < count; at += per_record) {
		steps_meanwhile(10);
		if (switching)
			sender->encoding = any_encoding(costly);
		if (!pass_record(sender, pages + at, count - at < per_record ? count - at : per_record, err))
			return false;
	}
	return true;
}

static bool migrate(struct sender *sender, struct error *err)
{
	uint32_t per_record = 1 + random_below(&guest.random, 24), rounds = 1 + random_below(&guest.random, 4);
	bool switching = one_in(4), costly = one_in(8);
	sender->encoding = any_encoding(costly);
	for (uint32_t round = 0; round < rounds; round++) {
		if (!pass_round(sender, round == 0, per_record, switching, costly, err))
			return false;
		for (uint32_t i = random_below(&guest.random, 30); i; i--)
			step();
	}
	guest.suspended = true;
	if (!pass_round(sender, false, per_record, switching, costly, err))
		return false;
	sweeping = variant != NO_SWEEP && variant != CLASSIFIED_EARLIER;
	return !sweeping || sender_before_record(sender, XEN_RECORD_END, 0, err);
}

/* --- The verdict --- */

static bool is_left_out(const struct sender *sender, uint32_t page)
{
	return sender->left_out && (sender->left_out[frame_of(page) / 64] >> (frame_of(page) % 64) & 1);
}

/* In use, or free and such that the kernel relies on what it holds. */
static bool matters(uint32_t page)
{
	return guest.state[page] == IN_USE || guest.state[page] == TABLE
		|| (guest.state[page] == FREE && guest.on_free != LEAVES);
}

static bool has_arrived(uint32_t page)
{
	uint8_t expected[PAGE_BYTES];
	bool table = guest.state[page] == TABLE, arrived_as_table = target.type[page] != XEN_TYPE_NORMAL && xen_type_has_data(target.type[page]);
	memcpy(expected, guest.page[page], PAGE_BYTES);
	if (table)
		convert(expected);
	totals.tables += table;
	return table == arrived_as_table && memcmp(expected, target.page[page], PAGE_BYTES) == 0;
}

/* The number of pages that the target has lost. */
static uint32_t count_lost(const struct sender *sender)
{
	static const uint8_t zeros[PAGE_BYTES];
	uint32_t lost = 0;
	for (uint32_t page = 0; page < guest.pages; page++) {
		lost += matters(page) && !has_arrived(page);
		totals.left_out += is_left_out(sender, page);
		if (scrub && is_left_out(sender, page))
			CHECK(memcmp(target.page[page], zeros, PAGE_BYTES) == 0, "page %u was left out and is not zero", page);
	}
	return lost;
}

static void add_totals(struct sender *sender)
{
	totals.histories++;
	totals.sent.left_out += atomic_load(&sender->left_out_pages);
	totals.sent.constant += atomic_load(&sender->constant);
	totals.sent.encoded += atomic_load(&sender->encoded);
	totals.sent.raw += atomic_load(&sender->raw);
	totals.sent.delta += atomic_load(&sender->delta);
	totals.sent.reference += atomic_load(&sender->reference);
}

/* The number of pages that the target has lost, or REFUSED. */
static uint32_t lost_in_history(uint64_t seed)
{
	struct error err = { 0 };
	boot(seed);
	struct sender *sender = sender_new();
	bool done = migrate(sender, &err), refused = !done && variant == TABLES_UNMARKED && strcmp(err.code, ERR_GUEST_STATE) == 0;
	CHECK(done || refused, "history %" PRIu64 ": %s", seed, err.message);
	uint32_t lost = done ? count_lost(sender) : REFUSED;
	add_totals(sender);
	batch_free(sender->batch);
	rebuilder_free(target.rebuilder);
	return lost;
}

static void nothing_is_ever_lost(uint64_t histories)
{
	for (uint64_t seed = 1; seed <= histories; seed++) {
		variant = seed % 4 ? AS_IT_IS : seed % 8 ? NO_SWEEP : FOOLED;
		uint32_t lost = lost_in_history(seed);
		CHECK(lost == 0, "history %" PRIu64 ", variant %d, lost %u pages", seed, (int)variant, lost);
	}
	CHECK(totals.sent.left_out && totals.sent.constant && totals.sent.encoded && totals.sent.raw && totals.sent.delta
		&& totals.sent.reference && totals.left_out && totals.tables);
}

/* A wrong order is found out: how many histories that took. */
static uint64_t is_found_out(enum variant wrong)
{
	variant = wrong;
	uint64_t seed = 1;
	while (seed <= CONTROL_RUN && !lost_in_history(seed))
		seed++;
	CHECK(seed <= CONTROL_RUN, "variant %d lost nothing in %u histories", (int)wrong, CONTROL_RUN);
	return seed;
}

/* How many histories it took until the sweep met a page table that libxc had not sent, and refused. */
static uint64_t is_refused(void)
{
	variant = TABLES_UNMARKED;
	uint64_t seed = 1;
	while (seed <= CONTROL_RUN && lost_in_history(seed) != REFUSED)
		seed++;
	CHECK(seed <= CONTROL_RUN, "nothing was refused in %u histories", CONTROL_RUN);
	return seed;
}

int main(int argc, char **argv)
{
	uint64_t histories = argc > 1 ? strtoull(argv[1], NULL, 10) : SHORT_RUN, began = clock_ns();
	struct random random = { .state = 1 };
	for (unsigned i = 0; i < POOL_PAGES; i++)
		fill_page(&random, (enum page_kind)(i % KINDS), pool[i]);
	nothing_is_ever_lost(histories);
	const struct batch_counts *sent = &totals.sent;
	printf("%" PRIu64 " histories of %" PRIu64 " steps on average in %.1f s: nothing lost; pages left out %" PRIu64 ", constant %" PRIu64
		", encoded %" PRIu64 ", raw %" PRIu64 ", difference %" PRIu64 ", reference %" PRIu64 "\n", totals.histories,
		totals.steps / totals.histories, (double)(clock_ns() - began) / 1e9, sent->left_out, sent->constant, sent->encoded,
		sent->raw, sent->delta, sent->reference);
	printf("classified before the bitmap was cleaned: data lost in history %" PRIu64, is_found_out(CLASSIFIED_EARLIER));
	printf("; swept by that map, too: in history %" PRIu64 "\n", is_found_out(SWEPT_EARLIER));
	printf("page tables that Xen did not mark as written: refused in history %" PRIu64 "\n", is_refused());
	CHECKS_PASSED();
	return 0;
}
