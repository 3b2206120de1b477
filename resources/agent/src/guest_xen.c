/* guest_xen.c - the memory of a running PVH or HVM guest, through privcmd. Source: Linux include/uapi/xen/privcmd.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_backend.h"
#include "hypercall.h"
#include "xen.h"

struct privcmd_mmapbatch_v2 {
	unsigned int num;
	uint16_t dom;
	uint64_t addr;
	const uint64_t *arr;
	int *err;
};
#define IOCTL_PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))

#define MAP_MAX (1u << 20) /* frames in one call: a page array of any section fits */

struct guest_xen {
	struct guest guest;
	int privcmd;
	uint32_t domid;
};

static struct guest_xen *xen_of(struct guest *guest)
{
	return (struct guest_xen *)guest;
}

static void close_xen(struct guest *guest)
{
	close(xen_of(guest)->privcmd);
	free(guest);
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

static const struct guest_backend xen_backend = {
	.close = close_xen,
	.map = map_xen,
};

static bool find_guest(uint32_t domid, uint64_t *frames, struct error *err)
{
	struct xen *xen = xen_open(err);
	if (!xen)
		return false;
	struct xen_domain domain;
	bool found = xen_domain_info(xen, domid, &domain, err);
	if (found && domain.kind == XEN_PV)
		found = error_set(err, ERR_NOT_SUPPORTED, "Use a PVH or HVM guest.",
			"the memory of PV guests cannot be explored yet");
	found = found && xen_ram_frames(xen, &domain, frames, err);
	xen_close(xen);
	return found;
}

struct guest *guest_open_xen(uint32_t domid, struct error *err)
{
	uint64_t frames;
	if (!find_guest(domid, &frames, err))
		return NULL;
	struct guest_xen *guest = calloc(1, sizeof(*guest));
	int privcmd = guest ? privcmd_open(err) : -1;
	if (privcmd < 0) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		free(guest);
		return NULL;
	}
	*guest = (struct guest_xen){
		.guest = {.backend = &xen_backend, .frames = frames},
		.privcmd = privcmd,
		.domid = domid,
	};
	return &guest->guest;
}
