#include "domain_json.h"

#include <stdio.h>

#include "guest.h"

static void format_uuid(const uint8_t uuid[16], char text[37])
{
	size_t used = 0;
	for (int i = 0; i < 16; i++)
		used += (size_t)snprintf(text + used, 37 - used, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

void json_domain(struct json *json, const char *name, const struct xen_domain *domain)
{
	char uuid[37];
	format_uuid(domain->uuid, uuid);
	json_open_object(json, name);
	json_u64(json, "domid", domain->domid);
	json_string(json, "name", domain->name);
	json_string(json, "uuid", uuid);
	json_string(json, "kind", xen_kind_name(domain->kind));
	json_string(json, "state", xen_state_name(domain->state));
	json_u64(json, "memoryBytes", domain->pages * PAGE_BYTES);
	json_u64(json, "maxMemoryBytes", domain->max_pages * PAGE_BYTES);
	json_u64(json, "vcpus", domain->vcpus);
	json_u64(json, "cpuNs", domain->cpu_ns);
	json_close_object(json);
}
