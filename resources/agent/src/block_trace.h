/*
 * block_trace.h - every write to a block device, seen from outside the guest: the kernel's own block tracing, without a library.
 *
 * A write is noted when it is queued and again when it is completed, so whoever takes a block from the set and then reads it
 * either reads the new contents or finds the block in the set again. Discards and zeroing are writes.
 * Works for loop devices, logical volumes, partitions and whole disks. One tracer a device at a time is all the kernel allows.
 * Sources: Linux include/uapi/linux/blktrace_api.h, Documentation/filesystems/relay.rst.
 */
#ifndef ME2_BLOCK_TRACE_H
#define ME2_BLOCK_TRACE_H

#include <stdbool.h>

#include "block_set.h"
#include "error.h"

struct block_trace;

/* Starts tracing; from now on what is written is added to both sets (which outlive the trace) within 20 ms. NULL with ERR_BUSY
 * when somebody else traces the device, ERR_NOT_SUPPORTED when it is no block device or the kernel cannot trace. */
struct block_trace *block_trace_start(const char *device, struct block_set *written, struct block_set *ever_written,
	struct error *err);

/* Adds all that has been traced up to now. False if events were lost, now or earlier: the sets are not complete then. */
bool block_trace_settle(struct block_trace *trace);

/* Writes noted so far, queued and completed. */
uint64_t block_trace_writes(struct block_trace *trace);

void block_trace_stop(struct block_trace *trace);

#endif
