#include "logical_volume.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"
#include "process.h"

#define TOOL_MS 60000u
#define OUTPUT_BYTES 1024u
#define NOT_FOUND 127 /* exit status of what could not be started */
#define EXTENT_BYTES_MAX (UINT64_C(1) << 40)
#define FOLDER "/dev/"
#define MAPPER "mapper/"

/* --- Names --- */

/* lvm(8), "VALID NAMES"; names that LVM keeps for itself it refuses itself. */
static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";
	return name[0] && name[0] != '-' && !name[strspn(name, allowed)] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool copy_name(char to[LOGICAL_VOLUME_NAME_BYTES], const char *name, size_t length)
{
	if (length >= LOGICAL_VOLUME_NAME_BYTES)
		return false;
	memcpy(to, name, length);
	to[length] = '\0';
	return is_name(to);
}

/* One name of device mapper's form, up to a single - or the end; NULL if it is none. */
static const char *take_mapper_name(const char *from, char to[LOGICAL_VOLUME_NAME_BYTES])
{
	size_t length = 0;
	while (*from && (from[0] != '-' || from[1] == '-') && length < LOGICAL_VOLUME_NAME_BYTES - 1) {
		to[length++] = *from;
		from += *from == '-' ? 2 : 1;
	}
	to[length] = '\0';
	return is_name(to) ? from : NULL;
}

static bool split_mapper(const char *rest, struct logical_volume *volume)
{
	rest = take_mapper_name(rest, volume->group);
	if (!rest || *rest != '-')
		return false;
	rest = take_mapper_name(rest + 1, volume->name);
	return rest && !*rest;
}

static bool split(const char *rest, struct logical_volume *volume)
{
	const char *slash = strchr(rest, '/');
	return slash && copy_name(volume->group, rest, (size_t)(slash - rest)) && copy_name(volume->name, slash + 1, strlen(slash + 1));
}

static bool is_mounted_over(const char *group)
{
	char path[sizeof(FOLDER) + LOGICAL_VOLUME_NAME_BYTES];
	struct stat folder, inside;
	snprintf(path, sizeof(path), FOLDER "%s", group);
	return stat(FOLDER, &folder) == 0 && stat(path, &inside) == 0 && inside.st_dev != folder.st_dev;
}

bool logical_volume_of_path(const char *path, struct logical_volume *volume)
{
	*volume = (struct logical_volume){0};
	if (strncmp(path, FOLDER, strlen(FOLDER)) != 0)
		return false;
	const char *rest = path + strlen(FOLDER);
	bool is_one = strncmp(rest, MAPPER, strlen(MAPPER)) == 0 ? split_mapper(rest + strlen(MAPPER), volume) : split(rest, volume);
	return is_one && !is_mounted_over(volume->group);
}

/* --- LVM's tools --- */

static bool run_tool(char *const argv[], unsigned pipe, char output[OUTPUT_BYTES], int *status, struct error *err)
{
	*status = process_run(argv, pipe, output, OUTPUT_BYTES, TOOL_MS, err);
	return *status != NOT_FOUND || error_set(err, ERR_NOT_SUPPORTED, "Install lvm2 there, or name a file.",
		"a logical volume cannot be made: there is no %s", argv[0]);
}

static bool parse_room(const char *output, uint64_t *free_bytes, uint64_t *extent_bytes)
{
	char first[32], second[32], more;
	return sscanf(output, " %31s %31s %c", first, second, &more) == 2 && parse_number(first, free_bytes)
		&& parse_number(second, extent_bytes) && *extent_bytes && *extent_bytes <= EXTENT_BYTES_MAX;
}

/* Bytes that the group can give are told in `free_bytes`. */
static bool ask_room(const struct logical_volume *volume, uint64_t *free_bytes, uint64_t *extent_bytes, struct error *err)
{
	char output[OUTPUT_BYTES];
	char *argv[] = {"vgs", "--noheadings", "--units", "b", "--nosuffix", "-o", "vg_free,vg_extent_size",
		(char *)(uintptr_t)volume->group, NULL};
	int status;
	if (!run_tool(argv, PROCESS_PIPE_OUT, output, &status, err))
		return false;
	if (status != 0)
		return error_set(err, ERR_USAGE, "Name a volume group that is there, or a file.",
			"there is no volume group %s (vgs: status %d)", volume->group, status);
	return parse_room(output, free_bytes, extent_bytes)
		|| error_set(err, ERR_SYSTEM, "", "vgs told nothing that makes sense of the volume group %s", volume->group);
}

static bool check_room(const struct logical_volume *volume, uint64_t *bytes, struct error *err)
{
	uint64_t free_bytes, extent_bytes;
	if (!ask_room(volume, &free_bytes, &extent_bytes, err))
		return false;
	*bytes = (*bytes + extent_bytes - 1) / extent_bytes * extent_bytes;
	return *bytes <= free_bytes || error_set(err, ERR_SYSTEM, "Make room there, or choose another volume group.",
		"the disk needs %llu MiB, and the volume group %s has %llu MiB free", (unsigned long long)(*bytes >> 20), volume->group,
		(unsigned long long)(free_bytes >> 20));
}

/* Zeroing and wiping need the device's node at once, which is not there where no udev makes it; all that matters is written anyway. */
static bool create(const struct logical_volume *volume, uint64_t bytes, struct error *err)
{
	char size[32], output[OUTPUT_BYTES];
	char *argv[] = {"lvcreate", "--yes", "--zero", "n", "--wipesignatures", "n", "--size", size, "--name",
		(char *)(uintptr_t)volume->name, (char *)(uintptr_t)volume->group, NULL};
	int status;
	snprintf(size, sizeof(size), "%llub", (unsigned long long)bytes);
	if (!run_tool(argv, PROCESS_PIPE_ERR, output, &status, err))
		return false;
	const char *words = output + strspn(output, " \n");
	return status == 0 || error_set(err, ERR_SYSTEM, "See what LVM says there.", "lvcreate made no %.60s/%.60s (status %d): %.120s",
		volume->group, volume->name, status, words);
}

/* What tells it from any other that gets its name later. */
static bool learn_uuid(struct logical_volume *volume, struct error *err)
{
	char output[OUTPUT_BYTES], path[2 * LOGICAL_VOLUME_NAME_BYTES];
	char *argv[] = {"lvs", "--noheadings", "-o", "lv_uuid", path, NULL};
	int status;
	snprintf(path, sizeof(path), "%s/%s", volume->group, volume->name);
	if (!run_tool(argv, PROCESS_PIPE_OUT, output, &status, err))
		return false;
	const char *uuid = output + strspn(output, " \n");
	size_t length = strspn(uuid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
	if (status != 0 || length != LOGICAL_VOLUME_UUID_BYTES - 1 || uuid[length + strspn(uuid + length, " \n")])
		return error_set(err, ERR_SYSTEM, "Remove it by hand.", "%.100s was made, but lvs does not tell of it", path);
	memcpy(volume->uuid, uuid, length);
	return true;
}

bool logical_volume_make(struct logical_volume *volume, uint64_t bytes, struct error *err)
{
	return check_room(volume, &bytes, err) && create(volume, bytes, err) && learn_uuid(volume, err);
}

bool logical_volume_remove(const struct logical_volume *volume)
{
	char select[16 + LOGICAL_VOLUME_UUID_BYTES], path[2 * LOGICAL_VOLUME_NAME_BYTES], output[OUTPUT_BYTES];
	char *argv[] = {"lvremove", "--force", "--yes", "--select", select, path, NULL};
	struct error ignored = {0};
	int status;
	snprintf(select, sizeof(select), "lv_uuid=%s", volume->uuid);
	snprintf(path, sizeof(path), "%s/%s", volume->group, volume->name);
	return volume->uuid[0] && run_tool(argv, PROCESS_PIPE_ERR, output, &status, &ignored) && status == 0;
}
