/* pop3d/pop3_dispatch.h - from a line to a handler and its reply. */
#ifndef POP3D_POP3_DISPATCH_H
#define POP3D_POP3_DISPATCH_H

#include "pop3d/pop3_commands.h"

/* Runs the command in `line`, or goes on with AUTH; writes the -ERR line of what fails. The line's
 * octets are wiped when they held a secret. */
void pop3_dispatch(struct pop3_session *s, struct str line);

/* Goes on with an AUTH that waited for somebody else than the client (s->sasl_waits). */
void pop3_resume_auth(struct pop3_session *s);

/* A line that is no command at all: too long, or with bare CR, LF or NUL. Ends an AUTH. */
void pop3_refuse_line(struct pop3_session *s, enum err e);

/* Whether a line is the start of an HTTP request: a browser was made to speak to this port, and
 * what follows was chosen by a web page (ALPACA). */
bool pop3_is_http(struct str line);

#endif
