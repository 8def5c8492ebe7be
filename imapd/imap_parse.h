/* imapd/imap_parse.h - one function per production of RFC 3501 §9, over a cursor that remembers the
 * first mistake.
 *
 * A handler reads all its arguments and asks once, with imap_parse_end(). After a mistake every
 * function does nothing and gives empty results. Slices given out point into the command's text or
 * its arena. Literals stand in the text as on the wire: "{5}" CRLF and their octets.
 * The productions are pure.
 */
#ifndef IMAPD_IMAP_PARSE_H
#define IMAPD_IMAP_PARSE_H

#include "common/base/arena.h"
#include "common/base/cursor.h"
#include "common/mail/date.h"
#include "store/message.h"
#include "store/uidset.h"
#include "store/view.h"

struct imap_args {
	struct cursor c;
	struct arena *arena;
	bool utf8; /* the client has enabled UTF-8: mailbox names are not in modified UTF-7 */
	const struct uidset *saved; /* "$" (RFC 5182); NULL: there is none such */
};

/* RFC 3501 §9 */
bool imap_is_atom_char(unsigned char ch); /* ATOM-CHAR */
bool imap_is_astring_char(unsigned char ch); /* ATOM-CHAR or "]" */
bool imap_is_tag_char(unsigned char ch); /* ASTRING-CHAR but "+" */
bool imap_is_list_char(unsigned char ch); /* list-char: ATOM-CHAR, "%", "*", "]" */
bool imap_is_base64_char(unsigned char ch);

void imap_args_init(struct imap_args *a, struct str text, struct arena *arena);
/* Records a mistake; see cursor_fail(). */
enum err imap_parse_fail(struct imap_args *a, enum err e, const char *expected);
/* One SP. */
void imap_parse_space(struct imap_args *a);
/* SP if there is one: `if (imap_accept_space(a)) …` for optional arguments. */
bool imap_accept_space(struct imap_args *a);
void imap_parse_char(struct imap_args *a, char ch, const char *expected);
bool imap_accept_char(struct imap_args *a, char ch);
/* Nothing may follow. The first mistake, or ERR_OK. */
NODISCARD enum err imap_parse_end(struct imap_args *a);
/* The next octet, -1 at the end or after a mistake. */
int imap_peek(const struct imap_args *a);

void imap_parse_atom(struct imap_args *a, struct str *ret);
/* Takes the atom `word` if it stands next as a whole, ASCII case ignored. */
bool imap_accept_word(struct imap_args *a, const char *word);
void imap_parse_word(struct imap_args *a, const char *word);
uint32_t imap_parse_nz_number(struct imap_args *a);
uint64_t imap_parse_number64(struct imap_args *a);
void imap_parse_astring(struct imap_args *a, struct str *ret);
void imap_parse_string(struct imap_args *a, struct str *ret);
/* NIL gives ret->p == NULL. */
void imap_parse_nstring(struct imap_args *a, struct str *ret);
/* nstring / literal8 (RFC 3516 §7), which may hold NUL. */
void imap_parse_nstring8(struct imap_args *a, struct str *ret);
/* mailbox: an astring, decoded from modified UTF-7 to UTF-8, INBOX in capitals. One with octets
 * above 0x7f is UTF-8 already (RFC 6855 §3), as all are where a->utf8. A name that is not valid
 * modified UTF-7 is a failure of ERR_CANNOT. */
void imap_parse_mailbox(struct imap_args *a, struct str *ret);
/* list-mailbox: with wildcards, decoded; a pattern that is no modified UTF-7 becomes a NULL slice,
 * which matches nothing. */
void imap_parse_list_mailbox(struct imap_args *a, struct str *ret);

/* sequence-set, resolved to the UIDs it means in `view`, normalised. Sequence numbers beyond the
 * view (and "*" in an empty one) are a mistake (RFC 3501 §9, seq-number); UIDs need not exist, and
 * "*" is then the highest UID, or nothing in an empty mailbox. Reversed ranges are accepted. "$" is
 * what a search has saved (RFC 5182), whatever is left of it. */
void imap_parse_msgset(struct imap_args *a, const struct view *view, bool uid, struct uidset *ret);
/* The same of sequence numbers that need not exist: a search for them finds nothing (RFC 7377 §2).
 * `view` may be NULL, which has none. */
void imap_parse_found_set(struct imap_args *a, const struct view *view, struct uidset *ret);
/* uid-set or sequence-set without a mailbox: plain numbers, "*" not allowed. */
void imap_parse_uid_set(struct imap_args *a, struct uidset *ret);

/* flag-list "(…)"; imap_parse_flags() also takes the flags bare, as STORE allows. \Recent is a
 * mistake, an unknown \Flag too; the same flag twice is one. */
void imap_parse_flag_list(struct imap_args *a, struct flag_list *ret);
void imap_parse_flags(struct imap_args *a, struct flag_list *ret);

/* date: days since 1970; with or without quotes. */
int32_t imap_parse_date(struct imap_args *a);
/* date-time, quoted. */
void imap_parse_date_time(struct imap_args *a, struct date *ret);

/* "(" item *(SP item) ")"; item reads one. Empty lists only if `may_be_empty`. */
typedef void imap_parse_item(struct imap_args *a, void *arg);
void imap_parse_list(struct imap_args *a, bool may_be_empty, imap_parse_item *item, void *arg);

/* The literal announced at the very end of `line`: "{5}", "{5+}". False if there is none. A number
 * past UINT64_MAX counts as UINT64_MAX. *ret_at is where the "{" stands. */
bool imap_find_literal(
    struct str line, uint64_t *ret_size, bool *ret_synchronising, size_t *ret_at);

#endif
