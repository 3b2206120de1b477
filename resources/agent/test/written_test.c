/* written_test.c - a page that was written and is not told would look quiet on the map; one that is told and was not, busy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "io.h"
#include "written.h"

#define FRAMES 600u
#define NEVER UINT64_MAX

static char path[] = "/tmp/me2-written-XXXXXX";
static int ram;

static void write_page(uint64_t frame, uint8_t byte)
{
	uint8_t page[PAGE_BYTES];
	memset(page, byte, sizeof(page));
	CHECK(pwrite(ram, page, sizeof(page), (off_t)(frame * PAGE_BYTES)) == (ssize_t)sizeof(page));
}

static void look_at_all(struct guest *guest, struct written *written)
{
	for (uint64_t frame = 0; frame < FRAMES; frame++) {
		const uint8_t *page = guest_map(guest, &frame, 1, NULL);
		CHECK(page != NULL);
		written_note(written, frame, page);
		guest_unmap(guest, page, 1);
	}
}

static unsigned found_in(const struct written *written)
{
	unsigned count = 0;
	for (size_t i = 0; i < FRAMES; i++)
		count += written_found(written)[i];
	return count;
}

static void write_all(uint8_t byte)
{
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		write_page(frame, byte);
}

static void make_all_hot(struct guest *guest, struct written *written)
{
	write_all(1);
	look_at_all(guest, written);
	write_all(2);
	written_next_turn(written);
	look_at_all(guest, written);
	CHECK(found_in(written) == FRAMES);
}

static void short_turns_get_round_in_the_end(struct guest *guest, struct written *written)
{
	make_all_hot(guest, written);
	write_all(3);
	written_next_turn(written);
	for (unsigned turn = 0; turn < 5000 && found_in(written) < FRAMES; turn++) {
		for (uint64_t frame = 0; frame < 300; frame++) /* the first on the list never become quiet */
			write_page(frame, (uint8_t)(4 + turn % 2));
		written_look_again(written, clock_ns() + 20000);
	}
	CHECK(found_in(written) == FRAMES, "the pages at the end of the list are never looked at");
}

static void one_of_many_stays_hot(struct guest *guest, struct written *written)
{
	make_all_hot(guest, written);
	for (uint8_t turn = 0; turn < 10; turn++) {
		write_page(300, (uint8_t)(121 + turn));
		written_next_turn(written);
		written_look_again(written, NEVER);
		CHECK(found_in(written) == 1 && written_found(written)[300]);
	}
	write_page(5, 131);
	written_next_turn(written);
	written_look_again(written, NEVER);
	CHECK(found_in(written) == 0, "the others were let go");
}

int main(void)
{
	struct error err = {0};
	ram = mkstemp(path);
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		write_page(frame, (uint8_t)(frame + 1));
	struct guest *guest = guest_open_file(path, 0, 0, &err);
	CHECK(guest != NULL, "%s", err.message);
	struct written *written = written_new(guest, FRAMES, &err);
	CHECK(written != NULL);

	written_next_turn(written);
	look_at_all(guest, written);
	CHECK(found_in(written) == 0, "the first look has nothing to compare with");

	write_page(5, 99);
	write_page(FRAMES - 1, 99);
	written_next_turn(written);
	written_look_again(written, NEVER);
	CHECK(found_in(written) == 0, "nothing is hot yet");
	look_at_all(guest, written);
	CHECK(found_in(written) == 2 && written_found(written)[5] && written_found(written)[FRAMES - 1]);

	write_page(5, 100);
	write_page(7, 100);
	written_next_turn(written);
	CHECK(found_in(written) == 0, "a new turn begins with nothing");
	written_look_again(written, NEVER);
	CHECK(found_in(written) == 1 && written_found(written)[5], "what was written lately is looked at again, the rest is not");
	written_look_again(written, 0);

	for (int turn = 0; turn < 20; turn++) {
		written_next_turn(written);
		written_look_again(written, NEVER);
		CHECK(found_in(written) == 0);
	}
	write_page(5, 101);
	written_next_turn(written);
	written_look_again(written, NEVER);
	CHECK(found_in(written) == 0, "a page that has been quiet is let go");
	look_at_all(guest, written);
	CHECK(found_in(written) == 2 && written_found(written)[5] && written_found(written)[7], "the next sweep finds it all the same");

	short_turns_get_round_in_the_end(guest, written);
	one_of_many_stays_hot(guest, written);
	written_free(written);
	guest_close(guest);
	close(ram);
	unlink(path);
	CHECKS_PASSED();
	return 0;
}
