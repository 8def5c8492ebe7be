/* tests/interop/idlers - many IMAP clients at rest.
 *
 *   idlers --port N [--smtp-port N] [--no-tls] [--no-idle] [--connections N] [--users N]
 *          --user NAME --password WORD
 *
 * Each logs in (%d in NAME becomes 1 to --users), selects INBOX and idles (RFC 2177), or rests
 * after SELECT with --no-idle. Each comes from a loopback address of its own, as if they were
 * strangers to each other. Prints "ready SECONDS". Then, for each line on standard input:
 *   push   delivers a message to NAME by SMTP (port --smtp-port) and prints "pushed LAST_MS ALL",
 *          the time from 250 until the last client was told EXISTS, and how many were
 *   noop   every client leaves IDLE, if it idles, does NOOP and goes back; prints "noop SECONDS"
 * The end of standard input ends it. What fails ends it with a text and status 1.
 */
#include "common/base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define THREADS 4
#define LINE 2048
#define PATIENCE_MS 60000

struct client {
	int fd;
	SSL *ssl;
	bool told;
	size_t n;
	char in[LINE];
};

struct options {
	uint16_t port, smtp_port;
	bool tls, idle;
	size_t connections, users;
	const char *user, *password;
};

struct load {
	const struct options *o;
	SSL_CTX *tls;
	struct client *client;
	atomic_size_t next;
	int epfd;
};

static _Noreturn void PRINTF_LIKE(1, 2) fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("idlers: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	_exit(1);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
open_socket(uint16_t port, size_t number)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)(number / 250 * 256 + number % 250))};
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connection %zu: %s", number, strerror(errno));
	return fd;
}

static void
put(struct client *c, const char *text)
{
	size_t n = strlen(text);
	ssize_t sent =
	    c->ssl ? SSL_write(c->ssl, text, (int)n) : send(c->fd, text, n, MSG_NOSIGNAL);

	if (sent != (ssize_t)n)
		fail("cannot send: %s", strerror(errno));
}

/* One line of at most LINE octets, waited for. What is longer is cut into several. */
static void
get_line(struct client *c, char *line)
{
	for (;;) {
		char *end = memchr(c->in, '\n', c->n);
		if (end || c->n == LINE) {
			size_t n = end ? (size_t)(end - c->in) + 1 : LINE;
			memcpy(line, c->in, n);
			line[end ? n - 1 : LINE - 1] = '\0';
			c->n -= n;
			memmove(c->in, c->in + n, c->n);
			return;
		}
		char *to = c->in + c->n;
		size_t room = LINE - c->n;
		ssize_t got = c->ssl ? SSL_read(c->ssl, to, (int)room) : recv(c->fd, to, room, 0);
		if (got <= 0)
			fail("connection closed by the server");
		c->n += (size_t)got;
	}
}

static void
expect(struct client *c, const char *begin)
{
	char line[LINE];

	do {
		get_line(c, line);
		if (strncmp(line, "* BYE", 5) == 0)
			fail("refused: %s", line);
	} while (line[0] == '*' && begin[0] != '*');
	if (strncmp(line, begin, strlen(begin)) != 0)
		fail("expected %s, got: %s", begin, line);
}

static void
begin_idle(struct client *c)
{
	put(c, "i IDLE\r\n");
	expect(c, "+ ");
}

static void
open_client(struct load *l, struct client *c, size_t number)
{
	const struct options *o = l->o;
	char text[LINE], name[LINE];

	c->fd = open_socket(o->port, number);
	if (o->tls) {
		c->ssl = SSL_new(l->tls);
		if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1)
			fail("TLS handshake %zu failed", number);
	}
	expect(c, "* OK");
	const char *mark = strstr(o->user, "%d");
	if (mark)
		snprintf(name, sizeof(name), "%.*s%zu%s", (int)(mark - o->user), o->user,
		    number % o->users + 1, mark + 2);
	else
		snprintf(name, sizeof(name), "%s", o->user);
	snprintf(text, sizeof(text), "a LOGIN %.200s %.200s\r\n", name, o->password);
	put(c, text);
	expect(c, "a OK");
	put(c, "b SELECT INBOX\r\n");
	expect(c, "b OK");
	if (o->idle)
		begin_idle(c);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		fail("epoll: %s", strerror(errno));
}

static void *
open_clients(void *arg)
{
	struct load *l = arg;
	size_t number;

	while ((number = atomic_fetch_add(&l->next, 1)) < l->o->connections)
		open_client(l, &l->client[number], number);
	return NULL;
}

/* -- push */

static void
smtp_reply(struct client *c, const char *code)
{
	char line[LINE];

	do
		get_line(c, line);
	while (line[3] == '-');
	if (strncmp(line, code, 3) != 0)
		fail("SMTP: expected %s, got: %s", code, line);
}

static void
deliver(const struct options *o)
{
	struct client c = {.fd = open_socket(o->smtp_port, 60000)};
	char text[LINE];

	smtp_reply(&c, "220");
	put(&c, "EHLO idlers.test\r\n");
	smtp_reply(&c, "250");
	put(&c, "MAIL FROM:<a@remote.test>\r\n");
	smtp_reply(&c, "250");
	snprintf(text, sizeof(text), "RCPT TO:<%.200s>\r\n", o->user);
	put(&c, text);
	smtp_reply(&c, "250");
	put(&c, "DATA\r\n");
	smtp_reply(&c, "354");
	put(&c, "Subject: push\r\n\r\nx\r\n.\r\n");
	smtp_reply(&c, "250");
	close(c.fd);
}

/* Reads what has come; true: EXISTS was among it for the first time since the last push. */
static bool
take_news(struct client *c)
{
	char line[LINE];
	bool first = false;

	do {
		get_line(c, line);
		if (strstr(line, " EXISTS")) {
			first = !c->told;
			c->told = true;
		}
	} while (memchr(c->in, '\n', c->n) || (c->ssl && SSL_pending(c->ssl)));
	return first;
}

static void
push(struct load *l)
{
	size_t left = l->o->connections;

	for (size_t i = 0; i < left; i++)
		l->client[i].told = false;
	deliver(l->o);
	double begun = now_s();
	while (left) {
		struct epoll_event ev[256];
		int n = epoll_wait(l->epfd, ev, 256, PATIENCE_MS);
		if (n == 0)
			fail("%zu clients were not told", left);
		for (int i = 0; i < n; i++)
			left -= take_news(ev[i].data.ptr);
	}
	printf("pushed %.1f %zu\n", (now_s() - begun) * 1000, l->o->connections);
}

static void
noop(struct load *l)
{
	double begun = now_s();

	for (size_t i = 0; i < l->o->connections; i++) {
		struct client *c = &l->client[i];
		if (l->o->idle) {
			put(c, "DONE\r\n");
			expect(c, "i OK");
		}
		put(c, "n NOOP\r\n");
		expect(c, "n OK");
		if (l->o->idle)
			begin_idle(c);
	}
	printf("noop %.2f\n", now_s() - begun);
}

static struct options
read_options(int argc, char **argv)
{
	static const struct option known[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"smtp-port", required_argument, NULL, 's'},
	    {"no-tls", no_argument, NULL, 't'},
	    {"no-idle", no_argument, NULL, 'i'},
	    {"connections", required_argument, NULL, 'c'},
	    {"users", required_argument, NULL, 'n'},
	    {"user", required_argument, NULL, 'u'},
	    {"password", required_argument, NULL, 'w'},
	    {NULL, 0, NULL, 0},
	};
	struct options o = {.tls = true, .idle = true, .connections = 1, .users = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'p':
			o.port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			o.smtp_port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 't':
			o.tls = false;
			break;
		case 'i':
			o.idle = false;
			break;
		case 'c':
			o.connections = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			o.users = strtoul(optarg, NULL, 10);
			break;
		case 'u':
			o.user = optarg;
			break;
		case 'w':
			o.password = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (!o.port || !o.user || !o.password || !o.users)
		fail("--port, --user and --password are needed");
	return o;
}

int
main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	struct load l = {.o = &o, .epfd = epoll_create1(EPOLL_CLOEXEC)};
	struct rlimit files;
	pthread_t thread[THREADS];
	char line[LINE];

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	l.client = calloc(o.connections ? o.connections : 1, sizeof(*l.client));
	l.tls = SSL_CTX_new(TLS_client_method());
	if (!l.client || !l.tls || l.epfd < 0)
		fail("no memory");
	SSL_CTX_set_mode(l.tls, SSL_MODE_RELEASE_BUFFERS);
	double begun = now_s();
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, open_clients, &l))
			fail("no thread");
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("ready %.2f\n", now_s() - begun);
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "push\n") == 0)
			push(&l);
		else if (strcmp(line, "noop\n") == 0)
			noop(&l);
		else
			fail("unknown: %s", line);
	}
	return 0;
}
