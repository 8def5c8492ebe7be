/* imapd/imap_read.h - the mode that reads commands: lines, and literals until a command is whole
 * (RFC 3501 §2.2.1, §4.3, RFC 7888).
 *
 * Lines and literals of one command together are limited by imapd.max_line; only APPEND's message
 * is not gathered but handed on as it arrives. What is refused is answered and then thrown away as
 * it arrives, literals that come unasked included, so that no part of it is ever run as a command.
 */
#ifndef IMAPD_IMAP_READ_H
#define IMAPD_IMAP_READ_H

#include "imapd/imap_session.h"

/* A client that goes on sending refused octets before login is cut off here. */
#define IMAP_DRAIN_BEFORE_LOGIN (64 * 1024)

void imap_reader_init(struct imap_reader *r);
/* Wipes the text of a command that is over; what is being drained is drained on. */
void imap_reader_clear(struct imap_reader *r);
/* Forgets all that has been read, e.g. before TLS (RFC 3501 §6.2.1); wipes it. */
void imap_reader_reset(struct imap_reader *r);
/* The same, and gives its memory back. */
void imap_reader_release(struct imap_reader *r);

/* Where LITERAL+ is hidden, LITERAL- is in force: a larger literal has to be asked for, BAD
 * [TOOBIG] (RFC 7888 §5). */
#define IMAP_LITERAL_MINUS 4096
bool imap_may_come_unasked(const struct imap_session *s, uint64_t size);

/* The mode of a session without a command in progress. */
enum imap_go imap_read_command(struct imap_session *s, unsigned events);

enum imap_line {
	IMAP_LINE_PARTIAL,
	IMAP_LINE_WHOLE,
	IMAP_LINE_TOO_LONG, /* draining has begun */
	IMAP_LINE_BARE, /* a CR or NUL inside, or no CR at its end; consumed */
};
/* One line of at most `max` octets without its CRLF, for modes. A whole one is valid until
 * imap_line_done(), which consumes it. */
enum imap_line imap_take_line(struct imap_session *s, size_t max, struct str *ret);
void imap_line_done(struct imap_session *s, struct str line);

/* What comes next belongs to a command that was answered: `octets`, then the rest of its line, then
 * what that announces. */
void imap_drain(struct imap_session *s, uint64_t octets);

/* Longest command now, without APPEND's message. */
size_t imap_line_max(const struct imap_session *s);
/* Whether `octets` of a command may be held while the rest of it is to come: all that the limits of
 * lines allow, where memory is not short. */
bool imap_may_gather(const struct imap_session *s, size_t octets);

#endif
