/* pieces_test.c - if these fail, bytes that lie in several places are sent twice, not at all, or in another order. */
#include "pieces.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "io.h"
#include "pages.h"

#define BYTES 20000u
#define PLACES 2500u

static struct random rng = {.state = 5};
static uint8_t bytes[BYTES], copy[BYTES];
static struct iovec places[PLACES];

/* All of `bytes`, each piece in memory of its own, so that the sanitizer sees any access beyond it; some are empty. */
static struct pieces cut_up(unsigned most)
{
	struct pieces pieces = {.at = places, .length = BYTES};
	for (size_t at = 0; at < BYTES;) {
		size_t length = pieces.count + 1 == PLACES ? BYTES - at : random_below(&rng, most);
		length = length < BYTES - at ? length : BYTES - at;
		uint8_t *piece = malloc(length + 1);
		memcpy(piece, bytes + at, length);
		places[pieces.count++] = (struct iovec){.iov_base = piece, .iov_len = length};
		at += length;
	}
	return pieces;
}

static void drop(struct pieces pieces)
{
	for (size_t i = 0; i < pieces.count; i++)
		free(places[i].iov_base);
}

static void check_parts(struct pieces pieces, size_t most, size_t places_max)
{
	struct iovec to[16];
	struct pieces_reader reader = {.left = pieces};
	size_t done = 0;
	memset(copy, 0, sizeof(copy));
	while (reader.left.length) {
		struct pieces next = pieces_next(&reader, most, to, places_max);
		CHECK(next.count >= 1 && next.count <= places_max && next.length <= most);
		CHECK(next.length == most || next.count == places_max || !reader.left.length, "%zu bytes, fewer than asked for", next.length);
		pieces_copy(&next, copy + done);
		done += next.length;
		CHECK(reader.left.length == BYTES - done);
	}
	CHECK(done == BYTES && memcmp(copy, bytes, BYTES) == 0);
}

static void test_parts_are_the_whole(void)
{
	for (unsigned i = 0; i < 60; i++) {
		struct pieces pieces = cut_up(2 + random_below(&rng, 1u << random_below(&rng, 14)));
		memset(copy, 0, sizeof(copy));
		pieces_copy(&pieces, copy);
		CHECK(memcmp(copy, bytes, BYTES) == 0);
		for (size_t places_max = 1; places_max <= 16; places_max *= 2)
			check_parts(pieces, 1 + random_below(&rng, 3000), places_max);
		drop(pieces);
	}
}

static void *read_copy(void *context)
{
	CHECK(io_read_all(*(int *)context, copy, BYTES) == (ssize_t)BYTES);
	return NULL;
}

/* More pieces than one system call takes, and more bytes than the pipe has room for. */
static void test_all_is_written(void)
{
	int ends[2];
	pthread_t reader;
	CHECK(pipe(ends) == 0);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	struct pieces pieces = cut_up(16);
	CHECK(pieces.count > 2000, "%zu pieces", pieces.count);
	memset(copy, 0, sizeof(copy));
	CHECK(pthread_create(&reader, NULL, read_copy, &ends[0]) == 0);
	CHECK(io_write_pieces(ends[1], &pieces));
	pthread_join(reader, NULL);
	CHECK(memcmp(copy, bytes, BYTES) == 0);
	drop(pieces);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	struct iovec one;
	pieces = pieces_of(&one, bytes, BYTES);
	CHECK(!io_write_pieces(ends[1], &pieces), "nobody reads any more");
	close(ends[1]);
}

int main(void)
{
	fill_random(&rng, bytes, BYTES);
	test_parts_are_the_whole();
	test_all_is_written();
	CHECKS_PASSED();
	return 0;
}
