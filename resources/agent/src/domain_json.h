/*
 * domain_json.h - a domain as PROTOCOL.md shows it, in `domains` and in `migrate`'s last line.
 */
#ifndef ME2_DOMAIN_JSON_H
#define ME2_DOMAIN_JSON_H

#include "json.h"
#include "xen.h"

/* Adds an object; `name` is NULL inside an array. */
void json_domain(struct json *json, const char *name, const struct xen_domain *domain);

#endif
