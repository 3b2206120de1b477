#include "lvm2_text.h"

#include <ctype.h>
#include <string.h>

struct parser {
	const char *at, *end;
	char sections[LVM2_DEPTH_MAX][LVM2_NAME_BYTES];
	unsigned depth;
	bool (*take)(void *context, const struct lvm2_value *value);
	void *context;
};

static void skip_blanks(struct parser *parser)
{
	while (parser->at < parser->end) {
		if (*parser->at == '#')
			while (parser->at < parser->end && *parser->at != '\n')
				parser->at++;
		else if (isspace((unsigned char)*parser->at))
			parser->at++;
		else
			return;
	}
}

/* Steps over `character` if it comes next. */
static bool skip(struct parser *parser, char character)
{
	skip_blanks(parser);
	if (parser->at == parser->end || *parser->at != character)
		return false;
	parser->at++;
	return true;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '+' || c == '-' || c == '/';
}

static bool read_name(struct parser *parser, char *name)
{
	size_t length = 0;
	skip_blanks(parser);
	while (parser->at < parser->end && is_name(*parser->at)) {
		if (length == LVM2_NAME_BYTES - 1)
			return false;
		name[length++] = *parser->at++;
	}
	name[length] = '\0';
	return length > 0;
}

static bool read_string(struct parser *parser, char *string)
{
	size_t length = 0;
	while (parser->at < parser->end && *parser->at != '"') {
		if (*parser->at == '\\' && parser->at + 1 < parser->end)
			parser->at++;
		if (length < LVM2_NAME_BYTES - 1)
			string[length++] = *parser->at;
		parser->at++;
	}
	string[length] = '\0';
	return skip(parser, '"');
}

static bool read_number(struct parser *parser, uint64_t *number)
{
	const char *start = parser->at;
	bool plain = true;
	for (*number = 0; parser->at < parser->end && is_name(*parser->at); parser->at++) {
		unsigned digit = (unsigned)(*parser->at - '0');
		plain = plain && digit <= 9 && *number <= (UINT64_MAX - 9) / 10;
		*number = plain ? *number * 10 + digit : LVM2_NO_NUMBER;
	}
	return parser->at > start;
}

static bool read_value(struct parser *parser, const char *key, unsigned index)
{
	char string[LVM2_NAME_BYTES];
	struct lvm2_value value = {.sections = (const char(*)[LVM2_NAME_BYTES])parser->sections, .depth = parser->depth,
		.key = key, .index = index};
	skip_blanks(parser);
	if (skip(parser, '"')) {
		value.string = string;
		return read_string(parser, string) && parser->take(parser->context, &value);
	}
	return read_number(parser, &value.number) && parser->take(parser->context, &value);
}

static bool read_assignment(struct parser *parser, const char *key)
{
	if (!skip(parser, '['))
		return read_value(parser, key, 0);
	for (unsigned index = 0; !skip(parser, ']'); index++)
		if ((index && !skip(parser, ',')) || !read_value(parser, key, index))
			return false;
	return true;
}

static bool open_section(struct parser *parser, const char *name)
{
	if (parser->depth == LVM2_DEPTH_MAX)
		return false;
	strcpy(parser->sections[parser->depth++], name);
	return true;
}

bool lvm2_text_parse(const char *text, size_t length, bool (*take)(void *context, const struct lvm2_value *value), void *context)
{
	struct parser parser = {.at = text, .end = text + length, .take = take, .context = context};
	char name[LVM2_NAME_BYTES];
	for (skip_blanks(&parser); parser.at < parser.end && *parser.at; skip_blanks(&parser)) {
		if (skip(&parser, '}')) {
			if (parser.depth-- == 0)
				return false;
			continue;
		}
		if (!read_name(&parser, name))
			return false;
		bool good = skip(&parser, '=') ? read_assignment(&parser, name) : skip(&parser, '{') && open_section(&parser, name);
		if (!good)
			return false;
	}
	return parser.depth == 0;
}
