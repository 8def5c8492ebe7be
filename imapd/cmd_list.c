/*
 * LIST: RFC 3501 §6.3.8, extended by RFC 5258, 5819 (STATUS) and 6154 (SPECIAL-USE), and LSUB:
 * RFC 3501 §6.3.9.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/list_tree.h"
#include "imapd/status.h"

/* Of one LIST, BAD beyond: every name is held against every octet of every pattern. */
#define PATTERNS_MAX 100
#define PATTERNS_OCTETS_MAX 4000

/* Selection and return options. */
enum {
	OPT_SUBSCRIBED = 1,
	OPT_REMOTE = 2,
	OPT_RECURSIVE = 4,
	OPT_SPECIAL_USE = 8,
	OPT_CHILDREN = 16,
	OPT_STATUS = 32,
};

struct list_request {
	bool lsub;
	bool extended; /* some syntax of RFC 5258 was used */
	unsigned select;
	unsigned want;
	unsigned status_items;
	struct str reference;
	struct str *patterns;
	size_t pattern_count, pattern_cap;
	size_t pattern_octets;
	bool hierarchy; /* an empty pattern: only the separator is asked for */

	struct list_pattern *compiled;
	struct list_tree tree;
	size_t at;
};

static void
parse_select_option(struct imap_args *a, void *arg)
{
	struct list_request *r = arg;

	if (imap_accept_word(a, "SUBSCRIBED"))
		r->select |= OPT_SUBSCRIBED;
	else if (imap_accept_word(a, "REMOTE"))
		r->select |= OPT_REMOTE;
	else if (imap_accept_word(a, "RECURSIVEMATCH"))
		r->select |= OPT_RECURSIVE;
	else if (imap_accept_word(a, "SPECIAL-USE"))
		r->select |= OPT_SPECIAL_USE;
	else
		imap_parse_fail(a, ERR_SYNTAX, "SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE");
}

static void
parse_return_option(struct imap_args *a, void *arg)
{
	struct list_request *r = arg;

	if (imap_accept_word(a, "SUBSCRIBED"))
		r->want |= OPT_SUBSCRIBED;
	else if (imap_accept_word(a, "CHILDREN"))
		r->want |= OPT_CHILDREN;
	else if (imap_accept_word(a, "SPECIAL-USE"))
		r->want |= OPT_SPECIAL_USE;
	else if (imap_accept_word(a, "STATUS")) {
		r->want |= OPT_STATUS;
		imap_parse_space(a);
		imap_parse_status_items(a, &r->status_items);
	} else
		imap_parse_fail(a, ERR_SYNTAX, "SUBSCRIBED, CHILDREN, SPECIAL-USE or STATUS");
}

static void
parse_pattern(struct imap_args *a, void *arg)
{
	struct list_request *r = arg;
	struct str pattern;

	imap_parse_list_mailbox(a, &pattern);
	if (a->c.err)
		return;
	r->pattern_octets += pattern.n;
	if (r->pattern_count == PATTERNS_MAX || r->pattern_octets > PATTERNS_OCTETS_MAX) {
		imap_parse_fail(a, ERR_SYNTAX, "at most 100 patterns of at most 4000 octets");
		return;
	}
	struct str *grown = arena_grow(
	    a->arena, r->patterns, &r->pattern_cap, r->pattern_count + 1, sizeof(*r->patterns));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "fewer patterns");
		return;
	}
	r->patterns = grown;
	r->patterns[r->pattern_count++] = pattern;
}

/* RFC 5258 §6; plain LIST is the form without any option. */
static enum err
parse_list(struct imap_args *a, struct list_request *r)
{
	imap_parse_space(a);
	if (!r->lsub && imap_peek(a) == '(') {
		r->extended = true;
		imap_parse_list(a, true, parse_select_option, r);
		if ((r->select & OPT_RECURSIVE) && !(r->select & ~(OPT_RECURSIVE | OPT_REMOTE)))
			imap_parse_fail(a, ERR_SYNTAX, "SUBSCRIBED along with RECURSIVEMATCH");
		imap_parse_space(a);
	}
	imap_parse_mailbox(a, &r->reference);
	imap_parse_space(a);
	if (!r->lsub && imap_peek(a) == '(') {
		r->extended = true;
		imap_parse_list(a, false, parse_pattern, r);
	} else {
		parse_pattern(a, r);
	}
	if (!r->lsub && imap_accept_space(a)) {
		r->extended = true;
		imap_parse_word(a, "RETURN");
		imap_parse_space(a);
		imap_parse_list(a, true, parse_return_option, r);
	}
	r->hierarchy =
	    !r->extended && r->pattern_count == 1 && r->patterns[0].p && r->patterns[0].n == 0;
	return imap_parse_end(a);
}

static bool
exists(const struct mailbox_info *info)
{
	return info && info->id != 0 && !info->noselect;
}

/* A mailbox, or a deleted one that has inferior names (RFC 3501 §6.3.4). */
static bool
is_in_tree(const struct mailbox_info *info)
{
	return info && (info->id != 0 || info->noselect);
}

static bool
is_chosen(const struct list_row *row, void *arg)
{
	const struct list_request *r = arg;
	const struct mailbox_info *info = &row->folder.info;
	bool subscribed = r->lsub || (r->select & OPT_SUBSCRIBED);

	if (subscribed ? !info->subscribed : !is_in_tree(info))
		return false;
	return !(r->select & OPT_SPECIAL_USE) || info->special_use.n > 0;
}

static const struct mailbox_info *
info_of(const struct list_node *node)
{
	return node->row ? &node->row->folder.info : NULL;
}

static void
put_attribute(struct conn *c, const char **separator, struct str name)
{
	conn_puts(c, *separator);
	conn_put(c, name);
	*separator = " ";
}

static void
write_attributes(struct conn *c, const struct list_request *r, const struct list_node *node)
{
	const struct mailbox_info *info = info_of(node);
	const char *separator = "(";
	bool is_there = exists(info) && (node->chosen || !r->lsub);

	if (!exists(info) && r->extended) /* RFC 5258 §3.1 */
		put_attribute(c, &separator, STR("\\NonExistent"));
	if (!is_there && (!r->lsub || is_in_tree(info) || !node->chosen))
		put_attribute(c, &separator, STR("\\Noselect"));
	if (info && info->subscribed && ((r->select | r->want) & OPT_SUBSCRIBED))
		put_attribute(c, &separator, STR("\\Subscribed"));
	if (!r->lsub || is_there) /* RFC 3348 */
		put_attribute(c, &separator,
		    !info || info->has_children ? STR("\\HasChildren") : STR("\\HasNoChildren"));
	if (info && info->special_use.n > 0) /* in plain LIST too: RFC 6154 §2 */
		put_attribute(c, &separator, info->special_use);
	conn_puts(c, *separator == '(' ? "()" : ")");
}

static enum err
write_node(struct imap_session *s, const struct list_request *r, const struct list_node *node)
{
	struct conn *c = s->conn;

	conn_puts(c, r->lsub ? "* LSUB " : "* LIST ");
	write_attributes(c, r, node);
	conn_puts(c, " \"/\" ");
	imap_write_mailbox(s, node->name);
	if (!r->lsub && node->above_chosen && (r->select & OPT_RECURSIVE)) {
		conn_puts(c, " (\"CHILDINFO\" (");
		if (r->select & OPT_SUBSCRIBED)
			conn_puts(c, "\"SUBSCRIBED\"");
		if (r->select & OPT_SPECIAL_USE)
			conn_puts(
			    c, r->select & OPT_SUBSCRIBED ? " \"SPECIAL-USE\"" : "\"SPECIAL-USE\"");
		conn_puts(c, "))");
	}
	conn_puts(c, "\r\n");
	if (!(r->want & OPT_STATUS) || !exists(info_of(node)))
		return ERR_OK;
	enum err e = imap_write_status(s, node->name, &node->row->folder, r->status_items);
	return e == ERR_GONE ? ERR_OK : e; /* RFC 5819 §2: no STATUS for what can't be had */
}

static bool
is_wanted(const struct list_request *r, const struct list_node *node)
{
	if (!node->matches)
		return false;
	if (node->chosen)
		return true;
	if (!node->above_chosen)
		return false;
	/* RFC 3501 §6.3.9: "%" shows the superior names of subscribed ones */
	return r->lsub ? r->compiled[0].ends_in_percent : r->select & OPT_RECURSIVE;
}

static enum err
write_list(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct list_request *r = state;

	(void)cmd;
	for (unsigned rows = 0; r->at < r->tree.n; r->at++) {
		const struct list_node *node = &r->tree.nodes[r->at];

		if (conn_out_full(s->conn) || rows == PUMP_STEP_ROWS)
			return ERR_OK;
		if (!is_wanted(r, node))
			continue;
		rows++;
		enum err e = write_node(s, r, node);
		if (e)
			return e;
	}
	*ret_done = true;
	return ERR_OK;
}

static enum err
find_names(struct imap_session *s, struct imap_cmd *cmd, struct list_request *r)
{
	struct list_rows rows;

	r->compiled = arena_alloc_array(cmd->arena, r->pattern_count, sizeof(*r->compiled));
	if (!r->compiled)
		return ERR_NOMEM;
	for (size_t i = 0; i < r->pattern_count; i++) {
		enum err e =
		    list_pattern_init(&r->compiled[i], r->reference, r->patterns[i], cmd->arena);
		if (e)
			return e;
	}
	enum err e = imap_list_rows(s, cmd, &rows);
	if (e)
		return e;
	return list_tree_build(
	    &r->tree, &rows, r->compiled, r->pattern_count, is_chosen, r, cmd->arena);
}

static enum err
list(struct imap_session *s, struct imap_cmd *cmd, bool lsub)
{
	struct list_request *r = ARENA_NEW(cmd->arena, struct list_request);

	if (!r)
		return ERR_NOMEM;
	r->lsub = lsub;
	enum err e = parse_list(cmd->args, r);
	if (e)
		return e;
	if (r->hierarchy) {
		conn_puts(s->conn, lsub ? "* LSUB" : "* LIST");
		conn_puts(s->conn, " (\\Noselect) \"/\" \"\"\r\n");
		return ERR_OK;
	}
	e = find_names(s, cmd, r);
	if (e)
		return e;
	imap_pump(s, cmd, write_list, r, NULL);
	return ERR_OK;
}

enum err
cmd_list(struct imap_session *s, struct imap_cmd *cmd)
{
	return list(s, cmd, false);
}

enum err
cmd_lsub(struct imap_session *s, struct imap_cmd *cmd)
{
	return list(s, cmd, true);
}
