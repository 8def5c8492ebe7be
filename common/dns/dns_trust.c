/* Whether what does not validate is wrong, or the resolver is one that drops DNSSEC's records: told
 * by the root's own records, which are signed and never change their minds. */
#include "common/dns/dns_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

static enum dns_trust
trust_of(struct dns *d)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	return d->trust;
}

/* What validates could only do so by the keys of an anchor: the resolver hands them on. */
static void
prove(struct dns *d)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	(void)held;
	if (d->trust == DNS_TRUST_UNPROVEN)
		d->trust = DNS_TRUST_PROVEN;
}

enum dns_doubt
dns_judge(struct dns *d, const struct dns_question *q, const struct dns_answer *a)
{
	if (q->probe || !q->source->validates)
		return DNS_BELIEVE;
	if (a->secure)
		prove(d);
	if (a->status != DNS_BOGUS)
		return DNS_BELIEVE;
	switch (trust_of(d)) {
	case DNS_TRUST_PROVEN:
		return DNS_BELIEVE;
	case DNS_TRUST_LOST: /* asked before that was known */
		return DNS_ASK_AGAIN;
	case DNS_TRUST_UNPROVEN:
		break;
	}
	bool soon = d->probe == DNS_PROBE_NONE && clock_mono_ms() < d->doubt_again_ms;
	return q->settled || soon || d->held.n >= DNS_IN_FLIGHT_MAX ? DNS_BELIEVE : DNS_HOLD;
}

/* -- the probe -------------------------------------------------------------------------------- */

static void take_probe(void *arg, const struct dns_answer *a);

static void
end_probe(struct dns *d)
{
	d->probe = DNS_PROBE_NONE;
	d->doubt_again_ms = clock_mono_ms() + DNS_DOUBT_MS;
	if (d->probed) {
		pthread_mutex_lock(&d->mu);
		dns_retire_source(d->probed);
		pthread_mutex_unlock(&d->mu);
		d->probed = NULL;
	}
	dns_ask_held(d);
}

static void
set_probe_timer(struct dns *d)
{
	loop_timer_set(d->probe_timer, d->probe_ms);
	d->probe_ms = d->probe_ms * 2 < DNS_PROBE_MAX_MS ? d->probe_ms * 2 : DNS_PROBE_MAX_MS;
}

/* With a source that nobody uses yet. */
static void
begin_probe(struct dns *d, enum dns_probe what, bool validates)
{
	d->probe = what;
	pthread_mutex_lock(&d->mu);
	enum err e = dns_open_source(d, validates, &d->probed);
	if (!e)
		e = dns_ask_root(d, d->probed, take_probe);
	pthread_mutex_unlock(&d->mu);
	if (!e)
		return;
	log_error("dns_probe", F_ERR(e));
	if (what == DNS_PROBE_HEAL)
		set_probe_timer(d);
	end_probe(d);
}

/* The probed source is the one to ask from now on. */
static void
use_probed(struct dns *d, enum dns_trust trust)
{
	pthread_mutex_lock(&d->mu);
	dns_retire_source(d->current);
	d->current = MOVE_PTR(d->probed);
	d->trust = trust;
	pthread_mutex_unlock(&d->mu);
}

static void
lose_trust(struct dns *d)
{
	const char *resolver = d->conf->dns.resolvers[0];

	use_probed(d, DNS_TRUST_LOST);
	log_warn("dns_not_validated", F_CSTR("resolver", resolver ? resolver : "/etc/resolv.conf"),
	    F_CSTR("reason", "it hands on no DNSSEC, not even the root's; mail goes without DANE"),
	    F_CSTR("remedy", "name other resolvers in dns.resolvers, or set dns.from_root"));
	d->probe_ms = d->probe_first_ms;
	set_probe_timer(d);
}

static void
take_probe(void *arg, const struct dns_answer *a)
{
	struct dns *d = arg;
	bool secure = a->status == DNS_FOUND && a->secure;

	switch (d->probe) {
	case DNS_PROBE_DOUBT:
		if (secure)
			prove(d);
		if (a->status == DNS_BOGUS) {
			begin_probe(d, DNS_PROBE_PLAIN, false);
			return;
		}
		break;
	case DNS_PROBE_PLAIN:
		/* meanwhile something may have validated */
		if (a->status == DNS_FOUND && trust_of(d) == DNS_TRUST_UNPROVEN)
			lose_trust(d);
		break;
	case DNS_PROBE_HEAL:
		if (secure) {
			use_probed(d, DNS_TRUST_PROVEN);
			log_info("dns_validated");
		} else {
			set_probe_timer(d);
		}
		break;
	case DNS_PROBE_NONE:
		return;
	}
	end_probe(d);
}

void
dns_doubt(struct dns *d)
{
	if (d->probe != DNS_PROBE_NONE)
		return;
	d->probe = DNS_PROBE_DOUBT;
	pthread_mutex_lock(&d->mu);
	enum err e = dns_ask_root(d, d->current, take_probe);
	pthread_mutex_unlock(&d->mu);
	if (e)
		end_probe(d);
}

void
dns_probe_again(void *arg)
{
	begin_probe(arg, DNS_PROBE_HEAL, true);
}

void
dns_set_probe_ms(struct dns *d, int64_t ms)
{
	d->probe_first_ms = d->probe_ms = ms;
}
