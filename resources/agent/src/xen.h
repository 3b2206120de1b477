/*
 * xen.h - the few hypercalls and xenstore reads the agent needs, straight through /dev/xen (no libxen*).
 *
 * The domctl and sysctl interface versions are found by asking (a wrong one answers EACCES), so one binary serves Xen
 * 4.14 to 4.22. Sources: xen/include/public/{domctl,sysctl,version,memory}.h, Linux include/uapi/xen/privcmd.h,
 * docs/misc/xenstore.txt.
 */
#ifndef ME2_XEN_H
#define ME2_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct xen; /* an open privcmd */

enum xen_domain_kind { XEN_PV, XEN_PVH, XEN_HVM };
enum xen_domain_state {
	XEN_RUNNING, XEN_BLOCKED, XEN_PAUSED, XEN_SUSPENDED, XEN_SHUTDOWN, XEN_CRASHED, XEN_DYING
};

struct xen_domain {
	uint32_t domid;
	uint8_t uuid[16];
	enum xen_domain_kind kind;
	enum xen_domain_state state;
	uint64_t pages;      /* allocated now */
	uint64_t max_pages;
	uint32_t vcpus;
	uint64_t cpu_ns;
	uint64_t shared_info_frame; /* of the page that Xen itself writes (time, event channels): a table frame, see guest.h */
	char name[128];      /* from xenstore; empty if it has none */
};

struct xen_version {
	unsigned major, minor;
	char extra[17];          /* e.g. ".5-pre"; with the NUL that Xen does not promise */
	char capabilities[1025]; /* e.g. "xen-3.0-x86_64 hvm-3.0-x86_64" */
};

/* The machine below dom0. */
struct xen_machine {
	uint32_t cpus; /* online */
	uint64_t total_pages, free_pages;
	bool hvm, pv, hap, shadow; /* what guests may use */
};

struct xen *xen_open(struct error *err);
void xen_close(struct xen *xen);

/* False with ERR_NO_DOMAIN when there is no such domain. Does not fill `name`. Thread-safe; cheap enough to poll. */
bool xen_domain_info(struct xen *xen, uint32_t domid, struct xen_domain *domain, struct error *err);

/* All domains, dom0 first, names included. Returns how many, or -1; `capacity` bounds it. */
int xen_domains(struct xen *xen, struct xen_domain *domains, size_t capacity, struct error *err);

/* By name, or by domid where `name` is a number. */
bool xen_find_domain(struct xen *xen, const char *name, struct xen_domain *domain, struct error *err);

bool xen_get_version(struct xen *xen, struct xen_version *version, struct error *err);
bool xen_get_machine(struct xen *xen, struct xen_machine *machine, struct error *err);

/* The interface version that this Xen answered to. */
uint32_t xen_domctl_version(const struct xen *xen);

/* Time that all CPUs together were idle since boot. */
bool xen_idle_ns(struct xen *xen, uint64_t *idle_ns, struct error *err);

/* One more than the highest RAM frame of an HVM or PVH guest. */
bool xen_ram_frames(struct xen *xen, const struct xen_domain *domain, uint64_t *frames, struct error *err);

/* Whether a PV guest runs in 64-bit mode. */
bool xen_is_64_bit(struct xen *xen, uint32_t domid, bool *is_64_bit, struct error *err);

/* Which of a PV guest's machine frames Xen has as page tables right now, of any level. */
bool xen_find_page_tables(struct xen *xen, uint32_t domid, const uint64_t *machine_frames, size_t count, bool *is_table,
	struct error *err);

const char *xen_kind_name(enum xen_domain_kind kind);
const char *xen_state_name(enum xen_domain_state state);

#endif
