/* cmd_map.c - `map`: what each page frame of a guest is, as binary frames on stdout. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "encode.h"
#include "explore.h"
#include "guest_choice.h"
#include "io.h"
#include "json.h"
#include "map_frame.h"
#include "written.h"

#define LOOK_BATCH 1024u           /* frames mapped at once */
#define LOOK_SLICE LOOK_BATCH      /* frames between two looks at the clock: contents take long to sum under emulation */
#define LOOK_SHARE_OF_INTERVAL 5u  /* at most a fifth of the time goes into looking at contents */

/* What is known of a frame's content, one byte each. */
#define CONTENT_ZERO 1u
#define CONTENT_ABSENT 2u          /* the guest has no page there */

struct shares {
	uint64_t present, used_mixed, free_mixed, rle_bytes;
};

struct map {
	struct guest_choice choice;
	uint64_t every_ms;
	bool with_shares, with_written;

	struct guest *guest;
	struct explorer *explorer;
	uint64_t frames;
	uint8_t *classes, *before, *content, *frame;
	uint64_t next_look;            /* contents are looked at in turn, from here on */
	uint64_t sweep_started_ns, sweep_ms;
	struct written *written;       /* NULL: not asked for, or the first map is not out yet */
	struct shares shares;
	struct map_stamp stamp;
};

/* --- Contents --- */

static bool is_used(uint8_t class)
{
	return class != PAGE_FREE && class != PAGE_OFFLINE && class != PAGE_RESERVED && class != PAGE_UNKNOWN;
}

static void count_share(struct map *map, uint8_t class, const uint8_t *page, bool constant)
{
	map->shares.present++;
	if (constant)
		return;
	if (class == PAGE_FREE) {
		map->shares.free_mixed++;
		return;
	}
	size_t coded = rle_size(page);
	map->shares.used_mixed++;
	map->shares.rle_bytes += coded < PAGE_BYTES ? coded : PAGE_BYTES;
}

static void look_at_batch(struct map *map, uint64_t first, size_t count)
{
	bool failed[LOOK_BATCH], wanted = map->with_shares;
	for (size_t i = 0; i < count && !wanted; i++)
		wanted = is_used(map->classes[first + i]);
	if (!wanted)
		return;
	const uint8_t *bytes = guest_map_range(map->guest, first, count, failed);
	for (size_t i = 0; i < count; i++) {
		uint64_t word = 1;
		bool there = bytes && !failed[i];
		bool constant = there && page_is_constant(bytes + i * PAGE_BYTES, &word);
		map->content[first + i] = !there ? CONTENT_ABSENT : constant && word == 0 ? CONTENT_ZERO : 0;
		if (there && map->written && is_used(map->classes[first + i]))
			written_note(map->written, first + i, bytes + i * PAGE_BYTES);
		if (there && map->with_shares)
			count_share(map, map->classes[first + i], bytes + i * PAGE_BYTES, constant);
	}
	guest_unmap(map->guest, bytes, count);
}

/* Frames [first, end). Holes of a RAM file are zero, and must not be touched. */
static void look_at_contents(struct map *map, uint64_t first, uint64_t end)
{
	while (first < end) {
		uint64_t data = guest_next_data(map->guest, first);
		uint64_t hole_end = data < end ? data : end;
		memset(map->content + first, CONTENT_ZERO, hole_end - first);
		map->shares.present += hole_end - first;
		if (hole_end == end)
			return;
		uint64_t run = guest_data_end(map->guest, data);
		for (run = run < end ? run : end; data < run;) {
			size_t count = run - data < LOOK_BATCH ? (size_t)(run - data) : LOOK_BATCH;
			look_at_batch(map, data, count);
			data += count;
		}
		first = data;
	}
}

static void end_sweep(struct map *map)
{
	uint64_t now = clock_ns();
	map->sweep_ms = (now - map->sweep_started_ns) / 1000000;
	map->sweep_started_ns = now;
}

/* All of memory once, then as much of it in turn as the interval allows. */
static void look_in_turn(struct map *map)
{
	uint64_t now = clock_ns(), budget = map->every_ms * UINT64_C(1000000) / LOOK_SHARE_OF_INTERVAL, due = now + budget;
	if (map->written) {
		written_next_turn(map->written);
		written_look_again(map->written, now + budget / 2);
	}
	for (uint64_t looked = 0; looked < map->frames && clock_ns() < due; looked += LOOK_SLICE) {
		uint64_t left = map->frames - map->next_look, count = left < LOOK_SLICE ? left : LOOK_SLICE;
		look_at_contents(map, map->next_look, map->next_look + count);
		map->next_look = (map->next_look + count) % map->frames;
		if (map->next_look == 0)
			end_sweep(map);
	}
}

static void apply_contents(struct map *map)
{
	for (uint64_t i = 0; i < map->frames; i++) {
		if (!map->content[i] || !is_used(map->classes[i]))
			continue;
		map->classes[i] = map->content[i] == CONTENT_ABSENT ? PAGE_UNKNOWN : PAGE_ZERO;
	}
}

/* --- Opening --- */

static bool parse_arguments(struct map *map, int argc, char **argv, struct error *err)
{
	struct option options[] = {
		GUEST_CHOICE_OPTIONS(&map->choice),
		{.name = "--every", .kind = OPTION_NUMBER, .value = &map->every_ms, .minimum = 50, .maximum = 60000},
		{.name = "--shares", .kind = OPTION_FLAG, .value = &map->with_shares, .flag_value = true},
		{.name = "--written", .kind = OPTION_FLAG, .value = &map->with_written, .flag_value = true},
	};
	const char *operand = NULL;
	size_t operands = 0;
	return options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv, &operand, 1, &operands, err)
		&& guest_choice_take(&map->choice, operand, err);
}

static bool open_map(struct map *map, struct error *err)
{
	if (!guest_choice_open(&map->choice, err))
		return false;
	map->guest = map->choice.guest;
	map->explorer = explorer_open(map->guest, err);
	if (!map->explorer)
		return false;
	map->frames = map->stamp.frames = guest_frames(map->guest);
	map->classes = malloc(map->frames);
	map->before = malloc(map->frames);
	map->content = calloc(map->frames, 1);
	map->frame = malloc(map_frame_bound(map->frames));
	return (map->classes && map->before && map->content && map->frame)
		|| error_set(err, ERR_SYSTEM, "", "out of memory");
}

static void close_map(struct map *map)
{
	free(map->frame);
	free(map->content);
	free(map->before);
	free(map->classes);
	written_free(map->written);
	explorer_close(map->explorer);
	guest_choice_close(&map->choice);
}

/* --- Reporting --- */

static void describe(const struct map *map)
{
	uint64_t counts[PAGE_CLASSES] = {0};
	for (uint64_t i = 0; i < map->frames; i++)
		counts[map->classes[i]]++;
	struct json json;
	json_start(&json, "map");
	json_string(&json, "kernel", explorer_kernel(map->explorer));
	json_u64(&json, "frames", map->frames);
	json_open_array(&json, "counts");
	for (int class = 0; class < PAGE_CLASSES; class++)
		json_u64(&json, NULL, counts[class]);
	json_close_array(&json);
	if (map->with_shares) {
		json_open_object(&json, "shares");
		json_fraction(&json, "usedMixed", map->shares.used_mixed, map->shares.present);
		json_fraction(&json, "usedMixedRle", map->shares.rle_bytes, map->shares.used_mixed * PAGE_BYTES);
		json_fraction(&json, "freeMixed", map->shares.free_mixed, map->shares.present);
		json_close_object(&json);
	}
	json_write(&json, STDERR_FILENO);
}

static bool write_frame(struct map *map, size_t length, struct error *err)
{
	return io_write_all(STDOUT_FILENO, map->frame, length) || error_errno(err, "cannot write the map");
}

static bool first_map(struct map *map, struct error *err)
{
	map->stamp.ns = clock_ns();
	explorer_classify(map->explorer, 0, map->frames, map->classes);
	look_at_contents(map, 0, map->frames);
	apply_contents(map);
	describe(map);
	map->with_shares = false; /* they are of the first map only */
	if (!write_frame(map, map_frame_snapshot(map->frame, &map->stamp, map->classes), err))
		return false;
	map->sweep_started_ns = clock_ns();
	map->written = map->with_written ? written_new(map->guest, map->frames, err) : NULL;
	return map->written || !map->with_written;
}

/* A guest that is gone must be let go at once: what we have mapped keeps its memory from being freed. */
static bool guest_is_there(struct map *map, struct error *err)
{
	struct xen_domain domain;
	if (map->choice.xen && (!xen_domain_info(map->choice.xen, map->choice.domid, &domain, err) || domain.state == XEN_DYING))
		return error_set(err, ERR_NO_DOMAIN, "", "the guest is not on this host any more");
	return explorer_refresh(map->explorer)
		|| error_set(err, ERR_NOT_UNDERSTOOD, "Start the map again.", "the guest has started another kernel");
}

static bool next_map(struct map *map, struct error *err)
{
	uint8_t *before = map->classes;
	map->classes = map->before;
	map->before = before;
	if (!guest_is_there(map, err))
		return false;
	map->stamp.sequence++;
	map->stamp.ns = clock_ns();
	explorer_classify(map->explorer, 0, map->frames, map->classes);
	look_in_turn(map);
	apply_contents(map);
	if (!write_frame(map, map_frame_delta(map->frame, &map->stamp, map->before, map->classes), err))
		return false;
	return !map->written
		|| write_frame(map, map_frame_written(map->frame, &map->stamp, written_found(map->written), map->sweep_ms), err);
}

int cmd_map(int argc, char **argv)
{
	static struct map map;
	struct error err = {0};
	bool understood = parse_arguments(&map, argc, argv, &err);
	bool good = understood && open_map(&map, &err) && first_map(&map, &err);
	while (good && map.every_ms && !io_wait_end(STDIN_FILENO, map.every_ms))
		good = next_map(&map, &err);
	if (!good)
		json_write_error(&err, STDERR_FILENO);
	close_map(&map);
	return good ? 0 : understood ? 1 : 2;
}
