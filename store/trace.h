/* store/trace.h - trace.db: what became of mail, from its acceptance to the other side's reply, so
 * that "where did my mail go?" has an answer for some weeks.
 *
 * Whoever makes an event notes it in memory, which costs nothing that could be felt; the store's
 * tick writes what was noted within a second, in batches, not synced: a killed process loses the
 * last second of its trace, never any mail. What comes faster than it can be written is counted and
 * lost (a line in the log says so). Thread-safe.
 */
#ifndef STORE_TRACE_H
#define STORE_TRACE_H

#include "common/base/arena.h"
#include "store/store.h"

/* The names are what people see and what stands in the database. */
#define TRACE_KINDS(X)                                                                             \
	X(ACCEPTED, "accepted") /* by us; `host` is the client, `text` how (ESMTPSA …) */        \
	X(STORED, "stored") /* in a mailbox here */                                                \
	X(DELIVERED, "delivered") /* the other side took it */                                     \
	X(DEFERRED, "deferred") /* tried, to be tried again */                                     \
	X(FAILED, "failed") /* given up */                                                         \
	X(REPORTED, "reported") /* its sender was sent a report: `text` says of what */            \
	X(EXPANDED, "expanded") /* an alias or forward: `text` has the new recipients */           \
	X(REFUSED, "refused") /* never accepted */                                                 \
	X(HELD, "held")                                                                            \
	X(RELEASED, "released")                                                                    \
	X(RETRIED, "retried") /* by a person */                                                    \
	X(DROPPED, "dropped") /* by a person, nobody was told */                                   \
	X(GIVEN_UP, "given-up") /* by a person; FAILED follows */

enum trace_kind {
#define X(name, text) TRACE_##name,
	TRACE_KINDS(X)
#undef X
	    TRACE__COUNT
};
const char *trace_kind_name(enum trace_kind k);

struct trace_event {
	enum trace_kind kind;
	int64_t at_ms; /* since 1970; 0: now */
	/* of the message; an id that was noted before need not bring the others */
	struct str trace_id; /* as the client, the log and the queue have it */
	struct str message_id; /* of the header, without <> */
	struct str sender;
	uint64_t size;
	int64_t account; /* that submitted it, or 0 */
	/* of the event; each may be empty */
	struct str recipient;
	struct str host; /* "mx1.example.net[192.0.2.1]:25" */
	struct str tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384 dane" */
	struct str text; /* "250 2.0.0 Ok: queued as 4XyZ" */
};

#define TRACE_STRING_MAX 1000 /* octets of each string; what is beyond is cut */
#define TRACE_PENDING_MAX (16u * 1024 * 1024) /* octets in memory */

/* Copies. Never fails for the caller, never waits for the disk. */
void trace_note(struct store *s, const struct trace_event *e);
/* Writes what was noted so far: for the end of a program, and tests. The first failure. */
NODISCARD enum err trace_flush(struct store *s);

struct trace_filter { /* empty members match all; addresses without regard to case */
	struct str trace_id;
	struct str message_id;
	struct str sender; /* address, or "@domain" */
	struct str recipient; /* likewise: messages that have an event for it */
	int64_t since_s, until_s; /* messages with an event between the two; 0 open */
	uint64_t max_messages; /* the latest ones; 0: TRACE_FOUND_MAX */
};

#define TRACE_FOUND_MAX 100000

struct trace_found {
	int64_t message; /* the same for all events of one message */
	struct trace_event event; /* strings live during the call */
};
/* Calls `each` for every event of the messages that match: by message, then in the order of time.
 */
NODISCARD enum err trace_find(struct store *s, const struct trace_filter *f,
    enum err (*each)(const struct trace_found *x, void *arg), void *arg);

/* Integrity of trace.db, as queue_check(). */
NODISCARD enum err trace_check(struct store *s, struct sbuf *report);

#endif
