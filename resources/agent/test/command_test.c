/* command_test.c - the command line as the console uses it: what each call prints, and its exit status. */
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "commands.h"
#include "encode.h"
#include "encoder_choice.h"
#include "fake_kernel.h"
#include "io.h"
#include "le.h"
#include "page_class.h"
#include "pages.h"
#include "varint.h"

#define ARGUMENTS_MAX 12
#define OUTPUT_MAX 16384
#define USED 0x6000u  /* a frame that the fake kernel uses, and has in the file */
#define FREE 0x6400u  /* the first frame of a free block */
#define INTERVALS 400 /* of a map, before a test gives up */

struct agent {
	pid_t pid;
	int in, out;
};

static struct random generator = {.state = 1};

/* --- Running the agent --- */

/* Arguments up to a NULL. */
static struct agent start(const char *first, ...)
{
	char *argv[ARGUMENTS_MAX + 1] = {"agent"};
	int argc = 1, in[2], out[2];
	va_list rest;
	va_start(rest, first);
	for (const char *next = first; next && argc < ARGUMENTS_MAX; next = va_arg(rest, const char *))
		argv[argc++] = (char *)(uintptr_t)next;
	va_end(rest);
	CHECK(pipe(in) == 0 && pipe(out) == 0);
	fflush(NULL);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(STDERR_FILENO);
		close(in[1]); /* else its stdin would never end */
		exit(run_command(argc, argv));
	}
	close(in[0]);
	close(out[1]);
	return (struct agent){.pid = pid, .in = in[1], .out = out[0]};
}

/* Its exit status; what it still prints goes to `output` (OUTPUT_MAX bytes, made a string). */
static int finish(struct agent *agent, char *output)
{
	int status;
	close(agent->in);
	ssize_t length = io_read_all(agent->out, output, OUTPUT_MAX - 1);
	CHECK(length >= 0);
	output[length] = '\0';
	close(agent->out);
	CHECK(waitpid(agent->pid, &status, 0) == agent->pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_usage(struct agent agent, const char *message)
{
	char output[OUTPUT_MAX];
	CHECK(finish(&agent, output) == 2, "%s", message);
	CHECK(strstr(output, "{\"t\":\"error\",\"code\":\"usage\",") == output && strchr(output, '\n') == output + strlen(output) - 1,
		"one error line and nothing else, not %s", output);
	CHECK(strstr(output, message), "%s says nothing of: %s", output, message);
}

static void unknown_commands_are_usage_errors(void)
{
	expect_usage(start("frobnicate", NULL), "no such command");
	expect_usage(start("", NULL), "no such command");
	expect_usage(start("--every", NULL), "no such command");
	expect_usage(start(NULL), "a command is needed");
}

/* --- page --- */

/* What each encoder makes of the page; returns what follows. */
static const char *expect_encoders(const char *at, size_t rle_bytes)
{
	const char *key = "\"encoders\":[";
	CHECK(strncmp(at, key, strlen(key)) == 0, "%s", at);
	at += strlen(key);
	for (unsigned i = 0; i < ENCODER_CHOICES; i++) {
		const struct page_encoding *encoding = &encoder_choices[i];
		char name[16];
		int level, used = 0;
		unsigned long long bytes;
		double us;
		if (encoding->encoder == ENCODER_NONE)
			continue;
		CHECK(sscanf(at, "{\"encoder\":\"%15[a-z0-9]\",\"level\":%d,\"bytes\":%llu,\"us\":%lf}%n", name, &level, &bytes, &us, &used) == 4
			&& used, "%s", at);
		CHECK(strcmp(name, page_encoder_name(encoding->encoder)) == 0 && level == encoding->level && us > 0);
		CHECK(encoding->encoder == ENCODER_RLE ? bytes == rle_bytes : bytes > 0 && bytes < PAGE_BYTES + 100, "%s: %llu", name, bytes);
		at += used + (at[used] == ',');
	}
	CHECK(strncmp(at, "],", 2) == 0, "%s", at);
	return at + 2;
}

static void expect_page(struct agent agent, uint64_t frame, const char *kernel, enum page_class class, const char *fate,
	const uint8_t *content)
{
	char output[OUTPUT_MAX], start_of[256], base64[sodium_base64_ENCODED_LEN(PAGE_BYTES, sodium_base64_VARIANT_ORIGINAL)] = "";
	size_t coded = content ? rle_size(content) : 0, rle_bytes = coded < PAGE_BYTES ? coded : PAGE_BYTES;
	int length = snprintf(start_of, sizeof(start_of), "{\"t\":\"page\",\"frame\":%" PRIu64 ",\"class\":%d,\"present\":%s,\"kernel\":%s,"
		"\"fate\":\"%s\",\"rleBytes\":%zu,", frame, class, content ? "true" : "false", kernel, fate, rle_bytes);
	CHECK(finish(&agent, output) == 0);
	CHECK(strncmp(output, start_of, (size_t)length) == 0, "%s", output);
	const char *rest = output + length;
	if (content) {
		sodium_bin2base64(base64, sizeof(base64), content, PAGE_BYTES, sodium_base64_VARIANT_ORIGINAL);
		rest = expect_encoders(rest, rle_bytes);
		CHECK(strncmp(rest, "\"content\":\"", 11) == 0 && strncmp(rest + 11, base64, strlen(base64)) == 0
			&& strcmp(rest + 11 + strlen(base64), "\"}\n") == 0, "%s", rest);
	} else {
		CHECK(strcmp(rest, "\"content\":null}\n") == 0, "%s", rest);
	}
}

static void page_tells_the_fate_of(struct fake_kernel *kernel, uint64_t frame, enum page_kind kind, enum page_class class,
	const char *fate)
{
	char number[24];
	uint8_t *content = fake_frame(kernel, frame);
	fill_page(&generator, kind, content);
	snprintf(number, sizeof(number), "%" PRIu64, frame);
	expect_page(start("page", "--file", kernel->path, number, NULL), frame, "\"6.1.0-fake\"", class, fate, content);
}

static void page_shows_one_page(struct fake_kernel *kernel)
{
	fake_free_block(kernel, FREE, 3);
	page_tells_the_fate_of(kernel, USED, KIND_RANDOM, PAGE_KERNEL_OTHER, "raw");
	page_tells_the_fate_of(kernel, USED, KIND_DATABASE, PAGE_KERNEL_OTHER, "encoded");
	page_tells_the_fate_of(kernel, USED, KIND_CONSTANT, PAGE_KERNEL_OTHER, "constant");
	page_tells_the_fate_of(kernel, USED, KIND_ZERO, PAGE_ZERO, "constant");
	page_tells_the_fate_of(kernel, FREE + 7, KIND_RANDOM, PAGE_FREE, "leftOut");
	page_tells_the_fate_of(kernel, FREE + 7, KIND_CONSTANT, PAGE_FREE, "constant");
}

static void page_of_a_guest_that_is_not_understood(void)
{
	char path[32];
	uint8_t content[PAGE_BYTES];
	int fd = memfd_create("ram", MFD_CLOEXEC);
	fill_page(&generator, KIND_DATABASE, content);
	CHECK(fd >= 0 && ftruncate(fd, 64 * PAGE_BYTES) == 0);
	CHECK(pwrite(fd, content, PAGE_BYTES, 40 * PAGE_BYTES) == PAGE_BYTES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	expect_page(start("page", "--file", path, "--hole", "32:100", "108", NULL), 108, "null", PAGE_UNKNOWN, "encoded", content);
	expect_page(start("page", "--file", path, "--hole", "32:100", "50", NULL), 50, "null", PAGE_UNKNOWN, "absent", NULL);
	expect_usage(start("page", "--file", path, "--hole", "32:100", "132", NULL), "the guest has page frames 0 to 131");
	close(fd);
}

static void page_takes_a_guest_and_a_frame(const char *path)
{
	expect_usage(start("page", NULL), "a guest and a page frame");
	expect_usage(start("page", "--file", path, NULL), "a guest and a page frame");
	expect_usage(start("page", "web", NULL), "a guest and a page frame");
	expect_usage(start("page", "--file", path, "0x10", NULL), "a guest and a page frame");
	expect_usage(start("page", "--file", path, "-1", NULL), "a guest and a page frame");
	expect_usage(start("page", "--file", path, "18446744073709551615", NULL), "page frames 0 to");
	expect_usage(start("page", "--file", path, "18446744073709551616", NULL), "a guest and a page frame");
	expect_usage(start("page", "--file", path, "web", "7", NULL), "either a guest's name or --file");
	expect_usage(start("page", "7", NULL), "either a guest's name or --file");
	expect_usage(start("page", "web", "7", "8", NULL), "too many arguments");
}

/* --- map --- */

struct map_frame {
	uint8_t kind;
	uint64_t sequence;
	size_t payload_bytes;
	uint8_t *payload;
};

static struct map_frame next_frame(const struct agent *agent)
{
	uint8_t header[40];
	CHECK(io_read_all(agent->out, header, sizeof(header)) == (ssize_t)sizeof(header));
	struct map_frame frame = {.kind = header[4], .sequence = le64_load(header + 16), .payload_bytes = le32_load(header + 8)};
	frame.payload = malloc(frame.payload_bytes + 1);
	CHECK(io_read_all(agent->out, frame.payload, frame.payload_bytes) == (ssize_t)frame.payload_bytes);
	return frame;
}

/* The next interval of a map: its delta, then what was written. Returns how many runs of frames were; the first is `*first`,
 * of `*count` frames. */
static unsigned next_written(const struct agent *agent, uint64_t sequence, uint64_t *sweep_ms, uint64_t *first, uint64_t *count)
{
	struct map_frame delta = next_frame(agent), written = next_frame(agent);
	CHECK(delta.kind == 2 && written.kind == 3 && delta.sequence == sequence && written.sequence == sequence);
	unsigned runs = 0;
	const uint8_t *at = written.payload, *end = at + written.payload_bytes;
	for (*sweep_ms = get_varint(&at); at < end; at++, runs++) {
		uint64_t skip = get_varint(&at), length = get_varint(&at);
		if (runs == 0) {
			*first = skip;
			*count = length;
		}
		CHECK(*at == 0, "a run has a class");
	}
	CHECK(at == end);
	free(delta.payload);
	free(written.payload);
	return runs;
}

static void map_tells_what_was_written(struct fake_kernel *kernel)
{
	char output[OUTPUT_MAX];
	uint64_t sequence = 1, sweep_ms = 0, first = 0, count = 0;
	fill_page(&generator, KIND_RANDOM, fake_frame(kernel, USED));
	fill_page(&generator, KIND_RANDOM, fake_frame(kernel, USED + 1));
	struct agent agent = start("map", "--file", kernel->path, "--every", "50", "--written", NULL);
	struct map_frame snapshot = next_frame(&agent);
	CHECK(snapshot.kind == 1 && snapshot.sequence == 0);
	free(snapshot.payload);
	for (; !sweep_ms && sequence < INTERVALS; sequence++)
		CHECK(next_written(&agent, sequence, &sweep_ms, &first, &count) == 0, "nobody writes to this guest");
	CHECK(sweep_ms, "no sweep has ended");
	for (int time = 0; time < 2; time++) { /* found by the sweep, then as a page that was written lately */
		unsigned runs = 0;
		fill_page(&generator, KIND_RANDOM, fake_frame(kernel, USED));
		for (int i = 0; !runs && i < INTERVALS; i++)
			runs = next_written(&agent, sequence++, &sweep_ms, &first, &count);
		CHECK(runs == 1 && first == USED && count == 1, "%u runs, the first of %" PRIu64 " from %#" PRIx64, runs, count, first);
		/* It may have been looked at while it was being filled. */
		next_written(&agent, sequence++, &sweep_ms, &first, &count);
	}
	CHECK(finish(&agent, output) == 0);
}

static void a_host_is_held_by_one_autopilot_at_a_time(void)
{
	static const char held[] = "{\"t\":\"held\"}\n";
	char output[OUTPUT_MAX], first_line[sizeof(held)] = "";
	if (geteuid() != 0) {
		puts("not run: a_host_is_held_by_one_autopilot_at_a_time, because only root may lock in /run/me2");
		return;
	}
	struct agent first = start("hold", "--owner", "alice", NULL);
	CHECK(io_read_all(first.out, first_line, sizeof(held) - 1) == (ssize_t)sizeof(held) - 1 && strcmp(first_line, held) == 0, "%s", first_line);
	struct agent second = start("hold", "--owner", "bob", NULL);
	CHECK(finish(&second, output) == 1);
	CHECK(strstr(output, "\"code\":\"busy\"") && strstr(output, "alice"), "%s", output);
	CHECK(finish(&first, output) == 0 && !*output, "it ends with its stdin, not with %s", output);
	struct agent third = start("hold", "--owner", "bob", NULL);
	CHECK(finish(&third, output) == 0 && strcmp(output, held) == 0, "%s", output);
	expect_usage(start("hold", NULL), "--owner");
}

int main(void)
{
	struct fake_kernel kernel = {.levels = 4, .page_bytes = 64, .frames = 2 * FAKE_SECTION_FRAMES};
	CHECK(sodium_init() >= 0);
	unknown_commands_are_usage_errors();
	a_host_is_held_by_one_autopilot_at_a_time();
	fake_kernel_boot(&kernel);
	page_shows_one_page(&kernel);
	page_takes_a_guest_and_a_frame(kernel.path);
	page_of_a_guest_that_is_not_understood();
	map_tells_what_was_written(&kernel);
	fake_kernel_halt(&kernel);
	CHECKS_PASSED();
	return 0;
}
