/*
 * be.h - big-endian integers in byte buffers, at any alignment: XFS and jbd2 keep theirs that way.
 */
#ifndef ME2_BE_H
#define ME2_BE_H

#include "le.h"

static inline uint16_t be16_load(const uint8_t *from) { return __builtin_bswap16(le16_load(from)); }
static inline uint32_t be32_load(const uint8_t *from) { return __builtin_bswap32(le32_load(from)); }
static inline uint64_t be64_load(const uint8_t *from) { return __builtin_bswap64(le64_load(from)); }

static inline void be16_store(uint8_t *to, uint16_t value) { le16_store(to, __builtin_bswap16(value)); }
static inline void be32_store(uint8_t *to, uint32_t value) { le32_store(to, __builtin_bswap32(value)); }
static inline void be64_store(uint8_t *to, uint64_t value) { le64_store(to, __builtin_bswap64(value)); }

#endif
