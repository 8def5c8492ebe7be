#include "smtpd/outbound/chain.h"

#define CHAIN_ARENA (2 * 1024 * 1024)
#define TXTS_MAX 8 /* records under one name that are looked at */
#define TXT_MAX 8192 /* octets of one: a key of DKIM_RSA_MAX_BITS has far fewer */
#define KEYS_MAX (ARC_SETS_MAX + 1)

struct chain_key {
	struct chain *chain;
	struct str name;
	enum dkim_key_status status;
	struct str txts[TXTS_MAX];
	size_t n;
};

struct chain {
	struct arena *arena; /* guarded by mu while questions are out */
	struct sbuf header;
	struct arc_verifier *verifier;
	enum err err; /* of reading */
	struct chain_key *keys[KEYS_MAX]; /* of each the verifier needs; some are the same */

	pthread_mutex_t mu;
	size_t open; /* guarded by mu: questions, and one more while they are asked */
	void (*done)(void *arg);
	void *arg;
};

void
chain_free(struct chain **cp)
{
	struct chain *c = MOVE_PTR(*cp);

	if (!c)
		return;
	arc_verifier_free(&c->verifier);
	sbuf_done(&c->header);
	arena_free(&c->arena);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

/* -- reading ----------------------------------------------------------------------------------- */

/* The header is whole. */
static void
begin_body(struct chain *c)
{
	if (!c->verifier && !c->err)
		c->err = arc_verifier_new(sbuf_view(&c->header), &c->verifier);
}

static void
feed_body(void *arg, struct str octets)
{
	struct chain *c = arg;

	begin_body(c);
	if (c->verifier)
		arc_verifier_feed(c->verifier, octets);
}

enum err
chain_read(struct content *content, struct chain **ret)
{
	CLEANUP(chain_free) struct chain *c = calloc(1, sizeof(*c));
	uint64_t body;
	bool whole;

	*ret = NULL;
	if (!c)
		return ERR_NOMEM;
	pthread_mutex_init(&c->mu, NULL);
	sbuf_init(&c->header, TRUST_HEADER_MAX);
	if (!(c->arena = arena_new(CHAIN_ARENA)))
		return ERR_NOMEM;
	enum err e = content_header(content, &c->header, &body, &whole);
	if (!e && whole)
		e = content_body(content, body, feed_body, c);
	if (e || !whole)
		return e;
	begin_body(c);
	if (c->err)
		return c->err == ERR_TOO_BIG ? ERR_OK : c->err;
	arc_verifier_end(c->verifier);
	if (arc_verifier_status(c->verifier, NULL) == ARC_NONE)
		return ERR_OK;
	*ret = MOVE_PTR(c);
	return ERR_OK;
}

/* -- keys -------------------------------------------------------------------------------------- */

static void
question_over(struct chain *c)
{
	pthread_mutex_lock(&c->mu);
	bool last = --c->open == 0;
	pthread_mutex_unlock(&c->mu);
	if (last)
		c->done(c->arg); /* the chain may be no more */
}

static void
keep_records(struct chain_key *k, const struct dns_answer *a)
{
	struct chain *c = k->chain;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&c->mu);

	(void)held;
	k->status = DKIM_KEY_FOUND;
	for (size_t i = 0; i < a->count && k->n < TXTS_MAX; i++)
		if (a->records[i].data.n <= TXT_MAX)
			k->txts[k->n++] = arena_dup(c->arena, a->records[i].data);
}

static void
answered(void *arg, const struct dns_answer *a)
{
	struct chain_key *k = arg;

	switch (a->status) {
	case DNS_FOUND:
		keep_records(k, a);
		break;
	case DNS_NO_DATA:
	case DNS_NO_NAME:
		k->status = DKIM_KEY_NONE;
		break;
	case DNS_FAILED:
	case DNS_BOGUS:
		k->status = DKIM_KEY_LATER;
		break;
	}
	question_over(k->chain);
}

static void
ask(struct chain *c, struct dns *dns, struct chain_key *k)
{
	pthread_mutex_lock(&c->mu);
	c->open++;
	pthread_mutex_unlock(&c->mu);
	enum err e = dns_ask(dns, k->name, DNS_TXT, answered, k);
	if (!e)
		return;
	k->status = e == ERR_SYNTAX ? DKIM_KEY_NONE : DKIM_KEY_LATER;
	question_over(c);
}

static struct chain_key *
find_key(struct chain *c, size_t before, struct str name)
{
	for (size_t i = 0; i < before; i++)
		if (c->keys[i] && str_eq_nocase(c->keys[i]->name, name))
			return c->keys[i];
	return NULL;
}

void
chain_ask(struct chain *c, struct dns *dns, void (*done)(void *arg), void *arg)
{
	size_t n = arc_verifier_key_count(c->verifier);

	c->done = done;
	c->arg = arg;
	c->open = 1; /* ours: nobody is done before all were asked */
	for (size_t i = 0; i < n; i++) {
		struct str name = arc_verifier_key_name(c->verifier, i);
		struct chain_key *k = find_key(c, i, name);
		bool known = k != NULL;
		if (!known) {
			pthread_mutex_lock(&c->mu);
			k = ARENA_NEW(c->arena, struct chain_key);
			pthread_mutex_unlock(&c->mu);
		}
		if (k && !known)
			*k = (struct chain_key){.chain = c, .name = name, .status = DKIM_KEY_LATER};
		c->keys[i] = k;
		if (k && !known)
			ask(c, dns, k);
	}
	question_over(c);
}

enum err
chain_result(struct chain *c, bool final, struct chain_state *ret)
{
	size_t n = arc_verifier_key_count(c->verifier);

	if (arena_failed(c->arena))
		return ERR_NOMEM;
	for (size_t i = 0; i < n && !final; i++)
		if (c->keys[i]->status == DKIM_KEY_LATER)
			return ERR_BUSY;
	for (size_t i = 0; i < n; i++) {
		const struct chain_key *k = c->keys[i];
		arc_verifier_key(c->verifier, i, k->status, k->txts, k->n);
	}
	*ret = (struct chain_state){
	    .status = arc_verifier_status(c->verifier, NULL),
	    .sets = arc_verifier_sets(c->verifier),
	    .over = arc_verifier_is_over(c->verifier),
	};
	return ERR_OK;
}
