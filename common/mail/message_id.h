/* common/mail/message_id.h - the Message IDs in Message-ID, References and In-Reply-To (RFC 5322
 * §3.6.4, obsolete forms §4.5.4), normalised so that quoting makes no difference (RFC 5256 §3,
 * REFERENCES). Pure. */
#ifndef COMMON_MAIL_MESSAGE_ID_H
#define COMMON_MAIL_MESSAGE_ID_H

#include "common/base/sbuf.h"
#include "common/base/str.h"

/* Takes the next valid msg-id from *rest, a field body, and puts "left@right" without quotes,
 * blanks and comments into `out`, which is emptied first. What is no msg-id is skipped. False at
 * the end. Linear over all calls. */
bool message_id_next(struct str *rest, struct sbuf *out);
/* What stands between the angle brackets of "<left@right>"; what has none, as it is. */
struct str message_id_bare(struct str id);

#endif
