/* p2m_test.c - if these fail, a PV guest's pages are taken from the wrong machine frames, or a hostile guest stops the agent. */
#include "p2m.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define MACHINE_FRAMES 4096u
#define SHARED_INFO 1u
#define NOWHERE (MACHINE_FRAMES + 7u) /* a frame that cannot be reached */
#define RAM_BASE UINT64_C(0x200000)   /* machine frames of the guest's RAM; only their numbers matter here */
#define ADDRESS (UINT64_C(0xffffc90000000000) + 510 * PAGE_BYTES) /* the third page has another page table */
#define FRAMES 1500u                  /* in the tables that are put up here */
#define LEAVES 3u
#define ENOUGH (UINT64_C(1) << 20)

enum { INFO_FRAMES = 3088, INFO_TREE = 3096, INFO_ROOT = 3112, INFO_ADDRESS = 3120, INFO_GENERATION = 3128 };

enum form { LIST, TREE };

/* The host's memory: a file, mapped frame by frame as the agent does it. */
static struct machine {
	int fd;
	uint8_t *bytes;
	struct guest *memory;
	uint64_t next;        /* frame that is not used yet */
	long mapped;          /* pages */
	unsigned maps;        /* since the count began */
	unsigned change_for;  /* so many mappings change the generation */
	uint64_t leaf[LEAVES];
} machine;

static uint64_t *words(uint64_t frame)
{
	return (uint64_t *)(void *)(machine.bytes + frame * PAGE_BYTES);
}

static uint64_t *info(unsigned offset)
{
	return words(SHARED_INFO) + offset / 8;
}

static const uint8_t *map(void *context, const uint64_t *frames, size_t count, bool *failed)
{
	(void)context;
	machine.maps++;
	if (machine.change_for) {
		machine.change_for--;
		*info(INFO_GENERATION) += 2;
	}
	const uint8_t *mapping = guest_map(machine.memory, frames, count, failed);
	machine.mapped += mapping ? (long)count : 0;
	return mapping;
}

static void unmap(void *context, const uint8_t *mapping, size_t count)
{
	(void)context;
	machine.mapped -= (long)count;
	guest_unmap(machine.memory, mapping, count);
}

static void machine_start(void)
{
	char path[32];
	machine.fd = memfd_create("machine", MFD_CLOEXEC);
	CHECK(machine.fd >= 0 && ftruncate(machine.fd, (off_t)MACHINE_FRAMES * PAGE_BYTES) == 0);
	machine.bytes = mmap(NULL, (size_t)MACHINE_FRAMES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, machine.fd, 0);
	CHECK(machine.bytes != MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", machine.fd);
	machine.memory = guest_open_file(path, 0, 0, NULL);
	CHECK(machine.memory);
}

static void machine_stop(void)
{
	guest_close(machine.memory);
	munmap(machine.bytes, (size_t)MACHINE_FRAMES * PAGE_BYTES);
	close(machine.fd);
}

static uint64_t new_frame(void)
{
	CHECK(machine.next < MACHINE_FRAMES);
	return machine.next++;
}

static uint64_t machine_frame(uint64_t frame)
{
	return RAM_BASE + frame * 7 % 2048; /* in no order */
}

/* The page-table entry for a page of the list, tables on the way made as needed. */
static uint64_t *list_entry(uint64_t address, unsigned level)
{
	uint64_t table = *info(INFO_ROOT) >> 12;
	for (unsigned at = 3;; at--) {
		uint64_t *entry = words(table) + (address >> (12 + 9 * at) & 511);
		if (at == level)
			return entry;
		if (!*entry)
			*entry = new_frame() << 12 | 0x67;
		table = *entry >> 12 & 0xffffffffff;
	}
}

static uint64_t *leaf_entry(enum form form, uint64_t index)
{
	if (form == LIST)
		return list_entry(ADDRESS + index * PAGE_BYTES, 0);
	uint64_t *middle = words(*info(INFO_TREE)) + index / 512;
	if (!*middle)
		*middle = new_frame();
	return words(*middle) + index % 512;
}

static void set_leaf(enum form form, uint64_t index, uint64_t frame)
{
	*leaf_entry(form, index) = form == LIST ? frame << 12 | UINT64_C(0x8000000000000067) : frame;
}

static uint64_t *entry_of(uint64_t frame)
{
	return words(machine.leaf[frame / 512]) + frame % 512;
}

/* A guest's table of FRAMES frames in one of the two forms; all of the machine's memory before is forgotten. */
static void put_table(enum form form)
{
	memset(machine.bytes, 0, (size_t)MACHINE_FRAMES * PAGE_BYTES);
	machine.next = SHARED_INFO + 1;
	machine.change_for = 0;
	*info(INFO_FRAMES) = FRAMES;
	*info(INFO_TREE) = form == TREE ? new_frame() : UINT64_MAX;
	*info(INFO_ROOT) = form == LIST ? new_frame() << 12 : 0;
	*info(INFO_ADDRESS) = form == LIST ? ADDRESS : 0x123; /* without meaning in a tree */
	*info(INFO_GENERATION) = form == LIST ? 6 : 7;
	for (uint64_t i = 0; i < LEAVES; i++)
		set_leaf(form, i, machine.leaf[i] = new_frame());
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		*entry_of(frame) = machine_frame(frame);
}

static struct p2m *try_open(uint64_t frames_max, struct error *err)
{
	const struct p2m_reader reader = {.map = map, .unmap = unmap};
	*err = (struct error){0};
	return p2m_open(&reader, SHARED_INFO, frames_max, err);
}

static struct p2m *open_table(void)
{
	struct error err;
	struct p2m *p2m = try_open(ENOUGH, &err);
	CHECK(p2m && !err.code, "%s", err.message);
	return p2m;
}

static void close_table(struct p2m *p2m)
{
	p2m_close(p2m);
	CHECK(machine.mapped == 0, "%ld pages stay mapped", machine.mapped);
}

static void is_refused(uint64_t frames_max, const char *what)
{
	struct error err;
	CHECK(!try_open(frames_max, &err), "%s", what);
	CHECK(err.code && strcmp(err.code, ERR_NOT_UNDERSTOOD) == 0, "%s: %s", what, err.message);
	CHECK(machine.mapped == 0, "%s: %ld pages stay mapped", what, machine.mapped);
}

static uint64_t look_up(struct p2m *p2m, uint64_t frame)
{
	uint64_t found;
	p2m_look_up(p2m, &frame, 1, &found);
	return found;
}

/* All frames but [hole, hole_end). */
static void expect_all(struct p2m *p2m, uint64_t hole, uint64_t hole_end)
{
	uint64_t frames[FRAMES], found[FRAMES];
	for (uint64_t i = 0; i < FRAMES; i++)
		frames[i] = i;
	p2m_look_up(p2m, frames, FRAMES, found);
	for (uint64_t i = 0; i < FRAMES; i++) {
		bool there = i < hole || i >= hole_end;
		CHECK(found[i] == (there ? machine_frame(i) : GUEST_NO_FRAME), "frame %llu", (unsigned long long)i);
	}
}

/* --- A guest that behaves --- */

static void every_frame_is_found(enum form form)
{
	put_table(form);
	struct p2m *p2m = open_table();
	CHECK(p2m_frames(p2m) == FRAMES);
	expect_all(p2m, 0, 0);
	CHECK(look_up(p2m, FRAMES) == GUEST_NO_FRAME, "in the last page of the table, but not of it");
	CHECK(look_up(p2m, ENOUGH) == GUEST_NO_FRAME && look_up(p2m, UINT64_MAX) == GUEST_NO_FRAME);
	close_table(p2m);
}

static void entries_are_read_as_they_are_now(enum form form)
{
	put_table(form);
	struct p2m *p2m = open_table();
	unsigned maps = machine.maps;
	*entry_of(700) = 0x4711;
	CHECK(look_up(p2m, 700) == 0x4711, "exchanged");
	const uint64_t not_ram[] = {UINT64_MAX, UINT64_C(1) << 63 | 5, UINT64_C(1) << 62 | 700, UINT64_C(1) << 40};
	for (size_t i = 0; i < sizeof(not_ram) / sizeof(not_ram[0]); i++) {
		*entry_of(700) = not_ram[i];
		CHECK(look_up(p2m, 700) == GUEST_NO_FRAME, "%#llx", (unsigned long long)not_ram[i]);
	}
	*entry_of(700) = (UINT64_C(1) << 40) - 1;
	CHECK(look_up(p2m, 700) == (UINT64_C(1) << 40) - 1);
	CHECK(machine.maps == maps, "no look costs a mapping");
	close_table(p2m);
}

static void holes_are_passed_by(enum form form)
{
	const uint64_t absent[] = {0, NOWHERE};
	for (size_t i = 0; i < 2; i++) {
		put_table(form);
		set_leaf(form, 1, absent[i]);
		if (!absent[i])
			*leaf_entry(form, 1) = 0;
		struct p2m *p2m = open_table();
		CHECK(p2m_frames(p2m) == FRAMES);
		expect_all(p2m, 512, 1024);
		close_table(p2m);
	}
	put_table(LIST);
	*list_entry(ADDRESS, 1) |= 0x80;
	struct p2m *p2m = open_table();
	expect_all(p2m, 0, 1024);
	close_table(p2m);
	put_table(LIST);
	*list_entry(ADDRESS, 0) |= 0x80; /* at the lowest level, the bit is no mark of a large page */
	p2m = open_table();
	expect_all(p2m, 0, 0);
	close_table(p2m);
}

/* As Linux does it: one page, and one page table full of it, stand for all the room there is. */
static void put_room(uint64_t frames, uint64_t room)
{
	uint64_t full_of_room = new_frame(), all = new_frame();
	for (unsigned i = 0; i < 512; i++) {
		words(full_of_room)[i] = room << 12 | 0x67;
		words(all)[i] = full_of_room << 12 | 0x67;
	}
	uint64_t end = ADDRESS + frames / 512 * PAGE_BYTES, at = ADDRESS + LEAVES * PAGE_BYTES;
	for (; at < end && at % 0x200000; at += PAGE_BYTES)
		*list_entry(at, 0) = room << 12 | 0x67;
	for (; at < end && at % 0x40000000; at += 0x200000)
		*list_entry(at, 1) = full_of_room << 12 | 0x67;
	for (; at < end; at += 0x40000000)
		*list_entry(at, 2) = all << 12 | 0x67;
	*info(INFO_FRAMES) = frames;
}

static void room_for_more_memory_is_cut_off(void)
{
	put_table(LIST);
	uint64_t room = new_frame(), plugged = new_frame();
	put_room(UINT64_C(1) << 27, room);
	for (uint64_t i = 0; i < 512; i++)
		words(room)[i] = UINT64_C(1) << 62 | i;
	struct p2m *p2m = open_table();
	CHECK(p2m_frames(p2m) == LEAVES * 512, "%llu", (unsigned long long)p2m_frames(p2m));
	expect_all(p2m, 0, 0);
	CHECK(look_up(p2m, LEAVES * 512) == GUEST_NO_FRAME);

	memcpy(words(plugged), words(machine.leaf[0]), PAGE_BYTES);
	set_leaf(LIST, LEAVES + 1, plugged);
	*info(INFO_GENERATION) += 2;
	CHECK(look_up(p2m, (LEAVES + 1) * 512 + 3) == machine_frame(3), "memory was plugged in");
	CHECK(look_up(p2m, LEAVES * 512 + 3) == GUEST_NO_FRAME, "before it is room");
	CHECK(p2m_frames(p2m) == (LEAVES + 2) * 512);
	close_table(p2m);
}

static void a_list_that_was_rearranged_is_mapped_anew(void)
{
	put_table(LIST);
	struct p2m *p2m = open_table();
	uint64_t moved = new_frame();
	memcpy(words(moved), words(machine.leaf[1]), PAGE_BYTES);
	memset(words(machine.leaf[1]), 0, PAGE_BYTES); /* it serves something else now */
	*info(INFO_GENERATION) += 1;
	CHECK(look_up(p2m, 600) == GUEST_NO_FRAME, "under way, and it does not end");
	unsigned maps = machine.maps;
	CHECK(look_up(p2m, 5) == GUEST_NO_FRAME && machine.maps == maps, "not waited for again");
	set_leaf(LIST, 1, moved);
	*info(INFO_GENERATION) += 1;
	expect_all(p2m, 0, 0);
	close_table(p2m);
}

static void a_change_during_the_reading_is_noticed(void)
{
	put_table(LIST);
	machine.change_for = 9; /* more mappings than one reading needs */
	struct p2m *p2m = open_table();
	expect_all(p2m, 0, 0);
	machine.change_for = 9;
	*info(INFO_GENERATION) += 2;
	expect_all(p2m, 0, 0);
	close_table(p2m);
}

/* --- The inverse --- */

static void frames_are_found_back(enum form form)
{
	put_table(form);
	struct p2m *p2m = open_table();
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		CHECK(p2m_find(p2m, machine_frame(frame)) == frame);
	CHECK(p2m_find(p2m, RAM_BASE - 1) == GUEST_NO_FRAME && p2m_find(p2m, GUEST_NO_FRAME) == GUEST_NO_FRAME);

	uint64_t kept = *entry_of(9);
	*entry_of(9) = 0x4711;
	CHECK(p2m_find(p2m, kept) == GUEST_NO_FRAME, "no answer that is not true any more");
	*entry_of(9) = kept;
	CHECK(p2m_find(p2m, kept) == 9);
	close_table(p2m);
}

/* --- A guest that does not --- */

static void impossible_tables_are_refused(enum form form)
{
	const uint64_t sizes[] = {0, form == LIST ? P2M_FRAMES_MAX + 1 : (UINT64_C(1) << 27) + 1, UINT64_MAX};
	for (size_t i = 0; i < 3; i++) {
		put_table(form);
		*info(INFO_FRAMES) = sizes[i];
		is_refused(UINT64_MAX, "size");
	}
	put_table(form);
	is_refused(1024, "larger than the guest may be");
	for (uint64_t i = 0; i < LEAVES; i++)
		*leaf_entry(form, i) = 0;
	is_refused(ENOUGH, "no page is there");
	for (uint64_t i = 0; i < LEAVES; i++)
		set_leaf(form, i, NOWHERE + i);
	is_refused(ENOUGH, "no page can be reached");
	for (uint64_t i = 0; i < LEAVES; i++)
		set_leaf(form, i, machine.leaf[0]);
	is_refused(ENOUGH, "all room");
}

static void impossible_places_are_refused(void)
{
	struct error err = {0};
	put_table(LIST);
	*info(INFO_ROOT) = (uint64_t)NOWHERE << 12;
	is_refused(ENOUGH, "the root cannot be reached");
	*info(INFO_ROOT) = UINT64_MAX;
	is_refused(ENOUGH, "the root is no frame");
	put_table(LIST);
	*info(INFO_ADDRESS) += 8;
	is_refused(ENOUGH, "not at a page");
	put_table(TREE);
	*info(INFO_TREE) = NOWHERE;
	is_refused(ENOUGH, "the top cannot be reached");
	*info(INFO_TREE) = 0;
	is_refused(ENOUGH, "nothing is published yet");
	*info(INFO_TREE) = UINT64_MAX;
	is_refused(ENOUGH, "nothing is published");
	const struct p2m_reader reader = {.map = map, .unmap = unmap};
	CHECK(!p2m_open(&reader, NOWHERE, ENOUGH, &err) && machine.mapped == 0, "no shared-info page");
}

/* Tables that contain themselves: the walk is as deep as ever, and ends at some page of the guest. */
static void loops_end(void)
{
	put_table(LIST);
	uint64_t root = *info(INFO_ROOT) >> 12;
	for (unsigned i = 0; i < 512; i++)
		words(root)[i] = root << 12 | 0x67;
	*info(INFO_FRAMES) = UINT64_C(1) << 27;
	is_refused(P2M_FRAMES_MAX, "one page for everything");
	*info(INFO_FRAMES) = 512;
	struct p2m *p2m = open_table();
	CHECK(look_up(p2m, 3) == (root << 12 | 0x67), "a number as good as any other");
	close_table(p2m);

	put_table(TREE);
	uint64_t top = *info(INFO_TREE);
	for (unsigned i = 0; i < 512; i++)
		words(top)[i] = i % 2 ? top : machine.leaf[0];
	*info(INFO_FRAMES) = UINT64_C(1) << 27;
	is_refused(ENOUGH, "a table that goes on and on");
}

static void a_table_that_never_settles_is_given_up(void)
{
	put_table(LIST);
	*info(INFO_GENERATION) = 5;
	is_refused(ENOUGH, "odd for ever");
	put_table(LIST);
	machine.change_for = 100000;
	is_refused(ENOUGH, "another one at each look");
	put_table(LIST);
	struct p2m *p2m = open_table();
	machine.change_for = 100000;
	*info(INFO_GENERATION) += 2;
	CHECK(look_up(p2m, 5) == GUEST_NO_FRAME && p2m_find(p2m, machine_frame(5)) == GUEST_NO_FRAME);
	machine.change_for = 0;
	close_table(p2m);
}

int main(void)
{
	machine_start();
	for (enum form form = LIST; form <= TREE; form++) {
		every_frame_is_found(form);
		entries_are_read_as_they_are_now(form);
		holes_are_passed_by(form);
		frames_are_found_back(form);
		impossible_tables_are_refused(form);
	}
	room_for_more_memory_is_cut_off();
	a_list_that_was_rearranged_is_mapped_anew();
	a_change_during_the_reading_is_noticed();
	impossible_places_are_refused();
	loops_end();
	a_table_that_never_settles_is_given_up();
	machine_stop();
	CHECKS_PASSED();
	return 0;
}
