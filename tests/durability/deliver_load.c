/* tests/durability/deliver_load - SMTP and LMTP clients of a server that is killed again and again.
 *
 *   deliver_load --smtp PORT --lmtp PORT --sessions N --record FILE --count N --seed N
 *                [--rate N] [--first N] ADDRESS...
 *
 * Every message has a number of its own (Subject: d17) and a body that follows from it. One in 16
 * has several recipients, one in five comes by BDAT. A connection that breaks is made anew; what
 * was not answered 250 by then is handed in again if its number is even, and given up if it is odd.
 * Of each recipient FILE gets a line "number address acked unsure": `acked` is 1 when a 250 was
 * read, `unsure` the number of times that everything up to the last dot had been handed to the
 * kernel when the connection broke. So it must be there at least `acked`, at most `acked + unsure`
 * times. The line is written after the answer was read. Ends when --count recipients are
 * acknowledged, or with SIGTERM.
 */
#include "common/base/cleanup.h"
#include "common/base/sbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	RCPTS_MAX = 4,
	SESSIONS_MAX = 64,
	ADDRESSES_MAX = 256,
	MESSAGE_MAX = 256 << 10,
	ANSWER_S = 30, /* a server that does not answer for so long is as good as dead */
	MESSAGES_PER_CONNECTION = 300,
};
/* A line of a body: 62 signs and a line end. */
#define FILLER "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"

struct load {
	uint16_t smtp, lmtp;
	int record;
	size_t count;
	size_t per_second; /* 0: as fast as it goes */
	struct timespec begun;
	char **addresses;
	size_t address_count;
	atomic_size_t next; /* number of a message */
	atomic_size_t acked;
	atomic_bool stop;
};

struct rcpt {
	const char *address;
	bool acked;
	unsigned unsure;
};

struct message {
	size_t number;
	struct rcpt rcpts[RCPTS_MAX];
	size_t rcpt_count;
};

struct session {
	struct load *load;
	bool lmtp;
	int fd; /* -1: none */
	size_t sent; /* messages over this connection */
	uint64_t random;
	char in[4096];
	size_t at, end;
};

static atomic_bool told_to_stop; /* by a signal, which any thread may get */

static void
on_term(int sig)
{
	(void)sig;
	told_to_stop = true;
}

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "deliver_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool
is_over(struct load *l)
{
	return told_to_stop || l->stop || l->acked >= l->count;
}

static void
nap(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

/* xorshift64 */
static uint64_t
roll(struct session *s, uint64_t n)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random % n;
}

/* -- the wire: false or 0 when the connection is gone ------------------------------------------ */

static void
hang_up(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static bool
say(struct session *s, const struct sbuf *b)
{
	for (size_t at = 0; at < b->n;) {
		ssize_t n = send(s->fd, b->p + at, b->n - at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static bool
read_line(struct session *s, char *line, size_t size)
{
	size_t n = 0;
	for (;;) {
		if (s->at == s->end) {
			ssize_t got = recv(s->fd, s->in, sizeof(s->in), 0);
			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				return false;
			s->at = 0;
			s->end = (size_t)got;
		}
		char c = s->in[s->at++];
		if (c == '\n') {
			line[n] = '\0';
			return true;
		}
		if (n + 1 < size)
			line[n++] = c;
	}
}

/* The code of a whole reply, 0 when the connection is gone. */
static int
read_reply(struct session *s)
{
	char line[1024];
	do {
		if (!read_line(s, line, sizeof(line)) || strlen(line) < 4)
			return 0;
	} while (line[3] == '-');
	return atoi(line);
}

static bool
connect_once(struct session *s)
{
	CLEANUP(sbuf_done) struct sbuf hello = SBUF_INIT(256);
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(s->lmtp ? s->load->lmtp : s->load->smtp),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = ANSWER_S};
	int on = 1;

	s->at = s->end = s->sent = 0;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket");
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	sbuf_puts(&hello, s->lmtp ? "LHLO load.test\r\n" : "EHLO load.test\r\n");
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == 0 && read_reply(s) == 220 &&
	    say(s, &hello) && read_reply(s) == 250)
		return true;
	hang_up(s);
	return false;
}

/* -- messages ---------------------------------------------------------------------------------- */

/* As ledger.py has it: some go to files of their own. */
static size_t
body_lines(size_t number)
{
	uint32_t h = (uint32_t)(number * 2654435761u);
	if (h % 1000 < 10)
		return 1100;
	return h % 1000 < 80 ? 190 : 4 + h % 23;
}

static bool
by_bdat(const struct message *m)
{
	return m->number % 5 == 0;
}

static void
put_message(struct sbuf *b, const struct message *m)
{
	size_t lines = body_lines(m->number);
	sbuf_printf(b,
	    "From: Load <load@remote.test>\r\nTo: <%s>\r\nSubject: d%zu\r\nMessage-ID: "
	    "<d%zu@load.test>\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\nbegin %zu\r\n",
	    m->rcpts[0].address, m->number, m->number, m->number);
	for (size_t i = 0; i < lines; i++)
		sbuf_puts(b, FILLER);
	sbuf_printf(b, "end %zu\r\n", m->number);
}

static void
make_message(struct session *s, struct message *m)
{
	struct load *l = s->load;
	*m = (struct message){.number = l->next++, .rcpt_count = 1};
	if (l->address_count >= RCPTS_MAX && roll(s, 16) == 0)
		m->rcpt_count = 2 + roll(s, RCPTS_MAX - 1);
	size_t first = roll(s, l->address_count);
	for (size_t i = 0; i < m->rcpt_count; i++)
		m->rcpts[i].address = l->addresses[(first + i) % l->address_count];
}

/* From MAIL on for those who have not got it, with DATA. False when it came to nothing. */
static bool
offer(struct session *s, const struct message *m)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);
	size_t todo = 0;
	bool fine = true;

	sbuf_puts(&b, "MAIL FROM:<load@remote.test>\r\n");
	for (size_t i = 0; i < m->rcpt_count; i++) {
		if (m->rcpts[i].acked)
			continue;
		sbuf_printf(&b, "RCPT TO:<%s>\r\n", m->rcpts[i].address);
		todo++;
	}
	if (!by_bdat(m))
		sbuf_puts(&b, "DATA\r\n");
	if (!say(s, &b))
		return false;
	for (size_t i = 0; i <= todo; i++)
		fine = read_reply(s) == 250 && fine;
	return (by_bdat(m) || read_reply(s) == 354) && fine;
}

/* The answers to the last dot: one, or by LMTP one for each recipient. */
static bool
take_answers(struct session *s, struct message *m)
{
	bool alive = true;
	int code = 0;

	for (size_t i = 0, n = 0; i < m->rcpt_count; i++) {
		struct rcpt *r = &m->rcpts[i];
		if (r->acked)
			continue;
		if (alive && (s->lmtp || n == 0)) {
			code = read_reply(s);
			alive = code != 0;
		}
		n++;
		if (!alive)
			r->unsure++;
		else if (code == 250)
			r->acked = true;
		else if (m->rcpt_count > 1)
			r->unsure++; /* one answer for many may leave some that have it */
	}
	return alive;
}

static bool
is_done(const struct message *m)
{
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (!m->rcpts[i].acked)
			return false;
	return true;
}

/* One attempt. False when the connection must be made anew. */
static bool
hand_in(struct session *s, struct message *m)
{
	CLEANUP(sbuf_done) struct sbuf mail = SBUF_INIT(MESSAGE_MAX), b = SBUF_INIT(MESSAGE_MAX);

	if (!offer(s, m))
		return false;
	put_message(&mail, m);
	if (by_bdat(m))
		sbuf_printf(&b, "BDAT %zu LAST\r\n", mail.n);
	sbuf_put(&b, sbuf_view(&mail));
	if (!by_bdat(m))
		sbuf_puts(&b, ".\r\n");
	if (sbuf_error(&mail) || sbuf_error(&b))
		die("message");
	/* Had not all of it gone to the kernel, the server can't have had its end. */
	return say(s, &b) && take_answers(s, m) && is_done(m);
}

static void
write_record(struct load *l, const struct message *m)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);

	for (size_t i = 0; i < m->rcpt_count; i++) {
		const struct rcpt *r = &m->rcpts[i];
		sbuf_printf(
		    &b, "%zu %s %d %u\n", m->number, r->address, r->acked ? 1 : 0, r->unsure);
		l->acked += r->acked;
	}
	if (write(l->record, b.p, b.n) != (ssize_t)b.n)
		die("record");
}

/* -- sessions ---------------------------------------------------------------------------------- */

static void
keep_pace(struct load *l)
{
	struct timespec now;
	while (l->per_second && !is_over(l)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		double seconds = (double)(now.tv_sec - l->begun.tv_sec) +
				 (double)(now.tv_nsec - l->begun.tv_nsec) / 1e9;
		if ((double)l->acked < seconds * (double)l->per_second)
			return;
		nap(1);
	}
}

static void
renew(struct session *s)
{
	CLEANUP(sbuf_done) struct sbuf quit = SBUF_INIT(64);

	if (s->fd >= 0 && ++s->sent < MESSAGES_PER_CONNECTION)
		return;
	sbuf_puts(&quit, "QUIT\r\n");
	if (s->fd >= 0 && say(s, &quit))
		read_reply(s);
	hang_up(s);
	while (!connect_once(s) && !is_over(s->load))
		nap(3);
}

static void *
session_main(void *arg)
{
	struct session *s = arg;

	while (!is_over(s->load)) {
		struct message m;
		make_message(s, &m);
		for (bool again = true; again && !is_done(&m);) {
			renew(s);
			if (s->fd < 0)
				break; /* it is over */
			if (!hand_in(s, &m))
				hang_up(s);
			again = m.number % 2 == 0 && !is_over(s->load);
		}
		write_record(s->load, &m);
		keep_pace(s->load);
	}
	hang_up(s);
	return NULL;
}

static size_t
number(const char *text)
{
	char *end;
	size_t n = strtoul(text, &end, 10);
	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "deliver_load: %s is no number\n", text);
		exit(2);
	}
	return n;
}

static void
run(struct load *l, size_t sessions, size_t seed)
{
	static struct session all[SESSIONS_MAX];
	pthread_t threads[SESSIONS_MAX];
	struct sigaction act = {.sa_handler = on_term};

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	clock_gettime(CLOCK_MONOTONIC, &l->begun);
	for (size_t i = 0; i < sessions; i++) {
		all[i] = (struct session){.load = l,
		    .lmtp = i % 2 == 1,
		    .fd = -1,
		    .random = (seed + 1) * 0x9e3779b97f4a7c15u + i};
		if (pthread_create(&threads[i], NULL, session_main, &all[i]))
			die("thread");
	}
	for (size_t i = 0; i < sessions; i++)
		pthread_join(threads[i], NULL);
	printf("%zu acknowledged\n", (size_t)l->acked);
}

int
main(int argc, char **argv)
{
	static const struct option known[] = {{"smtp", 1, NULL, 's'}, {"lmtp", 1, NULL, 'l'},
	    {"sessions", 1, NULL, 'n'}, {"record", 1, NULL, 'r'}, {"count", 1, NULL, 'c'},
	    {"seed", 1, NULL, 'S'}, {"rate", 1, NULL, 'R'}, {"first", 1, NULL, 'f'},
	    {NULL, 0, NULL, 0}};
	struct load l = {.record = -1, .count = SIZE_MAX, .next = 1};
	size_t sessions = 4, seed = 1;

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (c == 's')
			l.smtp = (uint16_t)number(optarg);
		else if (c == 'l')
			l.lmtp = (uint16_t)number(optarg);
		else if (c == 'n')
			sessions = number(optarg);
		else if (c == 'r')
			l.record = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		else if (c == 'c')
			l.count = number(optarg);
		else if (c == 'S')
			seed = number(optarg);
		else if (c == 'f')
			l.next = number(optarg);
		else if (c == 'R')
			l.per_second = number(optarg);
		else
			return 2;
	}
	l.addresses = argv + optind;
	l.address_count = (size_t)(argc - optind);
	if (!l.smtp || !l.lmtp || l.record < 0 || !l.address_count ||
	    l.address_count > ADDRESSES_MAX || !sessions || sessions > SESSIONS_MAX) {
		fputs("deliver_load: see the head of tests/durability/deliver_load.c\n", stderr);
		return 2;
	}
	run(&l, sessions, seed);
	return 0;
}
