/* imapd/imap_capability.h - what the server offers now (RFC 3501 §6.1.1). */
#ifndef IMAPD_IMAP_CAPABILITY_H
#define IMAPD_IMAP_CAPABILITY_H

#include "imapd/imap_session.h"

#define IMAP_CAPABILITIES_MAX 2048

/* "IMAP4rev1 LITERAL+ …": what the session's state and security allow, without what
 * imapd.hide_capabilities names. */
void imap_list_capabilities(struct imap_session *s, struct sbuf *out);
/* The configuration, or the account, has this one hidden. */
bool imap_hides(const struct imap_session *s, struct str name);
/* STARTTLS is possible here and now. */
bool imap_may_start_tls(const struct imap_session *s);

#endif
