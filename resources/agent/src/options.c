#include "options.h"

#include <string.h>

bool parse_number(const char *text, uint64_t *value)
{
	uint64_t result = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		uint64_t digit = (uint64_t)(*text - '0');
		if (result > (UINT64_MAX - digit) / 10)
			return false;
		result = result * 10 + digit;
	}
	*value = result;
	return true;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static bool set_value(struct option *option, const char *text, struct error *err)
{
	switch (option->kind) {
	case OPTION_NUMBER: {
		uint64_t number;
		if (!parse_number(text, &number) || number < option->minimum || number > option->maximum)
			return error_set(err, ERR_USAGE, "", "%s takes a whole number from %llu to %llu", option->name,
				(unsigned long long)option->minimum, (unsigned long long)option->maximum);
		*(uint64_t *)option->value = number;
		return true;
	}
	case OPTION_TEXT:
		if (!*text || strlen(text) >= option->maximum || !printable(text))
			return error_set(err, ERR_USAGE, "", "%s takes 1 to %llu printable characters", option->name,
				(unsigned long long)option->maximum - 1);
		strcpy(option->value, text);
		return true;
	case OPTION_CHOICE:
		for (int i = 0; option->choices[i]; i++) {
			if (strcmp(option->choices[i], text) == 0) {
				*(int *)option->value = i;
				return true;
			}
		}
		return error_set(err, ERR_USAGE, "", "%s does not know that value", option->name);
	case OPTION_FLAG:
		break;
	}
	return false;
}

static struct option *find(struct option *options, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

bool options_parse(struct option *options, size_t count, int argc, char **argv, const char **operands,
	size_t operand_capacity, size_t *operand_count, struct error *err)
{
	size_t operands_found = 0;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (operands_found == operand_capacity)
				return error_set(err, ERR_USAGE, "", "too many arguments");
			operands[operands_found++] = argv[i];
			continue;
		}
		struct option *option = find(options, count, argv[i]);
		if (!option)
			return error_set(err, ERR_USAGE, "", "unknown option %.40s", printable(argv[i]) ? argv[i] : "");
		if (option->seen)
			return error_set(err, ERR_USAGE, "", "%s is given twice", option->name);
		option->seen = true;
		if (option->kind == OPTION_FLAG) {
			*(bool *)option->value = option->flag_value;
			continue;
		}
		if (i + 1 == argc)
			return error_set(err, ERR_USAGE, "", "%s needs a value", option->name);
		if (!set_value(option, argv[++i], err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (options[i].required && !options[i].seen)
			return error_set(err, ERR_USAGE, "", "%s is missing", options[i].name);
	if (operand_count)
		*operand_count = operands_found;
	return true;
}
