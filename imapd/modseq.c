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
