#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "io.h"

static void append(struct json *json, const char *bytes, size_t length)
{
	if (json->overflow || json->length + length + 2 > JSON_LINE_MAX) { /* room for "\n\0" */
		json->overflow = true;
		return;
	}
	memcpy(json->text + json->length, bytes, length);
	json->length += length;
}

static void append_text(struct json *json, const char *text)
{
	append(json, text, strlen(text));
}

/* Length of the valid UTF-8 sequence at `s`, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
		: s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	bool beyond = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
	return overlong || beyond ? 0 : length;
}

static void append_quoted(struct json *json, const char *value)
{
	append_text(json, "\"");
	for (const unsigned char *s = (const unsigned char *)value; *s;) {
		size_t length = utf8_length(s);
		char escaped[8];
		if (!length) {
			append_text(json, "\\ufffd");
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\') {
			snprintf(escaped, sizeof(escaped), "\\%c", *s);
			append_text(json, escaped);
		} else if (*s < 0x20 || *s == 0x7f) {
			snprintf(escaped, sizeof(escaped), "\\u%04x", *s);
			append_text(json, escaped);
		} else {
			append(json, (const char *)s, length);
		}
		s += length;
	}
	append_text(json, "\"");
}

static void member(struct json *json, const char *name)
{
	if (json->comma)
		append_text(json, ",");
	json->comma = true;
	if (name) {
		append_quoted(json, name);
		append_text(json, ":");
	}
}

void json_start(struct json *json, const char *kind)
{
	*json = (struct json){.text = malloc(JSON_LINE_MAX)};
	if (!json->text)
		abort();
	append_text(json, "{");
	json_string(json, "t", kind);
}

void json_string(struct json *json, const char *name, const char *value)
{
	member(json, name);
	if (value)
		append_quoted(json, value);
	else
		append_text(json, "null");
}

void json_u64(struct json *json, const char *name, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	member(json, name);
	append_text(json, text);
}

void json_i64(struct json *json, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	member(json, name);
	append_text(json, text);
}

void json_ms(struct json *json, const char *name, uint64_t nanoseconds)
{
	char text[40];
	snprintf(text, sizeof(text), "%" PRIu64 ".%03u", nanoseconds / 1000000, (unsigned)(nanoseconds / 1000 % 1000));
	member(json, name);
	append_text(json, text);
}

void json_us(struct json *json, const char *name, uint64_t nanoseconds)
{
	json_ms(json, name, nanoseconds * 1000);
}

void json_cpu(struct json *json, uint64_t agent_ns, uint64_t xl_ns)
{
	json_open_object(json, "cpuMs");
	json_ms(json, "agent", agent_ns);
	json_ms(json, "xl", xl_ns);
	json_close_object(json);
}

void json_fraction(struct json *json, const char *name, uint64_t part, uint64_t whole)
{
	char text[40];
	snprintf(text, sizeof(text), "%.4f", whole ? (double)part / (double)whole : 0.0);
	member(json, name);
	append_text(json, text);
}

void json_bool(struct json *json, const char *name, bool value)
{
	member(json, name);
	append_text(json, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
	json_string(json, name, NULL);
}

static void open_with(struct json *json, const char *name, const char *bracket)
{
	member(json, name);
	append_text(json, bracket);
	json->comma = false;
}

static void close_with(struct json *json, const char *bracket)
{
	append_text(json, bracket);
	json->comma = true;
}

void json_open_object(struct json *json, const char *name)
{
	open_with(json, name, "{");
}

void json_close_object(struct json *json)
{
	close_with(json, "}");
}

void json_open_array(struct json *json, const char *name)
{
	open_with(json, name, "[");
}

void json_close_array(struct json *json)
{
	close_with(json, "]");
}

const char *json_finish(struct json *json)
{
	append_text(json, "}");
	if (json->overflow)
		return NULL;
	json->text[json->length++] = '\n';
	json->text[json->length] = '\0';
	return json->text;
}

void json_free(struct json *json)
{
	free(json->text);
	json->text = NULL;
}

void json_write(struct json *json, int fd)
{
	const char *line = json_finish(json);
	if (line)
		io_write_all(fd, line, json->length);
	json_free(json);
}

void json_print(struct json *json)
{
	json_write(json, STDOUT_FILENO);
}

void json_write_error(const struct error *err, int fd)
{
	struct json json;
	json_start(&json, "error");
	json_string(&json, "code", err->code);
	json_string(&json, "message", err->message);
	json_string(&json, "action", err->action);
	json_write(&json, fd);
}
