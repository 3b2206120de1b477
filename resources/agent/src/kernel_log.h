/*
 * kernel_log.h - what a guest's kernel has said (its printk ring buffer), read from its memory. Whether the guest shows it on
 * a console does not matter.
 *
 * Linux 5.10 and later; the layout is in VMCOREINFO. Sources: Linux Documentation/admin-guide/kdump/{vmcoreinfo.rst,gdbmacros.txt},
 * kernel/printk/printk_ringbuffer.h.
 */
#ifndef ME2_KERNEL_LOG_H
#define ME2_KERNEL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "kernel_memory.h"
#include "vmcoreinfo.h"

/* Where everything lies; 20 numbers of the note, checked. */
struct kernel_log {
	struct kernel_memory *memory;
	uint64_t descriptors, infos, text;  /* kernel addresses of the three arrays */
	uint64_t head_id;                   /* address of the newest descriptor's number */
	uint64_t count, text_bytes;         /* descriptors, both powers of two */
	uint32_t descriptor_bytes, state, begin, next; /* of a descriptor */
	uint32_t info_bytes, sequence, text_length;    /* of an info */
};

/* False with ERR_NOT_UNDERSTOOD. `memory` must outlive it. */
bool kernel_log_open(struct kernel_log *log, struct kernel_memory *memory, const struct vmcoreinfo *note, struct error *err);

/* The number that the next message will have; 0 if nothing can be read. */
uint64_t kernel_log_next(const struct kernel_log *log);

/* Whether a message numbered `from` or later contains `words` (at most 100 characters). */
bool kernel_log_has(const struct kernel_log *log, uint64_t from, const char *words);

#endif
