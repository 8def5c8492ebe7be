#include "imapd/context_private.h"

#include "imapd/search_scope.h"

#define NEWS_MAX ((size_t)16 * 1024 * 1024) /* octets that one telling may need */
#define FOUND_MAX (4 * CONTEXT_RUNS_MAX * sizeof(struct uid_range))

void
context_free(struct context **x)
{
	struct context *c = *x;

	if (!c)
		return;
	context_forget_news(c);
	free(c->order);
	arena_free(&c->arena);
	arena_free(&c->arena_now);
	arena_free(&c->found_arena);
	arena_free(&c->spare_arena);
	free(c);
	*x = NULL;
}

void
context_forget_news(struct context *x)
{
	if (x->run)
		sort_run_done(x->run);
	free(x->run);
	x->run = NULL;
	if (x->fetch)
		fetch_run_done(x->fetch);
	free(x->fetch);
	x->fetch = NULL;
	view_unref(&x->was);
	if (x->arena_now)
		arena_reset(x->arena_now);
	uidset_init(&x->gone, x->arena_now);
	uidset_init(&x->dirty, x->arena_now);
	x->phase = CONTEXT_RESTS;
	x->listener.pending = false;
}

/* -- what it hears ------------------------------------------------------------------------------
 */

struct hearing {
	struct context *x;
	enum err err;
};

static void
hear(void *arg, const struct view_entry *was, uint32_t seq_was, const struct view_entry *is,
    uint32_t seq_is)
{
	struct hearing *h = arg;

	(void)seq_was;
	(void)seq_is;
	if (h->err)
		return;
	if (is)
		h->err = uidset_add(&h->x->dirty, is->uid, is->uid);
	else if (uidset_has(&h->x->found, was->uid))
		h->err = uidset_add(&h->x->gone, was->uid, was->uid);
}

static enum err moved(
    struct told_listener *l, struct imap_session *s, struct view *was, struct view *is, bool own);

static size_t
octets_of(const struct context *x)
{
	return arena_used(x->arena) + arena_used(x->arena_now) + arena_used(x->found_arena) +
	       arena_used(x->spare_arena) + x->order_n * sizeof(*x->order);
}

/* Of all contexts that the session has. */
static size_t
octets_held(const struct imap_session *s)
{
	size_t sum = 0;

	for (const struct told_listener *l = s->listeners; l; l = l->next)
		if (l->moved == moved)
			sum += octets_of((const struct context *)l);
	return sum;
}

static enum err
moved(struct told_listener *l, struct imap_session *s, struct view *was, struct view *is, bool own)
{
	struct context *x = (struct context *)l;
	struct hearing h = {.x = x};

	(void)own;
	if (x->given_up || x->too_much)
		return ERR_OK;
	if (!x->was)
		x->was = view_ref(was);
	l->pending = true;
	view_compare(was, is, hear, &h);
	/* who has grown older may match now (RFC 5032 §2) */
	if (!h.err && x->program.has_interval)
		h.err = uidset_add(&x->dirty, 1, UINT32_MAX);
	if (octets_held(s) > CONTEXTS_OCTETS_MAX) {
		context_forget_news(x);
		x->too_much = l->pending = true;
	}
	return h.err;
}

static void
release(struct told_listener *l)
{
	struct context *x = (struct context *)l;

	context_free(&x);
}

static struct context *
find_context(const struct imap_session *s, struct str tag, unsigned *ret_count)
{
	struct context *found = NULL;

	*ret_count = 0;
	for (struct told_listener *l = s->listeners; l; l = l->next) {
		if (l->moved != moved)
			continue;
		struct context *x = (struct context *)l;
		++*ret_count;
		if (str_eq(str_of(x->tag), tag))
			found = x;
	}
	return found;
}

/* -- its life -----------------------------------------------------------------------------------
 */

static enum err
read_program(struct context *x, struct imap_session *s, const struct imap_args *program)
{
	struct search_scope scope = imap_search_scope(s, s->told, false);
	struct imap_args a;
	struct str text = arena_dup(x->arena, cursor_rest(&program->c));

	if (!text.p)
		return ERR_NOMEM;
	imap_args_init(&a, text, x->arena);
	a.saved = program->saved;
	a.utf8 = program->utf8;
	if (x->sort.n > 0)
		search_parse_in_charset(&a, &scope, &x->program);
	else
		search_parse(&a, &scope, &x->program);
	return imap_parse_end(&a);
}

static struct context *
make(const struct imap_cmd *cmd, const struct sort_program *sort)
{
	struct context *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->listener = (struct told_listener){.moved = moved,
	    .before_expunge = context_before_expunge,
	    .after_exists = context_after_exists,
	    .release = release};
	x->uid = cmd->uid;
	memcpy(x->tag, cmd->tag, sizeof(x->tag));
	if (sort)
		x->sort = *sort;
	x->arena = arena_new(CONTEXTS_OCTETS_MAX);
	x->arena_now = arena_new(NEWS_MAX);
	x->found_arena = arena_new(FOUND_MAX);
	x->spare_arena = arena_new(FOUND_MAX);
	if (!x->arena || !x->arena_now || !x->found_arena || !x->spare_arena)
		context_free(&x);
	else
		context_forget_news(x);
	return x;
}

static void
refuse(struct imap_session *s, const char *tag, const char *why)
{
	conn_printf(s->conn, "* NO [NOUPDATE \"%s\"] %s\r\n", tag, why);
}

enum err
context_new(struct imap_session *s, struct imap_cmd *cmd, const struct imap_args *program,
    const struct sort_program *sort, const struct search_return *options, struct context **ret)
{
	CLEANUP(context_free) struct context *x = NULL;
	unsigned count;

	if (find_context(s, str_of(cmd->tag), &count)) {
		imap_set_text(cmd, "The tag is that of another search with UPDATE");
		return ERR_PARAM;
	}
	if (count >= CONTEXTS_MAX) {
		refuse(s, cmd->tag, "Too many contexts");
		return ERR_OK;
	}
	if (sort && sort_has(sort, SORT_RELEVANCY)) {
		/* who comes changes how relevant the others are, and so the order of all */
		refuse(s, cmd->tag, "Not in the order of relevancy");
		return ERR_OK;
	}
	x = make(cmd, sort);
	if (!x)
		return ERR_NOMEM;
	enum err e = read_program(x, s, program);
	if (e == ERR_NOMEM && arena_failed(x->arena)) {
		refuse(s, cmd->tag, "The search is too long");
		return ERR_OK;
	}
	if (!e)
		e = fetch_copy_items(x->arena, &options->update_items, &x->items);
	if (!e)
		*ret = MOVE_PTR(x);
	return e;
}

enum err
context_name(struct context *x, struct str mailbox)
{
	x->uid = true;
	x->mailbox = arena_dup(x->arena, mailbox);
	return x->mailbox.p ? ERR_OK : ERR_NOMEM;
}

static enum err
keep_order(struct context *x, const struct search_result *found, const struct view *view)
{
	struct result_walk w = search_result_walk(1, found->count);
	struct uid_range run;

	x->order = reallocarray(NULL, (size_t)found->count + 1, sizeof(*x->order));
	if (!x->order)
		return ERR_NOMEM;
	while (search_result_next(found, &w, &run))
		for (uint64_t n = run.lo; n <= run.hi; n++)
			x->order[x->order_n++] =
			    found->uid ? (uint32_t)n : view_at(view, (uint32_t)n)->uid;
	return ERR_OK;
}

enum err
context_begin(struct context **context, struct imap_session *s, const struct search_result *found)
{
	struct context *x = *context;

	if (found->n > CONTEXT_RUNS_MAX || (x->sort.n > 0 && found->count > CONTEXT_SORTED_MAX)) {
		refuse(s, x->tag, "The result is too large");
		context_free(context);
		return ERR_OK;
	}
	uidset_init(&x->found, x->found_arena);
	enum err e = search_result_uids(found, s->told, 1, found->count, &x->found);
	uidset_normalise(&x->found);
	if (!e && x->sort.n > 0)
		e = keep_order(x, found, s->told);
	if (!e && octets_held(s) + octets_of(x) > CONTEXTS_OCTETS_MAX) {
		refuse(s, x->tag, "All results together are too large");
		context_free(context);
		return ERR_OK;
	}
	if (e)
		return e;
	imap_listen(s, &x->listener);
	*context = NULL;
	return ERR_OK;
}

bool
context_cancel(struct imap_session *s, struct str tag)
{
	unsigned count;
	struct context *x = find_context(s, tag, &count);

	if (!x)
		return false;
	imap_unlisten(s, &x->listener);
	context_free(&x);
	return true;
}
