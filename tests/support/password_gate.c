#include "tests/support/password_gate.h"

#include "common/base/clock.h"
#include "common/net/conn_private.h"
#include "tests/support/test.h"

#include <unistd.h>

#define DELAY_MAX_S 15 /* of a failed login */

/* verify() has no argument of the test's. */
static struct {
	pthread_mutex_t mu;
	pthread_cond_t changed;
	/* guarded by mu */
	bool open;
	unsigned begun;
	const char *right;
} gate = {.mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* In place of argon2. */
static enum err
verify(const struct credential *c, struct str password)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	gate.begun++;
	pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		pthread_cond_wait(&gate.changed, &gate.mu);
	return c && str_eq(password, str_of(gate.right)) ? ERR_OK : ERR_AUTH_FAILED;
}

static void
set_open(bool open)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	gate.open = open;
	pthread_cond_broadcast(&gate.changed);
}

void
password_gate_shut(void)
{
	set_open(false);
}

void
password_gate_open(void)
{
	set_open(true);
}

void
password_gate_wait(unsigned n)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	while (gate.begun < n)
		pthread_cond_wait(&gate.changed, &gate.mu);
}

unsigned
password_gate_computed(void)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&gate.mu);

	return gate.begun;
}

void
password_gate_new(struct service *svc, const char *right, uint32_t waiting_max)
{
	login_cache_free(&svc->logins);
	svc->standing = standing_new();
	ck_assert_ptr_nonnull(svc->standing);
	const struct password_line_options options = {
	    .threads = 1,
	    .waiting_max = waiting_max,
	    .wait_max_ms = PASSWORD_GATE_WAIT_MS,
	    .standing = svc->standing,
	    .verify = verify,
	};
	password_gate_shut();
	gate.begun = 0;
	gate.right = right;
	svc->passwords = password_line_new(&options);
	ck_assert_ptr_nonnull(svc->passwords);
}

void
password_gate_turn(struct conn *c)
{
	while (!(atomic_load(&c->events) & CONN_EV_WOKEN))
		usleep(200);
	conn_memory_run(c);
}

struct str
password_gate_held(struct conn *c, struct arena *arena)
{
	struct str got = conn_memory_output(c, arena);

	for (int i = 0; i < DELAY_MAX_S && !got.n; i++) {
		clock_advance_ms(1000);
		conn_memory_run(c);
		got = conn_memory_output(c, arena);
	}
	return got;
}
