/* The search keys that have nothing but strings, numbers and sets in them. */
#include "common/base/clock.h"
#include "common/mail/charset.h"
#include "imapd/search_parse_private.h"

#define NEEDLE_MAX (1024 * 1024) /* octets of one string when folded: ERR_LIMIT */

/* astring, as the matcher compares it: UTF-8, case folded. */
static void
parse_needle(struct search_parser *p, struct str *ret)
{
	CLEANUP(sbuf_done) struct sbuf utf8 = SBUF_INIT(NEEDLE_MAX);
	CLEANUP(sbuf_done) struct sbuf folded = SBUF_INIT(NEEDLE_MAX);
	struct str raw;

	*ret = STR("");
	imap_parse_space(p->a);
	imap_parse_astring(p->a, &raw);
	if (p->a->c.err || raw.n == 0)
		return;
	/* CHARSET was checked: a failure here only says that octets were replaced */
	if (charset_to_utf8(p->charset, raw, &utf8) == ERR_NOMEM || sbuf_error(&utf8)) {
		imap_parse_fail(p->a, ERR_LIMIT, "a shorter string");
		return;
	}
	text_fold(sbuf_view(&utf8), &folded);
	if (sbuf_error(&folded)) {
		imap_parse_fail(p->a, ERR_LIMIT, "a shorter string");
		return;
	}
	*ret = arena_dup(p->a->arena, sbuf_view(&folded));
	if (!ret->p)
		imap_parse_fail(p->a, ERR_NOMEM, "memory");
}

struct search_node *
search_parse_string(struct search_parser *p, enum search_kind kind, struct str field)
{
	struct str needle;

	parse_needle(p, &needle);
	return search_new_string(p, kind, field, needle);
}

struct search_node *
search_parse_date(struct search_parser *p, enum search_kind kind, enum search_relation relation)
{
	struct search_node *n =
	    kind == SEARCH_SENT ? search_new_slot(p, kind) : search_new_node(p, kind);

	imap_parse_space(p->a);
	int32_t day = imap_parse_date(p->a);
	if (!n)
		return NULL;
	p->program->needs_row |= kind != SEARCH_SENT;
	n->relation = relation;
	n->day = day;
	return n;
}

struct search_node *
search_parse_size(struct search_parser *p, enum search_kind kind)
{
	struct search_node *n = search_new_node(p, kind);

	imap_parse_space(p->a);
	uint64_t octets = imap_parse_number64(p->a);
	p->program->needs_row = true;
	if (n)
		n->octets = octets;
	return n;
}

struct search_node *
search_parse_keyword(struct search_parser *p, bool set)
{
	struct str keyword;

	imap_parse_space(p->a);
	imap_parse_atom(p->a, &keyword);
	if (p->a->c.err)
		return NULL;
	uint64_t bit = p->scope->view ? view_keyword_bit(p->scope->view, keyword) : 0;
	struct search_node *n = search_new_flags(p, bit, true);
	if (n)
		n->keyword = keyword;
	return set ? n : search_new_not(p, n);
}

struct search_node *
search_parse_set(struct search_parser *p, bool uid)
{
	struct search_node *n = search_new_node(p, SEARCH_UIDS);

	if (!n)
		return NULL;
	if (uid)
		imap_parse_msgset(p->a, p->scope->view, true, &n->uids);
	else
		imap_parse_found_set(p->a, p->scope->view, &n->uids);
	return n;
}

/* RFC 7162 §3.1.5: an entry has one modseq for all there is, so whose it is to be is ignored. */
struct search_node *
search_parse_modseq(struct search_parser *p)
{
	struct search_node *n = search_new_node(p, SEARCH_MODSEQ);
	struct str entry;

	imap_parse_space(p->a);
	if (imap_peek(p->a) == '"') {
		imap_parse_string(p->a, &entry);
		imap_parse_space(p->a);
		if (!imap_accept_word(p->a, "priv") && !imap_accept_word(p->a, "shared"))
			imap_parse_word(p->a, "all");
		imap_parse_space(p->a);
	}
	uint64_t modseq = imap_parse_number64(p->a);
	if (modseq > INT64_MAX)
		imap_parse_fail(p->a, ERR_SYNTAX, "a mod-sequence");
	p->program->has_modseq = true;
	if (n)
		n->octets = modseq;
	return n;
}

/* RFC 5032 §2: seconds before now. */
struct search_node *
search_parse_interval(struct search_parser *p, enum search_kind kind)
{
	struct search_node *n = search_new_node(p, kind);

	imap_parse_space(p->a);
	uint32_t seconds = imap_parse_nz_number(p->a);
	p->program->needs_row = true;
	p->program->has_interval = true;
	if (n) {
		n->octets = seconds;
		n->moment_s = clock_real_s() - seconds;
	}
	return n;
}

struct search_node *
search_parse_email_id(struct search_parser *p)
{
	struct search_node *n = search_new_node(p, SEARCH_EMAIL_ID);
	struct str id;

	imap_parse_space(p->a);
	imap_parse_astring(p->a, &id);
	p->program->needs_row = true;
	if (n)
		n->needle = id;
	return n;
}

struct search_node *
search_parse_thread_id(struct search_parser *p)
{
	struct search_node *n = search_new_node(p, SEARCH_THREAD_ID);
	struct str id;

	imap_parse_space(p->a);
	imap_parse_astring(p->a, &id);
	p->program->needs_threads = p->program->needs_row = true;
	if (n)
		n->needle = id;
	return n;
}

/* RFC 9738 §3.2: UIDs above one, or below it. */
struct search_node *
search_parse_beyond(struct search_parser *p, bool after)
{
	struct search_node *n = search_new_node(p, SEARCH_UIDS);
	enum err e = ERR_OK;

	imap_parse_space(p->a);
	uint32_t uid = imap_parse_nz_number(p->a);
	if (!n)
		return NULL;
	uidset_init(&n->uids, p->a->arena);
	if (after && uid < UINT32_MAX)
		e = uidset_add(&n->uids, uid + 1, UINT32_MAX);
	else if (!after && uid > 1)
		e = uidset_add(&n->uids, 1, uid - 1);
	if (e)
		imap_parse_fail(p->a, e, "memory");
	return n;
}
