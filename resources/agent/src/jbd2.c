#include "jbd2.h"

#include <stdlib.h>
#include <string.h>

#include "be.h"
#include "crc32c.h"

#define MAGIC 0xc03b3998u
#define SUPER_BYTES 1024u
#define HEADER_BYTES 12u
#define UUID_BYTES 16u
#define TAIL_BYTES 4u           /* checksum at the end of descriptor and revoke blocks */
#define ENTRIES_MAX (1u << 19)  /* of blocks, and of revocations */
#define COMMIT_CHECKSUM_AT 16u

enum { BLOCK_DESCRIPTOR = 1, BLOCK_COMMIT = 2, BLOCK_SUPER_1 = 3, BLOCK_SUPER_2 = 4, BLOCK_REVOKE = 5 };
enum { INCOMPAT_REVOKE = 1, INCOMPAT_64BIT = 2, INCOMPAT_CSUM_V2 = 8, INCOMPAT_CSUM_V3 = 16 };
#define INCOMPAT_KNOWN (INCOMPAT_REVOKE | INCOMPAT_64BIT | INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3)
enum { TAG_ESCAPED = 1, TAG_SAME_UUID = 2, TAG_LAST = 8 };
#define COMPAT_CHECKSUM 1u      /* of whole transactions, an older form */
#define CHECKSUM_CRC32C 4

/* A block of the file system in the log; as a revocation, only block and sequence. */
struct entry {
	uint64_t block;
	uint32_t sequence, place; /* place: block of the journal */
	uint32_t checksum;
	bool escaped;
};

struct entries {
	struct entry *list;
	size_t count, capacity;
};

struct jbd2 {
	struct jbd2_source source;
	uint32_t features, seed, first, end, start, sequence; /* the log is [first, end), its tail at `start` (0: empty) */
	uint32_t transactions;
	struct entries blocks, revoked;
	uint8_t *block;                                       /* one, to read into */
};

static bool refuse(struct error *err, const char *why)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "the journal %s", why);
}

/* --- Checksums: a bare register, where crc32c() inverts at both ends --- */

static uint32_t checksum(uint32_t state, const void *bytes, size_t length)
{
	return ~crc32c(~state, bytes, length);
}

static bool has_checksums(const struct jbd2 *journal)
{
	return journal->features & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3);
}

/* The checksum of a block that holds it at `at`, taken with zero in that place. Clears it there. */
static bool block_is_sound(const struct jbd2 *journal, uint8_t *block, size_t at)
{
	if (!has_checksums(journal))
		return true;
	uint32_t stored = be32_load(block + at);
	be32_store(block + at, 0);
	return checksum(journal->seed, block, journal->source.block_bytes) == stored;
}

/* --- Superblock --- */

static bool read_super(const struct jbd2 *journal, uint8_t *super)
{
	if (!journal->source.read(journal->source.context, 0, journal->block))
		return false;
	memcpy(super, journal->block, SUPER_BYTES);
	return be32_load(super) == MAGIC;
}

static bool take_features(struct jbd2 *journal, uint8_t *super, struct error *err)
{
	journal->features = be32_load(super + 0x28);
	if ((journal->features & ~(uint32_t)INCOMPAT_KNOWN) || (be32_load(super + 0x24) & COMPAT_CHECKSUM))
		return refuse(err, "uses features that are not known");
	if (!has_checksums(journal))
		return true;
	uint32_t stored = be32_load(super + 0xfc);
	be32_store(super + 0xfc, 0);
	if (super[0x50] != CHECKSUM_CRC32C || checksum(UINT32_MAX, super, SUPER_BYTES) != stored)
		return refuse(err, "has a damaged superblock");
	journal->seed = checksum(UINT32_MAX, super + 0x30, UUID_BYTES);
	return true;
}

static bool take_super(struct jbd2 *journal, struct error *err)
{
	uint8_t super[SUPER_BYTES];
	uint32_t type;
	if (!read_super(journal, super) || ((type = be32_load(super + 4)) != BLOCK_SUPER_1 && type != BLOCK_SUPER_2))
		return refuse(err, "has no superblock");
	if (type == BLOCK_SUPER_2 && !take_features(journal, super, err))
		return false;
	journal->end = be32_load(super + 0x10);
	journal->first = be32_load(super + 0x14);
	journal->sequence = be32_load(super + 0x18);
	journal->start = be32_load(super + 0x1c);
	bool in_log = journal->start == 0 || (journal->start >= journal->first && journal->start < journal->end);
	if (be32_load(super + 0x0c) != journal->source.block_bytes || journal->first == 0 || journal->first >= journal->end
		|| journal->end > journal->source.blocks || !in_log)
		return refuse(err, "does not fit its file");
	return be32_load(super + 0x20) == 0 || refuse(err, "has recorded an error");
}

/* --- Scanning the log --- */

static bool add_entry(struct entries *entries, const struct entry *entry, struct error *err)
{
	if (entries->count == entries->capacity) {
		size_t capacity = entries->capacity ? entries->capacity * 2 : 1024;
		struct entry *list = capacity <= ENTRIES_MAX ? realloc(entries->list, capacity * sizeof(*list)) : NULL;
		if (!list)
			return refuse(err, "holds too much");
		entries->list = list;
		entries->capacity = capacity;
	}
	entries->list[entries->count++] = *entry;
	return true;
}

struct scan {
	struct jbd2 *journal;
	uint32_t at, left, sequence; /* the next block; how many of the log are not yet seen */
	struct error *err;
};

/* The next block of the log in turn; false once all of it has been seen. */
static bool step(struct scan *scan, uint32_t *place)
{
	if (!scan->left)
		return false;
	*place = scan->at;
	scan->left--;
	scan->at = scan->at + 1 == scan->journal->end ? scan->journal->first : scan->at + 1;
	return true;
}

static size_t tag_bytes(uint32_t features)
{
	if (features & INCOMPAT_CSUM_V3)
		return 16;
	return 8 + (features & INCOMPAT_CSUM_V2 ? 2 : 0) + (features & INCOMPAT_64BIT ? 4 : 0);
}

/* Returns the tag's flags. */
static uint32_t take_tag(uint32_t features, const uint8_t *tag, struct entry *entry)
{
	bool wide = features & INCOMPAT_CSUM_V3;
	uint32_t flags = wide ? be32_load(tag + 4) : be16_load(tag + 6);
	entry->block = be32_load(tag);
	if (features & INCOMPAT_64BIT)
		entry->block |= (uint64_t)be32_load(tag + 8) << 32;
	entry->checksum = wide ? be32_load(tag + 12) : be16_load(tag + 4);
	entry->escaped = flags & TAG_ESCAPED;
	return flags;
}

static bool take_descriptor(struct scan *scan)
{
	struct jbd2 *journal = scan->journal;
	size_t tail = has_checksums(journal) ? TAIL_BYTES : 0, end = journal->source.block_bytes - tail;
	if (!block_is_sound(journal, journal->block, end))
		return refuse(scan->err, "has a damaged descriptor");
	uint32_t flags = 0;
	for (size_t at = HEADER_BYTES, size = tag_bytes(journal->features); !(flags & TAG_LAST) && at + size <= end; at += size) {
		struct entry entry = {.sequence = scan->sequence};
		flags = take_tag(journal->features, journal->block + at, &entry);
		at += flags & TAG_SAME_UUID ? 0 : UUID_BYTES;
		if (!step(scan, &entry.place))
			return refuse(scan->err, "is longer than its log");
		if (!add_entry(&journal->blocks, &entry, scan->err))
			return false;
	}
	return true;
}

static bool take_revocations(struct scan *scan)
{
	struct jbd2 *journal = scan->journal;
	size_t size = journal->features & INCOMPAT_64BIT ? 8 : 4, tail = has_checksums(journal) ? TAIL_BYTES : 0;
	size_t limit = journal->source.block_bytes - tail, used = be32_load(journal->block + HEADER_BYTES);
	if (!block_is_sound(journal, journal->block, limit) || used > limit)
		return refuse(scan->err, "has a damaged list of revoked blocks");
	for (size_t at = HEADER_BYTES + 4; at + size <= used; at += size) {
		const uint8_t *record = journal->block + at;
		struct entry entry = {.block = size == 8 ? be64_load(record) : be32_load(record), .sequence = scan->sequence};
		if (!add_entry(&journal->revoked, &entry, scan->err))
			return false;
	}
	return true;
}

/* One transaction. `committed`: it is whole; false without an error: the log ends here. */
static bool take_transaction(struct scan *scan, bool *committed)
{
	struct jbd2 *journal = scan->journal;
	uint32_t place;
	*committed = false;
	while (step(scan, &place)) {
		if (!journal->source.read(journal->source.context, place, journal->block))
			return refuse(scan->err, "cannot be read");
		if (be32_load(journal->block) != MAGIC || be32_load(journal->block + 8) != scan->sequence)
			return true;
		uint32_t type = be32_load(journal->block + 4);
		if (type == BLOCK_COMMIT) {
			*committed = block_is_sound(journal, journal->block, COMMIT_CHECKSUM_AT);
			return *committed || refuse(scan->err, "has a damaged commit record");
		}
		bool good = type == BLOCK_DESCRIPTOR ? take_descriptor(scan) : type == BLOCK_REVOKE ? take_revocations(scan)
			: refuse(scan->err, "holds a block of a kind that is not known");
		if (!good)
			return false;
	}
	return true;
}

/* What an unfinished transaction has added at the end is dropped. */
static bool scan_log(struct jbd2 *journal, struct error *err)
{
	struct scan scan = {.journal = journal, .at = journal->start, .left = journal->end - journal->first,
		.sequence = journal->sequence, .err = err};
	bool committed = journal->start != 0;
	while (committed) {
		size_t blocks = journal->blocks.count, revoked = journal->revoked.count;
		if (!take_transaction(&scan, &committed))
			return false;
		journal->blocks.count = committed ? journal->blocks.count : blocks;
		journal->revoked.count = committed ? journal->revoked.count : revoked;
		journal->transactions += committed;
		scan.sequence++;
	}
	return true;
}

/* --- Looking up --- */

/* By block, the newest last: a transaction's distance from the tail is right where sequence numbers wrap. Within one
 * transaction a block is there once. */
static int by_age(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	int32_t distance = (int32_t)(a->sequence - b->sequence);
	return distance < 0 ? -1 : distance > 0;
}

/* The newest entry of a block, NULL if there is none. */
static const struct entry *newest(const struct entries *entries, uint64_t block)
{
	size_t low = 0, high = entries->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (entries->list[middle].block <= block)
			low = middle + 1;
		else
			high = middle;
	}
	return low && entries->list[low - 1].block == block ? &entries->list[low - 1] : NULL;
}

static void sort_entries(struct entries *entries)
{
	if (entries->count)
		qsort(entries->list, entries->count, sizeof(*entries->list), by_age);
}

static bool content_is_sound(const struct jbd2 *journal, const struct entry *entry, const uint8_t *content)
{
	uint8_t sequence[4];
	be32_store(sequence, entry->sequence);
	uint32_t found = checksum(checksum(journal->seed, sequence, sizeof(sequence)), content, journal->source.block_bytes);
	if (journal->features & INCOMPAT_CSUM_V3)
		return found == entry->checksum;
	return !(journal->features & INCOMPAT_CSUM_V2) || (found & 0xffff) == entry->checksum;
}

enum jbd2_answer jbd2_read(const struct jbd2 *journal, uint64_t block, uint8_t *to)
{
	const struct entry *entry = newest(&journal->blocks, block), *revoked = newest(&journal->revoked, block);
	if (!entry || (revoked && (int32_t)(revoked->sequence - entry->sequence) >= 0))
		return JBD2_ABSENT;
	if (!journal->source.read(journal->source.context, entry->place, to) || !content_is_sound(journal, entry, to))
		return JBD2_DAMAGED;
	if (entry->escaped)
		be32_store(to, MAGIC); /* a block that starts with the journal's own mark has it blanked in the log */
	return JBD2_FOUND;
}

/* --- */

struct jbd2 *jbd2_load(const struct jbd2_source *source, struct error *err)
{
	struct jbd2 *journal = calloc(1, sizeof(*journal));
	if (!journal || !(journal->block = malloc(source->block_bytes))) {
		free(journal);
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	journal->source = *source;
	if (!take_super(journal, err) || !scan_log(journal, err)) {
		jbd2_free(journal);
		return NULL;
	}
	sort_entries(&journal->blocks);
	sort_entries(&journal->revoked);
	return journal;
}

void jbd2_free(struct jbd2 *journal)
{
	if (!journal)
		return;
	free(journal->blocks.list);
	free(journal->revoked.list);
	free(journal->block);
	free(journal);
}

uint32_t jbd2_next_transaction(const struct jbd2 *journal)
{
	return journal->sequence + journal->transactions;
}

uint32_t jbd2_transactions(const struct jbd2 *journal)
{
	return journal->transactions;
}

bool jbd2_is_unmoved(const struct jbd2 *journal)
{
	uint8_t super[SUPER_BYTES];
	return read_super(journal, super) && be32_load(super + 0x18) == journal->sequence
		&& be32_load(super + 0x1c) == journal->start;
}
