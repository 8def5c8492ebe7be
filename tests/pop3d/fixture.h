/* tests/pop3d/fixture.h - a store with ann@example.test ("open sesame") and her INBOX, and POP3
 * connections to it over memory. */
#ifndef TESTS_POP3D_FIXTURE_H
#define TESTS_POP3D_FIXTURE_H

#include "pop3d/pop3_session.h"
#include "tests/support/dialogue.h"

struct pop3_fixture {
	const char *dir;
	struct store *store;
	struct conf *conf;
	struct service *service;
	struct arena *arena;
	int64_t account;
};

/* A fresh store with these messages in INBOX. */
struct pop3_fixture *pop3_fixture_open(const char *const *messages, size_t n);
void pop3_fixture_close(struct pop3_fixture **f);
void pop3_fixture_deliver(struct pop3_fixture *f, struct str message);
/* How many messages INBOX holds now. */
uint32_t pop3_fixture_count(struct pop3_fixture *f);
/* Deletes the messages that are in no mailbox any more, as the store does some time later. */
void pop3_fixture_clean(struct pop3_fixture *f);
/* Removes the message at that place, as another session would, and cleans. */
void pop3_fixture_remove(struct pop3_fixture *f, uint32_t seq);

/* A connection, greeting pending; NULL options: local, plain. */
struct conn *pop3_connect(struct pop3_fixture *f, const struct conn_memory_options *options);
/* A connection that is logged in, all output taken. */
struct conn *pop3_login(struct pop3_fixture *f);
/* All output that is there, as a C string of the fixture's arena. */
const char *pop3_output(struct pop3_fixture *f, struct conn *c);
/* One line there, what comes back. */
const char *pop3_ask(struct pop3_fixture *f, struct conn *c, const char *line);

/* Runs the rows on a fresh connection to a fresh store, by line and by byte. */
void pop3_dialogue(const char *const *messages, size_t message_count,
    const struct conn_memory_options *options, const struct dialogue *rows, size_t n);

#define MESSAGE_ONE "Subject: one\r\n\r\nfirst line\r\n.dot\r\n..\r\n"
#define MESSAGE_TWO "Subject: two\r\nX: y\r\n\r\n1\r\n2\r\n3\r\n"
#define MESSAGE_THREE                                                                              \
	"Subject: three\r\n\r\nGr\xc3\xbc\xc3\x9f"                                                 \
	"e\r\n"
extern const char *const pop3_three_messages[3];

#define POP3_GREETING                                                                              \
	{                                                                                          \
		NULL, "+OK"                                                                        \
	}
#define POP3_LOGIN                                                                                 \
	{                                                                                          \
		"USER ann@example.test\nPASS open sesame", "+OK\n+OK"                              \
	}

#endif
