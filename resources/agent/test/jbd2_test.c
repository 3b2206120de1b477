/* jbd2_test.c - without it, a journal could be applied otherwise than the guest will apply it: blocks that a committed
 * transaction allocated would be called free. */
#include "check.h"
#include "disk_builder.h"
#include "jbd2.h"

#define PLAIN_FEATURES 3u /* revocations and 64 bits: no checksums */

static uint8_t bytes[JOURNAL_BLOCKS * JOURNAL_BLOCK];

static bool read_block(void *context, uint32_t number, uint8_t *to)
{
	(void)context;
	memcpy(to, bytes + (size_t)number * JOURNAL_BLOCK, JOURNAL_BLOCK);
	return number < JOURNAL_BLOCKS;
}

static struct jbd2 *load(void)
{
	const struct jbd2_source source = {.read = read_block, .block_bytes = JOURNAL_BLOCK, .blocks = JOURNAL_BLOCKS};
	struct error err = {0};
	struct jbd2 *journal = jbd2_load(&source, &err);
	CHECK(!journal == (err.code != NULL));
	return journal;
}

static bool is_refused(void)
{
	struct jbd2 *journal = load();
	jbd2_free(journal);
	return !journal;
}

static void add(struct journal_builder *journal, uint64_t number, uint8_t content)
{
	uint8_t block[JOURNAL_BLOCK];
	memset(block, content, sizeof(block));
	journal_add(journal, number, block);
}

/* What the journal has of a block: the byte it was filled with, -1 if it has none, -2 if that is damaged. */
static int content(const struct jbd2 *journal, uint64_t number)
{
	uint8_t block[JOURNAL_BLOCK];
	enum jbd2_answer answer = jbd2_read(journal, number, block);
	return answer == JBD2_FOUND ? block[JOURNAL_BLOCK - 1] : answer == JBD2_ABSENT ? -1 : -2;
}

static void the_newest_committed_content_counts(uint32_t features, uint32_t start)
{
	struct journal_builder builder = journal_begin(bytes, features, start);
	add(&builder, 7, 0x11);
	add(&builder, UINT64_C(8) << 32 | 7, 0x12);
	journal_commit(&builder);
	add(&builder, 7, 0x21);
	journal_commit(&builder);
	add(&builder, 7, 0x31); /* never committed */
	add(&builder, 9, 0x32);
	struct jbd2 *journal = load();
	CHECK(journal && jbd2_transactions(journal) == 2, "features %u, start %u", features, start);
	CHECK(content(journal, 7) == 0x21 && content(journal, UINT64_C(8) << 32 | 7) == 0x12);
	CHECK(content(journal, 9) == -1 && content(journal, 8) == -1);
	jbd2_free(journal);
}

/* Sequence numbers wrap between the first transaction and the second. */
static void sequence_numbers_wrap(void)
{
	struct journal_builder builder = journal_begin(bytes, JOURNAL_FEATURES, 1);
	builder.sequence = UINT32_MAX;
	be32_store(bytes + 0x18, UINT32_MAX);
	journal_seal_super(bytes);
	add(&builder, 7, 0x11);
	add(&builder, 8, 0x12);
	journal_commit(&builder);
	add(&builder, 7, 0x21);
	journal_revoke(&builder, 8);
	journal_commit(&builder);
	struct jbd2 *journal = load();
	CHECK(journal && jbd2_transactions(journal) == 2 && content(journal, 7) == 0x21 && content(journal, 8) == -1);
	jbd2_free(journal);
}

static void revoked_blocks_are_not_applied(void)
{
	struct journal_builder builder = journal_begin(bytes, JOURNAL_FEATURES, 1);
	add(&builder, 7, 0x11);
	add(&builder, 8, 0x12);
	add(&builder, 9, 0x13);
	journal_commit(&builder);
	journal_revoke(&builder, 7);
	journal_revoke(&builder, 8);
	journal_commit(&builder);
	add(&builder, 8, 0x31); /* in use again */
	journal_commit(&builder);
	journal_revoke(&builder, 9); /* never committed */
	struct jbd2 *journal = load();
	CHECK(journal && content(journal, 7) == -1 && content(journal, 8) == 0x31 && content(journal, 9) == 0x13);
	jbd2_free(journal);
}

/* What an earlier turn of the log left behind the newest commit looks whole, but for its number. */
static void an_older_turn_of_the_log_is_not_applied(void)
{
	struct journal_builder builder = journal_begin(bytes, JOURNAL_FEATURES, 1);
	add(&builder, 7, 0x11);
	journal_commit(&builder);
	builder.sequence = JOURNAL_SEQUENCE - 3;
	add(&builder, 7, 0x01);
	journal_commit(&builder);
	struct jbd2 *journal = load();
	CHECK(journal && jbd2_transactions(journal) == 1 && content(journal, 7) == 0x11);
	jbd2_free(journal);
}

static void a_block_that_begins_with_the_mark_is_whole_again(void)
{
	uint8_t block[JOURNAL_BLOCK], found[JOURNAL_BLOCK];
	memset(block, 0x11, sizeof(block));
	be32_store(block, 0xc03b3998);
	struct journal_builder builder = journal_begin(bytes, JOURNAL_FEATURES, 1);
	journal_add(&builder, 7, block);
	journal_commit(&builder);
	CHECK(be32_load(journal_block(&builder, 2)) == 0, "it is blanked in the log");
	struct jbd2 *journal = load();
	CHECK(journal && jbd2_read(journal, 7, found) == JBD2_FOUND && memcmp(found, block, sizeof(block)) == 0);
	jbd2_free(journal);
}

static void build_two(void)
{
	struct journal_builder builder = journal_begin(bytes, JOURNAL_FEATURES, 1);
	add(&builder, 7, 0x11);       /* blocks 1 and 2 */
	journal_commit(&builder);     /* 3 */
	journal_revoke(&builder, 99); /* 4 */
	add(&builder, 8, 0x21);       /* 5 and 6 */
	journal_commit(&builder);     /* 7 */
}

static void damage_is_seen(void)
{
	static const uint32_t structures[] = {1, 3, 4, 5, 7};
	for (size_t i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
		build_two();
		bytes[structures[i] * JOURNAL_BLOCK + 200] ^= 1;
		CHECK(is_refused(), "block %u", structures[i]);
	}
	build_two();
	bytes[6 * JOURNAL_BLOCK + 200] ^= 1;
	struct jbd2 *journal = load();
	CHECK(journal && content(journal, 7) == 0x11 && content(journal, 8) == -2, "the content of a block");
	jbd2_free(journal);
}

static void a_superblock_that_makes_no_sense_is_refused(void)
{
	static const struct {
		unsigned at;
		uint32_t value;
		const char *what;
	} absurd[] = {
		{0x00, 0, "no mark"}, {0x04, 2, "another kind of block"}, {0x0c, 4096, "another size of blocks"},
		{0x10, JOURNAL_BLOCKS + 1, "longer than its file"}, {0x10, 1, "no log"}, {0x14, 0, "the log over the superblock"},
		{0x14, UINT32_MAX, "the log's start behind its end"}, {0x1c, JOURNAL_BLOCKS, "the tail behind the log"},
		{0x20, 5, "an error on record"}, {0x24, 1, "checksums of transactions"}, {0x28, JOURNAL_FEATURES | 4, "asynchronous commits"},
		{0x28, JOURNAL_FEATURES | 32, "fast commits"}, {0x50, 0, "another checksum"},
	};
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		build_two();
		be32_store(bytes + absurd[i].at, absurd[i].value);
		journal_seal_super(bytes);
		CHECK(is_refused(), "%s", absurd[i].what);
	}
	build_two();
	bytes[0x1b] ^= 1;
	CHECK(is_refused(), "the superblock's own checksum");
}

static void lists_that_leave_their_block_are_refused(void)
{
	struct journal_builder builder = journal_begin(bytes, PLAIN_FEATURES, 1);
	journal_revoke(&builder, 7);
	journal_commit(&builder);
	be32_store(bytes + JOURNAL_BLOCK + 12, JOURNAL_BLOCK + 1);
	CHECK(is_refused(), "revocations");
	builder = journal_begin(bytes, PLAIN_FEATURES, 1);
	add(&builder, 7, 0x11);
	journal_commit(&builder);
	memset(bytes + JOURNAL_BLOCK + 12, 0, JOURNAL_BLOCK - 12); /* as many tags as there is room for: more than the log has blocks */
	for (unsigned at = 12; at + 12 <= JOURNAL_BLOCK; at += 12)
		be16_store(bytes + JOURNAL_BLOCK + at + 6, 2);
	CHECK(is_refused(), "tags");
}

static void a_tail_that_moves_is_seen(void)
{
	build_two();
	struct jbd2 *journal = load();
	CHECK(journal && jbd2_is_unmoved(journal));
	be32_store(bytes + 0x18, JOURNAL_SEQUENCE + 1);
	CHECK(!jbd2_is_unmoved(journal));
	build_two();
	be32_store(bytes + 0x1c, 4);
	CHECK(!jbd2_is_unmoved(journal));
	jbd2_free(journal);
}

int main(void)
{
	for (uint32_t start = 1; start < JOURNAL_BLOCKS; start++) { /* the later ones go round */
		the_newest_committed_content_counts(JOURNAL_FEATURES, start);
		the_newest_committed_content_counts(PLAIN_FEATURES, start);
	}
	sequence_numbers_wrap();
	revoked_blocks_are_not_applied();
	an_older_turn_of_the_log_is_not_applied();
	a_block_that_begins_with_the_mark_is_whole_again();
	damage_is_seen();
	a_superblock_that_makes_no_sense_is_refused();
	lists_that_leave_their_block_are_refused();
	a_tail_that_moves_is_seen();
	CHECKS_PASSED();
	return 0;
}
