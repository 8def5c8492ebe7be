#include "imapd/fetch_modifiers.h"

#include "imapd/modseq.h"

struct reading {
	struct fetch_modifiers *m;
	bool uid;
	bool vanished_allowed;
};

static void
parse_modifier(struct imap_args *a, void *arg)
{
	struct reading *r = arg;

	if (!r->m->changed && imap_accept_word(a, "CHANGEDSINCE")) {
		r->m->changed = true;
		imap_parse_space(a);
		/* 0 is no mod-sequence-value, but clients send it to hear of all */
		r->m->since = imap_parse_modseq_valzer(a);
	} else if (!r->m->vanished && r->vanished_allowed && imap_accept_word(a, "VANISHED")) {
		r->m->vanished = true;
	} else if (!r->m->partial && r->uid && imap_accept_word(a, "PARTIAL")) {
		r->m->partial = true;
		imap_parse_space(a);
		partial_parse(a, &r->m->places);
	} else {
		imap_parse_fail(a, ERR_SYNTAX,
		    r->vanished_allowed ? "CHANGEDSINCE, VANISHED or PARTIAL, each once"
		    : r->uid            ? "CHANGEDSINCE or PARTIAL, each once"
					: "CHANGEDSINCE, once");
	}
}

void
fetch_parse_modifiers(
    struct imap_args *a, bool uid, bool vanished_allowed, struct fetch_modifiers *ret)
{
	struct reading r = {ret, uid, vanished_allowed};

	*ret = (struct fetch_modifiers){0};
	if (!imap_accept_space(a))
		return;
	imap_parse_list(a, false, parse_modifier, &r);
	if (ret->vanished && !ret->changed)
		imap_parse_fail(a, ERR_SYNTAX, "CHANGEDSINCE with VANISHED");
}
