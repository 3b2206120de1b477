/* cmd_load.c - `load`: how busy the host and its domains are, as counters since boot, every so often. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "guest.h"
#include "io.h"
#include "json.h"
#include "options.h"
#include "xen.h"

#define DOMAINS_MAX 512u
#define INTERFACES_MAX 256

struct load {
	struct xen *xen;
	struct xen_domain domains[DOMAINS_MAX];
	int domain_count;
	struct xen_machine machine;
	uint64_t start_busy_ns;   /* what the domains had used when we came */
	uint64_t start_not_idle;  /* cpus * clock - idle at that time; wraps, only differences count */
	uint64_t busy_ns;
	uint64_t rx_bytes, tx_bytes;
};

/* Cards only: what a bridge or a guest's interface carries would count twice. */
static bool is_network_card(const char *name)
{
	char path[300];
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", name);
	return access(path, F_OK) == 0 && strncmp(name, "vif", 3) != 0;
}

static uint64_t read_counter(const char *interface, const char *counter)
{
	char path[300];
	unsigned long long value = 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", interface, counter);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%20llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static void read_network(struct load *load)
{
	load->rx_bytes = load->tx_bytes = 0;
	DIR *directory = opendir("/sys/class/net");
	if (!directory)
		return;
	struct dirent *entry;
	for (int seen = 0; seen < INTERFACES_MAX && (entry = readdir(directory)); seen++) {
		if (entry->d_name[0] == '.' || !is_network_card(entry->d_name))
			continue;
		load->rx_bytes += read_counter(entry->d_name, "rx_bytes");
		load->tx_bytes += read_counter(entry->d_name, "tx_bytes");
	}
	closedir(directory);
}

static bool read_not_idle(struct load *load, uint64_t *not_idle, struct error *err)
{
	uint64_t idle_ns;
	if (!xen_idle_ns(load->xen, &idle_ns, err))
		return false;
	*not_idle = load->machine.cpus * clock_ns() - idle_ns;
	return true;
}

static bool read_domains(struct load *load, struct error *err)
{
	load->domain_count = xen_domains(load->xen, load->domains, DOMAINS_MAX, err);
	return load->domain_count >= 0 && xen_get_machine(load->xen, &load->machine, err);
}

/* Xen tells how long its CPUs were idle, not busy, and dom0's clock started later than Xen's. So the count begins at what
 * the domains have used so far and goes on with what the CPUs were not idle since: it never falls when a domain ends. */
static bool begin(struct load *load, struct error *err)
{
	if (!read_domains(load, err) || !read_not_idle(load, &load->start_not_idle, err))
		return false;
	for (int i = 0; i < load->domain_count; i++)
		load->start_busy_ns += load->domains[i].cpu_ns;
	return true;
}

static bool update(struct load *load, struct error *err)
{
	uint64_t not_idle;
	if (!read_domains(load, err) || !read_not_idle(load, &not_idle, err))
		return false;
	int64_t since = (int64_t)(not_idle - load->start_not_idle);
	load->busy_ns = load->start_busy_ns + (since > 0 ? (uint64_t)since : 0);
	read_network(load);
	return true;
}

static void report(const struct load *load)
{
	struct json json;
	json_start(&json, "load");
	json_u64(&json, "ns", clock_ns());
	json_u64(&json, "cpuBusyNs", load->busy_ns);
	json_u64(&json, "cpus", load->machine.cpus);
	json_u64(&json, "freeBytes", load->machine.free_pages * PAGE_BYTES);
	json_u64(&json, "totalBytes", load->machine.total_pages * PAGE_BYTES);
	json_u64(&json, "netRxBytes", load->rx_bytes);
	json_u64(&json, "netTxBytes", load->tx_bytes);
	json_open_array(&json, "domains");
	for (int i = 0; i < load->domain_count; i++) {
		json_open_object(&json, NULL);
		json_u64(&json, "domid", load->domains[i].domid);
		json_string(&json, "name", load->domains[i].name);
		json_u64(&json, "cpuNs", load->domains[i].cpu_ns);
		json_u64(&json, "memoryBytes", load->domains[i].pages * PAGE_BYTES);
		json_close_object(&json);
	}
	json_close_array(&json);
	json_print(&json);
}

int cmd_load(int argc, char **argv)
{
	static struct load load;
	uint64_t every_ms;
	struct option options[] = {
		{.name = "--every", .kind = OPTION_NUMBER, .value = &every_ms, .minimum = 50, .maximum = 60000, .required = true},
	};
	struct error err = {0};
	if (!options_parse(options, 1, argc, argv, NULL, 0, NULL, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	load.xen = xen_open(&err);
	bool good = load.xen && begin(&load, &err);
	while (good && (good = update(&load, &err))) {
		report(&load);
		if (io_wait_end(STDIN_FILENO, every_ms))
			break;
	}
	if (!good)
		json_write_error(&err, STDOUT_FILENO);
	xen_close(load.xen);
	return good ? 0 : 1;
}
