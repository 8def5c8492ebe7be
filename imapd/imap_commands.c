/* The command table: RFC 3501 §6 and extensions. */
#include "imapd/imap_handlers.h"

/* clang-format off */
static const struct imap_command commands[] = {
	/* name         valid in                  flags                                   handler */
	{"APPEND",       ST_AUTH | ST_SELECTED,    CMD_STREAMS,                            cmd_append},        /* RFC 3501 §6.3.11 */
	{"AUTHENTICATE", ST_GREET,                 CMD_SECRET,                             cmd_authenticate},  /* §6.2.2, RFC 4959 */
	{"CANCELUPDATE", ST_SELECTED,              0,                                      cmd_cancelupdate},  /* RFC 5267 §4.3.5 */
	{"CAPABILITY",   ST_ANY,                   0,                                      cmd_capability},    /* §6.1.1 */
	{"CHECK",        ST_SELECTED,              CMD_ASKS_NEWS,                          cmd_check},         /* §6.4.1 */
	{"CLOSE",        ST_SELECTED,              CMD_NO_NEWS,                            cmd_close},         /* §6.4.2 */
	{"COMPRESS",     ST_AUTH | ST_SELECTED,    CMD_TAKES_MUCH,                         cmd_compress},      /* RFC 4978 */
	{"COPY",         ST_SELECTED,              CMD_SEQNUMS | CMD_UID_FORM,             cmd_copy},          /* §6.4.7, RFC 4315 */
	{"CREATE",       ST_AUTH | ST_SELECTED,    0,                                      cmd_create},        /* §6.3.3, RFC 6154 §3 */
	{"DELETE",       ST_AUTH | ST_SELECTED,    0,                                      cmd_delete},        /* §6.3.4 */
	{"DELETEACL",    ST_AUTH | ST_SELECTED,    0,                                      cmd_deleteacl},     /* RFC 4314 §3.2 */
	{"ENABLE",       ST_AUTH | ST_SELECTED,    0,                                      cmd_enable},        /* RFC 5161 */
	{"ESEARCH",      ST_AUTH | ST_SELECTED,    CMD_UID_FORM | CMD_TAKES_MUCH,          cmd_esearch},       /* RFC 7377 §2 */
	{"EXAMINE",      ST_AUTH | ST_SELECTED,    CMD_NO_NEWS,                            cmd_examine},       /* RFC 3501 §6.3.2 */
	{"EXPUNGE",      ST_SELECTED,              CMD_WRITES | CMD_UID_FORM,              cmd_expunge},       /* §6.4.3, RFC 4315 §2.1 */
	{"FETCH",        ST_SELECTED,              CMD_SEQNUMS | CMD_UID_FORM,             cmd_fetch},         /* RFC 3501 §6.4.5 */
	{"GETMETADATA",  ST_AUTH | ST_SELECTED,    0,                                      cmd_getmetadata},   /* RFC 5464 §4.2 */
	{"GETACL",       ST_AUTH | ST_SELECTED,    0,                                      cmd_getacl},        /* RFC 4314 §3.3 */
	{"GETQUOTA",     ST_AUTH | ST_SELECTED,    0,                                      cmd_getquota},      /* RFC 9208 §4.1.1 */
	{"GETQUOTAROOT", ST_AUTH | ST_SELECTED,    0,                                      cmd_getquotaroot},  /* RFC 9208 §4.1.2 */
	{"ID",           ST_ANY,                   0,                                      cmd_id},            /* RFC 2971 */
	{"IDLE",         ST_AUTH | ST_SELECTED,    CMD_ASKS_NEWS,                          cmd_idle},          /* RFC 2177 */
	{"LIST",         ST_AUTH | ST_SELECTED,    0,                                      cmd_list},          /* RFC 3501 §6.3.8, RFC 5258 */
	{"LISTRIGHTS",   ST_AUTH | ST_SELECTED,    0,                                      cmd_listrights},    /* RFC 4314 §3.4 */
	{"LOGIN",        ST_GREET,                 CMD_SECRET | CMD_NEEDS_TLS,             cmd_login},         /* RFC 3501 §6.2.3 */
	{"LOGOUT",       ST_ANY,                   CMD_NO_NEWS,                            cmd_logout},        /* §6.1.3 */
	{"LSUB",         ST_AUTH | ST_SELECTED,    0,                                      cmd_lsub},          /* §6.3.9 */
	{"MOVE",         ST_SELECTED,              CMD_WRITES | CMD_UID_FORM,              cmd_move},          /* RFC 6851 */
	{"MYRIGHTS",     ST_AUTH | ST_SELECTED,    0,                                      cmd_myrights},      /* RFC 4314 §3.5 */
	{"NAMESPACE",    ST_AUTH | ST_SELECTED,    0,                                      cmd_namespace},     /* RFC 2342 */
	{"NOOP",         ST_ANY,                   CMD_ASKS_NEWS,                          cmd_noop},          /* RFC 3501 §6.1.2 */
	{"NOTIFY",       ST_AUTH | ST_SELECTED,    CMD_ASKS_NEWS,                          cmd_notify},        /* RFC 5465 §3.1 */
	{"RENAME",       ST_AUTH | ST_SELECTED,    0,                                      cmd_rename},        /* §6.3.5 */
	{"REPLACE",      ST_SELECTED,              CMD_STREAMS | CMD_UID_FORM | CMD_WRITES,cmd_replace},       /* RFC 8508 */
	{"SEARCH",       ST_SELECTED,              CMD_SEQNUMS | CMD_UID_FORM | CMD_TAKES_MUCH,cmd_search},    /* §6.4.4 */
	{"SELECT",       ST_AUTH | ST_SELECTED,    CMD_NO_NEWS,                            cmd_select},        /* §6.3.1 */
	{"SETMETADATA",  ST_AUTH | ST_SELECTED,    CMD_ANNOTATES,                          cmd_setmetadata},   /* RFC 5464 §4.3 */
	{"SETACL",       ST_AUTH | ST_SELECTED,    0,                                      cmd_setacl},        /* RFC 4314 §3.1 */
	{"SETQUOTA",     ST_AUTH | ST_SELECTED,    0,                                      cmd_setquota},      /* RFC 9208 §4.1.3 */
	{"SORT",         ST_SELECTED,              CMD_SEQNUMS | CMD_UID_FORM | CMD_TAKES_MUCH,cmd_sort},      /* RFC 5256 §3, RFC 5957 */
	{"STARTTLS",     ST_GREET,                 0,                                      cmd_starttls},      /* RFC 3501 §6.2.1 */
	{"STATUS",       ST_AUTH | ST_SELECTED,    0,                                      cmd_status},        /* §6.3.10 */
	{"STORE",        ST_SELECTED,              CMD_SEQNUMS | CMD_UID_FORM | CMD_WRITES,cmd_store},         /* §6.4.6 */
	{"SUBSCRIBE",    ST_AUTH | ST_SELECTED,    0,                                      cmd_subscribe},     /* §6.3.6 */
	{"THREAD",       ST_SELECTED,              CMD_SEQNUMS | CMD_UID_FORM | CMD_TAKES_MUCH,cmd_thread},    /* RFC 5256 §3 */
	{"UIDBATCHES",   ST_SELECTED,              0,                                      cmd_uidbatches},    /* RFC 10022 */
	{"UNAUTHENTICATE",ST_AUTH | ST_SELECTED,   CMD_NO_NEWS,                            cmd_unauthenticate},/* RFC 8437 */
	{"UNSELECT",     ST_SELECTED,              CMD_NO_NEWS,                            cmd_unselect},      /* RFC 3691 */
	{"UNSUBSCRIBE",  ST_AUTH | ST_SELECTED,    0,                                      cmd_unsubscribe},   /* RFC 3501 §6.3.7 */
	{"XLIST",        ST_AUTH | ST_SELECTED,    0,                                      cmd_xlist},         /* before RFC 6154 */
};
/* clang-format on */

_Static_assert(ARRAY_LEN(commands) < METRIC_COMMANDS_MAX, "each has a series, and `other`");

const char *
imap_command_value(size_t i)
{
	if (i < ARRAY_LEN(commands))
		return commands[i].name;
	return i == ARRAY_LEN(commands) ? "other" : NULL;
}

size_t
imap_command_index(const struct imap_command *row)
{
	return row ? (size_t)(row - commands) : ARRAY_LEN(commands);
}

const struct imap_command *
imap_find_command(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq_nocase(name, str_of(commands[i].name)))
			return &commands[i];
	return NULL;
}

const struct imap_command *
imap_all_commands(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(commands);
	return commands;
}
