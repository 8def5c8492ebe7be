/* Connections on real sockets and threads. */
#include "common/base/clock.h"
#include "common/net/hub.h"
#include "common/net/limits.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

struct fixture {
	struct loop *loop;
	struct workers *workers;
	struct workers *front;
	struct hub *hub;
	pthread_t thread;
	atomic_int sessions, closed;
};

struct talker {
	struct fixture *f;
	struct conn *c;
	atomic_int *wakes;
	size_t left;
	int rounds; /* of work that are left */
};

/* Answers each octet with itself in capitals; 'B' sends 8 MB; 'S' sleeps for 50 ms and says so;
 * 'M' begins something; 'A' works for 600 ms, a little at a time. */
static enum conn_turn
turn(void *session, struct conn *c, unsigned events)
{
	struct talker *t = session;

	if (events & CONN_EV_OPEN)
		conn_puts(c, "!");
	if (events & CONN_EV_WOKEN && t->wakes)
		atomic_fetch_add(t->wakes, 1);
	if (events & CONN_EV_TIMEOUT)
		conn_puts(c, "T");
	if (events & CONN_EV_STOP) {
		conn_puts(c, "bye");
		return CONN_CLOSE;
	}
	if (t->rounds) {
		usleep(10000);
		if (--t->rounds)
			return CONN_AGAIN;
		conn_puts(c, "A");
	}
	for (struct str in; (in = conn_input(c)).n;) {
		char ch = in.p[0];
		conn_consume(c, 1);
		if (ch == 'H')
			usleep(300000); /* a password being hashed */
		if (ch == 'L') {
			conn_leave_front(c);
			conn_write(c, "L", 1);
			return conn_leaves_front(c) ? CONN_AGAIN : CONN_READ;
		}
		conn_set_in_the_middle(c, ch == 'M');
		if (ch == 'A') {
			t->rounds = 60;
			return CONN_AGAIN;
		}
		if (ch == 'S') {
			conn_set_deadline(c, 50);
			return CONN_SLEEP;
		}
		if (ch == 'B')
			t->left = 8 << 20;
		else
			conn_write(c, (char[]){ascii_upper(ch)}, 1);
	}
	while (t->left && !conn_out_full(c)) {
		static const char block[1024];
		conn_write(c, block, sizeof(block));
		t->left -= sizeof(block);
	}
	return t->left ? CONN_DRAIN : CONN_READ;
}

static void
done(void *session)
{
	struct talker *t = session;

	atomic_fetch_sub(&t->f->sessions, 1);
	free(t);
}

static const struct session_ops ops = {.turn = turn, .done = done};

static void
closed(void *arg, struct conn *c)
{
	struct fixture *f = arg;

	(void)c;
	atomic_fetch_add(&f->closed, 1);
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	ck_assert_ok(loop_new(&f->loop));
	ck_assert_ok(workers_start(4, &f->workers));
	ck_assert_ok(workers_start(1, &f->front));
	ck_assert_ok(hub_new(f->workers, f->loop, closed, f, &f->hub));
	hub_set_front(f->hub, f->front);
	pthread_create(&f->thread, NULL, run_loop, f->loop);
}

static void
teardown(struct fixture *f)
{
	hub_kill(f->hub);
	while (hub_count(f->hub))
		usleep(1000);
	loop_stop(f->loop); /* first, as in server.c: its timers reach for the workers */
	pthread_join(f->thread, NULL);
	workers_stop(&f->front);
	workers_stop(&f->workers);
	hub_free(&f->hub);
	loop_free(&f->loop);
	ck_assert_int_eq(atomic_load(&f->sessions), 0);
}

/* A connected client descriptor. */
static int
client_at(struct fixture *f, bool front, atomic_int *wakes, struct conn **ret)
{
	int fds[2];
	struct sockaddr sa = {.sa_family = AF_UNIX};
	struct talker *t = calloc(1, sizeof(*t));

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct conn *c = hub_add(f->hub, fds[0], &sa, NULL, 0);
	t->f = f;
	t->wakes = wakes;
	atomic_fetch_add(&f->sessions, 1);
	if (ret)
		*ret = conn_ref(c);
	if (front)
		hub_put_in_front(c);
	hub_start(c, &ops, t, false, 0);
	return fds[1];
}

static int
client(struct fixture *f, atomic_int *wakes, struct conn **ret)
{
	return client_at(f, false, wakes, ret);
}

/* Reads until `n` octets came or two seconds passed. */
static size_t
receive(int fd, char *to, size_t n)
{
	size_t got = 0;

	while (got < n) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 2000) <= 0)
			break;
		ssize_t r = read(fd, to + got, n - got);
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

START_TEST(commands_are_answered_and_a_stop_says_goodbye)
{
	struct fixture f;
	char buf[64];

	setup(&f);
	int fd = client(&f, NULL, NULL);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	ck_assert_uint_eq(receive(fd, buf, 3), 3);
	ck_assert_int_eq(memcmp(buf, "ABC", 3), 0);
	hub_stop(f.hub);
	ck_assert_uint_eq(receive(fd, buf, 10), 3);
	ck_assert_int_eq(memcmp(buf, "bye", 3), 0);
	close(fd);
	teardown(&f);
	ck_assert_int_eq(atomic_load(&f.closed), 1);
}
END_TEST

START_TEST(a_deadline_wakes_a_sleeping_connection_and_hang_up_ends_it)
{
	struct fixture f;
	char buf[8];

	setup(&f);
	int fd = client(&f, NULL, NULL);
	receive(fd, buf, 1);
	ck_assert_int_eq(write(fd, "S", 1), 1);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	ck_assert_int_eq(buf[0], 'T');
	ck_assert_int_eq(write(fd, "S", 1), 1);
	usleep(5000);
	close(fd);
	for (int i = 0; i < 1000 && hub_count(f.hub); i++)
		usleep(1000);
	ck_assert_uint_eq(hub_count(f.hub), 0);
	teardown(&f);
}
END_TEST

START_TEST(clients_that_never_read_hold_no_worker)
{
	struct fixture f;
	int slow[40];
	char buf[8];

	setup(&f); /* four workers */
	for (size_t i = 0; i < 40; i++) {
		slow[i] = client(&f, NULL, NULL);
		ck_assert_int_eq(write(slow[i], "B", 1), 1);
	}
	int fd = client(&f, NULL, NULL);
	receive(fd, buf, 1);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(write(fd, "q", 1), 1);
		ck_assert_uint_eq(receive(fd, buf, 1), 1);
	}
	close(fd);
	for (size_t i = 0; i < 40; i++)
		close(slow[i]);
	teardown(&f);
	ck_assert_int_eq(atomic_load(&f.closed), 41);
}
END_TEST

START_TEST(clients_that_never_read_hold_little_together)
{
	enum { PEERS = 240 };
	struct fixture f;
	int slow[PEERS];
	static char buf[65536];

	setup(&f);
	for (size_t i = 0; i < PEERS; i++) {
		slow[i] = client(&f, NULL, NULL);
		ck_assert_int_eq(write(slow[i], "B", 1), 1);
	}
	for (size_t before = 0; hub_held(f.hub) != before || !before; usleep(100000))
		before = hub_held(f.hub);
	ck_assert_uint_gt(hub_held(f.hub), HUB_HELD_MAX);
	/* and what four workers wrote before they could know */
	ck_assert_uint_le(
	    hub_held(f.hub), HUB_HELD_MAX + PEERS * (CONN_OUT_SHORT + 1024) + 4L * CONN_OUT_HIGH);
	/* Who does read gets all of it, however little at once. */
	size_t got = 0;
	for (size_t i = 0; i < 2; i++) {
		int fd = slow[i ? PEERS - 1 : 0];
		for (struct pollfd p = {.fd = fd, .events = POLLIN};
		     got < (i + 1) * ((8UL << 20) + 1) && poll(&p, 1, 5000) == 1;) {
			ssize_t n = read(fd, buf, sizeof(buf));
			ck_assert_int_gt(n, 0);
			got += (size_t)n;
		}
		ck_assert_uint_eq(got, (i + 1) * ((8UL << 20) + 1));
	}
	for (size_t i = 0; i < PEERS; i++)
		close(slow[i]);
	for (int i = 0; i < 2000 && hub_held(f.hub); i++)
		usleep(1000);
	ck_assert_uint_eq(hub_held(f.hub), 0);
	teardown(&f);
}
END_TEST

START_TEST(who_has_logged_in_does_not_wait_for_those_who_try)
{
	struct fixture f;
	int strangers[8];
	char buf[8];

	setup(&f); /* four workers, one in front */
	int fd = client_at(&f, true, NULL, NULL);
	ck_assert_int_eq(write(fd, "L", 1), 1);
	ck_assert_uint_eq(receive(fd, buf, 2), 2);
	for (size_t i = 0; i < 8; i++) {
		strangers[i] = client_at(&f, true, NULL, NULL);
		ck_assert_int_eq(write(strangers[i], "H", 1), 1);
	}
	int64_t begin = clock_mono_ms();
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(write(fd, "q", 1), 1);
		ck_assert_uint_eq(receive(fd, buf, 1), 1);
	}
	ck_assert_int_lt(clock_mono_ms() - begin, 1000); /* all of the others take 2.4 s */
	for (size_t i = 0; i < 8; i++)
		close(strangers[i]);
	close(fd);
	teardown(&f);
}
END_TEST

START_TEST(who_logs_in_and_asks_for_much_keeps_no_stranger_waiting)
{
	struct fixture f;
	char buf[8];

	setup(&f); /* one worker in front */
	int fd = client_at(&f, true, NULL, NULL);
	int stranger = client_at(&f, true, NULL, NULL);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	ck_assert_uint_eq(receive(stranger, buf, 1), 1);
	ck_assert_int_eq(write(fd, "LHHHHH", 6), 6);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	int64_t begin = clock_mono_ms();
	ck_assert_int_eq(write(stranger, "q", 1), 1);
	ck_assert_uint_eq(receive(stranger, buf, 1), 1);
	ck_assert_int_lt(clock_mono_ms() - begin, 1000); /* the other's take 1.5 s */
	ck_assert_uint_eq(receive(fd, buf, 5), 5);
	close(stranger);
	close(fd);
	teardown(&f);
}
END_TEST

static void *
wake_often(void *arg)
{
	struct conn *c = arg;

	for (int i = 0; i < 20000; i++)
		conn_wake(c);
	conn_unref(&c);
	return NULL;
}

START_TEST(wakes_from_many_threads_never_give_a_connection_to_two)
{
	struct fixture f;
	atomic_int wakes = 0;
	struct conn *c;
	pthread_t threads[4];
	char buf[8];

	setup(&f);
	int fd = client(&f, &wakes, &c);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, wake_often, conn_ref(c));
	receive(fd, buf, 1);
	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(write(fd, "z", 1), 1);
		ck_assert_uint_eq(receive(fd, buf, 1), 1);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	int before = atomic_load(&wakes);
	ck_assert_int_gt(before, 0);
	conn_wake(c);
	for (int i = 0; i < 1000 && atomic_load(&wakes) == before; i++)
		usleep(1000);
	ck_assert_int_gt(atomic_load(&wakes), before);
	close(fd);
	for (int i = 0; i < 1000 && hub_count(f.hub); i++)
		usleep(1000);
	conn_wake(c); /* over: nothing happens */
	conn_unref(&c);
	teardown(&f);
}
END_TEST

/* Commands, each sent as soon as the one before is answered (prompt.h). */
static void
talk_promptly(int fd, int commands)
{
	char buf[8];

	for (int i = 0; i < commands; i++) {
		ck_assert_int_eq(write(fd, "p", 1), 1);
		ck_assert_uint_eq(receive(fd, buf, 1), 1);
		ck_assert_int_eq(buf[0], 'P');
	}
}

static int64_t
process_cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

START_TEST(a_prompt_peer_that_falls_silent_takes_no_processor)
{
	struct fixture f;
	char buf[8];

	setup(&f);
	int fd = client(&f, NULL, NULL);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	talk_promptly(fd, 3000);
	int64_t before = process_cpu_ms();
	usleep(300000);
	ck_assert_int_lt(process_cpu_ms() - before, 100);
	talk_promptly(fd, 100);
	close(fd);
	for (int i = 0; i < 1000 && hub_count(f.hub); i++)
		usleep(1000);
	ck_assert_uint_eq(hub_count(f.hub), 0);
	teardown(&f);
}
END_TEST

struct chatter {
	pthread_t thread;
	int fd;
	atomic_bool enough;
};

static void *
chat(void *arg)
{
	struct chatter *chatter = arg;

	while (!atomic_load(&chatter->enough))
		talk_promptly(chatter->fd, 100);
	return NULL;
}

START_TEST(a_prompt_peer_keeps_nobody_waiting_nor_its_own_wakes_deadline_and_stop)
{
	struct fixture f;
	struct chatter chatter = {.fd = -1};
	atomic_int wakes = 0;
	struct conn *c;
	char buf[8];

	setup(&f);
	chatter.fd = client(&f, &wakes, &c);
	ck_assert_uint_eq(receive(chatter.fd, buf, 1), 1);
	pthread_create(&chatter.thread, NULL, chat, &chatter);
	for (int i = 0; i < 50; i++) {
		int fd = client(&f, NULL, NULL);
		ck_assert_uint_eq(receive(fd, buf, 1), 1);
		talk_promptly(fd, 20);
		close(fd);
		int before = atomic_load(&wakes);
		conn_wake(c);
		for (int ms = 0; ms < 1000 && atomic_load(&wakes) == before; ms++)
			usleep(1000);
		ck_assert_int_gt(atomic_load(&wakes), before);
	}
	atomic_store(&chatter.enough, true);
	pthread_join(chatter.thread, NULL);
	ck_assert_int_eq(write(chatter.fd, "S", 1), 1);
	ck_assert_uint_eq(receive(chatter.fd, buf, 1), 1);
	ck_assert_int_eq(buf[0], 'T');
	talk_promptly(chatter.fd, 100);
	hub_stop(f.hub);
	ck_assert_uint_eq(receive(chatter.fd, buf, 3), 3);
	ck_assert_int_eq(memcmp(buf, "bye", 3), 0);
	close(chatter.fd);
	conn_unref(&c);
	teardown(&f);
}
END_TEST

START_TEST(ends_that_came_to_nothing_are_told_so_often_in_a_minute)
{
	struct fixture f;
	struct conn *c;
	uint64_t withheld = 99;
	unsigned told = 0;

	setup(&f);
	clock_freeze(1700000000);
	int fd = client(&f, NULL, &c);
	for (int i = 0; i < 4000; i++)
		told += conn_tells_end(c, &withheld);
	ck_assert_uint_eq(told, 600);
	clock_advance_ms(60000);
	ck_assert(conn_tells_end(c, &withheld));
	ck_assert_uint_eq(withheld, 3400);
	ck_assert(conn_tells_end(NULL, &withheld));
	ck_assert_uint_eq(withheld, 0);
	conn_unref(&c);
	clock_thaw();
	close(fd);
	teardown(&f);
}
END_TEST

START_TEST(connections_come_and_go_on_reused_structs)
{
	struct fixture f;
	char buf[8];

	setup(&f);
	for (int i = 0; i < 2000; i++) {
		int fd = client(&f, NULL, NULL);
		ck_assert_int_eq(write(fd, "k", 1), 1);
		if (i % 3)
			ck_assert_uint_eq(receive(fd, buf, 2), 2);
		close(fd);
	}
	for (int i = 0; i < 3000 && hub_count(f.hub); i++)
		usleep(1000);
	teardown(&f);
	ck_assert_int_eq(atomic_load(&f.closed), 2000);
}
END_TEST

START_TEST(a_loop_stopped_before_it_runs_ends_at_once)
{
	CLEANUP(loop_free) struct loop *l = NULL;

	ck_assert_ok(loop_new(&l));
	loop_stop(l);
	loop_run(l);
}
END_TEST

static enum fullness
fullness(void *arg)
{
	return (enum fullness)atomic_load((atomic_int *)arg);
}

START_TEST(the_fuller_memory_is_the_less_may_be_left_unread)
{
	enum { PEERS = 20, BIG = 8 << 20 };
	static const size_t each[] = {
	    [MEMORY_FULL] = CONN_OUT_SHORT, [MEMORY_BRIMFUL] = CONN_OUT_LEAST};
	static char buf[65536];

	for (int is = MEMORY_FULL; is <= MEMORY_BRIMFUL; is++) {
		struct fixture f;
		atomic_int full = is;
		int slow[PEERS];
		size_t got = 0;
		setup(&f);
		hub_set_memory(f.hub, fullness, &full);
		for (size_t i = 0; i < PEERS; i++) {
			slow[i] = client(&f, NULL, NULL);
			ck_assert_int_eq(write(slow[i], "B", 1), 1);
		}
		for (size_t before = 0; hub_held(f.hub) != before || !before; usleep(100000))
			before = hub_held(f.hub);
		ck_assert_uint_le(hub_held(f.hub), PEERS * (each[is] + 1024));
		atomic_store(&full, MEMORY_THERE);
		for (struct pollfd p = {.fd = slow[0], .events = POLLIN};
		     got < BIG + 1 && poll(&p, 1, 5000) == 1;) {
			ssize_t n = read(slow[0], buf, sizeof(buf));
			ck_assert_int_gt(n, 0);
			got += (size_t)n;
		}
		ck_assert_uint_eq(got, BIG + 1);
		for (size_t i = 0; i < PEERS; i++)
			close(slow[i]);
		teardown(&f);
	}
}
END_TEST

/* The daemon has said its last. */
static bool
is_over(int fd, int within_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, within_ms) == 1 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* Half of a command, output that is not read: in whatever the peer does not go on. */
START_TEST(who_keeps_the_daemon_waiting_longest_is_ended_first)
{
	static const struct {
		const char *first, *second;
	} rows[] = {{"M", "M"}, {"B", "M"}, {"M", "B"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		char buf[8];
		setup(&f);
		int idle = client(&f, NULL, NULL);
		int first = client(&f, NULL, NULL);
		int second = client(&f, NULL, NULL);
		ck_assert_int_eq(write(idle, "Mq", 2), 2); /* and ends it */
		ck_assert_uint_eq(receive(idle, buf, 3), 3);
		ck_assert_int_eq(write(first, rows[i].first, 1), 1);
		usleep(400000);
		ck_assert_int_eq(write(second, rows[i].second, 1), 1);
		usleep(50000);
		hub_shed(f.hub, 60000);
		ck_assert(!is_over(first, 50));
		hub_shed(f.hub, 0);
		ck_assert(is_over(first, 5000));
		ck_assert(!is_over(second, 50));
		hub_shed(f.hub, 0);
		ck_assert(is_over(second, 5000));
		hub_shed(f.hub, 0);
		ck_assert_int_eq(write(idle, "q", 1), 1);
		ck_assert_uint_eq(receive(idle, buf, 1), 1);
		close(idle);
		close(first);
		close(second);
		teardown(&f);
	}
}
END_TEST

/* It went on, and now the daemon has something to do for it. */
START_TEST(who_waits_for_the_daemon_is_not_ended)
{
	struct fixture f;
	char buf[8];

	setup(&f);
	int fd = client(&f, NULL, NULL);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	ck_assert_int_eq(write(fd, "M", 1), 1);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	usleep(50000);
	ck_assert_int_eq(write(fd, "A", 1), 1);
	usleep(300000);
	hub_shed(f.hub, 100);
	ck_assert_uint_eq(receive(fd, buf, 1), 1);
	ck_assert_int_eq(buf[0], 'A');
	close(fd);
	teardown(&f);
}
END_TEST

TEST_MAIN("hub", who_waits_for_the_daemon_is_not_ended,
    who_keeps_the_daemon_waiting_longest_is_ended_first,
    the_fuller_memory_is_the_less_may_be_left_unread,
    ends_that_came_to_nothing_are_told_so_often_in_a_minute,
    a_loop_stopped_before_it_runs_ends_at_once, commands_are_answered_and_a_stop_says_goodbye,
    a_deadline_wakes_a_sleeping_connection_and_hang_up_ends_it,
    clients_that_never_read_hold_no_worker, clients_that_never_read_hold_little_together,
    who_has_logged_in_does_not_wait_for_those_who_try,
    who_logs_in_and_asks_for_much_keeps_no_stranger_waiting,
    wakes_from_many_threads_never_give_a_connection_to_two,
    a_prompt_peer_that_falls_silent_takes_no_processor,
    a_prompt_peer_keeps_nobody_waiting_nor_its_own_wakes_deadline_and_stop,
    connections_come_and_go_on_reused_structs)
