/*
 * FETCH and UID FETCH, RFC 3501 §6.4.5 and §6.4.8.
 */
#include "imapd/fetch_modifiers.h"
#include "imapd/fetch_run.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"
#include "imapd/message_limit.h"
#include "imapd/modseq.h"
#include "imapd/search_result.h"
#include "imapd/vanished.h"
#include "store/message.h"
#include "store/rights.h"

struct fetch {
	struct fetch_modifiers modifiers;
	struct uidset uids;
	uint64_t asked_since; /* modifiers.since, which is 0 where a power loss took it back */
	struct vanished vanished; /* told first */
	struct uidset vanished_of; /* which UIDs it speaks of */
	struct fetch_run run;
};

static void
release(void *state)
{
	struct fetch *f = state;

	fetch_run_done(&f->run);
}

/* -- the command ---------------------------------------------------------------------------- */

static enum err
end_fetch(struct imap_cmd *cmd, const struct fetch_run *f)
{
	if (f->failed == ERR_CANNOT && f->unknown_encoding) { /* RFC 3516 §4.3 */
		imap_set_code(cmd, "UNKNOWN-CTE");
		imap_set_text(cmd, "The transfer encoding of some part is not known");
	}
	if (f->failed)
		return f->failed;
	if (!f->missing)
		return ERR_OK;
	imap_set_code(cmd, "EXPUNGEISSUED"); /* RFC 5530 §3 */
	imap_set_text(cmd, "Some of the messages no longer exist");
	/* a UID that is no more is ignored (RFC 3501 §6.4.8) */
	return cmd->uid ? ERR_OK : ERR_GONE;
}

/* VANISHED (EARLIER), where it was asked for, then the messages. */
static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct fetch *f = state;

	if (f->modifiers.vanished) {
		bool told;
		enum err e = imap_write_vanished_earlier(s, &f->vanished, &told);
		f->modifiers.vanished = !e && !told;
		if (e || !told)
			return e;
	}
	enum err e = fetch_run_step(s, &f->run, ret_done);
	return !e && *ret_done ? end_fetch(cmd, &f->run) : e;
}

/* Has another session taken \Seen away since the client was told of it? */
static bool
unread_meanwhile(const struct view *now, uint32_t uid, struct view_hint *hint)
{
	uint32_t seq;
	const struct view_entry *e = view_find(now, uid, hint, &seq);

	return e && e->uid == uid && !(e->flags & FLAG_SEEN);
}

/* Those of the messages that are unread become \Seen, in one transaction. A store that can't write
 * must still let people read: a failure is not one of the FETCH. */
static void
mark_seen(struct imap_session *s, struct imap_cmd *cmd, struct fetch *f)
{
	const struct flag_list seen = {.system = FLAG_SEEN};
	struct told_walk walk = {.uids = &f->uids};
	CLEANUP(view_unref) struct view *now = NULL;
	struct view_hint hint = {0};
	const struct view_entry *e;
	struct uidset unseen;
	uint32_t seq;

	if (!(s->rights & RIGHT_SEEN)) /* RFC 4314 §4 */
		return;
	if (imap_current_view(s, &now))
		return;
	uidset_init(&unseen, cmd->arena);
	for (; (e = told_walk_peek_since(&walk, s->told, f->run.since, &seq));
	     told_walk_pass(&walk, e->uid))
		if ((!(e->flags & FLAG_SEEN) ||
			(now != s->told && unread_meanwhile(now, e->uid, &hint))) &&
		    uidset_add(&unseen, e->uid, e->uid))
			return;
	if (unseen.n > 0 &&
	    own_flags_store(s, cmd, &unseen, FLAGS_ADD, &seen, MODSEQ_ANY, &f->run.own))
		f->run.own = (struct own_flags){0};
}

/* RFC 9738 §3.1: no work is done for more places than are allowed. */
static enum err
refuse_places(struct imap_session *s, struct imap_cmd *cmd, const struct fetch *f)
{
	uint32_t limit = s->conf->imapd.message_limit;
	const struct partial_range *places = &f->modifiers.places;

	if (limit == 0 || places->hi - places->lo < limit)
		return ERR_OK;
	imap_set_code(cmd, "MESSAGELIMIT %u", limit);
	return ERR_LIMIT;
}

static uint32_t
last_uid(const struct view *v)
{
	return view_count(v) ? view_at(v, view_count(v))->uid : 1;
}

/* What VANISHED speaks of: "*" means the last UID that was given out, for the message that had it
 * may be among those that went. */
static enum err
plan_vanished(struct imap_session *s, struct imap_cmd *cmd, struct fetch *f, struct str set)
{
	enum err e = ERR_OK;

	uidset_init(&f->vanished_of, cmd->arena);
	for (size_t i = 0; i < f->uids.n && !e; i++)
		e = uidset_add(&f->vanished_of, f->uids.r[i].lo, f->uids.r[i].hi);
	if (!e && memchr(set.p, '*', set.n))
		e = uidset_add(&f->vanished_of, last_uid(s->told), UINT32_MAX);
	uidset_normalise(&f->vanished_of);
	expunged_init(&f->vanished.expunged, s->told, f->asked_since, &f->vanished_of, cmd->arena);
	return e;
}

/* Flags, dates, sizes and headers are told whatever memory there is: a little at a time. The
 * rest is so while memory is full: the next message waits until the one before has been read. */
static bool
takes_much(const struct fetch_items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		const struct fetch_item *item = &items->item[i];
		if (item->kind >= FETCH_BINARY && !fetch_value_is_of_header(item))
			return true;
	}
	return false;
}

enum err
cmd_fetch(struct imap_session *s, struct imap_cmd *cmd)
{
	struct fetch *f = ARENA_NEW(cmd->arena, struct fetch);

	if (!f)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	size_t at = cmd->args->c.pos;
	imap_parse_msgset(cmd->args, s->told, cmd->uid, &f->uids);
	const struct str set = str_sub(cmd->args->c.in, at, cmd->args->c.pos - at);
	imap_parse_space(cmd->args);
	fetch_parse_items(cmd->args, cmd->uid && !(s->enabled & EN_UIDONLY), &f->run.items);
	fetch_parse_modifiers(
	    cmd->args, cmd->uid, cmd->uid && (s->enabled & EN_QRESYNC), &f->modifiers);
	if (f->modifiers.changed) /* RFC 7162 §3.1.4.1 */
		fetch_add_item(cmd->args, &f->run.items, FETCH_MODSEQ);
	enum err e = imap_parse_end(cmd->args);
	if (!e && takes_much(&f->run.items))
		e = imap_may_begin(s, cmd, MEMORY_BRIMFUL);
	if (e)
		return e;
	if (fetch_has_item(&f->run.items, FETCH_MODSEQ))
		imap_enable_condstore(s);
	f->asked_since = f->modifiers.since;
	if (f->asked_since > 0)
		e = modseq_known(s->owner, f->asked_since, &f->modifiers.since);
	if (!e && f->modifiers.partial)
		e = refuse_places(s, cmd, f);
	if (!e && f->modifiers.partial)
		e = search_result_narrow(s->told, &f->modifiers.places, &f->uids);
	if (e)
		return e;
	e = imap_limit_messages(s, cmd, &f->uids, 0);
	if (e)
		return e;
	f->run.since = f->modifiers.since;
	fetch_run_plan(&f->run);
	f->run.walk.uids = &f->uids;
	if (f->run.items.sets_seen && !s->read_only)
		mark_seen(s, cmd, f);
	if (f->modifiers.vanished)
		e = plan_vanished(s, cmd, f, set);
	if (e) {
		release(f);
		return e;
	}
	imap_pump(s, cmd, step, f, release);
	return ERR_OK;
}
