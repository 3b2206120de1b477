#include "pieces.h"

#include <string.h>

struct pieces pieces_of(struct iovec *place, const void *bytes, size_t length)
{
	*place = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	return (struct pieces){.at = place, .count = 1, .length = length};
}

void pieces_copy(const struct pieces *pieces, uint8_t *to)
{
	for (size_t i = 0; i < pieces->count; i++) {
		memcpy(to, pieces->at[i].iov_base, pieces->at[i].iov_len);
		to += pieces->at[i].iov_len;
	}
}

struct pieces pieces_next(struct pieces_reader *reader, size_t most, struct iovec *to, size_t places)
{
	struct pieces next = {.at = to};
	struct pieces *left = &reader->left;
	while (left->count && next.count < places && next.length < most) {
		size_t there = left->at->iov_len - reader->used, wanted = most - next.length, part = there < wanted ? there : wanted;
		to[next.count++] = (struct iovec){.iov_base = (uint8_t *)left->at->iov_base + reader->used, .iov_len = part};
		next.length += part;
		left->length -= part;
		reader->used += part;
		if (reader->used == left->at->iov_len) {
			reader->used = 0;
			left->at++;
			left->count--;
		}
	}
	return next;
}
