/* The mechanisms that send the password itself: PLAIN (RFC 4616) and LOGIN. */
#include "common/auth/sasl_private.h"

#include "common/auth/prep.h"

static enum sasl_status
judge(struct sasl *s, enum err e, enum err *ret_err)
{
	if (!e && !s->may_act) {
		s->other_identity = true;
		e = ERR_AUTH_FAILED;
	}
	return e ? sasl_fail(e, ret_err) : SASL_DONE;
}

static enum sasl_status
take_answer(struct sasl *s, enum err *ret_err)
{
	enum err e;

	if (!password_answer(s->check, &e))
		return SASL_WAIT;
	password_drop(&s->check);
	return judge(s, e, ret_err);
}

/* To the end of the line; the names of those who exist and of those who do not alike. */
static enum err
queue_up(struct sasl *s, const struct credential *c, struct str password)
{
	struct standing_who who = {.name = sasl_claim(s)};
	struct password_asker asker = {
	    .silent = s->host->silent, .wake = s->host->wake, .arg = s->host->wake_arg};

	if (s->host->who)
		s->host->who(s->host->wake_arg, &who);
	asker.key = password_line_key(s->host->line, &who);
	return password_ask(s->host->line, s->account, c, password, &asker, &s->check);
}

enum sasl_status
sasl_check_password(
    struct sasl *s, struct str authzid, struct str password, struct arena *arena, enum err *ret_err)
{
	struct credential c = {0};
	enum err e = sasl_find(s, arena, &c);

	if (e == ERR_SYNTAX && s->mechanism->name.n == 0)
		e = ERR_NOT_FOUND; /* a command's name can't be wrong in another way than that */
	if (e && e != ERR_NOT_FOUND)
		return sasl_fail(e, ret_err);
	const struct credential *found = e ? NULL : &c;
	s->may_act = sasl_may_act_as(s, authzid);
	s->other_identity = false; /* as long as they have not shown to be themselves */
	if (!s->host->line)
		return judge(s, login_verify(s->host->cache, s->account, found, password), ret_err);
	if (login_is_remembered(s->host->cache, s->account, found, password))
		return judge(s, ERR_OK, ret_err);
	e = queue_up(s, found, password);
	return e ? sasl_fail(e, ret_err) : SASL_WAIT;
}

/* [authzid] NUL authcid NUL passwd */
enum sasl_status
sasl_step_plain(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	(void)ret_challenge;
	if (s->check)
		return take_answer(s, ret_err);
	if (!response.p && s->steps == 1)
		return SASL_CONTINUE; /* an empty challenge asks for it */

	size_t first = str_find(response, '\0');
	if (first == STR_NONE)
		return sasl_fail(ERR_SYNTAX, ret_err);
	struct str authzid = str_sub(response, 0, first);
	struct str rest = str_skip(response, first + 1);
	size_t second = str_find(rest, '\0');
	if (second == STR_NONE)
		return sasl_fail(ERR_SYNTAX, ret_err);
	struct str name = str_sub(rest, 0, second);
	struct str password = str_skip(rest, second + 1);
	if (password.n == 0 || str_has_nul(password) || authzid.n > SASL_NAME_MAX)
		return sasl_fail(ERR_SYNTAX, ret_err);
	enum err e = sasl_keep_login(s, name);
	if (e)
		return sasl_fail(e, ret_err);
	return sasl_check_password(s, authzid, password, arena, ret_err);
}

/* Name and password in a message each; a client may send the name at once, as initial response. */
enum sasl_status
sasl_step_login(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	if (s->check)
		return take_answer(s, ret_err);
	if (s->login.p) {
		if (response.n == 0 || str_has_nul(response))
			return sasl_fail(ERR_SYNTAX, ret_err);
		return sasl_check_password(s, STR(""), response, arena, ret_err);
	}
	if (!response.p && s->steps == 1) {
		*ret_challenge = STR("Username:");
		return SASL_CONTINUE;
	}
	enum err e = sasl_keep_login(s, response);
	if (e)
		return sasl_fail(e, ret_err);
	*ret_challenge = STR("Password:");
	return SASL_CONTINUE;
}

static enum sasl_status
step_command(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	(void)response, (void)arena, (void)ret_challenge;
	return take_answer(s, ret_err);
}

enum err
sasl_login_by_command(const struct sasl_host *host, struct str name, struct str password,
    struct arena *arena, struct sasl **ret, enum sasl_status *ret_status, enum err *ret_err)
{
	static const struct sasl_mechanism command = {
	    .name = {"", 0}, .cleartext = true, .step = step_command};

	if (!host->secure)
		return ERR_NEEDS_TLS;
	CLEANUP(sasl_free) struct sasl *s = sasl_new(&command, host);
	if (!s)
		return ERR_NOMEM;
	*ret_err = ERR_OK;
	if (sasl_keep_login(s, name)) /* for the log, and to be as slow as others */
		s->login = arena_dup(s->arena, str_sub(name, 0, SASL_NAME_MAX));
	if (!s->login.p)
		return ERR_NOMEM;
	*ret_status = sasl_check_password(s, STR(""), password, arena, ret_err);
	*ret = MOVE_PTR(s);
	return ERR_OK;
}
