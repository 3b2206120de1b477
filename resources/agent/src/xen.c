#include "xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypercall.h"
#include "le.h"
#include "options.h"
#include "xenstore.h"

#define XENVER_VERSION 0u
#define XENVER_EXTRAVERSION 1u
#define XENVER_CAPABILITIES 3u
#define XENMEM_MAXIMUM_GPFN 14u

/* struct xen_domctl { u32 cmd, interface_version; u16 domain, pad[3]; union u; } */
#define DOMCTL_GETDOMAININFO 5u
#define DOMCTL_GET_ADDRESS_SIZE 36u
#define DOMCTL_GETPAGEFRAMEINFO3 61u
#define DOMCTL_DOMAIN 8u
#define DOMCTL_ARGUMENT 16u
#define DOMCTL_NEWEST 0x18u /* Xen 4.22 */
#define DOMCTL_OLDEST 0x12u /* Xen 4.14 */

/* struct xen_sysctl { u32 cmd, interface_version; union u; } */
#define SYSCTL_PHYSINFO 3u
#define SYSCTL_GETDOMAININFOLIST 6u
#define SYSCTL_GETCPUINFO 8u
#define SYSCTL_ARGUMENT 8u
#define SYSCTL_NEWEST 0x16u /* Xen 4.21 */
#define SYSCTL_OLDEST 0x13u /* Xen 4.14 */

/* struct xen_domctl_getdomaininfo, offsets in bytes. Checked against Xen 4.14 to 4.22: only what follows `cpupool` moved,
 * when gpaddr_bits came in with domctl version 0x14 (Xen 4.16). */
enum {
	INFO_DOMAIN = 0, INFO_FLAGS = 4, INFO_TOT_PAGES = 8, INFO_MAX_PAGES = 16, INFO_SHARED_INFO = 48,
	INFO_CPU_TIME = 56, INFO_ONLINE_VCPUS = 64,
	INFO_HANDLE = 76, INFO_EMULATION_OLD = 96, INFO_EMULATION = 104, INFO_BYTES = 128
};
#define DOMCTL_MOVED_EMULATION 0x14u
#define DOMINF_DYING (1u << 0)
#define DOMINF_HVM (1u << 1)
#define DOMINF_SHUTDOWN (1u << 2)
#define DOMINF_PAUSED (1u << 3)
#define DOMINF_BLOCKED (1u << 4)
#define DOMINF_SHUTDOWN_SHIFT 16
#define SHUTDOWN_SUSPEND 2u
#define SHUTDOWN_CRASH 3u
#define EMULATES_PC 0x16cu /* power management, RTC, PIC, VGA, PIT: no PVH domain has any of them */

/* struct xen_domctl_getpageframeinfo3 { u64 num, array; }: frames in the array are replaced by their types, in bits 31-28: the
 * lower three are 1 to 4 for a page table of that level, more for what is no RAM. The same from Xen 4.14 to 4.22, as is struct
 * xen_domctl_address_size { u32 size; }. */
enum { PAGES_NUM = 0, PAGES_ARRAY = 8 };
#define PAGES_AT_ONCE (HYPERCALL_BUFFER_BYTES / 2 / 8) /* Xen takes up to 1024 */
#define PAGE_TYPE_SHIFT 28
#define PAGE_TYPE_TABLE_MASK 7u
#define PAGE_TYPE_TABLE_MAX 4u

/* struct xen_sysctl_physinfo; arch_capabilities came in with sysctl version 0x15 (Xen 4.17). */
enum { PHYS_CPUS = 8, PHYS_CAPABILITIES = 28, PHYS_PAGES_OLD = 32, PHYS_PAGES = 40 };
#define SYSCTL_MOVED_PAGES 0x15u
#define PHYSCAP_HVM (1u << 0)
#define PHYSCAP_PV (1u << 1)
#define PHYSCAP_HAP (1u << 3)
#define PHYSCAP_SHADOW (1u << 4)

#define FIRST_RESERVED_DOMID 0x7ff0u
#define FOUR_GIB_FRAMES 0x100000u
#define MAX_FRAMES (UINT64_C(1) << 34) /* 64 TiB, more than any guest can have */
#define CPUS_MAX 512u

struct xen {
	struct hypercall hypercall;
	pthread_mutex_t store_turn;
	struct xenstore *store; /* NULL: no names */
	uint32_t domctl_version, sysctl_version;
};

static bool xen_refused(struct error *err, const char *what, long answer)
{
	if (answer == -EPERM || answer == -EACCES)
		return error_set(err, ERR_NOT_ROOT, "Connect to the host's dom0, as root.", "Xen does not let this domain %s", what);
	return error_set(err, ERR_SYSTEM, "", "Xen could not %s: %s", what, strerror((int)-answer));
}

static uint64_t address_of(const uint8_t *bytes)
{
	return (uint64_t)(uintptr_t)bytes;
}

/* --- Calls; the caller owns the buffer --- */

static long call_domctl(struct xen *xen, uint32_t version, uint32_t command, uint32_t domid)
{
	uint8_t *buffer = xen->hypercall.buffer;
	le32_store(buffer, command);
	le32_store(buffer + 4, version);
	le16_store(buffer + DOMCTL_DOMAIN, (uint16_t)domid);
	return hypercall_do(&xen->hypercall, HYPERCALL_DOMCTL, address_of(buffer), 0, 0);
}

static long call_sysctl(struct xen *xen, uint32_t version, uint32_t command)
{
	le32_store(xen->hypercall.buffer, command);
	le32_store(xen->hypercall.buffer + 4, version);
	return hypercall_do(&xen->hypercall, HYPERCALL_SYSCTL, address_of(xen->hypercall.buffer), 0, 0);
}

static long call_version(struct xen *xen, uint32_t command)
{
	return hypercall_do(&xen->hypercall, HYPERCALL_XEN_VERSION, command, address_of(xen->hypercall.buffer), 0);
}

/* --- Opening --- */

/* Xen answers EACCES to a version that it does not speak, before it looks at anything else. */
static long ask_domctl(struct xen *xen, uint32_t version)
{
	hypercall_begin(&xen->hypercall);
	long answer = call_domctl(xen, version, DOMCTL_GETDOMAININFO, 0);
	hypercall_end(&xen->hypercall);
	return answer;
}

static long ask_sysctl(struct xen *xen, uint32_t version)
{
	hypercall_begin(&xen->hypercall);
	long answer = call_sysctl(xen, version, SYSCTL_PHYSINFO);
	hypercall_end(&xen->hypercall);
	return answer;
}

static bool find_version(struct xen *xen, long (*ask)(struct xen *, uint32_t), uint32_t newest, uint32_t oldest,
	uint32_t *found, struct error *err)
{
	for (uint32_t version = newest; version >= oldest; version--) {
		long answer = ask(xen, version);
		if (answer == -EACCES)
			continue;
		*found = version;
		return answer >= 0 || xen_refused(err, "look at other domains", answer);
	}
	return error_set(err, ERR_NOT_SUPPORTED, "Use an agent made for this Xen.",
		"this Xen is older than 4.14, or newer than 4.22: its control interface is not known");
}

struct xen *xen_open(struct error *err)
{
	struct xen *xen = calloc(1, sizeof(*xen));
	if (!xen || !hypercall_open(&xen->hypercall, err)) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		free(xen);
		return NULL;
	}
	pthread_mutex_init(&xen->store_turn, NULL);
	struct error nameless = {0};
	xen->store = xenstore_open(&nameless);
	if (find_version(xen, ask_domctl, DOMCTL_NEWEST, DOMCTL_OLDEST, &xen->domctl_version, err)
		&& find_version(xen, ask_sysctl, SYSCTL_NEWEST, SYSCTL_OLDEST, &xen->sysctl_version, err))
		return xen;
	xen_close(xen);
	return NULL;
}

void xen_close(struct xen *xen)
{
	if (!xen)
		return;
	xenstore_close(xen->store);
	hypercall_close(&xen->hypercall);
	pthread_mutex_destroy(&xen->store_turn);
	free(xen);
}

/* --- Domains --- */

static enum xen_domain_state state_of(uint32_t flags)
{
	uint32_t reason = flags >> DOMINF_SHUTDOWN_SHIFT & 0xff;
	if (flags & DOMINF_DYING)
		return XEN_DYING;
	if (flags & DOMINF_SHUTDOWN)
		return reason == SHUTDOWN_SUSPEND ? XEN_SUSPENDED : reason == SHUTDOWN_CRASH ? XEN_CRASHED : XEN_SHUTDOWN;
	if (flags & DOMINF_PAUSED)
		return XEN_PAUSED;
	return flags & DOMINF_BLOCKED ? XEN_BLOCKED : XEN_RUNNING;
}

static enum xen_domain_kind kind_of(const struct xen *xen, const uint8_t *info)
{
	uint32_t at = xen->domctl_version >= DOMCTL_MOVED_EMULATION ? INFO_EMULATION : INFO_EMULATION_OLD;
	if (!(le32_load(info + INFO_FLAGS) & DOMINF_HVM))
		return XEN_PV;
	return le32_load(info + at) & EMULATES_PC ? XEN_HVM : XEN_PVH;
}

static void read_info(const struct xen *xen, const uint8_t *info, struct xen_domain *domain)
{
	memset(domain, 0, sizeof(*domain));
	domain->domid = le16_load(info + INFO_DOMAIN);
	memcpy(domain->uuid, info + INFO_HANDLE, sizeof(domain->uuid));
	domain->kind = kind_of(xen, info);
	domain->state = state_of(le32_load(info + INFO_FLAGS));
	domain->pages = le64_load(info + INFO_TOT_PAGES);
	domain->max_pages = le64_load(info + INFO_MAX_PAGES);
	domain->vcpus = le32_load(info + INFO_ONLINE_VCPUS);
	domain->cpu_ns = le64_load(info + INFO_CPU_TIME);
	domain->shared_info_frame = le64_load(info + INFO_SHARED_INFO);
}

bool xen_domain_info(struct xen *xen, uint32_t domid, struct xen_domain *domain, struct error *err)
{
	if (domid >= FIRST_RESERVED_DOMID)
		return error_set(err, ERR_NO_DOMAIN, "", "there is no domain %u", domid);
	hypercall_begin(&xen->hypercall);
	long answer = call_domctl(xen, xen->domctl_version, DOMCTL_GETDOMAININFO, domid);
	if (answer >= 0)
		read_info(xen, xen->hypercall.buffer + DOMCTL_ARGUMENT, domain);
	hypercall_end(&xen->hypercall);
	if (answer < 0 && answer != -ESRCH && answer != -EINVAL)
		return xen_refused(err, "tell about a domain", answer);
	/* Older releases answer with the next domain where there is none of that number. */
	return (answer >= 0 && domain->domid == domid)
		|| error_set(err, ERR_NO_DOMAIN, "", "there is no domain %u (any more)", domid);
}

/* The first domain numbered `first` or higher: 1, 0 when there is none, or -errno. Asked for one at a time, the list needs
 * no knowledge of how long an entry is in this release. */
static long next_domain(struct xen *xen, uint32_t first, struct xen_domain *domain)
{
	hypercall_begin(&xen->hypercall);
	uint8_t *argument = xen->hypercall.buffer + SYSCTL_ARGUMENT;
	uint8_t *info = xen->hypercall.buffer + HYPERCALL_BUFFER_BYTES / 2;
	le16_store(argument, (uint16_t)first);
	le32_store(argument + 4, 1);
	le64_store(argument + 8, address_of(info));
	long answer = call_sysctl(xen, xen->sysctl_version, SYSCTL_GETDOMAININFOLIST);
	long found = answer < 0 ? answer : le32_load(argument + 16) != 0;
	if (found == 1)
		read_info(xen, info, domain);
	hypercall_end(&xen->hypercall);
	return found;
}

static bool read_store(struct xen *xen, const char *path, char *value, size_t capacity)
{
	pthread_mutex_lock(&xen->store_turn);
	bool found = xenstore_read(xen->store, path, value, capacity);
	pthread_mutex_unlock(&xen->store_turn);
	return found;
}

static void read_name(struct xen *xen, struct xen_domain *domain)
{
	char path[64];
	snprintf(path, sizeof(path), "/local/domain/%u/name", domain->domid);
	if (!read_store(xen, path, domain->name, sizeof(domain->name)))
		domain->name[0] = '\0';
}

int xen_domains(struct xen *xen, struct xen_domain *domains, size_t capacity, struct error *err)
{
	size_t count = 0;
	for (uint32_t first = 0; count < capacity && first < FIRST_RESERVED_DOMID; first = domains[count++].domid + 1) {
		long found = next_domain(xen, first, &domains[count]);
		if (found < 0) {
			xen_refused(err, "list the domains", found);
			return -1;
		}
		if (found == 0)
			break;
		read_name(xen, &domains[count]);
	}
	return (int)count;
}

bool xen_find_domain(struct xen *xen, const char *name, struct xen_domain *domain, struct error *err)
{
	uint64_t number;
	if (parse_number(name, &number) && number < FIRST_RESERVED_DOMID) {
		if (!xen_domain_info(xen, (uint32_t)number, domain, err))
			return false;
		read_name(xen, domain);
		return true;
	}
	for (uint32_t first = 0; first < FIRST_RESERVED_DOMID; first = domain->domid + 1) {
		long found = next_domain(xen, first, domain);
		if (found < 0)
			return xen_refused(err, "list the domains", found);
		if (found == 0)
			break;
		read_name(xen, domain);
		if (strcmp(domain->name, name) == 0)
			return true;
	}
	return error_set(err, ERR_NO_DOMAIN, "See the list of guests on this host.", "there is no guest named %.60s here", name);
}

/* --- The machine --- */

bool xen_get_version(struct xen *xen, struct xen_version *version, struct error *err)
{
	memset(version, 0, sizeof(*version));
	hypercall_begin(&xen->hypercall);
	long number = call_version(xen, XENVER_VERSION);
	if (number >= 0 && call_version(xen, XENVER_EXTRAVERSION) >= 0)
		memcpy(version->extra, xen->hypercall.buffer, sizeof(version->extra) - 1);
	if (number >= 0 && call_version(xen, XENVER_CAPABILITIES) >= 0)
		memcpy(version->capabilities, xen->hypercall.buffer, sizeof(version->capabilities) - 1);
	hypercall_end(&xen->hypercall);
	version->major = (unsigned)(number >> 16 & 0xffff);
	version->minor = (unsigned)(number & 0xffff);
	return number >= 0 || xen_refused(err, "tell its version", number);
}

bool xen_get_machine(struct xen *xen, struct xen_machine *machine, struct error *err)
{
	hypercall_begin(&xen->hypercall);
	long answer = call_sysctl(xen, xen->sysctl_version, SYSCTL_PHYSINFO);
	const uint8_t *info = xen->hypercall.buffer + SYSCTL_ARGUMENT;
	const uint8_t *pages = info + (xen->sysctl_version >= SYSCTL_MOVED_PAGES ? PHYS_PAGES : PHYS_PAGES_OLD);
	uint32_t capabilities = le32_load(info + PHYS_CAPABILITIES);
	*machine = (struct xen_machine){
		.cpus = le32_load(info + PHYS_CPUS),
		.total_pages = le64_load(pages),
		.free_pages = le64_load(pages + 8),
		.hvm = capabilities & PHYSCAP_HVM,
		.pv = capabilities & PHYSCAP_PV,
		.hap = capabilities & PHYSCAP_HAP,
		.shadow = capabilities & PHYSCAP_SHADOW,
	};
	hypercall_end(&xen->hypercall);
	return answer >= 0 || xen_refused(err, "describe the machine", answer);
}

uint32_t xen_domctl_version(const struct xen *xen)
{
	return xen->domctl_version;
}

bool xen_idle_ns(struct xen *xen, uint64_t *idle_ns, struct error *err)
{
	hypercall_begin(&xen->hypercall);
	uint8_t *argument = xen->hypercall.buffer + SYSCTL_ARGUMENT;
	const uint8_t *idle = xen->hypercall.buffer + HYPERCALL_BUFFER_BYTES / 2;
	le32_store(argument, CPUS_MAX);
	le64_store(argument + 8, address_of(idle));
	long answer = call_sysctl(xen, xen->sysctl_version, SYSCTL_GETCPUINFO);
	uint32_t cpus = le32_load(argument + 16);
	*idle_ns = 0;
	for (uint32_t i = 0; i < cpus && i < CPUS_MAX; i++)
		*idle_ns += le64_load(idle + i * 8);
	hypercall_end(&xen->hypercall);
	return answer >= 0 || xen_refused(err, "tell how busy it is", answer);
}

/* RAM ends at the most the guest was built with, which libxl notes in xenstore; a guest larger than the hole below 4 GiB
 * goes on above it, and only such a guest has frames there. Xen's special pages lie below 4 GiB, in the hole. */
bool xen_ram_frames(struct xen *xen, const struct xen_domain *domain, uint64_t *frames, struct error *err)
{
	hypercall_begin(&xen->hypercall);
	le16_store(xen->hypercall.buffer, (uint16_t)domain->domid);
	long highest = hypercall_do(&xen->hypercall, HYPERCALL_MEMORY_OP, XENMEM_MAXIMUM_GPFN,
		address_of(xen->hypercall.buffer), 0);
	hypercall_end(&xen->hypercall);
	if (highest < 0)
		return xen_refused(err, "tell the guest's highest page frame", highest);
	*frames = (uint64_t)highest + 1;
	if (*frames > MAX_FRAMES)
		return error_set(err, ERR_NOT_SUPPORTED, "", "the guest's highest page frame is beyond 64 TiB");
	if (*frames > FOUR_GIB_FRAMES)
		return true;
	char path[64], kib_text[24];
	uint64_t kib, built = domain->max_pages > domain->pages ? domain->max_pages : domain->pages;
	snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", domain->domid);
	if (read_store(xen, path, kib_text, sizeof(kib_text)) && parse_number(kib_text, &kib) && kib / 4 <= MAX_FRAMES)
		built = (kib + 3) / 4;
	*frames = built < *frames ? built : *frames;
	return true;
}

/* --- PV guests --- */

bool xen_is_64_bit(struct xen *xen, uint32_t domid, bool *is_64_bit, struct error *err)
{
	hypercall_begin(&xen->hypercall);
	long answer = call_domctl(xen, xen->domctl_version, DOMCTL_GET_ADDRESS_SIZE, domid);
	*is_64_bit = answer >= 0 && le32_load(xen->hypercall.buffer + DOMCTL_ARGUMENT) == 64;
	hypercall_end(&xen->hypercall);
	return answer >= 0 || xen_refused(err, "tell the guest's address size", answer);
}

/* Up to PAGES_AT_ONCE frames; 0, or -errno. */
static long ask_page_types(struct xen *xen, uint32_t domid, const uint64_t *machine_frames, size_t count, bool *is_table)
{
	hypercall_begin(&xen->hypercall);
	uint8_t *argument = xen->hypercall.buffer + DOMCTL_ARGUMENT;
	uint8_t *array = xen->hypercall.buffer + HYPERCALL_BUFFER_BYTES / 2;
	le64_store(argument + PAGES_NUM, count);
	le64_store(argument + PAGES_ARRAY, address_of(array));
	for (size_t i = 0; i < count; i++)
		le64_store(array + i * 8, machine_frames[i]);
	long answer = call_domctl(xen, xen->domctl_version, DOMCTL_GETPAGEFRAMEINFO3, domid);
	for (size_t i = 0; i < count; i++) {
		uint64_t level = le64_load(array + i * 8) >> PAGE_TYPE_SHIFT & PAGE_TYPE_TABLE_MASK;
		is_table[i] = level >= 1 && level <= PAGE_TYPE_TABLE_MAX;
	}
	hypercall_end(&xen->hypercall);
	return answer < 0 ? answer : 0;
}

bool xen_find_page_tables(struct xen *xen, uint32_t domid, const uint64_t *machine_frames, size_t count, bool *is_table,
	struct error *err)
{
	long answer = 0;
	for (size_t done = 0, part; done < count && answer == 0; done += part) {
		part = count - done < PAGES_AT_ONCE ? count - done : PAGES_AT_ONCE;
		answer = ask_page_types(xen, domid, machine_frames + done, part, is_table + done);
	}
	return answer == 0 || xen_refused(err, "tell which pages of the guest are page tables", answer);
}

const char *xen_kind_name(enum xen_domain_kind kind)
{
	static const char *const names[] = {"pv", "pvh", "hvm"};
	return names[kind];
}

const char *xen_state_name(enum xen_domain_state state)
{
	static const char *const names[] = {"running", "blocked", "paused", "suspended", "shutdown", "crashed", "dying"};
	return names[state];
}
