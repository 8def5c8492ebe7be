/* smtpd/smtp_commands.h - the commands and what the dispatcher holds a handler to.
 *
 * A row of the table is the whole truth about when a command is possible. A handler gets the
 * arguments, does the work, and returns how it went; the dispatcher writes exactly one reply: the
 * one the handler chose with smtp_answer(), else the one smtp_reply.c has for the result.
 */
#ifndef SMTPD_SMTP_COMMANDS_H
#define SMTPD_SMTP_COMMANDS_H

#include "smtpd/smtp_session.h"

enum smtp_command_flags {
	CMD_NEEDS_LOGIN = 1, /* on submission ports: 530 before AUTH (RFC 6409 §4.3) */
	CMD_NO_ARGS = 2,
	CMD_ENDS_GROUP = 4, /* nothing may be sent after it before its reply (RFC 2920 §3.1, RFC
			       3207 §4, RFC 4954 §4): it would be read as something else. RFC 2920
			       names EHLO, too, but what follows it is commands in any case */
	CMD_CHUNK = 8, /* octets follow it, also when it is refused */
	CMD_SECRET = 16, /* its line is wiped once it is done with */
};

struct smtp_command;

struct smtp_cmd {
	const struct smtp_command *row;
	struct str args; /* without blanks around them; valid during the handler */
	struct smtp_reply reply; /* code 0: the table's */
	bool no_reply; /* it comes later, from the mode that was set */
	bool start_tls; /* after the reply */
	bool close; /* after the reply */
	struct str about; /* an address, for the log of a refusal */
};

typedef enum err smtp_handler(struct smtp_session *s, struct smtp_cmd *cmd);

struct smtp_command {
	const char *name;
	unsigned services;
	unsigned states;
	unsigned flags;
	smtp_handler *handler;
};

/* The row of this verb (any case), NULL if there is none. */
const struct smtp_command *smtp_find_command(struct str verb);
size_t smtp_command_count(void);
/* Of a row, or of NULL, which is none of the table's: for figures. */
size_t smtp_command_index(const struct smtp_command *row);
metric_value smtp_command_value;
const struct smtp_command *smtp_command_at(size_t i);

/* Sets the reply; gives `e` back: `return smtp_answer(cmd, ERR_SYNTAX, 501, "5.1.7", "…");` */
enum err smtp_answer(
    struct smtp_cmd *cmd, enum err e, uint16_t code, const char *enhanced, const char *text);

/* Writes the reply a command has earned, counts mistakes, and says how the session goes on. */
enum smtp_step smtp_finish_command(struct smtp_session *s, struct smtp_cmd *cmd, enum err e);

/* Writes a reply and, when it refuses, its log line. `about` may be empty. */
void smtp_say(
    struct smtp_session *s, const char *command, const struct smtp_reply *reply, struct str about);
/* Counts a command that was the client's mistake, or a refusal that it could not foresee; true when
 * they are too many. `row` may be NULL. */
bool smtp_count_bad(struct smtp_session *s, const struct smtp_command *row, enum err e);

/* The refusal of a command with CMD_CHUNK: its octets are read and thrown away, then `reply`
 * follows. */
void smtp_skip_chunk(struct smtp_session *s, struct smtp_cmd *cmd, enum err e);

smtp_handler cmd_ehlo;
smtp_handler cmd_helo;
smtp_handler cmd_starttls;
smtp_handler cmd_auth;
smtp_handler cmd_mail;
smtp_handler cmd_rcpt;
smtp_handler cmd_data;
smtp_handler cmd_bdat;
smtp_handler cmd_rset;
smtp_handler cmd_noop;
smtp_handler cmd_vrfy;
smtp_handler cmd_help;
smtp_handler cmd_quit;

#endif
