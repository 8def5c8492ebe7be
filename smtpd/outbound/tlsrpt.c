#include "smtpd/outbound/tlsrpt.h"

#include "common/auth/http_fetch.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "smtpd/outbound/tlsrpt_ask.h"
#include "smtpd/outbound/tlsrpt_report.h"
#include "store/directory.h"
#include "store/queue.h"
#include "store/tls_sessions.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define DAY_S 86400
#define RUN_ARENA (16U * 1024 * 1024)
#define DOMAIN_ARENA (32U * 1024 * 1024)
#define EXPIRE_S (24 * 3600) /* §5.3: for a day, then it is old */
#define START_DELAY_MS (60 * 1000)

struct tlsrpt {
	struct tlsrpt_options o;
	struct loop_timer *timer;
	pthread_t thread;
	bool started; /* the thread, which is to be joined */
	atomic_bool stopping;
};

/* -- counting -------------------------------------------------------------------------------- */

/* RFC 8461 §3.2 has a line for each pattern. */
static void
put_patterns(struct str policy, struct sbuf *out)
{
	struct str line;

	while (str_split(&policy, '\n', &line)) {
		if (!str_starts(line, STR("mx:")))
			continue;
		sbuf_put(out, str_trim(str_skip(line, 3)));
		sbuf_putc(out, '\n');
	}
}

/* RFC 8460 §4.4: the records as they are written in a zone. */
static void
put_tlsa(const struct tls_rules *rules, struct sbuf *out)
{
	for (size_t i = 0; i < rules->tlsa_count; i++) {
		const struct tls_tlsa *a = &rules->tlsa[i];
		sbuf_printf(out, "%u %u %u ", a->usage, a->selector, a->matching);
		for (size_t k = 0; k < a->data.n; k++)
			sbuf_printf(out, "%02x", (unsigned char)a->data.p[k]);
		sbuf_putc(out, '\n');
	}
}

void
tlsrpt_note(struct tlsrpt *t, const struct route *route, const struct route_host *host,
    const char *address, const char *failure)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(64 * 1024), patterns = SBUF_INIT(64 * 1024);
	bool sts = host->policy == POLICY_STS || (route->sts_testing && route->sts_policy.n);

	/* §5.3, RFC 8689 §4.2.2: what no policy counts for tells nothing of one */
	if (route->is_relaxed || host->policy == POLICY_RULE ||
	    (route->kind != ROUTE_SMTP && !route->tls_unproven))
		return;
	if (host->sts_mismatch && !failure)
		failure = "validation-failure";
	if (sts) {
		sbuf_put(&text, route->sts_policy);
		put_patterns(route->sts_policy, &patterns);
	} else if (host->policy == POLICY_DANE) {
		put_tlsa(&host->tls, &text);
	} else if (route->sts_failure) {
		sts = true; /* there is one, as the domain says, but none that could be had */
		failure = route->sts_failure;
	} else if (failure) {
		return; /* §4.3: a failure is one of a policy */
	}
	const struct tls_session x = {
	    .domain = route->domain,
	    .policy = sts ? POLICY_STS : host->policy,
	    .policy_text = sbuf_view(&text),
	    .mx_patterns = sbuf_view(&patterns),
	    .failure = str_of(failure ? failure : ""),
	    .host = host->name,
	    .address = str_of(address),
	};
	/* A count that is lost is no harm; the store has logged why. */
	(void)!tls_session_note(t->o.store, &x);
}

void
tlsrpt_note_off_policy(struct tlsrpt *t, const struct route *route)
{
	const struct route_host host = {.name = route->off_policy_host, .policy = POLICY_STS};

	if (host.name.n)
		tlsrpt_note(t, route, &host, "", "validation-failure");
}

/* -- one report ------------------------------------------------------------------------------ */

static enum err
fill(struct tlsrpt *t, const struct tls_sessions_day *d, struct arena *arena,
    struct tlsrpt_report *ret)
{
	struct tls_session *all;
	struct str postmaster; /* in whose name: our first domain's */
	size_t n;
	enum err e = directory_postmaster(t->o.store, arena, &postmaster);

	if (!e)
		e = tls_sessions_of(t->o.store, d, arena, &all, &n);
	if (e)
		return e;
	struct tlsrpt_row *rows = arena_alloc_array(arena, n ? n : 1, sizeof(*rows));
	for (size_t i = 0; rows && i < n; i++)
		rows[i] = (struct tlsrpt_row){.policy = (enum route_policy)all[i].policy,
		    .policy_text = all[i].policy_text,
		    .mx_patterns = all[i].mx_patterns,
		    .failure = all[i].failure,
		    .host = all[i].host,
		    .address = all[i].address,
		    .sessions = all[i].sessions};
	*ret = (struct tlsrpt_report){
	    .organization = str_skip(postmaster, str_rfind(postmaster, '@') + 1),
	    .contact = postmaster,
	    .hostname = str_of(t->o.hostname),
	    .domain = d->domain,
	    .id = arena_printf(
		arena, "%lld.%.*s@%s", (long long)d->day, STR_ARG(d->domain), t->o.hostname),
	    .day_s = d->day * DAY_S,
	    .now_s = clock_real_s(),
	    .rows = rows,
	    .row_count = n,
	};
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

static enum err
queue_mail(struct tlsrpt *t, const struct tlsrpt_report *r, struct str to, struct str gzipped)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	int64_t id;
	enum err e = spool_new(t->o.store, &spool);

	if (!e)
		e = tlsrpt_mail(r, to, gzipped, spool);
	if (e)
		return e;
	const struct queue_new_rcpt rcpt = {.address = to, .notify = QUEUE_NOTIFY_NEVER};
	/* §5.3: nothing comes back, and no policy of theirs keeps the report of it away */
	const struct queue_new q = {
	    .kind = QUEUE_REPORT,
	    .trace_id = r->id,
	    .tls_optional = true,
	    .expires_s = r->now_s + EXPIRE_S,
	    .rcpts = &rcpt,
	    .rcpt_count = 1,
	};
	return queue_add(t->o.store, spool, &q, &id);
}

/* A mailto URI's address; empty: it has none that can be used. */
static struct str
address_of(struct str uri)
{
	struct str address = str_skip(uri, strlen("mailto:"));
	size_t end = str_find(address, '?');

	if (!str_starts_nocase(uri, STR("mailto:")))
		return STR("");
	address = str_sub(address, 0, end == STR_NONE ? address.n : end);
	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] <= ' ' || address.p[i] > '~' || strchr("<>,%", address.p[i]))
			return STR("");
	return str_find(address, '@') == STR_NONE ? STR("") : address;
}

/* "https://host/…" with a name and no port, and nothing in it that is no part of an address. */
static struct str
host_of(struct str uri)
{
	struct str rest = str_skip(uri, strlen("https://"));
	size_t end = str_find(rest, '/');
	struct str host = str_sub(rest, 0, end == STR_NONE ? rest.n : end);
	bool name = false;

	if (!str_starts_nocase(uri, STR("https://")))
		return STR("");
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= ' ' || uri.p[i] > '~')
			return STR("");
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		name |= ascii_is_alpha(c);
		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '.' && c != '-')
			return STR("");
	}
	return name ? host : STR("");
}

/* §5.4 */
static enum err
post(struct tlsrpt *t, struct str uri, struct str gzipped, struct arena *arena)
{
	CLEANUP(sbuf_done) struct sbuf answer = SBUF_INIT(HTTP_FETCH_MAX);
	struct sockaddr_storage addresses[TLSRPT_ADDRESSES_MAX];
	size_t n = 0;
	const struct tlsrpt_asker a = {t->o.dns, &t->stopping};
	enum err e = tlsrpt_ask_addresses(&a, host_of(uri), t->o.allow_private, addresses, &n);

	if (!e && n == 0)
		e = ERR_NOT_FOUND;
	if (e)
		return e;
	const struct http_request r = {
	    .url = arena_cstr(arena, uri),
	    .ca_file = t->o.ca_file,
	    .form = gzipped,
	    .form_type = "application/tlsrpt+gzip",
	    .addresses = addresses,
	    .address_count = n,
	    .event = "tls_report_not_posted",
	};
	return r.url ? http_fetch(&r, &answer) : ERR_NOMEM;
}

/* ERR_BUSY: tell it later. */
static enum err
tell(struct tlsrpt *t, const struct tls_sessions_day *d, size_t *told)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DOMAIN_ARENA);
	CLEANUP(sbuf_done) struct sbuf json = SBUF_INIT(TLSRPT_JSON_MAX);
	CLEANUP(sbuf_done) struct sbuf gzipped = SBUF_INIT(TLSRPT_JSON_MAX);
	struct tlsrpt_report r;
	struct str record, *uris;
	size_t n;

	if (!arena)
		return ERR_NOMEM;
	const struct tlsrpt_asker a = {t->o.dns, &t->stopping};
	enum err e = tlsrpt_ask_record(&a, d->domain, arena, &record);
	if (e)
		return e;
	e = tlsrpt_parse_record(record, arena, &uris, &n);
	if (e)
		return e == ERR_SYNTAX ? ERR_OK : e; /* nobody wants to know */
	e = fill(t, d, arena, &r);
	if (!e)
		e = tlsrpt_json(&r, &json);
	if (!e)
		e = tlsrpt_gzip(sbuf_view(&json), &gzipped);
	for (size_t i = 0; !e && i < n; i++) {
		struct str to = address_of(uris[i]);
		enum err sent;
		if (to.n)
			sent = queue_mail(t, &r, to, sbuf_view(&gzipped));
		else if (host_of(uris[i]).n)
			sent = post(t, uris[i], sbuf_view(&gzipped), arena);
		else
			continue;
		*told += !sent;
		/* who can't be posted to is not tried again: §5.4 lets a report be lost */
		if (to.n)
			e = sent;
		log_info("tls_report", F_STR("domain", d->domain), F_STR("to", uris[i]),
		    F_UINT("rows", r.row_count), F_ERR(sent));
	}
	return e;
}

size_t
tlsrpt_run(struct tlsrpt *t, int64_t day)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(RUN_ARENA);
	struct tls_sessions_day *days;
	size_t n, told = 0;

	if (!arena || tls_sessions_before(t->o.store, day, arena, &days, &n))
		return 0;
	for (size_t i = 0; i < n && !atomic_load(&t->stopping); i++) {
		enum err e = tell(t, &days[i], &told);
		if (!e || days[i].day < day - TLSRPT_KEEP_DAYS)
			(void)!tls_sessions_forget(t->o.store, &days[i]);
	}
	return told;
}

/* -- every day ------------------------------------------------------------------------------- */

static void
set_timer(struct tlsrpt *t)
{
	uint32_t spread = 0;

	(void)!RAND_bytes((unsigned char *)&spread, sizeof(spread));
	int64_t left = DAY_S - clock_real_s() % DAY_S + spread % TLSRPT_SPREAD_S;
	loop_timer_set(t->timer, left * 1000);
}

static void *
work(void *arg)
{
	struct tlsrpt *t = arg;

	tlsrpt_run(t, clock_real_s() / DAY_S);
	return NULL;
}

static void
join(struct tlsrpt *t)
{
	if (t->started)
		pthread_join(t->thread, NULL);
	t->started = false;
}

/* On the loop: the thread of the day before has long ended. */
static void
begin_work(void *arg)
{
	struct tlsrpt *t = arg;

	join(t);
	t->started = pthread_create(&t->thread, NULL, work, t) == 0;
	if (!t->started)
		log_error("tls_report", F_CSTR("reason", "no thread for it, tried again tomorrow"));
	set_timer(t);
}

enum err
tlsrpt_new(const struct tlsrpt_options *o, struct tlsrpt **ret)
{
	struct tlsrpt *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	t->o = *o;
	if (o->loop) {
		t->timer = loop_timer_new(o->loop, begin_work, t);
		if (!t->timer) {
			free(t);
			return ERR_NOMEM;
		}
		loop_timer_set(t->timer, START_DELAY_MS);
	}
	*ret = t;
	return ERR_OK;
}

void
tlsrpt_free(struct tlsrpt **tp)
{
	struct tlsrpt *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	atomic_store(&t->stopping, true);
	if (t->timer)
		loop_timer_free(&t->timer);
	join(t);
	free(t);
}
