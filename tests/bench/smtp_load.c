/* tests/bench/smtp_load - SMTP clients under a stopwatch, with messages that smtp-source cannot
 * send.
 *
 *   smtp_load --port N --to ADDRESS --count N [--sessions N] [--user ADDRESS --password WORD]
 *             (--made SIZE | --files LIST)
 *
 * Each session keeps its connection and sends the next message until --count are accepted in all:
 * made ones of SIZE octets, or the files that LIST names, one in a line. %d in ADDRESS is the
 * number of the message, from --first. A user logs in and sends as himself. Prints one line of
 * JSON; any refusal ends the program with status 1.
 */
#include "tests/bench/file_mail.h"
#include "tests/bench/made_mail.h"
#include "tests/bench/smtp_client.h"
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct load {
	const char *port;
	const char *to;
	const char *user, *password;
	size_t count;
	size_t first;
	size_t made_size;
	struct file_mail files;
	atomic_size_t taken; /* messages that a session has begun with */
	_Atomic uint64_t octets;
	double *took_ms;
};

static void
send_one(struct load *l, struct wire *w, size_t number, double *ret_ms)
{
	CLEANUP(sbuf_done) struct sbuf mail = SBUF_INIT(MAIL_MAX);
	CLEANUP(sbuf_done) struct sbuf to = SBUF_INIT(1024);
	if (l->files.count > 0)
		file_mail_read(&l->files, number, &mail);
	else
		made_mail(&mail, number, l->made_size);
	load_expand(&to, l->to, number);
	double from = load_now();
	smtp_offer(w, l->user ? l->user : "writer@remote.test", sbuf_cstr(&to), sbuf_view(&mail));
	smtp_send_end(w);
	smtp_take_accepted(w);
	*ret_ms = (load_now() - from) * 1000;
	l->octets += mail.n;
}

static void *
session_main(void *arg)
{
	struct load *l = arg;
	struct wire w;
	smtp_open(&w, "127.0.0.1", l->port);
	if (l->user)
		smtp_log_in(&w, l->user, l->password);
	for (size_t i; (i = l->taken++) < l->count;)
		send_one(l, &w, l->first + i, &l->took_ms[i]);
	smtp_quit(&w);
	return NULL;
}

int
main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"to", 1, NULL, 't'},
	    {"user", 1, NULL, 'u'}, {"password", 1, NULL, 'w'}, {"count", 1, NULL, 'n'},
	    {"first", 1, NULL, 'f'}, {"sessions", 1, NULL, 's'}, {"made", 1, NULL, 'm'},
	    {"files", 1, NULL, 'F'}, {NULL, 0, NULL, 0}};
	struct load l = {.first = 1};
	size_t sessions = 1;
	for (int c, row = 0; (c = getopt_long(argc, argv, "", known, &row)) != -1;) {
		switch (c) {
		case 'p':
			l.port = optarg;
			break;
		case 't':
			l.to = optarg;
			break;
		case 'u':
			l.user = optarg;
			break;
		case 'w':
			l.password = optarg;
			break;
		case 'n':
			l.count = load_number(known[row].name, optarg);
			break;
		case 'f':
			l.first = load_number(known[row].name, optarg);
			break;
		case 's':
			sessions = load_number(known[row].name, optarg);
			break;
		case 'm':
			l.made_size = load_number(known[row].name, optarg);
			break;
		case 'F':
			file_mail_open(&l.files, optarg);
			break;
		default:
			return 2;
		}
	}
	if (l.port == NULL || l.to == NULL || l.count == 0 || sessions == 0 ||
	    !l.user != !l.password || (l.made_size > 0) == (l.files.count > 0))
		load_fail("smtp_load: see the head of tests/bench/smtp_load.c");
	l.took_ms = calloc(l.count, sizeof *l.took_ms);
	pthread_t *threads = calloc(sessions, sizeof *threads);
	if (l.took_ms == NULL || threads == NULL)
		load_fail("no memory");
	struct load_report r = {.commands = l.count,
	    .rows = l.count,
	    .took_ms = l.took_ms,
	    .took_count = l.count,
	    .cpu_before = load_cpu()};
	double from = load_now();
	for (size_t i = 0; i < sessions; i++)
		if (pthread_create(&threads[i], NULL, session_main, &l) != 0)
			load_fail("cannot start a thread");
	for (size_t i = 0; i < sessions; i++)
		pthread_join(threads[i], NULL);
	r.seconds = load_now() - from;
	r.octets = l.octets;
	load_print(&r);
	free(threads);
	free(l.took_ms);
	return 0;
}
