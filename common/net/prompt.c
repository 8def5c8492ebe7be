#include "common/net/prompt.h"

bool
prompt_waits(struct prompt *p, int64_t now_ns)
{
	p->since_ns = now_ns;
	return p->credit >= PROMPT_AT_LEAST;
}

void
prompt_seen(struct prompt *p)
{
	if (p->credit < PROMPT_AT_MOST)
		p->credit++;
}

void
prompt_in_vain(struct prompt *p)
{
	p->credit -= PROMPT_IN_VAIN;
	p->since_ns = 0; /* when it comes is known to be late, and paid for */
}

void
prompt_woken(struct prompt *p, int64_t now_ns)
{
	if (p->since_ns && now_ns - p->since_ns < PROMPT_SOON_NS)
		prompt_seen(p);
	else if (p->since_ns && p->credit > 0)
		p->credit = 0;
	p->since_ns = 0;
}
