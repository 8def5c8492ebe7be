/* The mechanisms that send the password itself: PLAIN (RFC 4616) and LOGIN. */
#include "common/auth/sasl_private.h"

#include "common/auth/prep.h"

/* The name is known, here is the password: right or wrong. */
static enum err
verify(struct sasl *s, struct str authzid, struct str password, struct arena *arena)
{
	struct credential c = {0};
	enum err e = sasl_find(s, arena, &c);

	if (e && e != ERR_NOT_FOUND)
		return e;
	bool found = !e;
	e = login_verify(s->host->cache, s->account, found ? &c : NULL, password);
	if (!e && !sasl_may_act_as(s, authzid))
		e = ERR_AUTH_FAILED;
	return e;
}

static enum sasl_status
finish(
    struct sasl *s, struct str authzid, struct str password, struct arena *arena, enum err *ret_err)
{
	*ret_err = verify(s, authzid, password, arena);
	return *ret_err ? SASL_FAILED : SASL_DONE;
}

/* [authzid] NUL authcid NUL passwd */
enum sasl_status
sasl_step_plain(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	(void)ret_challenge;
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
	return finish(s, authzid, password, arena, ret_err);
}

/* Name and password in a message each; a client may send the name at once, as initial response. */
enum sasl_status
sasl_step_login(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	if (s->login.p) {
		if (response.n == 0 || str_has_nul(response))
			return sasl_fail(ERR_SYNTAX, ret_err);
		return finish(s, STR(""), response, arena, ret_err);
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
