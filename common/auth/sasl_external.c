/* EXTERNAL: who the client is stands in its certificate (RFC 4422 Appendix A). */
#include "common/auth/sasl_private.h"

enum sasl_status
sasl_step_external(struct sasl *s, struct str response, struct arena *arena,
    struct str *ret_challenge, enum err *ret_err)
{
	struct credential c = {0};
	struct str address;

	(void)ret_challenge;
	if (!response.p && s->steps == 1)
		return SASL_CONTINUE; /* an empty challenge asks whom it acts as */
	if (str_has_nul(response) || response.n > SASL_NAME_MAX)
		return sasl_fail(ERR_SYNTAX, ret_err);
	enum err e = s->host->client(s->host->binding_arg, arena, &address);
	/* as it stands there: an rfc822Name is ASCII (RFC 5280 §4.2.1.6) */
	if (!e && (address.n == 0 || address.n > SASL_NAME_MAX || str_has_nul(address) ||
		      !str_is_ascii(address)))
		e = ERR_AUTH_FAILED;
	if (!e) {
		s->login = arena_dup(s->arena, address);
		e = s->login.p ? ERR_OK : ERR_NOMEM;
	}
	if (!e)
		e = sasl_find(s, arena, &c);
	if (!e && !sasl_may_act_as(s, response))
		e = ERR_AUTH_FAILED;
	if (err_class(e) == ERR_CLASS_CLIENT || err_class(e) == ERR_CLASS_WORLD)
		e = ERR_AUTH_FAILED;
	return e ? sasl_fail(e, ret_err) : SASL_DONE;
}
