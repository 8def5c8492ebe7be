#include "common/auth/password_line.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "tests/auth/who.h"
#include "tests/support/test.h"

#include <stdatomic.h>
#include <stdio.h>

/* In place of argon2: a password is a letter, told in the order in which they are computed; "R" is
 * right. Nothing is computed while the gate is closed. */
static struct {
	pthread_mutex_t mu;
	pthread_cond_t changed;
	bool open;
	unsigned at_it;
	char order[64];
	size_t n;
	unsigned unknown; /* for nobody's name */
} gate = {.mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static enum err
fake_verify(const struct credential *c, struct str password)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	if (gate.n < sizeof(gate.order) - 1)
		gate.order[gate.n++] = password.p[0];
	gate.unknown += !c;
	gate.at_it++;
	pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		pthread_cond_wait(&gate.changed, &gate.mu);
	return c && password.p[0] == 'R' ? ERR_OK : ERR_AUTH_FAILED;
}

static void
open_gate(void)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	gate.open = true;
	pthread_cond_broadcast(&gate.changed);
}

static void
wait_until_at_it(unsigned n)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	while (gate.at_it < n)
		pthread_cond_wait(&gate.changed, &gate.mu);
}

/* A client: what it asks, and what became of it. */
struct client {
	struct password_check *check;
	atomic_int woken;
	bool silent;
};

static void
wake(void *arg)
{
	struct client *c = arg;

	atomic_fetch_add(&c->woken, 1);
}

static bool
is_silent(void *arg)
{
	return ((struct client *)arg)->silent;
}

struct ground {
	struct standing *standing;
	struct login_cache *cache;
	struct password_line *line;
};

static void
drop_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

static struct ground
ground_new(unsigned threads, uint32_t waiting_max, uint32_t wait_max_ms)
{
	struct ground g = {.standing = standing_new(), .cache = login_cache_new(600)};
	const struct password_line_options options = {
	    .threads = threads,
	    .waiting_max = waiting_max,
	    .wait_max_ms = wait_max_ms,
	    .cache = g.cache,
	    .standing = g.standing,
	    .verify = fake_verify,
	};

	log_capture(drop_line, NULL);
	gate.open = false;
	gate.at_it = gate.unknown = 0;
	gate.n = 0;
	memset(gate.order, 0, sizeof(gate.order));
	g.line = password_line_new(&options);
	ck_assert_ptr_nonnull(g.line);
	return g;
}

static void
ground_free(struct ground *g)
{
	password_line_free(&g->line);
	login_cache_free(&g->cache);
	standing_free(&g->standing);
}

static enum err
ask(struct ground *g, struct client *c, struct standing_who w, const char *password)
{
	const struct credential ann = {.hash = STR("$argon2id$of ann")};
	const struct password_asker asker = {
	    .key = password_line_key(g->line, &w),
	    .silent = is_silent,
	    .wake = wake,
	    .arg = c,
	};

	return password_ask(g->line, 7, str_eq(w.name, STR("ann")) ? &ann : NULL, str_of(password),
	    &asker, &c->check);
}

/* Waits for the answer. */
static enum err
answer(struct client *c)
{
	enum err e;

	while (!password_answer(c->check, &e))
		usleep(200);
	while (atomic_load(&c->woken) == 0)
		usleep(200);
	ck_assert_int_eq(atomic_load(&c->woken), 1);
	password_drop(&c->check);
	return e;
}

/* Keeps the only thread busy until the gate opens. */
static void
occupy(struct ground *g, struct client *c)
{
	ck_assert_ok(ask(g, c, who(200, 1, "busy"), "0"));
	wait_until_at_it(1);
}

static void
all_answered(struct client *c, size_t n)
{
	open_gate();
	for (size_t i = 0; i < n; i++)
		(void)answer(&c[i]);
}

START_TEST(a_password_is_right_or_wrong_for_whoever_waits)
{
	struct ground g = ground_new(2, 10, 10000);
	struct client c[3] = {0};
	const struct credential ann = {.hash = STR("$argon2id$of ann")};

	open_gate();
	ck_assert_ok(ask(&g, &c[0], who(1, 1, "ann"), "R"));
	ck_assert_ok(ask(&g, &c[1], who(1, 2, "ann"), "x"));
	ck_assert_ok(ask(&g, &c[2], who(1, 3, "nobody"), "R"));
	ck_assert_int_eq(answer(&c[0]), ERR_OK);
	ck_assert_int_eq(answer(&c[1]), ERR_AUTH_FAILED);
	ck_assert_int_eq(answer(&c[2]), ERR_AUTH_FAILED);
	ck_assert_uint_eq(gate.unknown, 1); /* computed all the same */
	ck_assert(login_is_remembered(g.cache, 7, &ann, STR("R")));
	ck_assert(!login_is_remembered(g.cache, 7, &ann, STR("x")));
	ground_free(&g);
}
END_TEST

START_TEST(who_was_right_comes_first_and_who_tries_most_last)
{
	struct ground g = ground_new(1, 100, 60000);
	struct client c[10] = {0};
	struct standing_who ann = who(3, 1, "ann");
	const struct standing_key key = standing_key(g.standing, &ann);
	size_t n = 0;

	standing_was_right(g.standing, &key);
	occupy(&g, &c[n++]);
	for (int i = 0; i < 5; i++)
		ck_assert_ok(ask(&g, &c[n++], who(1, 1, "ann"), "g")); /* guesses */
	ck_assert_ok(ask(&g, &c[n++], who(2, 1, "bob"), "t"));
	ck_assert_ok(ask(&g, &c[n++], who(2, 1, "bob"), "t"));
	ck_assert_ok(ask(&g, &c[n++], who(4, 1, "new"), "n"));
	ck_assert_ok(ask(&g, &c[n++], ann, "k")); /* known */
	all_answered(c, n);
	ck_assert_str_eq(gate.order, "0knttggggg");
	ground_free(&g);
}
END_TEST

/* Each alone would come before one who has tried twice, but it is one network that tries. */
START_TEST(one_network_does_not_fill_the_line_with_addresses)
{
	struct ground g = ground_new(1, 100, 60000);
	struct client c[40] = {0};
	size_t n = 0;

	occupy(&g, &c[n++]);
	for (unsigned i = 0; i < 35; i++)
		ck_assert_ok(ask(&g, &c[n++], who(1, i, "ann"), "g"));
	ck_assert_ok(ask(&g, &c[n++], who(2, 1, "bob"), "n"));
	all_answered(c, n);
	ck_assert_int_eq(gate.order[1], 'n');
	ground_free(&g);
}
END_TEST

START_TEST(networks_take_turns)
{
	struct ground g = ground_new(1, 100, 60000);
	struct client c[8] = {0};
	size_t n = 0;

	occupy(&g, &c[n++]);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_ok(ask(&g, &c[n++], who(1, i, "u"), "a"));
	for (unsigned i = 0; i < 2; i++)
		ck_assert_ok(ask(&g, &c[n++], who(2, i, "u"), "b"));
	ck_assert_ok(ask(&g, &c[n++], who(3, 1, "u"), "c"));
	all_answered(c, n);
	ck_assert_str_eq(gate.order, "0abcabaa");
	ground_free(&g);
}
END_TEST

START_TEST(who_sends_no_more_waits_for_all_others)
{
	struct ground g = ground_new(1, 100, 60000);
	struct client c[5] = {[1] = {.silent = true}, [2] = {.silent = true}};

	occupy(&g, &c[0]);
	ck_assert_ok(ask(&g, &c[1], who(1, 1, "u"), "s"));
	ck_assert_ok(ask(&g, &c[2], who(2, 1, "u"), "s"));
	ck_assert_ok(ask(&g, &c[3], who(3, 1, "u"), "a"));
	ck_assert_ok(ask(&g, &c[4], who(3, 1, "u"), "b"));
	all_answered(c, 5); /* and it is answered: it may have closed one direction only */
	ck_assert_str_eq(gate.order, "0abss");
	ground_free(&g);
}
END_TEST

START_TEST(who_has_left_is_not_computed)
{
	struct ground g = ground_new(1, 100, 60000);
	struct client c[4] = {0};

	occupy(&g, &c[0]);
	ck_assert_ok(ask(&g, &c[1], who(1, 1, "u"), "l"));
	ck_assert_ok(ask(&g, &c[2], who(2, 1, "u"), "a"));
	password_drop(&c[1].check);
	ck_assert_uint_eq(password_line_waiting(g.line), 1);
	password_drop(&c[0].check); /* while it is computed */
	open_gate();
	(void)answer(&c[2]);
	ck_assert_ok(ask(&g, &c[3], who(3, 1, "u"), "b"));
	(void)answer(&c[3]);
	ck_assert_str_eq(gate.order, "0ab");
	ck_assert_int_eq(atomic_load(&c[0].woken) + atomic_load(&c[1].woken), 0);
	ground_free(&g);
}
END_TEST

START_TEST(of_a_full_line_the_last_is_told_so)
{
	struct ground g = ground_new(1, 3, 60000);
	struct client c[6] = {0};

	occupy(&g, &c[0]);
	ck_assert_ok(ask(&g, &c[1], who(1, 1, "u"), "a"));
	ck_assert_ok(ask(&g, &c[2], who(2, 1, "u"), "b"));
	ck_assert_ok(ask(&g, &c[3], who(2, 1, "u"), "B")); /* its second */
	ck_assert_int_eq(ask(&g, &c[4], who(2, 1, "u"), "C"), ERR_BUSY);
	ck_assert_ok(ask(&g, &c[5], who(3, 1, "u"), "d")); /* in place of one that tried thrice */
	ck_assert_int_eq(answer(&c[3]), ERR_BUSY); /* at once */
	open_gate();
	(void)answer(&c[0]);
	(void)answer(&c[1]);
	(void)answer(&c[2]);
	(void)answer(&c[5]);
	ck_assert_str_eq(gate.order, "0adb");
	ground_free(&g);
}
END_TEST

/* Before anything was computed each is believed to take 30 ms. */
START_TEST(who_would_wait_too_long_is_told_so_at_once)
{
	struct ground g = ground_new(1, 100, 100);
	struct client c[6] = {0};

	occupy(&g, &c[0]);
	for (unsigned i = 1; i < 4; i++)
		ck_assert_ok(ask(&g, &c[i], who(i, 1, "u"), "a"));
	ck_assert_int_eq(ask(&g, &c[4], who(4, 1, "u"), "b"), ERR_BUSY);
	struct standing_who ann = who(5, 1, "ann");
	const struct standing_key key = standing_key(g.standing, &ann);
	standing_was_right(g.standing, &key);
	ck_assert_ok(ask(&g, &c[5], ann, "k")); /* would not */
	open_gate();
	(void)answer(&c[5]);
	for (unsigned i = 0; i < 4; i++)
		(void)answer(&c[i]);
	ground_free(&g);
}
END_TEST

START_TEST(who_has_waited_too_long_is_told_so)
{
	struct ground g = ground_new(1, 100, 1000);
	struct client c[3] = {0};

	clock_freeze(1700000000);
	occupy(&g, &c[0]);
	ck_assert_ok(ask(&g, &c[1], who(1, 1, "u"), "a"));
	clock_advance_ms(999);
	ck_assert_ok(ask(&g, &c[2], who(2, 1, "u"), "b"));
	clock_advance_ms(1);
	open_gate();
	ck_assert_int_eq(answer(&c[1]), ERR_BUSY);
	ck_assert_int_eq(answer(&c[2]), ERR_AUTH_FAILED);
	(void)answer(&c[0]);
	ck_assert_str_eq(gate.order, "0b");
	clock_thaw();
	ground_free(&g);
}
END_TEST

/* The flood of the tests of overload, without time: of a thousand addresses, each of a network of
 * its own, who comes for the first time overtakes all who have come before. */
START_TEST(a_new_client_overtakes_a_thousand_that_have_tried_before)
{
	struct ground g = ground_new(1, 2000, 60000);
	struct client *flood = calloc(2000, sizeof(*flood));
	struct client c[2] = {0};
	unsigned n = 0;

	occupy(&g, &c[0]);
	for (unsigned i = 0; i < 2000; i++) {
		struct standing_who w = who(i % 250, 2 + i % 1000, "guess");
		w.network[2] = w.address[2];
		w.network[3] = w.address[3];
		n += ask(&g, &flood[i], w, "g") == ERR_OK;
	}
	ck_assert_uint_gt(n, 900);
	ck_assert_ok(ask(&g, &c[1], who(251, 1, "ann"), "R"));
	open_gate();
	ck_assert_int_eq(answer(&c[1]), ERR_OK);
	for (unsigned i = 0; i < 2000; i++)
		password_drop(&flood[i].check);
	(void)answer(&c[0]);
	/* Some of the thousand's entries have been pushed out of the table, how many depends on its
	 * key: about five, and never so many as fifty of a thousand. */
	const char *at = strchr(gate.order, 'R');
	ck_assert_ptr_nonnull(at);
	ck_assert_int_le(at - gate.order, 50);
	free(flood);
	ground_free(&g);
}
END_TEST

static unsigned
at_it(void)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	return gate.at_it;
}

/* A reload: who is there already stays, but no more are computed at once than may be. */
START_TEST(its_bounds_may_change)
{
	struct ground g = ground_new(1, 100, 60000);
	struct password_line_options options = {
	    .threads = 2, .waiting_max = 100, .wait_max_ms = 60000};
	struct client c[6] = {0};

	occupy(&g, &c[0]);
	password_line_change(g.line, &options);
	ck_assert_uint_eq(password_line_memory_max(g.line), 2 * PASSWORD_MEMORY);
	ck_assert_ok(ask(&g, &c[1], who(1, 1, "u"), "a"));
	wait_until_at_it(2);
	all_answered(c, 2);
	gate.open = false;
	options.threads = 1;
	options.waiting_max = 2;
	password_line_change(g.line, &options);
	ck_assert_uint_eq(password_line_memory_max(g.line), PASSWORD_MEMORY);
	ck_assert_ok(ask(&g, &c[2], who(2, 1, "u"), "b"));
	wait_until_at_it(3);
	for (unsigned i = 3; i < 5; i++)
		ck_assert_ok(ask(&g, &c[i], who(i, 1, "u"), "c"));
	ck_assert_int_eq(ask(&g, &c[5], who(5, 1, "u"), "d"), ERR_BUSY);
	usleep(50000);
	ck_assert_uint_eq(at_it(), 3); /* two threads, of which one may work */
	all_answered(c + 2, 3);
	ground_free(&g);
}
END_TEST

#define NOBODYS "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

START_TEST(its_memory_is_what_its_threads_have)
{
	struct ground g = {.standing = standing_new()};
	const struct password_line_options options = {
	    .threads = 1, .waiting_max = 9, .wait_max_ms = 60000, .standing = g.standing};
	static const struct {
		const char *hash;
		uint64_t octets;
	} rows[] = {
	    {"$argon2id$v=19$m=1024,t=1,p=1" NOBODYS, 1024 * 1024},
	    {"$argon2id$v=19$m=4096,t=1,p=1" NOBODYS, 4096 * 1024},
	    {"", PASSWORD_MEMORY}, /* nobody's */
	    {"$argon2id$v=19$m=1024,t=1,p=1" NOBODYS, PASSWORD_MEMORY}, /* still there */
	};

	g.line = password_line_new(&options);
	ck_assert_uint_eq(password_line_memory(g.line), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client c = {0};
		struct standing_who w = who(1, 1, "ann");
		const struct credential credential = {.hash = str_of(rows[i].hash)};
		const struct password_asker asker = {
		    .key = password_line_key(g.line, &w), .wake = wake, .arg = &c};
		ck_assert_ok(password_ask(g.line, 7, &credential, STR("x"), &asker, &c.check));
		ck_assert_int_eq(answer(&c), ERR_AUTH_FAILED);
		ck_assert_uint_eq(password_line_memory(g.line), rows[i].octets);
	}
	while (password_line_memory(g.line) > 0) /* a second later */
		usleep(1000);
	ground_free(&g);
}
END_TEST

struct crowd {
	struct ground *g;
	unsigned number;
	bool failed;
};

static void *
come_and_go(void *arg)
{
	struct crowd *m = arg;

	for (unsigned i = 0; i < 300; i++) {
		struct client c = {0};
		enum err e =
		    ask(m->g, &c, who(m->number, i % 7, i % 2 ? "ann" : "eve"), i % 3 ? "R" : "x");
		if (e == ERR_BUSY)
			continue;
		if (i % 5)
			e = answer(&c);
		else
			password_drop(&c.check);
		m->failed |= e && e != ERR_AUTH_FAILED && e != ERR_BUSY;
	}
	return NULL;
}

START_TEST(many_ask_and_leave_at_once)
{
	struct ground g = ground_new(3, 4, 60000);
	struct crowd m[6];
	pthread_t t[6];

	open_gate();
	for (unsigned i = 0; i < 6; i++) {
		m[i] = (struct crowd){.g = &g, .number = i};
		ck_assert_int_eq(pthread_create(&t[i], NULL, come_and_go, &m[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		pthread_join(t[i], NULL);
		ck_assert(!m[i].failed);
	}
	ck_assert_uint_eq(password_line_waiting(g.line), 0);
	ground_free(&g);
}
END_TEST

TEST_MAIN("password_line", a_password_is_right_or_wrong_for_whoever_waits,
    who_was_right_comes_first_and_who_tries_most_last,
    one_network_does_not_fill_the_line_with_addresses, networks_take_turns,
    who_sends_no_more_waits_for_all_others, who_has_left_is_not_computed,
    of_a_full_line_the_last_is_told_so, who_would_wait_too_long_is_told_so_at_once,
    who_has_waited_too_long_is_told_so, a_new_client_overtakes_a_thousand_that_have_tried_before,
    its_bounds_may_change, its_memory_is_what_its_threads_have, many_ask_and_leave_at_once)
