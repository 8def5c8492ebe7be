/* common/base/log_ration.h - how often the log tells of what anybody can bring about as often as
 * they like: so many lines a minute, and with the next one how many were withheld. Thread-safe.
 */
#ifndef COMMON_BASE_LOG_RATION_H
#define COMMON_BASE_LOG_RATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOG_RATION_MS 60000

/* Of one kind of event; begins as zeros. */
struct log_ration {
	atomic_llong began_ms; /* its minute; 0: never */
	atomic_ullong events; /* in it */
	atomic_ullong withheld; /* since the last line */
};

/* True: this event is to be told, and *ret_withheld, which may be NULL, were not before it. When a
 * minute ends while several threads are here, one of them may tell one more. */
bool log_ration_takes(struct log_ration *r, uint64_t lines_a_minute, uint64_t *ret_withheld);

#endif
