#include "imapd/search_match.h"

#include "common/mail/date.h"
#include "common/mail/header.h"
#include "imapd/fetch_body.h"
#include "search/field_text.h"

/* -- the tree ------------------------------------------------------------------------------- */

static enum match
match_bool(bool b)
{
	return b ? MATCH_YES : MATCH_NO;
}

bool
search_relates(int32_t day, enum search_relation relation, int32_t to)
{
	switch (relation) {
	case SEARCH_BEFORE:
		return day < to;
	case SEARCH_ON:
		return day == to;
	case SEARCH_SINCE:
		break;
	}
	return day >= to;
}

static enum match
match_row(const struct search_node *n, const struct message_row *row)
{
	if (!row)
		return MATCH_UNKNOWN;
	if (n->kind == SEARCH_LARGER)
		return match_bool(row->size > n->octets);
	if (n->kind == SEARCH_SMALLER)
		return match_bool(row->size < n->octets);
	if (n->kind == SEARCH_OLDER)
		return match_bool(row->internal_s <= n->moment_s);
	if (n->kind == SEARCH_YOUNGER)
		return match_bool(row->internal_s >= n->moment_s);
	if (n->kind == SEARCH_EMAIL_ID) /* the index has sizes and dates only */
		return row->email_id.p ? match_bool(str_eq(row->email_id, n->needle))
				       : MATCH_UNKNOWN;
	if (n->kind == SEARCH_THREAD_ID)
		return row->thread_id.p ? match_bool(str_eq(row->thread_id, n->needle))
					: MATCH_UNKNOWN;
	if (n->kind == SEARCH_SAVED)
		return row->email_id.p
			   ? match_bool(search_relates(
				 date_day((struct date){row->saved_s, 0}), n->relation, n->day))
			   : MATCH_UNKNOWN;
	const struct date d = {row->internal_s, row->internal_zone_s};
	return match_bool(search_relates(date_day(d), n->relation, n->day));
}

static enum match match_node(const struct search_node *n, const struct search_known *k);

/* AND is decided by the first NO, OR by the first YES; both are unknown if nothing decides and
 * something is unknown. */
static enum match
// NOLINTNEXTLINE(misc-no-recursion): as match_node()
match_children(const struct search_node *n, const struct search_known *k, enum match decides)
{
	enum match result = decides == MATCH_YES ? MATCH_NO : MATCH_YES;

	for (const struct search_node *c = n->child; c; c = c->next) {
		enum match m = match_node(c, k);
		if (m == decides)
			return m;
		if (m == MATCH_UNKNOWN)
			result = m;
	}
	return result;
}

static enum match
// NOLINTNEXTLINE(misc-no-recursion): as deep as the program, SEARCH_DEPTH_MAX
match_node(const struct search_node *n, const struct search_known *k)
{
	switch (n->kind) {
	case SEARCH_ALL:
		return MATCH_YES;
	case SEARCH_AND:
		return match_children(n, k, MATCH_NO);
	case SEARCH_OR:
		return match_children(n, k, MATCH_YES);
	case SEARCH_NOT: {
		enum match m = match_node(n->child, k);
		return m == MATCH_UNKNOWN ? m : match_bool(m == MATCH_NO);
	}
	case SEARCH_UIDS:
		return match_bool(uidset_has(&n->uids, k->entry->uid));
	case SEARCH_FLAGS:
		/* no message has a keyword that the mailbox does not know */
		return match_bool(n->flags && (k->entry->flags & n->flags) == n->flags);
	case SEARCH_MODSEQ:
		return match_bool(k->entry->modseq >= n->octets);
	case SEARCH_RECENT:
		return match_bool(k->recent);
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
	case SEARCH_DATE:
	case SEARCH_OLDER:
	case SEARCH_YOUNGER:
	case SEARCH_EMAIL_ID:
	case SEARCH_THREAD_ID:
	case SEARCH_SAVED:
		return match_row(n, k->row);
	case SEARCH_SENT:
	case SEARCH_HEADER:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		break;
	}
	return k->slots[n->slot];
}

enum match
search_match(const struct search_program *p, const struct search_known *k)
{
	return match_node(p->root, k);
}

void
search_forget(const struct search_program *p, enum match *slots)
{
	for (size_t i = 0; i < p->slot_count; i++)
		slots[i] = MATCH_UNKNOWN;
}

/* -- header fields -------------------------------------------------------------------------- */

static bool
has_needle(struct str text, struct str needle)
{
	return needle.n == 0 || (text.n >= needle.n && memmem(text.p, text.n, needle.p, needle.n));
}

struct header_scan {
	const struct search_program *p;
	enum match *slots;
	bool top; /* of the message itself: HEADER and SENT look here */
	bool for_body;
	bool has_date;
};

static void
scan_date(struct header_scan *h, const struct header_field *f)
{
	struct date d;

	if (h->has_date || !str_eq_nocase(f->name, STR("Date")))
		return;
	h->has_date = true; /* the first one counts */
	if (!date_parse_rfc5322(f->value, &d))
		return;
	for (size_t i = 0; i < h->p->slot_count; i++) {
		const struct search_node *n = h->p->slots[i];
		if (n->kind == SEARCH_SENT)
			h->slots[i] = match_bool(search_relates(date_day(d), n->relation, n->day));
	}
}

static enum err
scan_field(struct header_scan *h, const struct header_field *f, struct field_text *t)
{
	bool made = false;

	for (size_t i = 0; i < h->p->slot_count; i++) {
		const struct search_node *n = h->p->slots[i];
		if (h->slots[i] != MATCH_UNKNOWN)
			continue;
		bool in_value =
		    h->top && n->kind == SEARCH_HEADER && str_eq_nocase(n->field, f->name);
		if (in_value && n->needle.n == 0) {
			h->slots[i] = MATCH_YES; /* the field is there: all that is asked */
			continue;
		}
		if (!in_value && n->kind != SEARCH_TEXT && !(n->kind == SEARCH_BODY && h->for_body))
			continue;
		enum err e = made ? ERR_OK : field_text_make(t, f);
		if (e)
			return e;
		made = true;
		if (has_needle(in_value ? field_text_value(t) : field_text_whole(t), n->needle))
			h->slots[i] = MATCH_YES;
	}
	return ERR_OK;
}

static enum err
scan_header(struct header_scan *h, struct str header)
{
	CLEANUP(field_text_done) struct field_text t;
	struct str rest = str_sub(header, 0, SECTION_HEADER_MAX);
	struct header_field f;
	enum err e = ERR_OK;

	field_text_init(&t);
	while (!e && header_next(&rest, &f)) {
		if (h->top)
			scan_date(h, &f);
		e = scan_field(h, &f, &t);
	}
	return e;
}

enum err
search_header(const struct search_program *p, struct str header, enum match *slots)
{
	struct header_scan h = {.p = p, .slots = slots, .top = true};
	enum err e = scan_header(&h, header);

	for (size_t i = 0; i < p->slot_count; i++) {
		enum search_kind kind = p->slots[i]->kind;
		if (slots[i] == MATCH_UNKNOWN && (kind == SEARCH_HEADER || kind == SEARCH_SENT))
			slots[i] = MATCH_NO; /* also without a Date: there is none to compare */
	}
	return e;
}

enum err
search_part_header(
    const struct search_program *p, struct str header, bool for_body, enum match *slots)
{
	struct header_scan h = {.p = p, .slots = slots, .for_body = for_body};

	return scan_header(&h, header);
}

void
search_end_body(const struct search_program *p, enum match *slots)
{
	for (size_t i = 0; i < p->slot_count; i++)
		if (slots[i] == MATCH_UNKNOWN)
			slots[i] = MATCH_NO;
}
