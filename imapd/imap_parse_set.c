/* sequence-set (RFC 3501 §9) to UIDs. */
#include "imapd/imap_parse.h"

#define STAR                                                                                       \
	UINT32_MAX /* "*" before it is resolved; as a number it is the last UID there can be       \
		    */

static void
add_range(struct imap_args *a, struct uidset *set, uint32_t lo, uint32_t hi)
{
	enum err e = uidset_add(set, lo, hi);

	if (e)
		imap_parse_fail(a, e, "a shorter set");
}

/* seq-number */
static uint32_t
parse_number_or_star(struct imap_args *a, bool *ret_star)
{
	*ret_star = imap_accept_char(a, '*');
	return *ret_star ? STAR : imap_parse_nz_number(a);
}

static uint32_t
count_of(const struct view *view)
{
	return view ? view_count(view) : 0;
}

static void
add_uids(struct imap_args *a, const struct view *view, uint32_t lo, uint32_t hi, bool lo_star,
    bool hi_star, struct uidset *ret)
{
	uint32_t count = count_of(view);
	uint32_t last = count ? view_at(view, count)->uid : 0;

	if ((lo_star || hi_star) && count == 0)
		return; /* RFC 3501 §6.4.8: UIDs that are not there are no mistake */
	lo = lo_star ? last : lo;
	hi = hi_star ? last : hi;
	if (lo > hi) {
		uint32_t swap = lo;
		lo = hi;
		hi = swap;
	}
	add_range(a, ret, lo, hi);
}

enum numbers { NUMBERS_EXIST, NUMBERS_MAY_EXIST, NUMBERS_ARE_UIDS };

static void
add_sequence(struct imap_args *a, size_t at, const struct view *view, uint32_t lo, uint32_t hi,
    bool lo_star, bool hi_star, bool must_exist, struct uidset *ret)
{
	uint32_t count = count_of(view);

	lo = lo_star ? count : lo;
	hi = hi_star ? count : hi;
	if (lo > hi) {
		uint32_t swap = lo;
		lo = hi;
		hi = swap;
	}
	if (must_exist && (lo == 0 || hi > count)) {
		a->c.pos = at;
		imap_parse_fail(a, ERR_SYNTAX, "message numbers that exist");
		return;
	}
	lo = lo > 0 ? lo : 1;
	hi = hi < count ? hi : count;
	/* Between two told messages there can be no UID that was not told: later ones are higher.
	 */
	if (lo <= hi)
		add_range(a, ret, view_at(view, lo)->uid, view_at(view, hi)->uid);
}

static void
add_saved(struct imap_args *a, struct uidset *ret)
{
	for (size_t i = 0; i < a->saved->n; i++)
		add_range(a, ret, a->saved->r[i].lo, a->saved->r[i].hi);
}

static void
parse_set(struct imap_args *a, const struct view *view, enum numbers numbers, struct uidset *ret)
{
	uidset_init(ret, a->arena);
	if (a->saved && imap_accept_char(a, '$')) {
		add_saved(a, ret);
		return;
	}
	do {
		bool lo_star, hi_star;
		size_t at = a->c.pos;
		uint32_t lo = parse_number_or_star(a, &lo_star);
		uint32_t hi = lo;

		hi_star = lo_star;
		if (imap_accept_char(a, ':'))
			hi = parse_number_or_star(a, &hi_star);
		if (a->c.err)
			break;
		if (numbers == NUMBERS_ARE_UIDS)
			add_uids(a, view, lo, hi, lo_star, hi_star, ret);
		else
			add_sequence(
			    a, at, view, lo, hi, lo_star, hi_star, numbers == NUMBERS_EXIST, ret);
	} while (imap_accept_char(a, ','));
	if (a->c.err)
		uidset_init(ret, a->arena);
	uidset_normalise(ret);
}

void
imap_parse_msgset(struct imap_args *a, const struct view *view, bool uid, struct uidset *ret)
{
	parse_set(a, view, uid ? NUMBERS_ARE_UIDS : NUMBERS_EXIST, ret);
}

void
imap_parse_found_set(struct imap_args *a, const struct view *view, struct uidset *ret)
{
	parse_set(a, view, NUMBERS_MAY_EXIST, ret);
}

void
imap_parse_uid_set(struct imap_args *a, struct uidset *ret)
{
	uidset_init(ret, a->arena);
	do {
		uint32_t lo = imap_parse_nz_number(a);
		uint32_t hi = imap_accept_char(a, ':') ? imap_parse_nz_number(a) : lo;

		if (!a->c.err)
			add_range(a, ret, lo < hi ? lo : hi, lo < hi ? hi : lo);
	} while (imap_accept_char(a, ','));
	if (a->c.err)
		uidset_init(ret, a->arena);
	uidset_normalise(ret);
}
