#include "tests/bench/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Input begins small, since there may be 10,000 wires, and grows with what comes at once. */
enum { IN_FIRST = 8 << 10, IN_MAX = 4 << 20, OUT_MAX = 256 << 20, PATIENCE_MS = 120000 };

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
	       ", \"rows\": %" PRIu64 ", \"exists\": %" PRIu64
	       ", \"median_ms\": %.4f, \"p99_ms\": %.4f, \"cipher\": \"%s\"}\n",
	    r->seconds, load_cpu() - r->cpu_before, r->commands, r->octets, r->rows, r->exists,
	    median, p99, r->cipher != NULL ? r->cipher : "");
	fflush(stdout);
}

SSL_CTX *
wire_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	if (tls == NULL)
		load_fail("no TLS");
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_default_read_buffer_len(tls, 64 << 10);
	return tls;
}

void
wire_open(struct wire *w, const char *host, const char *port, SSL_CTX *tls)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		load_fail("%s port %s: %s", host, port, gai_strerror(rc));
	*w = (struct wire){.fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	sbuf_init(&w->out, OUT_MAX);
	w->in_size = IN_FIRST;
	w->in = malloc(w->in_size);
	if (w->fd < 0 || w->in == NULL || connect(w->fd, found->ai_addr, found->ai_addrlen) != 0)
		load_fail("%s port %s: %s", host, port, strerror(errno));
	freeaddrinfo(found);
	int on = 1;
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (tls != NULL) {
		w->ssl = SSL_new(tls);
		if (w->ssl == NULL || SSL_set_fd(w->ssl, w->fd) != 1 || SSL_connect(w->ssl) != 1)
			load_fail("TLS handshake on port %s failed", port);
	}
	fcntl(w->fd, F_SETFL, fcntl(w->fd, F_GETFL) | O_NONBLOCK);
}

void
wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	close(w->fd);
	free(w->in);
	sbuf_done(&w->out);
	*w = (struct wire){.fd = -1};
}

/* As send() and recv(): octets moved, or -1 with EAGAIN. */
static ssize_t
tls_result(struct wire *w, int n)
{
	if (n > 0)
		return n;
	int why = SSL_get_error(w->ssl, n);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	if (why != SSL_ERROR_ZERO_RETURN)
		load_fail("TLS: %s", ERR_reason_error_string(ERR_get_error()));
	return 0;
}

static ssize_t
send_some(struct wire *w, const char *p, size_t n)
{
	if (w->ssl == NULL)
		return send(w->fd, p, n, MSG_NOSIGNAL);
	return tls_result(w, SSL_write(w->ssl, p, (int)(n < INT_MAX ? n : INT_MAX)));
}

void
wire_push(struct wire *w)
{
	if (sbuf_error(&w->out) != ERR_OK)
		load_fail("too much output waits");
	size_t at = 0;
	while (at < w->out.n) {
		ssize_t n = send_some(w, w->out.p + at, w->out.n - at);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			load_fail("send: %s", strerror(errno));
		if (n > 0)
			at += (size_t)n;
	}
	sbuf_drop(&w->out, at);
}

/* Fills the free part of `in`. All that TLS holds is taken, so that poll() tells the truth. */
static ssize_t
receive_some(struct wire *w)
{
	char *to = w->in + w->in_end;
	size_t room = w->in_size - w->in_end;
	if (w->ssl == NULL)
		return recv(w->fd, to, room, 0);
	size_t have = 0;
	do {
		ssize_t n = tls_result(w, SSL_read(w->ssl, to + have, (int)(room - have)));
		if (n <= 0)
			return have > 0 ? (ssize_t)have : n;
		have += (size_t)n;
	} while (have < room);
	return (ssize_t)have;
}

/* Space behind what is there; more of it once a read has filled all. */
static void
make_room(struct wire *w)
{
	if (w->in_at > 0) {
		memmove(w->in, w->in + w->in_at, w->in_end - w->in_at);
		w->in_end -= w->in_at;
		w->in_at = 0;
	}
	if (!w->filled && w->in_end < w->in_size)
		return;
	if (w->in_size < IN_MAX) {
		char *larger = realloc(w->in, 2 * w->in_size);
		if (larger == NULL)
			load_fail("no memory");
		w->in = larger;
		w->in_size *= 2;
	} else if (w->in_end == w->in_size) {
		load_fail("a line of more than %d octets", IN_MAX);
	}
}

/* More input behind what is there; sends meanwhile. */
static void
fill(struct wire *w)
{
	make_room(w);
	for (;;) {
		wire_push(w);
		ssize_t n = receive_some(w);
		if (n > 0) {
			w->in_end += (size_t)n;
			w->filled = w->in_end == w->in_size;
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

bool
wire_has_line(const struct wire *w)
{
	return memchr(w->in + w->in_at, '\n', w->in_end - w->in_at) != NULL;
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
