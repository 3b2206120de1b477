#include "kernel_log.h"

#include <string.h>

/* A descriptor's state is in the top two bits of its number. */
#define STATE_SHIFT 62
#define STATE_COMMITTED 1u
#define STATE_FINALIZED 2u
#define NUMBER_MASK ((UINT64_C(1) << STATE_SHIFT) - 1)
#define COUNT_BITS_MAX 20u
#define TEXT_BITS_MAX 26u
#define FIELD_MAX 4096u
#define MESSAGE_MAX 1024u
/* A text begins behind the number of its descriptor. */
#define TEXT_HEADER_BYTES 8u
/* More messages than a guest writes while it is waited for; older ones are of no interest. */
#define LOOK_BACK_MAX 4096u

/* `bytes` (at most 8) at an address aligned to its size. */
static bool read_field(struct kernel_memory *memory, uint64_t address, unsigned bytes, uint64_t *value)
{
	uint64_t word;
	if (address % bytes != 0 || !kernel_read(memory, address & ~UINT64_C(7), &word))
		return false;
	*value = bytes == 8 ? word : word >> address % 8 * 8 & ((UINT64_C(1) << bytes * 8) - 1);
	return true;
}

/* --- Finding it --- */

struct reader {
	const struct vmcoreinfo *note;
	bool ok;
};

static uint32_t offset_of(struct reader *reader, const char *field)
{
	uint64_t bytes = 0;
	reader->ok = reader->ok && vmcoreinfo_offset(reader->note, field, &bytes) && bytes < FIELD_MAX;
	return (uint32_t)bytes;
}

static uint32_t size_of(struct reader *reader, const char *type)
{
	uint64_t bytes = 0;
	reader->ok = reader->ok && vmcoreinfo_size(reader->note, type, &bytes) && bytes && bytes <= FIELD_MAX;
	return (uint32_t)bytes;
}

static uint64_t value_at(struct reader *reader, struct kernel_memory *memory, uint64_t address, unsigned bytes)
{
	uint64_t value = 0;
	reader->ok = reader->ok && read_field(memory, address, bytes, &value);
	return value;
}

static uint64_t power_at(struct reader *reader, struct kernel_memory *memory, uint64_t address, unsigned bits_max)
{
	uint64_t bits = value_at(reader, memory, address, 4);
	reader->ok = reader->ok && bits && bits <= bits_max;
	return reader->ok ? UINT64_C(1) << bits : 0;
}

bool kernel_log_open(struct kernel_log *log, struct kernel_memory *memory, const struct vmcoreinfo *note, struct error *err)
{
	struct reader reader = {.note = note};
	uint64_t pointer = 0;
	reader.ok = vmcoreinfo_symbol(note, "prb", &pointer);
	uint64_t buffer = value_at(&reader, memory, pointer, 8);
	uint64_t ring = buffer + offset_of(&reader, "printk_ringbuffer.desc_ring");
	uint64_t data = buffer + offset_of(&reader, "printk_ringbuffer.text_data_ring");
	uint32_t lpos = offset_of(&reader, "prb_desc.text_blk_lpos");
	*log = (struct kernel_log){
		.memory = memory,
		.count = power_at(&reader, memory, ring + offset_of(&reader, "prb_desc_ring.count_bits"), COUNT_BITS_MAX),
		.descriptors = value_at(&reader, memory, ring + offset_of(&reader, "prb_desc_ring.descs"), 8),
		.infos = value_at(&reader, memory, ring + offset_of(&reader, "prb_desc_ring.infos"), 8),
		.head_id = ring + offset_of(&reader, "prb_desc_ring.head_id"),
		.text_bytes = power_at(&reader, memory, data + offset_of(&reader, "prb_data_ring.size_bits"), TEXT_BITS_MAX),
		.text = value_at(&reader, memory, data + offset_of(&reader, "prb_data_ring.data"), 8),
		.descriptor_bytes = size_of(&reader, "prb_desc"),
		.state = offset_of(&reader, "prb_desc.state_var"),
		.begin = lpos + offset_of(&reader, "prb_data_blk_lpos.begin"),
		.next = lpos + offset_of(&reader, "prb_data_blk_lpos.next"),
		.info_bytes = size_of(&reader, "printk_info"),
		.sequence = offset_of(&reader, "printk_info.seq"),
		.text_length = offset_of(&reader, "printk_info.text_len"),
	};
	return reader.ok || error_set(err, ERR_NOT_UNDERSTOOD, "", "the messages of the guest's kernel cannot be read");
}

/* --- Reading --- */

struct message {
	uint64_t sequence;
	char text[MESSAGE_MAX];
};

static bool read_text(const struct kernel_log *log, uint64_t descriptor, uint64_t length, char *text)
{
	uint64_t begin, next, byte;
	if (!read_field(log->memory, descriptor + log->begin, 8, &begin) || !read_field(log->memory, descriptor + log->next, 8, &next))
		return false;
	text[0] = '\0';
	if (begin & 1)
		return true; /* a message without text */
	/* One that does not fit before the end lies at the start, whole. */
	bool wraps = begin / log->text_bytes != (next - 1) / log->text_bytes;
	uint64_t at = log->text + (wraps ? 0 : begin % log->text_bytes) + TEXT_HEADER_BYTES;
	length = length < MESSAGE_MAX - 1 ? length : MESSAGE_MAX - 1;
	for (uint64_t i = 0; i < length; i++) {
		if (!read_field(log->memory, at + i, 1, &byte))
			return false;
		text[i] = byte ? (char)byte : ' ';
	}
	text[length] = '\0';
	return true;
}

/* The finished message of that number; false if it is being written, or was overwritten. */
static bool read_message(const struct kernel_log *log, uint64_t number, struct message *message)
{
	uint64_t slot = number & (log->count - 1), length, before, after;
	uint64_t descriptor = log->descriptors + slot * log->descriptor_bytes, info = log->infos + slot * log->info_bytes;
	if (!read_field(log->memory, descriptor + log->state, 8, &before) || (before & NUMBER_MASK) != number
		|| (before >> STATE_SHIFT != STATE_COMMITTED && before >> STATE_SHIFT != STATE_FINALIZED))
		return false;
	return read_field(log->memory, info + log->sequence, 8, &message->sequence)
		&& read_field(log->memory, info + log->text_length, 2, &length) && read_text(log, descriptor, length, message->text)
		&& read_field(log->memory, descriptor + log->state, 8, &after) && (after & NUMBER_MASK) == number;
}

static bool newest_number(const struct kernel_log *log, uint64_t *number)
{
	if (!read_field(log->memory, log->head_id, 8, number))
		return false;
	*number &= NUMBER_MASK;
	return true;
}

static uint64_t messages_to_look_at(const struct kernel_log *log)
{
	return log->count < LOOK_BACK_MAX ? log->count : LOOK_BACK_MAX;
}

uint64_t kernel_log_next(const struct kernel_log *log)
{
	uint64_t number;
	struct message message;
	if (!newest_number(log, &number))
		return 0;
	for (uint64_t back = 0; back < messages_to_look_at(log); back++)
		if (read_message(log, (number - back) & NUMBER_MASK, &message))
			return message.sequence + 1;
	return 0;
}

bool kernel_log_has(const struct kernel_log *log, uint64_t from, const char *words)
{
	uint64_t number;
	struct message message;
	if (!newest_number(log, &number))
		return false;
	for (uint64_t back = 0; back < messages_to_look_at(log); back++) {
		if (!read_message(log, (number - back) & NUMBER_MASK, &message))
			continue;
		if (message.sequence < from)
			return false;
		if (strstr(message.text, words))
			return true;
	}
	return false;
}
