/* store/tls_sessions.h - how TLS with other servers went, counted by day, for the reports that
 * their domains ask for (RFC 8460). In queue.db. Thread-safe.
 */
#ifndef STORE_TLS_SESSIONS_H
#define STORE_TLS_SESSIONS_H

#include "common/base/arena.h"
#include "store/store.h"

struct tls_session {
	struct str domain; /* of the recipients, ASCII, lower case */
	int policy; /* enum route_policy, which the store does not look into */
	struct str policy_text; /* lines; may be empty */
	struct str mx_patterns; /* lines; may be empty */
	struct str failure; /* empty: it went well */
	struct str host;
	struct str address;
	uint64_t sessions; /* when read */
};

/* One more of this kind, now. Committed, not synced: a power loss may cost a count. */
NODISCARD enum err tls_session_note(struct store *s, const struct tls_session *t);

struct tls_sessions_day {
	int64_t day; /* since 1970, UTC */
	struct str domain;
};
#define TLS_SESSIONS_DAYS_MAX 1000
/* What days before `day` have, the oldest first, at most TLS_SESSIONS_DAYS_MAX. */
NODISCARD enum err tls_sessions_before(struct store *s, int64_t day, struct arena *arena,
    struct tls_sessions_day **ret, size_t *ret_n);
#define TLS_SESSIONS_ROWS_MAX 10000 /* of one day and domain */
NODISCARD enum err tls_sessions_of(struct store *s, const struct tls_sessions_day *d,
    struct arena *arena, struct tls_session **ret, size_t *ret_n);
/* They have been told, or nobody wants to know. */
NODISCARD enum err tls_sessions_forget(struct store *s, const struct tls_sessions_day *d);

#endif
