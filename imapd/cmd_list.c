/*
 * LIST: RFC 3501 §6.3.8, extended by RFC 5258, 5819, 6154, 8440 and 9590; LSUB: RFC 3501 §6.3.9;
 * XLIST.
 */
#include "common/base/clock.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/list_request.h"
#include "imapd/list_rows.h"
#include "imapd/status.h"
#include "store/acl.h"

#define METADATA_ARENA (256 * 1024) /* the names of entries of one mailbox */

static const char *const responses[] = {
    [KIND_LIST] = "* LIST ", [KIND_LSUB] = "* LSUB ", [KIND_XLIST] = "* XLIST "};

static bool
exists(const struct list_node *node)
{
	return node->row && node->row->folder.info.id != 0 && !node->row->folder.info.noselect;
}

/* Who may see a mailbox need not be allowed to open it (RFC 4314 §4). */
static bool
is_selectable(const struct list_node *node)
{
	return exists(node) && (node->row->folder.rights & RIGHT_READ);
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
	bool subscribed = r->kind == KIND_LSUB || (r->select & OPT_SUBSCRIBED);

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

/* XLIST names uses as Gmail did, and INBOX too. */
static void
write_xlist_attributes(struct conn *c, const struct list_node *node, const char **separator)
{
	if (str_eq(node->name, STR("INBOX")))
		put_attribute(c, separator, STR("\\Inbox"));
	if (str_find_nocase(node->row->folder.info.special_use, STR("\\Junk")) != STR_NONE)
		put_attribute(c, separator, STR("\\Spam"));
}

static void
write_attributes(struct conn *c, const struct list_request *r, const struct list_node *node)
{
	const struct mailbox_info *info = info_of(node);
	const char *separator = "(";
	bool lsub = r->kind == KIND_LSUB;
	bool is_there = is_selectable(node) && (node->chosen || !lsub);

	if (!exists(node) && r->extended) /* RFC 5258 §3.1 */
		put_attribute(c, &separator, STR("\\NonExistent"));
	if (!is_there && (!lsub || is_in_tree(info) || !node->chosen))
		put_attribute(c, &separator, STR("\\Noselect"));
	if (info && info->subscribed && ((r->select | r->want) & OPT_SUBSCRIBED))
		put_attribute(c, &separator, STR("\\Subscribed"));
	if (!lsub || is_there) /* RFC 3348 */
		put_attribute(c, &separator,
		    !info || info->has_children ? STR("\\HasChildren") : STR("\\HasNoChildren"));
	if (info && info->special_use.n > 0) /* in plain LIST too: RFC 6154 §2 */
		put_attribute(c, &separator, info->special_use);
	if (info && r->kind == KIND_XLIST)
		write_xlist_attributes(c, node, &separator);
	conn_puts(c, *separator == '(' ? "()" : ")");
}

/* RFC 5258 §3.5: there are chosen names below. */
static void
write_child_info(struct conn *c, const struct list_request *r)
{
	conn_puts(c, " (\"CHILDINFO\" (");
	if (r->select & OPT_SUBSCRIBED)
		conn_puts(c, "\"SUBSCRIBED\"");
	if (r->select & OPT_SPECIAL_USE)
		conn_puts(c, r->select & OPT_SUBSCRIBED ? " \"SPECIAL-USE\"" : "\"SPECIAL-USE\"");
	conn_puts(c, "))");
}

static void
write_my_rights(struct imap_session *s, const struct list_node *node)
{
	char letters[ACL_LETTERS_MAX];

	conn_puts(s->conn, "* MYRIGHTS ");
	imap_write_mailbox(s, node->name);
	conn_puts(s->conn, " ");
	conn_put(s->conn, acl_print_rights(node->row->folder.rights, letters));
	conn_puts(s->conn, "\r\n");
}

/* Into r->answer, which the step writes. */
static enum err
find_metadata(struct imap_session *s, struct list_request *r, const struct list_node *node)
{
	const struct imap_folder *folder = &node->row->folder;

	if (!imap_may_annotate(folder))
		return ERR_OK;
	r->arena = arena_new(METADATA_ARENA);
	r->answer_name = node->name;
	return r->arena ? imap_find_metadata(s, folder, &r->metadata, r->arena, &r->answer)
			: ERR_NOMEM;
}

static enum err
write_status(struct imap_session *s, const struct list_request *r, const struct list_node *node)
{
	imap_enable_for_status(s, r->status_items);
	return imap_write_status(s, node->name, &node->row->folder, r->status_items);
}

/* What else was asked of a mailbox that matches the selection options, not of one that is shown for
 * the sake of those below it (RFC 5819 §3, RFC 8440 §4, RFC 9590 §4). */
static enum err
write_more(struct imap_session *s, struct list_request *r, const struct list_node *node)
{
	enum err e = ERR_OK;

	if (!node->chosen || !exists(node))
		return ERR_OK;
	if ((r->want & OPT_STATUS) && is_selectable(node))
		e = write_status(s, r, node);
	if (!e && (r->want & OPT_MYRIGHTS))
		write_my_rights(s, node);
	if (!e && (r->want & OPT_METADATA))
		e = find_metadata(s, r, node);
	return e;
}

static enum err
write_node(struct imap_session *s, struct list_request *r, const struct list_node *node)
{
	struct conn *c = s->conn;

	conn_puts(c, responses[r->kind]);
	write_attributes(c, r, node);
	conn_puts(c, " \"/\" ");
	imap_write_mailbox(s, node->name);
	if ((r->select & OPT_RECURSIVE) && node->over_chosen)
		write_child_info(c, r);
	conn_puts(c, "\r\n");
	return write_more(s, r, node);
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
	return r->kind == KIND_LSUB ? r->compiled[0].ends_in_percent : r->select & OPT_RECURSIVE;
}

/* Unless *ret_done there is more of it, and the output is full. */
static enum err
write_answer(struct imap_session *s, struct list_request *r, bool *ret_done)
{
	*ret_done = true;
	if (!r->arena)
		return ERR_OK;
	enum err e = imap_write_metadata(s, r->answer_name, &r->answer, ret_done);
	if (!e && *ret_done)
		arena_free(&r->arena);
	return e;
}

static enum err
compile_patterns(struct imap_cmd *cmd, struct list_request *r)
{
	r->compiled = arena_alloc_array(cmd->arena, r->pattern_count, sizeof(*r->compiled));
	if (!r->compiled)
		return ERR_NOMEM;
	for (size_t i = 0; i < r->pattern_count; i++) {
		/* RFC 5258 §3: an empty one matches nothing, whatever the reference */
		struct str pattern = r->patterns[i].n > 0 ? r->patterns[i] : (struct str){NULL, 0};
		enum err e = list_pattern_init(&r->compiled[i], r->reference, pattern, cmd->arena);
		if (e)
			return e;
	}
	return ERR_OK;
}

/* One account of those who share. */
static enum err
gather(struct imap_cmd *cmd, struct list_request *r)
{
	struct list_rows rows;
	enum err e = imap_gather_step(r->gather, &rows, &r->gathered);

	return e || !r->gathered ? e
				 : list_tree_build(&r->tree, &rows, r->compiled, r->pattern_count,
				       is_chosen, r, cmd->arena);
}

static enum err
write_list(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct list_request *r = state;
	int64_t until = clock_mono_ms() + PUMP_STEP_MS;
	unsigned rows = 0;
	bool written;
	enum err e;

	if (!r->gathered)
		return gather(cmd, r);
	while (!(e = write_answer(s, r, &written)) && written && r->at < r->tree.n) {
		const struct list_node *node = &r->tree.nodes[r->at];

		if (conn_out_full(s->conn) || rows == PUMP_STEP_ROWS || clock_mono_ms() > until)
			return ERR_OK;
		r->at++;
		if (!is_wanted(r, node))
			continue;
		rows++;
		e = write_node(s, r, node);
		if (e)
			return e;
	}
	*ret_done = written;
	return e;
}

static void
release_list(void *state)
{
	struct list_request *r = state;

	arena_free(&r->arena);
	imap_gather_free(&r->gather);
}

static enum err
list(struct imap_session *s, struct imap_cmd *cmd, enum list_kind kind)
{
	struct list_request *r = ARENA_NEW(cmd->arena, struct list_request);

	if (!r)
		return ERR_NOMEM;
	r->kind = kind;
	r->metadata.max_size = UINT64_MAX;
	enum err e = imap_parse_list_request(cmd->args, r);
	if (e)
		return e;
	if (r->hierarchy) {
		conn_puts(s->conn, responses[kind]);
		conn_puts(s->conn, "(\\Noselect) \"/\" \"\"\r\n");
		return ERR_OK;
	}
	e = compile_patterns(cmd, r);
	if (!e)
		e = imap_gather_begin(s, cmd->arena, &r->gather);
	if (e)
		return e;
	imap_pump(s, cmd, write_list, r, release_list);
	return ERR_OK;
}

enum err
cmd_list(struct imap_session *s, struct imap_cmd *cmd)
{
	return list(s, cmd, KIND_LIST);
}

enum err
cmd_lsub(struct imap_session *s, struct imap_cmd *cmd)
{
	return list(s, cmd, KIND_LSUB);
}

enum err
cmd_xlist(struct imap_session *s, struct imap_cmd *cmd)
{
	return list(s, cmd, KIND_XLIST);
}
