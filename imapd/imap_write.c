#include "imapd/imap_write.h"

#include "common/mail/utf7.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"

#define QUOTED_MAX 1000 /* a longer string goes as a literal */
#define NAME_WIRE_MAX (4 * MAILBOX_NAME_MAX)

void
imap_write_u64(struct conn *c, uint64_t n)
{
	conn_put_u64(c, n);
}

/* Octets that quoted can carry: TEXT-CHAR (RFC 3501 §9: 7-bit, no CR, LF, NUL). */
static bool
may_be_quoted(struct str s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		if (ch >= 0x80 || ch == '\r' || ch == '\n' || ch == '\0')
			return false;
	}
	return true;
}

static void
write_quoted(struct conn *c, struct str s)
{
	size_t from = 0;

	conn_puts(c, "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		conn_write(c, s.p + from, i - from);
		conn_puts(c, "\\");
		from = i;
	}
	conn_write(c, s.p + from, s.n - from);
	conn_puts(c, "\"");
}

void
imap_write_string(struct conn *c, struct str s)
{
	if (may_be_quoted(s)) {
		write_quoted(c, s);
		return;
	}
	conn_puts(c, "{");
	imap_write_u64(c, s.n);
	conn_puts(c, "}\r\n");
	conn_put(c, s);
}

void
imap_write_nstring(struct conn *c, struct str s)
{
	if (s.p)
		imap_write_string(c, s);
	else
		conn_puts(c, "NIL");
}

void
imap_write_astring(struct conn *c, struct str s)
{
	bool atom = s.n > 0 && s.n <= QUOTED_MAX && !str_eq_nocase(s, STR("NIL"));

	for (size_t i = 0; atom && i < s.n; i++)
		atom = imap_is_atom_char((unsigned char)s.p[i]);
	if (atom)
		conn_put(c, s);
	else
		imap_write_string(c, s);
}

void
imap_write_mailbox(struct imap_session *s, struct str name)
{
	CLEANUP(sbuf_done) struct sbuf wire = SBUF_INIT(NAME_WIRE_MAX);
	struct conn *c = s->conn;

	if (imap_speaks_utf8(s) && !str_is_ascii(name) && str_is_utf8(name)) {
		write_quoted(c, name); /* the store has no control characters in names */
		return;
	}
	if (imap_speaks_utf8(s)) {
		imap_write_astring(c, name);
		return;
	}
	/* The store holds valid UTF-8 only; a damaged name is shown as it is. */
	if (utf8_to_utf7(name, &wire) != ERR_OK || sbuf_error(&wire) != ERR_OK)
		imap_write_astring(c, name);
	else
		imap_write_astring(c, sbuf_view(&wire));
}

static const struct {
	const char *name;
	uint64_t bit;
} system_flags[] = {
    {"\\Answered", FLAG_ANSWERED},
    {"\\Flagged", FLAG_FLAGGED},
    {"\\Deleted", FLAG_DELETED},
    {"\\Seen", FLAG_SEEN},
    {"\\Draft", FLAG_DRAFT},
};

static void
put_flag(struct conn *c, const char **separator, struct str flag)
{
	conn_puts(c, *separator);
	conn_put(c, flag);
	*separator = " ";
}

static void
write_flag_list(struct conn *c, const struct view *view, uint64_t flags, const char *more_flag)
{
	const char *separator = "(";

	for (size_t i = 0; i < ARRAY_LEN(system_flags); i++)
		if (flags & system_flags[i].bit)
			put_flag(c, &separator, str_of(system_flags[i].name));
	size_t keywords = flags >> FLAG_KEYWORD_SHIFT ? view_keyword_count(view) : 0;
	for (size_t i = 0; i < keywords; i++) {
		struct str keyword = view_keyword(view, i);
		if ((flags >> (FLAG_KEYWORD_SHIFT + i) & 1) && keyword.n > 0)
			put_flag(c, &separator, keyword);
	}
	if (more_flag)
		put_flag(c, &separator, str_of(more_flag));
	conn_puts(c, *separator == '(' ? "()" : ")");
}

void
imap_write_flags(struct conn *c, const struct view *view, uint64_t flags, bool recent)
{
	write_flag_list(c, view, flags, recent ? "\\Recent" : NULL);
}

void
imap_write_permanent_flags(struct conn *c, const struct view *view, uint64_t flags, bool any)
{
	write_flag_list(c, view, flags, any ? "\\*" : NULL);
}

void
imap_write_entry_flags(struct conn *c, const struct imap_session *s, const struct view_entry *e)
{
	imap_write_flags(c, s->told, e->flags, imap_is_recent(s, e->uid));
}

void
imap_write_internaldate(struct conn *c, int64_t utc_s, int32_t zone_s)
{
	CLEANUP(sbuf_done) struct sbuf date = SBUF_INIT(64);

	date_format_imap((struct date){utc_s, zone_s}, &date);
	conn_puts(c, "\"");
	conn_put(c, sbuf_view(&date));
	conn_puts(c, "\"");
}

void
imap_write_uidset(struct conn *c, const struct uidset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (i > 0)
			conn_puts(c, ",");
		imap_write_u64(c, set->r[i].lo);
		if (set->r[i].hi == set->r[i].lo)
			continue;
		conn_puts(c, ":");
		imap_write_u64(c, set->r[i].hi);
	}
}
