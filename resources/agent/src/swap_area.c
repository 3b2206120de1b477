#include "swap_area.h"

#include <string.h>

#include "le.h"

#define PAGE 4096u
#define HEADER_AT 1024u
#define SIGNATURE "SWAPSPACE2"
#define SIGNATURE_BYTES 10u

bool swap_area_read(const struct disk_view *view, struct swap_area *area)
{
	uint8_t page[PAGE];
	if (!disk_view_read(view, 0, page, PAGE) || memcmp(page + PAGE - SIGNATURE_BYTES, SIGNATURE, SIGNATURE_BYTES) != 0)
		return false;
	uint64_t last_page = le32_load(page + HEADER_AT + 4);
	memcpy(area->uuid, page + HEADER_AT + 12, sizeof(area->uuid));
	area->bytes = (last_page + 1) * PAGE;
	return le32_load(page + HEADER_AT) == 1 && last_page && area->bytes <= view->bytes;
}
