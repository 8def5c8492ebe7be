/* tests/bench/pop3_load - a POP3 client under a stopwatch.
 *
 *   pop3_load --port N --user NAME --password WORD --count N [--retr]
 *
 * Opens the mailbox --count times, from USER to the answer to STAT; with --retr once, and then
 * takes messages 1 to --count, one by one. Prints one line of JSON.
 */
#include "tests/bench/wire.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static void
ask(struct wire *w, const char *verb, const char *argument)
{
	sbuf_printf(&w->out, "%s%s\r\n", verb, argument);
	wire_push(w);
	struct str line = wire_line(w);
	if (line.n < 3 || memcmp(line.p, "+OK", 3) != 0)
		load_fail("%s: %.*s", verb, (int)line.n, line.p);
}

static void
open_mailbox(struct wire *w, const char *port, const char *user, const char *password)
{
	wire_open(w, "127.0.0.1", port, NULL);
	(void)wire_line(w);
	ask(w, "USER ", user);
	ask(w, "PASS ", password);
	ask(w, "STAT", "");
}

static void
retrieve(struct wire *w, size_t number)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(32);
	sbuf_u64(&text, number);
	ask(w, "RETR ", sbuf_cstr(&text));
	for (struct str line = wire_line(w); line.n != 1 || line.p[0] != '.'; line = wire_line(w))
		;
}

int
main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"user", 1, NULL, 'u'},
	    {"password", 1, NULL, 'w'}, {"count", 1, NULL, 'n'}, {"retr", 0, NULL, 'r'},
	    {NULL, 0, NULL, 0}};
	const char *port = NULL;
	const char *user = NULL;
	const char *password = NULL;
	size_t count = 0;
	bool retr = false;
	for (int c, row = 0; (c = getopt_long(argc, argv, "", known, &row)) != -1;) {
		switch (c) {
		case 'p':
			port = optarg;
			break;
		case 'u':
			user = optarg;
			break;
		case 'w':
			password = optarg;
			break;
		case 'n':
			count = load_number(known[row].name, optarg);
			break;
		case 'r':
			retr = true;
			break;
		default:
			return 2;
		}
	}
	if (port == NULL || user == NULL || password == NULL || count == 0)
		load_fail("pop3_load: see the head of tests/bench/pop3_load.c");
	struct load_report r = {.commands = count, .rows = count, .took_count = count};
	r.took_ms = calloc(count, sizeof *r.took_ms);
	if (r.took_ms == NULL)
		load_fail("no memory");
	struct wire w;
	if (retr)
		open_mailbox(&w, port, user, password);
	double from = load_now();
	r.cpu_before = load_cpu();
	for (size_t i = 0; i < count; i++) {
		double begun = load_now();
		if (retr)
			retrieve(&w, i + 1);
		else
			open_mailbox(&w, port, user, password);
		r.took_ms[i] = (load_now() - begun) * 1000;
		if (!retr) {
			ask(&w, "QUIT", "");
			r.octets += w.octets_in;
			wire_close(&w);
		}
	}
	r.seconds = load_now() - from;
	if (retr) {
		r.octets = w.octets_in;
		ask(&w, "QUIT", "");
		wire_close(&w);
	}
	load_print(&r);
	free(r.took_ms);
	return 0;
}
