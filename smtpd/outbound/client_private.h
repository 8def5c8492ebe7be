/* smtpd/outbound/client_private.h - the inside of an SMTP client: client.c (life, greeting),
 * client_tls.c, client_auth.c, client_job.c, client_mail.c (transactions), client_body.c. */
#ifndef SMTPD_OUTBOUND_CLIENT_PRIVATE_H
#define SMTPD_OUTBOUND_CLIENT_PRIVATE_H

#include "smtpd/outbound/client.h"
#include "smtpd/outbound/dot_writer.h"
#include "smtpd/outbound/envelope.h"
#include "smtpd/outbound/offers.h"
#include "smtpd/outbound/reply.h"

#define CLIENT_HOST_MAX 400
#define CLIENT_WORDS_MAX 300

/* What the next reply is to, or what else is waited for. */
enum client_phase {
	PH_GREETING,
	PH_EHLO, /* LHLO, too */
	PH_HELO,
	PH_STARTTLS,
	PH_HANDSHAKE,
	PH_AUTH,
	PH_IDLE, /* no job: nothing is waited for */
	PH_PREPARE, /* the content of a job is being made: no reply is due */
	PH_ENVELOPE, /* MAIL, RCPT and DATA, as far as they were said */
	PH_BODY, /* the message goes out: no reply is due */
	PH_FINAL, /* to the dot, or to the last chunk */
	PH_EMPTY, /* to the dot of an empty message, which a server asked for that took nobody */
	PH_RSET,
	PH_OVER,
};

/* One transaction of the job at work. */
struct client_txn {
	size_t rcpt[JOB_RCPTS_MAX]; /* of the job, as RCPT names them */
	bool taken[JOB_RCPTS_MAX];
	size_t count;
	size_t said; /* commands: MAIL, each RCPT, DATA */
	size_t heard; /* replies to them */
	bool mail_taken;
	bool chunks; /* BDAT instead of DATA */
	size_t finals; /* replies to the message that have come: LMTP has one for each taken */
	size_t taken_count;
	uint64_t offset; /* in the content */
	struct dot_writer dots;
};

struct client {
	/* as it was made */
	const struct route *route;
	const struct route_host *host;
	const struct client_owner *owner;
	void *arg;
	bool lmtp;
	bool without_tls;
	char helo[256];
	char name[CLIENT_HOST_MAX]; /* "mx1.example.net[192.0.2.1]:25" */

	struct conn *conn; /* a reference */
	enum client_phase phase;
	int64_t deadline_ms; /* clock_mono_ms(); what the connection's stands for */
	size_t unsent; /* octets that the connection had not taken when the time began */
	int64_t stop_ms; /* by then all ends, since the daemon stops; 0 */
	struct reply_reader reader;
	struct offers offers;
	bool starttls_offered; /* before TLS */
	bool handshake; /* one was begun */
	struct client_sasl *sasl;

	struct job *job;
	struct content *content;
	struct str sender; /* of the job, in its arena */
	struct str *addresses; /* of its recipients, as RCPT names them; the same */
	bool *pending; /* recipients not settled yet; the same */
	bool smtputf8;
	struct client_txn *txn; /* in the job's arena */

	/* how it ended */
	enum client_failure failure;
	uint16_t end_code;
	char end_words[JOB_REPLY_MAX + 1];
	char tls_text[200];
	uint32_t jobs, mails;
	struct tls_outcome tls; /* kept beyond the connection */
};

/* The phase, and how long it may last. The only place where it changes. */
void client_enter(struct client *cl, enum client_phase to, int64_t ms);
/* The connection is not to be used any more; what failed is told by `ended`. */
void client_over(struct client *cl, enum client_failure failure, uint16_t code, struct str words);
/* The same, with the reply at hand for words. */
void client_over_by_reply(struct client *cl, enum client_failure failure);
/* The same after "QUIT". */
void client_quit(struct client *cl);
/* Says a command; its reply is waited for in `phase`. */
void client_say(struct client *cl, enum client_phase phase, const char *line);
/* Nobody has sent what nobody asked for: who is out of step may take one reply for another. */
bool client_in_step(const struct client *cl);

/* client_tls.c: */
/* The host's rules, as they count for this connection. */
struct tls_rules client_tls_rules(const struct client *cl);
/* Keeps what the handshake has shown. */
void client_describe_tls(struct client *cl);
/* After EHLO: STARTTLS, or on without it. */
void client_secure_or_go_on(struct client *cl);
/* PH_STARTTLS. */
void client_starttls_reply(struct client *cl);
/* CONN_EV_FAILED: neither made nor secured. */
void client_not_made(struct client *cl);
/* The connection is lost where TLS begins; the failure that this is. */
enum client_failure client_tls_lost(struct client *cl, enum client_failure failure);

/* client_auth.c: begins, goes on with the reply at hand; PH_AUTH. */
void client_auth_begin(struct client *cl);
void client_auth_reply(struct client *cl);
void client_sasl_free(struct client_sasl **s);

/* client_job.c: introduced, or done with a job: the next one, or the end. */
void client_next(struct client *cl);
/* PH_PREPARE: the content may be there. */
void client_prepared(struct client *cl);

/* client_mail.c: */
/* With the recipients that are still to be settled, or the end of the job. */
void client_begin_transaction(struct client *cl);
size_t client_count_pending(const struct client *cl);
void client_settle_pending(
    struct client *cl, enum job_fate fate, const char *status, struct str words);
/* Hands it back. */
void client_end_job(struct client *cl);
/* PH_ENVELOPE, PH_FINAL, PH_EMPTY, PH_RSET, and PH_BODY out of turn. */
void client_mail_reply(struct client *cl);
/* The connection is lost, or there was no answer: what was under way ends, in `words`. */
void client_mail_lost(struct client *cl, uint16_t code, const char *status, struct str words);
/* Settles recipient `i`. */
void client_settle(struct client *cl, size_t i, enum job_fate fate, uint16_t code,
    struct str status, struct str reply);

/* client_body.c: writes of it what there is room for; true once all is written. */
bool client_body_write(struct client *cl);

#endif
