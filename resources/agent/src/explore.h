/*
 * explore.h - Memory Exploration: what is each page frame to the guest's own kernel?
 *
 * Everything is taken from the VMCOREINFO note that Linux publishes (Documentation/admin-guide/kdump/vmcoreinfo.rst);
 * no symbol files, no tables of kernel versions. The page array (struct page) stays mapped while the explorer lives,
 * so a look at one page is a few memory reads, always of the guest's state at that instant.
 */
#ifndef ME2_EXPLORE_H
#define ME2_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "guest.h"
#include "page_class.h"

struct kernel_memory;
struct vmcoreinfo;

struct explorer;

/* Finds the note and maps the page array. NULL with ERR_NOT_UNDERSTOOD when the guest cannot be read: the caller then
 * leaves nothing out. The guest must outlive the explorer. */
struct explorer *explorer_open(struct guest *guest, struct error *err);
void explorer_close(struct explorer *explorer);

/* Looks again where the guest keeps its page array, and maps anew what has moved (memory hot-plug; hugetlb pages that give
 * part of their page array back). Call it once the guest is suspended, before anything is decided for good. False if the
 * guest no longer runs the kernel that was explored: nothing more may be left out then. Not while another thread uses the
 * explorer. */
bool explorer_refresh(struct explorer *explorer);

/* e.g. "6.1.0-51-amd64" */
const char *explorer_kernel(const struct explorer *explorer);
/* Number of memory sections whose page array is mapped. */
uint64_t explorer_sections(const struct explorer *explorer);

/* For reading more of the same kernel; both as long as the explorer. One thread at a time. */
struct kernel_memory *explorer_memory(struct explorer *explorer);
const struct vmcoreinfo *explorer_note(const struct explorer *explorer);

/* True if the kernel has a struct page for this frame. */
bool explorer_knows(const struct explorer *explorer, uint64_t frame);

/* True only if the frame lies, right now, in a block of the buddy allocator: a head page at or below it is marked buddy,
 * its order covers the frame, mark and order are still the same when read again, and the frame itself has no users.
 * Anything doubtful is not free. */
bool explorer_is_free(const struct explorer *explorer, uint64_t frame);

/* Class right now. PAGE_ZERO is never returned here: it needs the content, which the caller may look at. */
enum page_class explorer_class(const struct explorer *explorer, uint64_t frame);

/* Fills classes[0 … count) for frames first … first+count; the fast path for maps. */
void explorer_classify(const struct explorer *explorer, uint64_t first, uint64_t count, uint8_t *classes);

#endif
