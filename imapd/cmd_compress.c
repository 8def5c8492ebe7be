/*
 * COMPRESS: RFC 4978. Four widely used clients turn it on as soon as they may.
 */
#include "imapd/imap_handlers.h"

enum err
cmd_compress(struct imap_session *s, struct imap_cmd *cmd)
{
	imap_parse_space(cmd->args);
	imap_parse_word(cmd->args, "DEFLATE");
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	if (conn_is_deflated(s->conn)) {
		imap_set_code(cmd, "COMPRESSIONACTIVE"); /* §3 */
		imap_set_text(cmd, "DEFLATE is active already");
		return ERR_CANNOT;
	}
	s->start_deflate = true;
	imap_set_text(cmd, "DEFLATE active");
	return ERR_OK;
}
