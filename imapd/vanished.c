#include "imapd/vanished.h"

#include "imapd/imap_write.h"

#define RANGES_MAX 500 /* of one response: a line of some kilobytes */

static void
write_ranges(struct imap_session *s, const struct uidset *gone, size_t from, size_t n)
{
	const struct uidset some = {.r = gone->r + from, .n = n};

	conn_puts(s->conn, "* VANISHED (EARLIER) ");
	imap_write_uidset(s->conn, &some);
	conn_puts(s->conn, "\r\n");
}

enum err
imap_write_vanished_earlier(struct imap_session *s, struct vanished *v, bool *ret_done)
{
	const struct uidset *gone = &v->expunged.gone;

	*ret_done = false;
	if (!v->found) {
		enum err e = expunged_step(s->owner, &v->expunged, &v->found);
		if (e || !v->found)
			return e;
	}
	while (v->written < gone->n) {
		size_t left = gone->n - v->written;
		size_t n = left < RANGES_MAX ? left : RANGES_MAX;
		if (conn_out_full(s->conn))
			return ERR_OK;
		write_ranges(s, gone, v->written, n);
		v->written += n;
	}
	*ret_done = true;
	return ERR_OK;
}
