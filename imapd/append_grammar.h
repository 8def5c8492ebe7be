/* imapd/append_grammar.h - what APPEND and REPLACE say besides octets, piece by piece.
 *
 * RFC 3501 §6.3.11, MULTIAPPEND (RFC 3502), literal8 (RFC 3516 §7), CATENATE (RFC 4469 §5), UTF8
 * (RFC 6855 §4) and REPLACE (RFC 8508 §5), with the frame of RFC 4466 §3: append-message =
 * append-opts SP append-data. The command comes in several texts, each up to the announcement of a
 * literal that is streamed; a grammar remembers where the last one ended. Pure.
 */
#ifndef IMAPD_APPEND_GRAMMAR_H
#define IMAPD_APPEND_GRAMMAR_H

#include "imapd/imap_parse.h"

#define APPEND_MESSAGES_MAX 1000 /* of one command: ERR_LIMIT */
#define APPEND_PARTS_MAX 1000 /* of CATENATE in one command: ERR_LIMIT */

struct append_grammar {
	enum {
		APPEND_AT_MESSAGE, /* or at the end */
		APPEND_AT_DATA,
		APPEND_AT_PART,
		APPEND_PAST_OCTETS,
		APPEND_PAST_PART,
	} where;
	bool replace; /* one message and no more */
	bool catenate; /* within its parentheses */
	bool utf8; /* within those of UTF8 */
	unsigned messages, parts;
};

enum append_event {
	APPEND_BEGIN, /* a message: its flags and date */
	APPEND_OCTETS, /* the text ends with the announcement of octets of it */
	APPEND_URL, /* octets of another message */
	APPEND_END, /* of the message */
	APPEND_DONE, /* of the command */
	APPEND_MISTAKE, /* in a->c */
};

struct append_piece {
	struct flag_list flags;
	struct date date; /* now where none is given */
	struct str url;
	bool binary; /* of octets: a literal8 outside UTF8, which may hold anything */
};

/* What comes next in `a`, the text behind the mailbox name or behind octets. */
enum append_event append_next(
    struct append_grammar *g, struct imap_args *a, struct append_piece *ret);

/* The head: the mailbox, and for REPLACE before it the message, 0 for "*". */
void append_parse_head(
    struct imap_args *a, bool replace, uint32_t *ret_number, struct str *ret_mailbox);

/* `text` of a command, or what followed octets of it (then `g` is where that began), ends with the
 * announcement of a literal: whether that is of octets, or whether there is a mistake before it and
 * the handler should say so now; else it is an argument. */
bool append_takes_literal(const struct append_grammar *g, struct str text, bool whole_command);

#endif
