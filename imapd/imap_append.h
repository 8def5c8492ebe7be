/* imapd/imap_append.h - what reading and ending a session know of APPEND. */
#ifndef IMAPD_IMAP_APPEND_H
#define IMAPD_IMAP_APPEND_H

#include "common/base/str.h"

#include <stdbool.h>

struct append_state;

/* `text` is an APPEND up to the "{" of a literal: whether that literal is the message, not the
 * mailbox name. */
bool imap_append_is_message(struct str text);
/* Gives up an APPEND whose message has not come whole. */
void imap_append_release(struct append_state **a);

#endif
