#include "common/auth/oauth.h"

#include "common/auth/oauth_provider.h"
#include "common/base/cleanup.h"

#include <openssl/crypto.h>

#define TOKEN_ARENA_MAX (256L * 1024)

struct oauth_query {
	struct oauth *oauth;
	struct oauth_query *next; /* guarded by mu, as are done and dropped */
	char *token;
	size_t token_n;
	void (*wake)(void *arg);
	void *arg;
	bool waiting; /* in the queue */
	bool waking; /* its call runs */
	bool done;
	bool dropped; /* the thread that works on it frees it */
	enum err err;
	char *user;
};

struct oauth {
	struct oauth_provider *provider;
	pthread_mutex_t mu;
	pthread_cond_t work; /* the queue is not empty, or `stop` */
	pthread_cond_t woken; /* a call of wake has ended */
	struct oauth_query *head, **tail; /* guarded by mu, as is all that follows */
	size_t waiting; /* queries without an answer */
	bool stop;
	pthread_t threads[OAUTH_THREADS];
	size_t thread_count;
};

/* -- threads ---------------------------------------------------------------------------------- */

static void
free_query(struct oauth_query *q)
{
	OPENSSL_clear_free(q->token, q->token_n);
	free(q->user);
	free(q);
}

/* The token's signature is in there, decoded. */
static void
wipe_and_free(struct arena **a)
{
	if (*a)
		arena_wipe(*a);
	arena_free(a);
}

static enum err
find_user(struct oauth *o, struct oauth_query *q)
{
	CLEANUP(wipe_and_free) struct arena *arena = arena_new(TOKEN_ARENA_MAX);
	struct str token = str_make(q->token, q->token_n);
	struct str user;

	if (!arena)
		return ERR_NOMEM;
	enum err e = oauth_provider_ask(o->provider, token, arena, &user);
	if (e)
		return e;
	if (str_has_nul(user))
		return ERR_AUTH_FAILED;
	q->user = strndup(user.p, user.n);
	return q->user ? ERR_OK : ERR_NOMEM;
}

/* The next question, or NULL at the end. */
static struct oauth_query *
take_query(struct oauth *o)
{
	while (!o->head && !o->stop)
		pthread_cond_wait(&o->work, &o->mu);
	if (o->stop)
		return NULL;
	struct oauth_query *q = o->head;
	o->head = q->next;
	if (!o->head)
		o->tail = &o->head;
	q->waiting = false;
	return q;
}

static void *
ask_provider(void *arg)
{
	struct oauth *o = arg;
	struct oauth_query *q;

	pthread_mutex_lock(&o->mu);
	while ((q = take_query(o))) {
		pthread_mutex_unlock(&o->mu);
		enum err e = find_user(o, q);
		pthread_mutex_lock(&o->mu);
		o->waiting--;
		q->err = e;
		q->done = true;
		if (q->dropped) {
			free_query(q);
			continue;
		}
		q->waking = true;
		pthread_mutex_unlock(&o->mu);
		q->wake(q->arg);
		pthread_mutex_lock(&o->mu);
		q->waking = false;
		pthread_cond_broadcast(&o->woken);
	}
	pthread_mutex_unlock(&o->mu);
	return NULL;
}

enum err
oauth_ask(
    struct oauth *o, struct str token, void (*wake)(void *arg), void *arg, struct oauth_query **ret)
{
	struct oauth_query *q = calloc(1, sizeof(*q));
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&o->mu);

	if (q)
		*q = (struct oauth_query){.oauth = o, .wake = wake, .arg = arg, .waiting = true};
	if (q)
		q->token = OPENSSL_memdup(token.p, token.n);
	if (!q || !q->token) {
		free(q);
		return ERR_NOMEM;
	}
	q->token_n = token.n;
	bool full = o->waiting >= OAUTH_QUERIES_MAX;
	if (!full && o->thread_count < OAUTH_THREADS && o->waiting >= o->thread_count &&
	    pthread_create(&o->threads[o->thread_count], NULL, ask_provider, o) == 0)
		o->thread_count++;
	if (full || o->thread_count == 0) {
		free_query(q);
		return ERR_BUSY;
	}
	o->waiting++;
	*o->tail = q;
	o->tail = &q->next;
	pthread_cond_signal(&o->work);
	*ret = q;
	return ERR_OK;
}

bool
oauth_answer(struct oauth_query *q, struct arena *arena, enum err *ret_err, struct str *ret_user)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&q->oauth->mu);

	if (!q->done)
		return false;
	*ret_err = q->err;
	if (!q->err) {
		*ret_user = arena_dup(arena, str_of(q->user));
		if (!ret_user->p)
			*ret_err = ERR_NOMEM;
	}
	return true;
}

static void
unqueue(struct oauth *o, struct oauth_query *q)
{
	struct oauth_query **at = &o->head;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (!*at)
		o->tail = at;
	o->waiting--;
}

void
oauth_drop(struct oauth_query **qp)
{
	struct oauth_query *q = MOVE_PTR(*qp);

	if (!q)
		return;
	struct oauth *o = q->oauth;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&o->mu);
	if (q->waiting) {
		unqueue(o, q);
		free_query(q);
		return;
	}
	if (!q->done) {
		q->dropped = true;
		return;
	}
	while (q->waking)
		pthread_cond_wait(&o->woken, &o->mu);
	free_query(q);
}

/* -- life ------------------------------------------------------------------------------------- */

enum err
oauth_new(const struct conf *conf, struct oauth **ret)
{
	*ret = NULL;
	if (!*conf->oauth.jwks_url && !*conf->oauth.introspection_url)
		return ERR_OK;
	CLEANUP(oauth_free) struct oauth *o = calloc(1, sizeof(*o));
	if (!o)
		return ERR_NOMEM;
	o->tail = &o->head;
	pthread_mutex_init(&o->mu, NULL);
	pthread_cond_init(&o->work, NULL);
	pthread_cond_init(&o->woken, NULL);
	enum err e = oauth_provider_new(conf, &o->provider);
	if (!e)
		*ret = MOVE_PTR(o);
	return e;
}

void
oauth_free(struct oauth **op)
{
	struct oauth *o = MOVE_PTR(*op);

	if (!o)
		return;
	pthread_mutex_lock(&o->mu);
	o->stop = true;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->mu);
	for (size_t i = 0; i < o->thread_count; i++)
		pthread_join(o->threads[i], NULL);
	oauth_provider_free(&o->provider);
	pthread_mutex_destroy(&o->mu);
	pthread_cond_destroy(&o->work);
	pthread_cond_destroy(&o->woken);
	free(o);
}

const char *
oauth_issuer(const struct oauth *o)
{
	return oauth_provider_settings(o->provider)->issuer;
}
