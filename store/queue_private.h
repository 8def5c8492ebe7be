/* store/queue_private.h - what the files of the queue share, and what stands in queue.db beside it
 * (suppression, sending). Private to store/. */
#ifndef STORE_QUEUE_PRIVATE_H
#define STORE_QUEUE_PRIVATE_H

#include "store/database.h"
#include "store/queue.h"
#include "store/store_private.h"

#include <limits.h>

/* A message's recipients follow each other, so that no index is needed to find them. */
#define QUEUE_RCPT_SHIFT 20
#define QUEUE_RCPT_ID(message, i) (((int64_t)(message) << QUEUE_RCPT_SHIFT) | (int64_t)(i))
#define QUEUE_RCPT_MESSAGE(rcpt) ((rcpt) >> QUEUE_RCPT_SHIFT)
#define QUEUE_FILE_NAME 32 /* hexadecimal digits */
#define QUEUE_DOMAIN_ARENA 4096

/* One per store. */
struct queue {
	struct store *store;
	struct database database; /* queue.db, once `opened` */
	char *dir; /* DIR/queue: octets of large messages */
	atomic_bool opened;
	atomic_bool running; /* this process runs the queue */
	atomic_bool doomed; /* there may be rows of doomed_file */
	pthread_mutex_t mu; /* for what follows, and for opening */
	int lock_fd; /* -1, or the lock of who runs the queue */
	struct watch *watch; /* of queue_watch() */
};

/* -- of queue_open.c */

/* From store_open() and store_close(). Opens nothing yet. */
NODISCARD enum err queue_new(struct store *s, struct queue **ret);
void queue_free(struct queue **q);
/* From store_tick(), after the syncs: removes files whose message is gone. */
void queue_tick(struct queue *q);
/* queue.db, made where it is missing. */
NODISCARD enum err queue_database(struct store *s, struct database **ret);
/* read_begin() of it. */
NODISCARD enum err queue_read_begin(struct store *s, struct handle **ret);
/* DIR/queue/<name>. */
NODISCARD enum err queue_file_path(const struct queue *q, struct str name, char out[PATH_MAX]);
/* Something was added or changed: tells whoever runs the queue. */
void queue_poke(struct queue *q);

/* -- of queue_add.c: a message on its way in, for transactions that do more than add it */

struct queue_adding {
	const struct queue_new *q;
	struct arena *arena; /* the domains */
	struct str *domains; /* of the recipients */
	struct str octets; /* or, with a file, empty */
	uint64_t size;
	char name[QUEUE_FILE_NAME + 1]; /* of the file, or "" */
	char path[PATH_MAX];
	bool noted; /* the transaction looks after the file */
	int64_t id; /* the message's, once added */
};
/* What can be done before the transaction; `spool` is held until the end. Whatever comes of it,
 * queue_adding_done() follows. */
NODISCARD enum err queue_adding_begin(
    struct store *s, struct spool *spool, const struct queue_new *q, struct queue_adding *ret);
NODISCARD enum err queue_adding_in_txn(struct txn *t, struct queue_adding *a);
void queue_adding_done(struct queue_adding *a);

/* -- of queue_record.c */

/* The message goes if it has no recipients any more. *ret_doomed: with a file, of which
 * queue_note_doomed() tells the tick after the commit. */
NODISCARD enum err queue_drop_empty(struct txn *t, int64_t message, bool *ret_doomed);
void queue_note_doomed(struct queue *q);

/* -- of sending.c and suppression.c */

struct sending_limits;
/* Counts recipients of the account. ERR_LIMIT, ERR_DENIED. */
NODISCARD enum err sending_in_txn(struct txn *t, int64_t account,
    const struct sending_limits *limits, const struct queue_new_rcpt *rcpts, size_t n);
/* `address` as it came. What is no address is left alone. */
NODISCARD enum err suppression_in_txn(struct txn *t, struct str address, struct str reply,
    struct str host, int64_t since_s, int64_t until_s);

/* -- of queue_read.c */

/* What stands in message.requiretls. */
enum queue_tls { QUEUE_TLS_AS_POLICY, QUEUE_TLS_REQUIRED, QUEUE_TLS_OPTIONAL };

/* The domain of an address as rows have it: ASCII, lower case; of "[192.0.2.1]" and of what is no
 * domain its own octets. In `arena`; ERR_NOMEM. */
NODISCARD enum err queue_domain_of(struct str address, struct arena *arena, struct str *ret);
/* Columns of rcpt and message as queue_take_rcpt() and queue_take_message() read them. */
#define QUEUE_RCPT_COLUMNS                                                                         \
	" r.id, r.address, r.domain, r.orcpt, r.notify, r.state, r.attempts, r.delay_told,"        \
	" r.give_up, r.next_ms, r.last_reply, r.last_host "
#define QUEUE_RCPT_COLUMN_COUNT 12
#define QUEUE_MESSAGE_COLUMNS                                                                      \
	" m.id, m.kind, m.account, m.sender, m.envid, m.ret, m.body, m.smtputf8, m.requiretls,"    \
	" m.trace_id, m.message_id, m.created_s, m.expires_s, m.size "
/* The columns from `column` on. Strings are copied into `arena`, or with NULL live until the next
 * step. Failures are the arena's. */
struct queue_rcpt queue_take_rcpt(struct stmt *st, int column, struct arena *arena);
struct queue_message queue_take_message(struct stmt *st, int column, struct arena *arena);
/* The message with this id. ERR_NOT_FOUND. */
NODISCARD enum err queue_read_message(
    struct db *db, int64_t id, struct arena *arena, struct queue_message *ret);

/* -- of queue_list.c */

/* A filter made fit for comparing; `domain` lives in the arena it was made with. */
struct queue_match {
	const struct queue_filter *f;
	struct str domain, recipient_domain; /* as rows have them; empty: any */
	int64_t first, last; /* ids of recipients */
	int64_t created_before_s;
};
NODISCARD enum err queue_match_make(
    const struct queue_filter *f, struct arena *arena, struct queue_match *ret);
bool queue_matches(const struct queue_match *m, const struct queue_listed *l);
/* Recipients from ?1 to ?2 by id; columns as QUEUE_RCPT_COLUMNS, then QUEUE_MESSAGE_COLUMNS. */
extern const char queue_list_sql[];

/* For operations: people changed something, the runner has to look at everything anew. */
NODISCARD enum err queue_note_edit(struct txn *t);

#endif
