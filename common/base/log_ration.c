#include "common/base/log_ration.h"

#include "common/base/clock.h"

#include <stddef.h>

bool
log_ration_takes(struct log_ration *r, uint64_t lines_a_minute, uint64_t *ret_withheld)
{
	int64_t now = clock_mono_ms();
	long long began = atomic_load(&r->began_ms);

	if ((!began || now - began >= LOG_RATION_MS) &&
	    atomic_compare_exchange_strong(&r->began_ms, &began, now))
		atomic_store(&r->events, 0);
	if (atomic_fetch_add(&r->events, 1) >= lines_a_minute) {
		atomic_fetch_add(&r->withheld, 1);
		return false;
	}
	uint64_t withheld = atomic_exchange(&r->withheld, 0);
	if (ret_withheld)
		*ret_withheld = withheld;
	return true;
}
