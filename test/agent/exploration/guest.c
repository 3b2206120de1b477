/*
 * guest.c - process 1, and the only one, of the exploration guest. It ages the machine's memory, puts it to every use the
 * map tells apart, then stands still with the kernel's own account of each page in its memory (truth.h).
 *
 * Says "EXPLORE ready" on the console when only that account is still to be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "truth.h"

#define MIB (1024u * 1024u)
#define PAGE 4096u
#define HUGE (2u * MIB)
#define ANON_MIB 32u
#define FILE_MIB 16u
#define MAPPED_FILE_MIB 4u
#define SMALL_FILES 6000
#define HUGE_PAGES 4u
#define SPARSE_TABLES 64u
#define AGEING_PASSES 2
#define MAX_FRAMES (4u * 1024u * 1024u)
#define BLOCK_FRAMES 32768u /* 128 MiB */

/* Nothing can be explored in a guest that is not set up as asked. */
static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *format, ...)
{
	int why = errno;
	va_list args;
	va_start(args, format);
	printf("EXPLORE failed: ");
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(why));
	for (;;)
		pause();
}

static void need(bool condition, const char *what)
{
	if (!condition)
		fail("%s", what);
}

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void scribble(void *page)
{
	uint64_t *words = page;
	for (unsigned i = 0; i < PAGE / 8; i++)
		words[i] = next_random();
}

static void *map_memory(size_t bytes, int flags)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	need(memory != MAP_FAILED, "mmap");
	return memory;
}

static void sleep_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static bool asked_for(const char *option)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && read(fd, line, sizeof(line) - 1) > 0, "/proc/cmdline");
	close(fd);
	return strstr(line, option) != NULL;
}

static uint64_t meminfo_pages(const char *key)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	need(file, "/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			sscanf(line + strlen(key), "%llu", &kib);
	fclose(file);
	return kib / 4;
}

/* --- Setting up --- */

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/cache", 0755);
	need(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount /proc");
	need(mount("sys", "/sys", "sysfs", 0, NULL) == 0, "mount /sys");
	need(mount("cache", "/cache", "tmpfs", 0, "size=90%") == 0, "mount /cache");
}

static void load_module(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "/modules/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && (syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST), path);
	close(fd);
}

static void load_modules(void)
{
	char name[128];
	FILE *order = fopen("/modules/order", "re");
	need(order, "/modules/order");
	while (fscanf(order, "%127s", name) == 1)
		load_module(name);
	fclose(order);
}

/* --- Ageing: what is free afterwards has been used before, and lies about in pieces --- */

static void age_process_memory(size_t bytes)
{
	uint8_t *memory = map_memory(bytes, 0);
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < bytes; at += PAGE)
		scribble(memory + at);
	for (size_t at = 0; at < bytes; at += PAGE)
		if (next_random() % 3)
			madvise(memory + at, PAGE, MADV_DONTNEED);
	munmap(memory, bytes);
}

static void write_file(const char *path, size_t bytes)
{
	uint8_t page[PAGE];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	need(fd >= 0, path);
	for (size_t at = 0; at < bytes; at += PAGE) {
		scribble(page);
		need(write(fd, page, PAGE) == PAGE, path);
	}
	close(fd);
}

static void age_memory(void)
{
	for (int pass = 0; pass < AGEING_PASSES; pass++) {
		size_t spare = (meminfo_pages("MemFree:") * 2 / 5) * PAGE;
		write_file("/cache/ageing", spare);
		age_process_memory(spare);
		unlink("/cache/ageing");
	}
}

/* --- Use --- */

static void use_process_memory(void)
{
	uint8_t *memory = map_memory(ANON_MIB * MIB, 0);
	madvise(memory, ANON_MIB * MIB, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < ANON_MIB * MIB; at += PAGE)
		scribble(memory + at);
	for (size_t at = 0; at < ANON_MIB * MIB; at += 8 * PAGE)
		munmap(memory + at, PAGE);
}

static void use_page_cache(void)
{
	write_file("/cache/file", FILE_MIB * MIB);
	int fd = open("/cache/file", O_RDONLY | O_CLOEXEC);
	volatile uint8_t *mapped = mmap(NULL, MAPPED_FILE_MIB * MIB, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	need(mapped != MAP_FAILED, "mmap /cache/file");
}

static void use_slab(void)
{
	char path[64];
	for (int i = 0; i < SMALL_FILES; i++) {
		snprintf(path, sizeof(path), "/cache/small-%d", i);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		need(fd >= 0, path);
		close(fd);
	}
	for (int i = 0; i < SMALL_FILES; i += 2) {
		snprintf(path, sizeof(path), "/cache/small-%d", i);
		unlink(path);
	}
}

static void use_huge_pages(void)
{
	uint8_t *memory = map_memory((HUGE_PAGES + 1) * HUGE, 0);
	memory += HUGE - (uintptr_t)memory % HUGE;
	madvise(memory, HUGE_PAGES * HUGE, MADV_HUGEPAGE);
	for (size_t at = 0; at < HUGE_PAGES * HUGE; at += PAGE)
		memory[at] = 1;
	write_text("/proc/sys/vm/nr_hugepages", "8"); /* half of them stay in the pool */
	memory = map_memory(HUGE_PAGES * HUGE, MAP_HUGETLB);
	for (size_t at = 0; at < HUGE_PAGES * HUGE; at += HUGE)
		scribble(memory + at);
}

static void use_page_tables(void)
{
	uint8_t *memory = map_memory(SPARSE_TABLES * HUGE, MAP_NORESERVE);
	madvise(memory, SPARSE_TABLES * HUGE, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < SPARSE_TABLES * HUGE; at += HUGE)
		memory[at] = 1;
}

static bool some_block_goes_offline(void)
{
	char path[96];
	for (unsigned block = MAX_FRAMES / BLOCK_FRAMES; block > 0; block--) {
		snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%u/state", block);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		bool offline = fd >= 0 && write(fd, "offline", 7) == 7;
		if (fd >= 0)
			close(fd);
		if (offline)
			return true;
	}
	return false;
}

/* movablecore= on the command line makes it possible. The last block often has firmware tables in it and refuses; others are
 * busy while the kernel still holds on to some page there. */
static void take_block_offline(void)
{
	for (int tries = 0; tries < 100; tries++) {
		if (some_block_goes_offline())
			return;
		sleep_ms(50);
	}
	fail("no memory block can go offline");
}

/* The hypervisor was asked to take `pages` away. */
static void await_balloon(uint64_t total_before, uint64_t pages)
{
	for (int tries = 0; tries < 300; tries++) {
		if (meminfo_pages("MemTotal:") + pages <= total_before)
			return;
		sleep_ms(20);
	}
	fail("the balloon did not inflate");
}

/* --- The truth --- */

static bool is_absent(const uint64_t *flags, uint64_t first)
{
	return flags[first] >> KPF_NOPAGE & flags[first + BLOCK_FRAMES / 2] >> KPF_NOPAGE & 1;
}

/* Returns how many frames the kernel tells about. Blocks that were absent `earlier` (if not NULL) are taken from there. */
static uint64_t read_flags(uint64_t *flags, const uint64_t *earlier)
{
	static int fd = -1; /* stays open: to open it for each look could itself move pages */
	uint64_t frames = 0;
	if (fd < 0)
		fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	need(fd >= 0, "/proc/kpageflags");
	for (; frames < MAX_FRAMES; frames += BLOCK_FRAMES) {
		size_t bytes = BLOCK_FRAMES * sizeof(*flags);
		if (earlier && is_absent(earlier, frames)) {
			memcpy(flags + frames, earlier + frames, bytes);
			continue;
		}
		ssize_t n = pread(fd, flags + frames, bytes, (off_t)(frames * sizeof(*flags)));
		if (n < (ssize_t)bytes) {
			frames += n > 0 ? (size_t)n / sizeof(*flags) : 0;
			break;
		}
	}
	for (uint64_t frame = 0; frame < frames; frame++)
		flags[frame] &= TRUTH_BITS;
	return frames;
}

/* Reads until nothing has changed between two readings. Per-CPU lists give pages back when the statistics are brought up to
 * date, so that is put off for ever. */
static void read_settled_flags(uint64_t *flags, uint64_t *earlier)
{
	write_text("/proc/sys/vm/stat_interval", "1000000");
	for (int tries = 0; tries < 100; tries++) {
		sleep_ms(200);
		uint64_t frames = read_flags(flags, earlier);
		if (memcmp(flags, earlier, frames * sizeof(*flags)) == 0)
			return;
		memcpy(earlier, flags, frames * sizeof(*flags));
	}
	fail("memory does not settle");
}

static void mark_complete(struct truth_page *pages, size_t count, bool complete)
{
	for (size_t i = 0; i < count; i++)
		pages[i].complete = complete;
}

static void write_account(struct truth_page *pages, size_t count, const uint64_t *flags, uint64_t frames)
{
	pages[0].looks = 0;
	for (size_t i = 0; i < count; i++) {
		pages[i].account++;
		pages[i].first = i * TRUTH_FLAGS_PER_PAGE;
		pages[i].frames = frames;
		uint64_t left = frames - pages[i].first, some = left < TRUTH_FLAGS_PER_PAGE ? left : TRUTH_FLAGS_PER_PAGE;
		memcpy(pages[i].flags, flags + pages[i].first, some * sizeof(*flags));
		memcpy(pages[i].tag, TRUTH_TAG, sizeof(pages[i].tag));
	}
}

/* Never returns. The kernel may still move pages on its own long after all is still (seen: 224 that came back from a per-CPU
 * list), so the account is looked at again and again, and is not complete once it is seen to be out of date. */
static void tell_truth(void) __attribute__((noreturn));

static void tell_truth(void)
{
	size_t bytes = MAX_FRAMES * sizeof(uint64_t);
	uint64_t *flags = map_memory(bytes, MAP_NORESERVE), *earlier = map_memory(bytes, MAP_NORESERVE);
	uint64_t frames = read_flags(flags, NULL);
	memcpy(earlier, flags, frames * sizeof(*flags));
	size_t count = (frames + TRUTH_FLAGS_PER_PAGE - 1) / TRUTH_FLAGS_PER_PAGE;
	struct truth_page *pages = map_memory(count * sizeof(*pages), MAP_POPULATE);
	printf("EXPLORE ready, %llu frames\n", (unsigned long long)frames);
	fflush(stdout);
	for (bool told = false;; sleep_ms(50)) {
		read_flags(flags, earlier);
		if (told && memcmp(flags, earlier, frames * sizeof(*flags)) == 0) {
			pages[0].looks++;
			continue;
		}
		mark_complete(pages, count, false);
		read_settled_flags(flags, earlier);
		write_account(pages, count, flags, frames);
		mark_complete(pages, count, true);
		told = true;
	}
}

int main(void)
{
	struct utsname system;
	setvbuf(stdout, NULL, _IOLBF, 0);
	uname(&system);
	printf("EXPLORE guest up, Linux %s\n", system.release);
	mount_all();
	uint64_t total_before = meminfo_pages("MemTotal:");
	load_modules();
	age_memory();
	if (asked_for("explore.offline"))
		take_block_offline();
	use_process_memory();
	use_page_cache();
	use_slab();
	use_huge_pages();
	use_page_tables();
	if (asked_for("explore.balloon"))
		await_balloon(total_before, 8 * MIB / PAGE);
	tell_truth();
}
