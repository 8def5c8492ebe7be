/* Verifying (RFC 6376 §6.1). */
#include "common/trust/dkim_private.h"

#define ARENA_MAX (8U * TRUST_HEADER_MAX)
#define CLOCK_SLACK_S 300 /* of signers whose clocks are ahead (§3.5, t=) */
#define NAME_MAX_OCTETS 253
#define NAMES_MAX 16384 /* octets of h= */

struct one {
	struct dkim_signature pub;
	struct str whole; /* the field */
	struct str names; /* h= */
	struct str b;
	unsigned char claimed[DKIM_HASH]; /* bh= */
	unsigned char hash[DKIM_HASH]; /* of the body as it came */
	uint64_t length; /* l= */
	bool body_wrong;
	bool beginning_only; /* l= is less than the body has */
	struct dkim_body *body; /* NULL: settled */
};

struct dkim_verifier {
	struct arena *arena;
	struct fields fields;
	int64_t now_s;
	struct one all[DKIM_SIGNATURES_MAX];
	size_t count;
};

const char *
dkim_verdict_name(enum dkim_verdict v)
{
	static const char *const names[] = {
	    [DKIM_PASS] = "pass",
	    [DKIM_FAIL] = "fail",
	    [DKIM_POLICY] = "policy",
	    [DKIM_NEUTRAL] = "neutral",
	    [DKIM_TEMPERROR] = "temperror",
	    [DKIM_PERMERROR] = "permerror",
	};

	return names[v];
}

bool
dkim_is_name(struct str name)
{
	bool label = false;

	if (name.n == 0 || name.n > NAME_MAX_OCTETS)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		if (c == '.' && !label)
			return false;
		if (c != '.' && c != '-' && c != '_' && c < 0x80 && !ascii_is_alpha((char)c) &&
		    !ascii_is_digit((char)c))
			return false;
		label = c != '.';
	}
	return label;
}

enum err
dkim_parse_algorithm(struct str a, enum dkim_algorithm *ret)
{
	if (str_eq_nocase(a, STR("rsa-sha256")))
		*ret = DKIM_RSA_SHA256;
	else if (str_eq_nocase(a, STR("ed25519-sha256")))
		*ret = DKIM_ED25519_SHA256;
	else
		return ERR_CANNOT; /* rsa-sha1 too: RFC 8301 §3.1 */
	return ERR_OK;
}

static enum err
parse_one_canon(struct str c, enum dkim_canon *ret)
{
	if (str_eq_nocase(c, STR("simple")))
		*ret = DKIM_SIMPLE;
	else if (str_eq_nocase(c, STR("relaxed")))
		*ret = DKIM_RELAXED;
	else
		return ERR_CANNOT;
	return ERR_OK;
}

enum err
dkim_parse_canon(struct str c, enum dkim_canon *ret_header, enum dkim_canon *ret_body)
{
	size_t slash = str_find(c, '/');
	enum err e = parse_one_canon(str_sub(c, 0, slash), ret_header);

	*ret_body = DKIM_SIMPLE;
	return e || slash == STR_NONE ? e : parse_one_canon(str_skip(c, slash + 1), ret_body);
}

static void
settle(struct one *s, enum dkim_verdict v, const char *why)
{
	s->pub.verdict = v;
	s->pub.why = why;
	s->pub.key_name = STR("");
	dkim_body_free(&s->body);
}

/* `identity` is "local@domain", whose domain is d= or below it (§3.5, i=). */
static bool
is_below(struct str identity, struct str domain, bool same)
{
	size_t at = str_rfind(identity, '@');

	if (at == STR_NONE)
		return false;
	struct str host = str_skip(identity, at + 1);
	if (str_eq_nocase(host, domain))
		return true;
	return !same && host.n > domain.n && host.p[host.n - domain.n - 1] == '.' &&
	       str_ends_nocase(host, domain);
}

/* t= and x=; NULL or what is wrong with them. */
static const char *
judge_times(const struct tags *t, int64_t now_s)
{
	const struct tag *made = tags_find(t, "t"), *ends = tags_find(t, "x");
	uint64_t made_s = 0, ends_s;

	if (made && !str_to_u64(made->value, &made_s))
		return "its t= is no time";
	if (made_s > (uint64_t)now_s + CLOCK_SLACK_S)
		return "it was made in the future";
	if (!ends)
		return NULL;
	if (!str_to_u64(ends->value, &ends_s))
		return "its x= is no time";
	if (made && ends_s <= made_s)
		return "it expires before it was made";
	return ends_s < (uint64_t)now_s ? "it has expired" : NULL;
}

static const char *
parse_body_tags(struct one *s, const struct tags *t)
{
	CLEANUP(sbuf_done) struct sbuf hash = SBUF_INIT(2 * DKIM_HASH);
	const struct tag *l = tags_find(t, "l");

	s->length = DKIM_BODY_WHOLE;
	if (l && !str_to_u64(l->value, &s->length))
		return "its l= is no number";
	if (tags_base64(tags_get(t, "bh", STR("")), &hash) || hash.n != DKIM_HASH)
		return "its bh= is no SHA-256";
	memcpy(s->claimed, hash.p, DKIM_HASH);
	s->body = dkim_body_new_limited(s->pub.body_canon, s->length);
	return s->body ? NULL : "out of memory";
}

/* What the field says. NULL, or what is wrong with it; *ret is then the verdict. */
static const char *
parse(struct dkim_verifier *v, struct one *s, struct str value, enum dkim_verdict *ret)
{
	struct tags t;

	*ret = DKIM_NEUTRAL;
	if (tags_parse(value, &t))
		return "it is no list of tags";
	s->pub.domain = tags_get(&t, "d", STR(""));
	s->pub.selector = tags_get(&t, "s", STR(""));
	s->pub.identity = tags_get(&t, "i", STR(""));
	s->names = tags_get(&t, "h", STR(""));
	s->b = tags_get(&t, "b", STR(""));
	if (!str_eq(tags_get(&t, "v", STR("")), STR("1")))
		return "its version is not 1";
	if (!dkim_is_name(s->pub.domain) || !dkim_is_name(s->pub.selector))
		return "it names no domain and selector";
	*ret = DKIM_PERMERROR;
	if (dkim_parse_algorithm(tags_get(&t, "a", STR("")), &s->pub.algorithm))
		return "its algorithm is not known or not trusted";
	if (dkim_parse_canon(
		tags_get(&t, "c", STR("simple")), &s->pub.header_canon, &s->pub.body_canon))
		return "its canonicalisation is not known";
	if (!tags_has(tags_get(&t, "q", STR("dns/txt")), ':', STR("dns/txt")))
		return "its key is not in the DNS";
	if (!tags_has(s->names, ':', STR("From")))
		return "it does not cover From"; /* §6.1.1 */
	if (s->names.n > NAMES_MAX)
		return "it covers too many fields";
	if (s->b.n == 0)
		return "it is empty";
	if (s->pub.identity.n && !is_below(s->pub.identity, s->pub.domain, false))
		return "its i= is not of its domain";
	const char *why = judge_times(&t, v->now_s);
	return why ? why : parse_body_tags(s, &t);
}

static void
take_signature(struct dkim_verifier *v, const struct header_field *field)
{
	struct one *s = &v->all[v->count++];
	enum dkim_verdict verdict;

	s->whole = field->whole;
	const char *why = parse(v, s, field->value, &verdict);
	if (why) {
		settle(s, verdict, why);
		return;
	}
	s->pub.verdict = DKIM_TEMPERROR;
	s->pub.why = "its key was not asked for";
	s->pub.key_name = arena_printf(
	    v->arena, "%.*s._domainkey.%.*s", STR_ARG(s->pub.selector), STR_ARG(s->pub.domain));
}

enum err
dkim_verifier_new(struct str header, int64_t now_s, struct dkim_verifier **ret)
{
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	v->now_s = now_s;
	v->arena = arena_new(ARENA_MAX);
	if (!v->arena)
		return ERR_NOMEM;
	enum err e = fields_parse(header, v->arena, &v->fields);
	if (e)
		return e;
	for (size_t i = 0; i < v->fields.count && v->count < DKIM_SIGNATURES_MAX; i++)
		if (str_eq_nocase(v->fields.all[i].name, STR("DKIM-Signature")))
			take_signature(v, &v->fields.all[i]);
	if (arena_failed(v->arena))
		return ERR_NOMEM;
	*ret = MOVE_PTR(v);
	return ERR_OK;
}

void
dkim_verifier_free(struct dkim_verifier **v)
{
	if (!*v)
		return;
	for (size_t i = 0; i < (*v)->count; i++)
		dkim_body_free(&(*v)->all[i].body);
	arena_free(&(*v)->arena);
	free(*v);
	*v = NULL;
}

size_t
dkim_verifier_count(const struct dkim_verifier *v)
{
	return v->count;
}

const struct dkim_signature *
dkim_verifier_signature(const struct dkim_verifier *v, size_t i)
{
	return &v->all[i].pub;
}

void
dkim_verifier_feed(struct dkim_verifier *v, struct str octets)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->all[i].body)
			dkim_body_feed(v->all[i].body, octets);
}

void
dkim_verifier_end(struct dkim_verifier *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct one *s = &v->all[i];
		if (!s->body)
			continue;
		s->body_wrong =
		    dkim_body_end(s->body, s->hash) || memcmp(s->hash, s->claimed, DKIM_HASH) != 0;
		uint64_t size = dkim_body_size(s->body);
		if (s->length != DKIM_BODY_WHOLE && s->length > size)
			settle(s, DKIM_PERMERROR, "its l= is more than the body has");
		else
			s->beginning_only = s->length < size;
	}
}

/* The first record that is a key; what is wrong with it, or NULL. */
static const char *
find_key(struct one *s, const struct str *txts, size_t n, struct dkim_public *ret,
    enum dkim_verdict *ret_verdict)
{
	enum err e = ERR_UNKNOWN;

	for (size_t i = 0; i < n && e == ERR_UNKNOWN; i++)
		e = dkim_public_parse(txts[i], ret);
	*ret_verdict = DKIM_PERMERROR;
	switch (e) {
	case ERR_OK:
		break;
	case ERR_UNKNOWN:
		return "there is no key under its selector";
	case ERR_GONE:
		return "its key was revoked";
	case ERR_CANNOT:
		return "its key is not for this use";
	case ERR_DENIED:
		*ret_verdict = DKIM_POLICY;
		return "its key is too short or too long";
	case ERR_NOMEM:
		*ret_verdict = DKIM_TEMPERROR;
		return "out of memory";
	default:
		return "its key can't be read";
	}
	if (ret->algorithm != s->pub.algorithm)
		return "its key is of another algorithm";
	if (ret->same_domain && s->pub.identity.n &&
	    !is_below(s->pub.identity, s->pub.domain, true))
		return "its key is not for domains below";
	return NULL;
}

static bool
header_is_right(struct dkim_verifier *v, struct one *s, const struct dkim_public *key)
{
	CLEANUP(sbuf_done) struct sbuf octets = SBUF_INIT(3U * TRUST_HEADER_MAX);

	return !dkim_put_covered(&v->fields, s->names, s->pub.header_canon, s->whole, &octets) &&
	       dkim_is_signature(key, &octets, s->b);
}

void
dkim_verifier_key(struct dkim_verifier *v, size_t i, enum dkim_key_status status,
    const struct str *txts, size_t n)
{
	struct one *s = &v->all[i];
	struct dkim_public key = {.pkey = NULL};
	enum dkim_verdict verdict;

	if (!s->body) /* settled by what the signature itself says */
		return;
	if (status == DKIM_KEY_LATER) {
		settle(s, DKIM_TEMPERROR, "its key can't be asked for at the moment");
		return;
	}
	const char *why = find_key(s, txts, status == DKIM_KEY_NONE ? 0 : n, &key, &verdict);
	s->pub.testing = key.testing;
	if (why)
		settle(s, verdict, why);
	else if (s->body_wrong)
		settle(s, DKIM_FAIL, "the body was changed");
	else if (!header_is_right(v, s, &key))
		settle(s, DKIM_FAIL, "the header was changed, or another key signed it");
	else if (s->beginning_only) /* §8.2: whatever was added behind would pass for signed */
		settle(s, DKIM_POLICY, "it covers only the beginning of the body");
	else
		settle(s, DKIM_PASS, NULL);
	dkim_public_done(&key);
}
