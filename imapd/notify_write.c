/* LIST responses that nobody asked for: RFC 5465 §5.4, §5.5, §5.9. */
#include "imapd/imap_write.h"
#include "imapd/notify_private.h"

/* The first row whose name is not less than `name`. */
static size_t
row_from(const struct list_rows *rows, struct str name)
{
	size_t lo = 0, hi = rows->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (str_cmp(rows->row[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct list_row *
notify_find_row(const struct list_rows *rows, struct str name)
{
	size_t at = row_from(rows, name);

	return at < rows->n && str_eq(rows->row[at].name, name) ? &rows->row[at] : NULL;
}

/* Some mailbox is below the name. */
static bool
has_children(const struct list_rows *rows, struct str name)
{
	for (size_t at = row_from(rows, name); at < rows->n; at++) {
		struct str below = rows->row[at].name;
		if (!str_starts(below, name))
			return false;
		if (below.n > name.n && below.p[name.n] == '/' && rows->row[at].folder.info.id)
			return true;
	}
	return false;
}

static void
put(struct conn *c, const char **separator, struct str attribute)
{
	conn_puts(c, *separator);
	conn_put(c, attribute);
	*separator = " ";
}

void
notify_write_list(struct imap_session *s, const struct list_rows *rows, struct str name,
    const struct list_row *row, struct str old, bool lost)
{
	const struct mailbox_info *info = row ? &row->folder.info : NULL;
	bool exists = info && info->id && !info->noselect;
	const char *separator = "* LIST (";
	struct conn *c = s->conn;

	if (!exists)
		put(c, &separator, STR("\\NonExistent"));
	else if (!(row->folder.rights & RIGHT_READ))
		put(c, &separator, STR("\\NoAccess \\Noselect"));
	if (lost)
		put(c, &separator, STR("\\NoAccess"));
	if (info && info->subscribed)
		put(c, &separator, STR("\\Subscribed"));
	if (has_children(rows, name))
		put(c, &separator, STR("\\HasChildren"));
	else if (exists)
		put(c, &separator, STR("\\HasNoChildren"));
	if (info && info->special_use.n > 0)
		put(c, &separator, info->special_use);
	conn_puts(c, ") \"/\" ");
	imap_write_mailbox(s, name);
	if (old.p) {
		conn_puts(c, " (\"OLDNAME\" (");
		imap_write_mailbox(s, old);
		conn_puts(c, "))");
	}
	conn_puts(c, "\r\n");
}
