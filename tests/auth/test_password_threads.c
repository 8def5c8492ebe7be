/* The threads that compute passwords begin when they are needed, and the system may refuse one: the
 * linker puts __wrap_pthread_create() in the place of pthread_create(). */
#include "common/auth/password_line.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define CLIENTS 6
#define PATIENCE_MS 5000

int __real_pthread_create(
    pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(
    pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

static bool refuses; /* threads */
static unsigned begun, refused;
static atomic_uint at_it, lines;
static atomic_bool open_gate;

int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	if (refuses) {
		refused++;
		return EAGAIN;
	}
	begun++;
	return __real_pthread_create(t, attr, run, arg);
}

/* In place of argon2: it takes until the gate is open. */
static enum err
verify(const struct credential *c, struct str password)
{
	(void)c;
	atomic_fetch_add(&at_it, 1);
	while (!atomic_load(&open_gate))
		usleep(200);
	return str_eq(password, STR("right")) ? ERR_OK : ERR_AUTH_FAILED;
}

struct client {
	struct password_check *check;
	atomic_uint woken;
};

static struct {
	struct standing *standing;
	struct password_line *line;
	struct client clients[CLIENTS];
	unsigned n;
} g;

static void
wake(void *arg)
{
	atomic_fetch_add(&((struct client *)arg)->woken, 1);
}

static void
count_line(void *arg, struct str line)
{
	(void)arg;
	if (memmem(line.p, line.n, "password_threads", 16))
		atomic_fetch_add(&lines, 1);
}

static void
setup(unsigned threads)
{
	g.standing = standing_new();
	g.n = 0;
	g.line = password_line_new(&(const struct password_line_options){.threads = threads,
	    .waiting_max = 100,
	    .wait_max_ms = 60000,
	    .standing = g.standing,
	    .verify = verify});
	ck_assert_ptr_nonnull(g.line);
	refuses = false;
	begun = refused = 0;
	at_it = lines = 0;
	open_gate = false;
	log_capture(count_line, NULL);
}

static void
teardown(void)
{
	password_line_free(&g.line); /* waits for as many threads as there are */
	standing_free(&g.standing);
	log_capture(NULL, NULL);
}

/* A client of a network of its own. */
static enum err
ask(void)
{
	const struct credential ann = {.hash = STR("$argon2id$of ann")};
	struct client *c = &g.clients[g.n];
	struct standing_who who = {.name = STR("ann")};

	*c = (struct client){0};
	who.address[0] = who.network[0] = 1;
	who.address[1] = who.network[1] = (unsigned char)g.n;
	const struct password_asker asker = {
	    .key = password_line_key(g.line, &who), .wake = wake, .arg = c};
	enum err e = password_ask(g.line, 7, &ann, STR("right"), &asker, &c->check);
	if (!e)
		g.n++;
	return e;
}

static void
wait_until(const atomic_uint *value, unsigned n)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(value) < n) {
		ck_assert_msg(clock_mono_ms() < until, "%u of %u", atomic_load(value), n);
		usleep(200);
	}
}

static void
all_are_right(void)
{
	enum err e;

	atomic_store(&open_gate, true);
	for (unsigned i = 0; i < g.n; i++) {
		wait_until(&g.clients[i].woken, 1);
		ck_assert(password_answer(g.clients[i].check, &e));
		ck_assert_ok(e);
		password_drop(&g.clients[i].check);
	}
}

START_TEST(without_any_thread_a_login_is_put_off_and_the_next_one_has_one)
{
	setup(2);
	refuses = true;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask(), ERR_BUSY);
	ck_assert_uint_eq(refused, 3);
	ck_assert_uint_eq(password_line_waiting(g.line), 0);
	ck_assert_uint_eq(atomic_load(&lines), 1); /* once a minute */
	refuses = false;
	ck_assert_ok(ask());
	all_are_right();
	teardown();
}
END_TEST

START_TEST(without_more_threads_passwords_wait_for_those_there_are)
{
	setup(3);
	ck_assert_ok(ask());
	wait_until(&at_it, 1);
	refuses = true;
	for (int i = 0; i < 3; i++)
		ck_assert_ok(ask());
	ck_assert_uint_eq(refused, 3);
	ck_assert_uint_eq(password_line_waiting(g.line), 3);
	ck_assert_uint_eq(atomic_load(&lines), 1);
	usleep(20000);
	ck_assert_uint_eq(atomic_load(&at_it), 1);
	all_are_right();
	ck_assert_uint_eq(begun, 1);
	teardown();
}
END_TEST

START_TEST(threads_that_were_refused_are_begun_when_there_are_some_again)
{
	setup(3);
	refuses = true;
	ck_assert_int_eq(ask(), ERR_BUSY);
	refuses = false;
	ck_assert_ok(ask());
	wait_until(&at_it, 1);
	refuses = true;
	ck_assert_ok(ask());
	refuses = false;
	ck_assert_ok(ask());
	ck_assert_ok(ask());
	wait_until(&at_it, 3);
	ck_assert_uint_eq(begun, 3);
	all_are_right();
	teardown();
}
END_TEST

START_TEST(a_reload_that_wants_more_threads_than_there_are_harms_nobody)
{
	struct password_line_options more = {
	    .threads = 4, .waiting_max = 100, .wait_max_ms = 60000};

	setup(1);
	ck_assert_ok(ask());
	wait_until(&at_it, 1);
	ck_assert_ok(ask());
	refuses = true;
	password_line_change(g.line, &more);
	ck_assert_ok(ask());
	ck_assert_uint_eq(refused, 1);
	ck_assert_uint_eq(password_line_waiting(g.line), 2);
	refuses = false;
	ck_assert_ok(ask()); /* begins one, then it is the next one's turn */
	wait_until(&at_it, 2);
	ck_assert_uint_eq(begun, 2);
	all_are_right();
	teardown();
}
END_TEST

TEST_MAIN("password_threads", without_any_thread_a_login_is_put_off_and_the_next_one_has_one,
    without_more_threads_passwords_wait_for_those_there_are,
    threads_that_were_refused_are_begun_when_there_are_some_again,
    a_reload_that_wants_more_threads_than_there_are_harms_nobody)
