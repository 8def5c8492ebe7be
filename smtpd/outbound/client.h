/* smtpd/outbound/client.h - the SMTP (and LMTP) client: a session over a dialled connection that
 * carries out jobs, one after the other.
 *
 * RFC 5321 §3 and §4.5.3.2 (time limits), RFC 2920 PIPELINING, RFC 1870 SIZE, RFC 6152 8BITMIME
 * (where the other side lacks it the message is re-encoded, downgrade.h), RFC 6531 SMTPUTF8, RFC
 * 3030 CHUNKING, RFC 3461 DSN, RFC 3207 STARTTLS, RFC 8689 REQUIRETLS, RFC 4954 AUTH, RFC 2033
 * LMTP. Of TLS it does what the host's rules ask; where they ask for none and STARTTLS fails, it
 * says so and the owner dials anew without.
 */
#ifndef SMTPD_OUTBOUND_CLIENT_H
#define SMTPD_OUTBOUND_CLIENT_H

#include "smtpd/outbound/job.h"
#include "smtpd/outbound/route.h"

/* How a connection failed before it could carry out anything. */
enum client_failure {
	CLIENT_FINE,
	CLIENT_NO_CONNECTION, /* refused, unreachable, timed out: try the next address */
	CLIENT_GREETING_LATER, /* 4yz or garbage instead of 220, or to EHLO: next address */
	CLIENT_GREETING_NEVER, /* 5yz: next host; where all say so, for all recipients */
	CLIENT_TLS_FAILED, /* the handshake, or a refused STARTTLS, where TLS is owed: next host */
	CLIENT_TLS_BROKEN, /* the handshake failed and was only wished for: once more without TLS */
	CLIENT_AUTH_FAILED, /* at a smart host: later */
};

struct client_end {
	enum client_failure failure;
	uint16_t code; /* of the reply that says so; 0 none */
	struct str reply; /* that reply, or our words; valid during the call */
	const struct tls_outcome *tls; /* NULL: it did not come to a handshake */
	struct str tls_text; /* "TLSv1.3 … verified by dane", "none: not offered" */
	bool starttls_offered;
	uint32_t jobs; /* that were carried out */
};

/* What a client asks of its owner. Called on the thread of the turn. */
struct client_owner {
	/* The next job, or NULL: say QUIT (or, with *ret_wait_ms, keep the connection open that
	 * long and ask again then or when client_wake() is called). The client has it until
	 * job_done(). */
	struct job *(*next_job)(void *arg, int64_t *ret_wait_ms);
	/* The octets that go out: the message's, signed or re-encoded as it needs. NULL with every
	 * recipient's fate set: this job can't be carried out. */
	struct queue_octets *(*octets)(void *arg, struct job *job);
	void (*job_done)(void *arg, struct job *job);
	/* The connection is over; a job that was in hand was handed back before. */
	void (*ended)(void *arg, const struct client_end *end);
};

struct client_options {
	const struct route *route; /* a reference is taken */
	size_t host; /* of its hosts */
	bool without_tls; /* after CLIENT_TLS_BROKEN */
	const char *helo; /* our name; RFC 5321 §4.1.1.1 */
	const struct conf *conf; /* time limits; a reference is taken */
	const struct client_owner *owner;
	void *arg;
};

struct client;
extern const struct session_ops client_ops;
/* NULL without memory. Handed to dial_start() with client_ops, which free it. */
struct client *client_new(const struct client_options *o);
/* Any thread, while `ended` has not been called: there may be a job. */
void client_wake(struct client *c);

#endif
