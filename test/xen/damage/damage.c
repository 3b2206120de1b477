/*
 * damage.c - sends a guest that `xl save` wrote to `agent receive --link plain`, with one fault in it, and tells what the
 * target made of it. It never sends the go-ahead, so nothing of it can ever run at the target.
 *
 *   damage FILE --to IP:PORT FAULT        the key line on stdin, as for `migrate`
 *
 *   --record TYPE --byte N   byte N of the first libxc record of that type (header included) is complemented
 *   --header xl|libxl|libxc  so is the first byte of that header's identification
 *   --random SEED            two random bytes are changed, neither of them in the records of pages: on a link without a seal
 *                            nobody notices a changed page, by xl's design, and sealed links are tested in link_test.c
 *   --cut PERCENT            the stream ends there
 *   --batch                  the first record of pages goes in ME2's compact form, its middle byte complemented
 *
 * Answer: {"t":"damaged","offset","what","sentBytes","answer","xlExit"}. `answer`: "ready" xl would start the guest,
 * "refused" xl or the agent gave up, "waiting" it wants more. `offset`: the first change, in the file (--batch: in the batch).
 */
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "handshake.h"
#include "io.h"
#include "json.h"
#include "key.h"
#include "layout.h"
#include "le.h"
#include "options.h"

#define RANDOM_CHANGES 2u
/* libxl and the hotplug scripts may need this long to build the guest on an emulated host. */
#define PATIENCE_NS (UINT64_C(25) * 1000000000u)
#define SILENCE_S 60u

enum header { HEADER_XL, HEADER_LIBXL, HEADER_LIBXC };

struct wishes {
	char to[128];
	uint64_t record, byte, seed, cut_percent;
	int header;
	bool batch;
	bool has_record, has_header, has_seed, has_cut;
};

/* What is sent instead of the file as it is. */
struct fault {
	uint64_t at[RANDOM_CHANGES];
	uint8_t mask[RANDOM_CHANGES]; /* the byte there is XORed with it */
	size_t changes;
	uint64_t end;                 /* bytes that are sent */
	uint64_t patience_ns;         /* how long the target may think about them */
	bool batch;
	char what[80];
};

struct answer {
	const char *kind;
	int64_t xl_exit; /* -1: not told */
};

static bool parse(int argc, char **argv, struct wishes *wishes, const char **file, struct error *err)
{
	static const char *const headers[] = {"xl", "libxl", "libxc", NULL};
	enum { TO, RECORD, BYTE, HEADER, SEED, CUT, BATCH, COUNT };
	struct option options[COUNT] = {
		[TO] = {.name = "--to", .kind = OPTION_TEXT, .value = wishes->to, .maximum = sizeof(wishes->to), .required = true},
		[RECORD] = {.name = "--record", .kind = OPTION_NUMBER, .value = &wishes->record, .maximum = UINT32_MAX},
		[BYTE] = {.name = "--byte", .kind = OPTION_NUMBER, .value = &wishes->byte, .maximum = XEN_RECORD_BODY_MAX},
		[HEADER] = {.name = "--header", .kind = OPTION_CHOICE, .value = &wishes->header, .choices = headers},
		[SEED] = {.name = "--random", .kind = OPTION_NUMBER, .value = &wishes->seed, .maximum = UINT64_MAX},
		[CUT] = {.name = "--cut", .kind = OPTION_NUMBER, .value = &wishes->cut_percent, .minimum = 1, .maximum = 99},
		[BATCH] = {.name = "--batch", .kind = OPTION_FLAG, .value = &wishes->batch, .flag_value = true},
	};
	size_t files = 0;
	if (!options_parse(options, COUNT, argc - 1, argv + 1, file, 1, &files, err))
		return false;
	wishes->has_record = options[RECORD].seen;
	wishes->has_header = options[HEADER].seen;
	wishes->has_seed = options[SEED].seen;
	wishes->has_cut = options[CUT].seen;
	if (files != 1 || wishes->has_record + wishes->has_header + wishes->has_seed + wishes->has_cut + wishes->batch != 1)
		return error_set(err, ERR_USAGE, "", "one file and one fault are needed");
	return true;
}

static const uint8_t *map_file(const char *path, uint64_t *bytes, struct error *err)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *mapped = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &status) == 0)
		mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		error_errno(err, "cannot read %s", path);
	if (fd >= 0)
		close(fd);
	if (mapped == MAP_FAILED)
		return NULL;
	*bytes = (uint64_t)status.st_size;
	return mapped;
}

static void complement(struct fault *fault, uint64_t at)
{
	fault->at[0] = at;
	fault->mask[0] = 0xff;
	fault->changes = 1;
}

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a seed is a case that can be repeated. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void change_at_random(struct fault *fault, const struct layout *layout, uint64_t seed)
{
	uint64_t before_pages = layout->pages_from, after_pages = layout->bytes - layout->pages_to;
	for (; fault->changes < RANDOM_CHANGES; fault->changes++) {
		uint64_t place = next_random(&seed) % (before_pages + after_pages);
		fault->at[fault->changes] = place < before_pages ? place : layout->pages_to + place - before_pages;
		fault->mask[fault->changes] = (uint8_t)(1 + next_random(&seed) % 255);
	}
}

static bool damage_record(struct fault *fault, const struct layout *layout, const struct wishes *wishes, struct error *err)
{
	const struct record *record = layout_record(layout, (uint32_t)wishes->record);
	if (!record)
		return error_set(err, ERR_USAGE, "", "the stream has no record of type %u", (unsigned)wishes->record);
	if (wishes->byte >= XEN_RECORD_HEADER_BYTES + (uint64_t)record->length)
		return error_set(err, ERR_USAGE, "", "the record is shorter than that");
	complement(fault, record->at + wishes->byte);
	snprintf(fault->what, sizeof(fault->what), "byte %u of record %#x", (unsigned)wishes->byte, (unsigned)wishes->record);
	return true;
}

static void damage_header(struct fault *fault, const struct layout *layout, enum header header)
{
	/* libxc's begins with a marker of its own; the identification follows. */
	const uint64_t at[] = {
		[HEADER_XL] = 0, [HEADER_LIBXL] = layout->libxl_header_at, [HEADER_LIBXC] = layout->libxc_header_at + 8};
	static const char *const names[] = {[HEADER_XL] = "xl", [HEADER_LIBXL] = "libxl", [HEADER_LIBXC] = "libxc"};
	complement(fault, at[header]);
	snprintf(fault->what, sizeof(fault->what), "%s header", names[header]);
}

static bool plan(struct fault *fault, const struct layout *layout, const struct wishes *wishes, struct error *err)
{
	*fault = (struct fault){.end = layout->bytes, .patience_ns = PATIENCE_NS};
	if (wishes->has_record)
		return damage_record(fault, layout, wishes, err);
	if (wishes->has_header) {
		damage_header(fault, layout, (enum header)wishes->header);
	} else if (wishes->has_seed) {
		change_at_random(fault, layout, wishes->seed);
		snprintf(fault->what, sizeof(fault->what), "%u random bytes, seed %llu", RANDOM_CHANGES, (unsigned long long)wishes->seed);
	} else if (wishes->has_cut) {
		fault->end = fault->at[0] = layout->bytes * wishes->cut_percent / 100;
		fault->patience_ns = 0; /* xl can but wait for the rest: until the link ends */
		snprintf(fault->what, sizeof(fault->what), "cut at %u %%", (unsigned)wishes->cut_percent);
	} else {
		fault->end = layout->pages_from;
		fault->batch = true;
		snprintf(fault->what, sizeof(fault->what), "a batch of pages");
	}
	return true;
}

static bool send_stream(struct link *link, const uint8_t *stream, const struct fault *fault, struct error *err)
{
	static uint8_t frame[LINK_FRAME_MAX];
	for (uint64_t at = 0; at < fault->end; at += LINK_FRAME_MAX) {
		size_t length = fault->end - at < LINK_FRAME_MAX ? (size_t)(fault->end - at) : LINK_FRAME_MAX;
		memcpy(frame, stream + at, length);
		for (size_t i = 0; i < fault->changes; i++)
			if (fault->at[i] >= at && fault->at[i] - at < length)
				frame[fault->at[i] - at] ^= fault->mask[i];
		if (!link_send(link, LINK_STREAM, frame, length, err))
			return false;
	}
	return true;
}

static bool send_batch(struct link *link, uint8_t *bytes, size_t length, struct error *err)
{
	for (; length > LINK_FRAME_MAX; bytes += LINK_FRAME_MAX, length -= LINK_FRAME_MAX)
		if (!link_send(link, LINK_BATCH_PART, bytes, LINK_FRAME_MAX, err))
			return false;
	return link_send(link, LINK_BATCH_END, bytes, length, err);
}

/* `record` is a PAGE_DATA record that the parser has accepted. */
static void encode(struct batch *batch, const uint8_t *record)
{
	uint32_t count = le32_load(record + XEN_RECORD_HEADER_BYTES);
	const uint8_t *entries = record + XEN_RECORD_HEADER_BYTES + 8, *page = entries + (size_t)count * 8;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t entry = le64_load(entries + (size_t)i * 8);
		bool has_data = xen_type_has_data(xen_entry_type(entry));
		batch_append(batch, xen_entry_frame(entry), xen_entry_type(entry), has_data ? page : NULL, false);
		page += has_data ? PAGE_BYTES : 0;
	}
}

static bool send_damaged_batch(struct link *link, const uint8_t *record, struct fault *fault, struct error *err)
{
	size_t length;
	struct batch *batch = batch_new(ENCODER_RLE);
	if (!batch)
		return error_set(err, ERR_SYSTEM, "", "out of memory");
	encode(batch, record);
	const uint8_t *finished = batch_finish(batch, &length);
	uint8_t *bytes = malloc(length);
	bool ok = bytes != NULL;
	if (ok) {
		memcpy(bytes, finished, length);
		fault->at[0] = length / 2;
		bytes[fault->at[0]] ^= 0xff;
		ok = send_batch(link, bytes, length, err);
	}
	free(bytes);
	batch_free(batch);
	return ok;
}

static bool says_ready(struct handshake *handshake, const uint8_t *bytes, size_t length)
{
	for (size_t taken = 0; taken < length;) {
		enum handshake_event event;
		taken += handshake_take(handshake, bytes + taken, length - taken, &event);
		if (event == HANDSHAKE_IS_READY)
			return true;
		if (event == HANDSHAKE_WRONG)
			return false;
	}
	return false;
}

static struct answer wait_for_answer(struct link *link, uint64_t patience_ns)
{
	static uint8_t bytes[LINK_FRAME_MAX];
	const uint64_t no_number = 0, deadline = clock_ns() + patience_ns;
	struct handshake handshake = {0};
	enum link_type type;
	size_t length;
	while (clock_ns() < deadline) {
		if (link_receive(link, &type, bytes, &length, NULL) != 1)
			return (struct answer){"refused", -1};
		if (type == LINK_PING) /* the target's sign of life, twice a second; ours in return */
			link_try_send(link, LINK_PING, &no_number, sizeof(no_number));
		if (type == LINK_XL_ENDED && length == 4)
			return (struct answer){"refused", le32_load(bytes)};
		if (type == LINK_BACK && says_ready(&handshake, bytes, length))
			return (struct answer){"ready", -1};
	}
	return (struct answer){"waiting", -1};
}

static void report(const struct fault *fault, const struct answer *answer, const struct link *link)
{
	struct json json;
	json_start(&json, "damaged");
	json_u64(&json, "offset", fault->at[0]);
	json_string(&json, "what", fault->what);
	json_u64(&json, "sentBytes", link_sent_bytes(link));
	json_string(&json, "answer", answer->kind);
	json_i64(&json, "xlExit", answer->xl_exit);
	json_print(&json);
}

static bool send_fault(const char *to, const uint8_t *stream, struct fault *fault, struct error *err)
{
	uint8_t key[LINK_KEY_BYTES];
	struct error broken = {0};
	if (!read_key_line(STDIN_FILENO, key, err))
		return false;
	struct link *link = link_connect(LINK_PLAIN, to, key, fault->batch ? LINK_FLAG_ME2 : 0, err);
	if (!link)
		return false;
	link_set_silence(link, SILENCE_S);
	/* A target that gives up while we send is an answer, not an error of ours. */
	bool sent = send_stream(link, stream, fault, &broken)
		&& (!fault->batch || send_damaged_batch(link, stream + fault->end, fault, &broken))
		&& link_send(link, LINK_IMAGE_END, "", 0, &broken);
	struct answer answer = wait_for_answer(link, fault->patience_ns);
	if (!sent)
		answer.kind = "refused";
	report(fault, &answer, link);
	link_shut_sending(link);
	link_close(link);
	return true;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct wishes wishes = {0};
	struct layout layout = {0};
	struct fault fault;
	const char *file = NULL;
	const uint8_t *stream = NULL;
	uint64_t bytes = 0;
	signal(SIGPIPE, SIG_IGN);
	bool ok = sodium_init() >= 0 && parse(argc, argv, &wishes, &file, &err) && (stream = map_file(file, &bytes, &err))
		&& layout_find(&layout, stream, bytes, &err) && plan(&fault, &layout, &wishes, &err)
		&& send_fault(wishes.to, stream, &fault, &err);
	layout_free(&layout);
	if (!ok)
		json_write_error(&err, STDOUT_FILENO);
	return ok ? 0 : 1;
}
