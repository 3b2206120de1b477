/* cmd_probe.c - `probe`: what this host is, and each thing that would stop a migration, with what to do about it. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "commands.h"
#include "guest.h"
#include "io.h"
#include "json.h"
#include "options.h"
#include "process.h"
#include "version.h"
#include "xen.h"

#define XL_OUTPUT_BYTES 65536u
#define XL_TIMEOUT_MS 15000u
#define FEATURES_MAX 1024
#define LINKS_MAX 64
#define LOW_MEMORY_BYTES (UINT64_C(128) << 20)
#define LOW_DISK_BYTES (UINT64_C(16) << 20)

struct probe {
	char hostname[256];
	struct utsname system;
	bool root, has_xen, has_xl;
	struct xen_version version;
	struct xen_machine machine;
	uint32_t domctl_version;
	uint64_t dom0_bytes, total_bytes, free_bytes, agent_free_bytes;
	char xl_path[PATH_MAX], xl_version[64];
	char cpu_model[128], cpu_features[8192];
	struct error no_xen, no_xl; /* why, where there is none */
};

/* --- Xen --- */

static void probe_xen(struct probe *probe)
{
	struct xen *xen = xen_open(&probe->no_xen);
	struct xen_domain dom0;
	if (!xen)
		return;
	probe->has_xen = xen_get_version(xen, &probe->version, &probe->no_xen)
		&& xen_get_machine(xen, &probe->machine, &probe->no_xen)
		&& xen_domain_info(xen, 0, &dom0, &probe->no_xen);
	if (probe->has_xen) {
		probe->domctl_version = xen_domctl_version(xen);
		probe->total_bytes = probe->machine.total_pages * PAGE_BYTES;
		probe->free_bytes = probe->machine.free_pages * PAGE_BYTES;
		probe->dom0_bytes = dom0.pages * PAGE_BYTES;
	}
	xen_close(xen);
}

/* --- xl --- */

/* A login over SSH often has no sbin in its PATH. */
static bool find_xl(char path[PATH_MAX])
{
	static const char *const folders[] = {"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, PATH_MAX, "%s/xl", folders[i]);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* The value after "key   : " in what `xl info` prints. */
static bool find_info(const char *text, const char *key, char *value, size_t capacity)
{
	const char *line = strstr(text, key);
	const char *colon = line ? strchr(line, ':') : NULL;
	if (!colon || (line != text && line[-1] != '\n'))
		return false;
	colon += 1 + strspn(colon + 1, " \t");
	snprintf(value, capacity, "%.*s", (int)strcspn(colon, "\n"), colon);
	return true;
}

/* `xl info` works only where the tools fit the hypervisor and their daemons run. */
static bool ask_xl(struct probe *probe, struct error *err)
{
	static char text[XL_OUTPUT_BYTES];
	char *argv[] = {probe->xl_path, "info", NULL};
	int status = process_run(argv, PROCESS_PIPE_OUT, text, sizeof(text), XL_TIMEOUT_MS, err);
	return (status == 0 && find_info(text, "xen_version", probe->xl_version, sizeof(probe->xl_version)))
		|| error_set(err, ERR_XL_FAILED, "Run xl info on the host and see what it says; xenstored may not run.",
			"xl is there, but xl info fails (status %d)", status);
}

/* xl answers root only. */
static void probe_xl(struct probe *probe)
{
	if (!probe->root)
		return;
	if (!find_xl(probe->xl_path)) {
		error_set(&probe->no_xl, ERR_NO_XL, "Install Xen's tools, on Debian: apt-get install xen-utils.",
			"xl is not installed on this host");
		return;
	}
	probe->has_xl = ask_xl(probe, &probe->no_xl);
}

/* --- The rest of the machine --- */

static void read_cpu_line(const char *line, const char *key, char *value, size_t capacity)
{
	const char *colon = strchr(line, ':');
	if (*value || strncmp(line, key, strlen(key)) != 0 || !colon)
		return;
	colon += 1 + strspn(colon + 1, " \t");
	snprintf(value, capacity, "%.*s", (int)strcspn(colon, "\n"), colon);
}

/* Both hosts are asked the same way: what their dom0 sees. */
static void probe_cpu(struct probe *probe)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[sizeof(probe->cpu_features) + 64];
	for (int lines = 0; file && lines < 64 && fgets(line, sizeof(line), file); lines++) {
		read_cpu_line(line, "model name", probe->cpu_model, sizeof(probe->cpu_model));
		read_cpu_line(line, "flags", probe->cpu_features, sizeof(probe->cpu_features));
	}
	if (file)
		fclose(file);
}

/* Without Xen's figures: the machine's own. */
static void probe_memory(struct probe *probe)
{
	if (probe->has_xen)
		return;
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	probe->total_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page_bytes;
	probe->free_bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * page_bytes;
	probe->machine.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

static void probe_disk(struct probe *probe)
{
	char path[PATH_MAX];
	struct statvfs disk;
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	if (statvfs(slash && slash != path ? path : "/", &disk) == 0)
		probe->agent_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
}

/* --- Report --- */

static void tell_xen(struct json *json, const struct probe *probe)
{
	if (!probe->has_xen) {
		json_null(json, "xen");
		json_null(json, "domctlVersion");
		return;
	}
	json_open_object(json, "xen");
	json_u64(json, "major", probe->version.major);
	json_u64(json, "minor", probe->version.minor);
	json_string(json, "extra", probe->version.extra);
	json_string(json, "capabilities", probe->version.capabilities);
	json_bool(json, "hvm", probe->machine.hvm);
	json_bool(json, "pv", probe->machine.pv);
	json_bool(json, "shadow", probe->machine.shadow);
	json_bool(json, "hap", probe->machine.hap);
	json_close_object(json);
	json_u64(json, "domctlVersion", probe->domctl_version);
}

static void tell_xl(struct json *json, const struct probe *probe)
{
	if (!probe->has_xl) {
		json_null(json, "xl");
		return;
	}
	json_open_object(json, "xl");
	json_string(json, "path", probe->xl_path);
	json_string(json, "version", probe->xl_version);
	json_close_object(json);
}

static void tell_cpu(struct json *json, struct probe *probe)
{
	json_string(json, "cpuModel", probe->cpu_model);
	json_open_array(json, "cpuFeatures");
	char *rest = probe->cpu_features, *feature;
	for (int i = 0; i < FEATURES_MAX && (feature = strsep(&rest, " \n")); i++)
		if (*feature && strlen(feature) < 64)
			json_string(json, NULL, feature);
	json_close_array(json);
}

static bool read_link_number(const char *interface, const char *what, int64_t *number)
{
	char path[128];
	long long value;
	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, what);
	FILE *file = fopen(path, "re");
	bool found = file && fscanf(file, "%12lld", &value) == 1 && value >= 0;
	if (file)
		fclose(file);
	*number = found ? (int64_t)value : 0;
	return found;
}

static unsigned prefix_length(const uint8_t *mask, size_t length)
{
	unsigned bits = 0;
	for (size_t i = 0; i < length; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

/* The bytes of an address that another host could reach; NULL for others. */
static const uint8_t *address_bytes(const struct sockaddr *address, size_t *length)
{
	if (address && address->sa_family == AF_INET) {
		*length = 4;
		return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
	}
	if (address && address->sa_family == AF_INET6) {
		const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		*length = 16;
		return IN6_IS_ADDR_LINKLOCAL(six) || IN6_IS_ADDR_SITELOCAL(six) ? NULL : six->s6_addr;
	}
	return NULL;
}

static bool tell_link(struct json *json, const struct ifaddrs *entry)
{
	size_t length, mask_length;
	const uint8_t *address = address_bytes(entry->ifa_addr, &length), *mask = address_bytes(entry->ifa_netmask, &mask_length);
	if (!address || !mask || (entry->ifa_flags & IFF_LOOPBACK) || !(entry->ifa_flags & IFF_UP))
		return false;
	char text[INET6_ADDRSTRLEN];
	int64_t speed, mtu;
	inet_ntop(entry->ifa_addr->sa_family, address, text, sizeof(text));
	bool has_speed = read_link_number(entry->ifa_name, "speed", &speed) && speed > 0;
	read_link_number(entry->ifa_name, "mtu", &mtu);
	json_open_object(json, NULL);
	json_string(json, "name", entry->ifa_name);
	json_string(json, "address", text);
	json_u64(json, "prefix", prefix_length(mask, mask_length));
	if (has_speed)
		json_i64(json, "speedMbit", speed);
	else
		json_null(json, "speedMbit");
	json_i64(json, "mtu", mtu);
	json_close_object(json);
	return true;
}

static void tell_links(struct json *json)
{
	struct ifaddrs *entries = NULL;
	json_open_array(json, "links");
	if (getifaddrs(&entries) != 0)
		entries = NULL;
	int links = 0;
	for (const struct ifaddrs *entry = entries; entry && links < LINKS_MAX; entry = entry->ifa_next)
		links += tell_link(json, entry);
	if (entries)
		freeifaddrs(entries);
	json_close_array(json);
}

static void tell_problem(struct json *json, const char *severity, const char *code, const char *message, const char *action)
{
	json_open_object(json, NULL);
	json_string(json, "code", code);
	json_string(json, "severity", severity);
	json_string(json, "message", message);
	json_string(json, "action", action);
	json_close_object(json);
}

static void tell_xen_problems(struct json *json, const struct probe *probe)
{
	bool old = probe->version.major < 4 || (probe->version.major == 4 && probe->version.minor < 14);
	if (old)
		tell_problem(json, "error", "xl-too-old", "this Xen is older than 4.14, the oldest this agent was made for",
			"Upgrade Xen and its tools.");
	if (!probe->machine.hap && !probe->machine.shadow)
		tell_problem(json, "error", "log-dirty", "Xen cannot log the pages that guests dirty on this machine",
			"Switch hardware virtualization with nested paging on in the firmware.");
	if (!probe->machine.shadow)
		tell_problem(json, "warning", "pv-log-dirty",
			"this Xen is built without shadow paging, so PV guests cannot be migrated alive from here",
			"Use PVH or HVM guests.");
	if (probe->free_bytes < LOW_MEMORY_BYTES)
		tell_problem(json, "warning", "low-memory", "less than 128 MiB of memory is free: no guest can be received here",
			"Shut a guest down, or give dom0 less memory (dom0_mem=).");
}

static void tell_problems(struct json *json, const struct probe *probe)
{
	json_open_array(json, "problems");
	bool only_root_is_missing = probe->no_xen.code && strcmp(probe->no_xen.code, ERR_NOT_ROOT) == 0;
	if (!probe->root && !only_root_is_missing)
		tell_problem(json, "error", ERR_NOT_ROOT, "the agent does not run as root",
			"Connect as root, or as a user who may use sudo.");
	if (probe->has_xen)
		tell_xen_problems(json, probe);
	else
		tell_problem(json, "error", probe->no_xen.code, probe->no_xen.message, probe->no_xen.action);
	if (probe->no_xl.code)
		tell_problem(json, "error", probe->no_xl.code, probe->no_xl.message, probe->no_xl.action);
	if (probe->agent_free_bytes < LOW_DISK_BYTES)
		tell_problem(json, "warning", "low-disk", "the agent's file system is nearly full", "Free some space there.");
	json_close_array(json);
}

static void tell(struct probe *probe)
{
	struct json json;
	json_start(&json, "probe");
	json_u64(&json, "protocol", ME2_PROTOCOL);
	json_string(&json, "hostname", probe->hostname);
	json_string(&json, "kernel", probe->system.release);
	json_bool(&json, "root", probe->root);
	tell_xen(&json, probe);
	tell_xl(&json, probe);
	json_u64(&json, "cpus", probe->machine.cpus);
	json_u64(&json, "totalBytes", probe->total_bytes);
	json_u64(&json, "freeBytes", probe->free_bytes);
	json_u64(&json, "dom0Bytes", probe->dom0_bytes);
	tell_cpu(&json, probe);
	json_u64(&json, "agentDirFreeBytes", probe->agent_free_bytes);
	json_open_object(&json, "logDirty");
	json_bool(&json, "hvm", probe->machine.hap || probe->machine.shadow);
	json_bool(&json, "pv", probe->machine.shadow);
	json_close_object(&json);
	tell_links(&json);
	tell_problems(&json, probe);
	json_print(&json);
}

int cmd_probe(int argc, char **argv)
{
	static struct probe probe;
	struct error err = {0};
	if (!options_parse(NULL, 0, argc, argv, NULL, 0, NULL, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	gethostname(probe.hostname, sizeof(probe.hostname) - 1);
	uname(&probe.system);
	probe.root = geteuid() == 0;
	probe_xen(&probe);
	probe_xl(&probe);
	probe_cpu(&probe);
	probe_memory(&probe);
	probe_disk(&probe);
	tell(&probe);
	return 0;
}
