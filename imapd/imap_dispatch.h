/* imapd/imap_dispatch.h - from a whole command to its one tagged reply.
 *
 * A command's life: imap_run_command() finds its row and checks it, the handler runs; a pump or a
 * mode may take over; imap_finish() then tells what has happened in the mailbox meanwhile (as far
 * as the row allows) and writes the reply.
 */
#ifndef IMAPD_IMAP_DISPATCH_H
#define IMAPD_IMAP_DISPATCH_H

#include "imapd/imap_session.h"

/* `text`: the command as it stood on the wire, literals included, without the final CRLF; it lives
 * until the reply. `stream`: the literal that stands announced at its end (CMD_STREAMS), or NULL.
 */
enum imap_go imap_run_command(
    struct imap_session *s, struct str text, const struct imap_stream *stream);

/* The row allows the command at this moment: state, security, write access. */
bool imap_may_run(const struct imap_session *s, const struct imap_command *row);

/* The command in progress has ended with `e`: news, then the tagged reply, then the next command is
 * read. The way out for modes; handlers return `e` instead. */
enum imap_go imap_finish(struct imap_session *s, enum err e);

/* Goes on with the pump until its end, a full output buffer or the end of its share. */
enum imap_go imap_run_pump(struct imap_session *s);

/* The command in progress is going to take memory: ERR_NOMEM where that is as full as `refused_at`,
 * with a text that sends the client away for now. */
NODISCARD enum err imap_may_begin(
    struct imap_session *s, struct imap_cmd *cmd, enum fullness refused_at);
#define IMAP_NO_MEMORY "No memory for it now, try again later"

/* A complaint about something that was no command: "tag BAD [code] text", counted; too many end
 * the session. */
enum imap_go imap_complain(struct imap_session *s, const char *tag, enum err e, const char *text);

/* The row and the tag of a command whose text begins so, as far as they are there: for the reader,
 * which must know of CMD_STREAMS and CMD_SECRET early. */
const struct imap_command *imap_peek_command(struct str text, struct str *ret_tag);

#endif
