#include "common/base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static atomic_bool frozen;
static atomic_llong frozen_us;
static atomic_llong jumped_us; /* of the date, while they are frozen */

static int64_t
read_us(clockid_t id)
{
	struct timespec t;

	if (atomic_load_explicit(&frozen, memory_order_relaxed))
		return atomic_load(&frozen_us);
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

/* A machine that sleeps for ten hours has grown older by ten: not so by CLOCK_MONOTONIC, and the
 * queue would take it for somebody who has set the date (queue_clock_moved()). */
int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

int64_t
clock_real_us(void)
{
	return read_us(CLOCK_REALTIME) + atomic_load_explicit(&jumped_us, memory_order_relaxed);
}

int64_t
clock_real_s(void)
{
	return clock_real_us() / 1000000;
}

void
clock_freeze(int64_t real_s)
{
	atomic_store(&jumped_us, 0);
	atomic_store(&frozen_us, real_s * 1000000);
	atomic_store(&frozen, true);
}

void
clock_advance_ms(int64_t ms)
{
	atomic_fetch_add(&frozen_us, ms * 1000);
}

void
clock_jump_s(int64_t s)
{
	atomic_fetch_add(&jumped_us, s * 1000000);
}

void
clock_thaw(void)
{
	atomic_store(&jumped_us, 0);
	atomic_store(&frozen, false);
}
