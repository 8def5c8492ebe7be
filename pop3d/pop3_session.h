/* pop3d/pop3_session.h - one POP3 connection: RFC 1939 §3 with the extensions of RFC 2449.
 *
 * A session belongs to one thread at a time (conn.h); nothing here is locked. Input is lines, each
 * a command or, during AUTH, an answer to a challenge. Output that may be long is written by a pump
 * as the peer reads. Between commands a session holds no arena and no database handle.
 */
#ifndef POP3D_POP3_SESSION_H
#define POP3D_POP3_SESSION_H

#include "common/net/conn.h"
#include "common/net/line.h"
#include "pop3d/dot_stuff.h"
#include "pop3d/maildrop.h"
#include "pop3d/pop3_text.h"
#include "pop3d/read_ahead.h"
#include "store/service.h"

#define POP3_NAME_MAX 255 /* octets of USER's name */
#define POP3_LINE_BEFORE_LOGIN 4096
#define POP3_LINE_AUTH 12288 /* as SMTP has it (RFC 4954 §4): tokens are long */
#define POP3_LINE_AFTER_LOGIN 512 /* RFC 2449 §4 asks for 255 */
#define POP3_INPUT_BEFORE_LOGIN 16384

/* RFC 1939's states; AUTHORIZATION is two here, since PASS comes after USER only. */
enum pop3_state {
	ST_AUTHORIZATION = 1,
	ST_USER_GIVEN = 2,
	ST_TRANSACTION = 4,
	ST_UPDATE = 8, /* QUIT has begun to remove; no command comes any more */
};
#define ST_BEFORE_LOGIN (ST_AUTHORIZATION | ST_USER_GIVEN)
#define ST_ANY (ST_BEFORE_LOGIN | ST_TRANSACTION)

struct pop3_session;

/* Writes a part of a long response: until conn_out_full(), until some rows are done (so that other
 * sessions get their turn), or until the end: then *ret_done. A failure ends the connection, since
 * the client would take what it got for the whole. */
typedef enum err pop3_pump_step(struct pop3_session *s, bool *ret_done);

struct pop3_pump {
	pop3_pump_step *step; /* NULL: idle */
	uint32_t seq; /* LIST, UIDL, STAT: the next message */
	uint32_t count; /* STAT: added up so far */
	uint64_t octets;
	int64_t message; /* RETR, TOP */
	struct message_file *file; /* of a large one, while it is being written; or NULL */
	uint64_t offset, size;
	struct dot_stuff stuff;
};

struct pop3_session {
	struct conn *conn; /* from the first turn on */
	struct service *service; /* shared, outlives the session */
	struct conf *conf; /* a reference */
	enum pop3_state state; /* set by pop3_enter_state() only */
	struct line_reader line;
	enum pop3_language language;
	bool utf8; /* UTF8 was given (RFC 6856) */

	/* what follows the reply */
	bool stopping; /* the daemon stops */
	bool leaving; /* close when what is written is flushed */
	bool start_tls; /* handshake when what is written is flushed */
	bool progressed; /* the idle timer begins anew at the end of this turn */
	const char *end; /* how the session ended, for the log */

	/* before login */
	int64_t login_by_ms; /* clock_mono_ms() at which the connection is given up */
	uint32_t failed_logins;
	uint32_t bad_commands;
	char name[POP3_NAME_MAX + 1]; /* USER's */
	struct sasl_host sasl_host;
	struct sasl *sasl; /* AUTH in progress */
	char mechanism[24];
	bool sasl_done; /* logged in, but for the empty answer to its last message */
	bool sasl_waits; /* for a password or the provider of a token, without a worker */
	enum err held; /* the answer that waits for a failed login's delay; ERR_BUSY: one that was
			  put off */

	/* since login */
	char *user; /* address */
	struct maildrop drop;
	struct pop3_pump pump;
	struct read_ahead ahead;
	uint64_t retrieved, octets; /* for the log */
	uint32_t removed;
};

extern const struct session_ops pop3_session_ops;

/* A session for a connection whose turns are to follow; NULL without memory. `service` outlives it.
 */
struct pop3_session *pop3_session_new(struct service *service);

/* The one place where the state changes; asserts that the move is one of RFC 1939's. */
void pop3_enter_state(struct pop3_session *s, enum pop3_state to);

/* The connection ends after what is written; `how` for the log. */
void pop3_leave(struct pop3_session *s, const char *how);

/* A mistake of the client: counted, and too many end the connection. After its reply. */
void pop3_count_mistake(struct pop3_session *s);

#endif
