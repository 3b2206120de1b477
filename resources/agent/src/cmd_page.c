/* cmd_page.c - `page`: one page of a guest, and what a migration would do with it now. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "commands.h"
#include "encode.h"
#include "encoder_choice.h"
#include "explore.h"
#include "guest_choice.h"
#include "json.h"

#define BASE64_BYTES sodium_base64_ENCODED_LEN(PAGE_BYTES, sodium_base64_VARIANT_ORIGINAL)

static const char *const fate_names[FATES] = {
	[FATE_NO_DATA] = "absent", [FATE_LEFT_OUT] = "leftOut", [FATE_ZERO] = "constant", [FATE_CONSTANT] = "constant",
	[FATE_ENCODED] = "encoded", [FATE_RAW] = "raw", [FATE_PACKED] = "encoded", [FATE_DELTA] = "delta", [FATE_REFERENCE] = "reference",
};

static bool parse_arguments(struct guest_choice *choice, uint64_t *frame, int argc, char **argv, struct error *err)
{
	struct option options[] = {GUEST_CHOICE_OPTIONS(choice)};
	const char *operands[2] = {NULL};
	size_t count = 0;
	if (!options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv, operands, 2, &count, err))
		return false;
	if (!count || !parse_number(operands[count - 1], frame))
		return error_set(err, ERR_USAGE, "", "page takes a guest and a page frame number");
	return guest_choice_take(choice, count == 2 ? operands[0] : NULL, err);
}

/* The decision itself is the batch's, as in a migration. */
static enum page_fate fate_of(struct guest *guest, uint64_t frame, const uint8_t *page, bool free_now, struct error *err)
{
	bool is_table;
	if (!guest_find_machine_tables(guest, &frame, 1, &is_table, err))
		return FATE_NO_DATA;
	struct batch *batch = batch_new(0, 1);
	if (!batch) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return FATE_NO_DATA;
	}
	batch_start(batch, (struct page_encoding){.encoder = ENCODER_RLE}, false);
	enum page_fate fate = batch_append(batch, frame, is_table ? XEN_TYPE_L1_TABLE : XEN_TYPE_NORMAL, page, free_now);
	batch_free(batch);
	return fate;
}

/* Size and time of the page under each encoder, alone. */
static void report_encoders(struct json *json, const uint8_t *page)
{
	struct encoder_choice measured;
	encoder_choice_init(&measured, 1, 0);
	bool ok = encoder_choice_sample(&measured, page, 1);
	json_open_array(json, "encoders");
	for (unsigned i = 0; ok && i < ENCODER_CHOICES; i++) {
		if (encoder_choices[i].encoder == ENCODER_NONE)
			continue;
		json_open_object(json, NULL);
		json_string(json, "encoder", page_encoder_name(encoder_choices[i].encoder));
		json_u64(json, "level", (uint64_t)encoder_choices[i].level);
		json_u64(json, "bytes", (uint64_t)measured.cost[i].bytes);
		json_us(json, "us", (uint64_t)measured.cost[i].ns);
		json_close_object(json);
	}
	json_close_array(json);
}

/* `kernel` NULL: not explored; `page` NULL: not there. */
static void report(uint64_t frame, const char *kernel, enum page_class class, enum page_fate fate, const uint8_t *page)
{
	struct json json;
	char content[BASE64_BYTES];
	json_start(&json, "page");
	json_u64(&json, "frame", frame);
	json_u64(&json, "class", class);
	json_bool(&json, "present", page != NULL);
	json_string(&json, "kernel", kernel);
	json_string(&json, "fate", fate_names[fate]);
	if (page) {
		size_t coded = rle_size(page);
		json_u64(&json, "rleBytes", coded < PAGE_BYTES ? coded : PAGE_BYTES);
		report_encoders(&json, page);
		json_string(&json, "content", sodium_bin2base64(content, sizeof(content), page, PAGE_BYTES, sodium_base64_VARIANT_ORIGINAL));
	} else {
		json_u64(&json, "rleBytes", 0);
		json_null(&json, "content");
	}
	json_print(&json);
	sodium_memzero(content, sizeof(content));
}

static bool look(struct guest *guest, uint64_t frame, struct error *err)
{
	uint64_t word, frames = guest_frames(guest);
	uint8_t copy[PAGE_BYTES];
	if (frame >= frames)
		return error_set(err, ERR_USAGE, "", "the guest has page frames 0 to %llu", (unsigned long long)(frames - 1));
	struct error unexplored = {0}; /* without exploration every page is of unknown class, and none is left out */
	struct explorer *explorer = explorer_open(guest, &unexplored);
	const uint8_t *page = guest_map(guest, &frame, 1, NULL);
	if (page) {
		memcpy(copy, page, PAGE_BYTES);
		guest_unmap(guest, page, 1);
	}
	enum page_class class = explorer ? explorer_class(explorer, frame) : PAGE_UNKNOWN;
	enum page_fate fate = page ? fate_of(guest, frame, copy, explorer && explorer_is_free(explorer, frame), err) : FATE_NO_DATA;
	bool is_data = class != PAGE_FREE && class != PAGE_OFFLINE && class != PAGE_RESERVED && class != PAGE_UNKNOWN;
	if (page && is_data && page_is_constant(copy, &word) && word == 0)
		class = PAGE_ZERO;
	if (!err->code)
		report(frame, explorer ? explorer_kernel(explorer) : NULL, class, fate, page ? copy : NULL);
	explorer_close(explorer);
	sodium_memzero(copy, sizeof(copy));
	return !err->code;
}

int cmd_page(int argc, char **argv)
{
	static struct guest_choice choice;
	struct error err = {0};
	uint64_t frame;
	bool good = parse_arguments(&choice, &frame, argc, argv, &err) && guest_choice_open(&choice, &err)
		&& look(choice.guest, frame, &err);
	if (!good)
		json_write_error(&err, STDOUT_FILENO);
	guest_choice_close(&choice);
	return good ? 0 : strcmp(err.code, ERR_USAGE) == 0 ? 2 : 1;
}
