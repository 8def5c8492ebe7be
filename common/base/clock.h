/* common/base/clock.h - the time, replaceable in tests. Timers use the monotonic clock, dates the
 * real one. Thread-safe. */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since an arbitrary start; never goes back, and goes on while the machine sleeps. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* Seconds and microseconds since 1970 UTC. */
int64_t clock_real_s(void);
int64_t clock_real_us(void);

/* Tests only: both clocks stand still at this real time until clock_thaw(); clock_advance_ms()
 * moves them. */
void clock_freeze(int64_t real_s);
void clock_advance_ms(int64_t ms);
/* The date alone: somebody sets the machine's clock. */
void clock_jump_s(int64_t s);
void clock_thaw(void);

#endif
