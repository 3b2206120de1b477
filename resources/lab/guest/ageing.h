/* Makes a fresh guest's memory look like that of a machine that has been up for a week: nearly all of it has been written
 * once, and what is free lies scattered between what is used.
 *
 *   ageing_begin   fills most of the free memory with old data and gives back a random part of it, in small pieces
 *   (the workload allocates its pages, which land in those pieces)
 *   ageing_end     gives back the rest, contents and all */
#ifndef AGEING_H
#define AGEING_H

#include <stdbool.h>
#include <stddef.h>

struct ageing {
	void *memory;
	size_t bytes;
};

/* `needed_bytes`: what will be allocated before ageing_end. Returns false with errno set. */
bool ageing_begin(struct ageing *ageing, size_t needed_bytes);
void ageing_end(struct ageing *ageing);

/* Pages of old data in all. */
size_t ageing_pages(const struct ageing *ageing);

#endif
