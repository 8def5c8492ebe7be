/* pop3d/pop3_reply.h - status lines: "+OK text", "-ERR [code] text" (RFC 1939 §3, RFC 2449 §8). */
#ifndef POP3D_POP3_REPLY_H
#define POP3D_POP3_REPLY_H

#include "pop3d/pop3_session.h"

/* What an error says: the response code ("" for none) and the text. */
struct pop3_error {
	const char *code;
	enum pop3_text text;
};

/* The row of `e`; there is one for each, ERR_OK's means nothing. */
const struct pop3_error *pop3_error_of(enum err e);

/* "+OK text" */
void pop3_ok(struct pop3_session *s, enum pop3_text text);
/* "-ERR [code] text"; code "" for none. */
void pop3_err_text(struct pop3_session *s, const char *code, enum pop3_text text);
/* "-ERR …" as the table has it. */
void pop3_err(struct pop3_session *s, enum err e);
/* The line that ends a multi-line response. */
void pop3_end_list(struct pop3_session *s);

#endif
