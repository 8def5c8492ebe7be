/* smtpd/outbound/scheduler_private.h - what scheduler*.c share. All of it is guarded by the
 * scheduler's lock, which every function here expects to be held.
 *
 *	provider ─ destinations ─ lanes ─ senders ─ groups (of a message) ─ rows (its recipients)
 */
#ifndef SMTPD_OUTBOUND_SCHEDULER_PRIVATE_H
#define SMTPD_OUTBOUND_SCHEDULER_PRIVATE_H

#include "smtpd/outbound/list.h"
#include "smtpd/outbound/scheduler.h"
#include "smtpd/outbound/table.h"

#define HEAP_NONE SIZE_MAX
#define RETRY_MEMORY_MS 1000 /* what found no memory is tried again then */

/* A domain that has recipients in the queue. */
struct scheduler_domain {
	struct table_node node; /* in scheduler.domains */
	struct list turn; /* in to_find or to_load */
	size_t heap_i; /* its place in the heap of those who are to be looked at later */
	int64_t look_ms; /* when */
	int64_t after_ms, after_id; /* rows up to these were loaded */
	int64_t not_before_ms; /* nothing is loaded until then, clock_mono_ms() */
	int64_t slack_ms; /* when it was last looked at from further back */
	size_t in_hand; /* rows in memory */
	size_t waiting; /* of these, not picked */
	bool out; /* its route or rows are being fetched */
	bool more; /* there are, or may be, rows due that are not loaded */
	bool paused;
	struct lane *lane; /* of `route` */
	struct lane *relaxed; /* of route->relaxed; NULL: the same */
	struct route *route; /* NULL: not known */
	struct str name; /* follows the struct */
};

struct row {
	struct table_node node; /* in scheduler.rows */
	int64_t id;
	struct scheduler_domain *domain;
	struct list turn; /* in scheduler.damaged */
	int64_t rests_until_ms; /* when it is there; clock_mono_ms() */
};

/* A message and rows of it, waiting or picked: a group until it is picked. */
struct scheduler_pick {
	struct table_node node; /* in scheduler.groups, while it may get more rows */
	bool open; /* it is */
	struct list turn; /* in sender.groups */
	struct sender *sender; /* while it waits */
	struct lane *lane;
	struct scheduler_link *link; /* that picked it, while that is there */
	int64_t message;
	uint32_t tries;
	size_t n, cap;
	struct row **rows;
	struct str from; /* the sender; follows the struct */
};

struct sender {
	struct table_node node; /* in scheduler.senders */
	struct list turn; /* in lane.senders */
	struct list groups;
	struct lane *lane;
	struct str name; /* follows the struct */
};

struct lane {
	struct list turn; /* in destination.lanes */
	struct destination *destination;
	struct route *route; /* the newest */
	struct list senders;
	struct list idle; /* links that wait for a message */
	size_t waiting; /* groups */
	size_t opening, idling; /* links that will ask for one */
	size_t users; /* domains, links and picks */
	bool paused;
	struct str key; /* follows the struct */
};

enum vitality { UNPROVEN, ALIVE, DEAD };
/* Turns are taken by kind, so that who has not answered keeps nobody waiting who has. */
enum ring { RING_INSIDE, RING_ALIVE, RING_UNPROVEN, RING__COUNT };

/* The hosts of the best preference of its destinations; of a smart host that one. */
struct provider {
	struct table_node node; /* in scheduler.providers */
	size_t users; /* destinations */
	struct list limited; /* destinations that want a link beyond the window */
	size_t links; /* of all its destinations */
	size_t opening; /* of them, not answered yet */
	size_t idling; /* of them, waiting for a message */
	uint32_t window; /* 0: not known */
	uint32_t successes; /* towards a larger one */
	struct str name; /* follows the struct */
};

/* What lives and dies together. */
struct destination {
	struct table_node node; /* in scheduler.destinations */
	struct list turn; /* in one of the rings, or in resting */
	struct list limited; /* in provider.limited */
	struct provider *provider; /* of SMTP and LMTP; NULL of others */
	bool resting;
	enum route_kind kind;
	enum vitality vitality;
	struct list lanes;
	size_t waiting; /* groups of all lanes */
	size_t links; /* but those that settle */
	size_t opening; /* of them, not answered yet */
	size_t settlers;
	int64_t dead_ms; /* the last span */
	int64_t dead_until_ms; /* clock_mono_ms() */
	struct scheduler_verdict verdict; /* of a dead one; its strings are its own */
	struct str name; /* follows the struct */
};

struct scheduler_link {
	enum scheduler_mode mode;
	struct destination *destination;
	struct lane *lane;
	struct route *route;
	struct scheduler_verdict verdict; /* its strings are its own */
	void *owner;
	struct list idle; /* in lane.idle */
	struct list idle_all; /* in scheduler.idle */
	size_t *counter; /* of scheduler.connections, attempts and locals the one that counts it */
	size_t host; /* of `route`, that it is at */
	bool answered;
	bool leave; /* somebody else needs its place */
	struct scheduler_pick *pick;
	uint32_t jobs;
	int64_t idle_until_ms; /* clock_mono_ms(); 0: it does not wait */
};

struct scheduler {
	pthread_mutex_t mu;
	struct scheduler_options o;
	struct table domains, destinations, providers, senders, groups, rows;
	struct scheduler_domain **heap; /* the first to be looked at on top */
	size_t heap_n, heap_cap;
	struct list to_find, to_load;
	struct list rings[RING__COUNT];
	struct list idle; /* links, the longest first */
	struct list resting; /* destinations that are only remembered */
	size_t resting_n;
	size_t finding;
	size_t active; /* domains with rows in memory */
	size_t connections; /* those at unproven destinations not counted */
	size_t attempts; /* these */
	size_t locals;
	struct list damaged; /* rows that can't be read, the first to be looked at again first */
	size_t damaged_n;
	bool blocked;
	bool draining;
	bool news; /* there may be a step */
	struct str *paused; /* each its own memory */
	size_t paused_n;
};

int64_t scheduler_now_ms(void);
/* The lock; when it is given back, the owner is told of news. */
struct scheduler *scheduler_enter(struct scheduler *s);
void scheduler_leave(struct scheduler **s);
/* A slice over `n` octets of `to`, into which `s` is copied. */
struct str scheduler_keep(void *to, struct str s);

/* -- scheduler.c: domains */

/* At `look_ms` at the latest; what is to be looked at earlier stays so. */
void domain_look_at(struct scheduler *s, struct scheduler_domain *d, int64_t look_ms);
void domain_stop_looking(struct scheduler *s, struct scheduler_domain *d);
/* Its turn to be loaded, where there is something to load and few wait. */
void domain_wants_rows(struct scheduler *s, struct scheduler_domain *d);
/* One of its rows is no more in memory. */
void domain_lost_row(struct scheduler *s, struct scheduler_domain *d);
void domain_forget_route(struct scheduler *s, struct scheduler_domain *d);

/* -- scheduler_pauses.c */

bool scheduler_is_paused(const struct scheduler *s, const char *prefix, struct str name);
/* Where only one way of two is paused, all waits: mail of a domain is read as one. */
bool domain_is_lane_paused(const struct scheduler_domain *d);
/* Calls for each domain, which may be freed by it. */
void scheduler_each_domain(
    struct scheduler *s, void (*fn)(struct scheduler *, struct scheduler_domain *));
void scheduler_forget_pauses(struct scheduler *s);

/* -- scheduler_rows.c: lanes, senders, groups */

/* The lane of a route, one user more; NULL without memory. */
struct lane *lane_of_route(struct scheduler *s, struct route *r);
void lane_release(struct scheduler *s, struct lane *l);
/* ERR_NOMEM; a row that is there already is passed over. */
NODISCARD enum err lane_add_row(
    struct scheduler *s, struct lane *l, struct scheduler_domain *d, const struct scheduler_row *r);
/* The group whose turn it is; NULL: none waits. */
struct scheduler_pick *lane_take_group(struct scheduler *s, struct lane *l);
/* Back, before others of its sender. */
NODISCARD enum err lane_put_back(struct scheduler *s, struct scheduler_pick *p);
/* Lets go of rows that wait: of this domain, or (NULL) of all. */
void lane_unload(struct scheduler *s, struct lane *l, struct scheduler_domain *d);
void row_free(struct scheduler *s, struct row *r);
/* It can't be read: it stays, and is in nobody's way for a while. */
void row_rest(struct scheduler *s, struct row *r);
/* Those of them whose time has come are looked for again. */
void rows_wake(struct scheduler *s, int64_t mono_ms);
void group_free(struct scheduler_pick *g);
bool lane_is_paused(const struct scheduler *s, const struct lane *l);
/* Frees destinations that are only remembered until there are at most `max`. */
void destinations_trim(struct scheduler *s, size_t max);

/* -- scheduler_provider.c */

/* One user more; NULL without memory. */
struct provider *provider_find(struct scheduler *s, struct str name);
void provider_release(struct scheduler *s, struct provider *p);
/* It has all the links that it may have. */
bool provider_is_full(const struct scheduler *s, const struct provider *p);
/* There may be room: who was refused gets a turn. */
void provider_let_in(struct scheduler *s, struct provider *p);
void provider_note_answer(struct scheduler *s, struct provider *p);
void provider_note_success(struct scheduler *s, struct provider *p);
/* `most`: so many were open when it failed. */
void provider_note_failure(struct provider *p, size_t most);
/* None of its hosts answers: what was learnt counts no more. */
void provider_forget(struct provider *p);

/* -- scheduler_links.c */

/* A place in a ring, where it wants a link and has none. */
void destination_consider(struct scheduler *s, struct destination *d);
/* Links that wait get what has come. */
void lane_wake_idle(struct scheduler *s, struct lane *l);
/* The next link to open, NULL: none. */
struct scheduler_link *scheduler_open_next(struct scheduler *s);
void verdict_done(struct scheduler_verdict *v);

#endif
