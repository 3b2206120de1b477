/*
 * json.h - builds one JSON line in memory. Write-only: the agent never parses JSON.
 *
 * A line is bounded (JSON_LINE_MAX); what does not fit makes json_finish() fail rather than emit half an object.
 * Strings are escaped; bytes that are not valid UTF-8 are replaced by U+FFFD, for guests and hosts are not trusted.
 */
#ifndef ME2_JSON_H
#define ME2_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_LINE_MAX 262144

struct json {
	char *text;      /* heap, JSON_LINE_MAX bytes */
	size_t length;
	bool overflow;
	bool comma;      /* a comma is due before the next member */
};

/* Starts `{"t":KIND`. */
void json_start(struct json *json, const char *kind);

/* Members; `name` is NULL inside an array. */
void json_string(struct json *json, const char *name, const char *value); /* NULL value: null */
void json_u64(struct json *json, const char *name, uint64_t value);
void json_i64(struct json *json, const char *name, int64_t value);
void json_ms(struct json *json, const char *name, uint64_t nanoseconds);  /* milliseconds, 3 decimals */
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
void json_open_object(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);

/* Closes the object and adds the newline; NULL if it overflowed. The text belongs to `json` until json_free(). */
const char *json_finish(struct json *json);
void json_free(struct json *json);

/* json_finish() + write to stdout in one write + json_free(). */
void json_print(struct json *json);

#endif
