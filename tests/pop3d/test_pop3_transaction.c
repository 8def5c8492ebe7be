/* The TRANSACTION state: RFC 1939 §5 and the optional commands of §7. */
#include "common/net/conn_private.h"
#include "store/message.h"
#include "tests/pop3d/fixture.h"

#include <stdio.h>

static const struct dialogue commands[] = {
    POP3_GREETING,
    POP3_LOGIN,
    {"STAT", "+OK 3 96"},
    {"stat", "+OK 3 96"},
    {"STAT 1", "-ERR"},
    {"LIST", "+OK\n1 38\n2 31\n3 27\n."},
    {"LIST 2", "+OK 2 31"},
    {"LIST 4", "-ERR No such message"},
    {"LIST 0", "-ERR No such message"},
    {"LIST 2 3", "-ERR Syntax"},
    {"UIDL", "+OK\n1 \n2 \n3 \n."},
    {"UIDL 1", "+OK 1 "},
    {"UIDL 99999999999999", "-ERR Syntax"},
    {"RETR 1", "+OK 38 octets\nSubject: one\n\nfirst line\n..dot\n...\n."},
    {"RETR 3", "+OK 27 octets\nSubject: three\n\nGr\xc3\xbc\xc3\x9f"
	       "e\n."},
    {"RETR 4", "-ERR No such message"},
    {"NOOP", "+OK"},
    {"TOP 2 0", "+OK\nSubject: two\nX: y\n\n.\n!1"},
    {"TOP 2 2", "+OK\nSubject: two\nX: y\n\n1\n2\n.\n!3"},
    {"TOP 2 1000", "+OK\nSubject: two\nX: y\n\n1\n2\n3\n."},
    {"top 4 0", "-ERR No such message"},
    {"DELE 2", "+OK"},
    {"STAT", "+OK 2 65"},
    {"LIST", "+OK\n1 38\n3 27\n.\n!2"},
    {"UIDL", "+OK\n1 \n3 \n.\n!2"},
    {"LIST 2", "-ERR Message has been deleted"},
    {"UIDL 2", "-ERR Message has been deleted"},
    {"RETR 2", "-ERR Message has been deleted"},
    {"TOP 2 0", "-ERR Message has been deleted"},
    {"DELE 2", "-ERR Message has been deleted"},
    {"DELE 4", "-ERR No such message"},
    {"RSET", "+OK"},
    {"STAT", "+OK 3 96"},
    {"RETR 2", "+OK 31\nSubject: two\nX: y\n\n1\n2\n3\n."},
    {"QUIT", "+OK\n<closed>"},
};

START_TEST(every_command_does_what_rfc_1939_says)
{
	pop3_dialogue(pop3_three_messages, 3, NULL, commands, ARRAY_LEN(commands));
}
END_TEST

START_TEST(syntax_errors_are_told_one_by_one)
{
	static const char *const lines[] = {"RETR", "RETR x", "RETR 1 2", "RETR -1", "TOP 1",
	    "TOP 1 -1", "TOP 1 2 3", "DELE", "NOOP 1", "RSET all", "LIST 1x", "QUIT now", "BOGUS",
	    "", " STAT", "RETR\t1"};
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
		const char *got = pop3_ask(f, c, lines[i]);
		ck_assert_msg(strncmp(got, "-ERR ", 5) == 0 && strchr(got, '\n')[1] == '\0',
		    "\"%s\": %s", lines[i], got);
		ck_assert_msg(strncmp(pop3_ask(f, c, "STAT"), "+OK 3 ", 6) == 0, "%s", lines[i]);
	}
}
END_TEST

#define RUN 60
#define RUN_LARGE 30 /* the number of one that stands in a file */

/* Messages of many sizes, so that what is read ahead ends in different places. */
static void
make_run(char *const text[RUN])
{
	for (int i = 0; i < RUN; i++) {
		size_t size = i + 1 == RUN_LARGE ? SPOOL_MEMORY + 10 : (size_t)(i * i * 37 % 20000);
		size_t at = (size_t)sprintf(text[i], "Subject: %d\r\n\r\n", i);
		while (at < size)
			at += (size_t)sprintf(text[i] + at, ".line at %zu of %d\r\n", at, i);
	}
}

START_TEST(a_run_of_retr_gives_what_each_gives_alone)
{
	static char room[RUN][SPOOL_MEMORY + 100];
	char *text[RUN];
	for (int i = 0; i < RUN; i++)
		text[i] = room[i];
	make_run(text);
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open((const char *const *)text, RUN);
	CLEANUP(conn_memory_close) struct conn *run = pop3_login(f);
	CLEANUP(conn_memory_close) struct conn *back = pop3_login(f);
	const char *alone[RUN + 1];

	for (int i = RUN; i >= 1; i--)
		alone[i] = pop3_ask(f, back, arena_printf(f->arena, "RETR %d", i).p);
	for (int i = 1; i <= RUN; i++) {
		const char *got = pop3_ask(f, run, arena_printf(f->arena, "RETR %d", i).p);
		ck_assert_msg(strncmp(got, "+OK ", 4) == 0, "%d: %.60s", i, got);
		ck_assert_msg(strcmp(got, alone[i]) == 0, "%d: %.200s", i, got);
	}
	for (int i = 1; i <= RUN; i += i % 3 == 0 ? 2 : 1) /* with gaps, and back to the start */
		ck_assert_str_eq(
		    pop3_ask(f, run, arena_printf(f->arena, "RETR %d", i).p), alone[i]);
}
END_TEST

START_TEST(what_was_read_ahead_is_as_deleted_as_the_rest)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	pop3_ask(f, c, "RETR 1");
	pop3_ask(f, c, "RETR 2"); /* a run: message 3 is held */
	pop3_ask(f, c, "DELE 3");
	ck_assert_str_eq(pop3_ask(f, c, "RETR 3"), "-ERR Message has been deleted\r\n");
	pop3_ask(f, c, "RSET");
	ck_assert(strncmp(pop3_ask(f, c, "TOP 3 0"), "+OK", 3) == 0);
	ck_assert(strncmp(pop3_ask(f, c, "RETR 3"), "+OK 27 octets", 13) == 0);
}
END_TEST

static const struct dialogue empty[] = {
    POP3_GREETING,
    POP3_LOGIN,
    {"STAT", "+OK 0 0"},
    {"LIST", "+OK\n."},
    {"UIDL", "+OK\n."},
    {"LIST 1", "-ERR"},
    {"RETR 1", "-ERR"},
    {"RSET", "+OK"},
    {"QUIT", "+OK\n<closed>"},
};

/* Where the mailbox changes all the time, its counters may never fit the snapshot: the sizes are
 * then added up on the first STAT. */
START_TEST(a_size_that_is_not_known_is_added_up)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);

	for (int marked = 0; marked < 2; marked++) {
		CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
		struct pop3_session *s = c->session;
		s->drop.octets_known = false;
		s->drop.octets = 999;
		if (marked)
			pop3_ask(f, c, "DELE 2");
		ck_assert_str_eq(pop3_ask(f, c, "STAT"), marked ? "+OK 2 65\r\n" : "+OK 3 96\r\n");
		pop3_ask(f, c, "RSET");
		ck_assert_str_eq(pop3_ask(f, c, "STAT"), "+OK 3 96\r\n");
	}
}
END_TEST

START_TEST(an_empty_maildrop_has_empty_lists)
{
	pop3_dialogue(NULL, 0, NULL, empty, ARRAY_LEN(empty));
}
END_TEST

/* RFC 2449 §6.6: any number of commands at once, one answer each, in order. */
static const struct dialogue pipelined[] = {
    POP3_GREETING,
    {"USER ann@example.test\nPASS open sesame\nSTAT\nRETR 2\nDELE 1\nLIST\nQUIT",
	"+OK\n+OK\n+OK 3 96\n+OK 31\nSubject: two\n\n3\n.\n+OK\n+OK\n2 31\n3 27\n.\n+OK\n<closed>"},
};

START_TEST(pipelined_commands_are_answered_in_order)
{
	pop3_dialogue(pop3_three_messages, 3, NULL, pipelined, ARRAY_LEN(pipelined));
}
END_TEST

START_TEST(what_goes_out_is_octet_by_octet_what_came_in)
{
	static const char *const odd[] = {"\r\n", "A: b\r\n", "A: b\r\n\r\n.\r\n", "no end",
	    "A: \xff\xfe\r\n\r\n\x80\x01\r\n", "\r\n\r\n\r\n.\r\n..\r\n...\r\n"};
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(odd, ARRAY_LEN(odd));
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	CLEANUP(sbuf_done) struct sbuf want = SBUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		char line[20];
		struct str rest = str_of(odd[i]);
		struct str part;

		snprintf(line, sizeof(line), "RETR %zu", i + 1);
		sbuf_clear(&want);
		sbuf_printf(&want, "+OK %zu octets\r\n", rest.n);
		while (rest.n && str_split(&rest, '\n', &part)) {
			if (part.n && part.p[0] == '.')
				sbuf_putc(&want, '.');
			sbuf_put(&want, part);
			sbuf_puts(&want, part.n && part.p[part.n - 1] == '\r' ? "\n" : "\r\n");
		}
		sbuf_puts(&want, ".\r\n");
		ck_assert_str_eq(pop3_ask(f, c, line), sbuf_cstr(&want));
	}
}
END_TEST

/* RFC 1939 §7: 1 to 70 octets of 0x21 to 0x7E, different from each other, the same in every
 * session, also for two deliveries of the same message. */
START_TEST(unique_ids_are_unique_and_stay)
{
	const char *const twice[] = {MESSAGE_ONE, MESSAGE_ONE, MESSAGE_TWO};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(twice, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	const char *first = pop3_ask(f, c, "UIDL");
	char ids[3][MAILDROP_UID_MAX + 2];

	ck_assert_int_eq(
	    sscanf(strchr(first, '\n'), " 1 %71s 2 %71s 3 %71s", ids[0], ids[1], ids[2]), 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_le(strlen(ids[i]), 70);
		for (const char *p = ids[i]; *p; p++)
			ck_assert(*p >= 0x21 && *p <= 0x7e);
		ck_assert_str_ne(ids[i], ids[(i + 1) % 3]);
	}
	conn_memory_close(&c);
	pop3_fixture_remove(f, 1);
	c = pop3_login(f);
	char want[300];
	snprintf(
	    want, sizeof(want), "+OK Unique ids follow\r\n1 %s\r\n2 %s\r\n.\r\n", ids[1], ids[2]);
	ck_assert_str_eq(pop3_ask(f, c, "UIDL"), want);
}
END_TEST

/* Copies (or moves) what has this UID to a mailbox, as an IMAP session would. */
static void
put_into(struct pop3_fixture *f, const char *from, uint32_t uid, const char *to, bool move)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct mailbox_info source, target;
	struct uidset uids;
	struct copied copied;

	uidset_init(&uids, f->arena);
	ck_assert_ok(uidset_add(&uids, uid, uid));
	ck_assert_ok(account_open(f->store, f->account, &a));
	ck_assert_ok(mailbox_find(a, str_of(from), f->arena, &source));
	ck_assert_ok(mailbox_find(a, str_of(to), f->arena, &target));
	ck_assert_ok((move ? message_move : message_copy)(
	    a, source.id, &uids, target.id, f->arena, &copied));
}

/* Whoever moves a message out of INBOX by IMAP and back must not fetch it again by POP3. */
START_TEST(a_message_keeps_its_unique_id_when_it_is_moved_out_and_back)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	char ids[3][MAILDROP_UID_MAX + 2];

	ck_assert_int_eq(sscanf(strchr(pop3_ask(f, c, "UIDL"), '\n'), " 1 %71s 2 %71s 3 %71s",
			     ids[0], ids[1], ids[2]),
	    3);
	conn_memory_close(&c);
	put_into(f, "INBOX", 1, "Archive", true);
	put_into(f, "Archive", 1, "INBOX", true);
	c = pop3_login(f);
	ck_assert_str_eq(pop3_ask(f, c, "UIDL"),
	    arena_printf(f->arena, "+OK Unique ids follow\r\n1 %s\r\n2 %s\r\n3 %s\r\n.\r\n", ids[1],
		ids[2], ids[0])
		.p);
	ck_assert_str_eq(
	    pop3_ask(f, c, "UIDL 3"), arena_printf(f->arena, "+OK 3 %s\r\n", ids[0]).p);
}
END_TEST

START_TEST(copies_of_one_message_have_unique_ids_of_their_own)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	char ids[5][MAILDROP_UID_MAX + 2];

	put_into(f, "INBOX", 2, "INBOX", false);
	put_into(f, "INBOX", 2, "INBOX", false);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	const char *all = pop3_ask(f, c, "UIDL");
	ck_assert_int_eq(sscanf(strchr(all, '\n'), " 1 %71s 2 %71s 3 %71s 4 %71s 5 %71s", ids[0],
			     ids[1], ids[2], ids[3], ids[4]),
	    5);
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ids[i], ids[j]);
	ck_assert_str_eq(ids[3], arena_printf(f->arena, "%s.4", ids[1]).p);
	ck_assert_str_eq(
	    pop3_ask(f, c, "UIDL 5"), arena_printf(f->arena, "+OK 5 %s.5\r\n", ids[1]).p);
	conn_memory_close(&c);
	c = pop3_login(f);
	ck_assert_str_eq(pop3_ask(f, c, "UIDL"), all);
}
END_TEST

START_TEST(the_longest_unique_id_fits)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	static char long_id[100];
	char uid[MAILDROP_UID_MAX + 1];
	struct message_row row = {.email_id = {long_id, sizeof(long_id)}};
	struct maildrop m;

	memset(long_id, 'z', sizeof(long_id));
	put_into(f, "INBOX", 2, "INBOX", false);
	ck_assert_ok(maildrop_open(f->store, f->account, &m));
	ck_assert_ok(maildrop_find_twins(&m));
	maildrop_uid(&m, 2, &row, uid);
	ck_assert_uint_eq(strlen(uid), 60);
	maildrop_uid(&m, 4, &row, uid);
	ck_assert_str_eq(uid + 60, ".4"); /* there is room for the seven digits of any UID */
	maildrop_close(&m);
}
END_TEST

/* A message of some megabytes, read in small bites: the session never holds more than its marks
 * allow, and other turns are possible in between. */
START_TEST(a_large_message_flows_as_the_peer_reads)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(sbuf_done) struct sbuf big = SBUF_INIT(1 << 24);
	CLEANUP(sbuf_done) struct sbuf got = SBUF_INIT(1 << 24);
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 24);

	sbuf_puts(&big, "Subject: big\r\n\r\n");
	for (int i = 0; i < 60000; i++)
		sbuf_printf(&big, "%s line %d with some text in it that is not short\r\n",
		    i % 3 ? "" : ".", i);
	pop3_fixture_deliver(f, sbuf_view(&big));
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	conn_memory_feed(c, STR("RETR 1\r\nNOOP\r\n"));
	for (;;) {
		ck_assert_uint_le(conn_out_pending(c), CONN_OUT_HIGH + 70000);
		struct str some = conn_memory_output_some(c, a, 5000);
		sbuf_put(&got, some);
		arena_reset(a);
		conn_memory_run(c);
		if (some.n == 0)
			break;
	}
	struct str out = sbuf_view(&got);
	size_t lines = 0;
	struct str line;
	struct str want = sbuf_view(&big);
	struct str want_line;
	ck_assert(str_split(&out, '\n', &line));
	ck_assert_msg(str_starts(line, STR("+OK ")), "%.*s", STR_ARG(line));
	while (str_split(&out, '\n', &line) && !str_eq(line, STR(".\r"))) {
		ck_assert(str_split(&want, '\n', &want_line));
		if (want_line.p[0] == '.') {
			ck_assert(line.p[0] == '.');
			line = str_skip(line, 1);
		}
		ck_assert_msg(str_eq(line, want_line), "line %zu", lines);
		lines++;
	}
	ck_assert_uint_eq(lines, 60002);
	ck_assert_str_is(out, "+OK Still here\r\n");
}
END_TEST

static void
spoil_files(struct pop3_fixture *f, const char *how)
{
	const char *command =
	    arena_printf(f->arena, "find %s/accounts -path '*blobs*' -type f %s", f->dir, how).p;

	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_message_whose_octets_are_lost_is_an_error)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	char *big = arena_alloc(f->arena, 2000000);

	memset(big, 'x', 2000000);
	pop3_fixture_deliver(f, str_make(big, 2000000));
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	conn_memory_feed(c, STR("RETR 1\r\nNOOP\r\n"));
	struct str some = conn_memory_output_some(c, f->arena, 1000);
	ck_assert(str_starts(some, STR("+OK 2000000 octets\r\n")));
	spoil_files(f, "-exec truncate -s 800000 {} +");
	/* in the middle: no end, so that no client takes the part for the whole */
	const char *rest = pop3_output(f, c);
	ck_assert(conn_memory_closed(c));
	ck_assert_uint_lt(strlen(rest), 1000000);
	ck_assert_ptr_null(strchr(rest, '.'));
	conn_memory_close(&c);

	spoil_files(f, "-delete");
	c = pop3_login(f);
	static const struct dialogue rows[] = {
	    {"RETR 1", "-ERR [SYS/PERM]"},
	    {"TOP 1 1", "-ERR [SYS/PERM]"},
	    {"LIST 1", "+OK 1 2000000"},
	    {"NOOP", "+OK"},
	};
	dialogue_run(c, rows, ARRAY_LEN(rows), false);
}
END_TEST

/* RFC 1939 §7, and what an administrator expects of a backup: clients fetch nothing twice. */
START_TEST(unique_ids_survive_a_copy_of_the_data)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	const char *before = pop3_ask(f, c, "UIDL");

	conn_memory_close(&c);
	service_stop(&f->service);
	store_close(&f->store);
	const char *copy = arena_printf(f->arena, "%s/copy", f->dir).p;
	const char *command = arena_printf(f->arena,
	    "mkdir %s && cp -r %s/directory.db* %s/accounts %s/", copy, f->dir, f->dir, copy)
				  .p;
	ck_assert_int_eq(system(command), 0);
	ck_assert_ok(store_create(copy));
	const struct store_options options = {.data_dir = copy, .process = "pop3d"};
	ck_assert_ok(store_open(&options, &f->store));
	f->service = service_for_test(f->store, f->conf);
	c = pop3_login(f);
	ck_assert_str_eq(pop3_ask(f, c, "UIDL"), before);
}
END_TEST

START_TEST(long_lists_flow_and_leave_nothing_out)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(account_unref) struct account *account = NULL;
	enum { N = 3000 };
	static struct append items[N];
	struct mailbox_info inbox;
	uint32_t uidvalidity;

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, MESSAGE_TWO, strlen(MESSAGE_TWO)));
	for (int i = 0; i < N; i++)
		items[i].spool = spool;
	ck_assert_ok(account_open(f->store, f->account, &account));
	ck_assert_ok(mailbox_find(account, STR("INBOX"), f->arena, &inbox));
	ck_assert_ok(message_append(account, inbox.id, items, N, &uidvalidity));
	ck_assert_uint_eq(pop3_fixture_count(f), N);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	ck_assert_str_eq(pop3_ask(f, c, "STAT"), "+OK 3000 93000\r\n");
	for (int round = 0; round < 2; round++) {
		struct str out = str_of(pop3_ask(f, c, round ? "UIDL" : "LIST"));
		struct str line;
		ck_assert(str_split(&out, '\n', &line));
		for (int i = 1; i <= N; i++) {
			char want[30];
			ck_assert(str_split(&out, '\n', &line));
			snprintf(want, sizeof(want), round ? "%d " : "%d 31\r", i);
			ck_assert_msg(str_starts(line, str_of(want)), "%.*s", STR_ARG(line));
		}
		ck_assert_str_is(out, ".\r\n");
	}
}
END_TEST

TEST_MAIN("pop3_transaction", every_command_does_what_rfc_1939_says,
    syntax_errors_are_told_one_by_one, a_size_that_is_not_known_is_added_up,
    an_empty_maildrop_has_empty_lists, pipelined_commands_are_answered_in_order,
    what_goes_out_is_octet_by_octet_what_came_in, unique_ids_are_unique_and_stay,
    a_message_keeps_its_unique_id_when_it_is_moved_out_and_back,
    copies_of_one_message_have_unique_ids_of_their_own, the_longest_unique_id_fits,
    a_large_message_flows_as_the_peer_reads, a_message_whose_octets_are_lost_is_an_error,
    unique_ids_survive_a_copy_of_the_data, long_lists_flow_and_leave_nothing_out,
    a_run_of_retr_gives_what_each_gives_alone, what_was_read_ahead_is_as_deleted_as_the_rest)
