/*
 * hypercall.h - calls into Xen through the kernel's privcmd device.
 *
 * Sources: Linux include/uapi/xen/privcmd.h; Xen xen/include/public/{xen,memory,version,domctl,sysctl}.h.
 */
#ifndef ME2_HYPERCALL_H
#define ME2_HYPERCALL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define HYPERCALL_XEN_VERSION 17u
#define HYPERCALL_MEMORY_OP 12u
#define HYPERCALL_GRANT_TABLE 20u
#define HYPERCALL_SYSCTL 35u
#define HYPERCALL_DOMCTL 36u

#define HYPERCALL_BUFFER_BYTES 8192u

/* privcmd, and memory that Xen may read and write: it is locked and does not move. */
struct hypercall {
	int privcmd;
	uint8_t *buffer; /* HYPERCALL_BUFFER_BYTES, page-aligned; zeroed by hypercall_begin() */
	pthread_mutex_t turn;
};

/* Opens privcmd alone. -1 with ERR_NO_XEN or ERR_NOT_ROOT. */
int privcmd_open(struct error *err);

bool hypercall_open(struct hypercall *hypercall, struct error *err);
void hypercall_close(struct hypercall *hypercall);

/* One caller at a time owns the buffer, from begin (which zeroes it) to end. */
void hypercall_begin(struct hypercall *hypercall);
void hypercall_end(struct hypercall *hypercall);

/* Xen's answer, or -errno. The arguments are numbers or addresses inside the buffer. */
long hypercall_do(struct hypercall *hypercall, unsigned number, uint64_t argument0, uint64_t argument1, uint64_t argument2);

#endif
