#include "rate.h"

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
	rate->tokens += (double)(now_ns - rate->updated_ns) * bytes_per_ns;
	if (rate->tokens > (double)rate->burst_bytes)
		rate->tokens = (double)rate->burst_bytes;
	rate->updated_ns = now_ns;
	rate->tokens -= (double)bytes;
	return rate->tokens >= 0 ? 0 : (uint64_t)(-rate->tokens / bytes_per_ns);
}
