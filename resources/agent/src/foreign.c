#include "foreign.h"

#include <string.h>

#include "le.h"

#define MARK_MAX 8u
#define ZFS_RING_AT (128u << 10)
#define ZFS_SLOT_BYTES 1024u
#define ZFS_SLOTS 128u
#define ZFS_MAGIC 0x00bab10cu

static const struct {
	const char *name;
	uint64_t at;
	size_t length;
	char mark[MARK_MAX + 1];
} foreign[] = {
	{"luks", 0, 6, "LUKS\xba\xbe"},
	{"raid", 0, 4, "\xfc\x4e\x2b\xa9"},
	{"raid", 4096, 4, "\xfc\x4e\x2b\xa9"},
	{"bcache", 4096 + 24, 4, "\xc6\x85\x73\xf6"},
	{"btrfs", 65536 + 64, 8, "_BHRfS_M"},
	{"reiserfs", 65536 + 52, 6, "ReIsEr"},
	{"f2fs", 1024, 4, "\x10\x20\xf5\xf2"},
	{"jfs", 32768, 4, "JFS1"},
	{"ntfs", 3, 8, "NTFS    "},
	{"exfat", 3, 8, "EXFAT   "},
	{"fat", 0x52, 5, "FAT32"},
	{"fat", 0x36, 4, "FAT1"},
	{"iso9660", 32769, 5, "CD001"},
	{"squashfs", 0, 4, "hsqs"},
	{"erofs", 1024, 4, "\xe2\xe1\xf5\xe0"},
	{"vdo", 0, 8, "dmvdo001"},
	{"suspended", 4086, 8, "S1SUSPEN"},
};

/* Any slot of the ring of uberblocks may be the one in use. */
static bool is_zfs(const struct disk_view *view)
{
	uint8_t magic[8];
	for (unsigned slot = 0; slot < ZFS_SLOTS; slot++)
		if (disk_view_read(view, ZFS_RING_AT + (uint64_t)slot * ZFS_SLOT_BYTES, magic, sizeof(magic))
			&& le64_load(magic) == ZFS_MAGIC)
			return true;
	return false;
}

const char *foreign_name(const struct disk_view *view)
{
	char found[MARK_MAX];
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (disk_view_read(view, foreign[i].at, found, foreign[i].length)
			&& memcmp(found, foreign[i].mark, foreign[i].length) == 0)
			return foreign[i].name;
	return is_zfs(view) ? "zfs" : NULL;
}
