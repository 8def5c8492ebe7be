#include "tests/bench/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_SIZE = 4 << 20, OUT_MAX = 256 << 20, PATIENCE_MS = 120000 };

void
load_fail(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

double
load_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double
load_cpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

size_t
load_number(const char *option, const char *value)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(value, &end, 10);
	if (errno != 0 || end == value || *end != 0)
		load_fail("--%s %s: expected a number", option, value);
	return n;
}

void
load_expand(struct sbuf *b, const char *template, size_t n)
{
	for (const char *p = template; *p != 0; p++) {
		if (p[0] == '%' && p[1] == 'd') {
			sbuf_u64(b, n);
			p++;
		} else {
			sbuf_putc(b, *p);
		}
	}
}

static int
compare_ms(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

void
load_print(struct load_report *r)
{
	if (r->took_count > 0)
		qsort(r->took_ms, r->took_count, sizeof *r->took_ms, compare_ms);
	double median = r->took_count > 0 ? r->took_ms[r->took_count / 2] : 0;
	double p99 = r->took_count > 0 ? r->took_ms[r->took_count * 99 / 100] : 0;
	printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"commands\": %" PRIu64 ", \"octets\": %" PRIu64
	       ", \"rows\": %" PRIu64 ", \"median_ms\": %.4f, \"p99_ms\": %.4f}\n",
	    r->seconds, load_cpu(), r->commands, r->octets, r->rows, median, p99);
}

void
wire_open(struct wire *w, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		load_fail("%s port %s: %s", host, port, gai_strerror(rc));
	*w = (struct wire){.fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	sbuf_init(&w->out, OUT_MAX);
	w->in = malloc(IN_SIZE);
	if (w->fd < 0 || w->in == NULL || connect(w->fd, found->ai_addr, found->ai_addrlen) != 0)
		load_fail("%s port %s: %s", host, port, strerror(errno));
	freeaddrinfo(found);
	int on = 1;
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	fcntl(w->fd, F_SETFL, fcntl(w->fd, F_GETFL) | O_NONBLOCK);
}

void
wire_close(struct wire *w)
{
	close(w->fd);
	free(w->in);
	sbuf_done(&w->out);
	*w = (struct wire){.fd = -1};
}

void
wire_push(struct wire *w)
{
	if (sbuf_error(&w->out) != ERR_OK)
		load_fail("too much output waits");
	size_t at = 0;
	while (at < w->out.n) {
		ssize_t n = send(w->fd, w->out.p + at, w->out.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			load_fail("send: %s", strerror(errno));
		if (n > 0)
			at += (size_t)n;
	}
	sbuf_drop(&w->out, at);
}

/* More input behind what is there; sends meanwhile. */
static void
fill(struct wire *w)
{
	if (w->in_at == w->in_end)
		w->in_at = w->in_end = 0;
	if (w->in_end == IN_SIZE) {
		if (w->in_at == 0)
			load_fail("a line of more than %d octets", IN_SIZE);
		memmove(w->in, w->in + w->in_at, w->in_end - w->in_at);
		w->in_end -= w->in_at;
		w->in_at = 0;
	}
	for (;;) {
		wire_push(w);
		ssize_t n = recv(w->fd, w->in + w->in_end, IN_SIZE - w->in_end, 0);
		if (n > 0) {
			w->in_end += (size_t)n;
			w->octets_in += (uint64_t)n;
			return;
		}
		if (n == 0)
			load_fail("the server closed the connection");
		if (errno != EAGAIN && errno != EINTR)
			load_fail("recv: %s", strerror(errno));
		short events = (short)(w->out.n > 0 ? POLLIN | POLLOUT : POLLIN);
		if (poll(&(struct pollfd){.fd = w->fd, .events = events}, 1, PATIENCE_MS) == 0)
			load_fail("no answer for %d s", PATIENCE_MS / 1000);
	}
}

struct str
wire_line(struct wire *w)
{
	size_t seen = 0;
	for (;;) {
		const char *start = w->in + w->in_at;
		size_t have = w->in_end - w->in_at;
		const char *lf = memchr(start + seen, '\n', have - seen);
		if (lf != NULL) {
			size_t n = (size_t)(lf - start);
			w->in_at += n + 1;
			return (struct str){start, n > 0 && start[n - 1] == '\r' ? n - 1 : n};
		}
		seen = have;
		fill(w);
	}
}

void
wire_skip(struct wire *w, uint64_t n)
{
	for (;;) {
		size_t have = w->in_end - w->in_at;
		if (n <= have) {
			w->in_at += n;
			return;
		}
		n -= have;
		w->in_at = w->in_end;
		fill(w);
	}
}
