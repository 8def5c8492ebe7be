/*
 * ESEARCH, RFC 7377: a search of many mailboxes, with an ESEARCH response for each in which
 * something was found.
 *
 * A pump that goes from mailbox to mailbox. What it holds is the list of them and the result of
 * one; the program is read anew for each, since keywords and "*" mean something else there.
 */
#include "imapd/imap_handlers.h"
#include "imapd/mailbox_filter.h"
#include "imapd/search_answer.h"
#include "imapd/search_scope.h"
#include "store/share.h"

#define FILTERS_MAX 100 /* source options in one command: ERR_LIMIT */

struct source {
	struct account *account;
	int64_t mailbox, viewer;
	struct str name; /* as the user knows it */
};

struct sources {
	struct mailbox_filter *filters;
	size_t filter_count, filter_cap;
	bool selected; /* is one of them */
	bool others; /* there are others */
	struct source *list;
	size_t n, cap;
};

struct esearch {
	struct sources sources;
	size_t at; /* the one in hand */
	struct imap_args program; /* before its first key */
	bool scored;
	struct search_run run;
	struct search_return ret;
	struct search_answer answer;
	struct context *context; /* of UPDATE, until the selected mailbox is searched */
	struct context *none;
	struct view *view; /* a reference */
	struct arena *arena; /* of the search in hand */
	struct list_gathering *gather; /* holds the accounts of the sources */
	size_t filter, name; /* the next of those named to be looked for */
	enum { ESEARCH_GATHERS, ESEARCH_NAMES, ESEARCH_OPENS, ESEARCH_FINDS, ESEARCH_WRITES } phase;
	struct progress progress; /* in mailboxes; that of the run is quiet */
	bool begun; /* the run has searched a mailbox */
};

static void
release(void *state)
{
	struct esearch *q = state;

	search_run_done(&q->run);
	context_free(&q->context);
	view_unref(&q->view);
	arena_free(&q->arena);
	imap_gather_free(&q->gather);
}

/* -- which mailboxes ------------------------------------------------------------------------- */

static void
parse_filters(struct imap_args *a, struct sources *src)
{
	do {
		if (imap_peek(a) == '(') { /* scope-options: none is defined */
			imap_parse_fail(a, ERR_SYNTAX, "no scope options");
			return;
		}
		if (src->filter_count == FILTERS_MAX) {
			imap_parse_fail(a, ERR_LIMIT, "fewer source options");
			return;
		}
		struct mailbox_filter *grown = arena_grow(a->arena, src->filters, &src->filter_cap,
		    src->filter_count + 1, sizeof(*grown));
		if (!grown) {
			imap_parse_fail(a, ERR_NOMEM, "memory");
			return;
		}
		src->filters = grown;
		struct mailbox_filter *f = &grown[src->filter_count++];
		mailbox_filter_parse(a, f);
		if (f->kind == MAILBOXES_SELECTED_DELAYED)
			imap_parse_fail(a, ERR_SYNTAX, "no selected-delayed"); /* §2.2 */
		src->selected |= f->kind == MAILBOXES_SELECTED;
		src->others |= f->kind != MAILBOXES_SELECTED;
	} while (imap_accept_space(a));
}

/* "IN" SP "(" source-mbox ")" SP, or nothing: the selected mailbox. */
static void
parse_sources(struct imap_args *a, struct sources *src)
{
	*src = (struct sources){0};
	if (!imap_accept_word(a, "IN")) {
		src->selected = true;
		return;
	}
	imap_parse_space(a);
	imap_parse_char(a, '(', "an opening parenthesis");
	parse_filters(a, src);
	imap_parse_char(a, ')', "a closing parenthesis");
	imap_parse_space(a);
}

static bool
has_source(const struct sources *src, const struct account *account, int64_t mailbox)
{
	for (size_t i = 0; i < src->n; i++)
		if (src->list[i].account == account && src->list[i].mailbox == mailbox)
			return true;
	return false;
}

static enum err
add_source(struct sources *src, struct arena *arena, const struct source *source)
{
	struct source *grown = arena_grow(arena, src->list, &src->cap, src->n + 1, sizeof(*grown));

	if (!grown)
		return ERR_NOMEM;
	src->list = grown;
	grown[src->n++] = *source;
	return ERR_OK;
}

static bool
matches(const struct imap_session *s, const struct sources *src, const struct list_row *row)
{
	const struct imap_folder *f = &row->folder;
	bool own = f->account == s->account;

	if (src->selected && f->account == s->owner && f->info.id == s->mailbox)
		return true;
	for (size_t i = 0; i < src->filter_count; i++)
		if (mailbox_filter_has(&src->filters[i], row, own))
			return true;
	return false;
}

/* Those that LIST would show (§2.2: mailboxes that are not named need the right "l"). */
static enum err
collect_rows(
    struct imap_session *s, struct imap_cmd *cmd, struct sources *src, const struct list_rows *rows)
{
	const unsigned needed = RIGHT_LOOKUP | RIGHT_READ;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < rows->n; i++) {
		const struct imap_folder *f = &rows->row[i].folder;
		if (f->info.id == 0 || f->info.noselect || (f->rights & needed) != needed ||
		    !matches(s, src, &rows->row[i]))
			continue;
		const struct source source = {.account = f->account,
		    .mailbox = f->info.id,
		    .viewer = f->viewer,
		    .name = rows->row[i].name};
		e = add_source(src, cmd->arena, &source);
	}
	return e;
}

/* One of those named, which need only be readable; others are passed over (§2.2). */
static enum err
collect_name(struct imap_session *s, struct imap_cmd *cmd, struct sources *src, struct str name)
{
	struct imap_folder folder;
	enum err e = imap_find_folder(s, cmd, name, &folder);

	if (e == ERR_NOMEM)
		return e;
	if (e || !(folder.rights & RIGHT_READ) || has_source(src, folder.account, folder.info.id))
		return ERR_OK;
	const struct source source = {.account = folder.account,
	    .mailbox = folder.info.id,
	    .viewer = folder.viewer,
	    .name = name};
	return add_source(src, cmd->arena, &source);
}

/* "Other Users/…", as the user knows it. */
static enum err
name_of_another(
    struct imap_session *s, struct imap_cmd *cmd, const struct mailbox_info *info, struct str *ret)
{
	struct imap_folder folder = {.account = s->owner, .name = info->name};
	struct share_owner *owners;
	size_t n = 0;
	enum err e =
	    share_owners(s->service->store, account_id(s->account), cmd->arena, &owners, &n);

	for (size_t i = 0; i < n && !e; i++)
		if (owners[i].account == account_id(s->owner))
			folder.owner = owners[i].address;
	if (e)
		return e;
	*ret = imap_shared_name(cmd->arena, &folder);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

/* The selected mailbox has been opened with the right to read it. */
static enum err
collect_selected(struct imap_session *s, struct imap_cmd *cmd, struct sources *src)
{
	struct mailbox_info info;
	struct source source = {.account = s->owner, .mailbox = s->mailbox, .viewer = s->viewer};

	if (!src->selected || !s->mailbox || has_source(src, s->owner, s->mailbox))
		return ERR_OK;
	enum err e = mailbox_get(s->owner, s->mailbox, cmd->arena, &info);
	if (!e)
		source.name = info.name;
	if (!e && s->viewer)
		e = name_of_another(s, cmd, &info, &source.name);
	return e ? e : add_source(src, cmd->arena, &source);
}

/* -- one after the other ---------------------------------------------------------------------- */

/* In the selected mailbox what the client knows of is searched. */
static enum err
open_view(struct imap_session *s, const struct source *source, struct view **ret)
{
	if (s->told && source->account == s->owner && source->mailbox == s->mailbox) {
		*ret = view_ref(s->told);
		return ERR_OK;
	}
	return view_current_as(source->account, source->mailbox, source->viewer, ret);
}

static enum err
begin_search(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q)
{
	static const struct uidset nothing = {0};
	const struct source *source = &q->sources.list[q->at];
	struct search_scope scope = imap_search_scope(s, q->view, q->scored);
	struct imap_args a = q->program;

	a.arena = q->arena;
	if (q->view != s->told)
		a.saved = &nothing; /* "$" is in the selected one */
	search_parse(&a, &scope, &q->run.program);
	enum err e = imap_parse_end(&a);
	if (e)
		return e;
	q->answer = (struct search_answer){
	    .ret = q->ret,
	    .mailbox = source->name,
	    .uidvalidity = view_uidvalidity(q->view),
	    .has_modseq = q->run.program.has_modseq,
	};
	search_answer_begin(&q->answer, cmd, NULL);
	q->answer.result.arena = q->arena;
	q->answer.result.uid = true;
	e = q->begun ? search_run_begin_next(s, &q->run, source->account, q->view, q->arena)
		     : search_run_begin_in(s, &q->run, source->account, q->view, q->arena);
	q->begun = true;
	return e;
}

/* One that went meanwhile is passed over. */
static enum err
open_next(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q, bool *ret_done)
{
	view_unref(&q->view);
	arena_reset(q->arena);
	*ret_done = q->at == q->sources.n;
	if (*ret_done)
		return search_run_end(&q->run, cmd);
	enum err e = open_view(s, &q->sources.list[q->at], &q->view);
	if (e == ERR_GONE || e == ERR_NOT_FOUND || e == ERR_DENIED) {
		q->at++;
		return ERR_OK;
	}
	if (!e)
		e = begin_search(s, cmd, q);
	q->phase = ESEARCH_FINDS;
	return e;
}

static enum err
take(struct imap_session *s, struct imap_cmd *cmd, void *state, const struct search_hit *hit,
    bool *ret_enough)
{
	struct esearch *q = state;
	enum err e = search_answer_add(&q->answer, hit);

	(void)s;
	(void)cmd;
	*ret_enough = search_answer_is_enough(&q->answer);
	return e;
}

/* §2.1: of a mailbox in which nothing was found nothing is said. */
static enum err
write_answer(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q)
{
	struct context **context = q->view == s->told ? &q->context : &q->none;
	bool done;

	q->answer.silent = q->answer.result.count == 0;
	enum err e = search_answer_finish(&q->answer, s, cmd, &q->run, context, &done);
	if (done) {
		q->at++;
		q->phase = ESEARCH_OPENS;
	}
	return e;
}

/* §2.2: UPDATE applies to the selected mailbox. */
static enum err
begin_context(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q)
{
	if (!(q->ret.items & RETURN_UPDATE))
		return ERR_OK;
	for (size_t i = 0; i < q->sources.n; i++) {
		const struct source *source = &q->sources.list[i];
		if (source->account != s->owner || source->mailbox != s->mailbox)
			continue;
		enum err e = context_new(s, cmd, &q->program, NULL, &q->ret, &q->context);
		return e || !q->context ? e : context_name(q->context, source->name);
	}
	return ERR_OK;
}

/* One account of those who share. */
static enum err
gather(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q)
{
	struct list_rows rows;
	bool done;
	enum err e = imap_gather_step(q->gather, &rows, &done);

	if (e || !done)
		return e;
	q->phase = ESEARCH_NAMES;
	return collect_rows(s, cmd, &q->sources, &rows);
}

/* One name; then it is known which mailboxes are to be searched. */
static enum err
find_named(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q)
{
	struct sources *src = &q->sources;

	while (q->filter < src->filter_count && (src->filters[q->filter].kind < MAILBOXES_SUBTREE ||
						    q->name == src->filters[q->filter].n)) {
		q->filter++;
		q->name = 0;
	}
	if (q->filter < src->filter_count)
		return collect_name(s, cmd, src, src->filters[q->filter].names[q->name++]);
	enum err e = collect_selected(s, cmd, src);
	if (!e)
		e = begin_context(s, cmd, q);
	q->phase = ESEARCH_OPENS;
	return e;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct esearch *q = state;
	bool found = false;
	enum err e = ERR_OK;

	switch (q->phase) {
	case ESEARCH_GATHERS:
		e = gather(s, cmd, q);
		break;
	case ESEARCH_NAMES:
		e = find_named(s, cmd, q);
		break;
	case ESEARCH_OPENS:
		e = open_next(s, cmd, q, ret_done);
		break;
	case ESEARCH_FINDS:
		e = search_run_gather(s, cmd, &q->run, take, q, &found);
		if (found)
			q->phase = ESEARCH_WRITES;
		else
			imap_tell_progress(s, cmd, &q->progress, q->at, q->sources.n);
		break;
	case ESEARCH_WRITES:
		e = write_answer(s, cmd, q);
		break;
	}
	return e ? search_answer_fail(&q->answer, s, e) : ERR_OK;
}

/* What can't be right whatever the mailboxes are. */
static enum err
check(struct imap_session *s, struct imap_cmd *cmd, struct esearch *q)
{
	struct search_scope scope = imap_search_scope(s, s->told, q->scored);

	search_parse(cmd->args, &scope, &q->run.program);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return search_explain(&q->run.program, e, cmd);
	if (q->sources.selected && s->state != ST_SELECTED) {
		imap_set_text(cmd, "Select a mailbox first");
		return ERR_SEQUENCE;
	}
	if ((q->ret.items & RETURN_SAVE) && q->sources.others) {
		imap_set_text(cmd, "SAVE is for the selected mailbox alone");
		return ERR_PARAM;
	}
	if ((q->ret.items & RETURN_UPDATE) && s->state != ST_SELECTED) {
		imap_set_text(cmd, "UPDATE is for the selected mailbox");
		return ERR_SEQUENCE;
	}
	if (q->run.program.has_modseq)
		imap_enable_condstore(s);
	return ERR_OK;
}

enum err
cmd_esearch(struct imap_session *s, struct imap_cmd *cmd)
{
	struct esearch *q = ARENA_NEW(cmd->arena, struct esearch);

	if (!q)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	parse_sources(cmd->args, &q->sources);
	search_return_parse(cmd->args, &q->ret);
	if (!q->ret.extended) /* §2.1 */
		q->ret = (struct search_return){.extended = true, .items = RETURN_ALL};
	q->scored = q->ret.items & RETURN_RELEVANCY;
	q->answer.ret = q->ret;
	q->program = *cmd->args;
	enum err e = check(s, cmd, q);
	if (!e)
		e = imap_gather_begin(s, cmd->arena, &q->gather);
	if (e)
		return search_answer_fail(&q->answer, s, e);
	q->run.program = (struct search_program){0};
	q->run.progress.quiet = true;
	q->arena = arena_new(IMAP_ARENA_MAX);
	if (!q->arena) {
		imap_gather_free(&q->gather);
		return ERR_NOMEM;
	}
	imap_pump(s, cmd, step, q, release);
	return ERR_OK;
}
