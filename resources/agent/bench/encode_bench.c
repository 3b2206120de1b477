/*
 * encode_bench.c - how fast pages are encoded and decoded, as ratios to memcpy() of the same pages in the same run.
 * Bars (agent.md): encode >= 0.5, decode >= 0.7. All in one thread.
 *
 * Then each encoder as `send` and `receive` use it (batches, their checksums and all), beside the programs lz4 and zstd on
 * the same pages; and a second round of the same pages, with and without a cache. These are by CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test/mix.h"
#include "batch.h"
#include "crc32c.h"
#include "encoder_choice.h"
#include "hash.h"
#include "io.h"
#include "rebuild.h"

#define PASSES 9

/* Of the pages that come again in a second round, in 16ths: a few bytes are new, all is new; the others were written with
 * what was there. */
#define TOUCHED 10u
#define REPLACED 2u
#define FILE_PAGES_NAME "/tmp/me2-bench-pages-XXXXXX"

/* All pages of one measurement; `sizes` 0: raw. */
struct set {
	size_t pages;
	uint8_t *original, *encoded, *decoded;
	uint16_t *sizes;
};

static void *allocate(size_t bytes)
{
	void *memory = aligned_alloc(PAGE_BYTES, bytes);
	if (!memory) {
		perror("aligned_alloc");
		exit(1);
	}
	memset(memory, 1, bytes); /* present before it is measured */
	return memory;
}

static void set_new(struct set *set, size_t pages)
{
	set->pages = pages;
	set->original = allocate(pages * PAGE_BYTES);
	set->encoded = allocate(pages * PAGE_BYTES);
	set->decoded = allocate(pages * PAGE_BYTES);
	set->sizes = allocate(pages * sizeof(*set->sizes) + PAGE_BYTES - pages * sizeof(*set->sizes) % PAGE_BYTES);
}

static void set_free(struct set *set)
{
	free(set->original);
	free(set->encoded);
	free(set->decoded);
	free(set->sizes);
}

static void copy_all(struct set *set)
{
	for (size_t i = 0; i < set->pages * PAGE_BYTES; i += PAGE_BYTES)
		memcpy(set->decoded + i, set->original + i, PAGE_BYTES);
}

static void encode_all(struct set *set)
{
	for (size_t i = 0; i < set->pages; i++) {
		const uint8_t *page = set->original + i * PAGE_BYTES;
		set->sizes[i] = (uint16_t)rle_encode(page, set->encoded + i * PAGE_BYTES);
		if (!set->sizes[i])
			memcpy(set->encoded + i * PAGE_BYTES, page, PAGE_BYTES);
	}
}

static void decode_all(struct set *set)
{
	for (size_t i = 0; i < set->pages; i++) {
		const uint8_t *from = set->encoded + i * PAGE_BYTES;
		uint8_t *to = set->decoded + i * PAGE_BYTES;
		if (!set->sizes[i])
			memcpy(to, from, PAGE_BYTES);
		else if (!rle_decode(from, set->sizes[i], to))
			abort();
	}
}

static volatile uint64_t sink;

static void hash_all(struct set *set)
{
	for (size_t i = 0; i < set->pages; i++)
		sink = page_hash(set->original + i * PAGE_BYTES);
}

static void checksum_all(struct set *set)
{
	sink = crc32c(0, set->original, set->pages * PAGE_BYTES);
}

typedef void work(struct set *);

/*
 * Bytes a second of each kind of work over the set: the fastest pass, for what else runs on the machine only ever slows a
 * pass down. The kinds take turns, so that all see the same machine. Small sets are gone through many times a pass.
 */
static void measure(struct set *set, work *const *kinds, size_t count, double *speeds)
{
	size_t repeats = 1 + 8192 / set->pages;
	double bytes = (double)(set->pages * PAGE_BYTES * repeats);
	for (size_t k = 0; k < count; k++)
		speeds[k] = 0;
	for (unsigned pass = 0; pass < PASSES; pass++)
		for (size_t k = 0; k < count; k++) {
			uint64_t start = clock_ns();
			for (size_t i = 0; i < repeats; i++)
				kinds[k](set);
			double speed = bytes / ((double)(clock_ns() - start) / 1e9);
			if (speed > speeds[k])
				speeds[k] = speed;
		}
}

static double encoded_share(const struct set *set)
{
	size_t bytes = 0;
	for (size_t i = 0; i < set->pages; i++)
		bytes += set->sizes[i] ? set->sizes[i] : PAGE_BYTES;
	return (double)bytes / (double)(set->pages * PAGE_BYTES);
}

static void report(const char *name, struct set *set)
{
	work *const kinds[] = { copy_all, encode_all, decode_all };
	double speeds[3];
	measure(set, kinds, 3, speeds);
	decode_all(set);
	if (memcmp(set->original, set->decoded, set->pages * PAGE_BYTES) != 0)
		abort();
	printf("%-24s %8.2f GB/s %8.2f %8.2f %8.2f\n", name, speeds[0] / 1e9, speeds[1] / speeds[0], speeds[2] / speeds[0],
		encoded_share(set));
}

/* --- Each encoder, as `send` and `receive` use it --- */

/* CPU seconds and bytes of all pages once. */
struct pass {
	double encode_seconds, decode_seconds, bytes;
};

static uint8_t *received; /* BATCH_MAX */

static double cpu_seconds(void)
{
	return (double)thread_cpu_ns() / 1e9;
}

static struct pass run_pass(const struct set *set, struct batch *batch, struct rebuilder *rebuilder, struct page_encoding encoding, bool again)
{
	struct pass pass = { 0 };
	for (size_t i = 0; i < set->pages;) {
		double began = cpu_seconds();
		batch_start(batch, encoding, again);
		for (; i < set->pages && batch_entries(batch) < BATCH_ENTRIES_MAX; i++)
			batch_append(batch, i, XEN_TYPE_NORMAL, set->original + i * PAGE_BYTES, false);
		const struct pieces *finished = batch_finish(batch);
		pass.encode_seconds += cpu_seconds() - began;
		if (!finished)
			abort();
		pieces_copy(finished, received); /* the link's part */
		began = cpu_seconds();
		if (!rebuild_batch(rebuilder, received, finished->length, NULL, NULL, NULL))
			abort();
		pass.decode_seconds += cpu_seconds() - began;
		pass.bytes += (double)finished->length;
	}
	return pass;
}

/* What the guest does between two rounds. */
static void touch_pages(struct set *set, struct random *random)
{
	for (size_t i = 0; i < set->pages; i++) {
		uint32_t at = random_below(random, PAGE_BYTES - 64), what = random_below(random, 16);
		if (what < TOUCHED)
			fill_random(random, set->original + i * PAGE_BYTES + at, 64);
		else if (what < TOUCHED + REPLACED)
			fill_page(random, kind_in_mix(i), set->original + i * PAGE_BYTES);
	}
}

/* --- The programs --- */

/* argv[0] from the file `in` to `out`, which begins empty; CPU seconds, below 0 if it is not here or fails. */
static double run_program(const char *const *argv, int in, int out)
{
	struct rusage usage;
	int status;
	if (lseek(in, 0, SEEK_SET) != 0 || lseek(out, 0, SEEK_SET) != 0 || ftruncate(out, 0) != 0)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -1;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct files {
	int pages, packed, back;
};

static int open_scratch(void)
{
	char name[] = FILE_PAGES_NAME;
	int fd = mkstemp(name);
	if (fd < 0 || unlink(name) != 0) {
		perror(name);
		exit(1);
	}
	return fd;
}

/* The same pages through the program with the same algorithm. False if it is not here. */
static bool run_beside(struct page_encoding encoding, const struct files *files, struct pass *pass)
{
	char level[8];
	const char *const pack_lz4[] = { "lz4", "-1", "-q", "-c", NULL }, *const unpack_lz4[] = { "lz4", "-d", "-q", "-c", NULL };
	const char *const pack_zstd[] = { "zstd", level, "-q", "-c", "--single-thread", NULL };
	const char *const unpack_zstd[] = { "zstd", "-d", "-q", "-c", NULL };
	bool lz4 = encoding.encoder == ENCODER_LZ4;
	snprintf(level, sizeof(level), "-%d", encoding.level);
	pass->encode_seconds = run_program(lz4 ? pack_lz4 : pack_zstd, files->pages, files->packed);
	pass->bytes = (double)lseek(files->packed, 0, SEEK_END);
	pass->decode_seconds = pass->encode_seconds < 0 ? -1 : run_program(lz4 ? unpack_lz4 : unpack_zstd, files->packed, files->back);
	return pass->decode_seconds >= 0;
}

static void report_program(struct page_encoding encoding, const struct files *files, const struct pass *own)
{
	struct pass program;
	if (batch_codec(encoding.encoder) == CODEC_NONE)
		printf("  %-24s", "-");
	else if (run_beside(encoding, files, &program))
		printf("  %6.2f %6.2f %6.2f    ", program.encode_seconds / own->encode_seconds, program.decode_seconds / own->decode_seconds,
			own->bytes / program.bytes);
	else
		printf("  %-24s", "(program not here)");
}

/* A first round, and a second one after the guest went on; with a cache of `slots` pages. */
static struct pass two_rounds(struct set *set, struct page_encoding encoding, uint32_t slots, struct pass *second)
{
	struct batch *batch = batch_new(slots, 1);
	struct rebuilder *rebuilder = rebuilder_new(slots, true);
	struct random random = { .state = 2 };
	if (!batch || !rebuilder)
		abort();
	memcpy(set->decoded, set->original, set->pages * PAGE_BYTES);
	struct pass first = run_pass(set, batch, rebuilder, encoding, false);
	touch_pages(set, &random);
	*second = run_pass(set, batch, rebuilder, encoding, true);
	memcpy(set->original, set->decoded, set->pages * PAGE_BYTES);
	batch_free(batch);
	rebuilder_free(rebuilder);
	return first;
}

static void report_encoder(struct set *set, struct page_encoding encoding, const struct files *files)
{
	double bytes = (double)(set->pages * PAGE_BYTES);
	struct pass again, again_cached, first = two_rounds(set, encoding, 0, &again);
	struct pass cached = two_rounds(set, encoding, (uint32_t)set->pages, &again_cached);
	char name[24];
	snprintf(name, sizeof(name), encoding.level ? "%s %d" : "%s", page_encoder_name(encoding.encoder), encoding.level);
	printf("%-8s %7.0f %7.0f %6.3f", name, bytes / first.encode_seconds / 1e6, bytes / first.decode_seconds / 1e6, first.bytes / bytes);
	report_program(encoding, files, &first);
	printf(" %7.0f %6.3f %10.0f %6.3f %10.0f\n", bytes / again.encode_seconds / 1e6, again.bytes / bytes,
		bytes / again_cached.encode_seconds / 1e6, again_cached.bytes / bytes, bytes / cached.encode_seconds / 1e6);
	fflush(stdout);
}

static void report_encoders(struct set *set, double memcpy_speed)
{
	struct files files = { .pages = open_scratch(), .packed = open_scratch(), .back = open_scratch() };
	if (!io_write_all(files.pages, set->original, set->pages * PAGE_BYTES))
		abort();
	printf("each encoder in batches, %zu MiB of the mix, one thread, by CPU time; memcpy of it: %.0f MB/s\n", set->pages * PAGE_BYTES >> 20,
		memcpy_speed / 1e6);
	printf("%-8s %22s  %-24s %14s %17s %10s\n", "", "first round", "beside the program", "second round", "… with a cache", "first with");
	printf("%-8s %7s %7s %6s  %6s %6s %6s     %7s %6s %10s %6s %10s\n", "encoder", "MB/s", "back", "size", "speed", "back", "size", "MB/s",
		"size", "MB/s", "size", "MB/s");
	for (unsigned i = 0; i < ENCODER_CHOICES; i++)
		report_encoder(set, encoder_choices[i], &files);
	close(files.pages);
	close(files.packed);
	close(files.back);
}

int main(void)
{
	struct random random = { .state = 1 };
	struct set large, small;
	set_new(&large, 16384); /* 64 MiB: out of memory, as a guest is */
	set_new(&small, 64);    /* 256 KiB: out of the cache, as pages that were just read are */
	received = malloc(BATCH_MAX);
	if (!received)
		return 1;

	printf("mix:");
	for (size_t i = 0; i < KINDS_IN_MIX; i++)
		printf("%s %u/32 %s", i ? "," : "", mix[i].share, mix[i].name);
	printf("\n%-24s %13s %8s %8s %8s\n", "pages", "memcpy", "encode", "decode", "size");
	for (size_t k = 0; k < KINDS_IN_MIX; k++) {
		for (size_t i = 0; i < small.pages; i++)
			fill_page(&random, mix[k].kind, small.original + i * PAGE_BYTES);
		report(mix[k].name, &small);
	}
	for (size_t i = 0; i < small.pages; i++)
		fill_page(&random, kind_in_mix(i), small.original + i * PAGE_BYTES);
	report("mix, 256 KiB in cache", &small);
	for (size_t i = 0; i < large.pages; i++)
		fill_page(&random, kind_in_mix(i), large.original + i * PAGE_BYTES);
	report("mix, 64 MiB in memory", &large);
	work *const others[] = { hash_all, checksum_all, copy_all };
	double speeds[3];
	measure(&large, others, 3, speeds);
	printf("on the 64 MiB: hash %.2f GB/s, crc32c %.2f GB/s\n", speeds[0] / 1e9, speeds[1] / 1e9);
	report_encoders(&large, speeds[2]);

	free(received);
	set_free(&small);
	set_free(&large);
	return 0;
}
