/* What people say: who gets nothing for now, and who is to be tried once more. */
#include "smtpd/outbound/scheduler_private.h"

bool
domain_is_lane_paused(const struct scheduler_domain *d)
{
	return (d->lane && d->lane->paused) || (d->relaxed && d->relaxed->paused);
}

bool
scheduler_is_paused(const struct scheduler *s, const char *prefix, struct str name)
{
	struct str p = str_of(prefix);

	for (size_t i = 0; s->paused && i < s->paused_n; i++)
		if (str_starts(s->paused[i], p) && str_eq_nocase(str_skip(s->paused[i], p.n), name))
			return true;
	return false;
}

void
scheduler_forget_pauses(struct scheduler *s)
{
	for (size_t i = 0; i < s->paused_n; i++)
		free((char *)s->paused[i].p);
	free(s->paused);
	s->paused = NULL;
	s->paused_n = 0;
}

void
scheduler_each_domain(
    struct scheduler *s, void (*fn)(struct scheduler *, struct scheduler_domain *))
{
	for (size_t i = 0; i < s->domains.bucket_count; i++) {
		struct table_node *n = s->domains.buckets[i];
		while (n) {
			struct table_node *next = n->next;
			fn(s, LIST_OWNER(n, struct scheduler_domain, node));
			n = next;
		}
	}
}

static void
apply_pause(struct scheduler *s, struct scheduler_domain *d)
{
	bool was = d->paused;

	d->paused = scheduler_is_paused(s, "", d->name) || domain_is_lane_paused(d);
	if (d->paused) {
		list_take(&d->turn);
		if (d->lane)
			lane_unload(s, d->lane, d);
		if (d->relaxed)
			lane_unload(s, d->relaxed, d);
	} else if (was) {
		domain_look_at(s, d, 0);
	}
}

static void
apply_lane_pauses(struct scheduler *s)
{
	for (size_t i = 0; i < s->destinations.bucket_count; i++) {
		for (struct table_node *n = s->destinations.buckets[i]; n; n = n->next) {
			struct destination *d = LIST_OWNER(n, struct destination, node);
			for (struct list *l = d->lanes.next; l != &d->lanes; l = l->next) {
				struct lane *lane = LIST_OWNER(l, struct lane, turn);
				lane->paused = lane_is_paused(s, lane);
				if (lane->paused)
					lane_unload(s, lane, NULL);
			}
		}
	}
}

void
scheduler_pause(struct scheduler *s, const struct str *names, size_t n)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);

	scheduler_forget_pauses(held);
	s->paused = n ? calloc(n, sizeof(*s->paused)) : NULL;
	for (size_t i = 0; s->paused && i < n; i++) {
		char *copy = strndup(names[i].p ? names[i].p : "", names[i].n);
		if (copy)
			s->paused[s->paused_n++] = str_of(copy);
	}
	apply_lane_pauses(s);
	scheduler_each_domain(s, apply_pause);
	for (struct list *l = s->idle.next; l != &s->idle; l = l->next)
		s->o.wake(s->o.arg, LIST_OWNER(l, struct scheduler_link, idle_all)->owner);
}

bool
scheduler_pauses_host(struct scheduler *s, struct str host)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	(void)held;
	return s->paused_n && scheduler_is_paused(s, "mx:", host);
}

void
scheduler_forgive(struct scheduler *s)
{
	CLEANUP(scheduler_leave) struct scheduler *held = scheduler_enter(s);

	rows_wake(held, INT64_MAX);
	for (size_t i = 0; i < held->destinations.bucket_count; i++) {
		for (struct table_node *n = s->destinations.buckets[i]; n; n = n->next) {
			struct destination *d = LIST_OWNER(n, struct destination, node);
			if (d->vitality == DEAD)
				d->vitality = UNPROVEN;
			d->dead_ms = 0;
			destination_consider(s, d);
		}
	}
}
