#include "imapd/notify_private.h"

#include "imapd/metadata.h"
#include "store/changes.h"

/* -- being woken --------------------------------------------------------------------------------
 */

static void
hear_selected(void *arg)
{
	struct notify *n = arg;

	atomic_store(&n->heard_selected, true);
	conn_wake(n->conn);
}

static void
hear_boxes(void *arg)
{
	struct notify *n = arg;

	atomic_store(&n->heard_boxes, true);
	conn_wake(n->conn);
}

bool
notify_watch_account(struct imap_session *s, struct account *a)
{
	struct notify *n = s->notify;

	for (size_t i = 0; i < n->watch_n; i++) {
		if (n->watch[i].account == account_id(a)) {
			n->watch[i].wanted = true;
			return false;
		}
	}
	for (size_t i = 0; i < n->watch_n; i++) {
		if (n->watch[i].wanted)
			continue;
		changes_unwatch(&n->watch[i].watch);
		n->watch[i] = n->watch[--n->watch_n];
		i--;
	}
	if (n->watch_n == NOTIFY_ACCOUNTS_MAX)
		return false;
	struct notify_watch *grown = reallocarray(n->watch, n->watch_n + 1, sizeof(*grown));
	if (!grown)
		return false;
	n->watch = grown;
	struct notify_watch *w = &grown[n->watch_n];
	*w = (struct notify_watch){.account = account_id(a), .wanted = true};
	if (changes_watch(a, 0, hear_boxes, n, &w->watch))
		return false;
	n->watch_n++;
	return true;
}

static void
unwatch_all(struct notify *n)
{
	changes_unwatch(&n->selected_watch);
	for (size_t i = 0; i < n->watch_n; i++)
		changes_unwatch(&n->watch[i].watch);
	free(n->watch);
	n->watch = NULL;
	n->watch_n = 0;
}

/* -- what is asked for --------------------------------------------------------------------------
 */

unsigned
notify_events_of(const struct notify *n, const struct list_row *row)
{
	bool personal = row->folder.viewer == VIEWER_OWNER;
	unsigned events = 0;

	for (size_t i = 0; i < n->request.n; i++)
		if (mailbox_filter_has(&n->request.group[i].filter, row, personal))
			events |= n->request.group[i].events;
	return events;
}

bool
notify_is_named(const struct notify *n, const struct list_row *row)
{
	bool personal = row->folder.viewer == VIEWER_OWNER;

	for (size_t i = 0; i < n->request.n; i++)
		if (mailbox_filter_has(&n->request.group[i].filter, row, personal))
			return true;
	return false;
}

bool
notify_is_watched(const struct notify *n, unsigned events)
{
	if (events)
		return true;
	for (size_t i = 0; i < n->request.n; i++)
		if (n->request.group[i].filter.kind == MAILBOXES_SUBSCRIBED)
			return true;
	return false;
}

bool
imap_wants_metadata(const struct imap_session *s, struct str name)
{
	const struct notify *n = s->notify;
	unsigned all = 0;

	if (!n)
		return s->enabled & EN_METADATA;
	for (size_t i = 0; name.n == 0 && i < n->request.n; i++)
		all |= n->request.group[i].events;
	if (name.n == 0)
		return all & NOTIFY_SERVER_METADATA;
	const struct notify_box *b = notify_find_name(&n->table, name);
	return b && (b->events & NOTIFY_MAILBOX_METADATA);
}

bool
imap_wants_any_metadata(const struct imap_session *s)
{
	const struct notify *n = s->notify;

	if (!n)
		return s->enabled & EN_METADATA;
	for (size_t i = 0; i < n->request.n; i++)
		if (n->request.group[i].events & (NOTIFY_MAILBOX_METADATA | NOTIFY_SERVER_METADATA))
			return true;
	return false;
}

/* -- the selected mailbox -----------------------------------------------------------------------
 */

void
notify_apply_to_selected(struct imap_session *s)
{
	struct notify *n = s->notify;
	const struct notify_request *r = &n->request;

	changes_unwatch(&n->selected_watch);
	if (n->listens)
		imap_unlisten(s, &n->listener);
	n->listens = false;
	notify_forget_new(n);
	if (s->state != ST_SELECTED)
		return;
	s->mute = 0;
	if (!(r->selected & NOTIFY_MESSAGE_NEW))
		s->mute = MUTE_ALL;
	else if (!(r->selected & NOTIFY_FLAG_CHANGE))
		s->mute = MUTE_FLAGS;
	if (s->mute == MUTE_ALL)
		return;
	if (r->items.n > 0) {
		imap_listen(s, &n->listener);
		n->listens = true;
	}
	/* without memory it is told at the end of commands */
	(void)!changes_watch(s->owner, s->mailbox, hear_selected, n, &n->selected_watch);
	atomic_store(&n->heard_selected, true); /* what came before the watch */
}

void
imap_notify_selected(struct imap_session *s)
{
	if (s->notify)
		notify_apply_to_selected(s);
}

static uint32_t
count_unseen(const struct view *v)
{
	struct uid_range range = {1, UINT32_MAX};
	struct view_hint hint = {0};
	const struct view_entry *e;
	uint32_t seq, n = 0;

	while ((e = view_find_flags(v, range, FLAG_SEEN, 0, &hint, &seq))) {
		n++;
		if (e->uid == UINT32_MAX)
			break;
		range.lo = e->uid + 1;
	}
	return n;
}

void
imap_notify_deselect(struct imap_session *s)
{
	struct notify *n = s->notify;

	if (!n || !s->mailbox)
		return;
	changes_unwatch(&n->selected_watch);
	struct notify_box *b = notify_find_id(&n->table, account_id(s->owner), s->mailbox);
	if (!b || !s->told)
		return;
	b->uidnext = view_uidnext(s->told);
	b->messages = view_count(s->told);
	b->unseen = count_unseen(s->told);
	b->modseq = view_modseq(s->told);
	atomic_store(&n->heard_boxes, true); /* what it was not told of */
}

/* -- telling ------------------------------------------------------------------------------------
 */

bool
imap_notify_has_more(const struct imap_session *s)
{
	return s->notify && (s->notify->unfinished || s->notify->gather);
}

enum imap_go
imap_notify_tell(struct imap_session *s)
{
	const struct notify *n = s->notify;

	if (!n || n->request.n == 0 || (!atomic_load(&n->heard_boxes) && !imap_notify_has_more(s)))
		return GO_ON;
	return notify_look(s);
}

enum imap_go
imap_notify_at_rest(struct imap_session *s)
{
	struct notify *n = s->notify;
	enum imap_go go;

	if (!n)
		return GO_READ;
	if (s->state == ST_SELECTED && atomic_exchange(&n->heard_selected, false) &&
	    s->mute != MUTE_ALL) {
		if (imap_tell_news(s, !n->request.delayed, &go)) {
			imap_say_bye(s, "UNAVAILABLE", "The mailbox can't be followed any more");
			return GO_CLOSE;
		}
		if (go != GO_ON)
			return go;
	}
	bool heard = atomic_load(&n->heard_boxes) || imap_notify_has_more(s);
	go = imap_notify_tell(s);
	if (go == GO_ON && heard)
		imap_tell_metadata(s);
	return go == GO_ON ? GO_READ : go;
}

/* -- what the session does itself ---------------------------------------------------------------
 */

#define OWN_NAMES_MAX (64 * 1024) /* octets of names between two looks; the rest is told */

void
imap_notify_own_name(struct imap_session *s, struct str name)
{
	struct notify *n = s->notify;

	if (!n || n->request.n == 0)
		return;
	if (name.n > 0 && name.p[name.n - 1] == '/')
		name.n--;
	sbuf_put(&n->own_names, name);
	sbuf_putc(&n->own_names, '\0');
}

/* It is one of them, or above or below one. */
bool
notify_is_own_name(const struct notify *n, struct str name)
{
	struct str rest = sbuf_view(&n->own_names);
	struct str own;

	while (rest.n > 0 && str_split(&rest, '\0', &own)) {
		struct str a = own.n < name.n ? own : name;
		struct str b = own.n < name.n ? name : own;
		if (a.n > 0 && str_starts(b, a) && (b.n == a.n || b.p[a.n] == '/'))
			return true;
	}
	return false;
}

void
imap_notify_own_messages(
    struct imap_session *s, int64_t account, int64_t mailbox, uint32_t first, uint32_t last)
{
	struct notify *n = s->notify;

	if (!n || n->own_n == NOTIFY_OWN_MAX)
		return;
	n->own[n->own_n++] = (struct notify_own_messages){account, mailbox, first, last};
}

/* -- its life -----------------------------------------------------------------------------------
 */

void
notify_forget_all(struct imap_session *s)
{
	struct notify *n = s->notify;

	unwatch_all(n);
	notify_end_gathering(n);
	notify_table_done(&n->table);
	n->request = (struct notify_request){0};
	n->initial = n->unfinished = false;
	notify_apply_to_selected(s);
}

void
notify_drop(struct imap_session *s, struct notify *n)
{
	unwatch_all(n);
	if (n->listens)
		imap_unlisten(s, &n->listener);
	notify_forget_new(n);
	notify_end_gathering(n);
	notify_table_done(&n->table);
	sbuf_done(&n->own_names);
	arena_free(&n->arena);
	free(n);
}

void
imap_notify_free(struct imap_session *s)
{
	struct notify *n = MOVE_PTR(s->notify);

	if (n)
		notify_drop(s, n);
}

struct notify *
notify_new(struct imap_session *s, struct arena **arena, const struct notify_request *r)
{
	struct notify *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->conn = s->conn;
	n->arena = MOVE_PTR(*arena);
	n->request = *r;
	n->initial = true;
	n->own_names = SBUF_INIT(OWN_NAMES_MAX);
	atomic_init(&n->heard_selected, false);
	atomic_init(&n->heard_boxes, true);
	notify_init_listener(n);
	return n;
}

void
notify_set(struct imap_session *s, struct notify *n)
{
	imap_notify_free(s);
	s->notify = n;
	if (n->request.n > 0)
		(void)!notify_watch_account(s, s->account);
	notify_apply_to_selected(s);
}
