#include "common/auth/sasl_private.h"

#include "common/auth/prep.h"

/* clang-format off */
static const struct sasl_mechanism mechanisms[] = {
	/* name                      cleartext  binds  token  certificate  step */
	{{"PLAIN", 5},               true,      false, false, false,       sasl_step_plain}, /* RFC 4616 */
	{{"LOGIN", 5},               true,      false, false, false,       sasl_step_login}, /* draft-murchison */
	{{"SCRAM-SHA-256", 13},      false,     false, false, false,       sasl_step_scram}, /* RFC 7677 */
	{{"SCRAM-SHA-256-PLUS", 18}, false,     true,  false, false,       sasl_step_scram},
	{{"EXTERNAL", 8},            false,     false, false, true,        sasl_step_external}, /* RFC 4422 App. A */
	{{"OAUTHBEARER", 11},        true,      false, true,  false,       sasl_step_oauthbearer}, /* RFC 7628 */
	{{"XOAUTH2", 7},             true,      false, true,  false,       sasl_step_xoauth2},
};
/* clang-format on */

static bool
is_allowed(const struct sasl_mechanism *m, const struct sasl_host *host)
{
	return (!m->cleartext || host->secure) && (!m->binds || host->tls) &&
	       (!m->token || host->oauth) && (!m->certificate || host->certified);
}

static bool
is_hidden(const struct sasl_mechanism *m, const struct sasl_host *host)
{
	for (const char *const *hide = host->hide; hide && *hide; hide++)
		if (str_eq_nocase(m->name, str_of(*hide)))
			return true;
	return false;
}

bool
sasl_offers_binding(const struct sasl_host *host)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (mechanisms[i].binds && is_allowed(&mechanisms[i], host) &&
		    !is_hidden(&mechanisms[i], host))
			return true;
	return false;
}

void
sasl_list(const struct sasl_host *host, const char *prefix, struct sbuf *out)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		if (!is_allowed(&mechanisms[i], host) || is_hidden(&mechanisms[i], host))
			continue;
		if (!first)
			sbuf_putc(out, ' ');
		first = false;
		sbuf_puts(out, prefix);
		sbuf_put(out, mechanisms[i].name);
	}
}

struct sasl *
sasl_new(const struct sasl_mechanism *m, const struct sasl_host *host)
{
	CLEANUP(sasl_free) struct sasl *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->mechanism = m;
	s->host = host;
	s->arena = arena_new(32L * 1024);
	return s->arena ? MOVE_PTR(s) : NULL;
}

enum err
sasl_begin(struct str mechanism, const struct sasl_host *host, struct sasl **ret)
{
	const struct sasl_mechanism *m = NULL;

	for (size_t i = 0; i < ARRAY_LEN(mechanisms) && !m; i++)
		if (str_eq_nocase(mechanism, mechanisms[i].name))
			m = &mechanisms[i];
	if (!m || (m->token && !host->oauth) || (m->certificate && !host->certified))
		return ERR_UNKNOWN;
	if (!is_allowed(m, host))
		return ERR_NEEDS_TLS;

	*ret = sasl_new(m, host);
	return *ret ? ERR_OK : ERR_NOMEM;
}

void
sasl_free(struct sasl **s)
{
	if (!*s)
		return;
	password_drop(&(*s)->check);
	oauth_drop(&(*s)->query);
	arena_free(&(*s)->arena);
	free(*s);
	*s = NULL;
}

enum sasl_status
sasl_step(struct sasl *s, struct str response, struct arena *arena, struct str *ret_challenge,
    enum err *ret_err)
{
	*ret_challenge = STR("");
	*ret_err = ERR_OK;
	if (response.n > SASL_MESSAGE_MAX)
		return sasl_fail(ERR_TOO_LONG, ret_err);
	if (!s->query && !s->check && s->steps++ >= SASL_STEPS_MAX)
		return sasl_fail(ERR_SYNTAX, ret_err);
	return s->mechanism->step(s, response, arena, ret_challenge, ret_err);
}

int64_t
sasl_account(const struct sasl *s)
{
	return s->account;
}

struct str
sasl_address(const struct sasl *s)
{
	return s->address;
}

struct str
sasl_claim(const struct sasl *s)
{
	return s->address.n ? s->address : s->login;
}

struct str
sasl_login(const struct sasl *s)
{
	return s->login;
}

enum sasl_status
sasl_fail(enum err e, enum err *ret_err)
{
	*ret_err = e;
	return SASL_FAILED;
}

enum err
sasl_keep_login(struct sasl *s, struct str name)
{
	if (name.n == 0)
		return ERR_SYNTAX;
	if (name.n > SASL_NAME_MAX)
		return ERR_TOO_LONG;
	return prep_string(name, s->arena, &s->login);
}

enum err
sasl_find(struct sasl *s, struct arena *arena, struct credential *ret)
{
	int64_t account = 0;
	struct str address = {0};
	enum err e = s->host->find(s->host->find_arg, s->login, arena, &account, &address, ret);

	if (e && e != ERR_NOT_FOUND)
		return e;
	s->account = account;
	s->address = arena_dup(s->arena, address);
	return s->address.p ? e : ERR_NOMEM;
}

bool
sasl_may_act_as(struct sasl *s, struct str authzid)
{
	bool may = authzid.n == 0 || str_eq_nocase(authzid, s->login) ||
		   str_eq_nocase(authzid, s->address);

	s->other_identity = !may;
	return may;
}

bool
sasl_wants_other_identity(const struct sasl *s)
{
	return s->other_identity;
}
