/*
 * await_source.h - how the target side of a copy begins: the one-time key from the console, a port, the source.
 */
#ifndef ME2_AWAIT_SOURCE_H
#define ME2_AWAIT_SOURCE_H

#include <stdint.h>

#include "error.h"
#include "link.h"

struct source_wait {
	enum link_kind kind; /* sealed or plain */
	const char *ip;
	uint16_t port;       /* 0: any */
	uint64_t wait_s;
	int cancel;          /* eventfd: becomes readable when stdin ends, for the console wants an end then */
};

/* Reads the key from stdin, says on stdout where it listens and who has connected. NULL with the reason. */
struct link *await_source(const struct source_wait *wait, struct link_hello *asked, struct error *err);

#endif
