/* logical_volume_test.c - what is asked of LVM's tools, what is made of their answers, and that only what was made is removed. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "disk_volume.h"
#include "io.h"
#include "logical_volume.h"

#define UUID "Ab3dEf-Gh1j-Kl2n-Op4q-Rs5t-Uv6x-Yz7AbC"
#define NO_SUCH "/dev/me2-no-such-group/disk"

static char folder[] = "/tmp/me2-logical-volume-XXXXXX";
static const char *const tools[] = {"vgs", "lvcreate", "lvs", "lvremove"};

static void path_of(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, name);
}

/* A tool that notes how it was called and then does what `script` says. */
static void fake(const char *name, const char *script)
{
	char path[128], text[512];
	path_of(name, path);
	int length = snprintf(text, sizeof(text), "#!/bin/sh\necho \"${0##*/} $*\" >> %s/calls\n%s\n", folder, script);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	CHECK(fd >= 0 && io_write_all(fd, text, (size_t)length));
	close(fd);
}

static void fake_all(void)
{
	fake("vgs", "echo '  1073741824 4194304'");
	fake("lvcreate", "echo '  Logical volume created.'");
	fake("lvs", "echo '  " UUID "'");
	fake("lvremove", ":");
}

/* What was called since the last time. */
static const char *calls(void)
{
	static char text[4096];
	char path[128];
	path_of("calls", path);
	int fd = open(path, O_RDONLY);
	ssize_t length = fd >= 0 ? io_read_all(fd, text, sizeof(text) - 1) : 0;
	text[length > 0 ? length : 0] = '\0';
	if (fd >= 0)
		close(fd);
	unlink(path);
	return text;
}

static void names(void)
{
	static const struct {
		const char *path, *group, *name;
	} good[] = {
		{"/dev/vg0/web", "vg0", "web"},
		{"/dev/data-1/web_2+x.img", "data-1", "web_2+x.img"},
		{"/dev/mapper/vg0-web", "vg0", "web"},
		{"/dev/mapper/data--1-web--disk", "data-1", "web-disk"},
		{"/dev/mapper/a---b", "a-", "b"},
	};
	static const char *const bad[] = {"/var/vg0/web", "/dev/vg0", "/dev/vg0/", "/dev//web", "/dev/vg0/web/x", "/dev/../web",
		"/dev/vg0/..", "/dev/-vg/web", "/dev/vg0/-f", "/dev/vg0/we b", "/dev/vg0/@tag", "/dev/vg0/a;b", "/dev/mapper/vg0", "/dev/mapper/vg0-",
		"/dev/mapper/-web", "/dev/mapper/a-b-c", "/dev/mapper/a--b", "/dev/mapper/a-b/c", "/dev/shm/disk.img"};
	struct logical_volume volume;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(logical_volume_of_path(good[i].path, &volume) && strcmp(volume.group, good[i].group) == 0
			&& strcmp(volume.name, good[i].name) == 0, "%s: %s %s", good[i].path, volume.group, volume.name);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!logical_volume_of_path(bad[i], &volume), "%s", bad[i]);
	char longest[400] = "/dev/vg0/";
	memset(longest + strlen(longest), 'a', LOGICAL_VOLUME_NAME_BYTES - 1);
	CHECK(logical_volume_of_path(longest, &volume));
	strcat(longest, "a");
	CHECK(!logical_volume_of_path(longest, &volume));
	memcpy(longest, "/dev/mapper/aaaaaaaaaa", 22);
	CHECK(!logical_volume_of_path(longest, &volume));
}

static bool make(uint64_t bytes, struct logical_volume *volume, struct error *err)
{
	*err = (struct error){0};
	CHECK(logical_volume_of_path("/dev/vg0/web", volume));
	return logical_volume_make(volume, bytes, err);
}

static void makes_and_removes(void)
{
	struct error err;
	struct logical_volume volume;
	fake_all();
	CHECK(make((UINT64_C(8) << 20) + 512, &volume, &err), "%s", err.message);
	const char *made = calls();
	CHECK(strcmp(made, "vgs --noheadings --units b --nosuffix -o vg_free,vg_extent_size vg0\n"
		"lvcreate --yes --zero n --wipesignatures n --size 12582912b --name web vg0\n"
		"lvs --noheadings -o lv_uuid vg0/web\n") == 0, "%s", made);
	CHECK(strcmp(volume.uuid, UUID) == 0 && logical_volume_remove(&volume));
	const char *removed = calls();
	CHECK(strcmp(removed, "lvremove --force --yes --select lv_uuid=" UUID " vg0/web\n") == 0, "%s", removed);
	CHECK(make(UINT64_C(1) << 30, &volume, &err), "all that is free");
	calls();
}

/* `last`: what is called last; what follows it must not be. */
static void refused(uint64_t bytes, const char *code, const char *words, const char *last)
{
	struct error err;
	struct logical_volume volume;
	CHECK(!make(bytes, &volume, &err) && strcmp(err.code, code) == 0 && strstr(err.message, words), "%s: %s", err.code, err.message);
	const char *called = calls(), *at = strstr(called, last);
	CHECK((*called != '\0') == (*last != '\0') && at && (!*last || !strchr(at, '\n')[1]), "%s", called);
	CHECK(!logical_volume_remove(&volume) && !*calls(), "nothing is removed that was not made");
}

static void refuses(void)
{
	static const char *const nonsense[] = {"echo", "echo 5", "echo 1 2 3", "echo 99999999999999999999 4096", "echo -1 4096",
		"echo 1g 4096", "echo 1073741824 0", "echo 1073741824 9999999999999"};
	fake_all();
	refused((UINT64_C(1) << 30) + 512, ERR_SYSTEM, "has 1024 MiB free", "vgs");
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		fake("vgs", nonsense[i]);
		refused(4096, ERR_SYSTEM, "makes sense", "vgs");
	}
	fake("vgs", "exit 5");
	refused(4096, ERR_USAGE, "no volume group vg0", "vgs");
	fake_all();
	fake("lvcreate", "echo '  \"web\" already exists in volume group \"vg0\"' >&2; exit 5");
	refused(4096, ERR_SYSTEM, "already exists", "lvcreate");
	fake_all();
	fake("lvs", "echo something else");
	refused(4096, ERR_SYSTEM, "does not tell", "lvs");
}

static void tells_of_missing_tools(void)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]) - 1; i++) {
		char path[128], words[64];
		fake_all();
		path_of(tools[i], path);
		unlink(path);
		snprintf(words, sizeof(words), "there is no %s", tools[i]);
		refused(4096, ERR_NOT_SUPPORTED, words, i ? tools[i - 1] : "");
	}
}

/* A device that does not come: what was made for it goes. */
static void takes_back_what_it_made(void)
{
	struct error err = {0};
	fake_all();
	CHECK(!disk_volume_open(NO_SUCH, 8192, false, &err) && strstr(err.message, "did not appear"), "%s", err.message);
	const char *called = calls();
	CHECK(strstr(called, "\nlvremove --force --yes --select lv_uuid=" UUID " me2-no-such-group/disk\n"), "%s", called);
	fake("lvcreate", "exit 5");
	CHECK(!disk_volume_open(NO_SUCH, 8192, false, &err));
	called = calls();
	CHECK(strstr(called, "lvcreate") && !strstr(called, "lvremove"), "%s", called);
}

int main(void)
{
	CHECK(mkdtemp(folder) && setenv("PATH", folder, 1) == 0);
	names();
	makes_and_removes();
	refuses();
	tells_of_missing_tools();
	takes_back_what_it_made();
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		char path[128];
		path_of(tools[i], path);
		unlink(path);
	}
	rmdir(folder);
	CHECKS_PASSED();
	return 0;
}
