#include "migrate_options.h"

#include <string.h>

#include "options.h"

static const char *const modes[] = {"stock", "me2", NULL};   /* enum job_mode */
static const char *const encoders[] = {"rle", "none", NULL}; /* enum page_encoder */
static const char *const links[] = {"sealed", "plain", "ssh", NULL}; /* enum link_kind */

bool migrate_options_parse(struct migrate_options *parsed, int argc, char **argv, struct error *err)
{
	*parsed = (struct migrate_options){
		.owner = "another console",
		.remote_agent = "/run/me2/agent",
		.stall_s = 15,
		.verify = true,
		.scrub = true,
	};
	struct option table[] = {
		{.name = "--domain", .kind = OPTION_TEXT, .value = parsed->domain, .maximum = sizeof(parsed->domain), .required = true},
		{.name = "--to", .kind = OPTION_TEXT, .value = parsed->to, .maximum = sizeof(parsed->to), .required = true},
		{.name = "--mode", .kind = OPTION_CHOICE, .value = &parsed->mode, .choices = modes, .required = true},
		{.name = "--encoder", .kind = OPTION_CHOICE, .value = &parsed->encoder, .choices = encoders},
		{.name = "--link", .kind = OPTION_CHOICE, .value = &parsed->link, .choices = links},
		{.name = "--remote-agent", .kind = OPTION_TEXT, .value = parsed->remote_agent, .maximum = sizeof(parsed->remote_agent)},
		{.name = "--rate", .kind = OPTION_NUMBER, .value = &parsed->rate_mbit, .minimum = 1, .maximum = 400000},
		{.name = "--stall", .kind = OPTION_NUMBER, .value = &parsed->stall_s, .minimum = 2, .maximum = 600},
		{.name = "--hold", .kind = OPTION_NUMBER, .value = &parsed->hold_s, .minimum = 0, .maximum = 3600},
		{.name = "--owner", .kind = OPTION_TEXT, .value = parsed->owner, .maximum = sizeof(parsed->owner)},
		{.name = "--no-verify", .kind = OPTION_FLAG, .value = &parsed->verify, .flag_value = false},
		{.name = "--no-scrub", .kind = OPTION_FLAG, .value = &parsed->scrub, .flag_value = false},
	};
	return options_parse(table, sizeof(table) / sizeof(table[0]), argc, argv, NULL, 0, NULL, err);
}

void migrate_options_apply(const struct migrate_options *parsed, struct job *to)
{
	to->mode = parsed->mode;
	to->encoder = parsed->encoder;
	to->link = parsed->link;
	memcpy(to->to, parsed->to, sizeof(to->to));
	memcpy(to->remote_agent, parsed->remote_agent, sizeof(to->remote_agent));
	to->rate_mbit = parsed->rate_mbit;
	to->stall_s = parsed->stall_s;
	to->hold_s = parsed->hold_s;
	to->verify = parsed->verify;
	to->scrub = parsed->scrub;
}
