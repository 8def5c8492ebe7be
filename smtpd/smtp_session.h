/* smtpd/smtp_session.h - one SMTP or LMTP client: its states, its modes, its transaction.
 *
 * The state says which commands are possible (the table in smtp_commands.c); the mode is the
 * function that the next octets go to: command lines, SASL responses, message data, a chunk, or
 * nobody (an answer that is held back). Both change in one place each, below. A session belongs to
 * the thread that runs its turn; everything but `arena` lives between turns.
 *
 * RFC 5321, RFC 2033 (LMTP), RFC 6409 (submission).
 */
#ifndef SMTPD_SMTP_SESSION_H
#define SMTPD_SMTP_SESSION_H

#include "common/auth/sasl.h"
#include "common/net/line.h"
#include "smtpd/incoming.h"
#include "smtpd/partial.h"
#include "smtpd/smtp_params.h"
#include "smtpd/smtp_parse.h"
#include "store/service.h"

/* The ports, as conn_service() tells them; bits, for the command table. */
enum smtp_service {
	SMTP_MX = 1, /* 25: from anyone, to us */
	SMTP_SUBMISSION = 2, /* 587 */
	SMTP_SUBMISSIONS = 4, /* 465 */
	SMTP_LMTP = 8,
};
#define SMTP_SUBMITS (SMTP_SUBMISSION | SMTP_SUBMISSIONS)
#define SMTP_ALL (SMTP_MX | SMTP_SUBMITS | SMTP_LMTP)

enum smtp_state {
	ST_START = 1, /* not introduced yet */
	ST_READY = 2, /* EHLO is done, no transaction */
	ST_MAIL = 4, /* a sender is named */
	ST_RCPT = 8, /* and a recipient at least */
	ST_BDAT = 16, /* and a chunk of the message has come */
};
#define ST_TRANSACTION (ST_MAIL | ST_RCPT | ST_BDAT)
#define ST_ANY (ST_START | ST_READY | ST_TRANSACTION)

#define SMTP_LINE_MAX 4096 /* RFC 5321 §4.5.3.1.4 asks for 512 and more for each extension */
#define SMTP_AUTH_LINE_MAX 12288 /* RFC 4954 §4 */
#define SMTP_ARENA (256 * 1024) /* of one command */
#define SMTP_TXN_ARENA (4 * 1024 * 1024) /* of one transaction */
#define SMTP_ACCOUNTS_MAX 10000 /* mailboxes one message can reach through all its aliases */
#define SMTP_HELO_MAX 255
#define SMTP_STOP_MS 8000 /* for a transaction under way; a stopping daemon waits 10 s */
#define SMTP_ID_MAX 64

struct smtp_rcpt {
	struct str address;
	struct smtp_rcpt_params params;
	bool elsewhere; /* by the queue: another server's, or one of ours at a later time */
	bool forwarded; /* to addresses elsewhere, too: in txn->forwards */
	bool shares_forward; /* with an earlier recipient, which it stands under there */
	bool taken; /* the message is durable for it */
	uint32_t *accounts; /* indices in txn->deliveries */
	size_t account_count;
};

struct smtp_txn {
	struct arena *arena;
	char id[SMTP_ID_MAX]; /* for the log, the Received field and the client */
	struct str sender; /* empty: <> */
	struct smtp_mail_params params;
	uint32_t rcpts_tried; /* RCPT commands, refused ones too */
	struct smtp_rcpt *rcpts; /* the accepted ones */
	size_t rcpt_count, rcpt_cap;
	size_t elsewhere_count; /* of them, and of forwards: what the queue gets */
	struct smtp_forward *forwards; /* forward.h */
	size_t forward_count, forward_cap;
	size_t mark_count; /* addresses of ours that forward */
	bool for_queue; /* the message began without Return-Path */
	struct delivery *deliveries; /* each account once */
	size_t delivery_count, delivery_cap;
	struct incoming *in; /* once data flows */
	struct str date_line; /* for `in` */
	struct str message_id_line;
};

struct smtp_session;

/* What a mode has done. */
enum smtp_step {
	STEP_GO_ON, /* there may be more to do with what has arrived */
	STEP_READ,
	STEP_SLEEP,
	STEP_TLS,
	STEP_CLOSE,
};
typedef enum smtp_step smtp_mode(struct smtp_session *s);

struct smtp_session {
	struct service *svc;
	struct partial_table *partials; /* the daemon's */
	struct conf *conf; /* as it was when the session began */
	struct conn *conn;
	enum smtp_service service;
	enum smtp_state state; /* by smtp_enter() only */
	smtp_mode *mode; /* by smtp_set_mode() only */
	struct line_reader line;
	struct arena *arena; /* of the command at work */
	int64_t stop_deadline; /* clock_mono_ms() by which to be done, since the daemon stops; 0 */

	struct sbuf helo;
	bool extended; /* EHLO or LHLO, not HELO */

	int64_t account; /* logged in as; 0: nobody */
	struct sbuf user; /* its address */
	struct sasl *sasl; /* an exchange under way */
	bool sasl_done; /* logged in but for the empty line that answers the last challenge */
	char mechanism[24];
	struct sasl_host sasl_host;
	uint32_t login_failures;
	int64_t login_deadline; /* clock_mono_ms() by which to log in; 0: none */

	struct smtp_txn *txn; /* NULL outside ST_TRANSACTION */
	uint64_t chunk_size, chunk_left; /* of a BDAT command */
	bool chunk_last;
	struct smtp_reply chunk_refusal; /* code 0: it is taken */
	enum err chunk_err;

	struct smtp_reply held; /* the answer that mode_delay keeps back */
	bool held_closes;

	int64_t data_began_ms; /* DATA's text or a chunk is being read since then; 0: none is */
	uint64_t data_octets; /* of it so far */

	uint32_t bad_commands; /* since the last message */
	uint32_t refused; /* recipients since the last message, and what was pipelined behind a
			     refused MAIL or BDAT: no mistakes, but no more than max_recipients */
	bool txn_refused; /* since the last transaction began: so is what was pipelined behind */
	uint32_t refusals_noted; /* in the trace */
	uint32_t mails; /* MAIL commands accepted */
	uint32_t accepted; /* messages */
	uint32_t commands;
	uint64_t octets_accepted;
	int64_t began_ms;
	char sid[32];
	char peer[64];
	const char *end; /* how it ended, for the log */
};

/* NULL without memory. */
struct smtp_session *smtp_session_new(struct service *svc, struct partial_table *partials);
extern const struct session_ops smtp_session_ops;

/* The one place where the state changes; asserts that the move is one the protocol has. */
void smtp_enter(struct smtp_session *s, enum smtp_state to);
void smtp_set_mode(struct smtp_session *s, smtp_mode *mode);
/* The same for a mode that reads message data, which must come at smtpd.min_data_rate. */
void smtp_begin_data(struct smtp_session *s, smtp_mode *mode);
/* Command lines: smtp_dispatch.c. */
smtp_mode smtp_mode_command;

/* Begins a transaction (from ST_READY). ERR_NOMEM. */
NODISCARD enum err smtp_begin_txn(struct smtp_session *s);
/* Ends it whatever it was, forgets the message; back to ST_READY if one was begun. */
void smtp_end_txn(struct smtp_session *s);

/* Holds `reply` back for `ms`, then goes on (or closes). */
void smtp_delay_reply(
    struct smtp_session *s, const struct smtp_reply *reply, int64_t ms, bool close);
/* 421: the last word before the connection closes; `why` is for the log. */
enum smtp_step smtp_goodbye(
    struct smtp_session *s, const char *enhanced, const char *text, const char *why);

enum smtp_step smtp_goodbye_for_stop(struct smtp_session *s);

static inline bool
smtp_is_lmtp(const struct smtp_session *s)
{
	return s->service == SMTP_LMTP;
}

static inline bool
smtp_submits(const struct smtp_session *s)
{
	return s->service & SMTP_SUBMITS;
}

/* What EHLO lists of the parameters that not everybody may use: enum smtp_offered. */
unsigned smtp_offered(const struct smtp_session *s);

/* "ESMTPS" …, of the transaction. */
const char *smtp_with(const struct smtp_session *s);

#endif
