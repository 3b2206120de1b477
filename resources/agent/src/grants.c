#include "grants.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hypercall.h"
#include "le.h"

#define GNTTABOP_QUERY_SIZE 6u
#define GNTTABOP_GET_VERSION 10u
#define VERSION_1 1u

/* struct gnttab_query_size, struct gnttab_get_version: u16 domain first; offsets of what is wanted. */
enum { SIZE_FRAMES = 4, SIZE_STATUS = 12, GET_VERSION = 4 };

/* struct grant_entry_v1: u16 flags, u16 domain, u32 frame (a table frame, see guest.h). */
#define ENTRY_BYTES 8u
#define GTF_TYPE_MASK 3u
#define GTF_PERMIT_ACCESS 1u
#define GTF_READONLY 4u

#define GRANT_FRAMES_MAX 1024u /* of the table: half a million entries */
#define RESOURCE_GRANT_TABLE 1u
#define RESOURCE_SHARED 0u

struct privcmd_mmap_resource {
	uint16_t dom;
	uint32_t type, id, idx;
	uint64_t num, addr;
};
#define IOCTL_PRIVCMD_MMAP_RESOURCE _IOC(_IOC_NONE, 'P', 7, sizeof(struct privcmd_mmap_resource))

/* Asks about the domain; the answer is in the buffer. */
static bool ask(struct hypercall *xen, unsigned command, uint32_t domid)
{
	le16_store(xen->buffer, (uint16_t)domid);
	return hypercall_do(xen, HYPERCALL_GRANT_TABLE, command, (uint64_t)(uintptr_t)xen->buffer, 1) == 0;
}

/* Frames of a version 1 grant table; 0 if it is none. */
static uint32_t table_frames(struct hypercall *xen, uint32_t domid)
{
	hypercall_begin(xen);
	bool known = ask(xen, GNTTABOP_GET_VERSION, domid) && le32_load(xen->buffer + GET_VERSION) == VERSION_1;
	hypercall_end(xen);
	hypercall_begin(xen);
	bool sized = known && ask(xen, GNTTABOP_QUERY_SIZE, domid) && le16_load(xen->buffer + SIZE_STATUS) == 0;
	uint32_t frames = sized ? le32_load(xen->buffer + SIZE_FRAMES) : 0;
	hypercall_end(xen);
	return frames <= GRANT_FRAMES_MAX ? frames : 0;
}

static uint8_t *map_table(const struct hypercall *xen, uint32_t domid, uint32_t table)
{
	uint8_t *area = mmap(NULL, (size_t)table * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, xen->privcmd, 0);
	if (area == MAP_FAILED)
		return NULL;
	struct privcmd_mmap_resource resource = {
		.dom = (uint16_t)domid,
		.type = RESOURCE_GRANT_TABLE,
		.id = RESOURCE_SHARED,
		.num = table,
		.addr = (uint64_t)(uintptr_t)area,
	};
	if (ioctl(xen->privcmd, IOCTL_PRIVCMD_MMAP_RESOURCE, &resource) == 0)
		return area;
	munmap(area, (size_t)table * PAGE_BYTES);
	return NULL;
}

static void mark(const uint8_t *table, size_t bytes, struct guest *guest, uint64_t *bitmap)
{
	for (size_t at = 0; at < bytes; at += ENTRY_BYTES) {
		uint16_t flags = le16_load(table + at);
		bool writable = (flags & GTF_TYPE_MASK) == GTF_PERMIT_ACCESS && !(flags & GTF_READONLY);
		uint64_t frame = writable ? guest_frame_of_table(guest, le32_load(table + at + 4)) : GUEST_NO_FRAME;
		if (frame < guest_frames(guest))
			bitmap[frame / 64] |= UINT64_C(1) << (frame % 64);
	}
}

bool grants_writable(uint32_t domid, struct guest *guest, uint64_t *bitmap)
{
	struct hypercall xen;
	if (!hypercall_open(&xen, NULL))
		return false;
	uint32_t table = table_frames(&xen, domid);
	uint8_t *entries = table ? map_table(&xen, domid, table) : NULL;
	if (entries) {
		mark(entries, (size_t)table * PAGE_BYTES, guest, bitmap);
		munmap(entries, (size_t)table * PAGE_BYTES);
	}
	hypercall_close(&xen);
	return entries != NULL;
}
