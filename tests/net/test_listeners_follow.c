/* Ports that are switched off and on, of our own and such as we were started with. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/listeners.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define GIVEN_FD 3 /* SD_LISTEN_FDS_START */

/* Nobody else, such as libcheck, gets the number. */
static void
keep_free(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd < GIVEN_FD);
	if (fd > GIVEN_FD)
		close(fd);
}

static bool
imap_is_on(const struct conf *c)
{
	return c->imapd.imap;
}

static struct listener_spec spec = {.name = "imap", .enabled = imap_is_on};
static const char *const addresses[] = {"127.0.0.1", NULL};
static struct conf conf = {.listen = addresses};

struct fixture {
	int owned; /* the socket that we were started with, as who opened it has it; -1 */
	struct listeners *listeners;
	struct loop *loop;
	struct loop_timer *follow;
	pthread_t thread;
	sem_t followed;
};

static void
greet(void *arg, int fd, const struct sockaddr *peer, const struct listener_spec *s)
{
	(void)arg;
	(void)peer;
	ck_assert_ptr_eq(s, &spec);
	ck_assert_int_eq(send(fd, "hi", 2, MSG_NOSIGNAL), 2);
	close(fd);
}

static void *
run_loop(void *arg)
{
	struct fixture *f = arg;

	loop_run(f->loop);
	return NULL;
}

static void
follow_now(void *arg)
{
	struct fixture *f = arg;

	listeners_follow(f->listeners, &conf);
	sem_post(&f->followed);
}

/* What who connects to the port hears. */
static const char *
heard(void)
{
	static char text[8];
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(spec.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval wait = {.tv_sec = 5};
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return "refused";
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return errno == EAGAIN ? "silent" : "reset";
	text[n] = '\0';
	return text;
}

/* A socket on a port that nobody had; under 32768, see tests/ctl. */
static int
bind_some_port(void)
{
	int fd;

	spec.port = (uint16_t)(12000 + getpid() % 16000);
	while (listener_bind("127.0.0.1", spec.port, &fd))
		spec.port++;
	return fd;
}

static void
begin(struct fixture *f, bool given, bool on, bool shut)
{
	char pid[16];

	*f = (struct fixture){.owned = bind_some_port()};
	conf.imapd.imap = on;
	if (given) {
		ck_assert_int_eq(dup2(f->owned, GIVEN_FD), GIVEN_FD);
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_FDNAMES", "imap", 1);
	} else {
		fd_close(&f->owned);
	}
	if (shut)
		ck_assert_int_eq(shutdown(f->owned, SHUT_RD), 0);
	sem_init(&f->followed, 0, 0);
	ck_assert_ok(loop_new(&f->loop));
	f->follow = loop_timer_new(f->loop, follow_now, f);
	ck_assert_ok(listeners_open(&conf, &spec, 1, &f->listeners));
	ck_assert_ok(listeners_start(f->listeners, f->loop, greet, NULL));
	ck_assert_int_eq(pthread_create(&f->thread, NULL, run_loop, f), 0);
}

static void
end(struct fixture *f)
{
	loop_stop(f->loop);
	pthread_join(f->thread, NULL);
	listeners_close(&f->listeners);
	loop_timer_free(&f->follow);
	loop_free(&f->loop);
	fd_close(&f->owned);
	sem_destroy(&f->followed);
	keep_free();
}

static double
cpu_ms(void)
{
	return (double)clock() * 1000 / CLOCKS_PER_SEC; /* of all threads */
}

/* A reload after which imap is on or off. */
static void
reload(struct fixture *f, bool on)
{
	conf.imapd.imap = on;
	loop_timer_set(f->follow, 1);
	ck_assert_int_eq(sem_wait(&f->followed), 0);
}

START_TEST(a_port_of_ours_is_closed_when_its_service_is_switched_off)
{
	struct fixture f;

	begin(&f, false, true, false);
	ck_assert_str_eq(heard(), "hi");
	reload(&f, true);
	ck_assert_str_eq(heard(), "hi");
	log_lines_begin();
	reload(&f, false);
	ck_assert_str_eq(heard(), "refused");
	reload(&f, true); /* who is shut in can't open it */
	ck_assert_str_eq(heard(), "refused");
	const char *told = log_lines_end();
	ck_assert_msg(strstr(told, "info test listener name=imap state=closed\n"), "%s", told);
	ck_assert_msg(strstr(told, "warn test listener name=imap state=closed hint="), "%s", told);
	end(&f);
}
END_TEST

START_TEST(who_connects_to_what_is_switched_off_is_hung_up_on_where_the_port_is_another_s)
{
	struct fixture f;

	begin(&f, true, true, false);
	ck_assert_str_eq(heard(), "hi");
	reload(&f, false);
	ck_assert_str_eq(heard(), "");
	reload(&f, true);
	ck_assert_str_eq(heard(), "hi");
	end(&f);
	log_lines_begin();
	begin(&f, true, false, false); /* the same from the start */
	ck_assert_str_eq(heard(), "");
	ck_assert_uint_eq(log_lines_count("inherited"), 1);
	reload(&f, true);
	ck_assert_str_eq(heard(), "hi");
	end(&f);
	log_lines_end();
}
END_TEST

/* As `pillarbox run` does: ctl/sockets.h. */
START_TEST(a_port_that_who_opened_it_shuts_is_served_again_when_it_listens_again)
{
	static const bool from_the_start[] = {false, true};

	for (size_t i = 0; i < ARRAY_LEN(from_the_start); i++) {
		struct fixture f;

		log_lines_begin();
		begin(&f, true, true, from_the_start[i]);
		if (!from_the_start[i]) {
			ck_assert_str_eq(heard(), "hi");
			ck_assert_int_eq(shutdown(f.owned, SHUT_RD), 0);
		}
		ck_assert_str_eq(heard(), "refused");
		usleep(300000); /* it looked again, in vain */
		double before = cpu_ms();
		usleep(300000);
		ck_assert_double_lt(cpu_ms() - before, 100); /* nor does it spin */
		ck_assert_ok(listener_listen(f.owned));
		int64_t listens_ms = clock_mono_ms();
		ck_assert_str_eq(heard(), "hi");
		ck_assert_int_lt(clock_mono_ms() - listens_ms, 1000);
		/* switched off meanwhile, it sleeps until it is switched on */
		ck_assert_int_eq(shutdown(f.owned, SHUT_RD), 0);
		reload(&f, false);
		ck_assert_str_eq(heard(), "refused");
		ck_assert_ok(listener_listen(f.owned));
		reload(&f, true);
		ck_assert_str_eq(heard(), "hi");
		end(&f);
		log_lines_end();
		ck_assert_uint_eq(log_lines_count("inherited"), 0);
		ck_assert_uint_eq(log_lines_count("accept_paused"), 0);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {a_port_of_ours_is_closed_when_its_service_is_switched_off,
	    who_connects_to_what_is_switched_off_is_hung_up_on_where_the_port_is_another_s,
	    a_port_that_who_opened_it_shuts_is_served_again_when_it_listens_again};

	keep_free();
	return test_run("listeners_follow", tests, sizeof(tests) / sizeof(tests[0]));
}
