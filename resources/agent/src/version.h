/*
 * version.h - what this agent is. The console refuses another ME2_PROTOCOL; two agents of another ME2_FORMAT refuse each other.
 */
#ifndef ME2_VERSION_H
#define ME2_VERSION_H

#define ME2_PROTOCOL 1 /* PROTOCOL.md */
#define ME2_FORMAT 2   /* FORMAT.md */
#define ME2_VERSION "0.1.0"

#endif
