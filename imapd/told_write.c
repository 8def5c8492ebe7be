/* What a session is told, in the words that its client has enabled. */
#include "imapd/imap_write.h"
#include "imapd/session_rights.h"
#include "imapd/told_private.h"

#define VANISHED_RANGES 500 /* of one response: a line of some kilobytes */

bool
imap_says_vanished(const struct imap_session *s)
{
	return s->enabled & (EN_QRESYNC | EN_UIDONLY);
}

/* -- pieces ----------------------------------------------------------------------------------- */

static uint64_t
all_flags(const struct view *v)
{
	size_t n = view_keyword_count(v);
	uint64_t keywords = n >= KEYWORDS_MAX ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	return FLAG_SYSTEM | keywords << FLAG_KEYWORD_SHIFT;
}

void
told_write_flags_responses(struct imap_session *s, const struct view *v)
{
	struct conn *c = s->conn;

	s->keywords_told = view_keyword_count(v);
	conn_puts(c, "* FLAGS ");
	imap_write_flags(c, v, all_flags(v), false);
	conn_puts(c, "\r\n* OK [PERMANENTFLAGS ");
	if (s->read_only)
		conn_puts(c, "()");
	else
		imap_write_permanent_flags(c, v, all_flags(v) & imap_flags_of_rights(s->rights),
		    s->keywords_told < KEYWORDS_MAX && (s->rights & RIGHT_WRITE));
	conn_puts(c, "] Flags that stay\r\n");
}

void
imap_write_flags_responses(struct imap_session *s)
{
	told_write_flags_responses(s, s->told);
}

void
imap_tell_keywords(struct imap_session *s, const struct view *now)
{
	if (view_keyword_count(now) > s->keywords_told)
		told_write_flags_responses(s, now);
}

void
imap_open_fetch(struct imap_session *s, uint32_t seq, uint32_t uid)
{
	bool uid_only = s->enabled & EN_UIDONLY;

	conn_puts(s->conn, "* ");
	imap_write_u64(s->conn, uid_only ? uid : seq);
	conn_puts(s->conn, uid_only ? " UIDFETCH (" : " FETCH (");
}

void
imap_write_modseq(struct imap_session *s, uint64_t modseq)
{
	conn_puts(s->conn, "MODSEQ (");
	imap_write_u64(s->conn, modseq);
	conn_puts(s->conn, ")");
	if (modseq > s->modseq_shown)
		s->modseq_shown = modseq;
}

void
imap_write_highest_modseq(struct imap_session *s)
{
	conn_puts(s->conn, "* OK [HIGHESTMODSEQ ");
	imap_write_u64(s->conn, s->complete_modseq);
	conn_puts(s->conn, "] Highest\r\n");
}

void
imap_enable_condstore(struct imap_session *s)
{
	if (s->enabled & EN_CONDSTORE)
		return;
	s->enabled |= EN_CONDSTORE;
	if (s->state == ST_SELECTED)
		imap_write_highest_modseq(s);
}

/* -- news ------------------------------------------------------------------------------------- */

static bool
write_expunged(struct imap_session *s, struct numbers *l)
{
	for (; l->at < l->count; l->at++) {
		if (conn_out_full(s->conn))
			return false;
		conn_puts(s->conn, "* ");
		imap_write_u64(s->conn, l->n[l->at]);
		conn_puts(s->conn, " EXPUNGE\r\n");
	}
	return true;
}

/* UIDs that follow each other as numbers are a range; no UID in it was not the client's. */
static void
write_range(struct imap_session *s, struct numbers *l)
{
	uint32_t first = l->n[l->at++];
	uint32_t last = first;

	while (l->at < l->count && l->n[l->at] == last + 1)
		last = l->n[l->at++];
	imap_write_u64(s->conn, first);
	if (last == first)
		return;
	conn_puts(s->conn, ":");
	imap_write_u64(s->conn, last);
}

static bool
write_vanished(struct imap_session *s, struct numbers *l)
{
	while (l->at < l->count) {
		if (conn_out_full(s->conn))
			return false;
		const char *before = "* VANISHED ";
		for (unsigned i = 0; i < VANISHED_RANGES && l->at < l->count; i++) {
			conn_puts(s->conn, before);
			write_range(s, l);
			before = ",";
		}
		conn_puts(s->conn, "\r\n");
	}
	return true;
}

static void
write_change(struct imap_session *s, uint32_t seq)
{
	const struct view_entry *e = view_at(s->told, seq);
	bool modseq = s->enabled & EN_CONDSTORE;

	imap_open_fetch(s, seq, e->uid);
	bool uid = s->cmd.uid || (s->enabled & (EN_CONDSTORE | EN_REV2)); /* RFC 9051 §7.5.2 */
	uid |= s->notify != NULL; /* RFC 5465 §5.1 */
	if (uid && !(s->enabled & EN_UIDONLY)) {
		conn_puts(s->conn, "UID ");
		imap_write_u64(s->conn, e->uid);
		conn_puts(s->conn, " ");
	}
	conn_puts(s->conn, "FLAGS ");
	imap_write_entry_flags(s->conn, s, e);
	if (modseq) {
		conn_puts(s->conn, " ");
		imap_write_modseq(s, e->modseq);
	}
	conn_puts(s->conn, ")\r\n");
}

static bool
write_changed(struct imap_session *s, struct numbers *l)
{
	for (; l->at < l->count; l->at++) {
		if (conn_out_full(s->conn))
			return false;
		write_change(s, l->n[l->at]);
	}
	return true;
}

static void
write_grown(struct imap_session *s)
{
	if (s->cmd.row && !(s->cmd.row->flags & CMD_ASKS_NEWS))
		s->grown_aside = true;
	conn_puts(s->conn, "* ");
	imap_write_u64(s->conn, view_count(s->told));
	conn_puts(s->conn, " EXISTS\r\n");
	if (s->enabled & EN_REV2)
		return;
	conn_puts(s->conn, "* ");
	imap_write_u64(s->conn, imap_count_recent(s));
	conn_puts(s->conn, " RECENT\r\n");
}

enum imap_go
imap_tell_more(struct imap_session *s)
{
	struct imap_news *news = s->news;

	if (!news)
		return GO_ON;
	for (; news->before; news->before = news->before->next) {
		enum imap_go go = news->before->before_expunge
				      ? news->before->before_expunge(news->before, s)
				      : GO_ON;
		if (go != GO_ON)
			return go;
	}
	if (news->keywords)
		imap_write_flags_responses(s);
	news->keywords = false;
	if (!(imap_says_vanished(s) ? write_vanished : write_expunged)(s, &news->expunged))
		return GO_DRAIN;
	if (!write_changed(s, &news->changed))
		return GO_DRAIN;
	if (news->grown)
		write_grown(s);
	news->grown = false;
	for (; news->after; news->after = news->after->next) {
		enum imap_go go =
		    news->after->after_exists ? news->after->after_exists(news->after, s) : GO_ON;
		if (go != GO_ON)
			return go;
	}
	if ((s->enabled & EN_CONDSTORE) &&
	    (news->caught_up || s->modseq_shown > s->complete_modseq))
		imap_write_highest_modseq(s);
	s->modseq_shown = 0;
	imap_news_release(s);
	return GO_ON;
}
