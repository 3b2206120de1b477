/*
 * hash.h - a 64-bit hash of a page's content, for --verify (does the target hold what the source holds?), for
 * finding what is known already, and for finding what has changed.
 *
 * It finds corruption: two different pages have the same hash about once in 2^64. It has no key and stops no adversary;
 * what protects the link is the link. Both ends of one run use the same version of it, it is never stored.
 */
#ifndef ME2_HASH_H
#define ME2_HASH_H

#include <stdint.h>

#include "guest.h" /* PAGE_BYTES */

/* Never 0, so that 0 can stand for "no page". `page` needs no alignment. */
uint64_t page_hash(const uint8_t page[PAGE_BYTES]);

/* Never 0, either. Under another seed other pages have the same hash; seed 0 is page_hash(). */
uint64_t page_hash_seeded(const uint8_t page[PAGE_BYTES], uint64_t seed);

#endif
