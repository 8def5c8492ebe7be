/* imapd/search_scope.h - what a session's search programs are read for. */
#ifndef IMAPD_SEARCH_SCOPE_H
#define IMAPD_SEARCH_SCOPE_H

#include "imapd/imap_session.h"
#include "imapd/search_parse.h"

/* The selected mailbox. */
struct search_scope imap_search_scope(struct imap_session *s, bool scored);

#endif
