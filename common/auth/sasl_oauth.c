/* Bearer tokens: OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner that Google and Microsoft
 * speak.
 */
#include "common/auth/sasl_private.h"

#include <stdio.h>

#define ANSWER_MAX 1024

/* "key=value" of the pairs that 0x01 ends. */
static struct str
find_pair(struct str pairs, struct str key)
{
	struct str one;

	while (str_split(&pairs, '\x01', &one))
		if (str_starts_nocase(one, key))
			return str_skip(one, key.n);
	return (struct str){NULL, 0};
}

/* "Bearer b64token" (RFC 6750 §2.1). */
static bool
parse_token(struct str auth, struct str *ret)
{
	struct str scheme = STR("Bearer ");

	if (!str_starts_nocase(auth, scheme))
		return false;
	*ret = str_trim(str_skip(auth, scheme.n));
	return ret->n > 0 && !str_has_nul(*ret);
}

/* gs2-header "n,a=user," then the pairs; "=2C" and "=3D" in the name (RFC 5801 §4). */
static bool
parse_bearer(struct str message, struct arena *arena, struct str *ret_user, struct str *ret_pairs)
{
	struct str flag, name;

	if (!str_split(&message, ',', &flag) || !str_split(&message, ',', &name) ||
	    !str_starts(message, STR("\x01")))
		return false;
	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y"))) /* §3.1: no channel binding */
		return false;
	*ret_pairs = str_skip(message, 1);
	*ret_user = STR("");
	if (name.n == 0)
		return true;
	if (!str_starts(name, STR("a=")))
		return false;
	char *out = arena_alloc(arena, name.n);
	size_t n = 0;
	for (size_t i = 2; out && i < name.n; i++) {
		bool comma = str_starts(str_skip(name, i), STR("=2C"));
		if (name.p[i] == '=' && !comma && !str_starts(str_skip(name, i), STR("=3D")))
			return false;
		out[n++] = comma ? ',' : name.p[i];
		if (name.p[i] == '=')
			i += 2;
	}
	*ret_user = str_make(out, n);
	return out;
}

/* RFC 7628 §3.2.2: JSON as a challenge, which the client answers with 0x01 (XOAUTH2: with nothing);
 * then the exchange fails. */
static enum sasl_status
refuse(struct sasl *s, struct arena *arena, struct str *ret_challenge)
{
	char text[ANSWER_MAX];
	const char *status = str_eq(s->mechanism->name, STR("XOAUTH2")) ? "401" : "invalid_token";

	snprintf(text, sizeof(text), "{\"status\":\"%s\",\"schemes\":\"bearer\"}", status);
	*ret_challenge = arena_dup(arena, str_of(text));
	s->refused = true;
	return SASL_CONTINUE;
}

/* The provider has named `user`: it must be the account that was asked for, if one was. */
static enum err
match_account(struct sasl *s, struct str user, struct arena *arena)
{
	struct credential c = {0};
	int64_t wanted = 0;
	enum err e = ERR_OK;

	if (s->login.n > 0) {
		e = sasl_find(s, arena, &c);
		wanted = s->account;
	}
	/* As the provider wrote it: prepared, a full-width "a" would be an "a", and the account
	 * that of somebody else. */
	if (!e && (user.n == 0 || user.n > SASL_NAME_MAX || !str_is_utf8(user)))
		e = ERR_AUTH_FAILED;
	if (!e) {
		s->login = arena_dup(s->arena, user);
		e = s->login.p ? sasl_find(s, arena, &c) : ERR_NOMEM;
	}
	if (!e && wanted && wanted != s->account)
		e = ERR_AUTH_FAILED;
	return e == ERR_NOT_FOUND || err_class(e) == ERR_CLASS_CLIENT ? ERR_AUTH_FAILED : e;
}

static enum sasl_status
take_answer(struct sasl *s, struct arena *arena, struct str *ret_challenge, enum err *ret_err)
{
	struct str user;
	enum err e;

	if (!oauth_answer(s->query, arena, &e, &user))
		return SASL_WAIT;
	oauth_drop(&s->query);
	if (!e)
		e = match_account(s, user, arena);
	if (!e)
		return SASL_DONE;
	return e == ERR_AUTH_FAILED ? refuse(s, arena, ret_challenge) : sasl_fail(e, ret_err);
}

static enum sasl_status
ask(struct sasl *s, struct str user, struct str pairs, struct arena *arena,
    struct str *ret_challenge, enum err *ret_err)
{
	struct str token;

	if (user.n > 0) {
		enum err e = sasl_keep_login(s, user);
		if (e)
			return sasl_fail(e, ret_err);
	}
	if (!parse_token(find_pair(pairs, STR("auth=")), &token))
		return refuse(s, arena, ret_challenge);
	enum err e = oauth_ask(s->host->oauth, token, s->host->wake, s->host->wake_arg, &s->query);
	return e ? sasl_fail(e, ret_err) : SASL_WAIT;
}

/* The first message, or none yet. True: *ret_status is the answer to it. */
static bool
before_token(struct sasl *s, struct str response, enum sasl_status *ret, enum err *ret_err)
{
	if (s->refused) { /* whatever it says, RFC 7628 §3.2.3 */
		*ret = sasl_fail(ERR_AUTH_FAILED, ret_err);
		return true;
	}
	if (!response.p && s->steps == 1) {
		*ret = SASL_CONTINUE;
		return true;
	}
	return false;
}

enum sasl_status
sasl_step_oauthbearer(struct sasl *s, struct str response, struct arena *arena,
    struct str *ret_challenge, enum err *ret_err)
{
	struct str user, pairs;
	enum sasl_status status;

	if (s->query)
		return take_answer(s, arena, ret_challenge, ret_err);
	if (before_token(s, response, &status, ret_err))
		return status;
	if (!parse_bearer(response, arena, &user, &pairs))
		return sasl_fail(ERR_SYNTAX, ret_err);
	return ask(s, user, pairs, arena, ret_challenge, ret_err);
}

/* user=… 0x01 auth=Bearer … 0x01 0x01 */
enum sasl_status
sasl_step_xoauth2(struct sasl *s, struct str response, struct arena *arena,
    struct str *ret_challenge, enum err *ret_err)
{
	enum sasl_status status;

	if (s->query)
		return take_answer(s, arena, ret_challenge, ret_err);
	if (before_token(s, response, &status, ret_err))
		return status;
	struct str user = find_pair(response, STR("user="));
	if (!user.p)
		return sasl_fail(ERR_SYNTAX, ret_err);
	return ask(s, user, response, arena, ret_challenge, ret_err);
}
