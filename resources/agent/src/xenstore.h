/*
 * xenstore.h - reads values of Xen's configuration store. Source: Xen docs/misc/xenstore.txt, io/xs_wire.h.
 */
#ifndef ME2_XENSTORE_H
#define ME2_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct xenstore;

struct xenstore *xenstore_open(struct error *err);
void xenstore_close(struct xenstore *store);

/* The value at an absolute path, cut to `capacity` with its NUL. False if there is none, or the store does not answer
 * within seconds (it is not asked again then). One thread at a time. */
bool xenstore_read(struct xenstore *store, const char *path, char *value, size_t capacity);

#endif
