/* Telling messages: RFC 3501 §7.4.2. */
#include "imapd/fetch_run.h"

#include "common/base/clock.h"
#include "imapd/imap_session.h"
#include "imapd/imap_write.h"
#include "imapd/objectid.h"
#include "store/message.h"
#include "store/threads.h"

#define PIECE (32 * 1024) /* octets copied between two looks at the output buffer */
#define CLOCK_EVERY 16 /* rows and items between two looks at the clock */

void
fetch_run_done(struct fetch_run *f)
{
	own_flags_done(&f->own);
	fetch_source_done(&f->source);
	fetch_listed_close(&f->listed);
	fetch_binary_done(&f->binary);
}

void
fetch_run_plan(struct fetch_run *f)
{
	f->header_only = f->octets_only = f->listed.wanted = true;
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
		f->listed.wanted &= fetch_listed_has(item);
		f->want |= fetch_value_wants(item);
	}
}

/* Whether the step has had its share. The clock is looked at now and then only: between two looks
 * lie a few rows or items. */
static bool
time_is_up(struct fetch_run *f)
{
	return f->needs_row && ++f->looks % CLOCK_EVERY == 0 && clock_mono_ms() > f->until_ms;
}

/* -- one item ------------------------------------------------------------------------------- */

static void
write_label(struct imap_session *s, struct fetch_run *f, struct str label)
{
	if (f->wrote_item)
		conn_puts(s->conn, " ");
	f->wrote_item = true;
	conn_put(s->conn, label);
	conn_puts(s->conn, " ");
}

static void
write_flags(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
{
	if (f->wrote_item)
		conn_puts(s->conn, " ");
	f->wrote_item = true;
	own_flags_write(&f->own, s, e);
}

static void
write_modseq(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
{
	if (f->wrote_item)
		conn_puts(s->conn, " ");
	f->wrote_item = true;
	imap_write_modseq(s, e->modseq);
}

/* Writes what is small; false: the item has a value that may be long. */
static bool
write_small(struct imap_session *s, struct fetch_run *f, const struct fetch_item *item,
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
write_thread(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
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
write_save_date(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
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
begin_value(struct imap_session *s, struct fetch_run *f, const struct fetch_item *item,
    struct fetch_value *v)
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
begin_binary(struct imap_session *s, struct fetch_run *f, const struct fetch_item *item)
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
write_binary(
    struct imap_session *s, struct fetch_run *f, const struct fetch_item *item, bool *ret_done)
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
write_item(struct imap_session *s, struct fetch_run *f, const struct fetch_item *item,
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
		size_t piece = conn_out_piece(s->conn, PIECE);
		size_t n = left < piece ? (size_t)left : piece;
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
open_message(struct imap_session *s, struct fetch_run *f, uint32_t seq, const struct view_entry *e)
{
	imap_open_fetch(s, seq, e->uid);
	f->open = true;
	f->wrote_item = false;
	f->item = 0;
}

static void
close_message(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
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
    struct imap_session *s, struct fetch_run *f, const struct view_entry *e, enum err failed)
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
load_row(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
{
	bool finished = f->open && f->item == f->items.n;
	bool huge = f->sizes && e->size == VIEW_SIZE_MAX;
	struct str block;
	enum err err = ERR_OK;

	if ((!f->needs_row && !huge) || finished || f->source.file ||
	    f->source.message == e->message)
		return ERR_OK;
	if (!huge && fetch_listed_get(&f->listed, s, e->message, &block)) {
		fetch_source_take_header(&f->source, e->message, block);
		return ERR_OK;
	}
	if (!f->source.reader)
		err = fetch_source_open(&f->source, s->owner);
	if (err)
		return err;
	f->source.rev2 = s->enabled & EN_REV2;
	if (f->header_only && !huge)
		return fetch_source_load_header(&f->source, e->message);
	if (f->octets_only && e->size < VIEW_SIZE_MAX)
		return fetch_source_load_octets(&f->source, e->message, e->size);
	return fetch_source_load(&f->source, e->message, f->want);
}

/* \Seen has changed: what the client has not asked for but has to know (RFC 3501 §7.4.2, RFC 7162
 * §3.2.4). */
static void
write_seen(struct imap_session *s, struct fetch_run *f, const struct view_entry *e)
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
write_message(struct imap_session *s, struct fetch_run *f, uint32_t seq, const struct view_entry *e,
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

/* -- all of them ---------------------------------------------------------------------------- */

enum err
fetch_run_step(struct imap_session *s, struct fetch_run *f, bool *ret_done)
{
	enum err err = ERR_OK;

	*ret_done = false;
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
		const struct view_entry *e =
		    told_walk_peek_since(&f->walk, s->told, f->since, &seq);
		if (!e) {
			*ret_done = true;
			break;
		}
		if (conn_out_full(s->conn) || time_is_up(f))
			break;
		err = write_message(s, f, seq, e, &done);
		if (!done)
			break;
	}
	fetch_source_close(&f->source);
	fetch_listed_close(&f->listed);
	return err;
}
