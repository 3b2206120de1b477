#include "commands.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	{"hold", cmd_hold},
	{"map", cmd_map},
	{"page", cmd_page},
	{"disk-map", cmd_disk_map},
	{"disk-send", cmd_disk_send},
	{"disk-receive", cmd_disk_receive},
	{"heartbeat", cmd_heartbeat},
	{"receive", cmd_receive},
	{"migrate", cmd_migrate},
	{"send", cmd_send},
	{"link-test", cmd_link_test},
	{"self-test", cmd_self_test},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* A human reads stderr, the console the line on stdout. */
static int refuse(const char *why)
{
	struct error err = {0};
	fprintf(stderr, "usage: agent COMMAND …, where COMMAND is one of:");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	error_set(&err, ERR_USAGE, "", "%s", why);
	json_write_error(&err, STDOUT_FILENO);
	return 2;
}

int run_command(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	if (argc < 2)
		return refuse("a command is needed");
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	return refuse("no such command");
}
