/*
 * FETCH and UID FETCH, RFC 3501 §6.4.5 and §6.4.8.
 *
 * A pump: each step opens a reader, goes on where the last one stopped, be it within a message or
 * within the octets of a section, and closes the reader. A message of any size passes in constant
 * memory, since what is announced as a literal's length is known from the part table. A literal
 * that has begun must be finished though the message is expunged meanwhile: a small one is written
 * in one step, for a large one the message's file is kept open.
 */
#include "common/base/clock.h"
#include "imapd/fetch_binary.h"
#include "imapd/fetch_modifiers.h"
#include "imapd/fetch_value.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/objectid.h"
#include "imapd/own_flags.h"
#include "imapd/search_result.h"
#include "imapd/told_walk.h"
#include "imapd/vanished.h"
#include "store/message.h"
#include "store/rights.h"
#include "store/threads.h"

#define PIECE (32 * 1024) /* octets copied between two looks at the output buffer */
#define CLOCK_EVERY 16 /* rows and items between two looks at the clock */

struct fetch {
	struct fetch_items items;
	struct fetch_modifiers modifiers;
	struct uidset uids;
	uint64_t asked_since; /* modifiers.since, which is 0 where a power loss took it back */
	struct vanished vanished; /* told first */
	struct uidset vanished_of; /* which UIDs it speaks of */
	struct told_walk walk;
	struct own_flags own; /* \Seen, set before anything is told */
	struct fetch_source source;
	unsigned want; /* of reader_message() */
	bool threads; /* are asked for, and not all messages have one yet */
	bool needs_row; /* what the view has is not enough */
	bool sizes; /* are asked for: seldom one is too large for the view */
	bool header_only; /* all items but what the view has are of the header */
	bool octets_only; /* or of the octets, with no part looked for */

	/* the message in progress */
	bool open; /* its "* n FETCH (" is written */
	bool wrote_item;
	size_t item; /* the next one */
	bool in_value; /* label and length of that item are written */
	uint64_t written; /* octets of its value that are */
	struct fetch_value value; /* that value, while source.file is kept for it */

	struct fetch_binary binary; /* or the decoded one */

	bool unknown_encoding; /* of some part that was to be decoded */
	bool missing; /* some had been expunged */
	enum err failed; /* some could not be read: the first error */
	int64_t until_ms; /* when this step has had its share */
	unsigned looks; /* at the clock */
};

static void
release(void *state)
{
	struct fetch *f = state;

	own_flags_done(&f->own);
	fetch_source_done(&f->source);
	fetch_binary_done(&f->binary);
}

/* Whether the step has had its share. The clock is looked at now and then only: between two looks
 * lie a few rows or items. */
static bool
time_is_up(struct fetch *f)
{
	return f->needs_row && ++f->looks % CLOCK_EVERY == 0 && clock_mono_ms() > f->until_ms;
}

/* -- one item ------------------------------------------------------------------------------- */

static void
write_label(struct imap_session *s, struct fetch *f, struct str label)
{
	if (f->wrote_item)
		conn_puts(s->conn, " ");
	f->wrote_item = true;
	conn_put(s->conn, label);
	conn_puts(s->conn, " ");
}

static void
write_flags(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	if (f->wrote_item)
		conn_puts(s->conn, " ");
	f->wrote_item = true;
	own_flags_write(&f->own, s, e);
}

static void
write_modseq(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	if (f->wrote_item)
		conn_puts(s->conn, " ");
	f->wrote_item = true;
	imap_write_modseq(s, e->modseq);
}

/* Writes what is small; false: the item has a value that may be long. */
static bool
write_small(struct imap_session *s, struct fetch *f, const struct fetch_item *item,
    const struct view_entry *e)
{
	const struct message_row *row = &f->source.row;

	switch (item->kind) {
	case FETCH_FLAGS:
		write_flags(s, f, e);
		return true;
	case FETCH_UID:
		write_label(s, f, item->label);
		imap_write_u64(s->conn, e->uid);
		return true;
	case FETCH_MODSEQ:
		write_modseq(s, f, e);
		return true;
	case FETCH_INTERNALDATE:
		write_label(s, f, item->label);
		imap_write_internaldate(s->conn, row->internal_s, row->internal_zone_s);
		return true;
	case FETCH_SIZE:
		write_label(s, f, item->label);
		imap_write_u64(s->conn, e->size < VIEW_SIZE_MAX ? e->size : row->size);
		return true;
	case FETCH_EMAILID:
		write_label(s, f, item->label);
		conn_puts(s->conn, "(");
		conn_put(s->conn, row->email_id);
		conn_puts(s->conn, ")");
		return true;
	case FETCH_THREADID:
	case FETCH_SAVEDATE:
	case FETCH_ENVELOPE:
	case FETCH_BODYSTRUCTURE:
	case FETCH_BODY:
	case FETCH_BINARY:
	case FETCH_BINARY_SIZE:
	case FETCH_PREVIEW:
	case FETCH_PREVIEW_FUZZY:
	case FETCH_SECTION:
		break;
	}
	return false;
}

static enum err
write_thread(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	char id[OBJECTID_ROOM];
	int64_t thread = 0;

	enum err err = reader_thread(f->source.reader, e->message, &thread);
	if (err)
		return err;
	write_label(s, f, STR("THREADID"));
	thread_objectid(id, s->owner, thread);
	conn_printf(s->conn, thread ? "(%s)" : "NIL", id);
	return ERR_OK;
}

static enum err
write_save_date(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	int64_t saved_s;

	enum err err = reader_saved(f->source.reader, s->mailbox, e->uid, &saved_s);
	if (err)
		return err;
	write_label(s, f, STR("SAVEDATE"));
	imap_write_internaldate(s->conn, saved_s, 0);
	return ERR_OK;
}

/* "BODY[1] {4120}": the length comes before the octets, so their first piece is read before it, and
 * a message that can't be read gives an error instead of half a response. */
static enum err
begin_value(
    struct imap_session *s, struct fetch *f, const struct fetch_item *item, struct fetch_value *v)
{
	enum err e = fetch_value_prepare(&f->source, v);
	if (e)
		return e;
	write_label(s, f, item->label);
	if (v->is_nil)
		conn_puts(s->conn, "NIL");
	else if (v->is_string && v->size == 0)
		conn_puts(s->conn, "\"\"");
	else if (v->is_string) {
		conn_puts(s->conn, "{");
		imap_write_u64(s->conn, v->size);
		conn_puts(s->conn, "}\r\n");
	}
	f->in_value = true;
	f->written = 0;
	return ERR_OK;
}

/* BINARY: what can't be decoded fails before a word of it is written. */
static enum err
begin_binary(struct imap_session *s, struct fetch *f, const struct fetch_item *item)
{
	struct fetch_binary *b = &f->binary;
	enum err e = ERR_OK;

	if (!b->begun)
		e = fetch_binary_begin(b, &f->source, item, &f->value);
	f->unknown_encoding |= e == ERR_CANNOT;
	if (!e)
		fetch_value_hold(&f->source, &f->value);
	if (!e && !b->counted)
		e = fetch_binary_count(b, &f->source, item, &f->value, f->until_ms);
	if (e || !b->counted)
		return e;
	write_label(s, f, item->label);
	if (item->kind == FETCH_BINARY_SIZE) {
		imap_write_u64(s->conn, b->clip.size);
		b->clip.size = 0;
	} else if (f->value.is_nil) {
		conn_puts(s->conn, "NIL");
	} else if (b->clip.size == 0) {
		conn_puts(s->conn, "\"\"");
	} else {
		conn_puts(s->conn, b->has_nul ? "~{" : "{");
		imap_write_u64(s->conn, b->clip.size);
		conn_puts(s->conn, "}\r\n");
	}
	f->in_value = true;
	return ERR_OK;
}

static enum err
write_binary(struct imap_session *s, struct fetch *f, const struct fetch_item *item, bool *ret_done)
{
	struct fetch_binary *b = &f->binary;
	enum err e = ERR_OK;

	if (!b->begun && conn_out_full(s->conn)) {
		*ret_done = false;
		return ERR_OK;
	}
	if (!f->source.file)
		e = fetch_value_make(&f->source, item, &f->value);
	if (!e && !f->in_value)
		e = begin_binary(s, f, item);
	if (!e && f->in_value)
		e = fetch_binary_write(
		    b, &f->source, &f->value, s->conn, f->value.size > SPOOL_MEMORY);
	*ret_done = e || (f->in_value && b->clip.size == 0);
	if (!*ret_done)
		return ERR_OK;
	if (!e)
		f->in_value = false;
	fetch_value_let_go(&f->source);
	fetch_binary_end(b);
	return e;
}

/* Goes on with an item; *ret_done is false when the output is full. */
static enum err
write_item(struct imap_session *s, struct fetch *f, const struct fetch_item *item,
    const struct view_entry *e, bool *ret_done)
{
	struct fetch_value v;

	enum err err = ERR_OK;

	*ret_done = true;
	if (write_small(s, f, item, e))
		return ERR_OK;
	if (item->kind == FETCH_THREADID)
		return write_thread(s, f, e);
	if (item->kind == FETCH_SAVEDATE)
		return write_save_date(s, f, e);
	if (item->kind == FETCH_BINARY || item->kind == FETCH_BINARY_SIZE)
		return write_binary(s, f, item, ret_done);
	if (f->source.file)
		v = f->value;
	else
		err = fetch_value_make(&f->source, item, &v);
	if (!err && !f->in_value) {
		if (conn_out_full(s->conn)) {
			*ret_done = false;
			return ERR_OK;
		}
		err = begin_value(s, f, item, &v);
	}
	while (!err && f->written < v.size) {
		uint64_t left = v.size - f->written;
		if (conn_out_full(s->conn) && v.size > SPOOL_MEMORY) {
			fetch_value_hold(&f->source, &v);
			f->value = v;
			*ret_done = false;
			return ERR_OK;
		}
		size_t n = left < PIECE ? (size_t)left : PIECE;
		err = fetch_value_write(&f->source, &v, f->written, n, s->conn);
		f->written += n;
	}
	if (!err)
		f->in_value = false;
	fetch_value_let_go(&f->source);
	return err;
}

/* -- one message ---------------------------------------------------------------------------- */

static void
open_message(struct imap_session *s, struct fetch *f, uint32_t seq, const struct view_entry *e)
{
	imap_open_fetch(s, seq, e->uid);
	f->open = true;
	f->wrote_item = false;
	f->item = 0;
}

static void
close_message(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	if (f->open && !f->wrote_item) { /* "()" is no response: something that is always known */
		write_label(s, f, STR("UID"));
		imap_write_u64(s->conn, e->uid);
	}
	if (f->open)
		conn_puts(s->conn, ")\r\n");
	f->open = false;
	told_walk_pass(&f->walk, e->uid);
}

/* What can't be read is left out, the others are delivered, and the reply is NO (RFC 2180 §4.1.2).
 * Within a literal there is no way to say so: any octet would be taken for the message's. */
static enum err
give_up_message(
    struct imap_session *s, struct fetch *f, const struct view_entry *e, enum err failed)
{
	if (f->in_value) {
		s->pump.cut = true;
		return failed;
	}
	close_message(s, f, e);
	if (failed == ERR_GONE)
		f->missing = true;
	else if (!f->failed)
		f->failed = failed;
	return failed == ERR_NOMEM || failed == ERR_BUSY ? failed : ERR_OK;
}

/* Loads its row, unless all that is left to write does without. */
static enum err
load_row(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	bool finished = f->open && f->item == f->items.n;
	bool huge = f->sizes && e->size == VIEW_SIZE_MAX;
	enum err err = ERR_OK;

	if ((!f->needs_row && !huge) || finished || f->source.file ||
	    f->source.message == e->message)
		return ERR_OK;
	if (!f->source.reader)
		err = fetch_source_open(&f->source, s->owner);
	if (err)
		return err;
	if (f->header_only && !huge)
		return fetch_source_load_header(&f->source, e->message);
	if (f->octets_only && e->size < VIEW_SIZE_MAX)
		return fetch_source_load_octets(&f->source, e->message, e->size);
	return fetch_source_load(&f->source, e->message, f->want);
}

/* \Seen has changed: what the client has not asked for but has to know (RFC 3501 §7.4.2, RFC 7162
 * §3.2.4). */
static void
write_seen(struct imap_session *s, struct fetch *f, const struct view_entry *e)
{
	if (!fetch_has_item(&f->items, FETCH_FLAGS))
		write_flags(s, f, e);
	if (!(s->enabled & EN_CONDSTORE))
		return;
	if (!fetch_has_item(&f->items, FETCH_UID) && !(s->enabled & EN_UIDONLY)) {
		write_label(s, f, STR("UID"));
		imap_write_u64(s->conn, e->uid);
	}
	if (!fetch_has_item(&f->items, FETCH_MODSEQ))
		write_modseq(s, f, e);
}

/* Writes the message or as much of it as there is room and time for; *ret_done is false for the
 * latter. */
static enum err
write_message(struct imap_session *s, struct fetch *f, uint32_t seq, const struct view_entry *e,
    bool *ret_done)
{
	enum err err = load_row(s, f, e);

	if (!err && !f->open)
		open_message(s, f, seq, e);
	while (!err && f->item < f->items.n) {
		bool done = true;
		err = load_row(s, f, e); /* the item before may have been held */
		if (!err)
			err = write_item(s, f, &f->items.item[f->item], e, &done);
		if (!err && !done) {
			*ret_done = false;
			return ERR_OK;
		}
		f->item += !err;
		if (!err && f->item < f->items.n && time_is_up(f)) {
			*ret_done = false;
			return ERR_OK;
		}
	}
	*ret_done = true;
	if (err)
		return give_up_message(s, f, e, err);
	if (uidset_has(&f->own.uids, e->uid))
		write_seen(s, f, e);
	close_message(s, f, e);
	return ERR_OK;
}

/* -- the command ---------------------------------------------------------------------------- */

static enum err
end_fetch(struct imap_cmd *cmd, struct fetch *f)
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

static const struct view_entry *
peek(struct imap_session *s, struct fetch *f, uint32_t *ret_seq)
{
	return told_walk_peek_since(&f->walk, s->told, f->modifiers.since, ret_seq);
}

/* VANISHED (EARLIER), where it was asked for, then the messages. */
static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct fetch *f = state;
	enum err err = ERR_OK;

	if (f->modifiers.vanished) {
		bool told;
		err = imap_write_vanished_earlier(s, &f->vanished, &told);
		f->modifiers.vanished = !err && !told;
		if (err || !told)
			return err;
	}
	f->until_ms = clock_mono_ms() + PUMP_STEP_MS;
	while (f->threads) { /* a store that can't write lets people read: those have none */
		bool all = true;
		f->threads = !threads_assign(s->owner, &all) && !all;
		if (f->threads && clock_mono_ms() > f->until_ms)
			return ERR_OK;
	}
	if (f->needs_row)
		err = fetch_source_open(&f->source, s->owner);
	if (err && f->in_value)
		s->pump.cut = true;
	else if (err && f->open) /* between two items */
		conn_puts(s->conn, ")\r\n");
	for (int rows = 0; !err && rows < PUMP_STEP_ROWS; rows++) {
		uint32_t seq;
		bool done = true;
		const struct view_entry *e = peek(s, f, &seq);
		if (!e) {
			*ret_done = true;
			err = end_fetch(cmd, f);
			break;
		}
		if (conn_out_full(s->conn) || time_is_up(f))
			break;
		err = write_message(s, f, seq, e, &done);
		if (!done)
			break;
	}
	fetch_source_close(&f->source);
	return err;
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
	for (; (e = told_walk_peek_since(&walk, s->told, f->modifiers.since, &seq));
	     told_walk_pass(&walk, e->uid))
		if ((!(e->flags & FLAG_SEEN) ||
			(now != s->told && unread_meanwhile(now, e->uid, &hint))) &&
		    uidset_add(&unseen, e->uid, e->uid))
			return;
	if (unseen.n > 0 && own_flags_store(s, cmd, &unseen, FLAGS_ADD, &seen, MODSEQ_ANY, &f->own))
		f->own = (struct own_flags){0};
}

static void
plan(struct fetch *f)
{
	f->header_only = f->octets_only = true;
	for (size_t i = 0; i < f->items.n; i++) {
		const struct fetch_item *item = &f->items.item[i];
		f->sizes |= item->kind == FETCH_SIZE;
		if (item->kind == FETCH_FLAGS || item->kind == FETCH_UID ||
		    item->kind == FETCH_SIZE || item->kind == FETCH_MODSEQ)
			continue;
		f->needs_row = true;
		f->threads |= item->kind == FETCH_THREADID;
		f->header_only &= fetch_value_is_of_header(item);
		f->octets_only &= fetch_value_is_of_octets(item);
		f->want |= fetch_value_wants(item);
	}
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
	fetch_parse_items(cmd->args, cmd->uid, &f->items);
	fetch_parse_modifiers(
	    cmd->args, cmd->uid, cmd->uid && (s->enabled & EN_QRESYNC), &f->modifiers);
	if (f->modifiers.changed) /* RFC 7162 §3.1.4.1 */
		fetch_add_item(cmd->args, &f->items, FETCH_MODSEQ);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	if (fetch_has_item(&f->items, FETCH_MODSEQ))
		imap_enable_condstore(s);
	f->asked_since = f->modifiers.since;
	if (f->asked_since > 0)
		e = modseq_known(s->owner, f->asked_since, &f->modifiers.since);
	if (!e && f->modifiers.partial)
		e = search_result_narrow(s->told, &f->modifiers.places, &f->uids);
	if (e)
		return e;
	plan(f);
	f->walk.uids = &f->uids;
	if (f->items.sets_seen && !s->read_only)
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
