#include "pop3d/pop3_reply.h"

/* Codes: AUTH and SYS/… of RFC 3206, IN-USE of RFC 2449 §8.1.2. "Temporary" is what may be gone
 * when the client tries again; "permanent" is what someone must repair. */
static const struct pop3_error errors[ERR__COUNT] = {
    [ERR_OK] = {"", TEXT_NOOP},
    [ERR_SYNTAX] = {"", TEXT_SYNTAX},
    [ERR_SEQUENCE] = {"", TEXT_SEQUENCE},
    [ERR_UNKNOWN] = {"", TEXT_UNKNOWN},
    [ERR_PARAM] = {"", TEXT_SYNTAX},
    [ERR_TOO_LONG] = {"", TEXT_TOO_LONG},
    [ERR_BAD_CHARSET] = {"", TEXT_SYNTAX},
    [ERR_NEEDS_TLS] = {"", TEXT_NEEDS_TLS},
    [ERR_CANCELLED] = {"", TEXT_CANCELLED},
    [ERR_NOT_FOUND] = {"", TEXT_NO_SUCH_MESSAGE},
    [ERR_EXISTS] = {"", TEXT_REFUSED},
    [ERR_GONE] = {"", TEXT_GONE},
    [ERR_CANNOT] = {"", TEXT_REFUSED},
    [ERR_HAS_CHILDREN] = {"", TEXT_REFUSED},
    [ERR_READ_ONLY] = {"", TEXT_REFUSED},
    [ERR_DENIED] = {"SYS/PERM", TEXT_ASK_OPERATOR},
    [ERR_AUTH_FAILED] = {"AUTH", TEXT_AUTH_FAILED},
    [ERR_RELAY] = {"", TEXT_REFUSED},
    [ERR_NO_USER] = {"AUTH", TEXT_AUTH_FAILED},
    [ERR_OVER_QUOTA] = {"SYS/TEMP", TEXT_TRY_LATER},
    [ERR_TOO_BIG] = {"", TEXT_REFUSED},
    [ERR_LIMIT] = {"SYS/TEMP", TEXT_TRY_LATER},
    [ERR_LOOP] = {"", TEXT_REFUSED},
    [ERR_BUSY] = {"SYS/TEMP", TEXT_BUSY},
    [ERR_STALE] = {"SYS/TEMP", TEXT_TRY_LATER},
    [ERR_NO_SPACE] = {"SYS/TEMP", TEXT_TRY_LATER},
    [ERR_IO] = {"SYS/TEMP", TEXT_TRY_LATER},
    [ERR_CORRUPT] = {"SYS/PERM", TEXT_ASK_OPERATOR},
    [ERR_NOMEM] = {"SYS/TEMP", TEXT_TRY_LATER},
    [ERR_CONFIG] = {"SYS/PERM", TEXT_ASK_OPERATOR},
    [ERR_INTERNAL] = {"SYS/TEMP", TEXT_TRY_LATER},
};

const struct pop3_error *
pop3_error_of(enum err e)
{
	return &errors[(unsigned)e < ERR__COUNT ? e : ERR_INTERNAL];
}

void
pop3_ok(struct pop3_session *s, enum pop3_text text)
{
	conn_printf(s->conn, "+OK %s\r\n", pop3_text(s->language, text));
}

void
pop3_err_text(struct pop3_session *s, const char *code, enum pop3_text text)
{
	const char *words = pop3_text(s->language, text);

	if (code[0])
		conn_printf(s->conn, "-ERR [%s] %s\r\n", code, words);
	else
		conn_printf(s->conn, "-ERR %s\r\n", words);
}

void
pop3_err(struct pop3_session *s, enum err e)
{
	const struct pop3_error *row = pop3_error_of(e);

	pop3_err_text(s, row->code, row->text);
}

void
pop3_end_list(struct pop3_session *s)
{
	conn_puts(s->conn, ".\r\n");
}
