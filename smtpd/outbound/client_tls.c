/* TLS to other servers: RFC 3207, as the host's rules ask. */
#include "smtpd/outbound/client_private.h"

#include <stdio.h>

/* RFC 8461 §5: what a policy that is only tested asks for is looked at, and ends nothing. The same
 * with the certificate of a host whose name is certain, which mail may depend on (RFC 8689 §4.2.1).
 */
struct tls_rules
client_tls_rules(const struct client *cl)
{
	struct tls_rules rules = cl->host->tls;

	rules.lenient = !cl->host->must_tls;
	if (rules.lenient && rules.proof == TLS_PROOF_NONE && cl->route->secure_mx) {
		rules.proof = TLS_PROOF_NAMES;
		rules.names = &cl->host->name;
		rules.name_count = 1;
	}
	return rules;
}

/* Neither a chain that leads nowhere nor one that nobody asked for is "verified". */
void
client_describe_tls(struct client *cl)
{
	const struct tls_outcome *o = conn_tls_outcome(cl->conn);
	const char *proof = "unverified";

	cl->tls = *o;
	if (cl->host->tls.proof == TLS_PROOF_NONE)
		cl->tls.error = cl->tls.detail = NULL; /* no policy asked for it */
	if (o->verified)
		proof = cl->host->tls.proof == TLS_PROOF_DANE ? "dane" : "verified";
	snprintf(cl->tls_text, sizeof(cl->tls_text), "%s %s %s", conn_tls_version(cl->conn),
	    conn_tls_cipher(cl->conn), proof);
}

static const struct tls_outcome starttls_not_offered = {
    .error = "starttls-not-supported", .detail = "STARTTLS is not offered"};

static void
tls_missing(struct client *cl)
{
	cl->tls = starttls_not_offered;
	client_over(cl, CLIENT_TLS_FAILED, 0,
	    STR("TLS is required for this destination, but the server does not offer STARTTLS"));
}

/* After EHLO. RFC 3207 §4, RFC 8461 §4, RFC 7672 §2.2 */
void
client_secure_or_go_on(struct client *cl)
{
	bool tls = conn_is_tls(cl->conn);

	if (!tls)
		cl->starttls_offered = cl->offers.starttls;
	if (!tls && cl->offers.starttls && !cl->without_tls) {
		client_say(cl, PH_STARTTLS, "STARTTLS");
	} else if (!tls && cl->host->must_tls) {
		tls_missing(cl);
	} else {
		if (!tls && !cl->starttls_offered) {
			snprintf(cl->tls_text, sizeof(cl->tls_text), "not offered");
			if (cl->host->tls.proof != TLS_PROOF_NONE) /* a policy is being tested */
				cl->tls = starttls_not_offered;
		}
		if (cl->route->user.n)
			client_auth_begin(cl);
		else
			client_next(cl);
	}
}

/* What came in one piece with the reply was put there by somebody who could not read what follows
 * (CVE-2011-0411, RFC 3207 §4.2). */
void
client_starttls_reply(struct client *cl)
{
	struct tls_rules rules = client_tls_rules(cl);

	if (cl->reader.code != 220) {
		if (cl->host->must_tls || cl->reader.code == 421) {
			cl->tls = (struct tls_outcome){
			    .error = "starttls-not-supported", .detail = "STARTTLS was refused"};
			client_over_by_reply(
			    cl, cl->host->must_tls ? CLIENT_TLS_FAILED : CLIENT_GREETING_LATER);
			return;
		}
		cl->without_tls = true; /* RFC 3207 §4.1: the client decides */
		snprintf(cl->tls_text, sizeof(cl->tls_text), "refused");
		client_secure_or_go_on(cl);
		return;
	}
	if (!client_in_step(cl)) {
		client_over(cl, cl->host->must_tls ? CLIENT_TLS_FAILED : CLIENT_GREETING_LATER, 0,
		    STR("The server sent more than its reply to STARTTLS"));
		return;
	}
	if (conn_tls_expect(cl->conn, &rules)) {
		client_over(cl, CLIENT_NO_CONNECTION, 0, STR("Out of memory"));
		return;
	}
	cl->handshake = true;
	client_enter(cl, PH_HANDSHAKE, CLIENT_TLS_MS);
}

void
client_not_made(struct client *cl)
{
	enum client_failure failure = CLIENT_NO_CONNECTION;

	if (cl->handshake) {
		cl->tls = *conn_tls_outcome(cl->conn);
		if (cl->tls.error)
			failure = cl->host->must_tls || cl->route->implicit_tls ? CLIENT_TLS_FAILED
										: CLIENT_TLS_BROKEN;
	}
	if (cl->stop_ms)
		failure = CLIENT_STOPPED;
	client_over(cl, failure, 0, str_of(conn_failure(cl->conn)));
}

/* A server that breaks off where TLS begins can't do what it offers. */
static bool
breaks_at_tls(const struct client *cl)
{
	return cl->phase == PH_STARTTLS ||
	       (cl->phase == PH_EHLO && cl->handshake && !cl->route->implicit_tls);
}

enum client_failure
client_tls_lost(struct client *cl, enum client_failure failure)
{
	if (failure != CLIENT_NO_CONNECTION || !breaks_at_tls(cl))
		return failure;
	cl->tls = (struct tls_outcome){
	    .error = "validation-failure", .detail = "the other side closed the connection"};
	return cl->host->must_tls ? CLIENT_TLS_FAILED : CLIENT_TLS_BROKEN;
}
