/* Signing (RFC 6376 §5), and what signatures of ARC have in common with it. */
#include "common/mail/codec.h"
#include "common/trust/dkim_private.h"

#include <openssl/rsa.h>

#define SIGNATURE_MAX 2048 /* octets: RSA of 8192 bits has 1024 */
#define NAMES_MAX 65536
#define FIELD_MAX 131072
#define LINE_WIDTH 72

/* What is signed where it is there (§5.4.1). A sealed one is signed once more than it is there: one
 * that is added later, before or behind, breaks the signature (§8.15). */
static const struct {
	const char *name;
	bool sealed;
} covered[] = {
    {"From", true},
    {"Sender", true},
    {"Reply-To", true},
    {"Subject", true},
    {"Date", true},
    {"Message-ID", true},
    {"To", true},
    {"Cc", true},
    {"In-Reply-To", true},
    {"References", true},
    {"MIME-Version", true},
    {"Content-Type", true},
    {"Content-Transfer-Encoding", true},
    {"Content-ID", false},
    {"Content-Description", false},
    {"Resent-Date", false},
    {"Resent-From", false},
    {"Resent-Sender", false},
    {"Resent-To", false},
    {"Resent-Cc", false},
    {"Resent-Message-ID", false},
    {"List-Id", false},
    {"List-Help", false},
    {"List-Unsubscribe", false},
    {"List-Unsubscribe-Post", false},
    {"List-Subscribe", false},
    {"List-Post", false},
    {"List-Owner", false},
    {"List-Archive", false},
    {"Autocrypt", false},
};

enum err
dkim_sha256(struct str octets, unsigned char ret[DKIM_HASH])
{
	unsigned n = DKIM_HASH;

	return EVP_Digest(octets.p ? octets.p : "", octets.n, ret, &n, EVP_sha256(), NULL) == 1
		   ? ERR_OK
		   : ERR_NOMEM;
}

static void
md_done(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
	*c = NULL;
}

static void
ctx_done(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
	*c = NULL;
}

/* RSA of the hash, PKCS#1 v1.5 (§3.3.2); `signature` is made or checked. */
static EVP_PKEY_CTX *
rsa_context(EVP_PKEY *pkey, bool sign)
{
	CLEANUP(ctx_done) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);

	if (!c || (sign ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_init(c)) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) != 1)
		return NULL;
	return MOVE_PTR(c);
}

enum err
dkim_sign_hash(const struct dkim_key *k, const unsigned char hash[DKIM_HASH], struct sbuf *out)
{
	unsigned char octets[SIGNATURE_MAX];
	size_t n = sizeof(octets);

	if (k->algorithm == DKIM_RSA_SHA256) {
		CLEANUP(ctx_done) EVP_PKEY_CTX *c = rsa_context(k->pkey, true);
		if (!c || EVP_PKEY_sign(c, octets, &n, hash, DKIM_HASH) != 1)
			return ERR_INTERNAL;
	} else { /* RFC 8463 §3: Ed25519 itself, of the hash */
		CLEANUP(md_done) EVP_MD_CTX *c = EVP_MD_CTX_new();
		if (!c)
			return ERR_NOMEM;
		if (EVP_DigestSignInit(c, NULL, NULL, NULL, k->pkey) != 1 ||
		    EVP_DigestSign(c, octets, &n, hash, DKIM_HASH) != 1)
			return ERR_INTERNAL;
	}
	sbuf_append(out, octets, n);
	return sbuf_error(out);
}

bool
dkim_check_hash(
    const struct dkim_public *k, const unsigned char hash[DKIM_HASH], struct str signature)
{
	const unsigned char *p = (const unsigned char *)signature.p;

	if (signature.n == 0)
		return false;
	if (k->algorithm == DKIM_RSA_SHA256) {
		CLEANUP(ctx_done) EVP_PKEY_CTX *c = rsa_context(k->pkey, false);
		return c && EVP_PKEY_verify(c, p, signature.n, hash, DKIM_HASH) == 1;
	}
	CLEANUP(md_done) EVP_MD_CTX *c = EVP_MD_CTX_new();
	return c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k->pkey) == 1 &&
	       EVP_DigestVerify(c, p, signature.n, hash, DKIM_HASH) == 1;
}

void
dkim_put_fields(struct fields *f, struct str names, enum dkim_canon c, struct sbuf *out)
{
	struct str name;

	fields_put_back(f);
	while (tags_member(&names, ':', &name)) {
		const struct header_field *field = fields_take(f, name);
		if (!field) /* §5.4: none is left: signed as absent */
			continue;
		if (c == DKIM_RELAXED)
			field_relaxed(field->whole, true, out);
		else
			field_simple(field->whole, true, out);
	}
}

enum err
dkim_put_names(const struct fields *f, enum dkim_cover how, struct str also, struct sbuf *out)
{
	const char *separator = "";

	for (size_t i = 0; i <= ARRAY_LEN(covered); i++) {
		bool extra = i == ARRAY_LEN(covered);
		struct str name = extra ? also : str_of(covered[i].name);
		if (name.n == 0)
			continue;
		size_t n = fields_number(f, name);
		n += how == DKIM_COVER_SEALED && !extra && covered[i].sealed;
		for (; n; n--) {
			sbuf_puts(out, separator);
			sbuf_put(out, name);
			separator = ":";
		}
	}
	return sbuf_error(out);
}

void
dkim_put_names_folded(struct str names, size_t column, struct sbuf *out)
{
	struct str name;
	bool first = true;

	while (str_split(&names, ':', &name)) {
		if (!first) {
			sbuf_putc(out, ':');
			column++;
			if (column + name.n > LINE_WIDTH) {
				sbuf_puts(out, "\r\n\t");
				column = 8;
			}
		}
		sbuf_put(out, name);
		column += name.n;
		first = false;
	}
}

void
dkim_put_folded(struct str base64, size_t column, struct sbuf *out)
{
	while (base64.n) {
		if (column >= LINE_WIDTH) {
			sbuf_puts(out, "\r\n\t");
			column = 8;
		}
		size_t n = base64.n < LINE_WIDTH - column ? base64.n : LINE_WIDTH - column;
		sbuf_append(out, base64.p, n);
		base64 = str_skip(base64, n);
		column += n;
	}
}

enum err
dkim_put_signature(const struct dkim_key *k, const struct sbuf *octets, struct sbuf *field)
{
	CLEANUP(sbuf_done) struct sbuf signature = SBUF_INIT(SIGNATURE_MAX);
	CLEANUP(sbuf_done) struct sbuf base64 = SBUF_INIT(2 * SIGNATURE_MAX);
	unsigned char hash[DKIM_HASH];
	enum err e = sbuf_error(octets);

	if (!e)
		e = dkim_sha256(sbuf_view(octets), hash);
	if (!e)
		e = dkim_sign_hash(k, hash, &signature);
	if (e)
		return e;
	base64_encode(sbuf_view(&signature), &base64);
	dkim_put_folded(sbuf_view(&base64), 10, field);
	sbuf_puts(field, "\r\n");
	return sbuf_error(&base64) ? sbuf_error(&base64) : sbuf_error(field);
}

bool
dkim_is_signature(const struct dkim_public *k, const struct sbuf *octets, struct str b)
{
	CLEANUP(sbuf_done) struct sbuf signature = SBUF_INIT(SIGNATURE_MAX);
	unsigned char hash[DKIM_HASH];

	return !sbuf_error(octets) && !tags_base64(b, &signature) &&
	       !dkim_sha256(sbuf_view(octets), hash) &&
	       dkim_check_hash(k, hash, sbuf_view(&signature));
}

enum err
dkim_put_covered(
    struct fields *f, struct str names, enum dkim_canon c, struct str own, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf bare = SBUF_INIT(TRUST_HEADER_MAX);

	dkim_put_fields(f, names, c, out);
	field_without_b(own, &bare);
	if (c == DKIM_RELAXED)
		field_relaxed(sbuf_view(&bare), false, out);
	else
		field_simple(sbuf_view(&bare), false, out);
	return sbuf_error(&bare) ? sbuf_error(&bare) : sbuf_error(out);
}

/* All of the field but the value of b=. */
static enum err
put_beginning(const unsigned char *body_hash, const struct dkim_signature_options *o,
    struct str names, struct sbuf *out)
{
	sbuf_printf(out,
	    "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed; d=%.*s;\r\n\ts=%.*s; t=%lld;",
	    dkim_algorithm_name(o->key->algorithm), STR_ARG(o->domain), STR_ARG(o->selector),
	    (long long)o->now_s);
	if (o->lifetime_s > 0)
		sbuf_printf(out, " x=%lld;", (long long)o->now_s + o->lifetime_s);
	sbuf_puts(out, "\r\n\th=");
	dkim_put_names_folded(names, 10, out);
	sbuf_puts(out, ";\r\n\tbh=");
	base64_encode(str_make(body_hash, DKIM_HASH), out);
	sbuf_puts(out, ";\r\n\tb=");
	return sbuf_error(out);
}

enum err
dkim_sign(struct str header, const unsigned char body_hash[DKIM_HASH],
    const struct dkim_signature_options *o, struct sbuf *out)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(8U * TRUST_HEADER_MAX);
	CLEANUP(sbuf_done) struct sbuf names = SBUF_INIT(NAMES_MAX);
	CLEANUP(sbuf_done) struct sbuf field = SBUF_INIT(FIELD_MAX);
	CLEANUP(sbuf_done) struct sbuf signed_octets = SBUF_INIT(3U * TRUST_HEADER_MAX);
	struct fields f;

	if (!arena)
		return ERR_NOMEM;
	enum err e = fields_parse(header, arena, &f);
	if (e)
		return e;
	if (fields_number(&f, STR("From")) != 1)
		return ERR_CANNOT;
	e = dkim_put_names(&f, DKIM_COVER_SEALED, STR(""), &names);
	if (!e)
		e = put_beginning(body_hash, o, sbuf_view(&names), &field);
	if (e)
		return e == ERR_TOO_LONG ? ERR_TOO_BIG : e;
	dkim_put_fields(&f, sbuf_view(&names), DKIM_RELAXED, &signed_octets);
	field_relaxed(sbuf_view(&field), false, &signed_octets);
	e = dkim_put_signature(o->key, &signed_octets, &field);
	if (e)
		return e;
	sbuf_put(out, sbuf_view(&field));
	return sbuf_error(out);
}
