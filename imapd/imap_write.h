/* imapd/imap_write.h - values in wire form (RFC 3501 §9), straight into the connection's output.
 */
#ifndef IMAPD_IMAP_WRITE_H
#define IMAPD_IMAP_WRITE_H

#include "common/mail/date.h"
#include "common/net/conn.h"
#include "store/uidset.h"
#include "store/view.h"

struct imap_session;

/* Quoted where it can be, else a literal. */
void imap_write_string(struct conn *c, struct str s);
/* NIL for a NULL slice. */
void imap_write_nstring(struct conn *c, struct str s);
/* An atom where it can be, else as imap_write_string(). */
void imap_write_astring(struct conn *c, struct str s);
/* A mailbox name, UTF-8: as it is for a client that has enabled UTF-8, to others in modified UTF-7.
 */
void imap_write_mailbox(struct imap_session *s, struct str name);
/* "(\Seen $Label)"; `view` names the keywords. */
void imap_write_flags(struct conn *c, const struct view *view, uint64_t flags, bool recent);
/* The same with "\*" at its end if `any`: new keywords can be made (RFC 3501 §7.1). */
void imap_write_permanent_flags(struct conn *c, const struct view *view, uint64_t flags, bool any);
/* The flags of an entry of s->told, with \Recent as the session has it. */
void imap_write_entry_flags(
    struct conn *c, const struct imap_session *s, const struct view_entry *e);
/* "\"22-Nov-2026 14:03:11 +0100\"" */
void imap_write_internaldate(struct conn *c, int64_t utc_s, int32_t zone_s);
/* "1:3,7" */
void imap_write_uidset(struct conn *c, const struct uidset *set);
void imap_write_u64(struct conn *c, uint64_t n);

#endif
