#include "smtpd/outbound/outgoing.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/trust/arc.h"
#include "common/trust/dkim.h"
#include "smtpd/outbound/outgoing_keys.h"
#include "store/directory.h"

#define FRONT_MAX (64 * 1024)
#define ARENA_MAX (4 * 1024 * 1024)
#define FROM_MAX 65536
#define LEVELS_MAX 5 /* labels that are cut off to find the domain that signs */

struct outgoing {
	struct store *store;
	const struct conf *conf;
	struct outgoing_keys *keys;
};

/* -- fields in front of other content -------------------------------------------------------- */

struct fronted {
	struct content content;
	struct content *inner;
	struct sbuf front;
};

static enum err
read_fronted(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct fronted *f = (struct fronted *)c;

	if (offset >= f->front.n)
		return f->inner->read(f->inner, offset - f->front.n, to, n, ret_n);
	size_t have = f->front.n - (size_t)offset;
	if (have > n)
		have = n;
	memcpy(to, f->front.p + offset, have);
	*ret_n = have;
	if (have == n)
		return ERR_OK;
	size_t more = 0;
	enum err e = f->inner->read(f->inner, 0, to + have, n - have, &more);
	*ret_n += more;
	return e;
}

static void
close_fronted(struct content *c)
{
	struct fronted *f = (struct fronted *)c;

	content_close(&f->inner);
	sbuf_done(&f->front);
	free(f);
}

/* Takes `inner` and the contents of `front`. */
static enum err
put_in_front(struct content *inner, struct sbuf *front, struct content **ret)
{
	struct fronted *f = calloc(1, sizeof(*f));

	if (!f) {
		content_close(&inner);
		return ERR_NOMEM;
	}
	f->inner = inner;
	f->front = *front;
	*front = SBUF_INIT(FRONT_MAX);
	f->content = (struct content){
	    .size = inner->size + f->front.n,
	    .form = inner->form,
	    .utf8_header = inner->utf8_header, /* what is in front is ASCII */
	    .read = read_fronted,
	    .close = close_fronted,
	};
	*ret = &f->content;
	return ERR_OK;
}

/* -- who signs ------------------------------------------------------------------------------- */

/* The address in From; NULL without exactly one field of that name. */
static const struct address *
from_address(struct str header, struct arena *arena)
{
	struct header_field field;
	struct str value = {NULL, 0};

	while (header_next(&header, &field)) {
		if (!str_eq_nocase(field.name, STR("From")))
			continue;
		if (value.p || field.value.n > FROM_MAX)
			return NULL;
		value = field.value;
	}
	struct address *a =
	    value.p ? address_parse_list(header_unfold_dup(value, arena), arena) : NULL;
	while (a && !a->host.p)
		a = a->next;
	return a;
}

/* The keys that sign for `domain` or, since a host's name stands below its domain, for what it is
 * below of. */
static enum err
find_keys(struct outgoing *o, struct str domain, struct arena *arena, struct signing_key **ret,
    size_t *ret_n)
{
	*ret_n = 0;
	for (int level = 0; level < LEVELS_MAX && domain.n; level++) {
		enum err e = signing_key_list(o->store, domain, arena, ret, ret_n);
		if (e == ERR_SYNTAX) /* an address literal, or what somebody made up */
			*ret_n = 0;
		else if (e)
			return e;
		size_t active = 0;
		for (size_t i = 0; i < *ret_n; i++)
			if ((*ret)[i].state == SIGNING_ACTIVE)
				(*ret)[active++] = (*ret)[i];
		*ret_n = active;
		if (active)
			return ERR_OK;
		size_t dot = str_find(domain, '.');
		domain = dot == STR_NONE ? STR("") : str_skip(domain, dot + 1);
	}
	return ERR_OK;
}

/* Anyone can write an address of ours into From: a signature of its domain is for mail whose sender
 * has shown who he is. MAIL was checked, From was not; what it says is as good where both are of
 * one domain, or where he may send as that address. */
static enum err
check_author(struct outgoing *o, const struct queue_message *m, const struct address *from,
    const struct signing_key *keys, struct arena *arena)
{
	if (!m->account)
		return m->kind == QUEUE_REPORT ? ERR_OK : ERR_DENIED;
	struct str sender = str_skip(m->sender, str_rfind(m->sender, '@') + 1);
	if (str_eq_nocase(sender, from->host) || str_eq_nocase(sender, keys->domain))
		return ERR_OK;
	struct str address =
	    arena_printf(arena, "%.*s@%.*s", STR_ARG(from->mailbox), STR_ARG(from->host));
	return address.p ? directory_may_send_as(o->store, m->account, address) : ERR_NOMEM;
}

static enum err
find_signers(struct outgoing *o, const struct queue_message *m, struct str header,
    struct arena *arena, struct signing_key **ret, size_t *ret_n)
{
	const struct address *from = from_address(header, arena);
	size_t at = str_rfind(m->sender, '@');
	enum err e = find_keys(o, from ? from->host : STR(""), arena, ret, ret_n);

	if (!e && *ret_n)
		e = check_author(o, m, from, *ret, arena);
	if (e && e != ERR_DENIED)
		return e;
	if (!e && *ret_n)
		return ERR_OK;
	*ret_n = 0;
	/* Somebody else's mail that is forwarded is not ours to sign. */
	if (m->kind == QUEUE_FORWARDED || at == STR_NONE)
		return ERR_OK;
	return find_keys(o, str_skip(m->sender, at + 1), arena, ret, ret_n);
}

static enum err
sign_with(struct outgoing *o, const struct signing_key *k, struct str header,
    const unsigned char *hash, struct sbuf *front)
{
	struct outgoing_key *key = NULL;
	enum err e = outgoing_keys_get(o->keys, k, &key);

	if (e)
		return e;
	const struct dkim_signature_options options = {
	    .key = outgoing_key_of(key),
	    .domain = k->domain,
	    .selector = k->selector,
	    .now_s = clock_real_s(),
	};
	e = dkim_sign(header, hash, &options, front);
	outgoing_keys_put(o->keys, &key);
	return e;
}

/* -- what is forwarded ----------------------------------------------------------------------- */

/* The RSA key of the domain that forwards: the sender's, which is ours (forward.h), or the host's
 * for reports. *ret is NULL where there is none. */
static enum err
find_sealer(struct outgoing *o, const struct queue_message *m, struct arena *arena,
    const struct signing_key **ret)
{
	struct signing_key *keys;
	size_t at = str_rfind(m->sender, '@'), n = 0;
	enum err e =
	    find_keys(o, at == STR_NONE ? str_of(o->conf->hostname) : str_skip(m->sender, at + 1),
		arena, &keys, &n);

	*ret = NULL;
	for (size_t i = 0; i < n && !e; i++)
		if (str_eq(keys[i].algorithm, str_of(dkim_algorithm_name(DKIM_RSA_SHA256))))
			*ret = &keys[i];
	return e;
}

/* One more set (RFC 8617 §5.1), in front of `front`. */
static enum err
seal(struct outgoing *o, const struct outgoing_message *m, struct str header,
    const unsigned char *hash, struct arena *arena, struct sbuf *front)
{
	const struct chain_state *chain = &m->chain;
	CLEANUP(sbuf_done) struct sbuf whole = SBUF_INIT(TRUST_HEADER_MAX);
	CLEANUP(sbuf_done) struct sbuf set = SBUF_INIT(FRONT_MAX);
	const struct signing_key *k;
	struct outgoing_key *key = NULL;

	/* what was found broken already stays so (§5.1 step 2), and there is an end to it */
	if (chain->over || chain->sets >= ARC_SETS_MAX)
		return ERR_OK;
	enum err e = find_sealer(o, m->envelope, arena, &k);
	if (e || !k)
		return e;
	e = outgoing_keys_get(o->keys, k, &key);
	if (e)
		return e;
	const struct arc_seal_options options = {
	    .key = outgoing_key_of(key),
	    .domain = k->domain,
	    .selector = k->selector,
	    .now_s = clock_real_s(),
	    .status = chain->status,
	    .sets = chain->sets,
	    .authserv_id = str_of(o->conf->hostname),
	    .results = arena_printf(arena, "arc=%s", arc_status_name(chain->status)),
	};
	sbuf_put(&whole, sbuf_view(front)); /* signatures come before the seal (RFC 8617 §5.1) */
	sbuf_put(&whole, header);
	e = sbuf_error(&whole) ? ERR_TOO_BIG : arc_seal(sbuf_view(&whole), hash, &options, &set);
	outgoing_keys_put(o->keys, &key);
	if (e)
		return e;
	sbuf_put(&set, sbuf_view(front));
	sbuf_clear(front);
	sbuf_put(front, sbuf_view(&set));
	return sbuf_error(&set) ? sbuf_error(&set) : sbuf_error(front);
}

static void
feed_body(void *body, struct str octets)
{
	dkim_body_feed(body, octets);
}

static enum err
hash_body(struct content *c, uint64_t offset, unsigned char *hash)
{
	CLEANUP(dkim_body_free) struct dkim_body *body = dkim_body_new(DKIM_RELAXED);
	enum err e = body ? content_body(c, offset, feed_body, body) : ERR_NOMEM;

	return e ? e : dkim_body_end(body, hash);
}

/* What goes in front of the message `c`; nothing where it is not signed. */
static enum err
make_front(
    struct outgoing *o, const struct outgoing_message *om, struct content *c, struct sbuf *front)
{
	const struct queue_message *m = om->envelope;
	CLEANUP(sbuf_done) struct sbuf header = SBUF_INIT(TRUST_HEADER_MAX);
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	unsigned char hash[DKIM_HASH];
	struct signing_key *keys;
	uint64_t body;
	size_t n = 0;
	bool whole;

	if (!arena)
		return ERR_NOMEM;
	enum err e = content_header(c, &header, &body, &whole);
	if (!e && !whole)
		log_warn("unsigned", F_STR("id", m->trace_id), F_CSTR("why", "header too large"));
	if (e || !whole)
		return e;
	e = find_signers(o, m, sbuf_view(&header), arena, &keys, &n);
	if (!e && (n || m->kind == QUEUE_FORWARDED))
		e = hash_body(c, body, hash);
	for (size_t i = 0; i < n && !e; i++)
		e = sign_with(o, &keys[i], sbuf_view(&header), hash, front);
	if (!e && m->kind == QUEUE_FORWARDED)
		e = seal(o, om, sbuf_view(&header), hash, arena, front);
	if (e != ERR_CANNOT && e != ERR_TOO_BIG)
		return e;
	/* No single From: nobody can say whose mail it is. It goes as it is. */
	log_warn("unsigned", F_STR("id", m->trace_id), F_ERR(e));
	sbuf_clear(front);
	return ERR_OK;
}

/* -- whole ----------------------------------------------------------------------------------- */

enum err
outgoing_content(struct outgoing *o, const struct outgoing_message *m, struct content *inner,
    struct content **ret)
{
	CLEANUP(content_close) struct content *c = inner;
	CLEANUP(sbuf_done) struct sbuf front = SBUF_INIT(FRONT_MAX);
	enum err e = make_front(o, m, c, &front);

	if (e)
		return e;
	if (front.n)
		return put_in_front(MOVE_PTR(c), &front, ret);
	*ret = MOVE_PTR(c);
	return ERR_OK;
}

enum err
outgoing_new(struct store *store, const struct conf *conf, struct outgoing **ret)
{
	CLEANUP(outgoing_free) struct outgoing *o = calloc(1, sizeof(*o));

	if (!o)
		return ERR_NOMEM;
	o->store = store;
	o->conf = conf;
	enum err e = outgoing_keys_new(store, &o->keys);
	if (!e)
		*ret = MOVE_PTR(o);
	return e;
}

void
outgoing_forget_keys(struct outgoing *o)
{
	outgoing_keys_forget(o->keys);
}

void
outgoing_free(struct outgoing **o)
{
	if (!*o)
		return;
	outgoing_keys_free(&(*o)->keys);
	free(*o);
	*o = NULL;
}
