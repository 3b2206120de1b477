/*
 * handshake.h - the fixed messages of xl's migration handshake (tools/xl/xl.h, xl_migrate.c), each with its NUL but for
 * the banner. The back channel carries: banner, ready, report, one status byte (0 = running), and after a failure the
 * permission to resume at the source.
 */
#ifndef ME2_HANDSHAKE_H
#define ME2_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDSHAKE_BANNER "xl migration receiver ready, send binary domain data.\n"
#define HANDSHAKE_READY "domain received, ready to unpause"
#define HANDSHAKE_GO_AHEAD "domain is yours, you are cleared to unpause"
#define HANDSHAKE_REPORT "my copy unpause results are as follows"

#define HANDSHAKE_BANNER_BYTES (sizeof(HANDSHAKE_BANNER) - 1)
#define HANDSHAKE_READY_BYTES sizeof(HANDSHAKE_READY)
#define HANDSHAKE_GO_AHEAD_BYTES sizeof(HANDSHAKE_GO_AHEAD)
#define HANDSHAKE_REPORT_BYTES sizeof(HANDSHAKE_REPORT)

enum handshake_event {
	HANDSHAKE_MORE,     /* nothing complete yet */
	HANDSHAKE_BANNERED, /* the banner is complete */
	HANDSHAKE_IS_READY, /* the target could unpause */
	HANDSHAKE_REPORTED, /* `status` is the target's report */
	HANDSHAKE_TAIL,     /* bytes after the report */
	HANDSHAKE_WRONG     /* not what xl says */
};

struct handshake {
	int stage;
	size_t matched; /* bytes of the current message */
	uint8_t status;
};

/* Takes bytes of the back channel up to the end of the message they are part of; returns how many, and what that
 * completed. Call again with the rest. */
size_t handshake_take(struct handshake *handshake, const uint8_t *bytes, size_t length, enum handshake_event *event);

#endif
