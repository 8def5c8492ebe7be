/*
 * GETMETADATA and SETMETADATA: RFC 5464 §4.2 and §4.3.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/metadata.h"
#include "imapd/search_scope.h"
#include "imapd/special_use.h"

#include <limits.h>

/* An empty name is the server. Entries of a \Noselect name can be had (§4.1). */
static enum err
find_annotated(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	enum err e = imap_find_folder_for(s, cmd, name, RIGHT_LOOKUP, ret);

	if (e == ERR_CANNOT && ret->info.id != 0)
		e = ERR_OK;
	if (!e && !imap_may_annotate(ret))
		e = ERR_DENIED;
	return e;
}

/* -- GETMETADATA */

struct getting { /* in the command's arena */
	struct str name;
	struct imap_folder folder;
	struct metadata_query query;
	struct metadata_answer answer;
};

static void
parse_depth(struct imap_args *a, struct metadata_query *q)
{
	if (imap_accept_word(a, "infinity"))
		q->depth = ANNOTATION_ANY_DEPTH;
	else if (imap_accept_word(a, "1"))
		q->depth = 1;
	else if (imap_accept_word(a, "0"))
		q->depth = 0;
	else
		imap_parse_fail(a, ERR_SYNTAX, "0, 1 or infinity");
}

static void
parse_option(struct imap_args *a, void *arg)
{
	struct metadata_query *q = arg;

	if (imap_accept_word(a, "MAXSIZE")) {
		imap_parse_space(a);
		q->max_size = imap_parse_number64(a);
	} else if (imap_accept_word(a, "DEPTH")) {
		imap_parse_space(a);
		parse_depth(a, q);
	} else {
		imap_parse_fail(a, ERR_SYNTAX, "MAXSIZE or DEPTH");
	}
}

/* Behind the mailbox a list is one of options if it does not begin with an entry's slash. */
static bool
has_options(const struct imap_args *a)
{
	size_t at = a->c.pos;

	return at + 1 < a->c.in.n && a->c.in.p[at] == '(' && ascii_is_alpha(a->c.in.p[at + 1]);
}

/* The grammar (§5) has the options before the mailbox, all of the RFC's examples behind it, and
 * some of them several entries without parentheses. */
static enum err
parse_get(struct imap_args *a, struct getting *g)
{
	imap_parse_space(a);
	if (imap_peek(a) == '(') {
		imap_parse_list(a, false, parse_option, &g->query);
		imap_parse_space(a);
	}
	imap_parse_mailbox(a, &g->name);
	imap_parse_space(a);
	if (has_options(a)) {
		imap_parse_list(a, false, parse_option, &g->query);
		imap_parse_space(a);
	}
	bool list = imap_peek(a) == '(';
	imap_parse_entries(a, &g->query);
	while (!list && imap_accept_space(a))
		imap_parse_entries(a, &g->query);
	return imap_parse_end(a);
}

static enum err
write_entries(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct getting *g = state;

	enum err e = imap_write_metadata(s, g->name, &g->answer, ret_done);

	if (!e && *ret_done && g->answer.longest > 0)
		imap_set_code(
		    cmd, "METADATA LONGENTRIES %llu", (unsigned long long)g->answer.longest);
	return e;
}

enum err
cmd_getmetadata(struct imap_session *s, struct imap_cmd *cmd)
{
	struct getting *g = ARENA_NEW(cmd->arena, struct getting);

	if (!g)
		return ERR_NOMEM;
	g->query.max_size = UINT64_MAX;
	enum err e = parse_get(cmd->args, g);
	if (!e && g->name.n > 0)
		e = find_annotated(s, cmd, g->name, &g->folder);
	if (!e)
		e = imap_find_metadata(
		    s, g->name.n > 0 ? &g->folder : NULL, &g->query, cmd->arena, &g->answer);
	if (e)
		return e;
	imap_pump(s, cmd, write_entries, g, NULL);
	return ERR_OK;
}

/* -- SETMETADATA */

struct setting {
	struct str name;
	struct annotation *list;
	size_t n, cap;
};

static void
parse_entry_value(struct imap_args *a, void *arg)
{
	struct setting *g = arg;
	struct annotation one = {0};

	imap_parse_entry(a, false, &one.name);
	imap_parse_space(a);
	imap_parse_nstring8(a, &one.value);
	if (a->c.err)
		return;
	if (g->n == METADATA_ENTRIES_MAX) {
		imap_parse_fail(a, ERR_SYNTAX, "at most 100 entries");
		return;
	}
	struct annotation *grown =
	    arena_grow(a->arena, g->list, &g->cap, g->n + 1, sizeof(*g->list));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "fewer entries");
		return;
	}
	g->list = grown;
	g->list[g->n++] = one;
}

static bool
is_shared(const struct annotation *one)
{
	return str_starts(one->name, STR("/shared"));
}

static enum err
check_special_use(
    struct imap_cmd *cmd, const struct imap_folder *folder, bool is_owner, struct annotation *one)
{
	enum err e = ERR_OK;

	if (!one->value.p)
		return ERR_OK;
	if (!is_owner || folder->info.noselect || str_eq(folder->info.name, STR("INBOX")))
		e = ERR_CANNOT;
	else
		e = imap_read_special_use(one->value, cmd->arena, &one->value);
	if (e == ERR_CANNOT)
		imap_set_code(cmd, "USEATTR"); /* RFC 6154 §3 */
	return e;
}

/* Those of the server that all users share are the administrators' (§3.3), but for what the server
 * says itself. */
static enum err
check_server(const struct imap_session *s, const struct setting *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (is_shared(&g->list[i]) &&
		    (!imap_is_admin(s) || str_eq(g->list[i].name, STR("/shared/admin"))))
			return ERR_DENIED;
	return ERR_OK;
}

/* filter-name: 1*<any ATOM-CHAR except "/"> (RFC 5466 §4) */
static bool
is_filter_name(struct str name)
{
	bool good = name.n > 0;

	for (size_t i = 0; i < name.n && good; i++)
		good = imap_is_atom_char((unsigned char)name.p[i]) && name.p[i] != '/';
	return good;
}

/* A filter is a whole search criterion (RFC 5466 §3.2); one that it names may come later. */
static enum err
check_filter(struct imap_session *s, struct imap_cmd *cmd, const struct annotation *one)
{
	static const char *const roots[] = {"/private/filters/values/", "/shared/filters/values/"};
	struct str name = {NULL, 0};
	struct search_scope scope = imap_search_scope(s, NULL, false);
	struct search_program program;
	struct imap_args text;

	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (str_starts(one->name, str_of(roots[i])))
			name = str_skip(one->name, strlen(roots[i]));
	if (!name.p || !one->value.p)
		return ERR_OK;
	if (!is_filter_name(name)) {
		imap_set_text(cmd, "Not a name for a filter");
		return ERR_CANNOT;
	}
	imap_args_init(&text, one->value, cmd->arena);
	search_parse(&text, &scope, &program);
	enum err e = imap_parse_end(&text);
	if (!e || e == ERR_NOT_FOUND || e == ERR_NOMEM)
		return e == ERR_NOMEM ? e : ERR_OK;
	imap_set_text(cmd, "Not a search criterion: expected %s at position %zu", text.c.expected,
	    text.c.err_at + 1);
	return ERR_CANNOT;
}

static enum err
check_entries(struct imap_session *s, struct imap_cmd *cmd, struct setting *g,
    const struct imap_folder *folder)
{
	enum err e = folder ? ERR_OK : check_server(s, g);

	for (size_t i = 0; i < g->n && !e; i++) {
		struct annotation *one = &g->list[i];
		if (one->value.n > ANNOTATION_VALUE_MAX) {
			imap_set_code(cmd, "METADATA MAXSIZE %d", ANNOTATION_VALUE_MAX);
			e = ERR_TOO_BIG;
		} else if (folder && str_eq(one->name, STR(ANNOTATION_SPECIAL_USE))) {
			e = check_special_use(cmd, folder, folder->account == s->account, one);
		} else if (!folder) {
			e = check_filter(s, cmd, one);
		}
	}
	return e;
}

static enum err
set_entries(struct imap_session *s, const struct annotation_home *home,
    const struct annotation *list, size_t n)
{
	uint64_t modseq;
	enum err e = annotation_set(home, list, n, &modseq);

	if (!e)
		imap_note_own_metadata(s, home, modseq);
	return e;
}

/* What the entries are now; .value.p NULL: they are not. */
static enum err
read_entries(const struct annotation_home *home, const struct annotation *list, size_t n,
    struct arena *arena, struct annotation *ret)
{
	struct annotation *found;
	size_t found_n;
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && !e; i++) {
		ret[i] = (struct annotation){.name = list[i].name};
		e = annotation_find(home, list[i].name, 0, UINT64_MAX, arena, &found, &found_n);
		if (!e && found_n > 0)
			ret[i].value = found[0].value;
	}
	return e;
}

/* Those of the server in one command: private ones stand in the user's own database, shared ones in
 * the directory, and no transaction holds both. §4.3 wants all or none, so the private ones are put
 * back when the shared ones are refused. */
static enum err
set_server(struct imap_session *s, struct imap_cmd *cmd, struct setting *g)
{
	const struct annotation_home own = imap_annotation_home(s, NULL, false);
	const struct annotation_home all = imap_annotation_home(s, NULL, true);
	struct annotation *private = arena_alloc(cmd->arena, 2 * g->n * sizeof(*private));
	size_t private_n = 0, shared_n = 0;
	enum err e = ERR_OK;

	if (!private)
		return ERR_NOMEM;
	struct annotation *before = private + g->n;
	for (size_t i = 0; i < g->n; i++)
		if (is_shared(&g->list[i]))
			g->list[shared_n++] = g->list[i];
		else
	private[private_n++] = g->list[i];
	if (private_n > 0 && shared_n > 0)
		e = read_entries(&own, private, private_n, cmd->arena, before);
	if (!e && private_n > 0)
		e = set_entries(s, &own, private, private_n);
	if (e || shared_n == 0)
		return e;
	e = set_entries(s, &all, g->list, shared_n);
	enum err undone = e && private_n > 0 ? set_entries(s, &own, before, private_n) : ERR_OK;
	return undone && undone != ERR_LIMIT ? undone : e;
}

enum err
cmd_setmetadata(struct imap_session *s, struct imap_cmd *cmd)
{
	struct setting g = {0};
	struct imap_folder folder;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &g.name);
	imap_parse_space(cmd->args);
	imap_parse_list(cmd->args, false, parse_entry_value, &g);
	enum err e = imap_parse_end(cmd->args);
	bool of_server = g.name.n == 0;
	if (!e && !of_server)
		e = find_annotated(s, cmd, g.name, &folder);
	if (!e)
		e = check_entries(s, cmd, &g, of_server ? NULL : &folder);
	if (e)
		return e;
	if (of_server) {
		e = set_server(s, cmd, &g);
	} else {
		struct annotation_home home = imap_annotation_home(s, &folder, false);
		e = set_entries(s, &home, g.list, g.n);
	}
	if (e == ERR_LIMIT)
		imap_set_code(cmd, "METADATA TOOMANY");
	return e;
}
