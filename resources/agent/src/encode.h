/*
 * encode.h - Memory Encoding: run-length coding of one 4096-byte page, on its 512 64-bit words.
 *
 * Each word is zero, a repeat (not zero, equal to the word before it) or a literal. Runs are stored as bit masks, not as
 * counts: one bit a word whatever the length of the runs, so kernel objects with a zero in every other word shrink as
 * well as half-empty pages do, and neither direction has a branch for each run.
 *
 *   u8 zero_all, zero_some, repeat_all, repeat_some: bit g stands for group g, words 64g to 64g + 63
 *   for each group, first to last: u64 mask of its zero words if in zero_some, u64 mask of its repeats if in repeat_some
 *   the literal words, in order
 *
 * Everything is little-endian; see FORMAT.md. All functions are pure and thread-safe.
 */
#ifndef ME2_ENCODE_H
#define ME2_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h" /* PAGE_BYTES */

#define PAGE_WORDS (PAGE_BYTES / 8u)

/* Encodes `page` into `out`. Returns the encoded size in bytes, or 0 when that would not be less than PAGE_BYTES: the page
 * then travels raw. A size is 4 more than a multiple of 8, so PAGE_BYTES - 4 at most. All of `out` may be written. Neither
 * pointer needs alignment. */
size_t rle_encode(const uint8_t page[PAGE_BYTES], uint8_t out[PAGE_BYTES]);

/* The same without AVX2, for the self-test and for CPUs that lack it. */
size_t rle_encode_portable(const uint8_t page[PAGE_BYTES], uint8_t out[PAGE_BYTES]);

/* Size in bytes that the encoding of `page` has, without the raw fallback: 4 (a zero page) to PAGE_BYTES + 4. */
size_t rle_size(const uint8_t page[PAGE_BYTES]);

/* Decodes. False when `in` is not the whole, exact encoding of one page: `page` then holds anything, but nothing
 * outside it was written and nothing outside `in` was read. */
bool rle_decode(const uint8_t *in, size_t length, uint8_t page[PAGE_BYTES]);

/* The same without AVX2. */
bool rle_decode_portable(const uint8_t *in, size_t length, uint8_t page[PAGE_BYTES]);

/* True if the page is one 64-bit word repeated; the word (as the CPU reads it) is stored in `word`. */
bool page_is_constant(const uint8_t page[PAGE_BYTES], uint64_t *word);

/* Fills a page with one repeated word. */
void page_fill(uint8_t page[PAGE_BYTES], uint64_t word);

#endif
