/*
 * CAPABILITY, NOOP, LOGOUT, CHECK, NAMESPACE, ID: RFC 3501 §6.1 and §6.4.1, RFC 2342, RFC 2971.
 */
#include "common/base/log.h"
#include "imapd/folder.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"

#define ID_PAIRS_MAX 30 /* RFC 2971 §3.3 */
#define ID_FIELD_MAX 30
#define ID_VALUE_MAX 1024

enum err
cmd_capability(struct imap_session *s, struct imap_cmd *cmd)
{
	CLEANUP(sbuf_done) struct sbuf caps = SBUF_INIT(IMAP_CAPABILITIES_MAX);
	enum err e = imap_parse_end(cmd->args);

	if (e)
		return e;
	imap_list_capabilities(s, &caps);
	conn_puts(s->conn, "* CAPABILITY ");
	conn_put(s->conn, sbuf_view(&caps));
	conn_puts(s->conn, "\r\n");
	return ERR_OK;
}

enum err
cmd_noop(struct imap_session *s, struct imap_cmd *cmd)
{
	(void)s;
	return imap_parse_end(cmd->args); /* the dispatcher tells the news */
}

enum err
cmd_logout(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (!e)
		imap_say_bye(s, NULL, "Logging out");
	return e;
}

/* mbsync holds its results back until a CHECK has succeeded: it means durable. */
enum err
cmd_check(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	return e ? e : account_sync(s->owner);
}

enum err
cmd_namespace(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (e)
		return e;
	conn_puts(s->conn, "* NAMESPACE ((\"\" \"/\")) ((\"" OTHER_USERS "\" \"/\")) NIL\r\n");
	return ERR_OK;
}

struct client_id {
	struct str field[ID_PAIRS_MAX];
	struct str value[ID_PAIRS_MAX];
	size_t n;
};

static void
parse_id_pair(struct imap_args *a, void *arg)
{
	struct client_id *id = arg;
	struct str field, value;

	imap_parse_string(a, &field);
	imap_parse_space(a);
	imap_parse_nstring(a, &value);
	if (a->c.err)
		return;
	if (id->n == ID_PAIRS_MAX || field.n > ID_FIELD_MAX || value.n > ID_VALUE_MAX) {
		imap_parse_fail(a, ERR_SYNTAX, "at most 30 fields of at most 30 octets each");
		return;
	}
	id->field[id->n] = field;
	id->value[id->n++] = value;
}

static struct str
id_value(const struct client_id *id, const char *field)
{
	for (size_t i = 0; i < id->n; i++)
		if (str_eq_nocase(id->field[i], str_of(field)))
			return id->value[i];
	return (struct str){"", 0};
}

enum err
cmd_id(struct imap_session *s, struct imap_cmd *cmd)
{
	struct client_id id = {.n = 0};

	imap_parse_space(cmd->args);
	if (!imap_accept_word(cmd->args, "NIL"))
		imap_parse_list(cmd->args, true, parse_id_pair, &id);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	if (id.n > 0)
		log_info("client", F_STR("name", id_value(&id, "name")),
		    F_STR("version", id_value(&id, "version")));
	conn_puts(s->conn, "* ID (\"name\" \"Pillarbox\")\r\n");
	return ERR_OK;
}
