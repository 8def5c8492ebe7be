/* tests/smtpd/fake.h - a session on the memory transport over a store that exists only here: it
 * answers as the headers of store promise, fails where a test wants it to, and keeps what was
 * delivered.
 *
 * What goes to other servers is kept as well.
 *
 * example.test is served: ann (1), bob (2), full (3: over quota), broken (4: its database is
 * damaged), dan (5: room for 1000 octets); aliases team (ann, bob), half (ann, full),
 * sales (ann). loop@, busy@ and disabled@ fail as their names say.
 */
#ifndef TESTS_SMTPD_FAKE_H
#define TESTS_SMTPD_FAKE_H

#include "smtpd/smtp_session.h"
#include "tests/support/dialogue.h"

#define FAKE_ACCOUNTS 6
#define FAKE_MESSAGES 256

struct fake_message {
	int64_t account;
	struct str text;
};

struct fake {
	struct conf *conf; /* may be changed before the session begins */
	struct service service;
	struct partial_table *partials;
	struct conn *conn;
	struct arena *arena;
	struct credential credential; /* of ann: "secret" */

	enum err deliver[FAKE_ACCOUNTS]; /* what message_deliver() gives for an account */
	struct sbuf trace; /* kinds of events and their recipients */
	uint64_t sent; /* by ann within an hour */
	bool sending_held, queue_held;
	enum fullness fullness; /* of memory */
	enum err spool_new;
	enum err spool_write; /* once `spool_room` octets are written */
	uint64_t spool_room;

	struct fake_message messages[FAKE_MESSAGES];
	size_t message_count;
	enum err queue_add; /* what that gives */
	struct fake_queued {
		enum queue_kind kind;
		struct str sender, rcpts; /* these separated by blanks */
		struct str text;
		int64_t account, release_s, expires_s;
		enum queue_body body;
		bool requiretls, tls_optional;
	} queued[FAKE_MESSAGES];
	size_t queued_count;
	size_t spools_open;
};

struct fake *fake_new(void);
void fake_free(struct fake **f);

/* Opens a session at one of the ports; the greeting is read and checked. */
void fake_open(struct fake *f, enum smtp_service service);
void fake_open_with(struct fake *f, const struct conn_memory_options *options);
void fake_close(struct fake *f);

/* One row, by line. */
void fake_say(struct fake *f, const char *send, const char *expect);
/* Sends octets, gives back all that came. */
struct str fake_feed(struct fake *f, struct str octets);

/* All rows on a fresh session and a fresh store, by line and by byte. `log_in` plays AUTH PLAIN as
 * ann first. */
void fake_play(enum smtp_service service, bool log_in, const struct dialogue *rows, size_t n);
#define PLAY(service, rows) fake_play((service), false, (rows), ARRAY_LEN(rows))

/* The text after the trace fields of message `i`; checks that they are there. */
struct str fake_body(const struct fake *f, size_t i);

#endif
