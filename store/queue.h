/* store/queue.h - queue.db: mail on its way to other servers (and reports on their way to their
 * readers), with what became of the last attempt for each recipient.
 *
 * A message stands once; each of its recipients is a row with a state of its own. Octets lie in the
 * database up to a size, beyond it in a file beside it that is durable before the row commits. One
 * process runs the queue (queue_run_begin() holds a lock that dies with it), others may list and
 * change it: what a runner has in hand is not marked in the database, its results are recorded
 * on condition that the row is still there. So a runner that is killed leaves nothing to clean up,
 * and what it had in hand is simply due again.
 *
 * Thread-safe. Times are seconds since 1970 in *_s, milliseconds in *_ms.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "store/message.h"

struct sending_limits;

/* -- in */

enum queue_notify { /* RFC 3461 §4.1; 0: the default, FAILURE and DELAY */
	QUEUE_NOTIFY_SUCCESS = 1,
	QUEUE_NOTIFY_FAILURE = 2,
	QUEUE_NOTIFY_DELAY = 4,
	QUEUE_NOTIFY_NEVER = 8,
};

enum queue_body { QUEUE_7BIT, QUEUE_8BITMIME, QUEUE_BINARYMIME };
enum queue_ret { QUEUE_RET_DEFAULT, QUEUE_RET_FULL, QUEUE_RET_HDRS };

/* What a message is in the queue for. */
enum queue_kind {
	QUEUE_SUBMITTED, /* by an account of ours */
	QUEUE_FORWARDED, /* by an alias or a forward of ours; sealed */
	QUEUE_REPORT, /* by us: sender <> */
};

struct queue_new_rcpt {
	struct str address; /* its domain in ASCII form or UTF-8, as it came */
	struct str orcpt; /* "rfc822;…" decoded as it came, or empty */
	unsigned notify; /* enum queue_notify */
};

struct queue_new {
	enum queue_kind kind;
	int64_t account; /* that submitted it; 0 none */
	struct str sender; /* empty: <> */
	struct str envid; /* RFC 3461 §4.4, decoded */
	enum queue_ret ret;
	enum queue_body body;
	bool smtputf8; /* RFC 6531 */
	bool requiretls; /* RFC 8689 */
	bool tls_optional; /* RFC 8689 §4.2.2: "TLS-Required: No"; nothing beside requiretls */
	struct str trace_id; /* as the client and the log were told */
	struct str message_id; /* of the header, without <> */
	int64_t release_s; /* not before (RFC 4865); 0 at once */
	int64_t expires_s; /* given up then */
	bool held; /* not tried until released */
	/* Of the account: counted and asked in the same transaction (sending.h). NULL: neither. */
	const struct sending_limits *limits;
	const struct queue_new_rcpt *rcpts; /* at least one */
	size_t rcpt_count; /* QUEUE_RCPTS_MAX */
};

#define QUEUE_RCPTS_MAX 100000 /* of one message */

/* The message in `spool`, durable on return. ERR_LIMIT (the account may send no more, or there
 * are too many recipients), ERR_DENIED (its sending is held), ERR_NO_SPACE, ERR_IO, ERR_NOMEM.
 * *ret_id is the message's; ids only rise. Threads that add at the same time share a sync. */
NODISCARD enum err queue_add(
    struct store *s, struct spool *spool, const struct queue_new *q, int64_t *ret_id);

/* The same for a message of the queue whose recipients are ours and lead elsewhere: it goes on, as
 * a message of its own, to those of `q` to whom it did not go on before. ERR_OK also when there are
 * none. What becomes of its recipients is recorded later: an attempt that nobody recorded is made
 * again, and passes on what is left. */
NODISCARD enum err queue_pass_on(
    struct store *s, int64_t message, struct spool *spool, const struct queue_new *q);

/* -- the runner */

/* This process runs the queue from now on. ERR_BUSY: another does. */
NODISCARD enum err queue_run_begin(struct store *s);
void queue_run_end(struct store *s);

/* `changed` is called after anything was added or changed by any process (through the bus), on
 * whatever thread: must not block. Not called for what queue_record() takes away or puts off. At
 * most one watcher; NULL takes it away: no call is running or will come when it returns. */
void queue_watch(struct store *s, void (*changed)(void *arg), void *arg);

struct queue_domain {
	struct str domain; /* of recipients, ASCII, lower case */
	int64_t due_ms; /* of the first one not held */
	uint64_t recipients; /* not held */
};
/* Domains that have recipients that are not held, first due first. In `arena`. Looks at all
 * recipients: for the start, and for when queue_news() says that people changed something. */
NODISCARD enum err queue_domains(
    struct store *s, struct arena *arena, struct queue_domain **ret, size_t *ret_n);

enum queue_state { QUEUE_WAITING, QUEUE_HELD };

struct queue_rcpt {
	int64_t id;
	int64_t message;
	struct str address;
	struct str domain;
	struct str orcpt;
	unsigned notify;
	enum queue_state state;
	uint32_t attempts;
	bool delay_told;
	bool give_up; /* by QUEUE_FAIL: not tried any more, its sender is to be told */
	int64_t next_ms; /* the next attempt */
	struct str last_reply; /* or why there was none; may be empty */
	struct str last_host; /* whose words these are; may be empty */
};

struct queue_message {
	int64_t id;
	enum queue_kind kind;
	int64_t account;
	struct str sender;
	struct str envid;
	enum queue_ret ret;
	enum queue_body body;
	bool smtputf8, requiretls, tls_optional;
	struct str trace_id;
	struct str message_id;
	int64_t created_s, expires_s;
	uint64_t size;
};

/* What came since: up to `max` recipients that are not held and whose ids are beyond `after`, by
 * id; the highest id of all that are there in *ret_last (from where to ask on when fewer than `max`
 * came). *ret_edits rises whenever a person changed recipients or pauses: all is to be read anew.
 * In `arena`. */
NODISCARD enum err queue_news(struct store *s, int64_t after, size_t max, struct arena *arena,
    struct queue_rcpt **ret, size_t *ret_n, int64_t *ret_last, uint64_t *ret_edits);

/* Up to `max` recipients of `domain` that are due by `now_ms` and come after (`after_ms`,
 * `after_id`) in the order (next_ms, id). */
NODISCARD enum err queue_due(struct store *s, struct str domain, int64_t now_ms, int64_t after_ms,
    int64_t after_id, size_t max, struct arena *arena, struct queue_rcpt **ret, size_t *ret_n);
/* ERR_NOT_FOUND. */
NODISCARD enum err queue_message_get(
    struct store *s, int64_t message, struct arena *arena, struct queue_message *ret);

/* The same without words, for choosing who is next, and also of those that are not due yet. */
struct queue_brief {
	int64_t id;
	int64_t message;
	int64_t next_ms;
	struct str sender; /* the message's */
	bool tls_optional; /* the message's */
};
NODISCARD enum err queue_brief(struct store *s, struct str domain, int64_t after_ms,
    int64_t after_id, size_t max, struct arena *arena, struct queue_brief **ret, size_t *ret_n);
/* A message and those of its recipients `ids` that are still there and not held, in one read.
 * ERR_NOT_FOUND: the message is no more. */
NODISCARD enum err queue_job_get(struct store *s, int64_t message, const int64_t *ids, size_t n,
    struct arena *arena, struct queue_message *ret_message, struct queue_rcpt **ret, size_t *ret_n);

/* The octets of a message, to be read piece by piece by one thread at a time; holds no lock and no
 * database handle between calls. ERR_NOT_FOUND when it is no more. */
struct queue_octets;
NODISCARD enum err queue_octets_open(struct store *s, int64_t message, struct queue_octets **ret);
/* *ret_n octets from `offset` on: `n`, or fewer at the end, 0 behind it. */
NODISCARD enum err queue_octets_read(
    struct queue_octets *o, uint64_t offset, char *to, size_t n, size_t *ret_n);
uint64_t queue_octets_size(const struct queue_octets *o);
void queue_octets_close(struct queue_octets **o);
/* Octets from elsewhere under the same four functions: fields put in front, a message re-encoded.
 * `read` is asked for at least one octet that is there, and may give fewer than it is asked for;
 * `close` (may be NULL) is called once with `arg`, also when this fails (ERR_NOMEM). */
struct queue_octets_source {
	enum err (*read)(void *arg, uint64_t offset, char *to, size_t n, size_t *ret_n);
	void (*close)(void *arg);
};
NODISCARD enum err queue_octets_make(
    const struct queue_octets_source *source, void *arg, uint64_t size, struct queue_octets **ret);

/* What became of one recipient in one attempt. */
enum queue_outcome {
	QUEUE_DELIVERED, /* the row goes */
	QUEUE_FAILED, /* the row goes; the sender is told by `report` of the same call, if at all */
	QUEUE_DEFERRED, /* attempts + 1 (unless `put_off`), next_ms, last_* */
	QUEUE_DELAY_TOLD, /* as DEFERRED, and the sender is told by `report` */
	QUEUE_PUT_BACK, /* no attempt was made after all: next_ms only */
};

struct queue_result {
	int64_t rcpt;
	enum queue_outcome outcome;
	bool put_off; /* nobody was asked for it: no attempt */
	int64_t next_ms;
	struct str reply; /* "550 5.1.1 No such user", or our own words */
	struct str host; /* "mx1.example.net[192.0.2.1]", or empty */
	int64_t suppress_until_s; /* the address is not tried again until then (suppression.h); 0 */
};

/* Records what became of recipients of one message, in one transaction; with the last recipient the
 * message goes. `report` (spool and envelope of a message of kind QUEUE_REPORT) is added in the
 * same transaction, so that a sender is told once; NULL: nobody is told. A row that somebody
 * dropped meanwhile is passed over; when all of them were, no report is added. A row that was held
 * or given up meanwhile stays so. Committed on return, and synced where a report was added. */
struct queue_report {
	struct spool *spool;
	const struct queue_new *envelope;
};
NODISCARD enum err queue_record(struct store *s, int64_t message, const struct queue_result *r,
    size_t n, const struct queue_report *report);

/* The same for several messages of which nobody is told, in one transaction: all or nothing. */
struct queue_recorded {
	int64_t message;
	const struct queue_result *results;
	size_t n;
};
NODISCARD enum err queue_record_many(struct store *s, const struct queue_recorded *items, size_t n);

/* -- for people: ctl */

struct queue_filter { /* empty members match all */
	int64_t message; /* 0 any */
	int64_t rcpt; /* 0 any */
	int64_t account; /* that submitted it; 0 any */
	struct str sender; /* address, "@domain", or "<>" */
	struct str recipient; /* likewise */
	struct str domain;
	int64_t older_s; /* at least so old */
	int state; /* enum queue_state, -1 any */
};

struct queue_listed {
	struct queue_message message;
	struct queue_rcpt rcpt;
};
/* Calls `each` for each recipient that matches, by message and recipient, in one consistent read of
 * constant memory; `each` returns ERR_OK to go on. Strings live during the call. */
NODISCARD enum err queue_list(struct store *s, const struct queue_filter *f,
    enum err (*each)(const struct queue_listed *l, void *arg), void *arg);

enum queue_change {
	QUEUE_RETRY, /* due now, unless held; for later (release_s): only one that f names by number
		      */
	QUEUE_HOLD,
	QUEUE_RELEASE, /* those held; and due now, unless for later */
	QUEUE_DROP, /* gone; nobody is told */
	QUEUE_FAIL, /* given up at the next look of the runner, which tells the sender */
};
/* *ret_n recipients were changed (also after a failure), in bounded steps; durable on return. The
 * trace has it. */
NODISCARD enum err queue_change(
    struct store *s, const struct queue_filter *f, enum queue_change what, uint64_t *ret_n);

/* The clock was set by so much, to what it shows now, and *ret_n recipients were changed. Where it
 * went back, what is to be tried later than now is tried so much sooner. By more than
 * QUEUE_CLOCK_JUMP_MS in either direction, messages keep their age and what is left of their time,
 * and forward their recipients the wait for the next attempt, where it ends in the first half of
 * the jump (else they are tried early, which harms nobody). The hour until which a client wants one
 * to be held (RFC 4865) stays. What was written by the new clock already is left alone. */
NODISCARD enum err queue_clock_moved(struct store *s, int64_t by_ms, uint64_t *ret_n);
#define QUEUE_CLOCK_JUMP_MS 3600000
/* The same where it is not known by how much, as at the start: what is due later than `longest_ms`,
 * the longest time between two attempts, is due now, and what came from the future came now.
 * Reads only, where there is nothing of that kind. */
NODISCARD enum err queue_clock_bound(struct store *s, int64_t longest_ms, uint64_t *ret_n);

struct queue_counts {
	uint64_t messages, octets;
	uint64_t waiting, held; /* recipients */
	uint64_t deferred; /* of those waiting, that were tried before */
	int64_t oldest_s; /* when the oldest message came; 0 none */
};
NODISCARD enum err queue_count(struct store *s, struct queue_counts *ret);
/* Integrity of queue.db, what its rows say of each other and of files. Problems are written as
 * lines to `report`; ERR_CORRUPT if there are any. */
NODISCARD enum err queue_check(struct store *s, struct sbuf *report);
/* Whether a process runs the queue. */
bool queue_is_run(struct store *s);
/* The number of a recipient in its message, as people see it: 0 is the first. */
int64_t queue_rcpt_number(int64_t rcpt);
int64_t queue_rcpt_id(int64_t message, int64_t number);

/* Pauses: recipients of `name` (a domain, or an MX host with a leading "mx:") are not tried until
 * it is taken away. `reason` for people. */
struct queue_pause {
	struct str name;
	struct str reason;
	int64_t since_s;
};
NODISCARD enum err queue_pause_set(struct store *s, struct str name, struct str reason);
NODISCARD enum err queue_pause_remove(struct store *s, struct str name); /* ERR_NOT_FOUND */
NODISCARD enum err queue_pauses(
    struct store *s, struct arena *arena, struct queue_pause **ret, size_t *ret_n);

#endif
