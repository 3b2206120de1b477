/*
 * vmcoreinfo.h - the VMCOREINFO note: what a Linux kernel says about its own layout, as lines of text in one page.
 *
 *   OSRELEASE=6.1.0-13-amd64
 *   PAGESIZE=4096
 *   SYMBOL(mem_section)=ff263483cfbc2000     hexadecimal, without 0x
 *   OFFSET(page.flags)=0                     decimal; so are SIZE and LENGTH
 *   NUMBER(phys_base)=-392167424             signed; newer kernels write some with 0x
 *
 * Source: Linux, Documentation/admin-guide/kdump/vmcoreinfo.rst. A guest is not trusted: the text is copied once,
 * bounded, and refused if it holds anything but printable lines.
 */
#ifndef ME2_VMCOREINFO_H
#define ME2_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define VMCOREINFO_BYTES 4096u

struct vmcoreinfo {
	char text[VMCOREINFO_BYTES + 2]; /* a newline, the note, a NUL: so every key follows a newline */
};

/* True if these bytes could be the start of a note. `length` may be short. */
bool vmcoreinfo_starts(const uint8_t *bytes, size_t length);

/* Copies a note that ends at a NUL or after `length` bytes (at most VMCOREINFO_BYTES). False with ERR_NOT_UNDERSTOOD. */
bool vmcoreinfo_parse(struct vmcoreinfo *note, const uint8_t *bytes, size_t length, struct error *err);

/* The value of KEY= as text, cut to `capacity`. False if there is no such line. */
bool vmcoreinfo_text(const struct vmcoreinfo *note, const char *key, char *value, size_t capacity);

/* The value of KIND(NAME)=. False if there is no such line, or its value is not one whole number. */
bool vmcoreinfo_symbol(const struct vmcoreinfo *note, const char *name, uint64_t *address);
bool vmcoreinfo_number(const struct vmcoreinfo *note, const char *name, int64_t *number);
bool vmcoreinfo_offset(const struct vmcoreinfo *note, const char *name, uint64_t *bytes);
bool vmcoreinfo_size(const struct vmcoreinfo *note, const char *name, uint64_t *bytes);
bool vmcoreinfo_length(const struct vmcoreinfo *note, const char *name, uint64_t *entries);

#endif
