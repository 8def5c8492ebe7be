/* tests/imapd/imap_fixture.h - IMAP sessions over memory connections, on a fresh store with the
 * account "ann@example.test".
 *
 *	static const struct dialogue copy_dialogue[] = { {"1 SELECT Inbox", "* 3 EXISTS\n1 OK"}, …
 *}; DIALOGUE_TEST(copy_speaks, copy_dialogue, "Inbox:3") // by line, by byte
 *
 * A mailbox argument is "name:count": the mailbox is made if it is not there, and holds that many
 * messages "Subject: message N", UIDs from 1, INTERNALDATE 17-Jul-1996 02:44:25 -0700. Sessions are
 * logged in without a password; imap_fixture_stranger() gives one that is not.
 */
#ifndef TESTS_IMAPD_IMAP_FIXTURE_H
#define TESTS_IMAPD_IMAP_FIXTURE_H

#include "imapd/imap_session.h"
#include "store/directory.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "tests/support/dialogue.h"

#define FIXTURE_CONNS 8
#define FIXTURE_USER "ann@example.test"
#define FIXTURE_PASSWORD "correct horse"

struct imap_fixture {
	const char *dir;
	struct conf *conf;
	struct store *store;
	struct service *service;
	int64_t account_id;
	struct account *account;
	struct conn *conn; /* the first, logged in, its greeting taken */
	struct imap_session *session; /* of conn */
	struct conn *conns[FIXTURE_CONNS];
	size_t conn_count;
	struct arena *arena;
};

/* imap_fixture_open("Inbox:3", "Full:0") */
#define imap_fixture_open(...)                                                                     \
	imap_fixture_open_with((const char *const[]){__VA_ARGS__, NULL}, NULL)
/* `options` are lines for the configuration file, or NULL. */
struct imap_fixture *imap_fixture_open_with(const char *const *mailboxes, const char *options);
void imap_fixture_close(struct imap_fixture **f);

/* Another connection, logged in to the same account. */
struct conn *imap_fixture_connect(struct imap_fixture *f);
/* One that is logged in to another account, which is made if it is not there. */
struct conn *imap_fixture_connect_as(struct imap_fixture *f, const char *address);
/* One that has only been opened; its greeting is not taken. `options` may be NULL. */
struct conn *imap_fixture_stranger(
    struct imap_fixture *f, const struct conn_memory_options *options);
/* Closes the connection made last. */
void imap_fixture_drop(struct imap_fixture *f);

void imap_fixture_make(struct imap_fixture *f, const char *mailbox);
/* Puts a message into a mailbox behind the sessions' backs; its UID. */
uint32_t imap_fixture_deliver(struct imap_fixture *f, const char *mailbox, struct str message);
/* Deletes the messages that are in no mailbox any more, as the store does some time later. */
void imap_fixture_clean(struct imap_fixture *f);
/* The mailbox's id and how many messages it has; 0 if it is not there. */
int64_t imap_fixture_mailbox(struct imap_fixture *f, const char *mailbox);
uint32_t imap_fixture_count(struct imap_fixture *f, const char *mailbox);
void imap_fixture_set_quota(struct imap_fixture *f, uint64_t bytes, uint64_t messages);

/* One row on the fixture's first connection, or on another. */
#define ck_exchange(f, send, expect) ck_exchange_on((f)->conn, (send), (expect))
void ck_exchange_on(struct conn *c, const char *send, const char *expect);
/* What came back, whole. Lives as long as the fixture. */
struct str imap_fixture_ask(struct imap_fixture *f, struct conn *c, const char *send);

void imap_fixture_dialogue(
    const struct dialogue *rows, size_t n, const char *const *mailboxes, bool by_byte);

#define DIALOGUE_TEST(name, rows, ...)                                                             \
	START_TEST(name)                                                                           \
	{                                                                                          \
		const char *const boxes_[] = {__VA_ARGS__, NULL};                                  \
		imap_fixture_dialogue(rows, ARRAY_LEN(rows), boxes_, false);                       \
		imap_fixture_dialogue(rows, ARRAY_LEN(rows), boxes_, true);                        \
	}                                                                                          \
	END_TEST

#endif
