/* The UPDATE state, and several sessions on one maildrop: RFC 1939 §6. */
#include "common/net/conn_private.h"
#include "store/message.h"
#include "tests/pop3d/fixture.h"

#include <stdio.h>

START_TEST(quit_removes_what_is_marked_and_nothing_else)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	ck_assert_str_eq(pop3_ask(f, c, "DELE 1\r\nDELE 3"),
	    "+OK Marked for removal\r\n+OK Marked for removal\r\n");
	ck_assert_uint_eq(pop3_fixture_count(f), 3);
	ck_assert_str_eq(pop3_ask(f, c, "QUIT"), "+OK Bye\r\n");
	ck_assert(conn_memory_closed(c));
	ck_assert_uint_eq(pop3_fixture_count(f), 1);
	conn_memory_close(&c);
	c = pop3_login(f);
	const char *got = pop3_ask(f, c, "RETR 1");
	ck_assert_msg(strstr(got, "Subject: two\r\n") != NULL, "%s", got);
}
END_TEST

/* RFC 1939 §6: without QUIT nothing is removed, however the session ends. */
START_TEST(a_session_that_does_not_quit_removes_nothing)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);

	for (int how = 0; how < 4; how++) {
		CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
		pop3_ask(f, c, "DELE 1\r\nDELE 2");
		if (how == 1)
			conn_memory_eof(c);
		if (how == 2)
			conn_memory_feed(c, STR("QUIT"));
		if (how == 2)
			conn_memory_eof(c);
		if (how == 3) {
			pop3_ask(f, c, "RSET");
			ck_assert_str_eq(pop3_ask(f, c, "QUIT"), "+OK Bye\r\n");
		}
		if (how)
			ck_assert_msg(conn_memory_closed(c), "%d", how);
		conn_memory_close(&c);
		ck_assert_uint_eq(pop3_fixture_count(f), 3);
	}
}
END_TEST

START_TEST(quit_that_comes_with_the_end_of_input_counts)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	conn_memory_feed(c, STR("DELE 1\r\nQUIT\r\n"));
	conn_memory_eof(c);
	ck_assert_uint_eq(pop3_fixture_count(f), 2);
}
END_TEST

START_TEST(each_session_keeps_its_own_snapshot)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *one = pop3_login(f);
	CLEANUP(conn_memory_close) struct conn *two = pop3_login(f);

	/* one removes a message, another arrives */
	pop3_ask(f, one, "DELE 2\r\nQUIT");
	pop3_fixture_clean(f);
	pop3_fixture_deliver(f, STR("Subject: four\r\n\r\n"));

	/* two keeps its numbers; what is gone is as if DELE had marked it, to STAT too */
	static const struct dialogue rows[] = {
	    {"STAT", "+OK 2 65"},
	    {"LIST", "+OK\n1 38\n3 27\n.\n!2\n!4"},
	    {"UIDL", "+OK\n1 \n3 \n.\n!2\n!4"},
	    {"LIST 2", "-ERR Message has been deleted"},
	    {"UIDL 2", "-ERR Message has been deleted"},
	    {"RETR 2", "-ERR Message has been deleted"},
	    {"TOP 2 1", "-ERR Message has been deleted"},
	    {"DELE 2", "-ERR Message has been deleted"},
	    {"RETR 4", "-ERR No such message"},
	    {"RETR 3", "+OK\nSubject: three\n."},
	    {"DELE 3", "+OK"},
	    {"STAT", "+OK 1 38"},
	    {"RSET", "+OK"},
	    {"STAT", "+OK 2 65"},
	    {"DELE 3", "+OK"},
	    {"QUIT", "+OK\n<closed>"},
	};
	dialogue_run(two, rows, ARRAY_LEN(rows), false);
	ck_assert_uint_eq(pop3_fixture_count(f), 2); /* one and four */
}
END_TEST

/* What one session has marked and another removed is not taken from the totals twice. */
START_TEST(stat_and_list_agree_when_marked_messages_are_removed_by_another)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	pop3_ask(f, c, "DELE 1\r\nDELE 2");
	pop3_fixture_remove(f, 1);
	static const struct dialogue rows[] = {
	    {"STAT", "+OK 1 27"},
	    {"LIST", "+OK\n3 27\n.\n!1\n!2"},
	    {"RSET", "+OK"},
	    {"STAT", "+OK 2 58"},
	    {"LIST", "+OK\n2 31\n3 27\n.\n!1"},
	    {"LIST 1", "-ERR"},
	};
	dialogue_run(c, rows, ARRAY_LEN(rows), false);
}
END_TEST

/* A telephone on a slow line reads what the desktop removes: what has begun arrives whole. */
START_TEST(a_message_that_is_being_read_may_be_removed_by_another)
{
	static const size_t sizes[] = {60000, 70000, 3000000};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(sbuf_done) struct sbuf big = SBUF_INIT(1 << 22);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		sbuf_clear(&big);
		sbuf_puts(&big, "Subject: big\r\n\r\n");
		while (sbuf_view(&big).n < sizes[i])
			sbuf_puts(&big, "0123456789 0123456789 0123456789 0123456789\r\n");
		pop3_fixture_deliver(f, sbuf_view(&big));
		CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
		conn_memory_feed(c, STR("RETR 1\r\nRETR 1\r\nSTAT\r\nQUIT\r\n"));
		struct str head = conn_memory_output_some(c, f->arena, 1000);
		ck_assert(str_starts(head, STR("+OK ")));
		pop3_fixture_remove(f, 1);
		size_t got = head.n - (str_find(head, '\n') + 1);
		struct str rest = str_of(pop3_output(f, c));
		size_t left = sbuf_view(&big).n - got;
		ck_assert_uint_gt(rest.n, left);
		ck_assert(str_starts(str_skip(rest, left), STR(".\r\n")));
		rest = str_skip(rest, left + 3);
		/* the second RETR ran before the removal where there was room for its output */
		ck_assert(str_starts(rest, STR("+OK ")) ||
			  str_starts(rest, STR("-ERR Message has been deleted\r\n+OK 0 0\r\n")));
		ck_assert(conn_memory_closed(c));
		ck_assert_uint_eq(pop3_fixture_count(f), 0);
	}
}
END_TEST

START_TEST(two_sessions_may_remove_the_same_message)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *one = pop3_login(f);
	CLEANUP(conn_memory_close) struct conn *two = pop3_login(f);

	pop3_ask(f, one, "DELE 1\r\nDELE 2");
	pop3_ask(f, two, "DELE 2\r\nDELE 3");
	ck_assert_str_eq(pop3_ask(f, one, "QUIT"), "+OK Bye\r\n");
	ck_assert_str_eq(pop3_ask(f, two, "QUIT"), "+OK Bye\r\n");
	ck_assert_uint_eq(pop3_fixture_count(f), 0);
}
END_TEST

/* The account is removed under the session: UPDATE can't be, and nothing is half done. */
START_TEST(an_update_that_fails_is_an_error_and_removes_nothing)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);

	pop3_ask(f, c, "DELE 1\r\nDELE 2");
	ck_assert_ok(directory_remove_account(f->store, STR("ann@example.test")));
	const char *got = pop3_ask(f, c, "QUIT");
	ck_assert_msg(strncmp(got, "-ERR [SYS/TEMP] Nothing was removed", 35) == 0, "%s", got);
	ck_assert(conn_memory_closed(c));
}
END_TEST

/* The daemon stops: a word, no UPDATE; a response that has begun is written to its end first. */
START_TEST(a_stop_ends_sessions_without_update)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *before = pop3_connect(f, NULL);
	CLEANUP(conn_memory_close) struct conn *after = pop3_login(f);
	CLEANUP(sbuf_done) struct sbuf big = SBUF_INIT(1 << 22);

	sbuf_puts(&big, "Subject: big\r\n\r\n");
	for (int i = 0; i < 100000; i++)
		sbuf_puts(&big, "0123456789\r\n");
	pop3_fixture_deliver(f, sbuf_view(&big));
	CLEANUP(conn_memory_close) struct conn *busy = pop3_login(f);

	pop3_output(f, before);
	conn_notify(before, CONN_EV_STOP);
	conn_memory_run(before);
	ck_assert_str_eq(pop3_output(f, before),
	    "-ERR [SYS/TEMP] Server is shutting down, nothing was removed\r\n");
	ck_assert(conn_memory_closed(before));

	pop3_ask(f, after, "DELE 1");
	conn_notify(after, CONN_EV_STOP);
	conn_memory_run(after);
	ck_assert_msg(strncmp(pop3_output(f, after), "-ERR [SYS/TEMP]", 15) == 0, "no word");
	ck_assert(conn_memory_closed(after));

	conn_memory_feed(busy, STR("RETR 4\r\nQUIT\r\n"));
	conn_notify(busy, CONN_EV_STOP);
	conn_memory_run(busy);
	const char *got = pop3_output(f, busy);
	ck_assert_ptr_nonnull(strstr(got, "\r\n0123456789\r\n.\r\n-ERR [SYS/TEMP]"));
	ck_assert_uint_eq(pop3_fixture_count(f), 4);
}
END_TEST

START_TEST(retr_sets_no_flag)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	struct maildrop m;

	pop3_ask(f, c, "RETR 1\r\nTOP 2 0\r\nQUIT");
	ck_assert_ok(maildrop_open(f->store, f->account, &m));
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(view_at(m.view, i)->flags, 0);
	ck_assert(m.octets_known);
	ck_assert_uint_eq(m.octets, 96);
	maildrop_close(&m);
}
END_TEST

/* Every second of many: the set has as many ranges as messages. */
START_TEST(marks_of_many_messages_are_removed_at_once)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(account_unref) struct account *account = NULL;
	enum { N = 2000 };
	static struct append items[N];
	struct mailbox_info inbox;
	uint32_t uidvalidity;

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, "\r\n", 2));
	for (int i = 0; i < N; i++)
		items[i].spool = spool;
	ck_assert_ok(account_open(f->store, f->account, &account));
	ck_assert_ok(mailbox_find(account, STR("INBOX"), f->arena, &inbox));
	ck_assert_ok(message_append(account, inbox.id, items, N, &uidvalidity));
	CLEANUP(conn_memory_close) struct conn *c = pop3_login(f);
	for (int i = 1; i <= N; i += 2) {
		char line[20];
		snprintf(line, sizeof(line), "DELE %d", i);
		ck_assert_str_eq(pop3_ask(f, c, line), "+OK Marked for removal\r\n");
	}
	ck_assert_str_eq(pop3_ask(f, c, "STAT"), "+OK 1000 2000\r\n");
	ck_assert_str_eq(pop3_ask(f, c, "QUIT"), "+OK Bye\r\n");
	ck_assert_uint_eq(pop3_fixture_count(f), N / 2);
}
END_TEST

TEST_MAIN("pop3_update", quit_removes_what_is_marked_and_nothing_else,
    a_session_that_does_not_quit_removes_nothing, quit_that_comes_with_the_end_of_input_counts,
    each_session_keeps_its_own_snapshot, a_message_that_is_being_read_may_be_removed_by_another,
    stat_and_list_agree_when_marked_messages_are_removed_by_another,
    two_sessions_may_remove_the_same_message, an_update_that_fails_is_an_error_and_removes_nothing,
    a_stop_ends_sessions_without_update, retr_sets_no_flag,
    marks_of_many_messages_are_removed_at_once)
