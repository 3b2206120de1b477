#include "guest_choice.h"

#include <stdlib.h>
#include <string.h>

static bool parse_frame(const char *text, const char *end, uint64_t *frame)
{
	char *stop;
	*frame = strtoull(text, &stop, 0);
	return *text >= '0' && *text <= '9' && stop == end;
}

/* "LOW:HIGH", guest frames, decimal or 0x…; empty: no hole. */
static bool parse_hole(const char *text, uint64_t *low, uint64_t *high, struct error *err)
{
	const char *colon = strchr(text, ':');
	*low = *high = 0;
	if (!*text)
		return true;
	return (colon && parse_frame(text, colon, low) && parse_frame(colon + 1, text + strlen(text), high) && *low < *high)
		|| error_set(err, ERR_USAGE, "", "--hole takes two page frames, LOW:HIGH");
}

bool guest_choice_take(struct guest_choice *choice, const char *operand, struct error *err)
{
	if (!operand == !choice->file[0])
		return error_set(err, ERR_USAGE, "", "either a guest's name or --file is needed");
	if (operand && strlen(operand) >= sizeof(choice->domain))
		return error_set(err, ERR_USAGE, "", "no guest has so long a name");
	if (operand)
		strcpy(choice->domain, operand);
	return parse_hole(choice->hole_text, &choice->hole[0], &choice->hole[1], err);
}

bool guest_choice_open(struct guest_choice *choice, struct error *err)
{
	struct xen_domain domain;
	if (choice->file[0]) {
		choice->guest = guest_open_file(choice->file, choice->hole[0], choice->hole[1], err);
		return choice->guest != NULL;
	}
	choice->xen = xen_open(err);
	if (!choice->xen || !xen_find_domain(choice->xen, choice->domain, &domain, err))
		return false;
	choice->domid = domain.domid;
	choice->guest = guest_open_xen(domain.domid, err);
	return choice->guest != NULL;
}

void guest_choice_close(struct guest_choice *choice)
{
	guest_close(choice->guest);
	xen_close(choice->xen);
}
