#include "smtpd/partial.h"

#include <openssl/evp.h>

struct entry {
	unsigned char key[PARTIAL_KEY_BYTES];
	int64_t account; /* 0: free */
};

struct partial_table {
	pthread_mutex_t mu;
	struct entry entries[PARTIAL_MAX]; /* guarded by mu */
	size_t used; /* guarded by mu */
	size_t next; /* guarded by mu: the oldest, once all are used */
};

struct partial_table *
partial_new(void)
{
	struct partial_table *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->mu, NULL);
	return t;
}

void
partial_free(struct partial_table **t)
{
	if (!*t)
		return;
	pthread_mutex_destroy(&(*t)->mu);
	free(*t);
	*t = NULL;
}

bool
partial_any(struct partial_table *t)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->mu);

	(void)held;
	return t->used > 0;
}

bool
partial_key(const unsigned char *digest, struct str sender, unsigned char *ret_key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(md, digest, PARTIAL_KEY_BYTES) == 1 &&
		  EVP_DigestUpdate(md, sender.p, sender.n) == 1 &&
		  EVP_DigestFinal_ex(md, ret_key, NULL) == 1;

	EVP_MD_CTX_free(md);
	return ok;
}

static struct entry *
find_locked(struct partial_table *t, const unsigned char *key, int64_t account)
{
	for (size_t i = 0; t->used && i < PARTIAL_MAX; i++)
		if (t->entries[i].account == account &&
		    memcmp(t->entries[i].key, key, PARTIAL_KEY_BYTES) == 0)
			return &t->entries[i];
	return NULL;
}

void
partial_note(struct partial_table *t, const unsigned char *key, int64_t account)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->mu);

	(void)held;
	if (find_locked(t, key, account))
		return;
	struct entry *e = &t->entries[t->next];
	t->next = (t->next + 1) % PARTIAL_MAX;
	if (!e->account)
		t->used++;
	memcpy(e->key, key, PARTIAL_KEY_BYTES);
	e->account = account;
}

bool
partial_has(struct partial_table *t, const unsigned char *key, int64_t account)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->mu);

	(void)held;
	return find_locked(t, key, account) != NULL;
}

void
partial_forget(struct partial_table *t, const unsigned char *key, int64_t account)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->mu);

	(void)held;
	struct entry *e = find_locked(t, key, account);
	if (!e)
		return;
	e->account = 0;
	t->used--;
}
