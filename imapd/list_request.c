#include "imapd/list_request.h"

#include "imapd/status.h"

static void
parse_select_option(struct imap_args *a, void *arg)
{
	struct list_request *r = arg;

	if (imap_accept_word(a, "SUBSCRIBED"))
		r->select |= OPT_SUBSCRIBED;
	else if (imap_accept_word(a, "REMOTE"))
		r->select |= OPT_REMOTE;
	else if (imap_accept_word(a, "RECURSIVEMATCH"))
		r->select |= OPT_RECURSIVE;
	else if (imap_accept_word(a, "SPECIAL-USE"))
		r->select |= OPT_SPECIAL_USE;
	else
		imap_parse_fail(a, ERR_SYNTAX, "SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE");
}

static void
parse_return_option(struct imap_args *a, void *arg)
{
	struct list_request *r = arg;

	if (imap_accept_word(a, "SUBSCRIBED"))
		r->want |= OPT_SUBSCRIBED;
	else if (imap_accept_word(a, "CHILDREN"))
		r->want |= OPT_CHILDREN;
	else if (imap_accept_word(a, "SPECIAL-USE"))
		r->want |= OPT_SPECIAL_USE;
	else if (imap_accept_word(a, "STATUS")) {
		r->want |= OPT_STATUS;
		imap_parse_space(a);
		imap_parse_status_items(a, &r->status_items);
	} else if (imap_accept_word(a, "MYRIGHTS")) {
		r->want |= OPT_MYRIGHTS;
	} else if (imap_accept_word(a, "METADATA")) {
		r->want |= OPT_METADATA;
		imap_parse_space(a);
		imap_parse_entries(a, &r->metadata);
	} else {
		imap_parse_fail(a, ERR_SYNTAX,
		    "SUBSCRIBED, CHILDREN, SPECIAL-USE, STATUS, MYRIGHTS or METADATA");
	}
}

static void
parse_pattern(struct imap_args *a, void *arg)
{
	struct list_request *r = arg;
	struct str pattern;

	imap_parse_list_mailbox(a, &pattern);
	if (a->c.err)
		return;
	/* names are in form NFC */
	if (pattern.p && mailbox_normalise_name(pattern, a->arena, &pattern))
		pattern = (struct str){NULL, 0};
	r->pattern_octets += pattern.n;
	if (r->pattern_count == PATTERNS_MAX || r->pattern_octets > PATTERNS_OCTETS_MAX) {
		imap_parse_fail(a, ERR_SYNTAX, "at most 100 patterns of at most 4000 octets");
		return;
	}
	struct str *grown = arena_grow(
	    a->arena, r->patterns, &r->pattern_cap, r->pattern_count + 1, sizeof(*r->patterns));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "fewer patterns");
		return;
	}
	r->patterns = grown;
	r->patterns[r->pattern_count++] = pattern;
}

/* RFC 5258 §6; plain LIST is the form without any option. */
enum err
imap_parse_list_request(struct imap_args *a, struct list_request *r)
{
	bool may_extend = r->kind == KIND_LIST;

	imap_parse_space(a);
	if (may_extend && imap_peek(a) == '(') {
		r->extended = true;
		imap_parse_list(a, true, parse_select_option, r);
		if ((r->select & OPT_RECURSIVE) && !(r->select & ~(OPT_RECURSIVE | OPT_REMOTE)))
			imap_parse_fail(a, ERR_SYNTAX, "SUBSCRIBED along with RECURSIVEMATCH");
		imap_parse_space(a);
	}
	imap_parse_mailbox(a, &r->reference);
	if (!a->c.err && mailbox_normalise_name(r->reference, a->arena, &r->reference))
		r->reference = (struct str){NULL, 0};
	imap_parse_space(a);
	if (may_extend && imap_peek(a) == '(') {
		r->extended = true;
		imap_parse_list(a, false, parse_pattern, r);
	} else {
		parse_pattern(a, r);
	}
	if (may_extend && imap_accept_space(a)) {
		r->extended = true;
		imap_parse_word(a, "RETURN");
		imap_parse_space(a);
		imap_parse_list(a, true, parse_return_option, r);
	}
	r->hierarchy =
	    !r->extended && r->pattern_count == 1 && r->patterns[0].p && r->patterns[0].n == 0;
	return imap_parse_end(a);
}
