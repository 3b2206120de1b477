/* check.h - the least a unit test needs: CHECK says where and what, and the program ends with the count. */
#ifndef ME2_TEST_CHECK_H
#define ME2_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

static int checks_done;

#define CHECK(condition, ...) \
	do { \
		checks_done++; \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s:", __FILE__, __LINE__, #condition); \
			fprintf(stderr, " " __VA_ARGS__); \
			fputc('\n', stderr); \
			exit(1); \
		} \
	} while (0)

#define CHECKS_PASSED() printf("%s: %d checks passed\n", __FILE__, checks_done)

#endif
