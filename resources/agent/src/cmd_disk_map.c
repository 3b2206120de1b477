/* cmd_disk_map.c - `disk-map`: what each block of a disk is, as one binary frame on stdout, and what was found on it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "crc32c.h"
#include "disk_explore.h"
#include "io.h"
#include "json.h"
#include "map_frame.h"
#include "options.h"

#define PIECE_BYTES 65536u /* written at once */

static const char *const state_names[] = {
	[VOLUME_UNKNOWN] = "unknown", [VOLUME_CLEAN] = "clean", [VOLUME_REPLAYED] = "replayed", [VOLUME_DOUBTFUL] = "doubtful",
};

/* --- The list of what was found --- */

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static void describe_volume(struct json *json, const struct volume *volume)
{
	json_open_object(json, NULL);
	json_string(json, "name", volume->name);
	json_string(json, "kind", volume->kind);
	json_string(json, "uuid", text_or_null(volume->uuid));
	json_u64(json, "offset", volume->offset);
	json_u64(json, "bytes", volume->bytes);
	json_string(json, "state", state_names[volume->state]);
	json_u64(json, "freeBytes", volume->free_bytes);
	json_u64(json, "doubtfulBytes", volume->doubtful_bytes);
	json_string(json, "note", text_or_null(volume->note));
	json_close_object(json);
}

static void describe(const struct disk *disk, const struct disk_exploration *exploration, uint64_t ns, int fd)
{
	struct json json;
	uint64_t counts[DISK_CLASSES];
	block_map_count(exploration->map, counts);
	json_start(&json, "diskMap");
	json_u64(&json, "bytes", disk_bytes(disk));
	json_u64(&json, "blocks", block_map_blocks(exploration->map));
	json_bool(&json, "direct", disk_is_direct(disk));
	json_ms(&json, "ms", ns);
	json_string(&json, "table", exploration->table);
	json_bool(&json, "tableFromBackup", exploration->table_from_backup);
	json_open_array(&json, "counts");
	for (int class = 0; class < DISK_CLASSES; class++)
		json_u64(&json, NULL, counts[class]);
	json_close_array(&json);
	json_open_array(&json, "volumes");
	for (size_t i = 0; i < exploration->count; i++)
		describe_volume(&json, &exploration->volumes[i]);
	json_close_array(&json);
	json_write(&json, fd);
}

/* --- The frame --- */

/* Runs are put together twice, once for length and checksum, once to be written: a map of many runs is larger than its
 * half bytes, and must not be held beside them. */
struct payload {
	const struct block_map *map;
	uint64_t next, length;
	uint32_t crc;
};

/* Fills `out` (PIECE_BYTES); 0: no more. */
static size_t next_piece(struct payload *payload, uint8_t *out)
{
	size_t length = 0;
	uint64_t blocks = block_map_blocks(payload->map);
	while (payload->next < blocks && length <= PIECE_BYTES - MAP_FRAME_RUN_BYTES) {
		uint64_t end = block_map_run_end(payload->map, payload->next);
		length += map_frame_run(out + length, end - payload->next, (uint8_t)block_map_get(payload->map, payload->next));
		payload->next = end;
	}
	payload->crc = crc32c(payload->crc, out, length);
	payload->length += length;
	return length;
}

static bool write_frame(const struct block_map *map, struct error *err)
{
	static uint8_t piece[PIECE_BYTES];
	struct map_stamp stamp = {.ns = clock_ns(), .frames = block_map_blocks(map)};
	struct payload all = {.map = map}, again = {.map = map};
	while (next_piece(&all, piece))
		;
	if (all.length > UINT32_MAX)
		return error_set(err, ERR_NOT_SUPPORTED, "", "the disk's map is too large for one frame");
	size_t length = map_frame_snapshot_header(piece, &stamp, (uint32_t)all.length, all.crc);
	do
		if (!io_write_all(STDOUT_FILENO, piece, length))
			return error_errno(err, "cannot write the map");
	while ((length = next_piece(&again, piece)) != 0);
	return true;
}

static bool look(const char *path, bool only_json, struct error *err)
{
	struct disk *disk = disk_open(path, err);
	uint64_t start = clock_ns();
	struct disk_exploration *exploration = disk ? disk_explore(disk, err) : NULL;
	if (exploration)
		describe(disk, exploration, clock_ns() - start, only_json ? STDOUT_FILENO : STDERR_FILENO);
	bool good = exploration && (only_json || write_frame(exploration->map, err));
	disk_exploration_free(exploration);
	disk_close(disk);
	return good;
}

int cmd_disk_map(int argc, char **argv)
{
	bool only_json = false;
	struct option options[] = {{.name = "--json", .kind = OPTION_FLAG, .value = &only_json, .flag_value = true}};
	const char *path = NULL;
	size_t count = 0;
	struct error err = {0};
	bool understood = options_parse(options, 1, argc, argv, &path, 1, &count, &err)
		&& (count || error_set(&err, ERR_USAGE, "", "disk-map takes the path of a disk"));
	bool good = understood && look(path, only_json, &err);
	if (!good)
		json_write_error(&err, only_json ? STDOUT_FILENO : STDERR_FILENO);
	return good ? 0 : understood ? 1 : 2;
}
