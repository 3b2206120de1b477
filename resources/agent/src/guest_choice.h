/*
 * guest_choice.h - which guest a command is about: a domain's name, or a file that holds a guest's RAM.
 */
#ifndef ME2_GUEST_CHOICE_H
#define ME2_GUEST_CHOICE_H

#include "error.h"
#include "guest.h"
#include "options.h"
#include "xen.h"

struct guest_choice {
	char domain[128], file[4096], hole_text[64];
	uint64_t hole[2];
	struct xen *xen; /* NULL for a file */
	uint32_t domid;
	struct guest *guest;
};

/* The options --file and --hole, to be put into the command's table. */
#define GUEST_CHOICE_OPTIONS(choice) \
	{.name = "--file", .kind = OPTION_TEXT, .value = (choice)->file, .maximum = sizeof((choice)->file)}, \
	{.name = "--hole", .kind = OPTION_TEXT, .value = (choice)->hole_text, .maximum = sizeof((choice)->hole_text)}

/* After options_parse(): `operand` is the domain's name, NULL if none was given. False with ERR_USAGE unless there is either a
 * name or a file. */
bool guest_choice_take(struct guest_choice *choice, const char *operand, struct error *err);

/* False with `err` filled. Close it in either case. */
bool guest_choice_open(struct guest_choice *choice, struct error *err);
void guest_choice_close(struct guest_choice *choice);

#endif
