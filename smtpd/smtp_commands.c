#include "smtpd/smtp_commands.h"

#define SMTP_NOT_LMTP (SMTP_MX | SMTP_SUBMITS)

/* clang-format off */
static const struct smtp_command commands[] = {
	/* name      ports          valid in              flags                                     handler */
	{"EHLO",     SMTP_NOT_LMTP, ST_ANY,               0,                                        cmd_ehlo},     /* RFC 5321 §4.1.1.1 */
	{"HELO",     SMTP_NOT_LMTP, ST_ANY,               0,                                        cmd_helo},     /* RFC 5321 §4.1.1.1 */
	{"LHLO",     SMTP_LMTP,     ST_ANY,               0,                                        cmd_ehlo},     /* RFC 2033 §4.1 */
	{"STARTTLS", SMTP_ALL,      ST_START | ST_READY,  CMD_NO_ARGS | CMD_ENDS_GROUP,             cmd_starttls}, /* RFC 3207 §4; some clients (gsasl) do it before EHLO */
	{"AUTH",     SMTP_SUBMITS,  ST_READY,             CMD_SECRET | CMD_ENDS_GROUP,              cmd_auth},     /* RFC 4954 §4 */
	{"MAIL",     SMTP_ALL,      ST_READY,             CMD_NEEDS_LOGIN,                          cmd_mail},     /* RFC 5321 §4.1.1.2 */
	{"RCPT",     SMTP_ALL,      ST_MAIL | ST_RCPT,    CMD_NEEDS_LOGIN,                          cmd_rcpt},     /* RFC 5321 §4.1.1.3 */
	{"DATA",     SMTP_ALL,      ST_RCPT,              CMD_NEEDS_LOGIN | CMD_NO_ARGS | CMD_ENDS_GROUP, cmd_data}, /* RFC 5321 §4.1.1.4 */
	{"BDAT",     SMTP_ALL,      ST_RCPT | ST_BDAT,    CMD_NEEDS_LOGIN | CMD_CHUNK,              cmd_bdat},     /* RFC 3030 §2 */
	{"RSET",     SMTP_ALL,      ST_ANY,               CMD_NO_ARGS,                              cmd_rset},     /* RFC 5321 §4.1.1.5 */
	{"NOOP",     SMTP_ALL,      ST_ANY,               0,                                        cmd_noop},     /* RFC 5321 §4.1.1.9 */
	{"VRFY",     SMTP_ALL,      ST_ANY,               0,                                        cmd_vrfy},     /* RFC 5321 §3.5.3 */
	{"EXPN",     0,             0,                    0,                                        NULL},         /* RFC 5321 §7.3 */
	{"HELP",     SMTP_ALL,      ST_ANY,               0,                                        cmd_help},     /* RFC 5321 §4.1.1.8 */
	{"QUIT",     SMTP_ALL,      ST_ANY,               CMD_NO_ARGS,                              cmd_quit},     /* RFC 5321 §4.1.1.10 */
};
/* clang-format on */

const struct smtp_command *
smtp_find_command(struct str verb)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq_nocase(verb, str_of(commands[i].name)))
			return &commands[i];
	return NULL;
}

_Static_assert(ARRAY_LEN(commands) < METRIC_COMMANDS_MAX, "each has a series, and `other`");

size_t
smtp_command_index(const struct smtp_command *row)
{
	return row ? (size_t)(row - commands) : ARRAY_LEN(commands);
}

const char *
smtp_command_value(size_t i)
{
	if (i < ARRAY_LEN(commands))
		return commands[i].name;
	return i == ARRAY_LEN(commands) ? "other" : NULL;
}

size_t
smtp_command_count(void)
{
	return ARRAY_LEN(commands);
}

const struct smtp_command *
smtp_command_at(size_t i)
{
	return &commands[i];
}
