/* smtpd/outbound/client.h - the SMTP (and LMTP) client: a session over a dialled connection that
 * carries out jobs, one after the other.
 *
 * RFC 5321 §3 and §4.5.3.2 (time limits), RFC 2920 PIPELINING, RFC 1870 SIZE, RFC 6152 8BITMIME,
 * RFC 6531 SMTPUTF8, RFC 3030 CHUNKING and BINARYMIME, RFC 3461 DSN, RFC 3207 STARTTLS, RFC 8689
 * REQUIRETLS, RFC 4954 AUTH, RFC 9422 LIMITS, RFC 2033 LMTP. Of TLS it does what the host's rules
 * ask; where they ask for none and the handshake fails, it says so and the owner dials anew
 * without.
 *
 * One attempt, one connection, one address: which host and address come next is the owner's affair.
 */
#ifndef SMTPD_OUTBOUND_CLIENT_H
#define SMTPD_OUTBOUND_CLIENT_H

#include "smtpd/outbound/content.h"
#include "smtpd/outbound/job.h"
#include "smtpd/outbound/route.h"

/* How a connection failed before it could carry out anything. */
enum client_failure {
	CLIENT_FINE,
	CLIENT_NO_CONNECTION, /* refused, unreachable, timed out, lost: try the next address */
	CLIENT_GREETING_LATER, /* 4yz or garbage instead of 220, or to EHLO: next address */
	CLIENT_GREETING_NEVER, /* 5yz: next host; where all say so, for all recipients */
	CLIENT_TLS_FAILED, /* the handshake, or a refused STARTTLS, where TLS is owed: next host */
	CLIENT_TLS_BROKEN, /* the handshake failed and was only wished for: once more without TLS */
	CLIENT_AUTH_FAILED, /* at a smart host: later */
	CLIENT_STOPPED, /* the daemon is stopping */
};

/* Strings are valid during the call. */
struct client_end {
	enum client_failure failure;
	uint16_t code; /* of the reply that says so; 0 none */
	struct str reply; /* that reply, or our words */
	const char *host; /* "mx1.example.net[192.0.2.1]:25" */
	const struct tls_outcome *tls; /* NULL: it did not come to a handshake */
	const char *tls_text; /* "TLSv1.3 TLS_AES_256_GCM_SHA384 dane", "none", "not offered" … */
	bool starttls_offered;
	uint32_t jobs; /* that were carried out */
};

/* What a client asks of its owner. Called on the thread of the turn, one call at a time. */
struct client_owner {
	/* The next job, or NULL: say QUIT (or, with *ret_wait_ms, keep the connection open that
	 * long and ask again then or when client_wake() is called). The client has it until
	 * job_done(). Not called again once the daemon is stopping. */
	struct job *(*next_job)(void *arg, int64_t *ret_wait_ms);
	/* The octets that go out: the message's, re-encoded so that they are at most `form`, then
	 * signed. The client closes them before job_done(). NULL with every recipient's fate set:
	 * this job can't be carried out. NULL with *ret_wait: they are being made, and
	 * client_wake() says when to ask again. */
	struct content *(*content)(
	    void *arg, struct job *job, enum content_form form, bool *ret_wait);
	void (*job_done)(void *arg, struct job *job);
	/* The connection is over; a job that was in hand was handed back before. The client is no
	 * more when this returns. */
	void (*ended)(void *arg, const struct client_end *end);
};

struct client_options {
	const struct route *route; /* lives until `ended` */
	size_t host; /* of its hosts */
	size_t address; /* of the host's addresses */
	const char *source; /* local address to bind to; NULL: any */
	bool without_tls; /* after CLIENT_TLS_BROKEN */
	const char *helo; /* our name (RFC 5321 §4.1.1.1); copied */
	const struct client_owner *owner;
	void *arg;
};

/* Time limits: RFC 5321 §4.5.3.2, its minimum each; to connect as others do. */
#define CLIENT_CONNECT_MS (30 * 1000)
#define CLIENT_GREETING_MS (5 * 60 * 1000)
#define CLIENT_TLS_MS (60 * 1000)
#define CLIENT_COMMAND_MS (5 * 60 * 1000) /* MAIL, RCPT; EHLO, STARTTLS, AUTH and BDAT too */
#define CLIENT_DATA_MS (2 * 60 * 1000) /* for 354 */
#define CLIENT_BLOCK_MS (3 * 60 * 1000) /* for the other side to take some octets */
#define CLIENT_FINAL_MS (10 * 60 * 1000) /* for the reply to the final dot */
#define CLIENT_PREPARE_MS (4 * 60 * 1000) /* for content(): less than a server waits */
#define CLIENT_QUIT_MS (2 * 1000) /* nothing depends on it any more */
#define CLIENT_STOP_MS (8 * 1000) /* for what is under way; a stopping daemon waits 10 s */

struct client;
extern const struct session_ops client_ops;

/* Dials, and then works until it says `ended`, which comes once, on some thread, perhaps before
 * this returns. ERR_NOMEM or ERR_LIMIT (no descriptor): it will not come. */
NODISCARD enum err client_dial(struct hub *h, const struct client_options *o, struct client **ret);
/* The session alone, to be run over a connection with client_ops (tests). NULL without memory. */
struct client *client_new(const struct client_options *o);
/* Any thread, while `ended` has not been called (its owner's lock sees to that): there may be a
 * job. */
void client_wake(struct client *c);

#endif
