/* cmd_hold.c - `hold`: keeps this host for one autopilot, until stdin closes. */
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "json.h"
#include "lock.h"
#include "options.h"

#define OWNER_BYTES 101
#define LOOK_MS 60000u

int cmd_hold(int argc, char **argv)
{
	char owner[OWNER_BYTES] = "";
	struct option options[] = {
		{.name = "--owner", .kind = OPTION_TEXT, .value = owner, .maximum = sizeof(owner), .required = true},
	};
	struct error err = {0};
	if (!options_parse(options, 1, argc, argv, NULL, 0, NULL, &err)) {
		json_write_error(&err, STDOUT_FILENO);
		return 2;
	}
	if (lock_autopilot(owner, &err) < 0) {
		json_write_error(&err, STDOUT_FILENO);
		return 1;
	}
	struct json json;
	json_start(&json, "held");
	json_print(&json);
	while (!io_wait_end(STDIN_FILENO, LOOK_MS))
		continue;
	return 0;
}
