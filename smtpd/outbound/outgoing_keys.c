#include "smtpd/outbound/outgoing_keys.h"

#include "common/base/log.h"

#include <openssl/crypto.h>

struct outgoing_key {
	char *name; /* "selector.domain" */
	int64_t created_s;
	struct dkim_key *key;
	unsigned users; /* guarded by mu, the next too */
	bool forgotten; /* is not on the list any more: goes with its last user */
	struct outgoing_key *next;
};

struct outgoing_keys {
	struct store *store;
	pthread_mutex_t mu;
	struct outgoing_key *first; /* the last used first; guarded by mu, the next too */
	size_t count;
};

enum err
outgoing_keys_new(struct store *store, struct outgoing_keys **ret)
{
	struct outgoing_keys *k = calloc(1, sizeof(*k));

	if (!k)
		return ERR_NOMEM;
	k->store = store;
	pthread_mutex_init(&k->mu, NULL);
	*ret = k;
	return ERR_OK;
}

static void
key_free(struct outgoing_key **key)
{
	if (!*key)
		return;
	dkim_key_free(&(*key)->key);
	free((*key)->name);
	free(*key);
	*key = NULL;
}

void
outgoing_keys_free(struct outgoing_keys **k)
{
	if (!*k)
		return;
	while ((*k)->first) {
		struct outgoing_key *gone = (*k)->first;
		(*k)->first = gone->next;
		key_free(&gone);
	}
	pthread_mutex_destroy(&(*k)->mu);
	free(*k);
	*k = NULL;
}

static enum err
load(struct store *s, const struct signing_key *which, struct outgoing_key **ret)
{
	CLEANUP(sbuf_done) struct sbuf pem = SBUF_INIT(SIGNING_PEM_MAX + 1);
	CLEANUP(key_free) struct outgoing_key *key = calloc(1, sizeof(*key));

	if (!key ||
	    asprintf(&key->name, "%.*s.%.*s", STR_ARG(which->selector), STR_ARG(which->domain)) < 0)
		return ERR_NOMEM;
	key->created_s = which->created_s;
	enum err e = signing_key_read(s, which->domain, which->selector, &pem);
	if (!e)
		e = dkim_key_parse(sbuf_view(&pem), &key->key);
	if (pem.p)
		OPENSSL_cleanse(pem.p, pem.cap);
	if (e) {
		log_error("dkim", F_CSTR("key", key->name), F_ERR(e));
		return err_class(e) == ERR_CLASS_OURS ? e : ERR_CORRUPT;
	}
	*ret = MOVE_PTR(key);
	return ERR_OK;
}

static bool
is_key(const struct outgoing_key *key, const struct signing_key *which)
{
	struct str name = str_of(key->name);

	return key->created_s == which->created_s &&
	       name.n == which->selector.n + 1 + which->domain.n &&
	       str_starts(name, which->selector) &&
	       str_eq(str_skip(name, which->selector.n + 1), which->domain);
}

static struct outgoing_key *
find_locked(struct outgoing_keys *k, const struct signing_key *which)
{
	for (struct outgoing_key **at = &k->first; *at; at = &(*at)->next) {
		struct outgoing_key *key = *at;
		if (!is_key(key, which))
			continue;
		*at = key->next;
		key->next = k->first;
		k->first = key;
		key->users++;
		return key;
	}
	return NULL;
}

/* Those that were not used for the longest time and are not out. */
static void
shrink_locked(struct outgoing_keys *k)
{
	while (k->count > OUTGOING_KEYS_MAX) {
		struct outgoing_key **last = NULL;
		for (struct outgoing_key **at = &k->first; *at; at = &(*at)->next)
			if ((*at)->users == 0)
				last = at;
		if (!last)
			return;
		struct outgoing_key *gone = *last;
		*last = gone->next;
		k->count--;
		key_free(&gone);
	}
}

enum err
outgoing_keys_get(
    struct outgoing_keys *k, const struct signing_key *which, struct outgoing_key **ret)
{
	struct outgoing_key *key;

	{
		CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&k->mu);
		key = find_locked(k, which);
	}
	if (key) {
		*ret = key;
		return ERR_OK;
	}
	/* Two that read the same one at the same time keep it twice; that does no harm. */
	enum err e = load(k->store, which, &key);
	if (e)
		return e;
	key->users = 1;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&k->mu);
	key->next = k->first;
	k->first = key;
	k->count++;
	shrink_locked(k);
	*ret = key;
	return ERR_OK;
}

void
outgoing_keys_put(struct outgoing_keys *k, struct outgoing_key **key)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&k->mu);

	(*key)->users--;
	if ((*key)->forgotten && (*key)->users == 0)
		key_free(key);
	*key = NULL;
}

void
outgoing_keys_forget(struct outgoing_keys *k)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&k->mu);

	while (k->first) {
		struct outgoing_key *key = k->first;
		k->first = key->next;
		if (key->users)
			key->forgotten = true;
		else
			key_free(&key);
	}
	k->count = 0;
}

const struct dkim_key *
outgoing_key_of(const struct outgoing_key *key)
{
	return key->key;
}
