/* cli_fuzz.c - the command line: the input is split at NULs into arguments of `migrate`. */
#include <stdlib.h>
#include <string.h>

#include "migrate_options.h"

#define ARGUMENTS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[ARGUMENTS_MAX];
	struct migrate_options options;
	struct error err = {0};
	int argc = 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && argc < ARGUMENTS_MAX; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	bool ok = migrate_options_parse(&options, argc, argv, &err);
	if (ok == (err.code != NULL)) /* either options or an error, never both or neither */
		abort();
	free(text);
	return 0;
}
