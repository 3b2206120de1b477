/* cmd_domains.c - `domains`: the domains of this host. */
#include <unistd.h>

#include "commands.h"
#include "domain_json.h"
#include "json.h"
#include "options.h"
#include "xen.h"

#define DOMAINS_MAX 512u

int cmd_domains(int argc, char **argv)
{
	static struct xen_domain domains[DOMAINS_MAX];
	struct error err = {0};
	bool understood = options_parse(NULL, 0, argc, argv, NULL, 0, NULL, &err);
	struct xen *xen = understood ? xen_open(&err) : NULL;
	int count = xen ? xen_domains(xen, domains, DOMAINS_MAX, &err) : -1;
	xen_close(xen);
	if (count < 0) {
		json_write_error(&err, STDOUT_FILENO);
		return understood ? 1 : 2;
	}
	struct json json;
	json_start(&json, "domains");
	json_open_array(&json, "domains");
	for (int i = 0; i < count; i++)
		json_domain(&json, NULL, &domains[i]);
	json_close_array(&json);
	json_print(&json);
	return 0;
}
