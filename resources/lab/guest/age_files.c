/* age_files FOLDER PERCENT: fills an empty, mounted file system to that share of its size with the files that a guest's
 * workload finds there (files.h), aged. Run in dom0, where a file system is written faster than in a guest. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "files.h"

static int fail(const char *what)
{
	fprintf(stderr, "age_files: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char *argv[])
{
	static struct file_set files;
	struct statvfs space;
	unsigned long percent = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (percent < 1 || percent > 50) {
		fprintf(stderr, "usage: age_files FOLDER PERCENT (1 to 50)\n");
		return 2;
	}
	if (statvfs(argv[1], &space) < 0)
		return fail(argv[1]);
	if (!files_make(&files, argv[1], (uint64_t)space.f_blocks * space.f_frsize * percent / 100, percent))
		return fail("an empty file system is needed");
	files_age(&files);
	printf("%zu names, %" PRIu64 " bytes written\n", files.count, atomic_load(&files.written_bytes));
	if (atomic_load(&files.errors))
		return 1;
	return files_close(&files) ? 0 : fail("table");
}
