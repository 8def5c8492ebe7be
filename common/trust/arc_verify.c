/* Validating a chain (RFC 8617 §5.2). */
#include "common/trust/arc_private.h"

#define ARENA_MAX (8U * TRUST_HEADER_MAX)
#define OCTETS_MAX (3U * TRUST_HEADER_MAX)
#define NAMES_MAX 16384

/* A signature of the chain: the last one of a message is first, then the seals, the last one first.
 */
struct link {
	struct str whole;
	unsigned instance;
	struct str b, names;
	struct str key_name;
	enum dkim_algorithm algorithm;
	enum dkim_canon header_canon;
	bool seal;
	bool right; /* its key was given and it is */
};

struct arc_verifier {
	struct arena *arena;
	struct fields fields;
	struct arc_chain chain;
	struct link links[ARC_SETS_MAX + 1];
	size_t link_count;
	struct dkim_body *body; /* of the last signature of a message */
	uint64_t length; /* l= */
	unsigned char claimed[DKIM_HASH];
	bool over; /* the last seal has cv=fail */
	const char *broken; /* why it fails, whatever the keys are */
};

static const char *
take_link(struct arc_verifier *v, const struct tags *t, struct str whole, unsigned n, bool seal)
{
	struct link *l = &v->links[v->link_count];
	struct str domain = tags_get(t, "d", STR("")), selector = tags_get(t, "s", STR(""));

	*l = (struct link){.whole = whole, .instance = n, .seal = seal};
	l->b = tags_get(t, "b", STR(""));
	l->names = tags_get(t, "h", STR(""));
	if (dkim_parse_algorithm(tags_get(t, "a", STR("")), &l->algorithm))
		return "the algorithm of one of its signatures is not known";
	if (!dkim_is_name(domain) || !dkim_is_name(selector) || l->b.n == 0)
		return "one of its signatures names no domain and selector";
	l->key_name =
	    arena_printf(v->arena, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(domain));
	v->link_count++;
	return l->key_name.p ? NULL : "out of memory";
}

/* The last signature of the message (§5.2 step 4): as DKIM's, which it is like. */
static const char *
take_message(struct arc_verifier *v)
{
	const struct header_field *f = v->chain.sets[v->chain.count - 1].parts[ARC_MESSAGE];
	CLEANUP(sbuf_done) struct sbuf hash = SBUF_INIT(2 * DKIM_HASH);
	enum dkim_canon body_canon;
	struct tags t;

	if (tags_parse(f->value, &t))
		return "its last signature can't be read";
	const char *why = take_link(v, &t, f->whole, v->chain.count, false);
	if (why)
		return why;
	struct link *l = &v->links[0];
	const struct tag *length = tags_find(&t, "l");
	if (dkim_parse_canon(tags_get(&t, "c", STR("simple")), &l->header_canon, &body_canon))
		return "the canonicalisation of its last signature is not known";
	if (l->names.n > NAMES_MAX || !tags_has(l->names, ':', STR("From")) ||
	    tags_has(l->names, ':', STR("ARC-Seal")) ||
	    tags_has(l->names, ':', STR("ARC-Message-Signature")) ||
	    tags_has(l->names, ':', STR("ARC-Authentication-Results")))
		return "its last signature covers what it must not, or not what it must";
	v->length = DKIM_BODY_WHOLE;
	if (length && !str_to_u64(length->value, &v->length))
		return "its last signature can't be read";
	if (tags_base64(tags_get(&t, "bh", STR("")), &hash) || hash.n != DKIM_HASH)
		return "its last signature can't be read";
	memcpy(v->claimed, hash.p, DKIM_HASH);
	v->body = dkim_body_new_limited(body_canon, v->length);
	return v->body ? NULL : "out of memory";
}

static const char *
take_seal(struct arc_verifier *v, unsigned n)
{
	const struct header_field *f = v->chain.sets[n - 1].parts[ARC_SEAL];
	struct tags t;

	if (tags_parse(f->value, &t))
		return "one of its seals can't be read";
	struct str cv = tags_get(&t, "cv", STR(""));
	if (n == v->chain.count && str_eq_nocase(cv, STR("fail"))) {
		v->over = true;
		return "it was broken when it was sealed last";
	}
	if (!str_eq_nocase(cv, n == 1 ? STR("none") : STR("pass")))
		return "one of its seals says that it was broken";
	if (tags_find(&t, "h")) /* §4.1.3 */
		return "one of its seals can't be read";
	return take_link(v, &t, f->whole, n, true);
}

static const char *
take_links(struct arc_verifier *v)
{
	/* Step 2 comes before the structure is looked at. */
	const struct header_field *last = v->chain.sets[v->chain.count - 1].parts[ARC_SEAL];
	struct tags t;

	if (last && !tags_parse(last->value, &t) &&
	    str_eq_nocase(tags_get(&t, "cv", STR("")), STR("fail"))) {
		v->over = true;
		return "it was broken when it was sealed last";
	}
	if (v->chain.broken)
		return v->chain.broken;
	const char *why = take_message(v);
	for (unsigned n = v->chain.count; n > 0 && !why; n--)
		why = take_seal(v, n);
	return why;
}

enum err
arc_verifier_new(struct str header, struct arc_verifier **ret)
{
	CLEANUP(arc_verifier_free) struct arc_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	v->arena = arena_new(ARENA_MAX);
	if (!v->arena)
		return ERR_NOMEM;
	enum err e = fields_parse(header, v->arena, &v->fields);
	if (e)
		return e;
	arc_chain_read(&v->fields, &v->chain);
	v->broken = v->chain.count ? take_links(v) : v->chain.broken;
	if (v->broken)
		v->link_count = 0;
	if (arena_failed(v->arena))
		return ERR_NOMEM;
	*ret = MOVE_PTR(v);
	return ERR_OK;
}

void
arc_verifier_free(struct arc_verifier **v)
{
	if (!*v)
		return;
	dkim_body_free(&(*v)->body);
	arena_free(&(*v)->arena);
	free(*v);
	*v = NULL;
}

void
arc_verifier_feed(struct arc_verifier *v, struct str octets)
{
	if (v->body)
		dkim_body_feed(v->body, octets);
}

void
arc_verifier_end(struct arc_verifier *v)
{
	unsigned char hash[DKIM_HASH];

	if (!v->body || v->broken)
		return;
	bool wrong = dkim_body_end(v->body, hash) || memcmp(hash, v->claimed, DKIM_HASH) != 0 ||
		     (v->length != DKIM_BODY_WHOLE && v->length != dkim_body_size(v->body));
	if (!wrong)
		return;
	v->broken = "the body was changed since it was sealed last";
	v->link_count = 0;
}

size_t
arc_verifier_key_count(const struct arc_verifier *v)
{
	return v->link_count;
}

struct str
arc_verifier_key_name(const struct arc_verifier *v, size_t i)
{
	return v->links[i].key_name;
}

static bool
is_right(struct arc_verifier *v, const struct link *l, const struct dkim_public *key)
{
	CLEANUP(sbuf_done) struct sbuf octets = SBUF_INIT(OCTETS_MAX);
	enum err e = ERR_OK;

	if (l->seal)
		arc_put_sealed(&v->chain, l->instance, false, l->whole, &octets);
	else
		e = dkim_put_covered(&v->fields, l->names, l->header_canon, l->whole, &octets);
	return !e && dkim_is_signature(key, &octets, l->b);
}

void
arc_verifier_key(
    struct arc_verifier *v, size_t i, enum dkim_key_status status, const struct str *txts, size_t n)
{
	struct link *l = &v->links[i];
	struct dkim_public key = {.pkey = NULL};
	enum err e = ERR_UNKNOWN;

	if (status != DKIM_KEY_FOUND)
		return;
	for (size_t j = 0; j < n && e == ERR_UNKNOWN; j++)
		e = dkim_public_parse(txts[j], &key);
	l->right = !e && key.algorithm == l->algorithm && is_right(v, l, &key);
	dkim_public_done(&key);
}

enum arc_status
arc_verifier_status(const struct arc_verifier *v, const char **ret_why)
{
	const char *ignored;

	if (!ret_why)
		ret_why = &ignored;
	*ret_why = v->broken;
	if (v->broken)
		return ARC_FAIL;
	if (v->chain.count == 0)
		return ARC_NONE;
	for (size_t i = 0; i < v->link_count; i++) {
		if (v->links[i].right)
			continue;
		*ret_why = v->links[i].seal ? "one of its seals is wrong or has no key"
					    : "the header was changed since it was sealed last";
		return ARC_FAIL;
	}
	return ARC_PASS;
}

unsigned
arc_verifier_sets(const struct arc_verifier *v)
{
	return v->chain.count;
}

bool
arc_verifier_is_over(const struct arc_verifier *v)
{
	return v->over;
}
