#include "migrate_options.h"

#include <string.h>

#include "compress.h"
#include "guest.h"
#include "options.h"

static const char *const modes[] = {"stock", "me2", NULL};   /* enum job_mode */
static const char *const encoders[] = {"rle", "none", "delta", "lz4", "zstd", "auto", NULL}; /* enum job_encoder */
static const char *const links[] = {"sealed", "plain", "ssh", NULL}; /* enum link_kind */

#define DEFAULT_LEVEL 3u
#define DEFAULT_CACHE_MIB 64u
#define CACHE_MIB_MAX (LINK_CACHE_PAGES_MAX / (1048576u / PAGE_BYTES))
#define NOT_GIVEN UINT64_MAX

/* What was not said, and whether what was said makes sense together. */
static bool settle_encoder(struct migrate_options *parsed, struct error *err)
{
	bool lives_on_cache = parsed->encoder == JOB_DELTA || parsed->encoder == JOB_AUTO;
	if (parsed->level != NOT_GIVEN && parsed->encoder != JOB_ZSTD)
		return error_set(err, ERR_USAGE, "Leave it out, or choose --encoder zstd.", "--level belongs to --encoder zstd");
	if (parsed->level == NOT_GIVEN)
		parsed->level = parsed->encoder == JOB_ZSTD ? DEFAULT_LEVEL : 0;
	if (parsed->cache_mib == NOT_GIVEN)
		parsed->cache_mib = lives_on_cache ? DEFAULT_CACHE_MIB : 0;
	if (parsed->encoder == JOB_DELTA && !parsed->cache_mib)
		return error_set(err, ERR_USAGE, "Give more, leave --cache out, or choose another encoder.", "--encoder delta needs a --cache of at least 1");
	return true;
}

static bool check_disk(const struct migrate_options *parsed, struct error *err)
{
	if (!parsed->disk[0] != !parsed->disk_to[0])
		return error_set(err, ERR_USAGE, "Give both or neither.", "--disk and --disk-to belong together");
	return !parsed->disk[0] || parsed->link != LINK_STDIO
		|| error_set(err, ERR_USAGE, "Use --link sealed.", "a disk does not travel over ssh");
}

static const struct migrate_options defaults = {
	.owner = "another console",
	.remote_agent = "/run/me2/agent",
	.stall_s = 15,
	.level = NOT_GIVEN,
	.cache_mib = NOT_GIVEN,
	.verify = true,
	.scrub = true,
};

bool migrate_options_parse(struct migrate_options *parsed, int argc, char **argv, struct error *err)
{
	*parsed = defaults;
	struct option table[] = {
		{.name = "--domain", .kind = OPTION_TEXT, .value = parsed->domain, .maximum = sizeof(parsed->domain), .required = true},
		{.name = "--to", .kind = OPTION_TEXT, .value = parsed->to, .maximum = sizeof(parsed->to), .required = true},
		{.name = "--mode", .kind = OPTION_CHOICE, .value = &parsed->mode, .choices = modes, .required = true},
		{.name = "--encoder", .kind = OPTION_CHOICE, .value = &parsed->encoder, .choices = encoders},
		{.name = "--level", .kind = OPTION_NUMBER, .value = &parsed->level, .minimum = 1, .maximum = COMPRESS_LEVEL_MAX},
		{.name = "--cache", .kind = OPTION_NUMBER, .value = &parsed->cache_mib, .minimum = 0, .maximum = CACHE_MIB_MAX},
		{.name = "--disk", .kind = OPTION_TEXT, .value = parsed->disk, .maximum = sizeof(parsed->disk)},
		{.name = "--disk-to", .kind = OPTION_TEXT, .value = parsed->disk_to, .maximum = sizeof(parsed->disk_to)},
		{.name = "--link", .kind = OPTION_CHOICE, .value = &parsed->link, .choices = links},
		{.name = "--remote-agent", .kind = OPTION_TEXT, .value = parsed->remote_agent, .maximum = sizeof(parsed->remote_agent)},
		{.name = "--rate", .kind = OPTION_NUMBER, .value = &parsed->rate_mbit, .minimum = 1, .maximum = 400000},
		{.name = "--stall", .kind = OPTION_NUMBER, .value = &parsed->stall_s, .minimum = 2, .maximum = 600},
		{.name = "--hold", .kind = OPTION_NUMBER, .value = &parsed->hold_s, .minimum = 0, .maximum = 3600},
		{.name = "--owner", .kind = OPTION_TEXT, .value = parsed->owner, .maximum = sizeof(parsed->owner)},
		{.name = "--no-verify", .kind = OPTION_FLAG, .value = &parsed->verify, .flag_value = false},
		{.name = "--no-scrub", .kind = OPTION_FLAG, .value = &parsed->scrub, .flag_value = false},
	};
	return options_parse(table, sizeof(table) / sizeof(table[0]), argc, argv, NULL, 0, NULL, err)
		&& settle_encoder(parsed, err) && check_disk(parsed, err);
}

bool disk_send_options_parse(struct migrate_options *parsed, int argc, char **argv, struct error *err)
{
	*parsed = defaults;
	struct option table[] = {
		{.name = "--disk", .kind = OPTION_TEXT, .value = parsed->disk, .maximum = sizeof(parsed->disk), .required = true},
		{.name = "--disk-to", .kind = OPTION_TEXT, .value = parsed->disk_to, .maximum = sizeof(parsed->disk_to), .required = true},
		{.name = "--mode", .kind = OPTION_CHOICE, .value = &parsed->mode, .choices = modes, .required = true},
		{.name = "--encoder", .kind = OPTION_CHOICE, .value = &parsed->encoder, .choices = encoders},
		{.name = "--level", .kind = OPTION_NUMBER, .value = &parsed->level, .minimum = 1, .maximum = COMPRESS_LEVEL_MAX},
		{.name = "--cache", .kind = OPTION_NUMBER, .value = &parsed->cache_mib, .minimum = 0, .maximum = CACHE_MIB_MAX},
		{.name = "--link", .kind = OPTION_CHOICE, .value = &parsed->link, .choices = links},
		{.name = "--rate", .kind = OPTION_NUMBER, .value = &parsed->rate_mbit, .minimum = 1, .maximum = 400000},
		{.name = "--stall", .kind = OPTION_NUMBER, .value = &parsed->stall_s, .minimum = 2, .maximum = 600},
		{.name = "--no-verify", .kind = OPTION_FLAG, .value = &parsed->verify, .flag_value = false},
	};
	return options_parse(table, sizeof(table) / sizeof(table[0]), argc, argv, NULL, 0, NULL, err)
		&& settle_encoder(parsed, err) && check_disk(parsed, err);
}

const char *job_encoder_name(int encoder)
{
	return encoders[encoder];
}

void migrate_options_apply(const struct migrate_options *parsed, struct job *to)
{
	to->mode = parsed->mode;
	to->encoder = parsed->encoder;
	to->level = parsed->level;
	to->cache_mib = parsed->cache_mib;
	to->link = parsed->link;
	memcpy(to->to, parsed->to, sizeof(to->to));
	memcpy(to->remote_agent, parsed->remote_agent, sizeof(to->remote_agent));
	to->rate_mbit = parsed->rate_mbit;
	to->stall_s = parsed->stall_s;
	to->hold_s = parsed->hold_s;
	to->verify = parsed->verify;
	to->scrub = parsed->scrub;
}
