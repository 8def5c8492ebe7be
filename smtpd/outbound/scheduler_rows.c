/* Rows on their way through memory: which lane they go, in whose turn, together with whom. */
#include "smtpd/outbound/scheduler_private.h"

#include "common/base/clock.h"

#include <netinet/in.h>
#include <sys/un.h>

#define KEY_MAX (256 * 1024) /* a route has so many octets at most that matter */

/* -- rows -------------------------------------------------------------------------------------- */

static bool
has_row(const struct scheduler *s, int64_t id)
{
	struct table_node *n = table_find(&s->rows, table_hash_number(&s->rows, 0, id));

	while (n && LIST_OWNER(n, struct row, node)->id != id)
		n = table_find_next(n);
	return n != NULL;
}

void
row_free(struct scheduler *s, struct row *r)
{
	if (list_has(&r->turn))
		s->damaged_n--;
	list_take(&r->turn);
	table_take(&s->rows, &r->node);
	if (!list_is_empty(&s->to_load))
		s->news = true; /* there is room for others */
	domain_lost_row(s, r->domain);
	free(r);
}

void
row_rest(struct scheduler *s, struct row *r)
{
	r->rests_until_ms = clock_mono_ms() + SCHEDULER_DAMAGED_MS;
	list_put_last(&s->damaged, &r->turn);
	s->damaged_n++;
}

void
rows_wake(struct scheduler *s, int64_t mono_ms)
{
	while (!list_is_empty(&s->damaged)) {
		struct row *r = LIST_OWNER(s->damaged.next, struct row, turn);
		if (r->rests_until_ms > mono_ms)
			break;
		row_free(s, r);
	}
}

/* -- groups ------------------------------------------------------------------------------------ */

static uint64_t
group_hash(const struct scheduler *s, const struct lane *l, int64_t message)
{
	return table_hash_number(&s->groups, (uint64_t)(uintptr_t)l, message);
}

static struct scheduler_pick *
find_group(const struct scheduler *s, const struct lane *l, int64_t message)
{
	struct table_node *n = table_find(&s->groups, group_hash(s, l, message));

	for (; n; n = table_find_next(n)) {
		struct scheduler_pick *g = LIST_OWNER(n, struct scheduler_pick, node);
		if (g->message == message && g->lane == l)
			return g;
	}
	return NULL;
}

static void
close_group(struct scheduler *s, struct scheduler_pick *g)
{
	if (g->open)
		table_take(&s->groups, &g->node);
	g->open = false;
}

static bool
group_make_room(struct scheduler_pick *g)
{
	if (g->n < g->cap)
		return true;
	size_t cap = g->cap ? g->cap * 2 : 1;
	struct row **rows = realloc(g->rows, cap * sizeof(struct row *));
	if (!rows)
		return false;
	g->rows = rows;
	g->cap = cap;
	return true;
}

void
group_free(struct scheduler_pick *g)
{
	free(g->rows);
	free(g);
}

static struct sender *
find_sender(struct scheduler *s, struct lane *l, struct str name)
{
	uint64_t hash = table_hash(&s->senders, (uint64_t)(uintptr_t)l, name);
	struct table_node *n = table_find(&s->senders, hash);

	for (; n; n = table_find_next(n)) {
		struct sender *f = LIST_OWNER(n, struct sender, node);
		if (f->lane == l && str_eq(f->name, name))
			return f;
	}
	struct sender *f = calloc(1, sizeof(*f) + name.n);
	if (!f)
		return NULL;
	f->name = scheduler_keep(f + 1, name);
	f->lane = l;
	list_init(&f->groups);
	table_put(&s->senders, &f->node, hash);
	list_put_last(&l->senders, &f->turn);
	return f;
}

static void
sender_rests(struct scheduler *s, struct sender *f)
{
	if (!list_is_empty(&f->groups))
		return;
	list_take(&f->turn);
	table_take(&s->senders, &f->node);
	free(f);
}

/* It waits from now on. */
static void
enqueue(struct lane *l, struct sender *f, struct scheduler_pick *g, bool first)
{
	g->sender = f;
	if (first)
		list_put_first(&f->groups, &g->turn);
	else
		list_put_last(&f->groups, &g->turn);
	l->waiting++;
	l->destination->waiting++;
}

/* It waits no more. */
static void
dequeue(struct scheduler *s, struct scheduler_pick *g)
{
	struct sender *f = MOVE_PTR(g->sender);

	close_group(s, g);
	list_take(&g->turn);
	g->lane->waiting--;
	g->lane->destination->waiting--;
	sender_rests(s, f);
}

static struct scheduler_pick *
new_group(struct scheduler *s, struct lane *l, int64_t message, struct str from)
{
	struct sender *f = find_sender(s, l, from);
	struct scheduler_pick *g = f ? calloc(1, sizeof(*g) + from.n) : NULL;

	if (!g) {
		if (f)
			sender_rests(s, f);
		return NULL;
	}
	g->from = scheduler_keep(g + 1, from);
	g->message = message;
	g->lane = l;
	l->users++;
	list_init(&g->turn);
	enqueue(l, f, g, false);
	g->open = true;
	table_put(&s->groups, &g->node, group_hash(s, l, message));
	return g;
}

enum err
lane_add_row(
    struct scheduler *s, struct lane *l, struct scheduler_domain *d, const struct scheduler_row *r)
{
	if (has_row(s, r->id))
		return ERR_OK;
	struct row *row = calloc(1, sizeof(*row));
	if (!row)
		return ERR_NOMEM;
	struct scheduler_pick *g = find_group(s, l, r->message);
	if (!g)
		g = new_group(s, l, r->message, r->sender);
	if (!g || !group_make_room(g)) {
		free(row); /* a group without rows is thrown away when it is picked */
		return ERR_NOMEM;
	}
	row->id = r->id;
	row->domain = d;
	list_init(&row->turn);
	g->rows[g->n++] = row;
	if (g->n == JOB_RCPTS_MAX)
		close_group(s, g);
	table_put(&s->rows, &row->node, table_hash_number(&s->rows, 0, r->id));
	if (d->in_hand++ == 0)
		s->active++;
	d->waiting++;
	return ERR_OK;
}

static struct scheduler_pick *
take_first(struct scheduler *s, struct lane *l)
{
	struct sender *f = LIST_OWNER(l->senders.next, struct sender, turn);
	struct scheduler_pick *g = LIST_OWNER(f->groups.next, struct scheduler_pick, turn);

	list_take(&f->turn);
	list_put_last(&l->senders, &f->turn);
	dequeue(s, g);
	for (size_t i = 0; i < g->n; i++)
		g->rows[i]->domain->waiting--;
	for (size_t i = 0; i < g->n; i++)
		domain_wants_rows(s, g->rows[i]->domain);
	return g;
}

static void
throw_away(struct scheduler *s, struct scheduler_pick *g)
{
	for (size_t i = 0; i < g->n; i++)
		row_free(s, g->rows[i]);
	lane_release(s, g->lane);
	group_free(g);
}

struct scheduler_pick *
lane_take_group(struct scheduler *s, struct lane *l)
{
	while (!list_is_empty(&l->senders)) {
		struct scheduler_pick *g = take_first(s, l);
		if (g->n)
			return g;
		throw_away(s, g);
	}
	return NULL;
}

enum err
lane_put_back(struct scheduler *s, struct scheduler_pick *g)
{
	struct sender *f = find_sender(s, g->lane, g->from);

	if (!f)
		return ERR_NOMEM;
	enqueue(g->lane, f, g, true);
	for (size_t i = 0; i < g->n; i++)
		g->rows[i]->domain->waiting++;
	return ERR_OK;
}

/* Takes the rows of `d`, or all, out of a group that waits. */
static void
thin_out(struct scheduler *s, struct scheduler_pick *g, struct scheduler_domain *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct row *r = g->rows[i];
		if (d && r->domain != d) {
			g->rows[kept++] = r;
			continue;
		}
		r->domain->waiting--;
		row_free(s, r);
	}
	g->n = kept;
	if (kept)
		return;
	dequeue(s, g);
	throw_away(s, g);
}

void
lane_unload(struct scheduler *s, struct lane *l, struct scheduler_domain *d)
{
	l->users++; /* it stays while we walk */
	for (struct list *fl = l->senders.next; fl != &l->senders;) {
		struct sender *f = LIST_OWNER(fl, struct sender, turn);
		fl = fl->next; /* thin_out() frees a sender of whom nothing is left */
		for (struct list *gl = f->groups.next; gl != &f->groups;) {
			struct scheduler_pick *g = LIST_OWNER(gl, struct scheduler_pick, turn);
			bool last = gl->next == &f->groups;
			gl = gl->next;
			thin_out(s, g, d);
			if (last)
				break;
		}
	}
	lane_release(s, l);
}

/* -- lanes and destinations -------------------------------------------------------------------- */

static void
put_words(struct sbuf *b, struct str a)
{
	sbuf_u64(b, a.n);
	sbuf_putc(b, ':');
	sbuf_put(b, a);
}

static void
put_rules(struct sbuf *b, const struct tls_rules *r)
{
	sbuf_printf(b, "p%d", (int)r->proof);
	put_words(b, r->server_name);
	for (size_t i = 0; i < r->name_count; i++)
		put_words(b, r->names[i]);
	for (size_t i = 0; i < r->tlsa_count; i++) {
		sbuf_printf(
		    b, "t%u,%u,%u", r->tlsa[i].usage, r->tlsa[i].selector, r->tlsa[i].matching);
		put_words(b, r->tlsa[i].data);
	}
	put_words(b, str_of(r->ca_file ? r->ca_file : ""));
}

/* Ports and sockets are a host's own only by transport rules; addresses of one host come and go. */
static void
put_port(struct sbuf *b, const struct route_host *h)
{
	if (!h->address_count || !h->addresses)
		return;
	const struct sockaddr_storage *a = &h->addresses[0];
	if (a->ss_family == AF_UNIX)
		put_words(b, str_of(((const struct sockaddr_un *)a)->sun_path));
	else if (a->ss_family == AF_INET)
		sbuf_u64(b, ntohs(((const struct sockaddr_in *)a)->sin_port));
	else if (a->ss_family == AF_INET6)
		sbuf_u64(b, ntohs(((const struct sockaddr_in6 *)a)->sin6_port));
}

static void
put_host(struct sbuf *b, const struct route_host *h)
{
	sbuf_printf(b, "h%d%d%d,", (int)h->policy, h->must_tls, h->no_tls);
	put_words(b, h->name);
	put_port(b, h);
}

/* Two domains whose routes have one key may share a connection: their mail goes to the same hosts,
 * and the same is asked of these. */
static void
put_key(struct sbuf *b, const struct route *r)
{
	sbuf_printf(b, "%d%d%d%d", (int)r->kind, r->implicit_tls, r->secure_mx, r->sts_testing);
	put_words(b, r->login);
	for (size_t i = 0; i < r->host_count; i++) {
		put_host(b, &r->hosts[i]);
		put_rules(b, &r->hosts[i].tls);
	}
}

/* What lives and dies together: where one domain's only host does not answer, or not as that
 * domain's policy asks, another's second host may, and so may the same host without that policy. */
static void
put_name(struct sbuf *b, const struct route *r)
{
	sbuf_printf(b, "%d%d", r->implicit_tls, r->is_relaxed);
	put_words(b, r->login);
	put_words(b, r->destination);
	for (size_t i = 0; i < r->host_count; i++)
		put_host(b, &r->hosts[i]);
}

static bool
leads_nowhere(enum route_kind k)
{
	return k == ROUTE_REFUSED || k == ROUTE_LATER;
}

/* What shares a limit: the best hosts, as whom we come to them. */
static struct provider *
find_provider(struct scheduler *s, const struct route *r)
{
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(KEY_MAX);

	sbuf_printf(&words, "%d%d", (int)r->kind, r->implicit_tls);
	put_words(&words, r->user);
	put_words(&words, r->destination);
	return sbuf_error(&words) ? NULL : provider_find(s, sbuf_view(&words));
}

static struct destination *
find_destination(struct scheduler *s, const struct route *r)
{
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(KEY_MAX);

	put_name(&words, r);
	if (sbuf_error(&words))
		return NULL;
	struct str name = leads_nowhere(r->kind) ? r->domain : sbuf_view(&words);
	uint64_t hash = table_hash(&s->destinations, (uint64_t)r->kind, name);
	struct table_node *n = table_find(&s->destinations, hash);

	for (; n; n = table_find_next(n)) {
		struct destination *d = LIST_OWNER(n, struct destination, node);
		if (d->kind == r->kind && str_eq_nocase(d->name, name))
			return d;
	}
	bool dials = r->kind == ROUTE_SMTP || r->kind == ROUTE_LMTP;
	struct provider *p = dials ? find_provider(s, r) : NULL;
	struct destination *d = dials && !p ? NULL : calloc(1, sizeof(*d) + name.n);
	if (!d) {
		if (p)
			provider_release(s, p);
		return NULL;
	}
	d->name = scheduler_keep(d + 1, name);
	d->kind = r->kind;
	d->provider = p;
	list_init(&d->limited);
	list_init(&d->turn);
	list_init(&d->lanes);
	table_put(&s->destinations, &d->node, hash);
	return d;
}

static void
destination_free(struct scheduler *s, struct destination *d)
{
	list_take(&d->turn);
	list_take(&d->limited);
	if (d->resting)
		s->resting_n--;
	table_take(&s->destinations, &d->node);
	if (d->provider)
		provider_release(s, d->provider);
	verdict_done(&d->verdict);
	free(d);
}

void
destinations_trim(struct scheduler *s, size_t max)
{
	while (s->resting_n > max)
		destination_free(s, LIST_OWNER(s->resting.next, struct destination, turn));
}

static void
destination_rests(struct scheduler *s, struct destination *d)
{
	if (!list_is_empty(&d->lanes) || d->resting)
		return;
	list_take(&d->turn);
	list_take(&d->limited);
	list_put_last(&s->resting, &d->turn);
	d->resting = true;
	s->resting_n++;
	s->news = true; /* the next step trims them */
}

/* Where one of the hosts is not paused, mail may go there: a host that is paused is as one that
 * does not answer (RFC 5321 §5.1). */
bool
lane_is_paused(const struct scheduler *s, const struct lane *l)
{
	size_t left = 0, paused = 0;

	for (size_t i = 0; s->paused_n && i < l->route->host_count; i++) {
		const struct route_host *h = &l->route->hosts[i];
		if (scheduler_is_paused(s, "mx:", h->name))
			paused++;
		else
			left += h->address_count > 0;
	}
	return paused && !left;
}

static struct lane *
new_lane(struct scheduler *s, struct destination *d, struct str key, struct route *r)
{
	struct lane *l = calloc(1, sizeof(*l) + key.n);

	if (!l)
		return NULL;
	l->key = scheduler_keep(l + 1, key);
	l->destination = d;
	l->route = route_ref(r);
	list_init(&l->senders);
	list_init(&l->idle);
	if (d->resting) {
		list_take(&d->turn);
		d->resting = false;
		s->resting_n--;
	}
	list_put_last(&d->lanes, &l->turn);
	l->paused = lane_is_paused(s, l);
	return l;
}

struct lane *
lane_of_route(struct scheduler *s, struct route *r)
{
	CLEANUP(sbuf_done) struct sbuf key = SBUF_INIT(KEY_MAX);

	put_key(&key, r);
	struct destination *d = sbuf_error(&key) ? NULL : find_destination(s, r);
	if (!d)
		return NULL;
	struct lane *lane = NULL;
	for (struct list *l = d->lanes.next; l != &d->lanes && !lane; l = l->next)
		if (str_eq(LIST_OWNER(l, struct lane, turn)->key, sbuf_view(&key)))
			lane = LIST_OWNER(l, struct lane, turn);
	if (lane) {
		struct route *old = lane->route;
		lane->route = route_ref(r);
		route_unref(&old);
	} else {
		lane = new_lane(s, d, sbuf_view(&key), r);
	}
	if (lane)
		lane->users++;
	else
		destination_rests(s, d);
	return lane;
}

void
lane_release(struct scheduler *s, struct lane *l)
{
	struct destination *d = l->destination;

	if (--l->users)
		return;
	list_take(&l->turn);
	route_unref(&l->route);
	free(l);
	destination_rests(s, d);
}
