/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA: RFC 2087 §4. One root, named "", holds the whole account where
 * it has a limit; without any there is no root, since a QUOTA must list a resource (RFC 9208 §7).
 */
#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"

/* RFC 2087 §3: STORAGE counts units of 1024 octets. */
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
write_quota(struct conn *c, const struct quota *q)
{
	conn_puts(c, "* QUOTA \"\" (");
	if (q->bytes_limit > 0)
		conn_printf(c, "STORAGE %llu %llu", (unsigned long long)kilo(q->bytes_used),
		    (unsigned long long)(q->bytes_limit / 1024));
	if (q->messages_limit > 0)
		conn_printf(c, "%sMESSAGE %llu %llu", q->bytes_limit > 0 ? " " : "",
		    (unsigned long long)q->messages_used, (unsigned long long)q->messages_limit);
	conn_puts(c, ")\r\n");
}

enum err
cmd_getquota(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str root;
	struct quota q;

	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &root);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = account_quota(s->account, &q);
	if (e)
		return e;
	if (root.n > 0 || !is_limited(&q))
		return ERR_NOT_FOUND;
	write_quota(s->conn, &q);
	return ERR_OK;
}

enum err
cmd_getquotaroot(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder;
	struct str name;
	struct quota q;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = imap_find_folder(s, cmd, name, &folder);
	if (!e)
		e = account_quota(folder.account, &q);
	if (e)
		return e;
	conn_puts(s->conn, "* QUOTAROOT ");
	imap_write_mailbox(s, name);
	conn_puts(s->conn, is_limited(&q) ? " \"\"\r\n" : "\r\n");
	if (is_limited(&q))
		write_quota(s->conn, &q);
	return ERR_OK;
}

static void
parse_limit(struct imap_args *a, void *arg)
{
	struct str resource;

	(void)arg;
	imap_parse_atom(a, &resource);
	imap_parse_space(a);
	imap_parse_number64(a);
}

/* Limits are the administrator's (`pillarbox account quota`). */
enum err
cmd_setquota(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str root;

	(void)s;
	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &root);
	imap_parse_space(cmd->args);
	imap_parse_list(cmd->args, true, parse_limit, NULL);
	enum err e = imap_parse_end(cmd->args);
	return e ? e : ERR_DENIED;
}
