#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

enum { PAGES_PER_MIB = (1 << 20) / PAGE_BYTES, MAX_PER_SECOND = 1000000, MAX_WEIGHT = 1000 };

static bool parse_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return !errno && *end == '\0' && *number <= max;
}

static bool parse_mib(const char *text, size_t *pages)
{
	unsigned long mib;
	if (!parse_number(text, SETTINGS_MAX_PAGES / PAGES_PER_MIB, &mib))
		return false;
	*pages = mib * PAGES_PER_MIB;
	return true;
}

static bool parse_rate(const char *text, unsigned *per_second)
{
	unsigned long number;
	if (!parse_number(text, MAX_PER_SECOND, &number))
		return false;
	*per_second = (unsigned)number;
	return true;
}

static bool parse_share(char *item, struct content_mix *mix)
{
	unsigned long weight;
	char *colon = strchr(item, ':');
	if (!colon || !parse_number(colon + 1, MAX_WEIGHT, &weight))
		return false;
	*colon = '\0';
	for (int kind = 0; kind < CONTENT_KINDS; kind++) {
		if (strcmp(item, content_names[kind]))
			continue;
		mix->weight[kind] = (unsigned)weight;
		return true;
	}
	return false;
}

static bool parse_mix(const char *text, struct content_mix *mix)
{
	char list[128], *next = NULL;
	if (strlen(text) >= sizeof list)
		return false;
	strcpy(list, text);
	for (char *item = strtok_r(list, ",", &next); item; item = strtok_r(NULL, ",", &next))
		if (!parse_share(item, mix))
			return false;
	return true;
}

static bool parse_text(const char *text, char *to, size_t size)
{
	if (strlen(text) >= size)
		return false;
	strcpy(to, text);
	return true;
}

static const char *value_of(const char *argument, const char *name)
{
	size_t length = strlen(name);
	return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static bool parse_one(struct settings *settings, const char *argument)
{
	const char *value;
	if ((value = value_of(argument, "memory")))
		return parse_mib(value, &settings->memory_pages);
	if ((value = value_of(argument, "file")))
		return parse_mib(value, &settings->file_pages);
	if ((value = value_of(argument, "hot")))
		return parse_mib(value, &settings->hot_pages);
	if ((value = value_of(argument, "dirty")))
		return parse_rate(value, &settings->dirty_per_second);
	if ((value = value_of(argument, "check")))
		return parse_rate(value, &settings->check_per_second);
	if ((value = value_of(argument, "churn")))
		return parse_rate(value, &settings->churn_per_second);
	if ((value = value_of(argument, "contents")))
		return parse_mix(value, &settings->mix);
	if ((value = value_of(argument, "disk")))
		return (!strcmp(value, "ext4") || !strcmp(value, "xfs")) && parse_text(value, settings->disk, sizeof settings->disk);
	if ((value = value_of(argument, "sync")))
		return settings->never_sync = !strcmp(value, "never");
	if ((value = value_of(argument, "diskwrite")))
		return parse_rate(value, &settings->disk_write_kib);
	if ((value = value_of(argument, "diskcheck")))
		return parse_rate(value, &settings->disk_check_kib);
	if ((value = value_of(argument, "raw")))
		return parse_rate(value, &settings->raw_depth) && settings->raw_depth <= RAW_MAX_DEPTH;
	if ((value = value_of(argument, "heartbeat")))
		return parse_text(value, settings->heartbeat, sizeof settings->heartbeat);
	if ((value = value_of(argument, "hosts")))
		return parse_text(value, settings->hosts, sizeof settings->hosts);
	return false;
}

const char *settings_parse(struct settings *settings, int count, char *const arguments[])
{
	*settings = (struct settings){ 0 };
	for (int i = 0; i < count; i++)
		if (!parse_one(settings, arguments[i]))
			return arguments[i];
	if (settings->raw_depth && !*settings->disk)
		return "raw";
	return settings->hot_pages > settings->memory_pages ? "hot" : NULL;
}
