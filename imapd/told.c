#include "imapd/told.h"

#include "imapd/imap_session.h"
#include "imapd/imap_write.h"

/* Differences that have been found but not written yet: a mailbox may change in more places than
 * one output buffer holds. Sequence numbers of `changed` count in s->told. */
struct numbers {
	uint32_t *seq;
	size_t n, cap, at;
};

struct imap_news {
	struct numbers expunged;
	struct numbers changed;
	bool keywords; /* FLAGS first */
	bool grown; /* EXISTS and RECENT last */
	enum err err; /* no memory for one of them */
};

static void
add_number(struct imap_news *news, struct numbers *list, uint32_t seq)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 16;
		uint32_t *grown = reallocarray(list->seq, cap, sizeof(*grown));
		if (!grown) {
			news->err = ERR_NOMEM;
			return;
		}
		list->seq = grown;
		list->cap = cap;
	}
	list->seq[list->n++] = seq;
}

static void
on_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct imap_news *news = arg;

	(void)uid;
	add_number(news, &news->expunged, seq);
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
	free(s->news->expunged.seq);
	free(s->news->changed.seq);
	free(s->news);
	s->news = NULL;
}

/* -- \Recent ---------------------------------------------------------------------------------- */

bool
imap_is_recent(const struct imap_session *s, uint32_t uid)
{
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
imap_claim_recent(struct imap_session *s, struct view **view)
{
	struct imap_recent *recent = &s->recent;
	uint32_t first;

	enum err e = mailbox_claim_recent(s->owner, s->mailbox, !s->read_only, &first);
	if (e)
		return e;
	/* Anew, so that all that was claimed is in it. What came after the claim may be \Recent for
	 * another session too, which RFC 3501 §2.3.2 allows. */
	CLEANUP(view_unref) struct view *now = NULL;
	e = view_current(s->owner, s->mailbox, &now);
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

/* -- responses -------------------------------------------------------------------------------- */

static uint64_t
all_flags(const struct view *v)
{
	size_t n = view_keyword_count(v);
	uint64_t keywords = n >= KEYWORDS_MAX ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	return FLAG_SYSTEM | keywords << FLAG_KEYWORD_SHIFT;
}

static void
write_flags_responses(struct imap_session *s, const struct view *v)
{
	struct conn *c = s->conn;

	s->keywords_told = view_keyword_count(v);
	conn_puts(c, "* FLAGS ");
	imap_write_flags(c, v, all_flags(v), false);
	conn_puts(c, "\r\n* OK [PERMANENTFLAGS ");
	if (s->read_only)
		conn_puts(c, "()");
	else
		imap_write_permanent_flags(c, v, all_flags(v), s->keywords_told < KEYWORDS_MAX);
	conn_puts(c, "] Flags that stay\r\n");
}

void
imap_write_flags_responses(struct imap_session *s)
{
	write_flags_responses(s, s->told);
}

void
imap_tell_keywords(struct imap_session *s, const struct view *now)
{
	if (view_keyword_count(now) > s->keywords_told)
		write_flags_responses(s, now);
}

void
imap_lose_mailbox(struct imap_session *s)
{
	conn_puts(s->conn, "* NO [NONEXISTENT] The selected mailbox was deleted\r\n");
	imap_deselect(s);
	s->lost = true;
}

bool
imap_tell_more(struct imap_session *s)
{
	struct imap_news *news = s->news;
	struct conn *c = s->conn;

	if (!news)
		return true;
	if (news->keywords)
		imap_write_flags_responses(s);
	news->keywords = false;
	for (struct numbers *l = &news->expunged; l->at < l->n; l->at++) {
		if (conn_out_full(c))
			return false;
		conn_puts(c, "* ");
		imap_write_u64(c, l->seq[l->at]);
		conn_puts(c, " EXPUNGE\r\n");
	}
	for (struct numbers *l = &news->changed; l->at < l->n; l->at++) {
		if (conn_out_full(c))
			return false;
		const struct view_entry *e = view_at(s->told, l->seq[l->at]);
		conn_puts(c, "* ");
		imap_write_u64(c, l->seq[l->at]);
		conn_puts(c, " FETCH (");
		if (s->cmd.uid) {
			conn_puts(c, "UID ");
			imap_write_u64(c, e->uid);
			conn_puts(c, " ");
		}
		conn_puts(c, "FLAGS ");
		imap_write_entry_flags(c, s, e);
		conn_puts(c, ")\r\n");
	}
	if (news->grown) {
		if (!(s->cmd.row->flags & CMD_ASKS_NEWS))
			s->grown_aside = true;
		conn_puts(c, "* ");
		imap_write_u64(c, view_count(s->told));
		conn_puts(c, " EXISTS\r\n* ");
		imap_write_u64(c, imap_count_recent(s));
		conn_puts(c, " RECENT\r\n");
	}
	imap_news_release(s);
	return true;
}

/* Brings s->told up to `now` and notes in s->news what is to be said about it. */
static enum err
note_differences(struct imap_session *s, struct view *now, bool may_expunge)
{
	struct imap_news *news = calloc(1, sizeof(*news));

	if (!news)
		return ERR_NOMEM;
	s->news = news;
	const struct view_told tell = {on_expunged, on_changed, on_grown, news};
	struct view *advanced = NULL;
	enum err e = view_advance(&s->told, now, may_expunge, &tell, &advanced);
	if (e)
		return e;
	view_unref(&s->told);
	s->told = advanced;
	news->keywords = view_keyword_count(advanced) != s->keywords_told;
	return news->err;
}

enum err
imap_tell_news(struct imap_session *s, bool may_expunge, bool *ret_done)
{
	CLEANUP(view_unref) struct view *now = NULL;

	*ret_done = true;
	if (!s->mailbox)
		return ERR_OK;
	enum err e = view_current(s->owner, s->mailbox, &now);
	if (!e && view_uidnext(now) > view_uidnext(s->told))
		e = imap_claim_recent(s, &now);
	if (e == ERR_GONE) {
		imap_lose_mailbox(s);
		return ERR_OK;
	}
	if (e)
		return ERR_OK; /* the store has logged it; what is new is told when it can be read
				*/
	if (now == s->told)
		return ERR_OK;
	e = note_differences(s, now, may_expunge);
	if (e)
		return e;
	*ret_done = imap_tell_more(s);
	return ERR_OK;
}
