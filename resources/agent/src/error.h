/*
 * error.h - what went wrong, as a value: a code the console can translate, a sentence, and what to do.
 *
 * Functions that can fail return false (or NULL) and fill the `struct error` they were given; they print nothing.
 * A filled error is never overwritten by a later failure, so that the first cause survives the clean-up.
 */
#ifndef ME2_ERROR_H
#define ME2_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

struct error {
	const char *code;   /* NULL: no error; otherwise one of ERR_* (static storage) */
	char message[320];  /* one sentence, no newline */
	char action[200];   /* what the user can do; may be empty */
};

#define ERR_USAGE "usage"                     /* bad arguments */
#define ERR_NO_XEN "no-xen"                   /* not a Xen dom0 */
#define ERR_NOT_ROOT "not-root"
#define ERR_NO_XL "no-xl"
#define ERR_NO_DOMAIN "no-domain"             /* no such guest */
#define ERR_GUEST_STATE "guest-state"         /* the guest's state or kind forbids it */
#define ERR_NOT_SUPPORTED "not-supported"     /* e.g. memory of 32-bit PV guests */
#define ERR_NOT_UNDERSTOOD "not-understood"   /* the guest's kernel cannot be read */
#define ERR_BUSY "busy"                       /* another migration of this guest is under way */
#define ERR_STREAM "stream"                   /* damaged or unknown migration stream */
#define ERR_LINK "link"                       /* connection failed or broke */
#define ERR_LINK_STALLED "link-stalled"
#define ERR_LINK_AUTH "link-auth"             /* the peer does not have the key */
#define ERR_LINK_VERSION "link-version"
#define ERR_XL_FAILED "xl-failed"
#define ERR_CANCELLED "cancelled"
#define ERR_TARGET_FAILED "target-failed"
#define ERR_SYSTEM "system"                   /* a system call failed */

/* Fills `err` unless it already holds an error (or is NULL). Returns false, so callers can `return error_set(…)`. */
bool error_set(struct error *err, const char *code, const char *action, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As error_set with ERR_SYSTEM, appending strerror(errno). */
bool error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
