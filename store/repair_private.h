/* store/repair_private.h - what the parts of a repair share. Only for store/. */
#ifndef STORE_REPAIR_PRIVATE_H
#define STORE_REPAIR_PRIVATE_H

#include "store/entries.h"
#include "store/repair.h"
#include "store/salvage.h"

struct repair_entry {
	int64_t mailbox;
	struct entry e;
};

struct repair {
	int64_t account;
	const char *blobs; /* the directory */
	struct salvage *salvage;
	struct repaired *result;
	struct sbuf *report;
	struct db *db; /* the new one, in its transaction */
	struct repair_entry *entries;
	size_t n, cap;
};

/* repair_rows.c: one more entry. */
NODISCARD enum err repair_add_entry(struct repair *r, struct repair_entry entry);
/* All rows that can be read are put into r->db, entries into r->entries. */
NODISCARD enum err repair_load(struct repair *r);
/* repair_messages.c: messages without their octets go, rows of octets without a message come. */
NODISCARD enum err repair_messages(struct repair *r);
/* repair_mailboxes.c: pages of entries, what has no mailbox any more, counters. */
NODISCARD enum err repair_mailboxes(struct repair *r);

#endif
