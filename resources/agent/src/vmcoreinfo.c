#include "vmcoreinfo.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_KEY "OSRELEASE="
#define KEY_MAX 96
#define VALUE_MAX 32 /* of a number, in characters */

bool vmcoreinfo_starts(const uint8_t *bytes, size_t length)
{
	size_t known = sizeof(FIRST_KEY) - 1;
	return length >= known && memcmp(bytes, FIRST_KEY, known) == 0;
}

static bool is_note_text(const char *text)
{
	for (; *text; text++)
		if (*text != '\n' && !isprint((unsigned char)*text))
			return false;
	return true;
}

bool vmcoreinfo_parse(struct vmcoreinfo *note, const uint8_t *bytes, size_t length, struct error *err)
{
	if (length > VMCOREINFO_BYTES)
		length = VMCOREINFO_BYTES;
	note->text[0] = '\n';
	memcpy(note->text + 1, bytes, length);
	note->text[length + 1] = '\0';

	char page_bytes[8];
	if (!vmcoreinfo_starts((const uint8_t *)note->text + 1, length) || !is_note_text(note->text))
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "the guest has no readable VMCOREINFO note");
	if (!vmcoreinfo_text(note, "PAGESIZE", page_bytes, sizeof(page_bytes)) || strcmp(page_bytes, "4096") != 0)
		return error_set(err, ERR_NOT_UNDERSTOOD, "", "the guest's kernel does not use 4096-byte pages");
	return true;
}

/* Where the value of `key` starts, NULL if there is no such line. */
static const char *find_value(const struct vmcoreinfo *note, const char *key)
{
	char line[KEY_MAX];
	int length = snprintf(line, sizeof(line), "\n%s=", key);
	if (length < 0 || (size_t)length >= sizeof(line))
		return NULL;
	const char *found = strstr(note->text, line);
	return found ? found + length : NULL;
}

bool vmcoreinfo_text(const struct vmcoreinfo *note, const char *key, char *value, size_t capacity)
{
	const char *found = find_value(note, key);
	if (!found)
		return false;
	snprintf(value, capacity, "%.*s", (int)strcspn(found, "\n"), found);
	return true;
}

static bool parse_whole(const char *text, int base, uint64_t *number)
{
	const char *digits = base == 0 && *text == '-' ? text + 1 : text;
	if (!isxdigit((unsigned char)*digits))
		return false;
	char *end;
	errno = 0;
	*number = strtoull(text, &end, base);
	return errno == 0 && *end == '\0';
}

static bool get(const struct vmcoreinfo *note, const char *kind, const char *name, int base, uint64_t *number)
{
	char key[KEY_MAX], value[VALUE_MAX];
	snprintf(key, sizeof(key), "%s(%s)", kind, name);
	const char *found = find_value(note, key);
	if (!found || strcspn(found, "\n") >= sizeof(value))
		return false;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\n"), found);
	return parse_whole(value, base, number);
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *note, const char *name, uint64_t *address)
{
	return get(note, "SYMBOL", name, 16, address);
}

bool vmcoreinfo_number(const struct vmcoreinfo *note, const char *name, int64_t *number)
{
	uint64_t bits;
	if (!get(note, "NUMBER", name, 0, &bits))
		return false;
	*number = (int64_t)bits;
	return true;
}

bool vmcoreinfo_offset(const struct vmcoreinfo *note, const char *name, uint64_t *bytes)
{
	return get(note, "OFFSET", name, 10, bytes);
}

bool vmcoreinfo_size(const struct vmcoreinfo *note, const char *name, uint64_t *bytes)
{
	return get(note, "SIZE", name, 10, bytes);
}

bool vmcoreinfo_length(const struct vmcoreinfo *note, const char *name, uint64_t *entries)
{
	return get(note, "LENGTH", name, 10, entries);
}
