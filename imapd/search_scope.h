/* imapd/search_scope.h - what a session's search programs are read for. */
#ifndef IMAPD_SEARCH_SCOPE_H
#define IMAPD_SEARCH_SCOPE_H

#include "imapd/imap_session.h"
#include "imapd/search_parse.h"

/* `view`: of the mailbox that is searched; NULL: not known yet, the program is only looked at. */
struct search_scope imap_search_scope(struct imap_session *s, const struct view *view, bool scored);

#endif
