#include "pop3d/pop3_commands.h"

/* clang-format off */
const struct pop3_command pop3_commands[] = {
	/* name    valid in         flags                       arguments           handler   CAPA */
	{"AUTH", ST_BEFORE_LOGIN, CMD_SECRET,                 ARGS_MAY_TEXT,      cmd_auth, NULL},        /* RFC 5034 §4 */
	{"CAPA", ST_ANY,          0,                          ARGS_NONE,          cmd_capa, NULL},        /* RFC 2449 §5 */
	{"DELE", ST_TRANSACTION,  0,                          ARGS_MESSAGE,       cmd_dele, NULL},        /* RFC 1939 §5 */
	{"LANG", ST_ANY,          0,                          ARGS_MAY_TEXT,      cmd_lang, "LANG"},      /* RFC 6856 §3 */
	{"LIST", ST_TRANSACTION,  0,                          ARGS_MAY_MESSAGE,   cmd_list, NULL},        /* RFC 1939 §5 */
	{"NOOP", ST_TRANSACTION,  0,                          ARGS_NONE,          cmd_noop, NULL},        /* RFC 1939 §5 */
	{"PASS", ST_USER_GIVEN,   CMD_SECRET | CMD_NEEDS_TLS, ARGS_TEXT,          cmd_pass, NULL},        /* RFC 1939 §7 */
	{"QUIT", ST_ANY,          0,                          ARGS_NONE,          cmd_quit, NULL},        /* RFC 1939 §4, §6 */
	{"RETR", ST_TRANSACTION,  CMD_TAKES_MUCH,             ARGS_MESSAGE,       cmd_retr, NULL},        /* RFC 1939 §5 */
	{"RSET", ST_TRANSACTION,  0,                          ARGS_NONE,          cmd_rset, NULL},        /* RFC 1939 §5 */
	{"STAT", ST_TRANSACTION,  0,                          ARGS_NONE,          cmd_stat, NULL},        /* RFC 1939 §5 */
	{"STLS", ST_BEFORE_LOGIN, CMD_STARTS_TLS,             ARGS_NONE,          cmd_stls, "STLS"},      /* RFC 2595 §4 */
	{"TOP",  ST_TRANSACTION,  CMD_TAKES_MUCH,             ARGS_MESSAGE_LINES, cmd_top,  "TOP"},       /* RFC 1939 §7 */
	{"UIDL", ST_TRANSACTION,  0,                          ARGS_MAY_MESSAGE,   cmd_uidl, "UIDL"},      /* RFC 1939 §7 */
	{"USER", ST_BEFORE_LOGIN, CMD_NEEDS_TLS,              ARGS_TEXT,          cmd_user, "USER"},      /* RFC 1939 §7 */
	{"UTF8", ST_BEFORE_LOGIN, 0,                          ARGS_NONE,          cmd_utf8, "UTF8 USER"}, /* RFC 6856 §2 */
};
/* clang-format on */
const size_t pop3_command_count = ARRAY_LEN(pop3_commands);

_Static_assert(ARRAY_LEN(pop3_commands) < METRIC_COMMANDS_MAX, "each has a series, and `other`");

const char *
pop3_command_value(size_t i)
{
	if (i < pop3_command_count)
		return pop3_commands[i].name;
	return i == pop3_command_count ? "other" : NULL;
}

const struct pop3_command *
pop3_find_command(struct str name)
{
	for (size_t i = 0; i < pop3_command_count; i++)
		if (str_eq_nocase(name, str_of(pop3_commands[i].name)))
			return &pop3_commands[i];
	return NULL;
}

enum err
pop3_check_command(const struct pop3_session *s, const struct pop3_command *command)
{
	if (command->flags & CMD_NEEDS_TLS && !conn_is_secure(s->conn))
		return ERR_NEEDS_TLS;
	if (command->flags & CMD_STARTS_TLS &&
	    (conn_is_tls(s->conn) || !conn_tls_available(s->conn)))
		return ERR_CANNOT;
	return ERR_OK;
}
