/* Keys: private ones as files have them, public ones as the DNS has them (RFC 6376 §3.6.1). */
#include "common/mail/codec.h"
#include "common/trust/dkim_private.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define RSA_BITS 2048 /* of new keys: RFC 8301 §3.2 */
#define DER_MAX 4096
#define ED25519_KEY 32

const char *
dkim_algorithm_name(enum dkim_algorithm a)
{
	return a == DKIM_RSA_SHA256 ? "rsa" : "ed25519";
}

enum err
dkim_algorithm_parse(struct str name, enum dkim_algorithm *ret)
{
	if (str_eq(name, STR("rsa")))
		*ret = DKIM_RSA_SHA256;
	else if (str_eq(name, STR("ed25519")))
		*ret = DKIM_ED25519_SHA256;
	else
		return ERR_SYNTAX;
	return ERR_OK;
}

static void
bio_done(BIO **b)
{
	BIO_free(*b);
	*b = NULL;
}

static void
pkey_done(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
	*p = NULL;
}

/* RSA that is long enough and not too long, or Ed25519. */
static enum err
judge(EVP_PKEY *pkey, enum dkim_algorithm *ret)
{
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519) {
		*ret = DKIM_ED25519_SHA256;
		return ERR_OK;
	}
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
		return ERR_SYNTAX;
	int bits = EVP_PKEY_get_bits(pkey);
	*ret = DKIM_RSA_SHA256;
	return bits < DKIM_RSA_MIN_BITS || bits > DKIM_RSA_MAX_BITS ? ERR_DENIED : ERR_OK;
}

/* No key of ours has a pass phrase, and nobody is asked for one. */
static int
no_pass_phrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

enum err
dkim_key_parse(struct str pem, struct dkim_key **ret)
{
	CLEANUP(dkim_key_free) struct dkim_key *k = calloc(1, sizeof(*k));

	if (pem.n > DKIM_PEM_MAX)
		return ERR_SYNTAX;
	CLEANUP(bio_done) BIO *bio = BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
	if (!k || !bio)
		return ERR_NOMEM;
	k->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
	if (!k->pkey)
		return ERR_SYNTAX;
	enum err e = judge(k->pkey, &k->algorithm);
	if (e)
		return e;
	*ret = MOVE_PTR(k);
	return ERR_OK;
}

void
dkim_key_free(struct dkim_key **k)
{
	if (!*k)
		return;
	EVP_PKEY_free((*k)->pkey); /* which wipes it */
	free(*k);
	*k = NULL;
}

enum dkim_algorithm
dkim_key_algorithm(const struct dkim_key *k)
{
	return k->algorithm;
}

enum err
dkim_key_make(enum dkim_algorithm a, struct sbuf *ret_pem)
{
	CLEANUP(pkey_done)
	EVP_PKEY *pkey =
	    a == DKIM_RSA_SHA256 ? EVP_RSA_gen(RSA_BITS) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	CLEANUP(bio_done) BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
	char *pem;

	if (!pkey || !bio)
		return ERR_NOMEM;
	if (PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return ERR_INTERNAL;
	long n = BIO_get_mem_data(bio, &pem);
	/* At once as large as it gets, so that no shorter copy is left behind in freed memory. */
	char *to = n > 0 ? sbuf_reserve(ret_pem, (size_t)n) : NULL;
	if (to) {
		memcpy(to, pem, (size_t)n);
		sbuf_grow(ret_pem, (size_t)n);
	}
	return sbuf_error(ret_pem);
}

enum err
dkim_key_record(const struct dkim_key *k, struct sbuf *ret_txt)
{
	unsigned char raw[ED25519_KEY], *der = NULL;
	size_t n = sizeof(raw);

	sbuf_printf(ret_txt, "v=DKIM1; k=%s; p=", dkim_algorithm_name(k->algorithm));
	if (k->algorithm == DKIM_ED25519_SHA256) { /* RFC 8463 §4: the bare key */
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) != 1)
			return ERR_INTERNAL;
		base64_encode(str_make(raw, n), ret_txt);
	} else {
		int der_n = i2d_PUBKEY(k->pkey, &der);
		if (der_n <= 0)
			return ERR_NOMEM;
		base64_encode(str_make(der, (size_t)der_n), ret_txt);
		OPENSSL_free(der);
	}
	return sbuf_error(ret_txt);
}

/* -- of others ------------------------------------------------------------------------------- */

/* RFC 6376 §3.6.1 says RSAPublicKey and shows SubjectPublicKeyInfo (erratum 3017): both are
 * taken. */
static EVP_PKEY *
parse_rsa(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)der.n);

	if (!pkey) {
		p = (const unsigned char *)der.p;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	}
	if (pkey && p != (const unsigned char *)der.p + der.n)
		pkey_done(&pkey);
	return pkey;
}

static enum err
parse_octets(struct str p, enum dkim_algorithm a, struct dkim_public *ret)
{
	CLEANUP(sbuf_done) struct sbuf der = SBUF_INIT(DER_MAX);
	enum dkim_algorithm found;
	enum err e = tags_base64(p, &der);

	if (e)
		return e == ERR_NOMEM ? e : ERR_SYNTAX;
	if (a == DKIM_RSA_SHA256)
		ret->pkey = parse_rsa(sbuf_view(&der));
	else if (der.n == ED25519_KEY)
		ret->pkey = EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, (const unsigned char *)der.p, der.n);
	if (!ret->pkey)
		return ERR_SYNTAX;
	e = judge(ret->pkey, &found);
	if (!e && found != a)
		e = ERR_SYNTAX;
	ret->algorithm = a;
	return e;
}

enum err
dkim_public_parse(struct str txt, struct dkim_public *ret)
{
	struct tags t;
	enum dkim_algorithm a;

	*ret = (struct dkim_public){.pkey = NULL};
	if (tags_parse(txt, &t))
		return ERR_UNKNOWN;
	const struct tag *v = tags_find(&t, "v"), *p = tags_find(&t, "p");
	if (v && (v != &t.all[0] || !str_eq(v->value, STR("DKIM1"))))
		return ERR_UNKNOWN;
	if (!p)
		return v ? ERR_SYNTAX : ERR_UNKNOWN;
	if (p->value.n == 0)
		return ERR_GONE;
	const struct tag *h = tags_find(&t, "h");
	if (h && !tags_has(h->value, ':', STR("sha256")))
		return ERR_CANNOT;
	struct str service = tags_get(&t, "s", STR("*"));
	if (!tags_has(service, ':', STR("*")) && !tags_has(service, ':', STR("email")))
		return ERR_CANNOT;
	if (dkim_algorithm_parse(tags_get(&t, "k", STR("rsa")), &a))
		return ERR_CANNOT;
	struct str flags = tags_get(&t, "t", STR(""));
	ret->testing = tags_has(flags, ':', STR("y"));
	ret->same_domain = tags_has(flags, ':', STR("s"));
	enum err e = parse_octets(p->value, a, ret);
	if (e)
		dkim_public_done(ret);
	return e;
}

void
dkim_public_done(struct dkim_public *k)
{
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
}
