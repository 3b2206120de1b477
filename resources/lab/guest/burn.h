/* Load on the processor beside the guest's work, at a share that may be changed at any time: a line load=PERCENT on standard input
 * (the guest's console) sets it, 0 to 100. */
#ifndef BURN_H
#define BURN_H

#include <stdbool.h>

/* The percentage that the line asks for, or -1 if it asks for nothing that can be had. */
int burn_parse(const char *line);

/* Two threads that live as long as the process: one reads standard input, the other burns. Returns false with errno set. */
bool burn_start(void);

#endif
