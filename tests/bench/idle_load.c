/* tests/bench/idle_load - many IMAP sessions that idle (RFC 2177), as mail programs do all day.
 *
 *   idle_load --port N --user NAME --password WORD --sessions N [--users N] [--tls]
 *             [--push N --smtp-port N --to ADDRESS]
 *
 * Opens the sessions, the inbox selected and idling; %d in --user is a number from 1 to --users, in
 * turn. Then says "ready". Without --push it waits for the end of standard input. With it, N times,
 * a message is handed in by SMTP for ADDRESS, which each session must have selected; a time is that
 * from the end of the message to the EXISTS that the last session gets. In the end each session
 * must still answer DONE. Prints one line of JSON: rows are sessions that did, or EXISTS that came.
 */
#include "tests/bench/made_mail.h"
#include "tests/bench/smtp_client.h"
#include <getopt.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many log in at a time. */
enum {
	OPENERS = 8,
	EVENTS = 256,
	PATIENCE_MS = 60000,
	MAIL_SIZE = 4000,
	PAUSE_US = 300000,
	WOKEN = 1000
};

struct idler {
	struct wire wire;
	size_t exists;
};

struct load {
	const char *port;
	const char *user;
	const char *password;
	const char *smtp_port;
	const char *to;
	SSL_CTX *tls;
	size_t sessions;
	size_t users;
	size_t pushes;
	struct idler *idlers;
	atomic_size_t opened; /* sessions that an opener has begun with */
};

static bool
starts_with(struct str line, const char *word)
{
	size_t n = strlen(word);
	return line.n >= n && memcmp(line.p, word, n) == 0;
}

/* The next line; "* n EXISTS" is noted. */
static struct str
take_line(struct idler *s)
{
	struct str line = wire_line(&s->wire);
	if (starts_with(line, "* BYE"))
		load_fail("%.*s", (int)line.n, line.p);
	size_t number = 0;
	size_t at = 2;
	for (; at < line.n && line.p[at] >= '0' && line.p[at] <= '9'; at++)
		number = number * 10 + (size_t)(line.p[at] - '0');
	if (line.n > 2 && line.p[0] == '*' &&
	    starts_with((struct str){line.p + at, line.n - at}, " EXISTS"))
		s->exists = number;
	return line;
}

/* Sends what stands in `out` and reads up to the line that begins with `end`. */
static void
ask(struct idler *s, const char *end)
{
	wire_push(&s->wire);
	for (;;) {
		struct str line = take_line(s);
		if (starts_with(line, end))
			return;
		if (line.n == 0 || line.p[0] != '*')
			load_fail("refused: %.*s", (int)line.n, line.p);
	}
}

static void
open_idler(const struct load *l, size_t number)
{
	struct idler *s = &l->idlers[number];
	struct sbuf *out = &s->wire.out;
	wire_open(&s->wire, "127.0.0.1", l->port, l->tls);
	(void)wire_line(&s->wire);
	sbuf_puts(out, "A LOGIN \"");
	load_expand(out, l->user, number % l->users + 1);
	sbuf_printf(out, "\" \"%s\"\r\n", l->password);
	ask(s, "A OK");
	sbuf_puts(out, "B SELECT INBOX\r\n");
	ask(s, "B OK");
	sbuf_puts(out, "C IDLE\r\n");
	ask(s, "+");
}

static void *
opener_main(void *arg)
{
	struct load *l = arg;
	for (size_t i; (i = l->opened++) < l->sessions;)
		open_idler(l, i);
	return NULL;
}

static void
open_all(struct load *l)
{
	pthread_t threads[OPENERS];
	for (size_t i = 0; i < OPENERS; i++)
		if (pthread_create(&threads[i], NULL, opener_main, l) != 0)
			load_fail("cannot start a thread");
	for (size_t i = 0; i < OPENERS; i++)
		pthread_join(threads[i], NULL);
}

/* Reads what comes until each session knows of `more` messages more than in `base`. */
static void
wait_for_exists(struct load *l, int poller, const size_t *base, size_t more)
{
	size_t missing = l->sessions;
	while (missing > 0) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(poller, events, EVENTS, PATIENCE_MS);
		if (n == 0)
			load_fail("%zu sessions were not told of the message within %d s", missing,
			    PATIENCE_MS / 1000);
		for (int i = 0; i < n; i++) {
			size_t which = events[i].data.u64;
			struct idler *s = &l->idlers[which];
			bool knew = s->exists >= base[which] + more;
			do
				(void)take_line(s);
			while (wire_has_line(&s->wire));
			missing -= !knew && s->exists >= base[which] + more;
		}
	}
}

static void
push_all(struct load *l, struct load_report *r)
{
	size_t *base = calloc(l->sessions, sizeof *base);
	int poller = epoll_create1(EPOLL_CLOEXEC);
	if (base == NULL || poller < 0)
		load_fail("no memory");
	for (size_t i = 0; i < l->sessions; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
		base[i] = l->idlers[i].exists;
		if (epoll_ctl(poller, EPOLL_CTL_ADD, l->idlers[i].wire.fd, &event) != 0)
			load_fail("epoll");
	}
	struct wire smtp;
	smtp_open(&smtp, "127.0.0.1", l->smtp_port);
	for (size_t n = 1; n <= l->pushes; n++) {
		CLEANUP(sbuf_done) struct sbuf mail = SBUF_INIT(1 << 20);
		made_mail(&mail, n, MAIL_SIZE);
		usleep(PAUSE_US); /* all is quiet again */
		smtp_offer(&smtp, "writer@remote.test", l->to, sbuf_view(&mail));
		double from = load_now();
		smtp_send_end(&smtp);
		wait_for_exists(l, poller, base, n);
		r->took_ms[n - 1] = (load_now() - from) * 1000;
		smtp_take_accepted(&smtp);
		r->rows += l->sessions;
	}
	smtp_quit(&smtp);
	close(poller);
	free(base);
}

/* Each session must still be there; a thousand of them are woken too. */
static size_t
end_all(struct load *l)
{
	size_t each = l->sessions / WOKEN + 1;
	for (size_t i = 0; i < l->sessions; i++) {
		struct wire *w = &l->idlers[i].wire;
		char octet;
		if (recv(w->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
			load_fail("the server closed session %zu", i);
		if (i % each == 0) {
			sbuf_puts(&w->out, "DONE\r\n");
			ask(&l->idlers[i], "C OK");
		}
		wire_close(w);
	}
	return l->sessions;
}

static void
work(struct load *l)
{
	struct load_report r = {.commands = l->sessions, .took_count = l->pushes};
	l->idlers = calloc(l->sessions, sizeof *l->idlers);
	r.took_ms = calloc(l->pushes + 1, sizeof *r.took_ms);
	if (l->idlers == NULL || r.took_ms == NULL)
		load_fail("no memory");
	double from = load_now();
	open_all(l);
	printf("{\"seconds\": %.6f, \"cpu\": %.6f}\n", load_now() - from, load_cpu());
	fflush(stdout);
	r.cpu_before = load_cpu();
	from = load_now();
	if (l->pushes > 0)
		push_all(l, &r);
	else
		while (getchar() != EOF)
			;
	r.seconds = load_now() - from;
	if (l->tls != NULL)
		r.cipher = SSL_get_cipher(l->idlers[0].wire.ssl);
	size_t alive = end_all(l);
	if (l->pushes == 0)
		r.rows = alive;
	load_print(&r);
	free(r.took_ms);
	free(l->idlers);
}

int
main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"user", 1, NULL, 'u'},
	    {"password", 1, NULL, 'w'}, {"sessions", 1, NULL, 's'}, {"users", 1, NULL, 'U'},
	    {"tls", 0, NULL, 't'}, {"push", 1, NULL, 'P'}, {"smtp-port", 1, NULL, 'S'},
	    {"to", 1, NULL, 'T'}, {NULL, 0, NULL, 0}};
	struct load l = {.users = 1};
	for (int c, row = 0; (c = getopt_long(argc, argv, "", known, &row)) != -1;) {
		switch (c) {
		case 'p':
			l.port = optarg;
			break;
		case 'u':
			l.user = optarg;
			break;
		case 'w':
			l.password = optarg;
			break;
		case 's':
			l.sessions = load_number(known[row].name, optarg);
			break;
		case 'U':
			l.users = load_number(known[row].name, optarg);
			break;
		case 't':
			l.tls = wire_tls();
			break;
		case 'P':
			l.pushes = load_number(known[row].name, optarg);
			break;
		case 'S':
			l.smtp_port = optarg;
			break;
		case 'T':
			l.to = optarg;
			break;
		default:
			return 2;
		}
	}
	if (l.port == NULL || l.user == NULL || l.password == NULL || l.sessions == 0 ||
	    l.users == 0 || (l.pushes > 0 && (l.smtp_port == NULL || l.to == NULL)))
		load_fail("idle_load: see the head of tests/bench/idle_load.c");
	work(&l);
	SSL_CTX_free(l.tls);
	return 0;
}
