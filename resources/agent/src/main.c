/* main.c - the agent's commands. See PROTOCOL.md. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"
#include "json.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"version", cmd_version},
	{"probe", cmd_probe},
	{"domains", cmd_domains},
	{"load", cmd_load},
	{"map", cmd_map},
	{"page", cmd_page},
	{"heartbeat", cmd_heartbeat},
	{"receive", cmd_receive},
	{"migrate", cmd_migrate},
	{"send", cmd_send},
	{"link-test", cmd_link_test},
	{"self-test", cmd_self_test},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "usage: agent COMMAND …, where COMMAND is one of:");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	struct error err = {0};
	error_set(&err, ERR_USAGE, "", argc > 1 ? "no such command" : "a command is needed");
	json_write_error(&err, STDOUT_FILENO);
	return 2;
}
