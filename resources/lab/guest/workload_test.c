/* Unit tests of the guest's workload, run on the machine that builds it: what it would miss, no migration test could see. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ageing.h"
#include "burn.h"
#include "content.h"
#include "disk.h"
#include "files.h"
#include "heartbeat.h"
#include "pages.h"
#include "raw.h"
#include "settings.h"

#define CHECK(condition, ...) \
	do { \
		if (!(condition)) { \
			printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			printf(" " __VA_ARGS__); \
			exit(1); \
		} \
	} while (0)

static const struct content_mix everything = { { 1, 1, 1, 1, 1, 1 } };

static void any_changed_word_is_seen(void)
{
	for (int kind = 0; kind < CONTENT_KINDS; kind++) {
		uint64_t page[PAGE_WORDS];
		page_make(page, (enum content_kind)kind, 7, 3);
		CHECK(page_is_good(page, (enum content_kind)kind, 7, 3), "%s", content_names[kind]);
		for (size_t word = 0; word < PAGE_WORDS; word++) {
			page[word] ^= (uint64_t)1 << (word % 64);
			CHECK(!page_is_good(page, (enum content_kind)kind, 7, 3), "%s word %zu", content_names[kind], word);
			page[word] ^= (uint64_t)1 << (word % 64);
		}
	}
}

static void exchanged_words_are_seen(void)
{
	uint64_t page[PAGE_WORDS];
	page_make(page, CONTENT_COMPRESSED, 7, 3);
	uint64_t word = page[100];
	page[100] = page[200];
	page[200] = word;
	CHECK(!page_is_good(page, CONTENT_COMPRESSED, 7, 3));
}

static void another_page_or_an_older_version_is_seen(void)
{
	uint64_t page[PAGE_WORDS];
	page_make(page, CONTENT_ROWS, 7, 3);
	CHECK(!page_is_good(page, CONTENT_ROWS, 8, 3));
	CHECK(!page_is_good(page, CONTENT_ROWS, 7, 4));
}

static void a_set_finds_its_bad_pages(void)
{
	char path[] = "/tmp/me2-pages-XXXXXX";
	struct page_set set;
	close(mkstemp(path));
	CHECK(pages_open(&set, 60, 40, &everything, path), "%s", strerror(errno));
	unlink(path);
	for (size_t index = 0; index < 100; index++) {
		CHECK(pages_check(&set, index), "page %zu", index);
		CHECK(pages_rewrite(&set, index), "page %zu", index);
		CHECK(pages_check(&set, index), "page %zu", index);
	}
	set.memory[30 * PAGE_WORDS + 9]++;
	CHECK(!pages_check(&set, 30));
	CHECK(!pages_rewrite(&set, 30), "the damage must be counted before it is overwritten");
	CHECK(pages_check(&set, 30));
	CHECK(pwrite(set.fd, "X", 1, 5 * PAGE_BYTES + 77) == 1);
	CHECK(!pages_check(&set, 65));
}

/* Bytes of a page in the word run-length encoding of the agent: 2 a token, 8 a literal word, runs of two and more. */
static size_t encoded_bytes(const uint64_t *page)
{
	size_t bytes = 0, literals = 0;
	for (size_t at = 0, end; at < PAGE_WORDS; at = end) {
		for (end = at + 1; end < PAGE_WORDS && page[end] == page[at]; end++)
			continue;
		if (end - at == 1) {
			literals++;
			continue;
		}
		bytes += (literals ? 2 + 8 * literals : 0) + 2 + 8;
		literals = 0;
	}
	return bytes + (literals ? 2 + 8 * literals : 0);
}

/* Nothing flattering: a kind that shrinks to next to nothing would make any method look good. */
static void contents_shrink_as_little_as_real_ones(void)
{
	for (int kind = 0; kind < CONTENT_ZEROS; kind++) {
		uint64_t page[PAGE_WORDS];
		size_t total = 0;
		for (uint64_t index = 0; index < 500; index++) {
			page_make(page, (enum content_kind)kind, index, 1);
			total += encoded_bytes(page);
		}
		double share = (double)total / (500.0 * PAGE_BYTES);
		printf("%-10s word run-length encoding leaves %.0f %%\n", content_names[kind], share * 100);
		CHECK(share > 0.55 && share < 1.02, "%s %.2f", content_names[kind], share);
	}
}

static void a_mix_keeps_its_shares(void)
{
	const struct content_mix mix = { { [CONTENT_TEXT] = 3, [CONTENT_ROWS] = 1 } };
	int text = 0;
	for (uint64_t index = 0; index < 10000; index++) {
		enum content_kind kind = page_kind(&mix, index);
		CHECK(kind == CONTENT_TEXT || kind == CONTENT_ROWS, "%d", kind);
		text += kind == CONTENT_TEXT;
	}
	CHECK(text > 7300 && text < 7700, "%d", text);
}

enum { TEST_MIB = 24 };

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

/* An aged set in a folder of its own, closed: as dom0 leaves a disk for its guest. */
static void age_folder(char *folder)
{
	static struct file_set set;
	strcpy(folder, "/tmp/me2-files-XXXXXX");
	CHECK(mkdtemp(folder) && files_make(&set, folder, (uint64_t)TEST_MIB << 20, 1), "%s", strerror(errno));
	files_age(&set);
	CHECK(set.errors == 0 && files_close(&set));
}

static void remove_folder(const char *folder)
{
	CHECK(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s", strerror(errno));
}

static struct file_set *open_files(const char *folder)
{
	static struct file_set set;
	CHECK(files_open(&set, folder, false, 2), "%s", strerror(errno));
	return &set;
}

static size_t present(const struct file_set *set, uint64_t *bytes)
{
	size_t files = 0;
	*bytes = 0;
	for (size_t number = 0; number < set->count; number++) {
		files += set->slots[number].pages > 0;
		*bytes += (uint64_t)set->slots[number].pages * PAGE_BYTES;
	}
	return files;
}

/* Checks until each file was looked at with all but certainty; returns how many checks failed. */
static uint64_t errors_found(struct file_set *set)
{
	uint64_t before = set->errors;
	for (size_t n = 0; n < set->count * 12; n++)
		files_check(set);
	return set->errors - before;
}

static void an_aged_disk_is_as_full_as_asked_for_and_known_to_the_next(void)
{
	char folder[32];
	age_folder(folder);
	struct file_set *set = open_files(folder);
	uint64_t bytes, wanted = (uint64_t)TEST_MIB << 20;
	size_t files = present(set, &bytes);
	CHECK(files * 10 > set->count * 6 && files < set->count, "%zu of %zu", files, set->count);
	CHECK(bytes > wanted * 6 / 10 && bytes < wanted * 14 / 10, "%" PRIu64, bytes);
	CHECK(errors_found(set) == 0);
	for (int n = 0; n < 500; n++)
		CHECK(files_change(set) > 0);
	CHECK(set->errors == 0 && errors_found(set) == 0);
	CHECK(files_close(set));
	set = open_files(folder);
	CHECK(errors_found(set) == 0, "what was changed is known too");
	CHECK(files_close(set));
	remove_folder(folder);
}

/* The first file of at least `pages` pages, or without any. */
static size_t find_file(const struct file_set *set, uint32_t pages)
{
	size_t number = 0;
	while (pages ? set->slots[number].pages < pages : set->slots[number].pages > 0)
		CHECK(++number < set->count);
	return number;
}

static void path_of(char *path, const char *folder, size_t number)
{
	sprintf(path, "%s/%02zu/%07zu", folder, number / 8 % 16, number);
}

/* Damages one file with `damage`, a command that is given its path and a second one, and sees whether it is noticed. */
static void is_seen(const char *damage, uint32_t pages, uint32_t other_pages)
{
	char folder[32], path[64], other[64], command[320];
	age_folder(folder);
	struct file_set *set = open_files(folder);
	size_t number = find_file(set, pages);
	path_of(path, folder, number);
	path_of(other, folder, other_pages ? find_file(set, other_pages) : number);
	CHECK(snprintf(command, sizeof command, "set -e; f=%s; o=%s; %s", path, other, damage) < (int)sizeof command);
	CHECK(system(command) == 0, "%s", damage);
	CHECK(errors_found(set) > 0, "%s", damage);
	CHECK(files_close(set));
	remove_folder(folder);
}

static void every_damage_to_a_file_is_seen(void)
{
	is_seen("printf X | dd of=$f bs=1 seek=70001 conv=notrunc status=none", 20, 0);
	is_seen("dd if=/dev/zero of=$f bs=4096 seek=3 count=1 conv=notrunc status=none", 20, 0);
	is_seen("dd if=$f of=$f bs=4096 skip=4 seek=3 count=1 conv=notrunc status=none", 20, 0);
	is_seen("dd if=$o of=$f bs=4096 count=1 conv=notrunc status=none", 20, 80);
	is_seen("truncate -s -4096 $f", 20, 0);
	is_seen("truncate -s +4096 $f", 20, 0);
	is_seen("rm $f", 1, 0);
	is_seen("cp $o $f", 0, 1);
}

static void an_older_file_is_seen(void)
{
	char folder[32], path[64], kept[80], command[256];
	age_folder(folder);
	struct file_set *set = open_files(folder);
	size_t number = find_file(set, 1);
	struct file_slot before = set->slots[number];
	path_of(path, folder, number);
	snprintf(kept, sizeof kept, "%s.kept", path);
	snprintf(command, sizeof command, "cp %s %s", path, kept);
	CHECK(system(command) == 0);
	while (set->slots[number].generation == before.generation || !set->slots[number].pages)
		files_change(set);
	CHECK(rename(kept, path) == 0 && errors_found(set) > 0);
	CHECK(files_close(set));
	remove_folder(folder);
}

static void a_set_that_was_not_closed_is_refused(void)
{
	static struct file_set second;
	char folder[32], table[64];
	age_folder(folder);
	struct file_set *first = open_files(folder);
	CHECK(!files_open(&second, folder, false, 3) && errno == ENOENT);
	snprintf(table, sizeof table, "%s/table", folder);
	int fd = open(table, O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, "no table, but longer than its head", 34) == 34 && close(fd) == 0);
	CHECK(!files_open(&second, folder, false, 3) && errno == EILSEQ);
	CHECK(files_close(first));
	remove_folder(folder);
}

static void a_disk_is_worked_on_by_its_thread(void)
{
	static struct disk disk = { .write_kib_per_second = 100000, .check_kib_per_second = 100000 };
	char folder[32];
	age_folder(folder);
	CHECK(disk_start(&disk, folder, true, 4), "%s", strerror(errno));
	while (disk.files.checked < 50 || disk.files.written_bytes < 1 << 20)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	CHECK(disk_stop(&disk) && disk.files.errors == 0);
	struct file_set *set = open_files(folder);
	CHECK(errors_found(set) == 0 && files_close(set));
	remove_folder(folder);
}

static void a_raw_write_that_is_lost_or_older_is_seen(void)
{
	static struct raw_writer raw;
	uint64_t older[PAGE_WORDS];
	char path[] = "/tmp/me2-raw-XXXXXX";
	int fd = mkstemp(path);
	CHECK(raw_open(&raw, path, 32, 5), "%s", strerror(errno));
	CHECK(pread(fd, older, PAGE_BYTES, 0) == PAGE_BYTES);
	for (int round = 0; round < 200; round++)
		raw_round(&raw);
	CHECK(raw.writes == 6400 && raw.errors == 0, "%d errors", (int)raw.errors);
	for (int block = 0; block < RAW_BLOCKS; block++)
		CHECK(pwrite(fd, older, PAGE_BYTES, (off_t)block * PAGE_BYTES) == PAGE_BYTES);
	raw_round(&raw);
	CHECK(raw.errors > 0);
	raw_close(&raw);
	close(fd);
	unlink(path);
}

static void settings_are_understood_or_refused(void)
{
	struct settings settings;
	char *good[] = { "memory=64", "file=8", "hot=16", "dirty=1000", "check=400", "contents=text:3,zeros:1", "heartbeat=10.0.0.1:7700" };
	CHECK(settings_parse(&settings, 7, good) == NULL);
	CHECK(settings.memory_pages == 64 * 256 && settings.file_pages == 8 * 256 && settings.hot_pages == 16 * 256);
	CHECK(settings.dirty_per_second == 1000 && settings.check_per_second == 400);
	CHECK(settings.mix.weight[CONTENT_TEXT] == 3 && settings.mix.weight[CONTENT_ZEROS] == 1);
	CHECK(strcmp(settings.heartbeat, "10.0.0.1:7700") == 0);
	char *disk[] = { "disk=xfs", "sync=never", "diskwrite=200", "diskcheck=400", "raw=64" };
	CHECK(*settings.disk == '\0' && !settings.never_sync && settings_parse(&settings, 5, disk) == NULL);
	CHECK(strcmp(settings.disk, "xfs") == 0 && settings.never_sync && settings.raw_depth == 64);
	CHECK(settings.disk_write_kib == 200 && settings.disk_check_kib == 400);
	CHECK(strcmp(settings_parse(&settings, 1, disk + 4), "raw") == 0, "there is no disk");
	char *bad[] = {
		"disk=", "disk=ext2", "sync=", "sync=often", "diskwrite=", "diskcheck=1000001", "raw=65", "memory=", "memory=-1", "memory=1x", "memory=99999999999999999999", "memory=65537", "dirty=1000001", "contents=text",
		"contents=soup:1", "contents=text:1001", "hot=1", "unknown=1", "memory",
		"heartbeat=much-too-long-to-be-an-address-and-a-port", "contents=",
	};
	for (size_t i = 0; i + 1 < sizeof bad / sizeof *bad; i++)
		CHECK(settings_parse(&settings, 1, &bad[i]) != NULL, "%s", bad[i]);
}

static void load_is_asked_for_in_per_cent(void)
{
	CHECK(burn_parse("load=45\n") == 45 && burn_parse("load=0") == 0 && burn_parse("load=100\r\n") == 100);
	CHECK(burn_parse("load=101") < 0 && burn_parse("load=") < 0 && burn_parse("load=-1") < 0 && burn_parse("load=4x") < 0);
	CHECK(burn_parse("load=0045") < 0 && burn_parse("up=45") < 0 && burn_parse("") < 0);
}

static void heartbeats_go_to_a_group_and_its_members(void)
{
	static const char *const bad[][2] = {
		{ "", "127.0.0.1" }, { "239.77.0.1", "127.0.0.1" }, { "239.77.0.1:0", "127.0.0.1" }, { "239.77.0.1:65536", "127.0.0.1" },
		{ "host:1", "127.0.0.1" }, { "1.2.3.4:5 ", "127.0.0.1" }, { "300.1.1.1:5", "127.0.0.1" },
		{ "127.0.0.1:5", "" }, { "127.0.0.1:5", "host" }, { "127.0.0.1:5", "127.0.0.1,127.0.0.1,127.0.0.1,127.0.0.1" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct heartbeat heartbeat;
		CHECK(!heartbeat_open(&heartbeat, bad[i][0], bad[i][1]) && errno == EINVAL, "%s %s", bad[i][0], bad[i][1]);
	}
}

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CHECK(inet_pton(AF_INET, address, &at.sin_addr) == 1 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "%s", strerror(errno));
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in at;
	socklen_t size = sizeof at;
	CHECK(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
	return ntohs(at.sin_port);
}

/* Steps every 10 ms of `from_ms` to `to_ms` of the guest's clock; returns how often it said that somebody listens. */
static int step(struct heartbeat *heartbeat, uint64_t from_ms, uint64_t to_ms)
{
	const struct vitals vitals = { 0 };
	int wanted = 0;
	for (uint64_t ms = from_ms; ms < to_ms; ms += 10) {
		heartbeat_step(heartbeat, ms * 1000000, &vitals);
		wanted += heartbeat->wanted;
	}
	return wanted;
}

static size_t sequences_heard(int fd)
{
	uint64_t datagram[5], last = 0;
	size_t heard = 0;
	for (; recv(fd, datagram, sizeof datagram, 0) == sizeof datagram; heard++) {
		CHECK(datagram[1] > last);
		last = datagram[1];
	}
	return heard;
}

/* Two hosts and the group that both are in, as addresses of loopback. */
static void it_beats_only_while_a_host_listens(void)
{
	struct heartbeat heartbeat;
	char group[32];
	int members = listen_on("127.0.0.3", 0);
	uint16_t port = port_of(members);
	snprintf(group, sizeof group, "127.0.0.3:%u", port);
	CHECK(heartbeat_open(&heartbeat, group, "127.0.0.1,127.0.0.2"));
	CHECK(step(&heartbeat, 0, 5000) == 0 && heartbeat.sequence == 5, "nobody listens: it only asks: %d", (int)heartbeat.sequence);

	int listener = listen_on("127.0.0.2", port);
	CHECK(step(&heartbeat, 5000, 7000) > 50, "one of two is enough");
	size_t heard = sequences_heard(listener) + sequences_heard(members);
	CHECK(heard == heartbeat.sequence - 5, "all %d beats since then were heard, each once, not %zu", (int)heartbeat.sequence - 5, heard);

	close(listener);
	step(&heartbeat, 7000, 9000);
	CHECK(step(&heartbeat, 9000, 12000) == 0, "it stops when the listener has gone");
}

/* Format in resources/agent/PROTOCOL.md: of files only a guest with a disk speaks, and whoever knows nothing of them reads
 * the first five words. */
static void a_host_that_is_off_does_not_listen(void)
{
	const uint64_t second = 1000000000u;
	struct heartbeat heartbeat = { .hosts = 3 };
	heartbeat_hear(&heartbeat, 0, ECONNREFUSED, second);
	heartbeat_hear(&heartbeat, 1, ECONNREFUSED, second);
	CHECK(heartbeat_is_heard(&heartbeat, second));
	heartbeat_hear(&heartbeat, 2, EHOSTUNREACH, second);
	CHECK(!heartbeat_is_heard(&heartbeat, second));
	/* asked again, all are given the chance to refuse: the one that is off says nothing for seconds */
	heartbeat.refused[0] = heartbeat.refused[1] = heartbeat.refused[2] = false;
	CHECK(heartbeat_is_heard(&heartbeat, 2 * second));
	heartbeat_hear(&heartbeat, 0, ECONNREFUSED, 2 * second);
	heartbeat_hear(&heartbeat, 1, ECONNREFUSED, 2 * second);
	heartbeat_hear(&heartbeat, 2, 0, 2 * second);
	CHECK(!heartbeat_is_heard(&heartbeat, 2 * second));
	CHECK(heartbeat_is_heard(&heartbeat, 10 * second), "it may be on again");
}

static void a_beat_tells_of_files_where_there_is_a_disk(void)
{
	struct heartbeat heartbeat;
	struct vitals vitals = { .bad = 3, .checked = 4, .files_checked = 5, .file_errors = 6, .disk_written_bytes = 7 };
	char group[32];
	uint64_t datagram[9];
	int listener = listen_on("127.0.0.1", 0);
	snprintf(group, sizeof group, "127.0.0.1:%u", port_of(listener));
	CHECK(heartbeat_open(&heartbeat, group, "127.0.0.1"));
	heartbeat_step(&heartbeat, 2, &vitals);
	CHECK(recv(listener, datagram, sizeof datagram, 0) == 40);
	vitals.has_disk = true;
	heartbeat_step(&heartbeat, 200000000, &vitals);
	CHECK(recv(listener, datagram, sizeof datagram, 0) == 64);
	const uint64_t expected[] = { 0x3142484b52425455u, 2, 200000000, 3, 4, 5, 6, 7 };
	CHECK(memcmp(datagram, expected, sizeof expected) == 0);
	close(listener);
}

int main(void)
{
	any_changed_word_is_seen();
	exchanged_words_are_seen();
	another_page_or_an_older_version_is_seen();
	a_set_finds_its_bad_pages();
	contents_shrink_as_little_as_real_ones();
	a_mix_keeps_its_shares();
	an_aged_disk_is_as_full_as_asked_for_and_known_to_the_next();
	every_damage_to_a_file_is_seen();
	an_older_file_is_seen();
	a_set_that_was_not_closed_is_refused();
	a_disk_is_worked_on_by_its_thread();
	a_raw_write_that_is_lost_or_older_is_seen();
	settings_are_understood_or_refused();
	load_is_asked_for_in_per_cent();
	heartbeats_go_to_a_group_and_its_members();
	it_beats_only_while_a_host_listens();
	a_beat_tells_of_files_where_there_is_a_disk();
	a_host_that_is_off_does_not_listen();
	printf("workload: all tests passed\n");
	return 0;
}
