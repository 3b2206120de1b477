/* cmd_version.c - `version`, and `self-test`: do the codec and the crypto work on this CPU? */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "encode.h"
#include "hash.h"
#include "json.h"
#include "version.h"

int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	struct json json;
	json_start(&json, "version");
	json_u64(&json, "protocol", ME2_PROTOCOL);
	json_u64(&json, "format", ME2_FORMAT);
	json_string(&json, "agent", ME2_VERSION);
	json_print(&json);
	return 0;
}

static bool codec_works(void)
{
	uint8_t page[PAGE_BYTES], coded[PAGE_BYTES], back[PAGE_BYTES];
	for (size_t i = 0; i < PAGE_BYTES; i++)
		page[i] = (uint8_t)(i % 1024 < 512 ? i / 64 : i * 7);
	size_t length = rle_encode(page, coded);
	return length && rle_decode(coded, length, back) && memcmp(page, back, PAGE_BYTES) == 0
		&& page_hash(page) == page_hash(back);
}

static bool seal_works(void)
{
	uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES] = {1}, header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	uint8_t clear[300], sealed[sizeof(clear) + crypto_secretstream_xchacha20poly1305_ABYTES], back[sizeof(clear)];
	crypto_secretstream_xchacha20poly1305_state push, pull;
	memset(clear, 42, sizeof(clear));
	crypto_secretstream_xchacha20poly1305_init_push(&push, header, key);
	crypto_secretstream_xchacha20poly1305_push(&push, sealed, NULL, clear, sizeof(clear), NULL, 0, 0);
	return crypto_secretstream_xchacha20poly1305_init_pull(&pull, header, key) == 0
		&& crypto_secretstream_xchacha20poly1305_pull(&pull, back, NULL, NULL, sealed, sizeof(sealed), NULL, 0) == 0
		&& memcmp(clear, back, sizeof(clear)) == 0;
}

int cmd_self_test(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	bool codec = codec_works(), seal = seal_works();
	struct json json;
	json_start(&json, "selfTest");
	json_bool(&json, "codec", codec);
	json_bool(&json, "seal", seal);
	json_print(&json);
	return codec && seal ? 0 : 1;
}
