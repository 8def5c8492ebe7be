#include "common/net/prompt.h"

bool
prompt_waits(struct prompt *p, int64_t now_ns)
{
	p->since_ns = now_ns;
	return p->in_a_row >= (p->dear ? p->dear : PROMPT_AT_LEAST);
}

void
prompt_seen(struct prompt *p)
{
	p->in_a_row++;
	if (++p->worth >= PROMPT_FORGIVEN)
		p->dear = PROMPT_AT_LEAST;
}

void
prompt_in_vain(struct prompt *p)
{
	unsigned dear = (p->dear ? p->dear : PROMPT_AT_LEAST) * 4;

	*p = (struct prompt){.dear = dear < PROMPT_AT_MOST ? dear : PROMPT_AT_MOST};
}

void
prompt_woken(struct prompt *p, int64_t now_ns)
{
	bool soon = p->since_ns && now_ns - p->since_ns < PROMPT_SOON_NS;

	p->in_a_row = soon ? p->in_a_row + 1 : 0;
	p->since_ns = 0;
}
