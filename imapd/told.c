#include "imapd/session_rights.h"
#include "imapd/told_private.h"

static void
add_number(struct imap_news *news, struct numbers *list, uint32_t n)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 16;
		uint32_t *grown = reallocarray(list->n, cap, sizeof(*grown));
		if (!grown) {
			news->err = ERR_NOMEM;
			return;
		}
		list->n = grown;
		list->cap = cap;
	}
	list->n[list->count++] = n;
}

static void
on_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct imap_news *news = arg;

	(void)uid;
	add_number(news, &news->expunged, seq);
}

static void
on_vanished(void *arg, uint32_t seq, uint32_t uid)
{
	struct imap_news *news = arg;

	(void)seq;
	add_number(news, &news->expunged, uid);
}

static void
on_changed(void *arg, uint32_t seq, const struct view_entry *e)
{
	struct imap_news *news = arg;

	(void)e;
	add_number(news, &news->changed, seq);
}

static void
on_grown(void *arg, uint32_t count)
{
	struct imap_news *news = arg;

	(void)count;
	news->grown = true;
}

void
imap_news_release(struct imap_session *s)
{
	if (!s->news)
		return;
	free(s->news->expunged.n);
	free(s->news->changed.n);
	free(s->news);
	s->news = NULL;
}

/* -- \Recent ---------------------------------------------------------------------------------- */

bool
imap_is_recent(const struct imap_session *s, uint32_t uid)
{
	if (s->enabled & EN_REV2) /* RFC 9051 Appendix E, 12: there is no such flag */
		return false;
	for (size_t i = 0; i < s->recent.n; i++)
		if (s->recent.r[i].lo <= uid && uid <= s->recent.r[i].hi)
			return true;
	return false;
}

static uint64_t
count_in(const struct view *v, const struct uid_range *r, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t after =
		    r[i].hi < UINT32_MAX ? view_seq_from(v, r[i].hi + 1) : view_count(v) + 1;
		count += after - view_seq_from(v, r[i].lo);
	}
	return count;
}

uint32_t
imap_count_recent(const struct imap_session *s)
{
	return (uint32_t)count_in(s->told, s->recent.r, s->recent.n);
}

uint64_t
imap_count_told(const struct imap_session *s, const struct uidset *uids)
{
	return count_in(s->told, uids->r, uids->n);
}

enum err
imap_current_view(const struct imap_session *s, struct view **ret)
{
	return view_current_as(s->owner, s->mailbox, s->viewer, ret);
}

enum err
imap_claim_recent(struct imap_session *s, struct view **view)
{
	struct imap_recent *recent = &s->recent;
	uint32_t first;

	enum err e =
	    mailbox_claim_recent_as(s->owner, s->mailbox, s->viewer, !s->read_only, &first);
	if (e)
		return e;
	/* Anew, so that all that was claimed is in it. What came after the claim may be \Recent for
	 * another session too, which RFC 3501 §2.3.2 allows. */
	CLEANUP(view_unref) struct view *now = NULL;
	e = imap_current_view(s, &now);
	if (e)
		return e;
	view_unref(view);
	*view = MOVE_PTR(now);
	uint32_t next = view_uidnext(*view);
	if (first >= next)
		return ERR_OK;
	if (recent->n > 0 && recent->r[recent->n - 1].hi >= first - 1) {
		recent->r[recent->n - 1].hi = next - 1;
		return ERR_OK;
	}
	if (recent->n == IMAP_RECENT_RANGES)
		memmove(recent->r, recent->r + 1, --recent->n * sizeof(*recent->r));
	recent->r[recent->n++] = (struct uid_range){first, next - 1};
	return ERR_OK;
}

/* -- listeners --------------------------------------------------------------------------------- */

void
imap_listen(struct imap_session *s, struct told_listener *l)
{
	struct told_listener **end = &s->listeners;

	while (*end && (l->last || !(*end)->last))
		end = &(*end)->next;
	l->next = *end;
	*end = l;
}

void
imap_unlisten(struct imap_session *s, struct told_listener *l)
{
	struct told_listener **at = &s->listeners;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
}

void
imap_release_listeners(struct imap_session *s)
{
	struct told_listener *l;

	while ((l = s->listeners)) {
		s->listeners = l->next;
		l->release(l);
	}
}

enum err
imap_told_moved(struct imap_session *s, struct view *was, struct view *is, bool own)
{
	enum err e = ERR_OK;

	for (struct told_listener *l = s->listeners; l && !e; l = l->next)
		e = l->moved(l, s, was, is, own);
	return e;
}

static bool
listeners_wait(const struct imap_session *s)
{
	bool wait = false;

	for (const struct told_listener *l = s->listeners; l; l = l->next)
		wait |= l->pending;
	return wait;
}

/* -- news ------------------------------------------------------------------------------------- */

void
imap_lose_mailbox(struct imap_session *s)
{
	conn_puts(s->conn, "* NO [NONEXISTENT] The selected mailbox was deleted\r\n");
	imap_deselect(s);
	s->lost = true;
}

/* Brings s->told up to `now` and notes in s->news what is to be said about it. */
static enum err
note_differences(struct imap_session *s, struct view *now, bool may_expunge)
{
	struct imap_news *news = s->news;
	const struct view_told tell = {
	    imap_says_vanished(s) ? on_vanished : on_expunged, on_changed, on_grown, news};
	CLEANUP(view_unref) struct view *was = view_ref(s->told);
	bool waited = view_modseq(was) > s->complete_modseq;
	struct view *advanced = NULL;
	enum err e = view_advance(&s->told, now, may_expunge, &tell, &advanced);

	if (e)
		return e;
	view_unref(&s->told);
	s->told = advanced;
	news->keywords = view_keyword_count(advanced) != s->keywords_told;
	if ((s->mute & MUTE_FLAGS) && news->changed.count > 0) {
		news->changed.count = 0;
		s->untold = true;
	}
	if (advanced == now && !s->untold) /* nothing that is gone had to be kept */
		s->complete_modseq = view_modseq(now);
	news->caught_up = waited && advanced == now && !s->untold;
	e = imap_told_moved(s, was, advanced, false);
	return e ? e : news->err;
}

/* All flags that have changed while none were told. */
static void
note_untold(struct imap_session *s, const struct view *now)
{
	struct view_iter it = view_iter_at(s->told, 1);
	const struct view_entry *e;

	s->news->changed.count = 0;
	while ((e = view_next(&it)))
		if (e->modseq > s->complete_modseq)
			add_number(s->news, &s->news->changed, it.seq);
	s->untold = false;
	if (now == s->told)
		s->complete_modseq = view_modseq(now);
}

static bool
is_muted(const struct imap_session *s)
{
	return (s->mute & MUTE_ALL) == MUTE_ALL && !(s->cmd.row && s->cmd.says_modseq);
}

static bool
has_modseq_to_correct(const struct imap_session *s)
{
	return (s->enabled & EN_CONDSTORE) && s->modseq_shown > s->complete_modseq;
}

/* The mailbox as it is now; NULL when it can't be read: what is new is told when it can. */
static enum err
look(struct imap_session *s, struct view **ret)
{
	CLEANUP(view_unref) struct view *now = NULL;
	enum err e = imap_current_view(s, &now);

	if (!e && view_uidnext(now) > view_uidnext(s->told))
		e = imap_claim_recent(s, &now);
	if (e == ERR_GONE)
		return e;
	*ret = e ? NULL : MOVE_PTR(now); /* the store has logged it */
	return ERR_OK;
}

enum err
imap_tell_news(struct imap_session *s, bool may_expunge, enum imap_go *ret_go)
{
	CLEANUP(view_unref) struct view *now = NULL;

	*ret_go = GO_ON;
	/* where they can't be read they are as they were, and so is the mailbox */
	(void)!imap_look_at_rights(s);
	if (!s->mailbox)
		return ERR_OK;
	if (look(s, &now)) {
		imap_lose_mailbox(s);
		return ERR_OK;
	}
	if (is_muted(s))
		return ERR_OK;
	bool catch_up = s->untold && !(s->mute & MUTE_FLAGS);
	if (now == s->told && !s->untold)
		s->complete_modseq = view_modseq(now);
	if ((!now || now == s->told) && !listeners_wait(s) && !has_modseq_to_correct(s) &&
	    !catch_up) {
		s->modseq_shown = 0;
		return ERR_OK;
	}
	s->news = calloc(1, sizeof(*s->news));
	if (!s->news)
		return ERR_NOMEM;
	if (now && now != s->told) {
		enum err e = note_differences(s, now, may_expunge);
		if (e)
			return e;
	}
	if (catch_up)
		note_untold(s, now);
	s->news->before = s->news->after = s->listeners;
	*ret_go = imap_tell_more(s);
	return ERR_OK;
}
