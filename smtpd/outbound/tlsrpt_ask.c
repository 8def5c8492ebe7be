#include "smtpd/outbound/tlsrpt_ask.h"

#include "smtpd/outbound/route_private.h"

#include <netinet/in.h>
#include <pthread.h>
#include <time.h>

#define RECORD_MAX 4096

/* Kept until both have let go of it: who asked does not wait when the daemon stops. */
struct question {
	pthread_mutex_t mu;
	pthread_cond_t answered;
	int refs; /* guarded by mu, as is what follows */
	bool done;
	bool for_addresses;
	enum dns_status status;
	struct sbuf record; /* of TXT: the first that is one, or empty */
	struct sockaddr_storage addresses[TLSRPT_ADDRESSES_MAX]; /* of A and AAAA */
	size_t address_count;
};

#define WAIT_STEP_MS 200 /* between two looks at whether the daemon stops */

static struct question *
question_new(void)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	pthread_mutex_init(&q->mu, NULL);
	pthread_cond_init(&q->answered, NULL);
	q->refs = 1;
	q->record = SBUF_INIT(RECORD_MAX);
	return q;
}

/* `mu` is held, and let go. */
static void
question_unref(struct question *q)
{
	bool last = --q->refs == 0;

	pthread_mutex_unlock(&q->mu);
	if (!last)
		return;
	pthread_cond_destroy(&q->answered);
	pthread_mutex_destroy(&q->mu);
	sbuf_done(&q->record);
	free(q);
}

static void
take_record(struct question *q, struct str data)
{
	bool four = data.n == sizeof(struct in_addr), six = data.n == sizeof(struct in6_addr);

	if (!q->for_addresses) {
		if (!sbuf_view(&q->record).n && str_starts(data, STR("v=TLSRPTv1")))
			sbuf_put(&q->record, data);
		return;
	}
	if (!(four || six) || q->address_count == TLSRPT_ADDRESSES_MAX)
		return;
	struct sockaddr_storage *to = &q->addresses[q->address_count++];
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	memset(to, 0, sizeof(*to));
	if (four) {
		memcpy(&in.sin_addr, data.p, data.n);
		memcpy(to, &in, sizeof(in));
	} else {
		memcpy(&in6.sin6_addr, data.p, data.n);
		memcpy(to, &in6, sizeof(in6));
	}
}

static void
take_answer(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;

	pthread_mutex_lock(&q->mu);
	q->status = a->status;
	for (size_t i = 0; a->status == DNS_FOUND && i < a->count; i++)
		take_record(q, a->records[i].data);
	q->done = true;
	pthread_cond_signal(&q->answered);
	question_unref(q);
}

static void
wait_for(const struct tlsrpt_asker *a, struct question *q)
{
	while (!q->done && !atomic_load(a->stopping)) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WAIT_STEP_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_clockwait(&q->answered, &q->mu, CLOCK_MONOTONIC, &until);
	}
}

/* Asks and waits; the answer is in *ret, locked, for question_unref(). ERR_BUSY: not to be had now,
 * and there is no *ret. */
static enum err
ask(const struct tlsrpt_asker *a, struct str name, enum dns_type type, struct question **ret)
{
	struct question *q = question_new();

	if (!q)
		return ERR_NOMEM;
	q->for_addresses = type != DNS_TXT;
	pthread_mutex_lock(&q->mu);
	q->refs++;
	enum err e = dns_ask(a->dns, name, type, take_answer, q);
	q->refs -= e != ERR_OK;
	if (!e)
		wait_for(a, q);
	if (!e && (!q->done || q->status == DNS_FAILED || q->status == DNS_BOGUS))
		e = ERR_BUSY;
	if (e)
		question_unref(q);
	else
		*ret = q;
	return e;
}

enum err
tlsrpt_ask_record(
    const struct tlsrpt_asker *a, struct str domain, struct arena *arena, struct str *ret)
{
	struct question *q;
	struct str name = arena_printf(arena, "_smtp._tls.%.*s", STR_ARG(domain));
	enum err e = name.p ? ask(a, name, DNS_TXT, &q) : ERR_NOMEM;

	if (e)
		return e;
	*ret = arena_dup(arena, sbuf_view(&q->record));
	question_unref(q);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
tlsrpt_ask_addresses(const struct tlsrpt_asker *a, struct str host, bool allow_private,
    struct sockaddr_storage *to, size_t *ret_n)
{
	static const enum dns_type types[] = {DNS_AAAA, DNS_A};
	enum err e = ERR_OK;

	*ret_n = 0;
	for (size_t i = 0; i < ARRAY_LEN(types) && !e; i++) {
		struct question *q;
		e = ask(a, host, types[i], &q);
		if (e)
			break;
		for (size_t k = 0; k < q->address_count && *ret_n < TLSRPT_ADDRESSES_MAX; k++)
			if (allow_private || !route_is_private(&q->addresses[k]))
				to[(*ret_n)++] = q->addresses[k];
		question_unref(q);
	}
	return e;
}
