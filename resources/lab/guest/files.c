#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files with neighbouring numbers share a folder and are written side by side when a disk is aged. */
enum { FOLDERS = 16, GROUP = 8, PERCENT_PRESENT = 80, MEAN_PAGES = FILES_MAX_PAGES / 3, SYNC_ONE_IN = 4, MAX_COMPLAINTS = 20 };

static const char table_name[] = "table", replacement_name[] = "replacement";
static const uint64_t table_magic = 0x62742d73656c6966u; /* "files-tb" */

/* What a server's disk holds. Nothing but zeros is not among it: such a page would fit any file. */
static const struct content_mix mix = { { [CONTENT_TEXT] = 4, [CONTENT_NUMBERS] = 1, [CONTENT_COMPRESSED] = 2, [CONTENT_ROWS] = 3 } };

struct file_name {
	char text[32];
};

static struct file_name name_of(size_t number)
{
	struct file_name name;
	snprintf(name.text, sizeof name.text, "%02zu/%07zu", number / GROUP % FOLDERS, number);
	return name;
}

/* Most are small: of the sizes from one page to FILES_MAX_PAGES, drawn by the square, a third on average. */
static uint32_t draw_pages(struct file_set *set)
{
	uint64_t draw = random_next(&set->random) >> 48;
	return 1 + (uint32_t)((draw * draw >> 16) * (FILES_MAX_PAGES - 1) >> 16);
}

static void complain(struct file_set *set, size_t number, const char *what)
{
	if (atomic_fetch_add(&set->errors, 1) < MAX_COMPLAINTS)
		printf("ME2 bad file number=%zu generation=%" PRIu32 " pages=%" PRIu32 ": %s\n", number, set->slots[number].generation,
		       set->slots[number].pages, what);
}

static size_t chunk_bytes(const struct file_slot *slot, uint32_t page)
{
	uint32_t left = slot->pages - page;
	return (left < FILES_CHUNK_PAGES ? left : FILES_CHUNK_PAGES) * (size_t)PAGE_BYTES;
}

static bool write_chunk(struct file_set *set, int fd, size_t number, uint32_t page)
{
	const struct file_slot *slot = &set->slots[number];
	size_t bytes = chunk_bytes(slot, page);
	for (size_t i = 0; i < bytes / PAGE_BYTES; i++) {
		uint64_t index = number * FILES_MAX_PAGES + page + i;
		page_make(set->chunk + i * PAGE_WORDS, page_kind(&mix, number), index, slot->generation);
	}
	ssize_t written = pwrite(fd, set->chunk, bytes, (off_t)page * PAGE_BYTES);
	if (written > 0)
		atomic_fetch_add(&set->written_bytes, (uint64_t)written);
	else if (written == 0)
		errno = EIO;
	return written == (ssize_t)bytes;
}

/* The whole file, under this name, in place if there is one. */
static bool write_file(struct file_set *set, const char *name, size_t number)
{
	int fd = openat(set->folder_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool good = fd >= 0;
	for (uint32_t page = 0; good && page < set->slots[number].pages; page += FILES_CHUNK_PAGES)
		good = write_chunk(set, fd, number, page);
	if (good && !set->never_sync && random_next(&set->random) % SYNC_ONE_IN == 0)
		good = fsync(fd) == 0;
	if (fd >= 0 && close(fd) < 0)
		good = false;
	return good;
}

static bool replace_file(struct file_set *set, size_t number)
{
	unlinkat(set->folder_fd, replacement_name, 0);
	return write_file(set, replacement_name, number) &&
	       renameat(set->folder_fd, replacement_name, set->folder_fd, name_of(number).text) == 0;
}

static void delete_file(struct file_set *set, size_t number)
{
	set->slots[number].pages = 0;
	if (unlinkat(set->folder_fd, name_of(number).text, 0) < 0)
		complain(set, number, strerror(errno));
}

/* Gives the file its next generation. */
static void make_or_rewrite(struct file_set *set, size_t number, uint32_t pages, bool by_rename)
{
	set->slots[number] = (struct file_slot){ set->slots[number].generation + 1, pages };
	if (by_rename ? replace_file(set, number) : write_file(set, name_of(number).text, number))
		return;
	complain(set, number, strerror(errno));
	delete_file(set, number);
}

/* NULL, or what is wrong with it. */
static const char *check_chunk(struct file_set *set, int fd, size_t number, uint32_t page)
{
	const struct file_slot *slot = &set->slots[number];
	size_t bytes = chunk_bytes(slot, page);
	ssize_t got = pread(fd, set->chunk, bytes, (off_t)page * PAGE_BYTES);
	if (got < 0)
		return strerror(errno);
	if (got != (ssize_t)bytes)
		return "too short";
	for (size_t i = 0; i < bytes / PAGE_BYTES; i++) {
		uint64_t index = number * FILES_MAX_PAGES + page + i;
		if (!page_is_good(set->chunk + i * PAGE_WORDS, page_kind(&mix, number), index, slot->generation))
			return "other contents";
	}
	return NULL;
}

static const char *check_open_file(struct file_set *set, int fd, size_t number)
{
	const char *wrong = NULL;
	struct stat status;
	/* clean pages are dropped, before so that the disk is read, afterwards so that the guest's memory does not fill up;
	 * dirty ones are written, but no journal is */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (uint32_t page = 0; !wrong && page < set->slots[number].pages; page += FILES_CHUNK_PAGES)
		wrong = check_chunk(set, fd, number, page);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!wrong && (fstat(fd, &status) < 0 || status.st_size != (off_t)set->slots[number].pages * PAGE_BYTES))
		wrong = "too long";
	return wrong;
}

static uint64_t check_file(struct file_set *set, size_t number)
{
	uint32_t pages = set->slots[number].pages;
	int fd = openat(set->folder_fd, name_of(number).text, O_RDONLY | O_CLOEXEC);
	const char *wrong = NULL;
	if (fd >= 0)
		wrong = pages ? check_open_file(set, fd, number) : "it was deleted";
	else if (pages || errno != ENOENT)
		wrong = strerror(errno);
	if (fd >= 0)
		close(fd);
	if (wrong)
		complain(set, number, wrong);
	atomic_fetch_add(&set->checked, 1);
	return (uint64_t)(pages ? pages : 1) * PAGE_BYTES;
}

uint64_t files_check(struct file_set *set)
{
	return check_file(set, random_next(&set->random) % set->count);
}

uint64_t files_change(struct file_set *set)
{
	size_t number = random_next(&set->random) % set->count;
	uint64_t before = atomic_load(&set->written_bytes);
	check_file(set, number);
	uint32_t pages = set->slots[number].pages;
	uint64_t choice = random_next(&set->random) >> 32;
	/* deleted one time in four, so that in the long run PERCENT_PRESENT have a file */
	if (pages && choice % 4 == 0)
		delete_file(set, number);
	else if (pages && choice % 4 == 1)
		make_or_rewrite(set, number, pages, false);
	else
		make_or_rewrite(set, number, draw_pages(set), pages != 0);
	uint64_t written = atomic_load(&set->written_bytes) - before;
	return written ? written : PAGE_BYTES;
}

/* Makes those files of a group that are wanted, a chunk of each in turn, so that none of them lies in one piece. */
static void make_side_by_side(struct file_set *set, size_t first, const bool wanted[GROUP])
{
	int fds[GROUP];
	for (size_t i = 0; i < GROUP; i++) {
		fds[i] = -1;
		if (!wanted[i])
			continue;
		set->slots[first + i] = (struct file_slot){ set->slots[first + i].generation + 1, draw_pages(set) };
		fds[i] = openat(set->folder_fd, name_of(first + i).text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	for (uint32_t page = 0; page < FILES_MAX_PAGES; page += FILES_CHUNK_PAGES)
		for (size_t i = 0; i < GROUP; i++) {
			if (!wanted[i] || page >= set->slots[first + i].pages)
				continue;
			if (!write_chunk(set, fds[i], first + i, page))
				complain(set, first + i, strerror(errno));
			/* its blocks are allocated now, next to those of the others */
			sync_file_range(fds[i], (off_t)page * PAGE_BYTES, 0, SYNC_FILE_RANGE_WRITE);
		}
	for (size_t i = 0; i < GROUP; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Each missing file with these odds. */
static void make_missing(struct file_set *set, uint64_t percent)
{
	for (size_t first = 0; first < set->count; first += GROUP) {
		bool wanted[GROUP];
		for (size_t i = 0; i < GROUP; i++)
			wanted[i] = !set->slots[first + i].pages && (random_next(&set->random) >> 32) % 100 < percent;
		make_side_by_side(set, first, wanted);
	}
}

void files_age(struct file_set *set)
{
	make_missing(set, 100);
	for (size_t number = 0; number < set->count; number++)
		if ((random_next(&set->random) >> 32) % 100 < 2 * (100 - PERCENT_PRESENT))
			delete_file(set, number);
	syncfs(set->folder_fd); /* only now may their blocks be used again */
	make_missing(set, 50);
}

static bool start(struct file_set *set, const char *folder, size_t count, uint64_t seed)
{
	set->count = count;
	set->random = random_seed(seed, count);
	set->slots = calloc(count, sizeof *set->slots);
	set->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return set->slots && set->folder_fd >= 0;
}

bool files_make(struct file_set *set, const char *folder, uint64_t bytes, uint64_t seed)
{
	uint64_t groups = bytes * 100 / PERCENT_PRESENT / ((uint64_t)MEAN_PAGES * PAGE_BYTES) / GROUP + 1;
	memset(set, 0, sizeof *set);
	if (groups > FILES_MAX_COUNT / GROUP) {
		errno = EFBIG;
		return false;
	}
	if (!start(set, folder, groups * GROUP, seed))
		return false;
	for (int i = 0; i < FOLDERS; i++) {
		char name[8];
		snprintf(name, sizeof name, "%02d", i);
		if (mkdirat(set->folder_fd, name, 0700) < 0)
			return false;
	}
	return true;
}

static bool give_back(struct file_set *set)
{
	free(set->slots);
	set->slots = NULL;
	return close(set->folder_fd) == 0;
}

static bool slots_fit(const struct file_set *set)
{
	for (size_t number = 0; number < set->count; number++)
		if (set->slots[number].pages > FILES_MAX_PAGES)
			return false;
	return true;
}

/* The table: magic and count, 64 bits each, then the slots. */
static bool read_table(struct file_set *set, int fd, const char *folder, uint64_t seed)
{
	uint64_t head[2];
	bool good = read(fd, head, sizeof head) == sizeof head && head[0] == table_magic && head[1] && head[1] <= FILES_MAX_COUNT;
	if (good && !start(set, folder, head[1], seed))
		return false;
	ssize_t bytes = (ssize_t)(set->count * sizeof *set->slots);
	if (good && read(fd, set->slots, (size_t)bytes) == bytes && slots_fit(set))
		return true;
	errno = EILSEQ;
	return false;
}

static bool take_table_away(struct file_set *set)
{
	return unlinkat(set->folder_fd, table_name, 0) == 0 && (set->never_sync || syncfs(set->folder_fd) == 0);
}

bool files_open(struct file_set *set, const char *folder, bool never_sync, uint64_t seed)
{
	char path[256];
	memset(set, 0, sizeof *set);
	set->folder_fd = -1;
	set->never_sync = never_sync;
	snprintf(path, sizeof path, "%s/%s", folder, table_name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool good = read_table(set, fd, folder, seed) && take_table_away(set);
	int error = errno;
	close(fd);
	if (!good)
		give_back(set);
	errno = error;
	return good;
}

static bool write_table(const struct file_set *set)
{
	const uint64_t head[2] = { table_magic, set->count };
	ssize_t bytes = (ssize_t)(set->count * sizeof *set->slots);
	int fd = openat(set->folder_fd, table_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, head, sizeof head) == sizeof head && write(fd, set->slots, (size_t)bytes) == bytes;
	if (fd >= 0 && close(fd) < 0)
		good = false;
	return good;
}

bool files_close(struct file_set *set)
{
	bool good = write_table(set);
	return give_back(set) && good;
}
