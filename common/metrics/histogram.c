#include "common/metrics/histogram.h"

static uint64_t
in_bucket(const struct histogram *h, size_t i)
{
	return atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
}

uint64_t
histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += in_bucket(h, i);
	return n;
}

uint64_t
histogram_quantile(const struct histogram *h, double share)
{
	uint64_t all = histogram_count(h), seen = 0;
	size_t i = 0;

	if (all == 0)
		return 0;
	for (; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += in_bucket(h, i);
		if (seen > 0 && (double)seen >= share * (double)all)
			break;
	}
	uint64_t end = histogram_end(i), begin = i ? histogram_end(i - 1) : 0;
	return begin + (end - begin) / 2;
}

uint64_t
histogram_below(const struct histogram *h, uint64_t us)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1 && histogram_end(i) <= us; i++)
		n += in_bucket(h, i);
	return n;
}
