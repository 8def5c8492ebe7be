/* How many connections the hosts of one provider get in all, whatever the other hosts and the
 * policies of the domains are that they serve. */
#include "smtpd/outbound/scheduler_private.h"

struct provider *
provider_find(struct scheduler *s, struct str name)
{
	uint64_t hash = table_hash(&s->providers, 0, name);
	struct table_node *n = table_find(&s->providers, hash);

	for (; n; n = table_find_next(n)) {
		struct provider *p = LIST_OWNER(n, struct provider, node);
		if (str_eq_nocase(p->name, name)) {
			p->users++;
			return p;
		}
	}
	struct provider *p = calloc(1, sizeof(*p) + name.n);
	if (!p)
		return NULL;
	p->name = scheduler_keep(p + 1, name);
	p->users = 1;
	list_init(&p->limited);
	table_put(&s->providers, &p->node, hash);
	return p;
}

void
provider_release(struct scheduler *s, struct provider *p)
{
	if (--p->users)
		return;
	table_take(&s->providers, &p->node);
	free(p);
}

/* Before the first answer as many as there will be at first then: one for each destination. */
static size_t
limit(const struct scheduler *s, const struct provider *p)
{
	return p->window ? p->window : s->o.first_window;
}

bool
provider_is_full(const struct scheduler *s, const struct provider *p)
{
	return p->links >= limit(s, p);
}

void
provider_let_in(struct scheduler *s, struct provider *p)
{
	size_t room = limit(s, p) > p->links ? limit(s, p) - p->links : 0;

	while (room && !list_is_empty(&p->limited)) {
		struct destination *d = LIST_OWNER(p->limited.next, struct destination, limited);
		list_take(&d->limited);
		destination_consider(s, d);
		room -= list_has(&d->turn);
	}
}

void
provider_note_answer(struct scheduler *s, struct provider *p)
{
	if (!p->window)
		p->window = s->o.first_window;
}

void
provider_note_success(struct scheduler *s, struct provider *p)
{
	if (!p->window || ++p->successes < p->window || p->window >= s->o.max_window)
		return;
	p->successes = 0;
	p->window++;
	provider_let_in(s, p);
}

void
provider_note_failure(struct provider *p, size_t most)
{
	if (!p->window)
		return;
	p->successes = 0;
	p->window /= 2;
	if (p->window > most)
		p->window = (uint32_t)most;
	if (!p->window)
		p->window = 1;
}

void
provider_forget(struct provider *p)
{
	if (p->links)
		return; /* others of its destinations are at work */
	p->window = 0;
	p->successes = 0;
}
