/* Telling what has become of the result of a context: RFC 5267 §4.3.2 to §4.3.4. */
#include "imapd/context_private.h"

#include "common/base/clock.h"
#include "imapd/notify.h"

static struct context_head
head_of(const struct context *x, const struct imap_session *s)
{
	return (struct context_head){x->tag, x->mailbox, view_uidvalidity(s->told), x->uid};
}

static enum imap_go
wait_for(const struct imap_session *s)
{
	return conn_out_full(s->conn) ? GO_DRAIN : GO_AGAIN;
}

/* Without memory it can't be told what has become of it: it is given up, and the client told so. */
static enum imap_go
give_up(struct context *x, struct imap_session *s)
{
	conn_printf(s->conn, "* NO [NOUPDATE \"%s\"] Out of memory\r\n", x->tag);
	context_forget_news(x);
	uidset_init(&x->found, x->found_arena);
	arena_reset(x->found_arena);
	x->order_n = 0;
	x->given_up = true;
	return GO_ON;
}

enum imap_go
context_before_expunge(struct told_listener *l, struct imap_session *s)
{
	struct context *x = (struct context *)l;
	const struct context_head head = head_of(x, s);
	static const struct uidset none = {0};

	if (x->too_much && !x->given_up)
		return give_up(x, s);
	if (x->phase == CONTEXT_RESTS && x->gone.n > 0) {
		uidset_normalise(&x->gone);
		if (context_list_removed(x, &x->gone, x->was) ||
		    context_change_found(x, &x->gone, &none))
			return give_up(x, s);
		x->phase = CONTEXT_LEAVES;
	}
	if (x->phase != CONTEXT_LEAVES)
		return GO_ON;
	if (!context_list_write(&x->removed, s, &head, "REMOVEFROM"))
		return GO_DRAIN;
	x->phase = CONTEXT_RESTS;
	x->gone.n = 0;
	return GO_ON;
}

/* -- what came or changed -----------------------------------------------------------------------
 */

static enum err
begin_run(struct context *x, struct imap_session *s, const struct uidset *uids)
{
	struct search_run *run;

	if (!x->run)
		x->run = calloc(1, sizeof(*x->run));
	if (!x->run)
		return ERR_NOMEM;
	sort_run_done(x->run);
	*x->run = (struct sort_run){.items.program = x->sort, .uid = true};
	run = &x->run->run;
	if (x->phase == CONTEXT_FINDS) {
		run->program = x->program;
	} else {
		run->program = (struct search_program){.flags_only = true}; /* all of the set */
		run->wants_facts = true;
	}
	run->progress.quiet = true; /* no command that the client waits for */
	enum err e = search_run_begin_in(s, run, s->owner, s->told, x->arena_now);
	run->walk.uids = uids;
	return e;
}

static enum err
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit,
    bool *ret_enough)
{
	struct context *x = state;

	(void)s;
	(void)cmd;
	(void)ret_enough;
	return uidset_add(&x->matched, hit->entry->uid, hit->entry->uid);
}

static enum err
begin_finding(struct context *x, struct imap_session *s)
{
	uidset_normalise(&x->dirty);
	uidset_init(&x->matched, x->arena_now);
	search_program_rebind(&x->program, s->told);
	x->phase = CONTEXT_FINDS;
	return begin_run(x, s, &x->dirty);
}

/* What is in the result and matches no more; then, where something is to be put in a sorted result,
 * all of it in order. */
static enum err
compare(struct context *x, struct imap_session *s)
{
	struct uidset unmatched, less;

	uidset_init(&unmatched, x->arena_now);
	uidset_init(&less, x->arena_now);
	uidset_init(&x->fresh, x->arena_now);
	enum err e = uidset_add_difference(&unmatched, &x->dirty, &x->matched);
	if (!e)
		e = uidset_add_common(&less, &unmatched, &x->found);
	if (!e)
		e = uidset_add_difference(&x->fresh, &x->matched, &x->found);
	if (!e)
		e = context_list_removed(x, &less, s->told);
	if (!e)
		e = context_change_found(x, &less, &x->fresh);
	if (e)
		return e;
	x->phase = CONTEXT_REMOVES;
	if (x->fresh.n == 0 || x->sort.n == 0)
		return context_list_added(x, &x->fresh, s->told);
	x->phase = CONTEXT_ORDERS;
	return begin_run(x, s, &x->found);
}

static enum err
find(struct context *x, struct imap_session *s)
{
	bool end;
	enum err e = search_run_gather(s, &s->cmd, &x->run->run, take, x, &end);

	return !e && end ? compare(x, s) : e;
}

static enum err
put_in_order(struct context *x, struct imap_session *s)
{
	enum err e = sort_run_step(s, &s->cmd, x->run);

	if (e || x->run->phase != SORT_DONE)
		return e;
	x->phase = CONTEXT_REMOVES;
	return context_list_added(x, &x->fresh, s->told);
}

/* True when all is told. */
static bool
tell(struct context *x, struct imap_session *s)
{
	const struct context_head head = head_of(x, s);

	if (x->phase == CONTEXT_REMOVES) {
		if (!context_list_write(&x->removed, s, &head, "REMOVEFROM"))
			return false;
		x->phase = CONTEXT_ADDS;
	}
	return context_list_write(&x->added, s, &head, "ADDTO");
}

/* Those in the result that are new in the mailbox, not those whose flags have changed (RFC 5465
 * §7). */
static enum err
begin_fetch(struct context *x, struct imap_session *s)
{
	struct uidset newer;

	x->phase = CONTEXT_FETCHES;
	uidset_init(&newer, x->arena_now);
	uidset_init(&x->came, x->arena_now);
	enum err e = uidset_add(&newer, view_uidnext(x->was), UINT32_MAX);
	if (!e)
		e = uidset_add_common(&x->came, &x->fresh, &newer);
	if (e || x->came.n == 0 || imap_notify_tells_too(s, &x->came, &x->items))
		return e;
	x->fetch = calloc(1, sizeof(*x->fetch));
	if (!x->fetch)
		return ERR_NOMEM;
	x->fetch->items = x->items;
	x->fetch->walk.uids = &x->came;
	fetch_run_plan(x->fetch);
	return ERR_OK;
}

/* Behind ADDTO (RFC 5465 §5.2). */
static enum imap_go
tell_items(struct context *x, struct imap_session *s)
{
	bool done = false;

	if (!x->fetch)
		return GO_ON;
	enum err e = fetch_run_step(s, x->fetch, &done);
	if (e && s->pump.cut) { /* within a literal */
		s->log_out = true;
		return GO_CLOSE;
	}
	return e || done ? GO_ON : wait_for(s);
}

enum imap_go
context_after_exists(struct told_listener *l, struct imap_session *s)
{
	struct context *x = (struct context *)l;
	int64_t until_ms = clock_mono_ms() + PUMP_STEP_MS;
	enum err e = ERR_OK;

	if (x->too_much && !x->given_up)
		return give_up(x, s);
	if (x->phase == CONTEXT_RESTS && x->dirty.n == 0) {
		context_forget_news(x);
		return GO_ON;
	}
	if (x->phase == CONTEXT_RESTS)
		e = begin_finding(x, s);
	while (!e && (x->phase == CONTEXT_FINDS || x->phase == CONTEXT_ORDERS)) {
		e = x->phase == CONTEXT_FINDS ? find(x, s) : put_in_order(x, s);
		if (!e && x->phase < CONTEXT_REMOVES && clock_mono_ms() >= until_ms)
			return wait_for(s);
	}
	if (e)
		return give_up(x, s);
	if (x->phase != CONTEXT_FETCHES && !tell(x, s))
		return GO_DRAIN;
	if (x->phase != CONTEXT_FETCHES && x->items.n > 0 && begin_fetch(x, s))
		return give_up(x, s);
	if (x->phase == CONTEXT_FETCHES) {
		enum imap_go go = tell_items(x, s);
		if (go != GO_ON)
			return go;
	}
	context_forget_news(x);
	return GO_ON;
}
