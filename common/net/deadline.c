/* A connection's deadline, over a timer of the loop's. */
#include "common/net/conn_private.h"

#include "common/base/clock.h"

void
conn_set_deadline(struct conn *c, int64_t ms)
{
	int64_t at = ms > 0 ? clock_mono_ms() + ms : 0;

	/* First the deadline, then a look at the timer: conn_timer_fired() does it the other way
	 * round, so that one of the two sees what the other did. */
	atomic_store(&c->deadline_ms, at);
	int64_t timer = atomic_load(&c->timer_ms);
	/* A timer that fires too early sets itself anew, so that moving a deadline out is one
	 * store. */
	if (at && c->timer && (timer == 0 || at < timer)) {
		atomic_store(&c->timer_ms, at);
		loop_timer_set(c->timer, ms);
	}
}

void
conn_timer_fired(void *conn)
{
	struct conn *c = conn;
	int64_t now = clock_mono_ms();
	long long at;

	atomic_store(&c->timer_ms, 0);
	do {
		at = atomic_load(&c->deadline_ms);
		if (at == 0)
			return;
		if (at > now) {
			atomic_store(&c->timer_ms, at);
			loop_timer_set(c->timer, at - now);
			continue;
		}
		long long passed = at;
		if (atomic_compare_exchange_strong(&c->deadline_ms, &passed, 0)) {
			conn_notify(c, CONN_EV_TIMEOUT);
			return;
		}
	} while (atomic_load(&c->deadline_ms) != at); /* moved meanwhile */
}
