#include "pop3d/pop3_dispatch.h"

#include "common/auth/prep.h"
#include "common/base/log.h"
#include "common/metrics/recent.h"
#include "pop3d/pop3_reply.h"

#define NAME_MAX_LOGGED 16

/* "12" or "12 3", blanks between and after tolerated. */
static enum err
parse_numbers(struct str text, enum pop3_args args, struct pop3_cmd *cmd)
{
	struct str word;
	struct str rest = text;
	uint32_t *const to[] = {&cmd->seq, &cmd->lines};
	size_t want = args == ARGS_MESSAGE_LINES ? 2 : args == ARGS_NONE ? 0 : 1;
	size_t n = 0;

	while (str_split(&rest, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (n == want || !str_to_u32(word, to[n]))
			return ERR_SYNTAX;
		n++;
	}
	if (n == 0 && args == ARGS_MAY_MESSAGE)
		return ERR_OK;
	if (n != want)
		return ERR_SYNTAX;
	return want > 0 && cmd->seq == 0 ? ERR_NOT_FOUND : ERR_OK;
}

static enum err
parse_args(struct str text, enum pop3_args args, struct pop3_cmd *cmd)
{
	switch (args) {
	case ARGS_TEXT:
	case ARGS_MAY_TEXT:
		cmd->text = text;
		return text.n == 0 && args == ARGS_TEXT ? ERR_SYNTAX : ERR_OK;
	default:
		return parse_numbers(text, args, cmd);
	}
}

static enum err
run(struct pop3_session *s, const struct pop3_command *row, struct str text)
{
	struct pop3_cmd cmd = {0};

	if (!row)
		return ERR_UNKNOWN;
	if (!(row->states & s->state))
		return ERR_SEQUENCE;
	enum err e = pop3_check_command(s, row);
	if (!e)
		e = parse_args(text, row->args, &cmd);
	if (!e && row->flags & CMD_TAKES_MUCH)
		e = service_may_begin(s->service, row->name, MEMORY_BRIMFUL);
	return e ? e : row->handler(s, &cmd);
}

/* The reply to what failed, and its line in the log. */
static void
refuse(struct pop3_session *s, const struct pop3_command *row, struct str name, enum err e)
{
	if (e == ERR_CANNOT && row && row->flags & CMD_STARTS_TLS)
		pop3_err_text(s, "", TEXT_NO_TLS);
	else
		pop3_err(s, e);
	METRICS_COUNT(errors, e);
	log_info("refused", F_CSTR("peer", conn_peer(s->conn)),
	    F_CSTR("user", s->user ? s->user : ""), F_STR("command", name), F_ERR(e));
	if (err_class(e) == ERR_CLASS_CLIENT)
		pop3_count_mistake(s);
}

void
pop3_refuse_line(struct pop3_session *s, enum err e)
{
	sasl_free(&s->sasl);
	refuse(s, NULL, STR("?"), e);
}

/* AUTH goes on: the line is an answer, not a command. */
static void
dispatch_answer(struct pop3_session *s, struct str line)
{
	enum err e = pop3_auth_answer(s, line);

	prep_wipe(line);
	if (e)
		refuse(s, NULL, STR("AUTH"), e);
}

void
pop3_resume_auth(struct pop3_session *s)
{
	enum err e = pop3_auth_go_on(s);

	s->progressed = true;
	if (e)
		refuse(s, NULL, STR("AUTH"), e);
}

void
pop3_dispatch(struct pop3_session *s, struct str line)
{
	if (s->sasl) {
		dispatch_answer(s, line);
		return;
	}
	size_t blank = str_find(line, ' ');
	struct str name = str_sub(line, 0, blank == STR_NONE ? line.n : blank);
	struct str text = blank == STR_NONE ? STR("") : str_skip(line, blank + 1);
	const struct pop3_command *row = pop3_find_command(name);

	int64_t began_us = clock_mono_us();
	size_t index = row ? (size_t)(row - pop3_commands) : pop3_command_count;
	recent_note(began_us);
	METRICS_COUNT(pop3_commands, index);
	enum err e = run(s, row, text);
	METRICS_TIME(pop3_command, index, began_us);
	if (row && row->flags & CMD_SECRET)
		prep_wipe(text);
	/* An unknown first word may be a secret gone astray: only its beginning is shown. */
	if (e)
		refuse(s, row, row ? str_of(row->name) : str_sub(name, 0, NAME_MAX_LOGGED), e);
}

bool
pop3_is_http(struct str line)
{
	static const char *const verbs[] = {"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ",
	    "CONNECT ", "DELETE ", "TRACE ", "PATCH "};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_starts_nocase(line, str_of(verbs[i])))
			return true;
	return false;
}
