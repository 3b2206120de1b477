#include "volume.h"

#include <stdio.h>

void volume_set_uuid(struct volume *volume, const uint8_t uuid[16])
{
	char *to = volume->uuid;
	for (unsigned i = 0; i < 16; i++)
		to += sprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}
