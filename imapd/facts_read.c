#include "imapd/facts_read.h"

#include "search/octets.h"

void
facts_read_done(struct facts_read *f)
{
	facts_maker_free(&f->maker);
}

enum err
facts_read_message(
    struct facts_read *f, struct reader *r, int64_t message, unsigned want, struct facts *ret)
{
	CLEANUP(sbuf_done) struct sbuf large = {0};
	struct message_row row;

	if (!f->maker && !(f->maker = facts_maker_new()))
		return ERR_NOMEM;
	enum err e = reader_message(r, message, want ? WANT_HEADER : WANT_BASICS, &row);
	struct str header = want ? row.header : STR("");
	if (!e && !header.p) {
		e = octets_read_header(r, row.id, 0, row.header_size, &large);
		header = sbuf_view(&large);
	}
	if (e)
		return e;
	const struct facts_basics basics = {row.internal_s, row.internal_zone_s, row.size};
	return facts_make(f->maker, &basics, header, want, ret);
}
