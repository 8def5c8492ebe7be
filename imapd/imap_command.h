/* imapd/imap_command.h - one command: its row in the table, what was read of it, its answer.
 *
 * The row is the whole truth about a command: the dispatcher checks it, CAPABILITY omits what it
 * forbids now, the log hides what it marks secret. A handler runs on a worker with the complete
 * command, is never entered twice, writes untagged data and returns an error or ERR_OK; the
 * dispatcher writes the one tagged reply. What takes long is handed to the pump (pump.h) or to an
 * input mode (imap_session.h); the reply then follows when that ends.
 */
#ifndef IMAPD_IMAP_COMMAND_H
#define IMAPD_IMAP_COMMAND_H

#include "common/base/arena.h"
#include "common/metrics/metrics.h"
#include "imapd/imap_parse.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_session;
struct imap_cmd;

/* RFC 3501 §3; bits, so that a row can name several. */
enum imap_state {
	ST_GREET = 1, /* not authenticated */
	ST_AUTH = 2,
	ST_SELECTED = 4,
	ST_LOGOUT = 8,
	ST_ANY = ST_GREET | ST_AUTH | ST_SELECTED,
};

enum imap_command_flag {
	CMD_SECRET = 1, /* carries credentials: only its name is logged, its text is wiped */
	CMD_NEEDS_TLS = 2, /* not where a password could be read on the way: NO [PRIVACYREQUIRED] */
	CMD_SEQNUMS = 4, /* its plain form speaks of sequence numbers, so no EXPUNGE may be told
			    before its reply (RFC 3501 §7.4.1); its UID form may be told of them */
	CMD_UID_FORM = 8, /* "UID <name>" exists: same handler, cmd->uid is set */
	CMD_STREAMS = 16, /* its message literal goes to the handler as it arrives */
	CMD_WRITES = 32, /* changes the selected mailbox: NO [READ-ONLY] after EXAMINE */
	CMD_NO_NEWS = 64, /* nothing of the mailbox is told before its reply */
	CMD_ASKS_NEWS = 128, /* sent to hear of new messages; in other answers some clients
				overlook them: see cmd_idle.c */
	CMD_ANNOTATES = 256, /* its literals are values of entries: one that is too large for the
				reader is answered as the handler would (RFC 5464 §4.3) */
	CMD_TAKES_MUCH = 512, /* memory, for some time: not begun while the daemon has none left.
				 Others ask where they see that they will (imap_may_begin()) */
};

struct imap_command {
	const char *name;
	unsigned states;
	unsigned flags;
	enum err (*handler)(struct imap_session *s, struct imap_cmd *cmd);
};

/* The table's row of that name (ASCII case ignored), or NULL. */
const struct imap_command *imap_find_command(struct str name);
/* The label of figures: the table's names, then "other". */
metric_value imap_command_value;
size_t imap_command_index(const struct imap_command *row); /* NULL: of "other" */
/* The whole table, for tests. */
const struct imap_command *imap_all_commands(size_t *ret_n);

#define IMAP_TAG_MAX 100 /* octets; a longer tag is BAD */
#define IMAP_ARENA_MAX (64 * 1024 * 1024) /* what one command may build in memory */

/* A literal that has been announced but not read: APPEND's message. */
struct imap_stream {
	uint64_t size;
	bool synchronising; /* the client waits for "+ " before it sends */
};

struct imap_cmd {
	const struct imap_command *row; /* NULL: no command is in progress */
	char tag[IMAP_TAG_MAX + 1];
	bool uid; /* UID form */
	struct arena *arena; /* lives until the tagged reply; all that the command parses or builds
			      */
	struct imap_args *args; /* behind the name; its slices live as long as the arena */
	struct imap_stream stream; /* CMD_STREAMS only */
	bool streaming; /* the literal's octets are on their way, asked for or not */
	uint64_t stream_left; /* of them, not read yet */
	struct str code; /* response code of the reply without brackets, or empty */
	struct str text; /* text of the reply instead of the error's own, or empty */
	uint32_t limited_to; /* the lowest UID that message_limit.h left, 0: all */
	bool says_modseq; /* it expunged: where QRESYNC is enabled its OK gets HIGHESTMODSEQ */
	bool pending; /* the handler has left the reply to a pump or a mode */
	/* When the last of its octets came; 0: what it waits for is no measure. */
	int64_t began_us;
};

/* The response code of the tagged reply, copied: "TRYCREATE". The last one set counts; it replaces
 * the one the error would have. */
void imap_set_code(struct imap_cmd *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "COPYUID 38505 304,319:320 3956:3958" (RFC 4315 §3); nothing was copied: no code. */
struct copied;
void imap_set_copyuid(struct imap_cmd *cmd, const struct copied *copied);
/* The human text of the tagged reply. */
void imap_set_text(struct imap_cmd *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* -- what an error is to the client: imap_err.c --------------------------------------------- */

struct imap_err_row {
	const char *condition; /* "NO" or "BAD" */
	const char *code; /* of RFC 5530 or RFC 3501 §7.1, or NULL */
};
const struct imap_err_row *imap_err_row(enum err e);

#endif
