/*
 * options.h - the command line: `--name value` and `--flag`, checked against a table. Nothing is abbreviated, every
 * value has limits, an unknown or repeated option is an error.
 */
#ifndef ME2_OPTIONS_H
#define ME2_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum option_kind {
	OPTION_FLAG,   /* bool *: set to `flag_value` */
	OPTION_NUMBER, /* uint64_t *: decimal, minimum … maximum */
	OPTION_TEXT,   /* char *: printable ASCII, at most maximum - 1 characters */
	OPTION_CHOICE  /* int *: index into `choices` */
};

struct option {
	const char *name; /* with its dashes */
	enum option_kind kind;
	void *value;
	uint64_t minimum, maximum;
	bool flag_value;
	const char *const *choices; /* NULL-terminated */
	bool required;
	bool seen; /* filled by options_parse() */
};

/* Parses argv[0 … argc) (program and command names already removed). Arguments that do not start with `--` go to
 * `operands` (at most `operand_capacity`; more is an error). False with ERR_USAGE. */
bool options_parse(struct option *options, size_t count, int argc, char **argv, const char **operands,
	size_t operand_capacity, size_t *operand_count, struct error *err);

/* Decimal, nothing else. */
bool parse_number(const char *text, uint64_t *value);

#endif
