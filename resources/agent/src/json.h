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
void json_us(struct json *json, const char *name, uint64_t nanoseconds);  /* microseconds, 3 decimals */
void json_ms(struct json *json, const char *name, uint64_t nanoseconds);  /* milliseconds, 3 decimals */
/* "cpuMs":{"agent":…,"xl":…} */
void json_cpu(struct json *json, uint64_t agent_ns, uint64_t xl_ns);
void json_fraction(struct json *json, const char *name, uint64_t part, uint64_t whole); /* 0 … 1, 4 decimals; whole 0: 0 */
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
void json_open_object(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);

/* Closes the object and adds the newline; NULL if it overflowed. The text belongs to `json` until json_free(). */
const char *json_finish(struct json *json);
void json_free(struct json *json);

/* json_finish() + one write + json_free(). A line that `fd` cannot take at once is dropped where `fd` is non-blocking: a
 * console that does not read must not hold a migration up. */
void json_write(struct json *json, int fd);

/* json_write() to stdout. */
void json_print(struct json *json);

/* `{"t":"error",…}`. */
struct error;
void json_write_error(const struct error *err, int fd);

#endif
