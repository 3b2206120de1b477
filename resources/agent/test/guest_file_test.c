/* guest_file_test.c - a RAM file is mapped frame by frame, its PCI hole and its sparse parts are left alone. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "guest.h"

#define FILE_FRAMES 64u
#define HOLE_FIRST 32u
#define HOLE_END 100u

/* Frames 3, 4 and 40 (in the file) hold their number; the rest was never written. */
static int make_file(char path[32])
{
	int fd = memfd_create("ram", MFD_CLOEXEC);
	CHECK(fd >= 0 && ftruncate(fd, FILE_FRAMES * PAGE_BYTES) == 0);
	static const uint64_t written[] = {3, 4, 40};
	for (size_t i = 0; i < 3; i++)
		CHECK(pwrite(fd, &written[i], 8, (off_t)(written[i] * PAGE_BYTES)) == 8);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static uint64_t word(const uint8_t *page)
{
	uint64_t value;
	memcpy(&value, page, 8);
	return value;
}

static void frames_come_in_the_order_asked(struct guest *guest)
{
	static const uint64_t frames[] = {4, 3, 108, UINT64_MAX, 5, 50, 3};
	bool failed[7];
	const uint8_t *mapping = guest_map(guest, frames, 7, failed);
	CHECK(mapping);
	CHECK(word(mapping) == 4 && word(mapping + PAGE_BYTES) == 3 && word(mapping + 6 * PAGE_BYTES) == 3);
	CHECK(word(mapping + 2 * PAGE_BYTES) == 40, "behind the hole");
	CHECK(failed[3] && failed[5] && !failed[0] && !failed[2] && !failed[4]);
	guest_unmap(guest, mapping, 7);
	static const uint64_t absent[] = {HOLE_FIRST, HOLE_END - 1, FILE_FRAMES + HOLE_END - HOLE_FIRST};
	CHECK(!guest_map(guest, absent, 3, NULL) && !guest_map(guest, absent, 0, NULL));
}

static void table_frames_are_guest_frames(struct guest *guest)
{
	static const uint64_t frames[] = {4, 108};
	bool is_table[2] = {true, true};
	const uint8_t *mapping = guest_map_table_frames(guest, frames, 2, NULL);
	CHECK(mapping && word(mapping) == 4 && word(mapping + PAGE_BYTES) == 40);
	guest_unmap(guest, mapping, 2);
	CHECK(guest_table_frame(guest, 108) == 108 && guest_frame_of_table(guest, 108) == 108);
	CHECK(guest_find_machine_tables(guest, frames, 2, is_table, NULL) && !is_table[0] && !is_table[1]);
}

static void sparse_parts_are_skipped(struct guest *guest, int fd)
{
	struct stat before, after;
	fstat(fd, &before);
	CHECK(guest_next_data(guest, 0) == 3 && guest_data_end(guest, 3) == 5);
	CHECK(guest_next_data(guest, 5) == 108 && guest_data_end(guest, 108) == 109);
	CHECK(guest_next_data(guest, 50) == 108 && guest_next_data(guest, 109) == guest_frames(guest));
	CHECK(guest_next_data(guest, UINT64_MAX) == guest_frames(guest));
	fstat(fd, &after);
	CHECK(before.st_blocks == after.st_blocks);
}

static void data_ends_at_the_hole(int fd, const char *path)
{
	static const char bytes[4 * PAGE_BYTES] = "x";
	CHECK(pwrite(fd, bytes, sizeof(bytes), (HOLE_FIRST - 2) * PAGE_BYTES) == sizeof(bytes));
	struct guest *guest = guest_open_file(path, HOLE_FIRST, HOLE_END, NULL);
	CHECK(guest_next_data(guest, 5) == HOLE_FIRST - 2 && guest_data_end(guest, HOLE_FIRST - 2) == HOLE_FIRST);
	CHECK(guest_next_data(guest, HOLE_FIRST) == HOLE_END && guest_data_end(guest, HOLE_END) == HOLE_END + 2);
	guest_close(guest);
}

static void bad_files_are_refused(const char *path)
{
	struct error err = {0};
	CHECK(!guest_open_file("/nonexistent", 0, 0, &err) && err.code);
	err.code = NULL;
	CHECK(!guest_open_file("/dev/null", 0, 0, &err) && err.code);
	err.code = NULL;
	CHECK(!guest_open_file(path, 20, 10, &err) && err.code);
	err.code = NULL;
	CHECK(!guest_open_file(path, FILE_FRAMES, FILE_FRAMES + 5, &err) && err.code);
	err.code = NULL;
	CHECK(!guest_open_file(path, 1, UINT64_MAX, &err) && err.code);
}

int main(void)
{
	char path[32];
	int fd = make_file(path);
	struct guest *guest = guest_open_file(path, HOLE_FIRST, HOLE_END, NULL);
	CHECK(guest && guest_frames(guest) == FILE_FRAMES + HOLE_END - HOLE_FIRST);
	frames_come_in_the_order_asked(guest);
	table_frames_are_guest_frames(guest);
	sparse_parts_are_skipped(guest, fd);
	guest_close(guest);
	data_ends_at_the_hole(fd, path);
	bad_files_are_refused(path);
	close(fd);
	CHECKS_PASSED();
	return 0;
}
