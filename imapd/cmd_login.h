/* imapd/cmd_login.h - what LOGIN and AUTHENTICATE share. */
#ifndef IMAPD_CMD_LOGIN_H
#define IMAPD_CMD_LOGIN_H

#include "imapd/imap_session.h"

/* Counts and logs that the exchange (s->sasl) failed and holds the answer back; other errors than
 * ERR_AUTH_FAILED are returned at once. For a handler's last line; from a mode, s->mode is then
 * imap_hold_reply. */
NODISCARD enum err imap_login_failed(struct imap_session *s, struct imap_cmd *cmd, enum err e);
/* The same where it was not judged, since too many are logging in. */
NODISCARD enum err imap_login_put_off(struct imap_session *s, struct imap_cmd *cmd);
/* No exchange is under way; one of `mechanism` may be put in s->sasl, over s->sasl_host. */
void imap_begin_exchange(struct imap_session *s, struct str mechanism);
/* An exchange (s->sasl) took a step: what it came to. For a handler's last line. */
NODISCARD enum err imap_login_step(struct imap_session *s, struct imap_cmd *cmd,
    enum sasl_status status, struct str challenge, enum err e);
/* "[CAPABILITY …] Logged in" */
void imap_set_capability_code(struct imap_session *s, struct imap_cmd *cmd);

#endif
