/*
 * What has happened in the mailboxes that are not selected: RFC 5465 §5.
 *
 * All mailboxes are listed and held against what the client knows, name by name. What is told is
 * put into the new table as it is written; when the output is full the rest is taken over as it
 * was, and another look goes on there.
 */
#include "common/base/clock.h"
#include "imapd/folder.h"
#include "imapd/notify_private.h"
#include "imapd/status.h"

#include <stdlib.h>

#define LOOK_ARENA ((size_t)64 * 1024 * 1024)

struct look {
	struct imap_session *s;
	struct notify *n;
	struct list_rows rows; /* sorted by name */
	struct notify_rows by_id;
	struct notify_table next;
	struct str parent_told;
};

static int
compare_rows(const void *a, const void *b)
{
	return str_cmp(((const struct list_row *)a)->name, ((const struct list_row *)b)->name);
}

static struct str
parent_of(struct str name)
{
	size_t slash = str_rfind(name, '/');

	return slash == STR_NONE ? str_sub(name, 0, 0) : str_sub(name, 0, slash);
}

static bool
is_selected(const struct imap_session *s, const struct notify_box *b)
{
	return s->mailbox && s->mailbox == b->id && account_id(s->owner) == b->account;
}

static struct list_row *
row_of_box(const struct look *k, const struct notify_box *b)
{
	return notify_rows_find(&k->by_id, b->account, b->id);
}

/* -- one mailbox as it is now -------------------------------------------------------------------
 */

static void
take_counts(struct notify_box *b, const struct mailbox_info *info)
{
	b->uidvalidity = info->uidvalidity;
	b->uidnext = info->uidnext;
	b->messages = info->messages;
	b->unseen = info->unseen;
	b->modseq = info->highest_modseq;
}

/* In a mailbox of another \Seen is the user's own; to count it is expensive, so it is done only
 * when something has changed. */
static enum err
see(struct list_row *row, const struct notify_box *was)
{
	struct mailbox_info *info = &row->folder.info;
	enum err e = imap_see_folder(&row->folder, false);

	if (e)
		return e;
	if (was && was->modseq == info->highest_modseq && was->messages == info->messages) {
		info->unseen = was->unseen;
		return ERR_OK;
	}
	return imap_see_folder(&row->folder, true);
}

static enum err
describe(struct look *k, struct list_row *row, const struct notify_box *was, struct notify_box *ret)
{
	const struct mailbox_info *info = &row->folder.info;
	enum err e = ERR_OK;

	*ret = (struct notify_box){
	    .in_tree = info->id != 0 || info->noselect,
	    .exists = info->id != 0 && !info->noselect,
	    .readable = row->folder.rights & RIGHT_READ,
	    .subscribed = info->subscribed,
	    .shared = row->folder.viewer != VIEWER_OWNER,
	    .account = account_id(row->folder.account),
	    .id = info->id,
	};
	bool same = was && was->subscribed == ret->subscribed;
	ret->events = (uint8_t)(same ? was->events : notify_events_of(k->n, row));
	if (ret->shared && ret->exists && ret->readable && (ret->events & NOTIFY_MESSAGES))
		e = see(row, was);
	take_counts(ret, info);
	return e == ERR_GONE ? ERR_OK : e;
}

/* -- telling ------------------------------------------------------------------------------------
 */

static enum err
write_status(struct look *k, const struct list_row *row, unsigned items)
{
	enum err e = imap_write_status(k->s, row->name, &row->folder, items);

	return e == ERR_GONE ? ERR_OK : e; /* the next look will see it */
}

/* §3.1: before the OK of NOTIFY SET STATUS. NONE gives a snapshot, as §5 has it. */
static enum err
tell_first(struct look *k, const struct list_row *row, const struct notify_box *is)
{
	unsigned items = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;

	if (!is->exists || is_selected(k->s, is) || !notify_is_named(k->n, row))
		return ERR_OK;
	if (!is->readable) {
		if (is->events)
			notify_write_list(
			    k->s, &k->rows, row->name, row, (struct str){NULL, 0}, false);
		return ERR_OK;
	}
	if (!k->n->request.status || (is->events && !(is->events & NOTIFY_MESSAGES)))
		return ERR_OK;
	if (is->events & (NOTIFY_FLAG_CHANGE | NOTIFY_ANNOTATION_CHANGE))
		items |= STATUS_UNSEEN | STATUS_HIGHESTMODSEQ;
	return write_status(k, row, items);
}

/* The session's own messages are all that came: the client knows. */
static bool
is_own_growth(const struct notify *n, const struct notify_box *was, const struct notify_box *is)
{
	uint32_t next = was->uidnext, messages = was->messages;

	for (size_t i = 0; i < n->own_n; i++) {
		const struct notify_own_messages *own = &n->own[i];
		if (own->account != is->account || own->mailbox != is->id || own->first != next)
			continue;
		next = own->last + 1;
		messages += own->last - own->first + 1;
	}
	return next != was->uidnext && next == is->uidnext && messages == is->messages;
}

/* §5.1 to §5.3: what has become of a mailbox that is not selected, where that is of interest. */
static enum err
tell_messages(struct look *k, const struct list_row *row, const struct notify_box *was,
    const struct notify_box *is)
{
	const unsigned flags = NOTIFY_FLAG_CHANGE | NOTIFY_ANNOTATION_CHANGE;
	bool condstore = k->s->enabled & EN_CONDSTORE;
	unsigned items = 0;

	if (!is->exists || !is->readable || !(is->events & NOTIFY_MESSAGES) ||
	    is_selected(k->s, is) || is_own_growth(k->n, was, is))
		return ERR_OK;
	if (was->messages != is->messages || was->uidnext != is->uidnext)
		items |= STATUS_MESSAGES | STATUS_UIDNEXT;
	if (was->uidvalidity != is->uidvalidity)
		items |= STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
	if (was->unseen != is->unseen && (items || (is->events & flags)))
		items |= STATUS_UNSEEN;
	if (condstore && (items || (was->modseq != is->modseq && (is->events & flags))))
		items |= STATUS_HIGHESTMODSEQ | STATUS_UIDVALIDITY;
	return items ? write_status(k, row, items) : ERR_OK;
}

/* §5.4: who was made or deleted affects the name above too. */
static void
tell_parent(struct look *k, struct str name)
{
	struct str parent = parent_of(name);
	struct list_row none = {.name = parent};

	if (parent.n == 0 || str_eq(parent, k->parent_told))
		return;
	const struct list_row *row = notify_find_row(&k->rows, parent);
	const struct notify_box *known = notify_find_name(&k->n->table, parent);
	if (row && !known)
		return; /* it is new itself, or of no interest */
	const struct list_row *now = !row && known ? row_of_box(k, known) : NULL;
	if (now && !notify_find_name(&k->n->table, now->name))
		return; /* it is told with its new name: until then the client has it */
	if (!row && str_starts(parent, STR(OTHER_USERS)))
		return;
	none.folder.viewer = VIEWER_OWNER;
	if (!(notify_events_of(k->n, row ? row : &none) & NOTIFY_MAILBOX_NAME))
		return;
	k->parent_told = parent;
	notify_write_list(k->s, &k->rows, parent, row, (struct str){NULL, 0}, false);
}

/* Both names end in the same word, and the one above was renamed likewise: it goes along. */
static bool
went_along(const struct look *k, struct str old, struct str name)
{
	struct str above = parent_of(old), now = parent_of(name);

	if (above.n == 0 || now.n == 0 || !str_eq(str_skip(old, above.n), str_skip(name, now.n)))
		return false;
	const struct notify_box *b = notify_find_name(&k->n->table, above);
	const struct list_row *row = b ? row_of_box(k, b) : NULL;
	return row && str_eq(row->name, now) && !notify_find_name(&k->n->table, now);
}

static bool
goes_along(const struct list_row *now, struct str old, const struct list_row *row, struct str name)
{
	return row && str_starts(row->name, now->name) &&
	       str_eq(str_skip(row->name, now->name.n), str_skip(name, old.n));
}

/* With a name all below it are renamed (§5.4). What the client has below the old one and what does
 * not go along is told of before: the deepest first, so that each takes along only its own. */
static void
tell_left_behind(struct look *k, struct str old, const struct list_row *now)
{
	struct notify_table *t = &k->n->table;
	size_t first = 0, end;

	while (first < t->n && str_cmp(notify_box_name(t, &t->box[first]), old) <= 0)
		first++;
	for (end = first; end < t->n && str_starts(notify_box_name(t, &t->box[end]), old);)
		end++;
	while (end-- > first) {
		struct notify_box *b = &t->box[end];
		struct str name = notify_box_name(t, b);
		const struct list_row *row = row_of_box(k, b);
		if (name.p[old.n] != '/' || !b->in_tree || b->rename_told ||
		    !(b->events & NOTIFY_MAILBOX_NAME) || goes_along(now, old, row, name))
			continue;
		bool renamed = row && !notify_find_name(t, row->name);
		b->rename_told = renamed;
		if (renamed)
			notify_write_list(k->s, &k->rows, row->name, row, name, false);
		else if (b->exists)
			notify_write_list(k->s, &k->rows, name, NULL, (struct str){NULL, 0}, false);
	}
}

/* `known` has a name now that the client does not know: that, with the old one. A name that was
 * known is told as if its mailbox were another, which it is. */
static void
tell_renamed(struct look *k, const struct notify_box *known, const struct list_row *now)
{
	struct notify_box *b = &k->n->table.box[known - k->n->table.box];
	struct str old = notify_box_name(&k->n->table, known);

	if (b->rename_told)
		return;
	b->rename_told = true;
	tell_left_behind(k, old, now);
	notify_write_list(k->s, &k->rows, now->name, now, old, false);
}

/* A known name is still one, of another mailbox or of none: the new name of the mailbox it had is
 * told before anything is said of it. One that went along with the one above has been told of if
 * that has. */
static void
tell_moved(struct look *k, const struct notify_box *known)
{
	struct str old = notify_box_name(&k->n->table, known);
	const struct list_row *now = row_of_box(k, known);

	if (now && str_cmp(old, now->name) < 0 && !notify_find_name(&k->n->table, now->name) &&
	    !(went_along(k, old, now->name) && notify_find_row(&k->rows, parent_of(old))))
		tell_renamed(k, known, now);
}

/* A name that was not there before. */
static enum err
tell_new(struct look *k, struct list_row *row, struct notify_box *is)
{
	const struct notify_table *old_table = &k->n->table;
	struct str old = {NULL, 0};
	struct notify_box was = *is;
	const struct notify_box *renamed = notify_find_id(old_table, is->account, is->id);
	unsigned events = is->events;
	bool list = false;

	if (renamed) {
		was = *renamed;
		old = notify_box_name(old_table, renamed);
		events |= renamed->events;
	} else {
		was.messages = was.unseen = 0;
		was.uidnext = 1;
		was.subscribed = false;
	}
	if (!notify_is_own_name(k->n, row->name)) {
		bool name = is->in_tree && (events & NOTIFY_MAILBOX_NAME);
		if (name && renamed && !went_along(k, old, row->name))
			tell_renamed(k, renamed, row);
		list = name && !renamed;
		list |= is->subscribed != was.subscribed && (events & NOTIFY_SUBSCRIPTION);
		list |= is->exists && !is->readable && !renamed && events;
	}
	if (list) {
		notify_write_list(k->s, &k->rows, row->name, row, (struct str){NULL, 0}, false);
		if (is->exists && !renamed)
			tell_parent(k, row->name);
	}
	return tell_messages(k, row, &was, is);
}

/* A name that the client knows. */
static enum err
tell_known(struct look *k, struct list_row *row, const struct notify_box *known,
    const struct notify_box *is)
{
	struct notify_box was = *known;
	unsigned events = was.events | is->events;
	bool other = was.exists != is->exists || (is->exists && was.id != is->id);
	bool list = other && (events & NOTIFY_MAILBOX_NAME);

	list |= was.subscribed != is->subscribed && (events & NOTIFY_SUBSCRIPTION);
	list &= !notify_is_own_name(k->n, row->name);
	list |= was.exists && is->exists && was.readable != is->readable && events; /* §5.9 */
	if (was.id != is->id && (events & NOTIFY_MAILBOX_NAME) &&
	    !notify_is_own_name(k->n, row->name))
		tell_moved(k, known);
	if (list) {
		notify_write_list(k->s, &k->rows, row->name, row, (struct str){NULL, 0}, false);
		if (was.exists != is->exists)
			tell_parent(k, row->name);
	}
	if (!was.exists) { /* as one that is new */
		was.messages = was.unseen = 0;
		was.uidnext = 1;
		was.modseq = is->modseq;
		was.uidvalidity = is->uidvalidity;
	}
	return tell_messages(k, row, &was, is);
}

/* The mailbox has another name now and its old one, which is none any more, was unsubscribed from:
 * told behind the rename, be it that of a name above, since the old name does not exist then. */
static void
tell_unsubscribed(struct look *k, const struct notify_box *was)
{
	struct str name = notify_box_name(&k->n->table, was);
	const struct notify_box *top = was;
	const struct list_row *now = row_of_box(k, was);

	while (went_along(k, notify_box_name(&k->n->table, top), now->name)) {
		top = notify_find_name(&k->n->table, parent_of(notify_box_name(&k->n->table, top)));
		now = row_of_box(k, top); /* went_along() has seen that they are there */
	}
	if (top->events & NOTIFY_MAILBOX_NAME)
		tell_renamed(k, top, now);
	notify_write_list(k->s, &k->rows, name, NULL, (struct str){NULL, 0}, false);
}

/* A name that is no more. */
static void
tell_gone(struct look *k, const struct notify_box *was)
{
	struct str name = notify_box_name(&k->n->table, was);
	const struct list_row *now = row_of_box(k, was);

	if (notify_is_own_name(k->n, name))
		return;
	if (now && !notify_find_name(&k->n->table, now->name)) {
		/* renamed: its new name is told, here if that is of no interest itself */
		if ((was->events & NOTIFY_MAILBOX_NAME) && !notify_events_of(k->n, now) &&
		    !went_along(k, name, now->name))
			tell_renamed(k, was, now);
		if (was->subscribed && (was->events & NOTIFY_SUBSCRIPTION))
			tell_unsubscribed(k, was);
		return;
	}
	bool list = was->exists && (was->events & NOTIFY_MAILBOX_NAME);
	list |= was->subscribed && (was->events & NOTIFY_SUBSCRIPTION);
	list |= was->exists && was->shared && was->events; /* §5.9 */
	if (!list)
		return;
	notify_write_list(
	    k->s, &k->rows, name, NULL, (struct str){NULL, 0}, was->exists && was->shared);
	if (was->exists)
		tell_parent(k, name);
}

/* -- all of them --------------------------------------------------------------------------------
 */

static enum err
tell_row(struct look *k, struct list_row *row, const struct notify_box *was)
{
	struct notify_box is;
	enum err e = describe(k, row, was, &is);

	if (e)
		return e;
	bool first = k->n->initial && !was && notify_is_named(k->n, row);
	bool watched = notify_is_watched(k->n, is.events);
	if (!was && !watched && !first)
		return ERR_OK;
	if (k->n->initial && !was)
		e = tell_first(k, row, &is);
	else
		e = was ? tell_known(k, row, was, &is) : tell_new(k, row, &is);
	if (e || (!watched && !first))
		return e;
	if (is_selected(k->s, &is) && was) { /* told of by itself */
		is.uidvalidity = was->uidvalidity;
		is.uidnext = was->uidnext;
		is.messages = was->messages;
		is.unseen = was->unseen;
		is.modseq = was->modseq;
	}
	return notify_add_box(&k->next, &is, row->name);
}

/* The two lists are gone through together, by name. *ret_old is where it stopped. */
static enum err
tell_all(struct look *k, size_t *ret_old, bool *ret_done)
{
	const struct notify_table *old = &k->n->table;
	size_t i = 0, j = 0;
	enum err e = ERR_OK;

	while (!e && (i < old->n || j < k->rows.n) && !conn_out_full(k->s->conn)) {
		const struct notify_box *was = i < old->n ? &old->box[i] : NULL;
		struct list_row *row = j < k->rows.n ? &k->rows.row[j] : NULL;
		int order = i >= old->n      ? 1
			    : j >= k->rows.n ? -1
					     : str_cmp(notify_box_name(old, was), row->name);

		if (order < 0)
			tell_gone(k, was);
		else
			e = tell_row(k, row, order == 0 ? was : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	*ret_old = i;
	*ret_done = i == old->n && j == k->rows.n;
	return e;
}

/* What was not looked at stays as it is known. */
static enum err
keep_rest(struct look *k, size_t from)
{
	const struct notify_table *old = &k->n->table;
	enum err e = ERR_OK;

	for (size_t i = from; !e && i < old->n; i++)
		e = notify_add_box(&k->next, &old->box[i], notify_box_name(old, &old->box[i]));
	return e;
}

/* The accounts of others that are watched are those that the mailboxes are of. */
static bool
watch_owners(struct look *k)
{
	struct account *last = NULL;
	bool missed = false;

	for (size_t i = 0; i < k->n->watch_n; i++)
		k->n->watch[i].wanted = k->n->watch[i].account == account_id(k->s->account);
	for (size_t i = 0; i < k->rows.n; i++) {
		const struct list_row *row = &k->rows.row[i];
		if (row->folder.account == last || !notify_find_name(&k->next, row->name))
			continue;
		last = row->folder.account;
		missed |= notify_watch_account(k->s, last);
	}
	return missed;
}

static enum err
look(struct look *k)
{
	struct notify *n = k->n;
	bool done = false;
	size_t at = 0;

	if (k->rows.n > 0)
		qsort(k->rows.row, k->rows.n, sizeof(*k->rows.row), compare_rows);
	enum err e = notify_rows_index(&k->rows, &k->by_id);
	if (!e)
		e = tell_all(k, &at, &done);
	if (!e && !done)
		e = keep_rest(k, at);
	if (e)
		return e;
	if (watch_owners(k))
		atomic_store(&n->heard_boxes, true);
	struct notify_table old = n->table;
	n->table = k->next;
	k->next = old;
	n->unfinished = !done;
	if (!done)
		return ERR_OK;
	n->initial = false;
	n->own_n = 0;
	sbuf_clear(&n->own_names);
	return ERR_OK;
}

static void
overflow(struct imap_session *s, enum err e)
{
	conn_puts(s->conn, "* OK [NOTIFICATIONOVERFLOW] ");
	conn_puts(s->conn, e == ERR_LIMIT ? "Too many mailboxes" : "Out of memory");
	conn_puts(s->conn, "\r\n");
	notify_forget_all(s);
}

void
notify_end_gathering(struct notify *n)
{
	imap_gather_free(&n->gather);
	arena_free(&n->gather_arena);
}

/* Some accounts more. What changes from here on is heard of, and looked at another time. */
static enum err
gather(struct imap_session *s, struct notify *n, struct list_rows *ret, bool *ret_done)
{
	int64_t until_ms = clock_mono_ms() + PUMP_STEP_MS;
	enum err e = ERR_OK;

	*ret_done = false;
	if (!n->gather) {
		atomic_store(&n->heard_boxes, false);
		n->gather_arena = arena_new(LOOK_ARENA);
		e = n->gather_arena ? imap_gather_begin(s, n->gather_arena, &n->gather) : ERR_NOMEM;
	}
	do {
		if (!e)
			e = imap_gather_step(n->gather, ret, ret_done);
	} while (!e && !*ret_done && clock_mono_ms() < until_ms);
	return e;
}

enum imap_go
notify_look(struct imap_session *s)
{
	struct notify *n = s->notify;
	struct look k = {.s = s, .n = n};
	bool done;
	enum err e = gather(s, n, &k.rows, &done);

	if (!e && !done)
		return GO_AGAIN;
	if (!e)
		e = look(&k);
	notify_table_done(&k.next);
	notify_rows_done(&k.by_id);
	notify_end_gathering(n);
	if (e == ERR_LIMIT || e == ERR_NOMEM)
		overflow(s, e);
	else if (e) { /* the store has logged it: another time */
		n->unfinished = false;
		atomic_store(&n->heard_boxes, true);
	}
	return s->notify->unfinished ? GO_DRAIN : GO_ON;
}
