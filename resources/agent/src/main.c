/* main.c - the agent. See PROTOCOL.md. */
#include "commands.h"

int main(int argc, char **argv)
{
	return run_command(argc, argv);
}
