/* Connections of the runner: host after host, address after address, until one takes mail; then job
 * after job. */
#include "smtpd/outbound/client.h"
#include "smtpd/outbound/runner_private.h"

#include "common/base/log.h"

#include <netinet/in.h>
#include <stdio.h>

#define WHY_MAX 512

/* One connection to a destination. Lives until its last client has ended. */
struct attempt {
	struct runner *runner;
	struct scheduler_link *link;
	struct conf *conf;
	size_t host, address; /* of the route, at which it is */
	bool without_tls;
	bool answered; /* it has asked for a job */
	bool only_refused; /* all so far said no for good */
	bool only_tls_failed; /* all so far were there, and could not prove themselves */
	struct parcel *parcel; /* in hand */
	struct preparation *preparation; /* of its octets, where that takes long */
	struct parcel *passed_on; /* the host does not offer what it needs: for the next one */
	size_t passed_by; /* that host */
	bool missed_one; /* a host could not be asked */
	bool missed_paused; /* since a person paused it */

	pthread_mutex_t mu;
	struct client *client; /* guarded by mu */
	bool dialling; /* guarded by mu: client_dial() has not returned */
	bool ended; /* guarded by mu: before it did */
	bool wake; /* guarded by mu: owed to the client that is not there yet */
	bool asks_anyway; /* guarded by mu: it will look for a job before its turn ends */

	/* the last failure */
	enum client_failure failure;
	uint16_t code;
	char why[WHY_MAX], where[WHY_MAX];
	size_t why_n, where_n;
};

static void
attempt_free(struct attempt *a)
{
	pthread_mutex_destroy(&a->mu);
	conf_unref(&a->conf);
	free(a);
}

void
attempt_wake(void *arg, void *owner)
{
	struct attempt *a = owner;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->mu);

	(void)arg, (void)held;
	if (a->asks_anyway)
		return;
	if (a->client)
		client_wake(a->client);
	else
		a->wake = true;
}

/* -- what the client asks ---------------------------------------------------------------------- */

static struct job *
next_job(void *arg, int64_t *ret_wait_ms)
{
	struct attempt *a = arg;
	struct scheduler_pick *pick;

	a->answered = true;
	if (a->passed_on && a->host == a->passed_by) {
		*ret_wait_ms = 0;
		return NULL;
	}
	if (a->passed_on) {
		a->parcel = MOVE_PTR(a->passed_on);
		return &a->parcel->job;
	}
	for (;;) {
		switch (scheduler_pick(a->runner->scheduler, a->link, &pick, ret_wait_ms)) {
		case SCHEDULER_JOB:
			a->parcel = parcel_load(a->runner, pick);
			if (a->parcel) {
				a->parcel->attempted = true;
				return &a->parcel->job;
			}
			break;
		case SCHEDULER_WAIT:
			return NULL;
		case SCHEDULER_QUIT:
			*ret_wait_ms = 0;
			return NULL;
		}
	}
}

static void
wake_client(void *arg)
{
	attempt_wake(NULL, arg);
}

static struct content *
content(void *arg, struct job *job, enum content_form form, bool *ret_wait)
{
	struct attempt *a = arg;
	struct content *c = NULL;
	enum err e = ERR_OK;

	if (prepare_is_quick(&job->message))
		return parcel_content(a->runner, job, form);
	if (!a->preparation)
		a->preparation = preparation_begin(
		    a->runner->preparer, &job->message, job->ahead_ms, form, wake_client, a);
	if (!a->preparation)
		e = ERR_NOMEM;
	else if (!preparation_take(a->preparation, &e, &c))
		*ret_wait = true;
	if (e)
		parcel_set_content_failure(job, e);
	return c;
}

/* Some host refused for want of REQUIRETLS, and one that may offer it could not be asked. */
static void
set_doubt(struct parcel *p)
{
	static const struct scheduler_verdict later = {.status = {"4.7.30", 6},
	    .reply = {
		"The sender requires TLS all the way (REQUIRETLS), and not all servers of the "
		"domain could be asked for it",
		105}};

	for (size_t i = 0; i < p->job.rcpt_count; i++)
		p->job.rcpts[i].fate = JOB_UNTRIED;
	parcel_set_fates(p, JOB_LATER, &later);
}

/* The next host from `host` on that may be asked. */
static size_t
host_from(const struct attempt *a, size_t host)
{
	const struct route *r = scheduler_link_route(a->link);

	while (host < r->host_count &&
	       (!r->hosts[host].address_count ||
		   scheduler_pauses_host(a->runner->scheduler, r->hosts[host].name)))
		host++;
	return host;
}

static bool
is_draining(struct runner *r)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&r->mu);

	(void)held;
	return r->draining || r->stop;
}

/* As client_job.c says it, of all recipients at once. */
static bool
lacks_requiretls(const struct job *job)
{
	const struct job_rcpt *first = job->rcpts;

	return job->message.requiretls && first->fate == JOB_NEVER && first->code == 0 &&
	       (str_eq(first->status, STR("5.7.30")) || str_eq(first->status, STR("5.7.10")));
}

/* RFC 8689 §4.2.1: where one host does not do REQUIRETLS, another of the domain's may. */
static bool
may_pass_on(const struct attempt *a, const struct job *job)
{
	const struct route *r = scheduler_link_route(a->link);

	return lacks_requiretls(job) && host_from(a, a->host + 1) < r->host_count &&
	       !is_draining(a->runner);
}

static void
set_asks_anyway(struct attempt *a, bool asks)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->mu);

	(void)held;
	a->asks_anyway = asks;
}

/* In this turn, so that the connection can go on with the next message at once; what can't be done
 * here is the thread's. */
static void
record(struct attempt *a, struct parcel *p)
{
	set_asks_anyway(a, true);
	bool recorded = parcel_record_here(a->runner, p);
	set_asks_anyway(a, false);
	if (!recorded)
		parcel_hand_back(a->runner, p);
}

static void
job_done(void *arg, struct job *job)
{
	struct attempt *a = arg;
	struct parcel *p = LIST_OWNER(job, struct parcel, job);

	a->parcel = NULL;
	preparation_free(&a->preparation);
	if (may_pass_on(a, job)) {
		a->passed_on = p;
		a->passed_by = a->host;
		return;
	}
	if (a->missed_one && lacks_requiretls(job))
		set_doubt(p);
	record(a, p);
}

/* There is no host left to ask, or no time. */
static void
hand_back_passed_on(struct attempt *a)
{
	struct parcel *p = MOVE_PTR(a->passed_on);

	if (!p)
		return;
	if (a->missed_one)
		set_doubt(p);
	else if (a->host < scheduler_link_route(a->link)->host_count)
		for (size_t i = 0; i < p->job.rcpt_count; i++)
			p->job.rcpts[i].fate = JOB_UNTRIED;
	parcel_hand_back(a->runner, p);
}

/* -- one address after the other --------------------------------------------------------------- */

static size_t
keep_words(char *to, struct str s)
{
	size_t n = s.n < WHY_MAX ? s.n : WHY_MAX;

	if (n)
		memcpy(to, s.p, n);
	return n;
}

static void
note_failure(struct attempt *a, const struct client_end *end)
{
	a->failure = end->failure;
	a->code = end->code;
	a->why_n = keep_words(a->why, end->reply);
	a->where_n = keep_words(a->where, str_of(end->host));
	if (end->failure != CLIENT_GREETING_NEVER)
		a->only_refused = false;
	if (end->failure != CLIENT_TLS_FAILED)
		a->only_tls_failed = false;
	if (end->failure == CLIENT_FINE || end->failure == CLIENT_STOPPED)
		return;
	if (a->answered && !a->passed_on)
		return;
	log_info("unreachable", F_STR("domain", scheduler_link_route(a->link)->domain),
	    F_CSTR("host", end->host), F_STR("reason", end->reply), F_CSTR("tls", end->tls_text));
}

/* RFC 8460: how it went with TLS. */
static void
note_tls(struct attempt *a, const struct client_end *end)
{
	const struct route *r = scheduler_link_route(a->link);
	const struct route_host *h = &r->hosts[a->host];
	char address[CONN_ADDRESS_TEXT];
	const char *failure = end->tls ? end->tls->error : NULL;

	if (a->without_tls || (!end->tls && !a->answered && end->failure != CLIENT_TLS_FAILED))
		return;
	if (!end->tls && !end->starttls_offered)
		failure = "starttls-not-supported";
	if (!failure && end->failure == CLIENT_TLS_FAILED)
		failure = "validation-failure"; /* it never came to the handshake */
	conn_address_text(
	    (const struct sockaddr *)&h->addresses[a->address], address, sizeof(address));
	tlsrpt_note(a->runner->tlsrpt, r, h, address, failure);
}

/* Where to go next. False: there is nowhere. */
static bool
move_on(struct attempt *a)
{
	const struct route *r = scheduler_link_route(a->link);
	bool next_host = false;

	switch (a->failure) {
	case CLIENT_FINE: /* it passed a job on */
		next_host = true;
		break;
	case CLIENT_TLS_BROKEN:
		if (a->without_tls)
			next_host = true;
		a->without_tls = true;
		if (!next_host)
			return true;
		break;
	case CLIENT_GREETING_NEVER:
	case CLIENT_TLS_FAILED:
	case CLIENT_AUTH_FAILED:
		next_host = true;
		break;
	default:
		break;
	}
	a->without_tls = false;
	if (!next_host && a->address + 1 < r->hosts[a->host].address_count) {
		a->address++;
		return true;
	}
	a->address = 0;
	a->host = host_from(a, a->host + 1);
	a->missed_one |= a->failure != CLIENT_FINE;
	return a->host < r->host_count;
}

/* Whether there is one more to be dialled. */
static bool
goes_on(struct attempt *a)
{
	if (a->failure == CLIENT_STOPPED)
		return false;
	if (a->passed_on)
		return !is_draining(a->runner) && move_on(a);
	return a->failure != CLIENT_FINE && !a->answered && move_on(a);
}

static const char *
status_of(const struct attempt *a)
{
	switch (a->failure) {
	case CLIENT_TLS_FAILED:
	case CLIENT_TLS_BROKEN:
		return "4.7.5";
	case CLIENT_AUTH_FAILED:
		return "4.7.8";
	case CLIENT_GREETING_NEVER:
		return a->only_refused ? "5.3.2" : "4.3.2";
	case CLIENT_GREETING_LATER:
		return "4.3.2";
	default:
		return "4.4.1";
	}
}

static void
close_attempt(struct attempt *a)
{
	struct runner *r = a->runner;
	enum scheduler_end how = SCHEDULER_DEAD;

	hand_back_passed_on(a);
	const struct scheduler_verdict v = {
	    .permanent = a->only_refused && a->failure == CLIENT_GREETING_NEVER,
	    .tls = a->only_tls_failed && !a->missed_paused,
	    .code = a->code,
	    .status = str_of(status_of(a)),
	    .reply = str_make(a->why, a->why_n),
	    .host = str_make(a->where, a->where_n),
	};

	if (a->failure == CLIENT_FINE || a->failure == CLIENT_STOPPED)
		how = SCHEDULER_FINE;
	else if (a->answered)
		how = SCHEDULER_BROKE;
	if (a->failure == CLIENT_TLS_FAILED)
		route_forget(r->router, scheduler_link_route(a->link)->domain);
	scheduler_close(r->scheduler, a->link, how, &v);
	attempt_free(a);
}

/* The first configured source of the address's kind; NULL: the system chooses. */
static const char *
source_for(const struct conf *conf, const struct sockaddr_storage *to)
{
	for (const char *const *s = conf->outbound.source; s && *s; s++)
		if ((strchr(*s, ':') != NULL) == (to->ss_family == AF_INET6))
			return *s;
	return NULL;
}

static void ended(void *arg, const struct client_end *end);

static const struct client_owner owner = {
    .next_job = next_job, .content = content, .job_done = job_done, .ended = ended};

/* True: the client works, or will say that it has ended. False: it has already. */
static bool
dial(struct attempt *a)
{
	const struct route *r = scheduler_link_route(a->link);
	const struct conf *conf = a->conf;
	const struct client_options o = {
	    .route = r,
	    .host = a->host,
	    .address = a->address,
	    .source = source_for(conf, &r->hosts[a->host].addresses[a->address]),
	    .without_tls = a->without_tls,
	    .helo = conf->outbound.helo[0] ? conf->outbound.helo : conf->hostname,
	    .owner = &owner,
	    .arg = a,
	};
	struct client *c = NULL;

	scheduler_link_set_host(a->link, a->host);
	pthread_mutex_lock(&a->mu);
	a->dialling = true;
	a->ended = false;
	pthread_mutex_unlock(&a->mu);
	enum err e = client_dial(a->runner->hub, &o, &c);
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->mu);
	(void)held;
	a->dialling = false;
	if (e) {
		const struct client_end end = {.failure = CLIENT_NO_CONNECTION,
		    .reply = STR("No descriptor or memory for a connection"),
		    .host = "",
		    .tls_text = ""};
		note_failure(a, &end);
		return false;
	}
	if (a->ended)
		return false;
	a->client = c;
	if (a->wake)
		client_wake(c);
	a->wake = false;
	return true;
}

/* Tries until somebody works on it or nobody is left. */
static void
proceed(struct attempt *a)
{
	while (!dial(a)) {
		if (!goes_on(a)) {
			close_attempt(a);
			return;
		}
	}
}

static void
ended(void *arg, const struct client_end *end)
{
	struct attempt *a = arg;

	note_tls(a, end);
	note_failure(a, end);
	pthread_mutex_lock(&a->mu);
	a->client = NULL;
	a->ended = true;
	bool dialling = a->dialling;
	pthread_mutex_unlock(&a->mu);
	if (dialling)
		return; /* dial() goes on */
	if (goes_on(a))
		proceed(a);
	else
		close_attempt(a);
}

void
attempt_begin(struct runner *r, struct scheduler_link *link)
{
	struct attempt *a = calloc(1, sizeof(*a));

	if (!a) {
		scheduler_close(r->scheduler, link, SCHEDULER_FINE, NULL);
		return;
	}
	a->runner = r;
	a->link = link;
	a->conf = runner_conf(r);
	a->only_refused = a->only_tls_failed = true;
	pthread_mutex_init(&a->mu, NULL);
	scheduler_link_set_owner(link, a);
	const struct route *route = scheduler_link_route(link);
	tlsrpt_note_off_policy(r->tlsrpt, route);
	for (size_t i = 0; i < route->host_count && !a->missed_paused; i++)
		a->missed_paused = scheduler_pauses_host(r->scheduler, route->hosts[i].name);
	a->missed_one = a->missed_paused;
	a->host = host_from(a, 0);
	if (a->host < route->host_count) {
		proceed(a);
		return;
	}
	a->only_tls_failed = false;
	/* its pause is as fresh as this link: the rows are already on their way out of memory */
	a->failure = a->missed_paused ? CLIENT_STOPPED : CLIENT_NO_CONNECTION;
	a->why_n = keep_words(a->why, STR("None of the domain's mail servers has an address"));
	close_attempt(a);
}
