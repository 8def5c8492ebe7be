#include "common/auth/prep.h"

#include <gsasl.h>
#include <openssl/crypto.h>

void
prep_wipe(struct str secret)
{
	if (secret.n)
		OPENSSL_cleanse((char *)secret.p, secret.n);
}

enum err
prep_string(struct str in, struct arena *arena, struct str *ret)
{
	if (str_has_nul(in))
		return ERR_SYNTAX;
	char *copy = arena_cstr(arena, in);
	if (!copy)
		return ERR_NOMEM;
	*ret = str_make(copy, in.n);
	if (str_is_ascii(in) || !str_is_utf8(in))
		return ERR_OK; /* SASLprep changes no printable ASCII */

	char *prepared = NULL;
	int rc = gsasl_saslprep(copy, GSASL_ALLOW_UNASSIGNED, &prepared, NULL);
	if (rc == GSASL_MALLOC_ERROR)
		return ERR_NOMEM;
	if (rc != GSASL_OK)
		return ERR_OK;
	struct str out = str_of(prepared);
	struct str kept = arena_dup(arena, out);
	prep_wipe(out);
	gsasl_free(prepared);
	prep_wipe(*ret);
	if (!kept.p)
		return ERR_NOMEM;
	*ret = kept;
	return ERR_OK;
}
