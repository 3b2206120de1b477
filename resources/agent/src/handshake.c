#include "handshake.h"

#include <string.h>

static const struct {
	const char *text;
	size_t length;
	enum handshake_event event;
} messages[] = {
	{HANDSHAKE_BANNER, HANDSHAKE_BANNER_BYTES, HANDSHAKE_BANNERED},
	{HANDSHAKE_READY, HANDSHAKE_READY_BYTES, HANDSHAKE_IS_READY},
	{HANDSHAKE_REPORT, HANDSHAKE_REPORT_BYTES, HANDSHAKE_MORE},
	{NULL, 1, HANDSHAKE_REPORTED}, /* the status byte */
};
#define STAGES (int)(sizeof(messages) / sizeof(messages[0]))

size_t handshake_take(struct handshake *handshake, const uint8_t *bytes, size_t length, enum handshake_event *event)
{
	*event = HANDSHAKE_MORE;
	if (!length)
		return 0;
	if (handshake->stage == STAGES) {
		*event = HANDSHAKE_TAIL;
		return length;
	}
	const char *text = messages[handshake->stage].text;
	size_t rest = messages[handshake->stage].length - handshake->matched;
	size_t taken = length < rest ? length : rest;
	if (!text) {
		handshake->status = bytes[0];
	} else if (memcmp(bytes, text + handshake->matched, taken) != 0) {
		*event = HANDSHAKE_WRONG;
		return taken;
	}
	handshake->matched += taken;
	if (taken == rest) {
		*event = messages[handshake->stage].event;
		handshake->stage++;
		handshake->matched = 0;
	}
	return taken;
}
