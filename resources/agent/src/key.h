/*
 * key.h - the one-time key of a link, as the console hands it over: 64 hex digits and a newline on stdin.
 */
#ifndef ME2_KEY_H
#define ME2_KEY_H

#include "link.h"

/* Reads exactly the key's line, not a byte more. */
bool read_key_line(int fd, uint8_t key[LINK_KEY_BYTES], struct error *err);

#endif
