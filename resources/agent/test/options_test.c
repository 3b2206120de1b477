/* options_test.c - the command line, the rate cap, the handshake and the JSON writer. */
#include <string.h>

#include "check.h"
#include "handshake.h"
#include "json.h"
#include "migrate_options.h"
#include "options.h"
#include "rate.h"

static bool parse(struct migrate_options *options, struct error *err, int argc, char **argv)
{
	*err = (struct error){0};
	return migrate_options_parse(options, argc, argv, err);
}

static void test_migrate_options(void)
{
	struct migrate_options options;
	struct error err;
	char *good[] = {"--domain", "web", "--to", "10.0.0.1:7000", "--mode", "me2", "--rate", "20", "--no-verify"};
	CHECK(parse(&options, &err, 9, good), "%s", err.message);
	CHECK(strcmp(options.domain, "web") == 0 && options.mode == MODE_ME2 && options.rate_mbit == 20 && !options.verify);
	CHECK(options.scrub && options.stall_s == 15 && options.encoder == JOB_RLE && options.level == 0 && options.cache_mib == 0);
	char *bad[][6] = {
		{"--domain", "web", "--to", "x:1"},                      /* no mode */
		{"--domain", "web", "--domain", "db"},                   /* twice */
		{"--domain", "web", "--rate", "0"},                      /* below the minimum */
		{"--domain", "web", "--rate", "20x"},
		{"--domain", "web", "--rate", "99999999999999999999999"},
		{"--domain", "we\nb"},
		{"--domain", ""},
		{"--domain"},                                            /* no value */
		{"--mode", "fast"},
		{"--frobnicate", "1"},
		{"web"},                                                 /* an operand where none is taken */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int count = 0;
		while (count < 6 && bad[i][count])
			count++;
		CHECK(!parse(&options, &err, count, bad[i]), "case %zu", i);
		CHECK(strcmp(err.code, ERR_USAGE) == 0 && err.message[0]);
	}
}

/* What `--encoder`, `--level` and `--cache` come to; a NULL ends them. */
static bool parse_encoder(struct migrate_options *options, struct error *err, char *const *rest)
{
	char *argv[16] = {"--domain", "web", "--to", "10.0.0.1:7000", "--mode", "me2"};
	int argc = 6;
	for (; *rest; rest++)
		argv[argc++] = *rest;
	return parse(options, err, argc, argv);
}

static void test_encoder_options(void)
{
	static const struct {
		char *arguments[7];
		int encoder;
		uint64_t level, cache_mib;
	} good[] = {
		{{NULL}, JOB_RLE, 0, 0},
		{{"--encoder", "none", NULL}, JOB_NONE, 0, 0},
		{{"--encoder", "rle", "--cache", "16", NULL}, JOB_RLE, 0, 16},
		{{"--encoder", "delta", NULL}, JOB_DELTA, 0, 64},
		{{"--encoder", "delta", "--cache", "1", NULL}, JOB_DELTA, 0, 1},
		{{"--encoder", "lz4", NULL}, JOB_LZ4, 0, 0},
		{{"--encoder", "zstd", NULL}, JOB_ZSTD, 3, 0},
		{{"--encoder", "zstd", "--level", "19", "--cache", "1024", NULL}, JOB_ZSTD, 19, 1024},
		{{"--level", "1", "--encoder", "zstd", NULL}, JOB_ZSTD, 1, 0},
		{{"--encoder", "auto", NULL}, JOB_AUTO, 0, 64},
		{{"--encoder", "auto", "--cache", "0", NULL}, JOB_AUTO, 0, 0},
	};
	static char *const bad[][7] = {
		{"--encoder", "gzip", NULL}, {"--level", "3", NULL}, {"--encoder", "lz4", "--level", "1", NULL},
		{"--encoder", "auto", "--level", "3", NULL}, {"--encoder", "zstd", "--level", "0", NULL},
		{"--encoder", "zstd", "--level", "20", NULL}, {"--encoder", "zstd", "--level", "-1", NULL},
		{"--encoder", "delta", "--cache", "0", NULL}, {"--cache", "1025", NULL}, {"--cache", "-1", NULL},
	};
	struct migrate_options options;
	struct error err;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(parse_encoder(&options, &err, good[i].arguments), "case %zu: %s", i, err.message);
		CHECK(options.encoder == good[i].encoder && options.level == good[i].level && options.cache_mib == good[i].cache_mib,
			"case %zu: %d, %llu, %llu", i, options.encoder, (unsigned long long)options.level, (unsigned long long)options.cache_mib);
		struct job job = {0};
		migrate_options_apply(&options, &job);
		CHECK(job.encoder == good[i].encoder && job.level == good[i].level && job.cache_mib == good[i].cache_mib);
		CHECK(job_cache_pages(&job) == good[i].cache_mib * 256 && job_cache_pages(&job) <= LINK_CACHE_PAGES_MAX);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!parse_encoder(&options, &err, bad[i]) && strcmp(err.code, ERR_USAGE) == 0, "case %zu", i);
	CHECK(strcmp(job_encoder_name(JOB_AUTO), "auto") == 0 && strcmp(job_encoder_name(JOB_RLE), "rle") == 0);
}

static void test_rate(void)
{
	struct rate rate;
	rate_init(&rate, 0, 0);
	CHECK(rate_take(&rate, 1 << 30, 0) == 0);
	rate_init(&rate, 8, 0); /* 1 MB/s */
	CHECK(rate_take(&rate, 65536, 0) == 0, "the burst is free");
	CHECK(rate_take(&rate, 100000, 0) == 100000000u, "then 0.1 s for 100 kB");
	CHECK(rate_take(&rate, 0, 100000000u) == 0, "the debt is paid by then");
	/* over a long time the cap holds, whatever the sizes */
	uint64_t now = 0, bytes = 0;
	rate_init(&rate, 20, now);
	for (uint32_t i = 0; now < 10000000000u; i++) {
		uint64_t size = 1 + i * 7919u % 65536u;
		bytes += size;
		now += rate_take(&rate, size, now);
	}
	CHECK(bytes < 25000000u + 2 * 65536u && bytes > 24900000u, "%llu bytes in 10 s at 20 Mbit/s", (unsigned long long)bytes);
}

static void test_handshake(void)
{
	static const char all[] = HANDSHAKE_BANNER HANDSHAKE_READY "\0" HANDSHAKE_REPORT "\0\0tail";
	const enum handshake_event expected[] = {HANDSHAKE_BANNERED, HANDSHAKE_IS_READY, HANDSHAKE_REPORTED, HANDSHAKE_TAIL};
	for (size_t step = 1; step < sizeof(all); step++) {
		struct handshake handshake = {.status = 9};
		size_t events = 0;
		for (size_t at = 0; at < sizeof(all) - 1;) {
			enum handshake_event event;
			size_t left = sizeof(all) - 1 - at;
			at += handshake_take(&handshake, (const uint8_t *)all + at, step < left ? step : left, &event);
			if (event != HANDSHAKE_MORE && events < 4)
				CHECK(event == expected[events++], "step %zu", step);
		}
		CHECK(events == 4 && handshake.status == 0);
	}
	struct handshake handshake = {0};
	enum handshake_event event;
	handshake_take(&handshake, (const uint8_t *)"xl migration deceiver", 21, &event);
	CHECK(event == HANDSHAKE_WRONG);
}

static void test_json(void)
{
	struct json json;
	json_start(&json, "x");
	json_string(&json, "s", "a\"b\\c\n\xff\xc3\xa4\xed\xa0\x80");
	json_ms(&json, "ms", 1234567);
	json_us(&json, "us", 1234567);
	json_cpu(&json, 5000000, 1000);
	json_open_array(&json, "a");
	json_u64(&json, NULL, UINT64_MAX);
	json_i64(&json, NULL, -1);
	json_close_array(&json);
	json_null(&json, "n");
	const char *line = json_finish(&json);
	CHECK(strcmp(line, "{\"t\":\"x\",\"s\":\"a\\\"b\\\\c\\u000a\\ufffd\xc3\xa4\\ufffd\\ufffd\\ufffd\",\"ms\":1.234,\"us\":1234.567,\"cpuMs\":{\"agent\":5.000,\"xl\":0.001},"
		"\"a\":[18446744073709551615,-1],\"n\":null}\n") == 0, "%s", line);
	json_free(&json);
	json_start(&json, "big");
	for (int i = 0; i < 70000; i++)
		json_string(&json, "k", "v");
	CHECK(!json_finish(&json), "what does not fit is no line at all");
	json_free(&json);
}

int main(void)
{
	test_migrate_options();
	test_encoder_options();
	test_rate();
	test_handshake();
	test_json();
	CHECKS_PASSED();
	return 0;
}
