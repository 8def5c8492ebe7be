#include "imapd/modseq.h"

#include <inttypes.h>

uint64_t
imap_parse_modseq_valzer(struct imap_args *a)
{
	size_t at = a->c.pos;
	uint64_t n = imap_parse_number64(a);

	if (n <= INT64_MAX)
		return n;
	if (!a->c.err)
		a->c.pos = at;
	imap_parse_fail(a, ERR_SYNTAX, "a mod-sequence below 2^63");
	return 0;
}

uint64_t
imap_parse_modseq(struct imap_args *a)
{
	size_t at = a->c.pos;
	uint64_t n = imap_parse_modseq_valzer(a);

	if (n == 0 && !a->c.err) {
		a->c.pos = at;
		imap_parse_fail(a, ERR_SYNTAX, "a mod-sequence above 0");
	}
	return n;
}

uint64_t
imap_parse_search_modseq(struct imap_args *a)
{
	struct str name;

	imap_parse_space(a);
	if (imap_peek(a) == '"') {
		size_t at = a->c.pos;
		imap_parse_string(a, &name);
		if (!a->c.err && !str_starts_nocase(name, STR("/flags/"))) {
			a->c.pos = at;
			imap_parse_fail(a, ERR_SYNTAX, "\"/flags/\" and a flag");
		}
		imap_parse_space(a);
		if (!imap_accept_word(a, "all") && !imap_accept_word(a, "priv") &&
		    !imap_accept_word(a, "shared"))
			imap_parse_fail(a, ERR_SYNTAX, "all, priv or shared");
		imap_parse_space(a);
	}
	return imap_parse_modseq_valzer(a);
}
