/* xen_pv_test.c - what Xen is asked about a PV guest, and how its answers are read: a page table must not pass for a page. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "hypercall.h"
#include "xen.h"

#define VERSION 0x12u /* Xen 4.14 */
#define DOMID 5u
#define FRAMES 1100u  /* more than Xen is asked for at once */

/* Laid out as in Xen's public headers. */
struct domctl {
	uint32_t command, version;
	uint16_t domid, pad[3];
	union {
		struct {
			uint64_t num, array;
		} pages;
		uint32_t address_size;
		uint8_t pad[128];
	} u;
};

bool __wrap_hypercall_open(struct hypercall *hypercall, struct error *err);
void __wrap_hypercall_close(struct hypercall *hypercall);
long __wrap_hypercall_do(struct hypercall *hypercall, unsigned number, uint64_t argument0, uint64_t argument1, uint64_t argument2);

static uint32_t address_size = 64;
static unsigned calls;
static uint64_t refuse_from = UINT64_MAX; /* a frame */

bool __wrap_hypercall_open(struct hypercall *hypercall, struct error *err)
{
	(void)err;
	hypercall->buffer = aligned_alloc(4096, HYPERCALL_BUFFER_BYTES);
	pthread_mutex_init(&hypercall->turn, NULL);
	return hypercall->buffer != NULL;
}

void __wrap_hypercall_close(struct hypercall *hypercall)
{
	free(hypercall->buffer);
	pthread_mutex_destroy(&hypercall->turn);
}

/* The low digit of a frame says what Xen has it as. */
static long tell_types(const struct hypercall *hypercall, const struct domctl *call)
{
	uint64_t *array = (uint64_t *)(uintptr_t)call->u.pages.array;
	const uint8_t *end = (const uint8_t *)(array + call->u.pages.num);
	calls++;
	CHECK(call->u.pages.num <= 1024);
	CHECK((const uint8_t *)array >= (const uint8_t *)(call + 1) && end <= hypercall->buffer + HYPERCALL_BUFFER_BYTES,
		"the array lies in the buffer, and not over the call");
	for (uint64_t i = 0; i < call->u.pages.num; i++) {
		if (array[i] >= refuse_from)
			return -EFAULT;
		array[i] = (array[i] & 0xf) << 28;
	}
	return 0;
}

static long answer_domctl(const struct hypercall *hypercall, struct domctl *call)
{
	if (call->version != VERSION)
		return -EACCES;
	if (call->command == 36 && call->domid == DOMID) {
		call->u.address_size = address_size;
		return 0;
	}
	return call->command == 61 && call->domid == DOMID ? tell_types(hypercall, call) : call->command == 5 ? 0 : -ESRCH;
}

long __wrap_hypercall_do(struct hypercall *hypercall, unsigned number, uint64_t argument0, uint64_t argument1, uint64_t argument2)
{
	(void)argument1;
	(void)argument2;
	return number == HYPERCALL_DOMCTL ? answer_domctl(hypercall, (struct domctl *)(uintptr_t)argument0) : 0;
}

static void width_is_told(struct xen *xen)
{
	bool is_64_bit;
	struct error err = {0};
	CHECK(xen_is_64_bit(xen, DOMID, &is_64_bit, &err) && is_64_bit);
	address_size = 32;
	CHECK(xen_is_64_bit(xen, DOMID, &is_64_bit, &err) && !is_64_bit);
	CHECK(!xen_is_64_bit(xen, DOMID + 1, &is_64_bit, &err) && err.code);
}

/* 1 to 4: a table of that level; 9 to 12: the same, pinned; 0: a page; 13 and up: no RAM. */
static void page_tables_are_found(struct xen *xen)
{
	uint64_t frames[FRAMES];
	bool is_table[FRAMES];
	struct error err = {0};
	for (uint64_t i = 0; i < FRAMES; i++)
		frames[i] = i << 8 | (i * 7 & 0xf);
	calls = 0;
	CHECK(xen_find_page_tables(xen, DOMID, frames, FRAMES, is_table, &err) && calls > 1);
	for (uint64_t i = 0; i < FRAMES; i++) {
		uint64_t type = i * 7 & 0xf;
		bool expected = (type >= 1 && type <= 4) || (type >= 9 && type <= 12);
		CHECK(is_table[i] == expected, "frame %llu, type %llu", (unsigned long long)i, (unsigned long long)type);
	}
	refuse_from = frames[FRAMES - 1];
	CHECK(!xen_find_page_tables(xen, DOMID, frames, FRAMES, is_table, &err) && err.code, "the last part counts, too");
}

int main(void)
{
	struct error err = {0};
	struct xen *xen = xen_open(&err);
	CHECK(xen && xen_domctl_version(xen) == VERSION, "%s", err.message);
	width_is_told(xen);
	page_tables_are_found(xen);
	xen_close(xen);
	CHECKS_PASSED();
	return 0;
}
