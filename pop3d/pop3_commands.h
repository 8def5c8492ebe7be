/* pop3d/pop3_commands.h - the commands: one row says all that the dispatcher and CAPA must know. */
#ifndef POP3D_POP3_COMMANDS_H
#define POP3D_POP3_COMMANDS_H

#include "pop3d/pop3_session.h"

/* What follows the keyword. */
enum pop3_args {
	ARGS_NONE,
	ARGS_MESSAGE, /* a message number */
	ARGS_MAY_MESSAGE, /* perhaps a message number */
	ARGS_MESSAGE_LINES, /* a message number and a number of lines */
	ARGS_TEXT, /* everything after the blank, which may hold blanks itself */
	ARGS_MAY_TEXT, /* perhaps that */
};

struct pop3_cmd {
	uint32_t seq; /* the message number, 0: none was given */
	uint32_t lines;
	struct str text;
};

enum pop3_flags {
	CMD_SECRET = 1, /* its line is never logged, and is wiped when it has run */
	CMD_NEEDS_TLS = 2, /* or a connection as secure as that */
	CMD_STARTS_TLS = 4, /* possible where TLS is available and not yet on */
	CMD_TAKES_MUCH = 8, /* memory: not begun while that is brimful */
};

/* Writes its +OK response, or begins a pump that does, and returns ERR_OK; any other result becomes
 * the one -ERR line. */
typedef enum err pop3_handler(struct pop3_session *s, const struct pop3_cmd *cmd);

struct pop3_command {
	const char *name;
	unsigned states; /* enum pop3_state: where it is valid */
	unsigned flags; /* enum pop3_flags */
	enum pop3_args args;
	pop3_handler *handler;
	const char *capability; /* CAPA's line for it, or NULL */
};

/* All rows. */
extern const struct pop3_command pop3_commands[];
extern const size_t pop3_command_count;

/* The label of figures: the table's names, then "other". */
metric_value pop3_command_value;
/* The row of that name (case ignored), or NULL. */
const struct pop3_command *pop3_find_command(struct str name);
/* Whether this connection allows it, whatever its state: ERR_OK, ERR_NEEDS_TLS, or ERR_CANNOT for a
 * TLS that can't be started. */
NODISCARD enum err pop3_check_command(
    const struct pop3_session *s, const struct pop3_command *command);

/* The client's answer to a challenge of AUTH (s->sasl). */
NODISCARD enum err pop3_auth_answer(struct pop3_session *s, struct str line);
/* The connection was woken while s->sasl_waits, which stays so where there is no answer yet. */
NODISCARD enum err pop3_auth_go_on(struct pop3_session *s);

pop3_handler cmd_auth, cmd_pass, cmd_user; /* cmd_auth.c */
pop3_handler cmd_capa, cmd_lang, cmd_noop, cmd_stls, cmd_utf8; /* cmd_simple.c */
pop3_handler cmd_dele, cmd_list, cmd_rset, cmd_stat, cmd_uidl; /* cmd_transaction.c */
pop3_handler cmd_retr, cmd_top; /* cmd_retr.c */
pop3_handler cmd_quit; /* cmd_quit.c */

#endif
