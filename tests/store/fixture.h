/* tests/store/fixture.h - a fresh store with two accounts, and short ways to put mail into it. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "store/db.h"
#include "store/message.h"
#include "store/reader.h"
#include "store/view.h"

struct fixture {
	char *dir; /* data in dir/data, the bus in dir/run */
	struct store *store;
	struct account *a, *b;
	int64_t inbox, archive; /* of a */
	struct arena *arena;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Another store over the same directories, as another process has it. */
struct store *fixture_second(struct fixture *f, const char *process);

/* A message of exactly `size` octets (at least 20) that `seed` tells from others. Freed by the
 * caller. */
char *make_message(unsigned seed, size_t size);
/* A finished spool with these octets, written in pieces. */
struct spool *make_spool(struct fixture *f, const char *octets, size_t size);
/* Delivers to a's INBOX; gives the UID. */
uint32_t deliver_one(struct fixture *f, unsigned seed, size_t size);
/* All octets of a message; *ret_n their number. Freed by the caller. */
char *read_message(struct account *a, int64_t message, size_t *ret_n);
/* Fails the test unless the message has these octets. */
void ck_assert_holds(struct account *a, int64_t message, const char *octets, size_t size);

/* The mailbox of a as it is now. */
struct view *view_now(struct fixture *f, int64_t mailbox);
/* "1SA/word 2": S seen, A answered, F flagged, D deleted, R draft, then /keyword …; in
 * f->arena. */
const char *listing(struct fixture *f, int64_t mailbox);
int64_t message_of(struct fixture *f, int64_t mailbox, uint32_t uid);
/* An item of APPEND; its spool is the caller's to free. */
struct append append_of(struct fixture *f, const char *octets, size_t size, uint64_t flags);

/* The number of files below a's blobs/. */
unsigned count_blobs(const struct fixture *f, const struct account *a);
unsigned count_spool(const struct fixture *f);
/* A set of the UIDs in "1:3,7". */
struct uidset uids_of(struct fixture *f, const char *text);
/* The views for people (store/schema.h), until the read on this handle ends. */
void add_views(struct db *db);
/* Fails the test unless the counters, quota and references of `a` are what a recount gives. */
void ck_assert_counters(struct account *a);

#endif
