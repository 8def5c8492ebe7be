/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA: RFC 9208 §4.1. An account is one root, named "" to its user and
 * by its address to others. It is there where the account has a limit: a QUOTA must list a resource
 * (§7).
 */
#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "store/directory.h"

#define RESOURCE_MAX INT64_MAX /* §3.1.2: 63 bits */

/* §5.1: STORAGE counts units of 1024 octets. */
static uint64_t
kilo(uint64_t octets)
{
	return octets / 1024 + (octets % 1024 ? 1 : 0);
}

static bool
is_limited(const struct quota *q)
{
	return q->bytes_limit > 0 || q->messages_limit > 0;
}

static void
write_quota(struct conn *c, struct str root, const struct quota *q)
{
	if (!is_limited(q))
		return;
	conn_puts(c, "* QUOTA ");
	imap_write_astring(c, root);
	conn_puts(c, " (");
	if (q->bytes_limit > 0)
		conn_printf(c, "STORAGE %llu %llu", (unsigned long long)kilo(q->bytes_used),
		    (unsigned long long)(q->bytes_limit / 1024));
	if (q->messages_limit > 0)
		conn_printf(c, "%sMESSAGE %llu %llu", q->bytes_limit > 0 ? " " : "",
		    (unsigned long long)q->messages_used, (unsigned long long)q->messages_limit);
	conn_puts(c, ")\r\n");
}

/* The account of a root. Others' are for administrators to see; to everybody else they do not
 * exist. *ret_address in `arena`. */
static enum err
open_root(struct imap_session *s, struct str root, struct arena *arena, struct account **ret,
    struct str *ret_address)
{
	struct account_entry entry;

	if (root.n == 0) {
		*ret = account_ref(s->account);
		*ret_address = str_of(s->user);
		return ERR_OK;
	}
	if (!imap_is_admin(s))
		return ERR_NOT_FOUND;
	enum err e = directory_find_account(s->service->store, root, arena, &entry);
	if (!e)
		e = account_open(s->service->store, entry.id, ret);
	if (!e)
		*ret_address = entry.address;
	return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
}

/* -- GETQUOTA: §4.1.1 */

enum err
cmd_getquota(struct imap_session *s, struct imap_cmd *cmd)
{
	CLEANUP(account_unref) struct account *account = NULL;
	struct str root, address = {"", 0};
	struct quota q;

	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &root);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = open_root(s, root, cmd->arena, &account, &address);
	if (!e)
		e = account_quota(account, &q);
	if (!e && !is_limited(&q))
		e = ERR_NOT_FOUND;
	if (e)
		return e;
	write_quota(s->conn, root, &q);
	return ERR_OK;
}

/* -- GETQUOTAROOT: §4.1.2 */

/* The mailbox need not exist, for one's own account: its root is known. Of others' mailboxes §6
 * asks for the right to read, since usage tells what is in them. */
static enum err
find_governed(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	enum err e = imap_locate_folder(s, cmd, name, ret);

	if (e || ret->account == s->account)
		return e;
	e = imap_find_folder(s, cmd, name, ret);
	return !e && !(ret->rights & RIGHT_READ) ? ERR_DENIED : e;
}

enum err
cmd_getquotaroot(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder;
	struct str name, root = {"", 0};
	struct quota q;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = find_governed(s, cmd, name, &folder);
	if (!e && folder.account != s->account)
		e = directory_account_address(
		    s->service->store, account_id(folder.account), cmd->arena, &root);
	if (!e)
		e = account_quota(folder.account, &q);
	if (e)
		return e == ERR_SYNTAX && !cmd->args->c.err ? ERR_NOT_FOUND : e;
	conn_puts(s->conn, "* QUOTAROOT ");
	imap_write_mailbox(s, name);
	if (is_limited(&q)) {
		conn_puts(s->conn, " ");
		imap_write_astring(s->conn, root);
	}
	conn_puts(s->conn, "\r\n");
	write_quota(s->conn, root, &q);
	return ERR_OK;
}

/* -- SETQUOTA: §4.1.3 */

struct limits {
	uint64_t bytes, messages; /* 0: none */
	bool cannot; /* another resource, or a limit the store can't have */
};

static void
parse_limit(struct imap_args *a, void *arg)
{
	struct limits *l = arg;
	struct str resource;
	size_t at;

	imap_parse_atom(a, &resource);
	imap_parse_space(a);
	at = a->c.pos;
	uint64_t limit = imap_parse_number64(a);
	if (a->c.err)
		return;
	if (limit > RESOURCE_MAX) {
		a->c.pos = at;
		imap_parse_fail(a, ERR_SYNTAX, "a number of at most 63 bits");
	} else if (str_eq_nocase(resource, STR("STORAGE"))) {
		/* §3.1.2: 0 is no room at all. One octet is shown as 0, and no message fits. */
		l->bytes = limit > 0 ? limit * 1024 : 1;
		l->cannot |= limit > RESOURCE_MAX / 1024;
	} else if (str_eq_nocase(resource, STR("MESSAGE"))) {
		l->messages = limit;
		l->cannot |= limit == 0;
	} else {
		l->cannot = true;
	}
}

/* Limits are the administrators'; `pillarbox account quota` does the same. What is not listed is
 * not limited any more. */
enum err
cmd_setquota(struct imap_session *s, struct imap_cmd *cmd)
{
	CLEANUP(account_unref) struct account *account = NULL;
	struct limits limits = {0};
	struct str root, address = {"", 0};
	struct quota q;

	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &root);
	imap_parse_space(cmd->args);
	imap_parse_list(cmd->args, true, parse_limit, &limits);
	enum err e = imap_parse_end(cmd->args);
	if (!e && !imap_is_admin(s))
		e = ERR_DENIED;
	if (!e)
		e = open_root(s, root, cmd->arena, &account, &address);
	if (!e && limits.cannot) {
		imap_set_text(cmd, "STORAGE can be limited, and MESSAGE to one or more");
		e = ERR_CANNOT;
	}
	if (!e)
		e = directory_set_quota(s->service->store, address, limits.bytes, limits.messages);
	if (!e)
		e = account_quota(account, &q);
	if (!e)
		write_quota(s->conn, root, &q);
	return e;
}
