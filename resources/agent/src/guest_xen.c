/*
 * guest_xen.c - the memory of a running guest, through privcmd. Source: Linux include/uapi/xen/privcmd.h.
 *
 * PVH and HVM guests are mapped by guest frame: Xen translates. A PV guest is mapped by machine frame, by its own table.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_backend.h"
#include "hypercall.h"
#include "p2m.h"
#include "xen.h"

struct privcmd_mmapbatch_v2 {
	unsigned int num;
	uint16_t dom;
	uint64_t addr;
	const uint64_t *arr;
	int *err;
};
#define IOCTL_PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))

#define MAP_MAX (1u << 20) /* frames in one call: a page array of any section fits, and the table of a PV guest of 2 TiB */
#define PV_HOLE_FRAMES (UINT64_C(1) << 20)

struct guest_xen {
	struct guest guest;
	int privcmd;
	uint32_t domid;
	struct xen *xen;
	struct p2m *p2m; /* PV only */
};

static struct guest_xen *xen_of(struct guest *guest)
{
	return (struct guest_xen *)guest;
}

static void close_xen(struct guest *guest)
{
	struct guest_xen *own = xen_of(guest);
	p2m_close(own->p2m);
	xen_close(own->xen);
	if (own->privcmd >= 0)
		close(own->privcmd);
	free(own);
}

/* Per-frame outcome in errors[]; ENOENT only tells that some frame is paged out, which counts as not there. */
static bool map_batch(const struct guest_xen *guest, uint8_t *area, const uint64_t *frames, size_t count, int *errors)
{
	struct privcmd_mmapbatch_v2 batch = {
		.num = (unsigned)count,
		.dom = (uint16_t)guest->domid,
		.addr = (uint64_t)(uintptr_t)area,
		.arr = frames,
		.err = errors,
	};
	return ioctl(guest->privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) == 0 || errno == ENOENT;
}

static const uint8_t *map_xen(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	if (count > MAP_MAX)
		return NULL;
	int *errors = malloc(count * sizeof(*errors));
	uint8_t *area = mmap(NULL, count * PAGE_BYTES, PROT_READ, MAP_SHARED, xen_of(guest)->privcmd, 0);
	size_t mapped = 0;
	if (errors && area != MAP_FAILED && map_batch(xen_of(guest), area, frames, count, errors)) {
		for (size_t i = 0; i < count; i++) {
			failed[i] = errors[i] != 0;
			mapped += !failed[i];
		}
	}
	free(errors);
	if (mapped)
		return area;
	if (area != MAP_FAILED)
		munmap(area, count * PAGE_BYTES);
	return NULL;
}

/* --- PV --- */

static const uint8_t *map_pv(struct guest *guest, const uint64_t *frames, size_t count, bool *failed)
{
	uint64_t *machine_frames = malloc(count * sizeof(*machine_frames));
	if (!machine_frames)
		return NULL;
	p2m_look_up(xen_of(guest)->p2m, frames, count, machine_frames);
	const uint8_t *mapping = map_xen(guest, machine_frames, count, failed);
	free(machine_frames);
	return mapping;
}

static uint64_t machine_frame_of(struct guest *guest, uint64_t frame)
{
	uint64_t machine_frame;
	p2m_look_up(xen_of(guest)->p2m, &frame, 1, &machine_frame);
	return machine_frame;
}

static uint64_t frame_of_machine(struct guest *guest, uint64_t machine_frame)
{
	return p2m_find(xen_of(guest)->p2m, machine_frame);
}

static bool find_machine_tables(struct guest *guest, const uint64_t *frames, size_t count, bool *is_table, struct error *err)
{
	uint64_t *machine_frames = malloc(count * sizeof(*machine_frames));
	if (!machine_frames)
		return error_set(err, ERR_SYSTEM, "", "out of memory");
	p2m_look_up(xen_of(guest)->p2m, frames, count, machine_frames);
	bool told = xen_find_page_tables(xen_of(guest)->xen, xen_of(guest)->domid, machine_frames, count, is_table, err);
	free(machine_frames);
	return told;
}

static const uint8_t *map_for_p2m(void *guest, const uint64_t *frames, size_t count, bool *failed)
{
	return map_xen(guest, frames, count, failed);
}

static void unmap_for_p2m(void *guest, const uint8_t *mapping, size_t count)
{
	guest_unmap(guest, mapping, count);
}

/* --- Opening --- */

static const struct guest_backend xen_backend = {
	.close = close_xen,
	.map = map_xen,
};

static const struct guest_backend pv_backend = {
	.close = close_xen,
	.map = map_pv,
	.table_frame = machine_frame_of,
	.frame_of_table = frame_of_machine,
	.map_table_frames = map_xen,
	.find_machine_tables = find_machine_tables,
};

/* What the guest may have, and the hole below 4 GiB where it was built to look like the host. */
static uint64_t pv_frames_max(const struct xen_domain *domain)
{
	uint64_t pages = domain->max_pages > domain->pages ? domain->max_pages : domain->pages;
	return pages < P2M_FRAMES_MAX - PV_HOLE_FRAMES ? pages + PV_HOLE_FRAMES : P2M_FRAMES_MAX;
}

static bool open_pv(struct guest_xen *guest, const struct xen_domain *domain, struct error *err)
{
	const struct p2m_reader reader = {.map = map_for_p2m, .unmap = unmap_for_p2m, .context = &guest->guest};
	bool is_64_bit;
	if (!xen_is_64_bit(guest->xen, guest->domid, &is_64_bit, err))
		return false;
	if (!is_64_bit)
		return error_set(err, ERR_NOT_SUPPORTED, "Use a 64-bit kernel, or a PVH or HVM guest.",
			"the memory of 32-bit PV guests cannot be explored");
	guest->p2m = p2m_open(&reader, domain->shared_info_frame, pv_frames_max(domain), err);
	if (!guest->p2m)
		return false;
	guest->guest.frames = p2m_frames(guest->p2m);
	return true;
}

static bool open_guest(struct guest_xen *guest, struct error *err)
{
	struct xen_domain domain;
	guest->xen = xen_open(err);
	if (!guest->xen || !xen_domain_info(guest->xen, guest->domid, &domain, err))
		return false;
	guest->privcmd = privcmd_open(err);
	if (guest->privcmd < 0)
		return false;
	guest->guest.backend = domain.kind == XEN_PV ? &pv_backend : &xen_backend;
	return domain.kind == XEN_PV ? open_pv(guest, &domain, err)
		: xen_ram_frames(guest->xen, &domain, &guest->guest.frames, err);
}

struct guest *guest_open_xen(uint32_t domid, struct error *err)
{
	struct guest_xen *guest = calloc(1, sizeof(*guest));
	if (!guest) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	guest->privcmd = -1;
	guest->domid = domid;
	if (open_guest(guest, err))
		return &guest->guest;
	close_xen(&guest->guest);
	return NULL;
}
