#include "imapd/list_rows.h"

#include "store/acl.h"
#include "store/share.h"

#include <stdlib.h>

struct list_gathering {
	struct imap_session *s;
	struct arena *arena;
	struct list_rows rows;
	size_t cap;
	size_t own_n; /* rows of the user's own mailboxes and subscriptions, sorted */
	struct share_owner *owners;
	size_t n, at; /* of them, done with */
	struct account **visited; /* references, one for each at most */
	size_t visited_n;
};

static enum err
add_row(struct list_gathering *g, const struct list_row *row)
{
	struct list_row *grown =
	    arena_grow(g->arena, g->rows.row, &g->cap, g->rows.n + 1, sizeof(*g->rows.row));

	if (!grown)
		return ERR_NOMEM;
	g->rows.row = grown;
	g->rows.row[g->rows.n++] = *row;
	return ERR_OK;
}

static enum err
add_own(struct list_gathering *g)
{
	struct mailbox_info *list;
	size_t n;
	enum err e = mailbox_list(g->s->account, g->arena, &list, &n);

	for (size_t i = 0; !e && i < n; i++) {
		const struct list_row row = {.name = list[i].name,
		    .folder = {.account = g->s->account,
			.name = list[i].name,
			.info = list[i],
			.rights = RIGHTS_ALL}};
		e = add_row(g, &row);
	}
	return e;
}

/* -- what others share */

static int
compare_rights(const void *a, const void *b)
{
	const struct acl_of_mailbox *x = a, *y = b;

	return (x->mailbox > y->mailbox) - (x->mailbox < y->mailbox);
}

static int
compare_names(const void *a, const void *b)
{
	return str_cmp(((const struct list_row *)a)->name, ((const struct list_row *)b)->name);
}

/* Of the rows that are the user's own, sorted by name, the one of this name. */
static struct list_row *
find_row(struct list_row *own, size_t n, struct str name)
{
	const struct list_row key = {.name = name};

	return n ? bsearch(&key, own, n, sizeof(key), compare_names) : NULL;
}

struct sharing {
	const struct share_owner *owner;
	struct account *account;
	struct acl_of_mailbox *rights;
	size_t rights_n;
};

/* One mailbox of another, if the user may look it up. */
static enum err
add_shared(struct list_gathering *g, const struct sharing *sh, const struct mailbox_info *info)
{
	const struct acl_of_mailbox key = {.mailbox = info->id};
	const struct acl_of_mailbox *mine =
	    info->id && sh->rights_n
		? bsearch(&key, sh->rights, sh->rights_n, sizeof(key), compare_rights)
		: NULL;

	if (!mine || !(mine->rights & RIGHT_LOOKUP) || info->noselect)
		return ERR_OK;
	struct list_row row = {.folder = {.account = sh->account,
				   .name = info->name,
				   .info = *info,
				   .rights = mine->rights,
				   .owner = sh->owner->address,
				   .viewer = account_id(g->s->account)}};
	row.name = imap_shared_name(g->arena, &row.folder);
	if (!row.name.p)
		return ERR_NOMEM;
	struct mailbox_info *seen = &row.folder.info;
	struct list_row *subscription = find_row(g->rows.row, g->own_n, row.name);
	if (subscription && subscription->folder.info.id && !subscription->folder.info.noselect)
		return ERR_OK; /* one's own is the one that the name means: folder.c */
	seen->subscribed = false;
	seen->special_use = (struct str){"", 0}; /* its owner's, nobody else's */
	seen->has_children = false;
	if (subscription && subscription->folder.info.id == 0) {
		seen->subscribed = true;
		subscription->folder.info.subscribed = false; /* told once */
	}
	return add_row(g, &row);
}

/* A row has children where the user sees them: they follow it. */
static void
note_children(struct list_row *rows, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		struct str name = rows[i].name;
		for (size_t j = i + 1; j < n && str_starts(rows[j].name, name); j++) {
			if (rows[j].name.n > name.n && rows[j].name.p[name.n] == '/') {
				rows[i].folder.info.has_children = true;
				break;
			}
		}
	}
}

static enum err
add_owner(struct list_gathering *g, const struct share_owner *owner)
{
	struct sharing sh = {.owner = owner};
	struct mailbox_info *list;
	size_t n = 0, from = g->rows.n;
	enum err e = account_open(g->s->service->store, owner->account, &sh.account);

	/* An account that can't be opened, which the store has logged, hides only itself. */
	if (e)
		return e == ERR_NOMEM ? e : ERR_OK;
	g->visited[g->visited_n++] = sh.account;
	e = acl_rights_everywhere(
	    sh.account, account_id(g->s->account), g->arena, &sh.rights, &sh.rights_n);
	if (!e && sh.rights_n > 0)
		e = mailbox_list(sh.account, g->arena, &list, &n);
	for (size_t i = 0; !e && i < n; i++)
		e = add_shared(g, &sh, &list[i]);
	if (!e && g->rows.n > from) {
		qsort(g->rows.row + from, g->rows.n - from, sizeof(*g->rows.row), compare_names);
		note_children(g->rows.row + from, g->rows.n - from);
	}
	return e;
}

/* Subscriptions that a mailbox has taken over are told with it. */
static void
drop_taken(struct list_rows *rows)
{
	size_t out = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct mailbox_info *info = &rows->row[i].folder.info;
		if (info->id || info->noselect || info->subscribed)
			rows->row[out++] = rows->row[i];
	}
	rows->n = out;
}

enum err
imap_gather_begin(struct imap_session *s, struct arena *arena, struct list_gathering **ret)
{
	CLEANUP(imap_gather_free) struct list_gathering *g = calloc(1, sizeof(*g));

	if (!g)
		return ERR_NOMEM;
	g->s = s;
	g->arena = arena;
	enum err e = add_own(g);
	if (!e)
		e = share_owners(
		    s->service->store, account_id(s->account), arena, &g->owners, &g->n);
	if (e)
		return e;
	g->own_n = g->rows.n;
	if (g->n > 0 && g->own_n > 0)
		qsort(g->rows.row, g->own_n, sizeof(*g->rows.row), compare_names);
	g->visited = calloc(g->n ? g->n : 1, sizeof(struct account *));
	if (!g->visited)
		return ERR_NOMEM;
	*ret = MOVE_PTR(g);
	return ERR_OK;
}

enum err
imap_gather_step(struct list_gathering *g, struct list_rows *ret, bool *ret_done)
{
	enum err e = g->at < g->n ? add_owner(g, &g->owners[g->at++]) : ERR_OK;

	if (e)
		return e;
	*ret_done = g->at == g->n;
	if (!*ret_done)
		return ERR_OK;
	if (g->n > 0)
		drop_taken(&g->rows);
	*ret = g->rows;
	return ERR_OK;
}

void
imap_gather_free(struct list_gathering **gp)
{
	struct list_gathering *g = MOVE_PTR(*gp);

	if (!g)
		return;
	for (size_t i = 0; i < g->visited_n; i++)
		account_unref(&g->visited[i]);
	free(g->visited);
	free(g);
}
