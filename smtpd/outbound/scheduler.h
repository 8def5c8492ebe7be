/* smtpd/outbound/scheduler.h - who is served next: turns of destinations, of senders, of messages;
 * how many connections each destination gets.
 *
 * Pure logic over the queue's rows and the clock (clock.h): it dials nobody and reads no database.
 * Its owner (runner.h) asks for the next step, carries it out and says how it went. One lock of its
 * own; thread-safe.
 *
 * - Destinations (the hosts of a route, what TLS each owes, the login) whose best hosts are the
 * same share a window of connections that begins at `first_window`, grows by one with each window's
 * worth of success and is halved by failure (to one), never beyond `max_window`. Until a
 * destination has answered once it gets one connection only. A destination none of whose hosts
 * answers is dead for a while that doubles: its rows are put off without being tried, what falls
 * due after that is its probe, and nobody else waits for it: who has not answered yet takes no
 * connection away from those who have.
 * - Destinations take turns for the connections that are free in all (`max_connections`).
 * - Within a destination lanes take turns: domains whose mail may go over the same connection,
 * since their routes ask for the same hosts and the same TLS. Within a lane senders take turns, a
 * sender's messages are served in the order of their time, and the recipients of one message go
 * together, up to JOB_RCPTS_MAX in a transaction.
 * - Memory: at most `max_rows` rows; of a domain at most its fair share, the rest is read when that
 * is used up.
 */
#ifndef SMTPD_OUTBOUND_SCHEDULER_H
#define SMTPD_OUTBOUND_SCHEDULER_H

#include "smtpd/outbound/job.h"
#include "smtpd/outbound/route.h"

struct scheduler;

struct scheduler_options {
	uint32_t max_connections; /* 0: nothing is picked */
	uint32_t first_window, max_window;
	uint32_t connection_reuse; /* messages */
	int64_t dead_first_ms, dead_max_ms; /* how long a destination is dead at first, at most */
	size_t max_rows;
	/* Called with the scheduler's lock held, on whatever thread: must not block nor call back.
	 * A link that was told to wait may ask again: `owner` is the link's. */
	void (*wake)(void *arg, void *owner);
	/* There may be a step now. */
	void (*poke)(void *arg);
	void *arg;
};

/* Attempts under way at destinations that have not answered yet, beside max_connections. */
#define SCHEDULER_ATTEMPTS_MAX 1000
#define SCHEDULER_FINDS_MAX 500 /* routes asked for at a time */
#define SCHEDULER_PAGE_MAX 1000 /* rows of a domain read at a time */
#define SCHEDULER_IDLE_MS 5000 /* a connection is kept so long for another message */
#define SCHEDULER_LOCAL_MAX 4 /* deliveries into the local store at a time */
#define SCHEDULER_DAMAGED_MS (60 * 60 * 1000) /* what is damaged is looked at again after that */
#define SCHEDULER_DAMAGED_MAX 1000 /* rows that are known to be; others count as unread */

/* `o` is copied. NULL without memory. */
struct scheduler *scheduler_new(const struct scheduler_options *o);
/* After every link is closed and every pick done. */
void scheduler_free(struct scheduler **s);
/* A reload; what is under way stays. */
void scheduler_set_options(struct scheduler *s, const struct scheduler_options *o);
/* No step and no pick any more. */
void scheduler_drain(struct scheduler *s);
/* Nothing is opened and nothing picked until it is called with false: what became of what was
 * picked can't be recorded. */
void scheduler_block(struct scheduler *s, bool blocked);

/* -- what there is to send -- */

/* Recipients of the domain `name` (ASCII, lower case) are due at `due_ms` (since 1970). Without
 * memory it is forgotten until the queue is looked through again. */
void scheduler_due(struct scheduler *s, struct str name, int64_t due_ms);
/* A person asked for another try: nobody counts as dead any more, nor anything as damaged. */
void scheduler_forgive(struct scheduler *s);
/* Replaces what is paused: domains, and hosts as "mx:NAME". A host that is paused is asked for
 * nothing, as one that does not answer: mail goes to the next hosts of its domain, and waits
 * where there is none. */
void scheduler_pause(struct scheduler *s, const struct str *names, size_t n);
/* For those who dial. */
bool scheduler_pauses_host(struct scheduler *s, struct str host);

/* -- steps -- */

enum scheduler_what {
	SCHEDULER_NOTHING, /* until `wait_ms` from now (INT64_MAX: for ever), or poke() */
	SCHEDULER_FIND, /* the route of `domain`: answer with scheduler_found() */
	SCHEDULER_LOAD, /* rows of `domain`: answer with scheduler_loaded() */
	SCHEDULER_OPEN, /* `link`: ends with scheduler_close() */
};

struct scheduler_domain;
struct scheduler_link;

struct scheduler_step {
	enum scheduler_what what;
	int64_t wait_ms;
	struct scheduler_domain *domain; /* valid until it is answered */
	int64_t after_ms, after_id; /* LOAD: rows behind these, in the order (next_ms, id) */
	size_t max;
	struct scheduler_link *link;
};

void scheduler_next_step(struct scheduler *s, struct scheduler_step *ret);
/* Valid until the domain's step is answered. */
struct str scheduler_domain_name(const struct scheduler_domain *d);

/* The reference of `r` becomes the scheduler's. NULL: there was no memory, it is asked for again.
 */
void scheduler_found(struct scheduler *s, struct scheduler_domain *d, struct route *r);

struct scheduler_row {
	int64_t id;
	int64_t message;
	struct str sender;
	int64_t next_ms;
	bool tls_optional; /* of the message: it goes by route->relaxed */
};
/* `rows` in their order, due ones only; `more`: there were as many as asked for; `next_ms`: when
 * the first one after them is due, INT64_MAX: there is none. */
void scheduler_loaded(struct scheduler *s, struct scheduler_domain *d,
    const struct scheduler_row *rows, size_t n, bool more, int64_t next_ms);

/* -- links: connections, and what stands for them -- */

enum scheduler_mode {
	SCHEDULER_DIAL, /* a connection, by the route */
	SCHEDULER_LOCAL, /* into the local store */
	SCHEDULER_SETTLE, /* no attempt: what `verdict` says becomes of every message */
};

/* Why recipients are not tried: the words of a route that leads nowhere, or of the last attempt at
 * a dead destination. */
struct scheduler_verdict {
	bool permanent;
	bool tls; /* every host was asked, and none proved itself as TLS is owed to it */
	uint16_t code; /* 0: our own words */
	struct str status; /* "4.4.1" */
	struct str reply;
	struct str host; /* or empty */
	int64_t tried_ms; /* the end of the attempt; 0: there was none. Set by scheduler_close() */
};

enum scheduler_mode scheduler_link_mode(const struct scheduler_link *l);
struct route *scheduler_link_route(const struct scheduler_link *l);
const struct scheduler_verdict *scheduler_link_verdict(const struct scheduler_link *l);
/* What wake() is called with; before the first scheduler_pick(). */
void scheduler_link_set_owner(struct scheduler_link *l, void *owner);

/* The host of its route that it is at: where that is paused, nothing more is picked. */
void scheduler_link_set_host(struct scheduler_link *l, size_t host);

/* A message and recipients of it that go in one transaction. */
struct scheduler_pick;
enum scheduler_choice {
	SCHEDULER_JOB, /* *ret_pick, until scheduler_done() */
	SCHEDULER_WAIT, /* ask again after *ret_wait_ms, or when woken */
	SCHEDULER_QUIT,
};
/* The link is ready for another message. The first call says that the other side has answered.
 * Nothing is picked while an earlier pick of the same link is not done. */
enum scheduler_choice scheduler_pick(struct scheduler *s, struct scheduler_link *l,
    struct scheduler_pick **ret_pick, int64_t *ret_wait_ms);
int64_t scheduler_pick_message(const struct scheduler_pick *p);
size_t scheduler_pick_count(const struct scheduler_pick *p);
int64_t scheduler_pick_row(const struct scheduler_pick *p, size_t i);
/* How often it was picked before, and put back whole. */
uint32_t scheduler_pick_tries(const struct scheduler_pick *p);

enum scheduler_fate {
	SCHEDULER_RECORDED, /* gone, or due again at a later time: the queue has it */
	SCHEDULER_UNREAD, /* could not be read: looked for again after a while */
	SCHEDULER_DAMAGED, /* nor will it soon: others go on without it */
	SCHEDULER_BACK, /* not recorded: to be picked again, before others of its sender */
};
enum scheduler_success { SCHEDULER_GOOD, SCHEDULER_BAD, SCHEDULER_NEITHER };
/* `fates[i]` of each row. `success` moves the destination's window. Ends the pick. */
void scheduler_done(struct scheduler *s, struct scheduler_pick *p, const enum scheduler_fate *fates,
    enum scheduler_success success);

enum scheduler_end {
	SCHEDULER_FINE,
	SCHEDULER_BROKE, /* after it had answered */
	SCHEDULER_DEAD, /* none of the hosts answers: `verdict` */
};
/* The link is over, and no more. `verdict` is copied. */
void scheduler_close(struct scheduler *s, struct scheduler_link *l, enum scheduler_end how,
    const struct scheduler_verdict *verdict);

struct scheduler_figures {
	size_t domains, rows, destinations, connections, attempts;
};
void scheduler_look(struct scheduler *s, struct scheduler_figures *ret);

#endif
