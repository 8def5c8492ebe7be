#include "tests/faults/net_client.h"

#include "common/base/cleanup.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

struct order {
	uint16_t port;
	bool implicit_tls;
};

struct link {
	int fd;
	SSL *ssl;
	bool deflates;
	z_stream in, out;
	char got[512 * 1024]; /* since the last command */
	size_t n;
	struct net_answer answer;
};

/* -- octets */

static ssize_t
take_raw(struct link *l, void *p, size_t n)
{
	return l->ssl ? SSL_read(l->ssl, p, (int)n) : read(l->fd, p, n);
}

static bool
put_raw(struct link *l, const void *p, size_t n)
{
	if (l->ssl)
		return SSL_write(l->ssl, p, (int)n) == (int)n;
	return send(l->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* More of what comes. False: nothing, or not in time. */
static bool
take(struct link *l)
{
	unsigned char raw[16384];

	errno = 0;
	ssize_t n = take_raw(l, raw, sizeof(raw));
	if (n <= 0) {
		l->answer.result = errno == EAGAIN ? NET_WRONG : NET_CLOSED;
		return false;
	}
	if (!l->deflates) {
		if ((size_t)n >= sizeof(l->got) - l->n)
			return false;
		memcpy(l->got + l->n, raw, (size_t)n);
		l->n += (size_t)n;
	} else {
		l->in.next_in = raw;
		l->in.avail_in = (unsigned)n;
		l->in.next_out = (unsigned char *)l->got + l->n;
		l->in.avail_out = (unsigned)(sizeof(l->got) - 1 - l->n);
		int r = inflate(&l->in, Z_SYNC_FLUSH);
		if ((r != Z_OK && r != Z_BUF_ERROR) || l->in.avail_in) {
			l->answer.result = NET_WRONG;
			return false;
		}
		l->n = sizeof(l->got) - 1 - l->in.avail_out;
	}
	l->got[l->n] = '\0';
	return true;
}

static bool
put(struct link *l, const char *text)
{
	unsigned char raw[4096];

	if (!l->deflates)
		return put_raw(l, text, strlen(text));
	l->out.next_in = (unsigned char *)(uintptr_t)text;
	l->out.avail_in = (unsigned)strlen(text);
	l->out.next_out = raw;
	l->out.avail_out = sizeof(raw);
	deflate(&l->out, Z_SYNC_FLUSH);
	return put_raw(l, raw, sizeof(raw) - l->out.avail_out);
}

/* -- a session */

/* The line that begins with `start`, NULL while there is none. */
static const char *
find_line(const struct link *l, const char *start)
{
	const char *at = l->got;

	while (at && strncmp(at, start, strlen(start)) != 0) {
		at = strstr(at, "\r\n");
		at = at ? at + 2 : NULL;
	}
	return at && strstr(at, "\r\n") ? at : NULL;
}

/* RFC 5530 §3 */
static bool
is_for_now(const char *text)
{
	return strncmp(text, "[UNAVAILABLE]", 13) == 0 || strncmp(text, "[LIMIT]", 7) == 0 ||
	       strncmp(text, "[INUSE]", 7) == 0;
}

static void
keep_text(struct link *l, const char *said)
{
	snprintf(l->answer.text, sizeof(l->answer.text), "\"%s\": \"%.100s\"", said, l->got);
}

enum reply { REPLY_OK, REPLY_AGAIN, REPLY_NONE };

static enum reply
wait_for(struct link *l, const char *said, const char *tag)
{
	const char *line, *bye;

	for (;;) {
		bye = find_line(l, "* BYE ");
		if (bye && strcmp(said, "LOGOUT") != 0) {
			l->answer.result = is_for_now(bye + 6) ? NET_LATER : NET_WRONG;
			keep_text(l, said);
			return REPLY_NONE;
		}
		line = find_line(l, tag);
		if (line)
			break;
		if (!take(l)) {
			keep_text(l, said);
			return REPLY_NONE;
		}
	}
	keep_text(l, said);
	line += strlen(tag);
	if (strncmp(line, "OK", 2) == 0)
		return REPLY_OK;
	l->answer.result = NET_WRONG;
	if (strncmp(line, "NO ", 3) != 0 || !is_for_now(line + 3))
		return REPLY_NONE;
	l->answer.result = NET_LATER;
	return REPLY_AGAIN;
}

/* Said again after a temporary error. */
static bool
command(struct link *l, const char *text)
{
	char line[200];

	snprintf(line, sizeof(line), "t %s\r\n", text);
	for (int i = 0; i < 2; i++) {
		l->n = 0;
		l->got[0] = '\0';
		if (!put(l, line)) {
			l->answer.result = NET_CLOSED;
			keep_text(l, text);
			return false;
		}
		enum reply r = wait_for(l, text, "t ");
		if (r != REPLY_AGAIN)
			return r == REPLY_OK;
	}
	l->answer.result = NET_WRONG;
	return false;
}

static bool
begin_tls(struct link *l, SSL_CTX *ctx)
{
	l->ssl = SSL_new(ctx);
	SSL_set_fd(l->ssl, l->fd);
	errno = 0;
	if (SSL_connect(l->ssl) == 1)
		return true;
	l->answer.result = errno == EAGAIN ? NET_WRONG : NET_CLOSED;
	snprintf(l->answer.text, sizeof(l->answer.text), "handshake: errno %d", errno);
	return false;
}

static bool
begin_deflate(struct link *l)
{
	l->deflates = true;
	return inflateInit2(&l->in, -15) == Z_OK &&
	       deflateInit2(&l->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool
connect_to(struct link *l, uint16_t port)
{
	struct sockaddr_in there = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = NET_PATIENCE_S};

	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(l->fd, (struct sockaddr *)&there, sizeof(there)) == 0)
		return true;
	l->answer.result = NET_WRONG;
	snprintf(l->answer.text, sizeof(l->answer.text), "connect: errno %d", errno);
	return false;
}

static void
converse(struct link *l, SSL_CTX *ctx, const struct order *o)
{
	if (!connect_to(l, o->port) || (o->implicit_tls && !begin_tls(l, ctx)))
		return;
	if (wait_for(l, "greeting", "* ") != REPLY_OK)
		return;
	if (!o->implicit_tls && (!command(l, "STARTTLS") || !begin_tls(l, ctx)))
		return;
	if (!command(l, "LOGIN ann@example.test secret") || !command(l, "COMPRESS DEFLATE"))
		return;
	if (!begin_deflate(l) || !command(l, "SELECT INBOX") ||
	    !command(l, "FETCH 1 (BODY.PEEK[])"))
		return;
	if (!strstr(l->got, "\r\nthe end\r\n")) {
		l->answer.result = NET_WRONG;
		keep_text(l, "other octets");
		return;
	}
	command(l, "LOGOUT");
}

static void
serve(int ask, int answer)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct order o;

	signal(SIGPIPE, SIG_IGN);
	while (read(ask, &o, sizeof(o)) == (ssize_t)sizeof(o)) {
		struct link *l = calloc(1, sizeof(*l));
		l->fd = -1;
		l->answer.result = NET_DONE;
		converse(l, ctx, &o);
		if (write(answer, &l->answer, sizeof(l->answer)) < 0)
			break;
		SSL_free(l->ssl);
		ERR_clear_error();
		if (l->deflates) {
			inflateEnd(&l->in);
			deflateEnd(&l->out);
		}
		fd_close(&l->fd);
		free(l);
	}
	_exit(0);
}

/* -- from outside */

void
net_client_begin(struct net_client *c)
{
	int ask[2], answer[2];

	ck_assert_int_eq(pipe(ask), 0);
	ck_assert_int_eq(pipe(answer), 0);
	c->pid = fork();
	ck_assert_int_ge(c->pid, 0);
	if (c->pid == 0) {
		close(ask[1]);
		close(answer[0]);
		serve(ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	c->ask = ask[1];
	c->answer = answer[0];
}

void
net_client_end(struct net_client *c)
{
	close(c->ask);
	close(c->answer);
	waitpid(c->pid, NULL, 0);
}

struct net_answer
net_client_run(struct net_client *c, uint16_t port, bool implicit_tls)
{
	const struct order o = {port, implicit_tls};
	struct net_answer a;

	/* without ck_assert(), which asks for memory: that may be what fails */
	if (write(c->ask, &o, sizeof(o)) != (ssize_t)sizeof(o) ||
	    read(c->answer, &a, sizeof(a)) != (ssize_t)sizeof(a))
		a = (struct net_answer){NET_WRONG, "no client"};
	return a;
}
