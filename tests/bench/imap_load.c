/* tests/bench/imap_load - IMAP clients under a stopwatch.
 *
 *   imap_load --port N --user NAME --password WORD [options] [COMMAND...]
 *
 * Each session logs in, selects a mailbox if one is named, and then, all at once, carries out the
 * commands --count times (%d in a command is the number of the round). Other work than commands:
 *   --append SIZE    each round appends one made message of SIZE octets with LITERAL+ (RFC 7888)
 *   --append-files LIST  each round appends the next of the files that LIST names, one in a line
 *   --connections    each round is a connection: LOGIN, SELECT, LOGOUT
 *   --watch N        says "ready" once all have selected, waits for a line on standard input, and
 *                    ends when each session's mailbox has N messages more than at the start
 * --tls: TLS from the start. %d in --user is the number of the session. Prints one line of JSON. An
 * answer other than OK ends the program with status 1.
 */
#include "tests/bench/file_mail.h"
#include "tests/bench/made_mail.h"
#include "tests/bench/wire.h"
#include <getopt.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	const char *host;
	const char *port;
	const char *user;
	const char *password;
	const char *mailbox;
	char **commands;
	size_t command_count;
	size_t sessions;
	size_t count;
	size_t first;
	size_t depth; /* commands sent ahead of their answers */
	size_t append_size; /* of made messages; 0: none */
	struct file_mail files; /* to be appended */
	SSL_CTX *tls; /* NULL: plain */
	size_t watch;
	bool connections;
};

struct session {
	const struct options *o;
	pthread_barrier_t *start;
	size_t number;
	struct wire wire;
	size_t sent;
	size_t answered;
	size_t exists; /* of the selected mailbox, as told last */
	uint64_t rows;
	double *took_ms; /* of each command; before its answer, when it was sent */
};

static bool
starts_with(struct str line, const char *word)
{
	size_t n = strlen(word);
	return line.n >= n && memcmp(line.p, word, n) == 0;
}

/* The length of the literal that the line announces; false: the line ends the response. */
static bool
literal_follows(struct str line, uint64_t *ret_size)
{
	if (line.n < 3 || line.p[line.n - 1] != '}')
		return false;
	size_t at = line.n - 1;
	while (at > 0 && line.p[at - 1] >= '0' && line.p[at - 1] <= '9')
		at--;
	if (at == 0 || at == line.n - 1 || line.p[at - 1] != '{')
		return false;
	*ret_size = strtoull(line.p + at, NULL, 10);
	return true;
}

static size_t
count_numbers(struct str s)
{
	size_t n = 0;
	bool in_number = false;
	for (size_t i = 0; i < s.n; i++) {
		bool is_digit = s.p[i] >= '0' && s.p[i] <= '9';
		n += is_digit && !in_number;
		in_number = is_digit;
	}
	return n;
}

/* An untagged response counts where a workload asks for what it brings. */
static void
count_untagged(struct session *s, struct str line)
{
	if (starts_with(line, "* SEARCH") || starts_with(line, "* SORT") ||
	    starts_with(line, "* THREAD")) {
		s->rows += count_numbers(line);
		return;
	}
	size_t number = 0;
	size_t at = 2;
	for (; at < line.n && line.p[at] >= '0' && line.p[at] <= '9'; at++)
		number = number * 10 + (size_t)(line.p[at] - '0');
	struct str rest = {line.p + at, line.n - at};
	if (starts_with(rest, " FETCH"))
		s->rows++;
	else if (starts_with(rest, " EXPUNGE"))
		s->rows++;
	else if (starts_with(rest, " EXISTS"))
		s->exists = number;
}

/* Reads one response with its literals; returns the number in the tag, or SIZE_MAX: untagged. */
static size_t
read_response(struct session *s)
{
	struct wire *w = &s->wire;
	struct str line = wire_line(w);
	size_t tag = SIZE_MAX;
	if (starts_with(line, "* ")) {
		if (starts_with(line, "* BYE") && s->o->connections == false)
			load_fail("%.*s", (int)line.n, line.p);
		count_untagged(s, line);
	} else if (starts_with(line, "A")) {
		char *end;
		tag = strtoul(line.p + 1, &end, 10);
		if (end[0] != ' ' || end[1] != 'O' || end[2] != 'K')
			load_fail("refused: %.*s", (int)line.n, line.p);
	} else {
		load_fail("unexpected: %.*s", (int)line.n, line.p);
	}
	for (uint64_t size; literal_follows(line, &size); line = wire_line(w))
		wire_skip(w, size);
	return tag;
}

/* Sends what stands in `out` after the tag A0, as commands that set up go, and takes the answer. */
static void
finish_command(struct session *s)
{
	sbuf_puts(&s->wire.out, "\r\n");
	wire_push(&s->wire);
	while (read_response(s) == SIZE_MAX)
		;
}

static bool
appends(const struct options *o)
{
	return o->append_size > 0 || o->files.count > 0;
}

static void
log_in(struct session *s)
{
	const struct options *o = s->o;
	struct sbuf *out = &s->wire.out;
	wire_open(&s->wire, o->host, o->port, o->tls);
	(void)wire_line(&s->wire);
	sbuf_puts(out, "A0 LOGIN \"");
	load_expand(out, o->user, s->number);
	sbuf_printf(out, "\" \"%s\"", o->password);
	finish_command(s);
	if (o->mailbox != NULL && !appends(o)) {
		sbuf_printf(out, "A0 SELECT \"%s\"", o->mailbox);
		finish_command(s);
	}
}

static size_t
commands_per_round(const struct options *o)
{
	return o->command_count > 0 ? o->command_count : 1;
}

static void
send_next(struct session *s)
{
	const struct options *o = s->o;
	struct sbuf *out = &s->wire.out;
	size_t round = o->first + s->sent / commands_per_round(o);
	s->took_ms[s->sent] = load_now();
	sbuf_printf(out, "A%zu ", ++s->sent);
	if (appends(o)) {
		CLEANUP(sbuf_done) struct sbuf mail = SBUF_INIT(MAIL_MAX);
		if (o->files.count > 0)
			file_mail_read(&o->files, round, &mail);
		else
			made_mail(&mail, round, o->append_size);
		sbuf_printf(out, "APPEND \"%s\" (%s) {%zu+}\r\n", o->mailbox,
		    round % 10 == 0 ? "" : "\\Seen", mail.n);
		sbuf_put(out, sbuf_view(&mail));
	} else {
		load_expand(out, o->commands[(s->sent - 1) % o->command_count], round);
	}
	sbuf_puts(out, "\r\n");
}

static void
run_commands(struct session *s)
{
	size_t total = s->o->count * commands_per_round(s->o);
	while (s->answered < total) {
		while (s->sent < total && s->sent - s->answered < s->o->depth)
			send_next(s);
		wire_push(&s->wire);
		size_t tag = read_response(s);
		if (tag == SIZE_MAX)
			continue;
		if (tag == 0 || tag > s->sent)
			load_fail("an answer to A%zu, which was not sent", tag);
		s->took_ms[tag - 1] = (load_now() - s->took_ms[tag - 1]) * 1000;
		s->answered++;
	}
}

static void
run_connections(struct session *s)
{
	for (; s->answered < s->o->count; s->answered++) {
		double from = load_now();
		log_in(s);
		sbuf_puts(&s->wire.out, "A0 LOGOUT");
		finish_command(s);
		wire_close(&s->wire);
		s->took_ms[s->answered] = (load_now() - from) * 1000;
	}
}

static void
watch(struct session *s, size_t wanted)
{
	while (s->exists < wanted) {
		sbuf_puts(&s->wire.out, "A0 NOOP");
		finish_command(s);
		if (s->exists < wanted)
			usleep(1000);
	}
	s->rows = s->o->watch;
}

static void *
session_main(void *arg)
{
	struct session *s = arg;
	if (!s->o->connections)
		log_in(s);
	uint64_t before = s->wire.octets_in;
	size_t base = s->exists;
	pthread_barrier_wait(s->start); /* all have logged in */
	pthread_barrier_wait(s->start); /* the stopwatch runs */
	if (s->o->connections)
		run_connections(s);
	else if (s->o->watch > 0)
		watch(s, base + s->o->watch);
	else
		run_commands(s);
	s->wire.octets_in -= before;
	return NULL;
}

/* Runs all sessions and adds up what they did. */
static void
run(const struct options *o)
{
	size_t each = o->count * commands_per_round(o);
	struct session *sessions = calloc(o->sessions, sizeof *sessions);
	pthread_t *threads = calloc(o->sessions, sizeof *threads);
	double *took = calloc(o->sessions * each, sizeof *took);
	pthread_barrier_t start;
	if (sessions == NULL || threads == NULL || took == NULL ||
	    pthread_barrier_init(&start, NULL, (unsigned)o->sessions + 1) != 0)
		load_fail("no memory");
	for (size_t i = 0; i < o->sessions; i++) {
		sessions[i] = (struct session){
		    .o = o, .start = &start, .number = i + 1, .took_ms = took + i * each};
		if (pthread_create(&threads[i], NULL, session_main, &sessions[i]) != 0)
			load_fail("cannot start a thread");
	}
	pthread_barrier_wait(&start);
	if (o->watch > 0) {
		printf("ready\n");
		fflush(stdout);
		if (getchar() == EOF)
			load_fail("standard input ended");
	}
	double from = load_now();
	struct load_report r = {.cpu_before = load_cpu(),
	    .took_ms = took,
	    .took_count = o->watch > 0 ? 0 : o->sessions * each};
	pthread_barrier_wait(&start);
	for (size_t i = 0; i < o->sessions; i++) {
		pthread_join(threads[i], NULL);
		r.commands += sessions[i].answered;
		r.octets += sessions[i].wire.octets_in;
		r.rows += sessions[i].rows;
	}
	r.seconds = load_now() - from;
	r.exists = sessions[0].exists;
	if (sessions[0].wire.ssl != NULL)
		r.cipher = SSL_get_cipher(sessions[0].wire.ssl);
	load_print(&r);
	for (size_t i = 0; i < o->sessions && !o->connections; i++)
		wire_close(&sessions[i].wire);
	pthread_barrier_destroy(&start);
	free(took);
	free(threads);
	free(sessions);
}

int
main(int argc, char **argv)
{
	static const struct option known[] = {{"host", 1, NULL, 'h'}, {"port", 1, NULL, 'p'},
	    {"user", 1, NULL, 'u'}, {"password", 1, NULL, 'w'}, {"mailbox", 1, NULL, 'm'},
	    {"sessions", 1, NULL, 's'}, {"count", 1, NULL, 'n'}, {"first", 1, NULL, 'f'},
	    {"depth", 1, NULL, 'd'}, {"append", 1, NULL, 'a'}, {"watch", 1, NULL, 'W'},
	    {"append-files", 1, NULL, 'F'}, {"tls", 0, NULL, 't'}, {"connections", 0, NULL, 'c'},
	    {NULL, 0, NULL, 0}};
	struct options o = {.host = "127.0.0.1", .sessions = 1, .count = 1, .first = 1, .depth = 1};
	for (int c, row = 0; (c = getopt_long(argc, argv, "", known, &row)) != -1;) {
		const char *name = known[row].name;
		switch (c) {
		case 'h':
			o.host = optarg;
			break;
		case 'p':
			o.port = optarg;
			break;
		case 'u':
			o.user = optarg;
			break;
		case 'w':
			o.password = optarg;
			break;
		case 'm':
			o.mailbox = optarg;
			break;
		case 's':
			o.sessions = load_number(name, optarg);
			break;
		case 'n':
			o.count = load_number(name, optarg);
			break;
		case 'f':
			o.first = load_number(name, optarg);
			break;
		case 'd':
			o.depth = load_number(name, optarg);
			break;
		case 'a':
			o.append_size = load_number(name, optarg);
			break;
		case 'F':
			file_mail_open(&o.files, optarg);
			break;
		case 't':
			o.tls = wire_tls();
			break;
		case 'W':
			o.watch = load_number(name, optarg);
			break;
		case 'c':
			o.connections = true;
			break;
		default:
			return 2;
		}
	}
	o.commands = argv + optind;
	o.command_count = (size_t)(argc - optind);
	bool other_work = appends(&o) || o.watch > 0 || o.connections;
	if (o.port == NULL || o.user == NULL || o.password == NULL || o.sessions == 0 ||
	    o.depth == 0 || other_work == (o.command_count > 0) ||
	    (other_work && o.mailbox == NULL))
		load_fail("imap_load: see the head of tests/bench/imap_load.c");
	run(&o);
	return 0;
}
