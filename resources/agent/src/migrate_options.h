/*
 * migrate_options.h - the command lines of `migrate` and `disk-send`.
 */
#ifndef ME2_MIGRATE_OPTIONS_H
#define ME2_MIGRATE_OPTIONS_H

#include "job.h"

struct migrate_options {
	char domain[128], owner[100], to[128], remote_agent[128];
	char disk[1024], disk_to[128]; /* block device at the source, IP:PORT of disk-receive; both empty: no disk goes along */
	int mode, encoder, link;
	uint64_t rate_mbit, stall_s, hold_s, level, cache_mib;
	bool verify, scrub;
};

/* False with ERR_USAGE. */
bool migrate_options_parse(struct migrate_options *parsed, int argc, char **argv, struct error *err);

/* Those of `disk-send`: no domain, `disk` and `disk_to` are there. */
bool disk_send_options_parse(struct migrate_options *parsed, int argc, char **argv, struct error *err);

/* As on the command line. */
const char *job_encoder_name(int encoder);

/* Copies the settings into the job. */
void migrate_options_apply(const struct migrate_options *parsed, struct job *to);

#endif
