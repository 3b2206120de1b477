#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, const char *code, const char *action, const char *format, ...)
{
	if (!err || err->code)
		return false;
	err->code = code;
	snprintf(err->action, sizeof(err->action), "%s", action ? action : "");
	va_list args;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return false;
}

bool error_errno(struct error *err, const char *format, ...)
{
	int saved = errno;
	if (!err || err->code)
		return false;
	char what[200];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return error_set(err, ERR_SYSTEM, "", "%s: %s", what, strerror(saved));
}
