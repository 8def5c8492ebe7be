/* imapd/imap_append.h - APPEND and REPLACE while their messages come: what is read as commands are
 * read, octets that go into spools as they arrive, octets copied from stored messages.
 *
 * What can be refused is refused before the client is asked to send it. All messages of a command
 * are stored or none (RFC 3502).
 */
#ifndef IMAPD_IMAP_APPEND_H
#define IMAPD_IMAP_APPEND_H

#include "imapd/append_grammar.h"
#include "imapd/imap_session.h"

struct append_state;

#define APPEND_TEXT_MAX (1024 * 1024) /* all that is said between octets: ERR_TOO_LONG */
#define APPEND_FILES_MAX 64 /* messages of one command too large for memory: ERR_LIMIT */
#define APPEND_MEMORY_MAX (32 * 1024 * 1024) /* all others together: ERR_LIMIT */

/* `text` is a command of a row with CMD_STREAMS that ends with the announcement of a literal:
 * whether that is for its handler, now. */
bool imap_append_takes_literal(struct str text);
/* Gives up an APPEND whose messages have not come whole. */
void imap_append_release(struct append_state **a);

#endif
