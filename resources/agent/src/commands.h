/*
 * commands.h - the agent's commands (PROTOCOL.md). Each gets its arguments without program and command name, and returns the
 * exit status: 0 done, 1 failed, 2 bad arguments.
 */
#ifndef ME2_COMMANDS_H
#define ME2_COMMANDS_H

/* Runs the command that a whole command line names, program name first. */
int run_command(int argc, char **argv);

int cmd_version(int argc, char **argv);
int cmd_self_test(int argc, char **argv);

/* the host and its guests */
int cmd_probe(int argc, char **argv);
int cmd_domains(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_hold(int argc, char **argv);
int cmd_heartbeat(int argc, char **argv);

/* a guest's memory */
int cmd_map(int argc, char **argv);
int cmd_page(int argc, char **argv);

/* a guest's disk */
int cmd_disk_map(int argc, char **argv);
int cmd_disk_send(int argc, char **argv);
int cmd_disk_receive(int argc, char **argv);

/* migration */
int cmd_receive(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_link_test(int argc, char **argv);

#endif
