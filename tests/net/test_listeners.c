/* Connections that can't be accepted: the loop does not spin, and those that wait are accepted when
 * it is over. The linker puts __wrap_accept4() in the place of accept4(). */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/listeners.h"
#include "common/net/loop.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define PAUSE_MS 200 /* of listeners.c */
#define AT_ONCE 64
#define FAILS_MS 100
#define PATIENCE_MS 2000
#define CLIENTS 3

/* What accept(2) may say. */
static const struct {
	int errnum;
	bool of_one; /* of one connection alone: the next may be had at once */
} errors[] = {
    {EMFILE, false},
    {ENFILE, false},
    {ENOBUFS, false},
    {ENOMEM, false},
    {EINVAL, false},
    {EIO, false},
    {EINTR, true},
    {EPERM, true},
    {ECONNABORTED, true},
    {EPROTO, true},
    {ENETDOWN, true},
    {ENOPROTOOPT, true},
    {EHOSTDOWN, true},
    {ENONET, true},
    {EHOSTUNREACH, true},
    {EOPNOTSUPP, true},
    {ENETUNREACH, true},
};

/* A listener for each of them. */
static struct ground {
	uint16_t port;
	struct listener_spec spec;
	char name[16];
	struct loop *loop;
	struct listeners *listeners;
	pthread_t thread;
	int errnum;
	atomic_uint times; /* it still fails so often */
	atomic_uint calls, accepted, lines;
} grounds[ARRAY_LEN(errors)];

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags);

static uint16_t
port_of(int fd)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof(sa);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	return ntohs(sa.sin_port);
}

int
__wrap_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags)
{
	uint16_t port = port_of(fd);
	struct ground *g = grounds;

	while (g->port != port)
		g++;
	atomic_fetch_add(&g->calls, 1);
	if (atomic_load(&g->times) == 0)
		return __real_accept4(fd, peer, n, flags);
	atomic_fetch_sub(&g->times, 1);
	errno = g->errnum;
	return -1;
}

static bool
always(const struct conf *c)
{
	(void)c;
	return true;
}

static void
take(void *arg, int fd, const struct sockaddr *peer, const struct listener_spec *spec)
{
	struct ground *g = arg;

	(void)peer, (void)spec;
	close(fd);
	atomic_fetch_add(&g->accepted, 1);
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
count_line(void *arg, struct str line)
{
	char word[40];

	(void)arg;
	for (struct ground *g = grounds; g < grounds + ARRAY_LEN(grounds); g++) {
		snprintf(word, sizeof(word), "accept_paused listener=%s ", g->name);
		if (memmem(line.p, line.n, word, strlen(word)))
			atomic_fetch_add(&g->lines, 1);
	}
}

/* One that nobody has. */
static uint16_t
free_port(void)
{
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return port_of(fd);
}

static void
start(struct ground *g)
{
	static const char *const addresses[] = {"127.0.0.1", NULL};
	const struct conf conf = {.listen = addresses};

	ck_assert_ok(loop_new(&g->loop));
	ck_assert_ok(listeners_open(&conf, &g->spec, 1, &g->listeners));
	ck_assert_ok(listeners_start(g->listeners, g->loop, take, g));
	ck_assert_int_eq(pthread_create(&g->thread, NULL, run_loop, g->loop), 0);
}

static void
setup(unsigned times)
{
	log_capture(count_line, NULL);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct ground *g = &grounds[i];
		*g = (struct ground){.errnum = errors[i].errnum, .times = times};
		g->port = free_port();
		snprintf(g->name, sizeof(g->name), "%s", strerrorname_np(g->errnum));
		g->spec =
		    (struct listener_spec){.name = g->name, .port = g->port, .enabled = always};
	}
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		start(&grounds[i]);
}

static void
teardown(void)
{
	for (struct ground *g = grounds; g < grounds + ARRAY_LEN(grounds); g++) {
		loop_stop(g->loop);
		pthread_join(g->thread, NULL);
		listeners_close(&g->listeners);
		loop_free(&g->loop);
	}
	log_capture(NULL, NULL);
}

static void
come(struct ground *g)
{
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons(g->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void
wait_for(struct ground *g, unsigned accepted)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(&g->accepted) < accepted) {
		ck_assert_msg(clock_mono_ms() < until, "%s: %u of %u are accepted", g->name,
		    atomic_load(&g->accepted), accepted);
		usleep(500);
	}
}

static int64_t
processor_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

START_TEST(accepting_that_fails_for_long_does_not_spin_and_goes_on_when_it_is_over)
{
	setup(UINT32_MAX);
	int64_t cpu = processor_ms(), began = clock_mono_ms();
	for (unsigned i = 0; i < CLIENTS * ARRAY_LEN(grounds); i++)
		come(&grounds[i / CLIENTS]);
	usleep(FAILS_MS * 1000);
	cpu = processor_ms() - cpu;
	ck_assert_msg(cpu < FAILS_MS / 2, "%lld ms of processor", (long long)cpu);
	for (struct ground *g = grounds; g < grounds + ARRAY_LEN(grounds); g++) {
		unsigned calls = atomic_load(&g->calls);
		unsigned most = (unsigned)((clock_mono_ms() - began) / PAUSE_MS + 1) * AT_ONCE;
		ck_assert_uint_gt(calls, 0);
		ck_assert_msg(calls <= most, "%s: accept4() was called %u times in %d ms", g->name,
		    calls, FAILS_MS);
		ck_assert_uint_eq(atomic_load(&g->accepted), 0);
		ck_assert_uint_eq(atomic_load(&g->lines), 1); /* once a minute */
		atomic_store(&g->times, 0);
	}
	for (struct ground *g = grounds; g < grounds + ARRAY_LEN(grounds); g++)
		wait_for(g, CLIENTS);
	teardown();
}
END_TEST

START_TEST(a_connection_that_is_gone_before_it_is_accepted_keeps_nobody_waiting)
{
	setup(1);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct ground *g = &grounds[i];
		if (!errors[i].of_one)
			continue;
		come(g);
		wait_for(g, 1);
		ck_assert_uint_eq(atomic_load(&g->lines), 0); /* the port did not rest */
	}
	teardown();
}
END_TEST

TEST_MAIN("listeners", accepting_that_fails_for_long_does_not_spin_and_goes_on_when_it_is_over,
    a_connection_that_is_gone_before_it_is_accepted_keeps_nobody_waiting)
