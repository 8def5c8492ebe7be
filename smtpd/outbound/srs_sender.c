#include "smtpd/outbound/srs_sender.h"

#include "common/base/clock.h"
#include "common/trust/srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define ADDRESS_MAX 1024

enum err
srs_sender_secret(
    struct store *s, const char *use, struct arena *arena, unsigned char ret[SRS_SECRET_OCTETS])
{
	struct str secret;
	unsigned n = SRS_SECRET_OCTETS;
	enum err e = directory_secret(s, arena, &secret);

	if (e)
		return e;
	return HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)use, strlen(use),
		   ret, &n)
		   ? ERR_OK
		   : ERR_NOMEM;
}

enum err
srs_sender_behind(struct store *s, struct str address, struct arena *arena, struct str *ret)
{
	CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(ADDRESS_MAX);
	unsigned char secret[SRS_SECRET_OCTETS];
	size_t at = str_rfind(address, '@');

	if (at == STR_NONE)
		return ERR_NOT_FOUND;
	enum err e = directory_is_local_domain(s, str_skip(address, at + 1));
	if (!e)
		e = srs_sender_secret(s, "srs", arena, secret);
	if (e)
		return e;
	e = srs_reverse(
	    str_sub(address, 0, at), str_make(secret, sizeof(secret)), clock_real_s(), &back);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (e)
		return e;
	*ret = arena_dup(arena, sbuf_view(&back));
	return ret->p ? ERR_OK : ERR_NOMEM;
}
