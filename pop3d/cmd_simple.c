/* The commands that touch no mail: CAPA, LANG, NOOP, STLS, UTF8. */
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"

/* "SASL PLAIN …", where there is a mechanism that may be used (RFC 5034 §3). */
static void
write_sasl(struct pop3_session *s)
{
	CLEANUP(sbuf_done) struct sbuf list = SBUF_INIT(400);

	sasl_list(&s->sasl_host, "", &list);
	if (sbuf_view(&list).n)
		conn_printf(s->conn, "SASL %s\r\n", sbuf_cstr(&list));
}

/* RFC 2449 §5: what is announced before login is announced after it, too. */
enum err
cmd_capa(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	(void)cmd;
	pop3_ok(s, TEXT_CAPABILITIES);
	for (size_t i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];
		if (row->capability && !pop3_check_command(s, row))
			conn_printf(s->conn, "%s\r\n", row->capability);
	}
	write_sasl(s);
	conn_puts(s->conn, "RESP-CODES\r\n" /* RFC 2449 §6.4 */
			   "AUTH-RESP-CODE\r\n" /* RFC 3206 §6 */
			   "PIPELINING\r\n"
			   "EXPIRE NEVER\r\n"
			   "IMPLEMENTATION Pillarbox\r\n");
	pop3_end_list(s);
	return ERR_OK;
}

static enum err
list_languages(struct pop3_session *s)
{
	pop3_ok(s, TEXT_LANGUAGES);
	for (int i = 0; i < LANGUAGE__COUNT; i++)
		conn_printf(s->conn, "%s %s\r\n", pop3_language_tag((enum pop3_language)i),
		    pop3_language_name((enum pop3_language)i));
	pop3_end_list(s);
	return ERR_OK;
}

/* RFC 6856 §3.2. An unknown language leaves the one in force and is no mistake that counts. */
enum err
cmd_lang(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	struct str range = str_trim(cmd->text);

	if (range.n == 0)
		return list_languages(s);
	if (!pop3_language_find(range, &s->language)) {
		pop3_err_text(s, "", TEXT_LANGUAGE_UNKNOWN);
		return ERR_OK;
	}
	conn_printf(s->conn, "+OK %s %s\r\n", pop3_language_tag(s->language),
	    pop3_text(s->language, TEXT_LANGUAGE_CHANGED));
	return ERR_OK;
}

enum err
cmd_noop(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	(void)cmd;
	pop3_ok(s, TEXT_NOOP);
	return ERR_OK;
}

/* RFC 2595 §4. The connection drops what came after the command; the session forgets the rest once
 * the handshake is done. */
enum err
cmd_stls(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	(void)cmd;
	if (s->utf8)
		return ERR_SEQUENCE; /* RFC 6856 §2.1 */
	pop3_ok(s, TEXT_BEGIN_TLS);
	s->start_tls = true;
	return ERR_OK;
}

/* RFC 6856 §2. Messages are given as they are stored in either mode: header fields with octets
 * beyond ASCII are far more often old mail than mail that needs this mode, and a refusal would keep
 * it from its owner for good. */
enum err
cmd_utf8(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	(void)cmd;
	s->utf8 = true;
	pop3_ok(s, TEXT_UTF8_ON);
	return ERR_OK;
}
