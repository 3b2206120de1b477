/* Unit tests of the guest's workload, run on the machine that builds it: what it would miss, no migration test could see. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ageing.h"
#include "content.h"
#include "heartbeat.h"
#include "pages.h"
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

static void settings_are_understood_or_refused(void)
{
	struct settings settings;
	char *good[] = { "memory=64", "file=8", "hot=16", "dirty=1000", "check=400", "contents=text:3,zeros:1", "heartbeat=10.0.0.1:7700" };
	CHECK(settings_parse(&settings, 7, good) == NULL);
	CHECK(settings.memory_pages == 64 * 256 && settings.file_pages == 8 * 256 && settings.hot_pages == 16 * 256);
	CHECK(settings.dirty_per_second == 1000 && settings.check_per_second == 400);
	CHECK(settings.mix.weight[CONTENT_TEXT] == 3 && settings.mix.weight[CONTENT_ZEROS] == 1);
	CHECK(strcmp(settings.heartbeat, "10.0.0.1:7700") == 0);
	char *bad[] = {
		"memory=", "memory=-1", "memory=1x", "memory=99999999999999999999", "memory=65537", "dirty=1000001", "contents=text",
		"contents=soup:1", "contents=text:1001", "hot=1", "unknown=1", "memory",
		"heartbeat=much-too-long-to-be-an-address-and-a-port", "contents=",
	};
	for (size_t i = 0; i + 1 < sizeof bad / sizeof *bad; i++)
		CHECK(settings_parse(&settings, 1, &bad[i]) != NULL, "%s", bad[i]);
}

static void heartbeats_go_to_a_group_and_its_members(void)
{
	static const char *const bad[][2] = {
		{ "", "127.0.0.1" }, { "239.77.0.1", "127.0.0.1" }, { "239.77.0.1:0", "127.0.0.1" }, { "239.77.0.1:65536", "127.0.0.1" },
		{ "host:1", "127.0.0.1" }, { "1.2.3.4:5 ", "127.0.0.1" }, { "300.1.1.1:5", "127.0.0.1" },
		{ "127.0.0.1:5", "" }, { "127.0.0.1:5", "host" }, { "127.0.0.1:5", "127.0.0.1,127.0.0.1,127.0.0.1" },
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
	int wanted = 0;
	for (uint64_t ms = from_ms; ms < to_ms; ms += 10) {
		heartbeat_step(heartbeat, ms * 1000000, 0, 0);
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

int main(void)
{
	any_changed_word_is_seen();
	exchanged_words_are_seen();
	another_page_or_an_older_version_is_seen();
	a_set_finds_its_bad_pages();
	contents_shrink_as_little_as_real_ones();
	a_mix_keeps_its_shares();
	settings_are_understood_or_refused();
	heartbeats_go_to_a_group_and_its_members();
	it_beats_only_while_a_host_listens();
	printf("workload: all tests passed\n");
	return 0;
}
