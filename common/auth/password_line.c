#include "common/auth/password_line.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/log_ration.h"
#include "common/metrics/metrics.h"

#include <openssl/crypto.h>
#include <time.h>

#define GUESS_US 30000 /* a password's time, before one was computed */
#define KEEP_MEMORY_S 1 /* without anything to compute, before memory is given back */

enum check_state { WAITING, COMPUTING, DONE };

struct password_check {
	struct password_line *line;
	struct password_check *next; /* in line, as they came; guarded by mu, as is all else */
	enum check_state state;
	struct password_asker asker;
	/* Where it stands: see comes_before(). */
	bool silent;
	unsigned rank; /* as of the last look at all of them */
	uint64_t turn; /* of its network */
	int64_t asked_ms;
	bool dropped; /* the thread that computes it frees it */
	enum err err;
	int64_t account;
	bool known; /* there is a credential */
	size_t hash_n, password_n;
	char secret[]; /* hash, password */
};

struct password_line {
	struct password_line_options o; /* the three bounds are guarded by mu */
	pthread_mutex_t mu;
	pthread_cond_t work;
	struct password_check *head, **tail; /* guarded by mu, as is all that follows */
	size_t waiting;
	uint64_t turn; /* of who was taken last */
	int64_t average_us;
	struct log_ration complaints; /* that the line is too long */
	struct log_ration refusals; /* of threads */
	unsigned threads, computing; /* begun; at work */
	bool stop;
	atomic_ullong memory; /* octets that the threads have; not guarded */
	pthread_t thread[PASSWORD_THREADS_MAX];
};

static void
free_check(struct password_check *c)
{
	OPENSSL_clear_free(c, sizeof(*c) + c->hash_n + c->password_n);
}

/* -- the order; all with mu held ----------------------------------------------------------------
 */

static bool
comes_before(const struct password_check *a, const struct password_check *b)
{
	if (a->silent != b->silent)
		return b->silent;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->turn < b->turn; /* of equal ones the older stands first in line */
}

/* The turn after those that its network has in line already. */
static void
give_turn(struct password_line *l, struct password_check *new)
{
	new->turn = l->turn;
	for (const struct password_check *c = l->head; c; c = c->next)
		if (c->asker.key.network == new->asker.key.network && c->rank <= new->rank &&
		    c->turn >= new->turn)
			new->turn = c->turn + 1;
}

static void
unqueue(struct password_line *l, struct password_check *c)
{
	struct password_check **at = &l->head;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (!*at)
		l->tail = at;
	l->waiting--;
}

static void
answer(struct password_check *c, enum err e)
{
	OPENSSL_cleanse(c->secret, c->hash_n + c->password_n);
	c->err = e;
	c->state = DONE;
	c->asker.wake(c->asker.arg);
}

/* Tells one of those who wait that the line is too long. */
static void
turn_away(struct password_line *l, struct password_check *c)
{
	METRICS_COUNT(passwords_refused, 0);
	unqueue(l, c);
	answer(c, ERR_BUSY);
}

static void
turn_away_late(struct password_line *l)
{
	int64_t too_late = clock_mono_ms() - l->o.wait_max_ms;

	for (struct password_check *c = l->head, *next; c; c = next) {
		next = c->next;
		if (c->asked_ms <= too_late)
			turn_away(l, c);
	}
}

/* What was tried since may have changed everybody's rank. */
static void
look_at_ranks(struct password_line *l)
{
	for (struct password_check *c = l->head; c; c = c->next)
		c->rank = standing_rank(l->o.standing, &c->asker.key);
}

static struct password_check *
find_first(const struct password_line *l)
{
	struct password_check *first = l->head;

	for (struct password_check *c = l->head; c; c = c->next)
		if (comes_before(c, first))
			first = c;
	return first;
}

static struct password_check *
find_last(const struct password_line *l)
{
	struct password_check *last = l->head;

	for (struct password_check *c = l->head; c; c = c->next)
		if (!comes_before(c, last))
			last = c;
	return last;
}

/* Who comes first and is still there, as far as one can tell. */
static struct password_check *
take_first(struct password_line *l)
{
	struct password_check *c;

	turn_away_late(l);
	look_at_ranks(l);
	while (
	    (c = find_first(l)) && !c->silent && c->asker.silent && c->asker.silent(c->asker.arg))
		c->silent = true;
	if (!c)
		return NULL;
	unqueue(l, c);
	c->state = COMPUTING;
	if (c->turn > l->turn)
		l->turn = c->turn;
	return c;
}

/* -- threads ------------------------------------------------------------------------------------
 */

/* Until there is something to do: then gives it back as memory, which is kept for a moment. */
static void
wait_for_work(struct password_line *l, bool *holds)
{
	struct timespec until;

	if (!*holds) {
		pthread_cond_wait(&l->work, &l->mu);
		return;
	}
	if (l->computing < l->o.threads) { /* else a reload has left more threads than may work */
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += KEEP_MEMORY_S;
		if (pthread_cond_timedwait(&l->work, &l->mu, &until) == 0 || l->head)
			return;
	}
	password_release_memory();
	*holds = false;
}

static enum err
compute(struct password_line *l, struct password_check *c)
{
	const struct credential credential = {.hash = str_make(c->secret, c->hash_n)};
	struct str password = str_make(c->secret + c->hash_n, c->password_n);
	enum err e = l->o.verify(c->known ? &credential : NULL, password);

	if (!e && l->o.cache)
		login_remember(l->o.cache, c->account, &credential, password);
	return e;
}

static void
finish(struct password_line *l, struct password_check *c, enum err e)
{
	if (!e)
		standing_was_right(l->o.standing, &c->asker.key);
	if (c->dropped)
		free_check(c);
	else
		answer(c, e);
}

static void *
compute_passwords(void *arg)
{
	struct password_line *l = arg;
	bool holds = false;

	password_keep_memory(&l->memory);
	pthread_mutex_lock(&l->mu);
	while (!l->stop) {
		struct password_check *c = l->computing < l->o.threads ? take_first(l) : NULL;
		if (!c) {
			wait_for_work(l, &holds);
			continue;
		}
		l->computing++;
		holds = true;
		pthread_mutex_unlock(&l->mu);
		int64_t began_us = clock_mono_us();
		enum err e = compute(l, c);
		int64_t took_us = clock_mono_us() - began_us;
		pthread_mutex_lock(&l->mu);
		l->computing--;
		l->average_us += (took_us - l->average_us) / 8;
		finish(l, c, e);
	}
	pthread_mutex_unlock(&l->mu);
	password_release_memory();
	return NULL;
}

/* Tried again with the next password. */
static void
say_refused(struct password_line *l, int errnum)
{
	if (log_ration_takes(&l->refusals, 1, NULL))
		log_warn("password_threads", F_CSTR("reason", strerrordesc_np(errnum)),
		    F_UINT("started", l->threads), F_UINT("wanted", l->o.threads));
}

/* One more, where all are at work and there may be more. What can't be had, those do that there
 * are; false: there is none. */
static bool
have_thread(struct password_line *l)
{
	if (l->threads < l->o.threads && l->computing + l->waiting >= l->threads) {
		int errnum = pthread_create(&l->thread[l->threads], NULL, compute_passwords, l);
		if (errnum)
			say_refused(l, errnum);
		else
			l->threads++;
	}
	return l->threads > 0;
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void
say_too_long(struct password_line *l)
{
	if (!log_ration_takes(&l->complaints, 1, NULL))
		return;
	log_warn("passwords_refused", F_UINT("waiting", l->waiting),
	    F_UINT("threads", l->o.threads), F_INT("each_ms", l->average_us / 1000));
}

/* Room for one more. False: there is none, or it would wait for too long. */
static bool
make_room(struct password_line *l, const struct password_check *new)
{
	uint64_t before = l->computing;

	for (const struct password_check *c = l->head; c; c = c->next)
		before += !comes_before(new, c);
	if (before * (uint64_t)l->average_us / l->o.threads > (uint64_t)l->o.wait_max_ms * 1000)
		return false;
	if (l->waiting < l->o.waiting_max)
		return true;
	struct password_check *last = find_last(l);
	if (!last || !comes_before(new, last))
		return false;
	turn_away(l, last);
	return true;
}

static struct password_check *
make_check(struct password_line *l, int64_t account, const struct credential *c,
    struct str password, const struct password_asker *asker)
{
	struct str hash = c ? c->hash : STR("");
	struct password_check *check = calloc(1, sizeof(*check) + hash.n + password.n);

	if (!check)
		return NULL;
	check->line = l;
	check->asker = *asker;
	check->asked_ms = clock_mono_ms();
	check->account = account;
	check->known = c;
	check->hash_n = hash.n;
	check->password_n = password.n;
	if (hash.n)
		memcpy(check->secret, hash.p, hash.n);
	if (password.n)
		memcpy(check->secret + hash.n, password.p, password.n);
	return check;
}

enum err
password_ask(struct password_line *l, int64_t account, const struct credential *credential,
    struct str password, const struct password_asker *asker, struct password_check **ret)
{
	if (password.n > PASSWORD_MAX)
		return ERR_AUTH_FAILED; /* whoever the user is */
	struct password_check *c = make_check(l, account, credential, password, asker);
	if (!c)
		return ERR_NOMEM;
	standing_tries(l->o.standing, &asker->key);
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	c->rank = standing_rank(l->o.standing, &asker->key);
	give_turn(l, c);
	bool any = have_thread(l);
	if (!any || !make_room(l, c)) {
		if (any)
			say_too_long(l);
		METRICS_COUNT(passwords_refused, 0);
		free_check(c);
		return ERR_BUSY;
	}
	*l->tail = c;
	l->tail = &c->next;
	l->waiting++;
	pthread_cond_signal(&l->work);
	*ret = c;
	return ERR_OK;
}

struct standing_key
password_line_key(const struct password_line *l, const struct standing_who *who)
{
	return standing_key(l->o.standing, who);
}

bool
password_answer(struct password_check *c, enum err *ret_err)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&c->line->mu);

	if (c->state != DONE)
		return false;
	*ret_err = c->err;
	return true;
}

void
password_drop(struct password_check **check)
{
	struct password_check *c = MOVE_PTR(*check);

	if (!c)
		return;
	struct password_line *l = c->line;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);
	if (c->state == COMPUTING) {
		c->dropped = true;
		return;
	}
	if (c->state == WAITING)
		unqueue(l, c);
	free_check(c);
}

/* -- life ---------------------------------------------------------------------------------------
 */

static void
set_threads(struct password_line *l, unsigned n)
{
	l->o.threads = n < PASSWORD_THREADS_MAX ? n : PASSWORD_THREADS_MAX;
}

struct password_line *
password_line_new(const struct password_line_options *options)
{
	struct password_line *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (!l)
		return NULL;
	l->o = *options;
	set_threads(l, options->threads);
	if (!l->o.verify)
		l->o.verify = password_verify;
	l->tail = &l->head;
	l->average_us = GUESS_US;
	pthread_mutex_init(&l->mu, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->work, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

void
password_line_free(struct password_line **lp)
{
	struct password_line *l = MOVE_PTR(*lp);

	if (!l)
		return;
	pthread_mutex_lock(&l->mu);
	l->stop = true;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->mu);
	for (unsigned i = 0; i < l->threads; i++)
		pthread_join(l->thread[i], NULL);
	pthread_cond_destroy(&l->work);
	pthread_mutex_destroy(&l->mu);
	free(l);
}

void
password_line_change(struct password_line *l, const struct password_line_options *options)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	set_threads(l, options->threads);
	l->o.waiting_max = options->waiting_max;
	l->o.wait_max_ms = options->wait_max_ms;
	pthread_cond_broadcast(&l->work);
}

uint64_t
password_line_memory_max(struct password_line *l)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	return l->o.threads * PASSWORD_MEMORY;
}

uint64_t
password_line_memory(const struct password_line *l)
{
	return atomic_load(&l->memory);
}

size_t
password_line_waiting(struct password_line *l)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&l->mu);

	return l->waiting;
}
