/*
 * lvm2_text.h - the text that LVM2 keeps its metadata in: sections in braces, assignments of strings, numbers and lists.
 *
 * Grammar: lvm.conf(5), and the text of any volume group (`vgcfgbackup`).
 */
#ifndef ME2_LVM2_TEXT_H
#define ME2_LVM2_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LVM2_DEPTH_MAX 6u
#define LVM2_NO_NUMBER UINT64_MAX
#define LVM2_NAME_BYTES 128u /* names of volumes and sections, with the 0 at the end */

/* One value. Of a list, each value in turn. */
struct lvm2_value {
	const char (*sections)[LVM2_NAME_BYTES]; /* the sections that it lies in, outermost first */
	unsigned depth;
	const char *key;
	unsigned index;     /* within its list; 0: the first, or no list */
	const char *string; /* NULL: a number. Cut off at LVM2_NAME_BYTES - 1 characters */
	uint64_t number;    /* LVM2_NO_NUMBER if negative, a fraction, or too large */
};

/* Calls `take` for each value; false if the text does not follow the grammar, or `take` returned false. */
bool lvm2_text_parse(const char *text, size_t length, bool (*take)(void *context, const struct lvm2_value *value), void *context);

#endif
