#include "imapd/context_list.h"

#include "imapd/imap_write.h"

#define ITEMS_IN_ONE 1000 /* of one response */

/* Whether the number at this place goes on where the item ends. */
static bool
continues(const struct context_item *last, bool adds, uint32_t place, uint32_t number)
{
	if (last->hi == UINT32_MAX || number != last->hi + 1)
		return false;
	if (last->place == 0 || !adds)
		return place == last->place;
	return place == last->place + (last->hi - last->lo + 1);
}

enum err
context_list_add(struct context_list *l, bool adds, uint32_t place, uint32_t number)
{
	struct context_item *last = l->n ? &l->item[l->n - 1] : NULL;

	if (last && continues(last, adds, place, number)) {
		last->hi = number;
		return ERR_OK;
	}
	struct context_item *grown =
	    arena_grow(l->arena, l->item, &l->cap, l->n + 1, sizeof(*grown));
	if (!grown)
		return ERR_NOMEM;
	l->item = grown;
	grown[l->n++] = (struct context_item){place, number, number};
	return ERR_OK;
}

static void
write_head(struct imap_session *s, const struct context_head *head)
{
	conn_printf(s->conn, "* ESEARCH (TAG \"%s\"", head->tag);
	if (head->mailbox.p) {
		conn_puts(s->conn, " MAILBOX ");
		imap_write_mailbox(s, head->mailbox);
		conn_puts(s->conn, " UIDVALIDITY ");
		imap_write_u64(s->conn, head->uidvalidity);
	}
	conn_puts(s->conn, head->uid ? ") UID " : ") ");
}

bool
context_list_write(struct context_list *l, struct imap_session *s, const struct context_head *head,
    const char *name)
{
	while (l->at < l->n) {
		if (conn_out_full(s->conn))
			return false;
		write_head(s, head);
		conn_puts(s->conn, name);
		size_t end = l->n - l->at > ITEMS_IN_ONE ? l->at + ITEMS_IN_ONE : l->n;
		for (size_t first = l->at; l->at < end; l->at++) {
			const struct context_item *i = &l->item[l->at];
			if (l->at == first || i->place != 0) {
				conn_puts(s->conn, l->at == first ? " (" : " ");
				imap_write_u64(s->conn, i->place);
				conn_puts(s->conn, " ");
			} else {
				conn_puts(s->conn, ",");
			}
			imap_write_u64(s->conn, i->lo);
			if (i->hi != i->lo) {
				conn_puts(s->conn, ":");
				imap_write_u64(s->conn, i->hi);
			}
		}
		conn_puts(s->conn, ")\r\n");
	}
	return true;
}
