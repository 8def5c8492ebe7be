/* Looking for the next command of a peer that is known to send it at once (prompt.h), before the
 * connection goes back to epoll. */
#include "common/net/conn_private.h"

#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <time.h>

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Everything is answered and nothing is under way. */
static bool
is_next_command_awaited(const struct conn *c)
{
	return c->state == CS_OPEN && c->out.n == 0 && conn_epoll_events(c) == EPOLLIN;
}

/* Octets, the peer's end, or an error. */
static bool
has_come(const struct conn *c)
{
	char octet;

	return recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool
conn_look(struct conn *c)
{
	if (!is_next_command_awaited(c)) {
		c->prompt.since_ns = 0;
		return false;
	}
	int64_t now = now_ns();
	if (!prompt_waits(&c->prompt, now) || !workers_rest(c->pool))
		return false;
	for (int64_t until = now + PROMPT_LOOK_NS; now < until; now = now_ns()) {
		if (has_come(c)) {
			prompt_seen(&c->prompt);
			atomic_fetch_or(&c->events, EV_READY);
			return true;
		}
		if (atomic_load(&c->events)) /* another thread's mark: nobody else will run it */
			return true;
		sched_yield(); /* to the peer, if it shares the processor */
	}
	prompt_in_vain(&c->prompt);
	return false;
}

void
conn_woken(struct conn *c)
{
	if (c->prompt.since_ns)
		prompt_woken(&c->prompt, now_ns());
}
