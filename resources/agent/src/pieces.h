/*
 * pieces.h - bytes that lie in several places, in order: what can be sent, hashed or written without being copied together.
 */
#ifndef ME2_PIECES_H
#define ME2_PIECES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct pieces {
	const struct iovec *at;
	size_t count;
	size_t length; /* of all of them together, bytes */
};

/* Bytes that lie in one place. `place` holds for as long as the result is used. */
struct pieces pieces_of(struct iovec *place, const void *bytes, size_t length);

/* Copies all of them to `to`. */
void pieces_copy(const struct pieces *pieces, uint8_t *to);

/* Where a reader of pieces is; begin with {.left = …}. */
struct pieces_reader {
	struct pieces left;
	size_t used; /* bytes of the first of them that are gone */
};

/* The next bytes: `most` of them, less only at the end or when they lie in more than `places` pieces, which `to` gets. */
struct pieces pieces_next(struct pieces_reader *reader, size_t most, struct iovec *to, size_t places);

#endif
