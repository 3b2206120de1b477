#include "rate.h"

#include <errno.h>

#define BURST_BYTES 65536u

void rate_init(struct rate *rate, uint64_t mbit_per_second, uint64_t now_ns)
{
	*rate = (struct rate){
		.bits_per_second = mbit_per_second * 1000000u,
		.burst_bytes = BURST_BYTES,
		.tokens = BURST_BYTES,
		.updated_ns = now_ns,
	};
}

uint64_t rate_take(struct rate *rate, uint64_t bytes, uint64_t now_ns)
{
	if (!rate->bits_per_second)
		return 0;
	double bytes_per_ns = (double)rate->bits_per_second / 8e9;
	if (now_ns > rate->updated_ns) /* another process may have been later */
		rate->tokens += (double)(now_ns - rate->updated_ns) * bytes_per_ns;
	if (rate->tokens > (double)rate->burst_bytes)
		rate->tokens = (double)rate->burst_bytes;
	rate->updated_ns = now_ns > rate->updated_ns ? now_ns : rate->updated_ns;
	rate->tokens -= (double)bytes;
	return rate->tokens >= 0 ? 0 : (uint64_t)(-rate->tokens / bytes_per_ns);
}

bool shared_rate_init(struct shared_rate *shared, uint64_t mbit_per_second, uint64_t now_ns)
{
	pthread_mutexattr_t kind;
	rate_init(&shared->rate, mbit_per_second, now_ns);
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	bool ok = pthread_mutex_init(&shared->lock, &kind) == 0;
	pthread_mutexattr_destroy(&kind);
	return ok;
}

uint64_t shared_rate_take(struct shared_rate *shared, uint64_t bytes, uint64_t now_ns)
{
	if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&shared->lock); /* at worst one take was lost */
	uint64_t wait = rate_take(&shared->rate, bytes, now_ns);
	pthread_mutex_unlock(&shared->lock);
	return wait;
}
