/* HTTP requests while somebody sets the machine's clock. */
#include "common/auth/http_fetch.h"
#include "common/base/clock.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define DAY_S 86400

static _Atomic time_t jumped_s;
static _Atomic bool goes_back; /* by a day whenever it is asked */

/* For OpenSSL too, which finds this one first. */
time_t
time(time_t *ret)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (goes_back)
		jumped_s -= DAY_S;
	ts.tv_sec += jumped_s;
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

struct site {
	int fd;
	time_t jump_s; /* the clock jumps by so much once a client is there */
	pthread_t thread;
};

static void *
serve(void *arg)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
	struct site *s = arg;
	char request[4096];
	CLEANUP(fd_close) int fd = accept(s->fd, NULL, NULL);

	jumped_s = s->jump_s;
	ck_assert_int_gt(read(fd, request, sizeof(request)), 0);
	for (size_t i = 0; i < sizeof(answer) - 1; i += 20) {
		size_t n = sizeof(answer) - 1 - i;
		usleep(20000); /* the client waits */
		ck_assert_int_gt(write(fd, answer + i, n < 20 ? n : 20), 0);
	}
	return NULL;
}

static int
listen_here(uint16_t *ret_port)
{
	struct sockaddr_in here = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, n), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&here, &n), 0);
	*ret_port = ntohs(here.sin_port);
	return fd;
}

START_TEST(a_clock_that_is_set_neither_ends_a_request_nor_lengthens_it)
{
	static const time_t jumps[] = {0, DAY_S, -DAY_S};

	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(4096);
		struct site s = {.jump_s = jumps[i]};
		char url[64];
		uint16_t port;

		s.fd = listen_here(&port);
		jumped_s = 0;
		pthread_create(&s.thread, NULL, serve, &s);
		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
		int64_t began_ms = clock_mono_ms();
		enum err e = http_fetch(&(struct http_request){.url = url, .event = "x"}, &body);
		ck_assert_msg(!e, "jump by %lld: %s", (long long)jumps[i], err_name(e));
		ck_assert(str_eq(sbuf_view(&body), STR("{}")));
		ck_assert_int_lt(clock_mono_ms() - began_ms, 5000);
		pthread_join(s.thread, NULL);
		fd_close(&s.fd);
	}
}
END_TEST

START_TEST(a_silent_site_is_given_up_in_time_though_the_clock_goes_back)
{
	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(4096);
	char url[64];
	uint16_t port;
	CLEANUP(fd_close) int fd = listen_here(&port);

	goes_back = true;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	int64_t began_ms = clock_mono_ms();
	enum err e =
	    http_fetch(&(struct http_request){.url = url, .event = "x", .timeout_ms = 300}, &body);
	ck_assert_int_eq(e, ERR_IO);
	int64_t took_ms = clock_mono_ms() - began_ms;
	ck_assert_int_ge(took_ms, 290);
	ck_assert_int_lt(took_ms, 5000);
}
END_TEST

TEST_MAIN("http_fetch", a_clock_that_is_set_neither_ends_a_request_nor_lengthens_it,
    a_silent_site_is_given_up_in_time_though_the_clock_goes_back)
