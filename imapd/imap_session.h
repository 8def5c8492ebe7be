/* imapd/imap_session.h - one IMAP connection: its state, what it has selected, how it reads.
 *
 * RFC 3501 §3. A session belongs to one thread at a time (conn.h); nothing here is locked. Input
 * is read by a mode, a function: commands, a SASL exchange, APPEND's octets, IDLE. Between
 * commands a session holds no arena, no buffer and no database handle.
 */
#ifndef IMAPD_IMAP_SESSION_H
#define IMAPD_IMAP_SESSION_H

#include "common/auth/sasl.h"
#include "common/net/conn.h"
#include "imapd/imap_command.h"
#include "imapd/imap_go.h"
#include "imapd/pump.h"
#include "imapd/saved.h"
#include "imapd/told.h"
#include "store/promise.h"
#include "store/service.h"
#include "store/view.h"

struct imap_news;
struct indexer;
struct append_state;
struct watch;
struct notify;

/* What the client has asked for with ENABLE (RFC 5161), or by using it (RFC 7162 §3.1); bits. Stays
 * until the end of the session. */
enum imap_enabled {
	EN_CONDSTORE = 1,
	EN_QRESYNC = 2, /* with EN_CONDSTORE */
	EN_UTF8 = 4, /* RFC 6855 */
	EN_REV2 = 8, /* RFC 9051 */
	EN_UIDONLY = 16, /* RFC 9586 */
	EN_METADATA = 256, /* RFC 5464 §4.1: unsolicited METADATA */
};

/* Names and strings of the client and to it are UTF-8 (RFC 6855 §3, RFC 9051 §5.1). */
#define EN_SPEAKS_UTF8 (EN_UTF8 | EN_REV2)

typedef enum imap_go imap_mode(struct imap_session *s, unsigned events);

/* How far a client has been told of METADATA (metadata.h). */
struct metadata_seen {
	bool begun;
	uint64_t modseq;
	uint64_t own_modseq; /* of the session's own last change, of which it is not told */
	int64_t own_mailbox;
};

/* Gathers a command's lines and literals: imap_read.h. */
struct imap_reader {
	struct sbuf text; /* the command so far: lines, CRLF, literals' octets as they stand on the
			     wire */
	size_t scanned; /* octets of unread input already searched for LF: a line that trickles in
			   stays linear */
	uint64_t literal_left; /* octets of a literal still to come */
	bool in_literal;
	bool draining; /* throwing away what was refused: first these octets, then up to a line's
			  end */
	uint64_t drain_left;
	uint64_t drained;
	char tail[32]; /* how the drained line ends: another literal may be announced there */
	size_t tail_n;
};

struct imap_session {
	struct conn *conn;
	struct service *service; /* store, limits; shared */
	struct indexer *indexer; /* shared; NULL: no search index */
	struct conf *conf; /* a reference */
	enum imap_state state; /* set by imap_enter_state() only */
	imap_mode *mode; /* imap_read_command unless a command has its own */
	struct imap_reader reader;
	struct imap_cmd cmd; /* the command in progress */
	struct imap_args args; /* what cmd.args points to */
	struct pump pump; /* its output, while there is more */
	bool stopping; /* the daemon stops: BYE at the next command boundary */
	bool log_out; /* close when what is written is flushed */
	bool start_tls; /* handshake when what is written is flushed */
	bool start_deflate; /* what follows is deflated */

	/* before login */
	int64_t began_ms; /* clock_mono_ms() */
	int64_t login_by_ms; /* clock_mono_ms() at which the connection is given up */
	uint32_t failed_logins;
	uint32_t bad_commands;
	struct sasl *sasl; /* AUTHENTICATE in progress */
	struct sasl_host sasl_host; /* of it */
	bool sasl_done; /* its last message is out, the client's empty answer not in */
	char mechanism[32];
	enum err held_err; /* the answer that waits for a failed login's delay */

	/* since login */
	struct account *account; /* a reference */
	char *user; /* address */
	char *hidden; /* capabilities that this account is not shown; NULL: none */
	uint64_t commands; /* for the log */
	unsigned enabled; /* enum imap_enabled */
	struct metadata_seen metadata_seen, server_metadata_seen;
	struct metadata_seen owner_metadata_seen; /* since SELECT of another's mailbox */
	struct {
		struct account **a; /* references */
		size_t n;
	} visited; /* accounts of others that the command needs: folder.c */
	struct notify *notify; /* NOTIFY was used; outlives SELECT and CLOSE */
	struct promise promise; /* what this turn has answered before it was durable */
	struct {
		const struct imap_command *row;
		int64_t began_us; /* 0: nothing */
	} promised; /* the first command of those answered so: its time is not over */

	/* since SELECT */
	struct account *owner; /* whose mailbox it is; a reference */
	int64_t mailbox; /* id, 0 none */
	unsigned rights; /* RIGHT_* of our user in it */
	int64_t viewer; /* VIEWER_OWNER, or our account where the mailbox is another's */
	bool indexing; /* indexer_leave() is due */
	bool read_only; /* EXAMINE */
	bool lost; /* the selected mailbox was deleted by another; said so, no SELECT since */
	struct view *told; /* what the client knows: sequence numbers are positions in it */
	size_t keywords_told; /* keywords in the last FLAGS response */
	uint64_t complete_modseq; /* all that happened up to here has been told: told.h */
	uint64_t modseq_shown; /* the highest MODSEQ written since the last tagged reply */
	struct imap_news *news; /* being told: told.c */
	struct told_listener *listeners; /* of what is told: told.h */
	unsigned mute; /* enum told_mute */
	bool untold; /* MUTE_FLAGS has kept back something since complete_modseq */
	enum err finish_err; /* the reply that waits for it */
	bool grown_aside; /* EXISTS was told in the answer to a command that did not ask for it */
	struct uidset saved; /* "$": saved.h */
	struct imap_recent recent; /* which UIDs are \Recent here */

	struct append_state *append; /* APPEND in progress: cmd_append.c */
	bool idling; /* IDLE in progress: cmd_idle.c */
	struct watch *watch; /* of IDLE, in a selected mailbox */
	struct watch *metadata_watch; /* of IDLE, where EN_METADATA */
};

extern const struct session_ops imap_session_ops;

/* A session for a connection that is about to open; NULL without memory. `service` outlives it. */
struct imap_session *imap_session_new(struct service *service);

static inline bool
imap_speaks_utf8(const struct imap_session *s)
{
	return s->enabled & EN_SPEAKS_UTF8;
}

/* For commits to `a`: what they promise is kept before the answers of this turn leave, all with one
 * sync. NULL for the accounts of others: a promise is about one. */
static inline struct promise *
imap_promise(struct imap_session *s, const struct account *a)
{
	return a == s->account ? &s->promise : NULL;
}

/* The one place where the state changes; asserts that the move is one of RFC 3501 §3's. */
void imap_enter_state(struct imap_session *s, enum imap_state to);
/* Input goes to `mode` until imap_finish(); marks the command as pending. */
void imap_enter_mode(struct imap_session *s, struct imap_cmd *cmd, imap_mode *mode);

/* The mode of a failed login's delay: cmd_login.c. */
imap_mode imap_hold_reply;

/* After a login: opens the account and enters ST_AUTH. Errors of account_open(). */
NODISCARD enum err imap_log_in(
    struct imap_session *s, int64_t account, struct str user, const char *mechanism);

/* The reverse: ST_GREET, and nothing is left of what the user did (RFC 8437 §4.1). Nothing may be
 * promised. */
void imap_unauthenticate(struct imap_session *s);

/* Leaves the selected mailbox, if there is one, without expunging (RFC 3501 §6.3.1: a second SELECT
 * does that). */
void imap_deselect(struct imap_session *s);

/* "* BYE text", and the connection ends. */
void imap_say_bye(struct imap_session *s, const char *code, const char *text);

/* The user may change what concerns all: imapd.admins. */
bool imap_is_admin(const struct imap_session *s);

/* The deadline of a session at rest: the login's, or imapd.timeout. */
void imap_set_deadline(struct imap_session *s);

#endif
