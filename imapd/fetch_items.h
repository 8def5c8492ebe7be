/* imapd/fetch_items.h - what a FETCH asks for: fetch-att and its macros (RFC 3501 §9, §6.4.5).
 * Pure; everything lives in the command's arena.
 */
#ifndef IMAPD_FETCH_ITEMS_H
#define IMAPD_FETCH_ITEMS_H

#include "imapd/fetch_body.h"
#include "imapd/imap_parse.h"

enum fetch_kind {
	FETCH_FLAGS,
	FETCH_UID,
	FETCH_MODSEQ, /* RFC 7162 §3.1.4.2 */
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_EMAILID, /* RFC 8474 §5.3 */
	FETCH_THREADID,
	FETCH_SAVEDATE, /* RFC 8514 §4.2 */
	FETCH_ENVELOPE,
	FETCH_BODYSTRUCTURE,
	FETCH_BODY, /* BODYSTRUCTURE without extension data */
	/* from here on octets of the message are read */
	FETCH_BINARY, /* a part decoded: RFC 3516 */
	FETCH_BINARY_SIZE,
	FETCH_PREVIEW, /* RFC 8970 */
	FETCH_PREVIEW_FUZZY, /* the same as its drafts had it, and SNIPPET */
	FETCH_SECTION, /* BODY[…], RFC822, RFC822.HEADER, RFC822.TEXT */
};

struct fetch_item {
	enum fetch_kind kind;
	struct str label; /* its name in the response */
	struct section section;
	struct partial partial;
};

#define FETCH_ITEMS_MAX 500 /* of one command: ERR_LIMIT */
#define FETCH_PATH_MAX 250 /* part numbers of one section: no message is deeper, so BAD */

struct fetch_items {
	struct fetch_item *item;
	size_t n;
	size_t cap;
	bool sets_seen; /* some section was asked for without PEEK */
};

/* Reads "ALL", "FAST", "FULL", one item or a list of them. With `uid` (UID FETCH) the UID is among
 * them, first unless asked for elsewhere (RFC 3501 §6.4.8). */
void fetch_parse_items(struct imap_args *a, bool uid, struct fetch_items *ret);
/* Adds an item that has neither section nor size, unless it is there; at the end. */
void fetch_add_item(struct imap_args *a, struct fetch_items *items, enum fetch_kind kind);
/* A copy that lives in `arena`. ERR_NOMEM. */
NODISCARD enum err fetch_copy_items(
    struct arena *arena, const struct fetch_items *from, struct fetch_items *ret);
/* Adds those of `from` that are not among them; in `arena`, but for the texts of `from`. ERR_NOMEM.
 */
NODISCARD enum err fetch_merge_items(
    struct arena *arena, const struct fetch_items *from, struct fetch_items *items);
bool fetch_has_item(const struct fetch_items *items, enum fetch_kind kind);

#endif
