/*
 * disk_class.h - what a block of a disk is to the guest that owns it. The numbers are part of the agent's protocol (the
 * frames of `disk-map`): append, never renumber.
 *
 * A block is DISK_BLOCK_BYTES of the disk, counted from its start, whatever the block size of the file system in it. One
 * that two things share (file systems need not be aligned) is used if any part of it is.
 *
 * Only DISK_FREE may ever be left out, and of a running guest's disk only by the rules in disk_explore.h. Every other
 * class, unknown above all, is used.
 */
#ifndef ME2_DISK_CLASS_H
#define ME2_DISK_CLASS_H

#define DISK_BLOCK_BYTES 4096u

enum disk_class {
	DISK_UNKNOWN = 0,     /* used, for all that is known */
	DISK_FREE = 1,
	DISK_ZERO = 2,        /* used, all bytes zero: needs a look at contents, so exploration never returns it */
	DISK_METADATA = 3,    /* superblocks, descriptors, bitmaps, trees of free space */
	DISK_JOURNAL = 4,
	DISK_INODE_TABLE = 5,
	DISK_DATA = 6,        /* files, directories, and whatever else a file system holds */
	DISK_SWAP = 7,
	DISK_PARTITION = 8,   /* partition tables, LVM metadata */
	DISK_DOUBTFUL = 9,    /* free by what the disk says, but a log that was not applied may say otherwise: used */
	DISK_CLASSES = 10
};

#endif
