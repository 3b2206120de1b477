#include "key.h"

#include <sodium.h>

#include "io.h"

bool read_key_line(int fd, uint8_t key[LINK_KEY_BYTES], struct error *err)
{
	char line[2 * LINK_KEY_BYTES + 1];
	size_t length = 0;
	bool ok = io_read_all(fd, line, sizeof(line)) == (ssize_t)sizeof(line) && line[sizeof(line) - 1] == '\n'
		&& sodium_hex2bin(key, LINK_KEY_BYTES, line, sizeof(line) - 1, NULL, &length, NULL) == 0
		&& length == LINK_KEY_BYTES;
	sodium_memzero(line, sizeof(line));
	return ok || error_set(err, ERR_USAGE, "", "the first line on stdin is not a key of %d hex digits", 2 * LINK_KEY_BYTES);
}
