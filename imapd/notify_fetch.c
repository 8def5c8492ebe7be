/* What is told of new messages in the selected mailbox: RFC 5465 §5.2. */
#include "imapd/notify_private.h"

#include <stdlib.h>

void
notify_forget_new(struct notify *n)
{
	if (n->run)
		fetch_run_done(n->run);
	free(n->run);
	n->run = NULL;
	arena_free(&n->run_arena);
	arena_free(&n->also_arena);
	n->also = (struct uidset){0};
	n->also_items = (struct fetch_items){0};
	n->also_phase = ALSO_WAITS;
	n->fetch_from = 0;
	n->listener.pending = false;
}

static enum err
moved(struct told_listener *l, struct imap_session *s, struct view *was, struct view *is, bool own)
{
	struct notify *n = s->notify;

	(void)l;
	if (own || view_uidnext(is) <= view_uidnext(was))
		return ERR_OK;
	if (!n->fetch_from)
		n->fetch_from = view_uidnext(was);
	l->pending = true;
	return ERR_OK;
}

/* A context's arena goes before the FETCH is over. */
static enum err
note_also(struct notify *n, const struct uidset *uids, const struct fetch_items *items)
{
	struct fetch_items copy;
	enum err e = ERR_OK;

	if (!n->also_arena) {
		n->also_arena = arena_new(IMAP_ARENA_MAX);
		uidset_init(&n->also, n->also_arena);
	}
	if (!n->also_arena)
		return ERR_NOMEM;
	e = fetch_copy_items(n->also_arena, items, &copy);
	if (!e)
		e = fetch_merge_items(n->also_arena, &copy, &n->also_items);
	for (size_t i = 0; i < uids->n && !e; i++)
		e = uidset_add(&n->also, uids->r[i].lo, uids->r[i].hi);
	uidset_normalise(&n->also);
	return e;
}

bool
imap_notify_tells_too(
    struct imap_session *s, const struct uidset *uids, const struct fetch_items *items)
{
	struct notify *n = s->notify;

	return n && n->listens && !n->run && !note_also(n, uids, items);
}

/* The UIDs of those who came, without the ones that the session has put there itself. */
static enum err
find_new(struct imap_session *s, struct notify *n, struct uidset *ret)
{
	uint32_t end = n->fetch_from ? view_uidnext(s->told) : 0;
	uint32_t at = n->fetch_from;
	enum err e = ERR_OK;

	uidset_init(ret, n->run_arena);
	while (!e && at < end) {
		uint32_t first = end,
			 after = end; /* of the session's own messages that come next */
		for (size_t i = 0; i < n->own_n; i++) {
			const struct notify_own_messages *own = &n->own[i];
			if (own->mailbox != s->mailbox || own->account != account_id(s->owner) ||
			    own->last < at || own->first >= first)
				continue;
			first = own->first;
			after = own->last + 1;
		}
		if (first > at)
			e = uidset_add(ret, at, first - 1);
		at = after;
	}
	uidset_normalise(ret);
	return e;
}

/* With the items of the contexts, or the others without them. */
static enum err
choose(struct imap_session *s, struct notify *n)
{
	struct uidset came;

	n->run->items = n->request.items;
	uidset_init(&n->uids, n->run_arena);
	if (n->also_phase == ALSO_WAITS && n->also.n > 0) {
		n->also_phase = ALSO_RUNS;
		n->uids = n->also;
		return fetch_merge_items(n->run_arena, &n->also_items, &n->run->items);
	}
	n->also_phase = ALSO_TOLD;
	enum err e = find_new(s, n, &came);
	return e ? e : uidset_add_difference(&n->uids, &came, &n->also);
}

static enum err
begin(struct imap_session *s, struct notify *n)
{
	n->run_arena = arena_new(IMAP_ARENA_MAX);
	n->run = calloc(1, sizeof(*n->run));
	if (!n->run_arena || !n->run)
		return ERR_NOMEM;
	enum err e = choose(s, n);
	if (e)
		return e;
	if (s->enabled & EN_CONDSTORE) { /* RFC 7162 §3.1: in all that comes unasked */
		struct imap_args args;
		imap_args_init(&args, STR(""), n->run_arena);
		fetch_add_item(&args, &n->run->items, FETCH_MODSEQ);
	}
	n->run->walk.uids = &n->uids;
	fetch_run_plan(n->run);
	return ERR_OK;
}

/* Those with the contexts' items are told: the others come now. */
static void
begin_again(struct notify *n)
{
	fetch_run_done(n->run);
	free(n->run);
	n->run = NULL;
	arena_free(&n->run_arena);
	n->also_phase = ALSO_TOLD;
}

static enum imap_go
after_exists(struct told_listener *l, struct imap_session *s)
{
	struct notify *n = s->notify;
	bool done = false;
	enum err e = ERR_OK;

	(void)l;
	if (!n->fetch_from && n->also.n == 0)
		return GO_ON;
	if (!n->run)
		e = begin(s, n);
	if (!e)
		e = fetch_run_step(s, n->run, &done);
	if (e && s->pump.cut) { /* within a literal */
		s->log_out = true;
		return GO_CLOSE;
	}
	bool more = n->also_phase == ALSO_RUNS;
	if (!e && done && more)
		begin_again(n);
	if (!e && (!done || more))
		return conn_out_full(s->conn) ? GO_DRAIN : GO_AGAIN;
	if (n->request.n == 0) /* no look will */
		n->own_n = 0;
	notify_forget_new(n); /* also after an error, which the store has logged: they are there */
	return GO_ON;
}

static void
release(struct told_listener *l)
{
	struct notify *n = (struct notify *)l;

	notify_forget_new(n);
	n->listens = false;
}

void
notify_init_listener(struct notify *n)
{
	n->listener = (struct told_listener){
	    .moved = moved, .after_exists = after_exists, .release = release, .last = true};
}
