/*
 * rate.h - token bucket that caps the link on the sending side, in both modes alike.
 */
#ifndef ME2_RATE_H
#define ME2_RATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t bits_per_second; /* 0: no cap */
	uint64_t burst_bytes;
	double tokens;            /* bytes that may be sent now; negative while in debt */
	uint64_t updated_ns;
};

void rate_init(struct rate *rate, uint64_t mbit_per_second, uint64_t now_ns);

/* Takes `bytes` from the bucket and returns how long to wait before the next take, in ns (0: not at all). */
uint64_t rate_take(struct rate *rate, uint64_t bytes, uint64_t now_ns);

/* A bucket that several processes take from, in memory that they share. */
struct shared_rate {
	pthread_mutex_t lock;
	struct rate rate;
};

/* Once, before it is shared. */
bool shared_rate_init(struct shared_rate *shared, uint64_t mbit_per_second, uint64_t now_ns);
uint64_t shared_rate_take(struct shared_rate *shared, uint64_t bytes, uint64_t now_ns);

#endif
