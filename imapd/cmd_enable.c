/*
 * ENABLE: RFC 5161.
 */
#include "imapd/imap_handlers.h"

/* What can be enabled, under its capability's name. `with`: what comes along with it. */
static const struct extension {
	const char *name;
	unsigned bit;
	unsigned with;
} extensions[] = {
    {"METADATA", EN_METADATA, 0}, {"CONDSTORE", EN_CONDSTORE, 0}, /* RFC 7162 §3.1 */
    {"QRESYNC", EN_QRESYNC, EN_CONDSTORE}, /* §3.2.3 */
    {"UIDONLY", EN_UIDONLY, 0}, /* RFC 9586 §3 */
    {"IMAP4rev2", EN_REV2, 0}, /* RFC 9051 §6.3.1 */
    {"UTF8=ACCEPT", EN_UTF8, 0}, /* RFC 6855 */
    {0}, /* the end */
};

static const struct extension *
find_extension(struct str name)
{
	for (const struct extension *x = extensions; x->name; x++)
		if (str_eq_nocase(name, str_of(x->name)))
			return x;
	return NULL;
}

/* §3.1: unknown names are ignored; §3.2: told are those that this command enabled. */
enum err
cmd_enable(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str name;
	unsigned asked = 0;

	imap_parse_space(cmd->args);
	do {
		imap_parse_atom(cmd->args, &name);
		const struct extension *x = find_extension(name);
		if (x && (x->bit != EN_UIDONLY || s->conf->imapd.uidonly))
			asked |= x->bit | x->with;
	} while (imap_accept_space(cmd->args));
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	unsigned fresh = asked & ~s->enabled;
	if (fresh & EN_CONDSTORE)
		imap_enable_condstore(s);
	s->enabled |= asked;
	conn_puts(s->conn, "* ENABLED");
	for (const struct extension *x = extensions; x->name; x++)
		if (fresh & x->bit)
			conn_printf(s->conn, " %s", x->name);
	conn_puts(s->conn, "\r\n");
	return ERR_OK;
}
