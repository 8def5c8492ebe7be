/* store/entries.h - the entries of mailboxes in the database: reading and changing their pages.
 * Only for store/. Inside of the caller's transaction or consistent read; a page that is not what
 * it should be is ERR_CORRUPT, logged with the path of the file.
 */
#ifndef STORE_ENTRIES_H
#define STORE_ENTRIES_H

#include "store/db.h"
#include "store/entry_page.h"

/* -- one page at a time */

/* The page with the first entry of the mailbox whose UID is >= `uid`; p->n is 0 without one. *p is
 * the page the caller had, going through the mailbox, or n is 0. */
NODISCARD enum err page_advance(struct db *db, int64_t mailbox, uint32_t uid, struct page *p);

/* -- many pages */

/* Guard: page_scan_done. The page lives until the next step. */
struct page_scan {
	struct db *db;
	struct stmt *st;
	struct page page;
	uint64_t modseq; /* the page's, and its octets, until the next step */
	struct str octets;
	uint32_t last_uid; /* of the page before, in the same mailbox */
	bool in_order;
};

/* All pages of a mailbox in UID order. */
NODISCARD enum err page_scan_mailbox(struct db *db, int64_t mailbox, struct page_scan *s);
/* Those with entries changed after `modseq`, in any order. */
NODISCARD enum err page_scan_changed(
    struct db *db, int64_t mailbox, uint64_t modseq, struct page_scan *s);
/* Those of all mailboxes. */
NODISCARD enum err page_scan_account(struct db *db, struct page_scan *s);
NODISCARD enum err page_scan_next(struct page_scan *s, bool *ret_page);
void page_scan_done(struct page_scan *s);

/* -- changing them; entries in UID order */

/* Puts entries behind all others of the mailbox. */
NODISCARD enum err entries_append(struct db *db, int64_t mailbox, const struct entry *e, size_t n);
/* Entries that exist: their flags and modseqs become what `e` says. */
NODISCARD enum err entries_update(struct db *db, int64_t mailbox, const struct entry *e, size_t n);
/* Takes entries that exist out. */
NODISCARD enum err entries_remove(struct db *db, int64_t mailbox, const struct entry *e, size_t n);
/* Brings all entries of `from` into `to`, which has none, under their UIDs, with this modseq. */
NODISCARD enum err entries_rehome(struct db *db, int64_t from, int64_t to, uint64_t modseq);

#endif
