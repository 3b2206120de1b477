/*
 * kernel_log_test.c - a guest that has synced must be seen to have, and one that has not must not: what is left out of its disk
 * rests on it.
 */
#include <string.h>

#include "check.h"
#include "explore.h"
#include "fake_kernel.h"
#include "guest.h"
#include "kernel_log.h"

#define LOG_FRAME 0x6000u /* the log's frames, and where they are mapped */
#define LOG_ADDRESS (FAKE_DIRECT_MAP + LOG_FRAME * UINT64_C(4096))
#define COUNT_BITS 4u
#define TEXT_BITS 9u /* 512 bytes: it wraps soon */

/* Within the log's page: the pointer `prb`, the ring buffer, descriptors; infos and text have pages of their own. */
enum { POINTER = 0, RING = 64, DESCRIPTORS = 512, INFOS = 4096, TEXT = 8192 };
enum { DESCRIPTOR_BYTES = 24, INFO_BYTES = 88, DATA_RING = 48 };

struct fake_log {
	struct fake_kernel *kernel;
	uint64_t number, sequence, position;
};

static uint8_t *at(const struct fake_log *log, size_t offset)
{
	return (uint8_t *)fake_frame(log->kernel, LOG_FRAME) + offset;
}

static void put64(const struct fake_log *log, size_t offset, uint64_t value)
{
	memcpy(at(log, offset), &value, sizeof(value));
}

static void put32(const struct fake_log *log, size_t offset, uint32_t value)
{
	memcpy(at(log, offset), &value, sizeof(value));
}

static void set_up(struct fake_log *log)
{
	char *note = fake_frame(log->kernel, FAKE_NOTE_FRAME);
	for (uint64_t i = 0; i < 3; i++)
		fake_map(log->kernel, LOG_ADDRESS + i * 4096, LOG_FRAME + i);
	put64(log, POINTER, LOG_ADDRESS + RING);
	put32(log, RING, COUNT_BITS);
	put64(log, RING + 8, LOG_ADDRESS + DESCRIPTORS);
	put64(log, RING + 16, LOG_ADDRESS + INFOS);
	put32(log, RING + DATA_RING, TEXT_BITS);
	put64(log, RING + DATA_RING + 8, LOG_ADDRESS + TEXT);
	snprintf(note + strlen(note), 2048, "SYMBOL(prb)=%" PRIx64 "\nOFFSET(printk_ringbuffer.desc_ring)=0\n"
		"OFFSET(printk_ringbuffer.text_data_ring)=%d\nOFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
		"OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\nSIZE(prb_desc)=%d\nOFFSET(prb_desc.state_var)=0\n"
		"OFFSET(prb_desc.text_blk_lpos)=8\nOFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\n"
		"SIZE(printk_info)=%d\nOFFSET(printk_info.seq)=0\nOFFSET(printk_info.text_len)=16\nOFFSET(prb_data_ring.size_bits)=0\n"
		"OFFSET(prb_data_ring.data)=8\n", LOG_ADDRESS, DATA_RING, DESCRIPTOR_BYTES, INFO_BYTES);
	log->number = UINT64_C(0x3ffffffffffffff0); /* numbers wrap where the state begins */
}

/* As the kernel does it: a text that does not fit before the end lies at the start. */
static void say(struct fake_log *log, const char *words, uint64_t state)
{
	size_t length = strlen(words), block = (8 + length + 7) & ~(size_t)7, size = (size_t)1 << TEXT_BITS;
	uint64_t begin = log->position, next = begin + block;
	bool wraps = begin / size != (next - 1) / size;
	if (wraps)
		next = (begin / size + 1) * size + block;
	size_t slot = log->number & ((1u << COUNT_BITS) - 1);
	memcpy(at(log, TEXT + (wraps ? 0 : begin % size) + 8), words, length);
	put64(log, INFOS + slot * INFO_BYTES, log->sequence++);
	put32(log, INFOS + slot * INFO_BYTES + 16, (uint32_t)length | 0x70000u); /* the level is behind the length */
	put64(log, DESCRIPTORS + slot * DESCRIPTOR_BYTES + 8, length ? begin : 1);
	put64(log, DESCRIPTORS + slot * DESCRIPTOR_BYTES + 16, length ? next : 1);
	put64(log, DESCRIPTORS + slot * DESCRIPTOR_BYTES, log->number | state << 62);
	put64(log, RING + 24, log->number);
	log->number = (log->number + 1) & (UINT64_MAX >> 2);
	log->position = length ? next : log->position;
}

static void finds_what_was_said(struct fake_log *fake, const struct kernel_log *log)
{
	CHECK(kernel_log_next(log) == 0); /* nothing yet */
	say(fake, "Linux version 6.1", 2);
	say(fake, "", 2);
	say(fake, "Emergency Sync complete", 2);
	CHECK(kernel_log_next(log) == 3);
	CHECK(kernel_log_has(log, 0, "Sync complete") && kernel_log_has(log, 2, "Sync complete") && !kernel_log_has(log, 3, "Sync complete"));
	CHECK(!kernel_log_has(log, 0, "SysRq"));

	/* the same words again count only from their own number on, however often the buffers have wrapped since */
	for (int i = 0; i < 40; i++) {
		uint64_t from = kernel_log_next(log);
		CHECK(from == fake->sequence && !kernel_log_has(log, from, "Emergency"));
		say(fake, i % 3 ? "xenbus: something else, and at some length" : "random: crng", 2);
		CHECK(!kernel_log_has(log, from, "Emergency"), "%d", i);
		say(fake, "Emergency Sync complete", i % 2 ? 1 : 2);
		CHECK(kernel_log_has(log, from, "Emergency Sync complete"), "%d", i);
	}
}

static void passes_over_what_is_being_written(struct fake_log *fake, const struct kernel_log *log)
{
	uint64_t from = kernel_log_next(log);
	say(fake, "Emergency Sync complete", 0); /* reserved: not said yet */
	CHECK(!kernel_log_has(log, from, "Emergency") && kernel_log_next(log) == from);
	say(fake, "later", 2);
	CHECK(!kernel_log_has(log, from, "Emergency") && kernel_log_has(log, from, "later") && kernel_log_next(log) == from + 2);
}

static void refuses(const struct fake_log *fake, struct explorer *explorer, size_t offset, uint32_t value)
{
	struct kernel_log log;
	struct error err = {0};
	uint32_t before;
	memcpy(&before, at(fake, offset), sizeof(before));
	put32(fake, offset, value);
	CHECK(!kernel_log_open(&log, explorer_memory(explorer), explorer_note(explorer), &err)
		&& strcmp(err.code, ERR_NOT_UNDERSTOOD) == 0, "at %zu", offset);
	put32(fake, offset, before);
}

int main(void)
{
	struct fake_kernel kernel = {.levels = 4, .page_bytes = 64, .frames = FAKE_SECTION_FRAMES};
	struct fake_log fake = {.kernel = &kernel};
	struct kernel_log log;
	struct error err = {0};
	fake_kernel_boot(&kernel);
	set_up(&fake);
	struct guest *guest = guest_open_file(kernel.path, 0, 0, &err);
	struct explorer *explorer = guest ? explorer_open(guest, &err) : NULL;
	CHECK(explorer, "%s", err.message);
	CHECK(kernel_log_open(&log, explorer_memory(explorer), explorer_note(explorer), &err), "%s", err.message);
	finds_what_was_said(&fake, &log);
	passes_over_what_is_being_written(&fake, &log);
	refuses(&fake, explorer, RING, 31);
	refuses(&fake, explorer, RING, 0);
	refuses(&fake, explorer, RING + DATA_RING, 60);
	explorer_close(explorer);
	guest_close(guest);
	fake_kernel_halt(&kernel);
	CHECKS_PASSED();
	return 0;
}
