/*
 * kernel_memory.h - read the guest kernel's own address space, through its own page tables.
 *
 * Page tables that were walked stay mapped (a small cache), so what is read is always their present content. Physical
 * addresses here are what the page tables hold (table frames, see guest.h): machine addresses where the guest is PV.
 */
#ifndef ME2_KERNEL_MEMORY_H
#define ME2_KERNEL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"
#include "kernel_layout.h"

#define CACHED_FRAMES 64u

struct kernel_memory {
	struct guest *guest;
	const struct kernel_layout *layout;
	struct {
		uint64_t frame;       /* table frame */
		const uint8_t *bytes; /* NULL: empty */
	} cache[CACHED_FRAMES];
};

void kernel_memory_init(struct kernel_memory *memory, struct guest *guest, const struct kernel_layout *layout);
void kernel_memory_release(struct kernel_memory *memory);

/* Physical address of the kernel's top page table. False if it is out of reach. */
bool kernel_top_table(struct kernel_memory *memory, uint64_t *physical);

/* Physical address of a kernel address. `run_bytes` (may be NULL): how many bytes from there on are physically
 * contiguous too. False if the address is not mapped, or its page tables are out of reach. */
bool kernel_translate(struct kernel_memory *memory, uint64_t address, uint64_t *physical, uint64_t *run_bytes);

/* The 8 bytes at an 8-byte-aligned kernel address. */
bool kernel_read(struct kernel_memory *memory, uint64_t address, uint64_t *value);

#endif
