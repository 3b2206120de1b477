#include "disk.h"

#include <errno.h>
#include <time.h>

static const int64_t second_ns = 1000000000, nap_ns = 100000000;

/* Bytes that may be written or read at a rate; less than none once a large file was. */
struct budget {
	int64_t bytes;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * second_ns + now.tv_nsec;
}

/* At most a second's worth is saved up: after a pause nothing is made up for. */
static void grant(struct budget *budget, unsigned kib_per_second, int64_t elapsed_ns)
{
	int64_t most = (int64_t)kib_per_second << 10;
	budget->bytes += elapsed_ns < second_ns ? most * elapsed_ns / second_ns : most;
	if (budget->bytes > most)
		budget->bytes = most;
}

static void *work(void *argument)
{
	struct disk *disk = argument;
	struct budget write = { 0 }, check = { 0 };
	for (int64_t last = now_ns(); !atomic_load(&disk->stop);) {
		int64_t now = now_ns();
		grant(&write, disk->write_kib_per_second, now - last);
		grant(&check, disk->check_kib_per_second, now - last);
		last = now;
		if (write.bytes > 0)
			write.bytes -= (int64_t)files_change(&disk->files);
		if (check.bytes > 0)
			check.bytes -= (int64_t)files_check(&disk->files);
		if (write.bytes <= 0 && check.bytes <= 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = nap_ns }, NULL);
	}
	return NULL;
}

bool disk_start(struct disk *disk, const char *folder, bool never_sync, uint64_t seed)
{
	if (!files_open(&disk->files, folder, never_sync, seed))
		return false;
	atomic_init(&disk->stop, false);
	errno = pthread_create(&disk->thread, NULL, work, disk);
	return errno == 0;
}

bool disk_stop(struct disk *disk)
{
	atomic_store(&disk->stop, true);
	pthread_join(disk->thread, NULL);
	return files_close(&disk->files);
}
