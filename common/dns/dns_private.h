/* common/dns/dns_private.h - between the questions (dns.c), whether what answers them can be
 * validated (dns_trust.c), the library that asks (dns_resolver.c) and the reading of what it says
 * (dns_parse.c). */
#ifndef COMMON_DNS_DNS_PRIVATE_H
#define COMMON_DNS_DNS_PRIVATE_H

#include "common/dns/dns.h"

#include <unbound.h>

#include <pthread.h>

/* -- questions (dns.c) ------------------------------------------------------------------------- */

/* A libunbound context, and how many questions it has in hand. Made under dns.mu, taken apart on
 * the loop's thread alone. */
struct dns_source {
	struct dns_source *next; /* guarded by dns.mu, as is `open` */
	struct dns *dns;
	struct ub_ctx *ctx;
	int fd; /* libunbound's, readable when it has answers; -1: it is watched no more */
	bool validates;
	bool retired; /* gone when `open` is 0 */
	size_t open;
};

struct dns_question {
	struct dns *dns;
	/* in `asked`, `waiting` or `held`; guarded by mu, as is all that follows */
	struct dns_question *next, **at;
	struct dns_source *source; /* of one that was asked */
	int64_t until_ms; /* the same */
	int64_t asked_us; /* the same */
	int id; /* libunbound's */
	enum dns_type type;
	bool probe; /* one of dns_trust.c: the root itself */
	bool settled; /* that it is bogus was doubted once */
	void (*fn)(void *arg, const struct dns_answer *a);
	void *arg;
	char name[];
};

struct dns_list {
	struct dns_question *head, **tail;
	size_t n;
};

/* Whether answers that do not validate are to be believed to be wrong. */
enum dns_trust {
	DNS_TRUST_UNPROVEN, /* nothing that validates has come yet */
	DNS_TRUST_PROVEN, /* something has: this holds from now on */
	DNS_TRUST_LOST, /* the resolver gives no DNSSEC: asked without, until a probe succeeds */
};

enum dns_probe {
	DNS_PROBE_NONE,
	DNS_PROBE_DOUBT, /* the root, validated: is it bogus, too? */
	DNS_PROBE_PLAIN, /* the root, not validated: does the resolver answer at all? */
	DNS_PROBE_HEAL, /* the root, validated, by a context that knows nothing yet */
};

struct dns {
	const struct conf *conf;
	struct loop *loop;
	struct loop_timer *timer; /* the first of `asked` is out of time */
	struct loop_timer *probe_timer; /* of DNS_TRUST_LOST */
	int64_t timeout_ms;
	pthread_mutex_t mu;
	struct dns_source *sources; /* guarded by mu */
	struct dns_source *current; /* whom to ask; NULL until the first question; guarded by mu */
	struct dns_list asked; /* in the order of their times; guarded by mu */
	struct dns_list waiting; /* guarded by mu */
	struct dns_list held; /* bogus, until the probe tells; of the loop's thread */
	enum dns_trust trust; /* guarded by mu */
	bool closing; /* guarded by mu */

	/* of the loop's thread */
	enum dns_probe probe;
	struct dns_source *probed; /* not in use yet; NULL */
	int64_t doubt_again_ms; /* clock_mono_ms() */
	int64_t probe_first_ms, probe_ms; /* until the next probe */
};

/* With mu held: a further source. ERR_CONFIG (logged), ERR_IO, ERR_NOMEM. */
NODISCARD enum err dns_open_source(struct dns *d, bool validates, struct dns_source **ret);
/* With mu held: a source is not asked any more. */
void dns_retire_source(struct dns_source *s);
/* With mu held: the name servers of the root are asked for at `s`, beyond all limits. */
NODISCARD enum err dns_ask_root(
    struct dns *d, struct dns_source *s, void (*fn)(void *arg, const struct dns_answer *a));
/* On the loop's thread: those held are asked anew, and none of them is held again. */
void dns_ask_held(struct dns *d);

/* -- trust (dns_trust.c); on the loop's thread ------------------------------------------------- */

enum dns_doubt {
	DNS_BELIEVE,
	DNS_HOLD, /* until the probe tells */
	DNS_ASK_AGAIN, /* it came from a source that is of no use */
};
/* Without mu: what an answer to `q`, which is in no list, says of the source. */
enum dns_doubt dns_judge(struct dns *d, const struct dns_question *q, const struct dns_answer *a);
/* DNS_HOLD was said and done. */
void dns_doubt(struct dns *d);
/* Timer of DNS_TRUST_LOST; `arg` is the struct dns. */
void dns_probe_again(void *arg);

#define DNS_DOUBT_MS 60000 /* between probes for bogus answers that came to nothing */
#define DNS_PROBE_FIRST_MS 90000 /* probes of a lost source: doubling, up to an hour */
#define DNS_PROBE_MAX_MS 3600000
/* For tests: the first span. Before the first question. */
void dns_set_probe_ms(struct dns *d, int64_t ms);

/* -- the library (dns_resolver.c), and what it says (dns_parse.c) ------------------------------ */

/* A libunbound context that works on a thread of its own; with the trust anchors, or without.
 * ERR_CONFIG (logged) where a setting is not to be had. */
NODISCARD enum err dns_make_context(const struct conf *conf, bool validates, struct ub_ctx **ret);

/* RDATA in wire form, names uncompressed (RFC 1035 §3.3). False: it is not as its type has it, or
 * holds a name that is none of a host. ERR_NOMEM shows as arena_failed(). */
bool dns_parse_record(
    enum dns_type type, struct str rdata, struct arena *arena, struct dns_record *ret);
/* MX by preference; equal ones in random order (RFC 5321 §5.1). */
void dns_order_mx(struct dns_record *records, size_t n);
/* What libunbound says: its error `err`, or `result`. Octets in `arena`. */
void dns_parse_answer(enum dns_type type, int err, const struct ub_result *result,
    struct arena *arena, struct dns_answer *ret);

#endif
