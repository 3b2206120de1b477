/* mix.h - a used guest's memory, for benchmarks: shares of kinds of pages in 32nds. */
#ifndef ME2_TEST_MIX_H
#define ME2_TEST_MIX_H

#include "pages.h"

static const struct { enum page_kind kind; unsigned share; const char *name; } mix[] = {
	{ KIND_TEXT, 8, "text" }, { KIND_DATABASE, 8, "database 40-90 % full" }, { KIND_POINTERS, 6, "kernel objects" },
	{ KIND_RANDOM, 6, "random" }, { KIND_ZERO, 3, "zero" }, { KIND_CONSTANT, 1, "constant" },
};
#define MIX_PAGES 32u
#define KINDS_IN_MIX (sizeof(mix) / sizeof(mix[0]))

static inline enum page_kind kind_in_mix(size_t page)
{
	unsigned at = (unsigned)(page * 13 % MIX_PAGES); /* 13: spread, not sorted */
	size_t i = 0;
	while (at >= mix[i].share)
		at -= mix[i++].share;
	return mix[i].kind;
}

#endif
