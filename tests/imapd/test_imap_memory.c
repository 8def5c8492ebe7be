/* What sessions may do while the daemon has as much memory as it may have. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/conn_private.h"
#include "imapd/imap_read.h"
#include "store/changes.h"
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

static enum fullness
fullness(void *arg)
{
	return *(const enum fullness *)arg;
}

/* With 1,024 messages in Large and three in INBOX, which is selected. */
static struct imap_fixture *
open_with(enum fullness *is)
{
	struct imap_fixture *f = imap_fixture_open("Inbox:3", "Large:1");

	*is = MEMORY_THERE;
	store_set_memory(f->store, fullness, is);
	ck_exchange(f, "0 SELECT Large", "* 1 EXISTS\n0 OK");
	for (int i = 0; i < 10; i++)
		ck_exchange(f, "0 COPY 1:* Large\n00 NOOP", "0 OK\n00 OK");
	ck_exchange(f, "0 SELECT INBOX", "* 3 EXISTS\n0 OK");
	return f;
}

/* What is small goes on, so that sessions can be ended and mail be marked; what is not is tried
 * again (RFC 5530 §3: LIMIT). */
static const struct dialogue goes_on[] = {
    {"1 NOOP", "1 OK"},
    {"2 FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE)", "* 1 FETCH (UID 1 FLAGS (\n2 OK"},
    {"3 FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "* 1 FETCH (BODY\n3 OK"},
    {"4 STORE 1 +FLAGS (\\Flagged)", "* 1 FETCH (FLAGS (\n4 OK"},
    {"5 EXAMINE INBOX", "* 3 EXISTS\n5 OK"},
    {"6 SELECT INBOX", "* 3 EXISTS\n6 OK"},
    {"7 CAPABILITY", "* CAPABILITY IMAP4rev1\n7 OK"},
    {"8 FETCH 1 BODY[", "8 BAD"},
};

static const struct dialogue takes_much[] = {
    {"10 SEARCH TEXT message", "10 NO [LIMIT] No memory for it now"},
    {"11 UID SORT (SUBJECT) UTF-8 ALL", "11 NO [LIMIT]"},
    {"12 THREAD REFERENCES UTF-8 ALL", "12 NO [LIMIT]"},
    {"13 COMPRESS DEFLATE", "13 NO [LIMIT]"},
    {"14 SELECT Large", "14 NO [LIMIT]"},
    {"15 SELECT INBOX", "* 3 EXISTS\n15 OK"},
};

static const struct dialogue takes_some[] = {
    {"20 FETCH 1 BODY.PEEK[]", "20 NO [LIMIT] No memory for it now"},
    {"21 UID FETCH 1:* (FLAGS BODY.PEEK[TEXT])", "21 NO [LIMIT]"},
    {"22 FETCH 1 BINARY.SIZE[1]", "22 NO [LIMIT]"},
    {"23 APPEND INBOX {10}", "23 NO [LIMIT]"},
    {"24 APPEND INBOX {10+}\r\n0123456789", "24 NO [LIMIT]"},
};

START_TEST(the_fuller_memory_is_the_more_is_refused_for_now)
{
	enum fullness is;
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with(&is);

	is = MEMORY_BRIMFUL;
	dialogue_run(f->conn, goes_on, ARRAY_LEN(goes_on), false);
	dialogue_run(f->conn, takes_much, ARRAY_LEN(takes_much), false);
	dialogue_run(f->conn, takes_some, ARRAY_LEN(takes_some), false);
	is = MEMORY_FULL;
	dialogue_run(f->conn, goes_on, ARRAY_LEN(goes_on), false);
	dialogue_run(f->conn, takes_much, ARRAY_LEN(takes_much), false);
	ck_exchange(f, "30 FETCH 1 BODY.PEEK[TEXT]", "* 1 FETCH (BODY[TEXT] {\n30 OK");
	ck_exchange(f, "31 APPEND INBOX {10+}\r\n0123456789", "* 4 EXISTS\n31 OK");
	is = MEMORY_THERE;
	ck_exchange(f, "32 SEARCH TEXT message", "* SEARCH 1 2 3\n32 OK");
	ck_exchange(f, "33 FETCH 1 BODY[TEXT]", "* 1 FETCH (BODY[TEXT] {\n33 OK");
	ck_exchange(f, "34 SELECT Large", "* 1024 EXISTS\n34 OK");
	ck_exchange(f, "35 COMPRESS DEFLATE", "35 OK");
}
END_TEST

/* `head`, so many octets, `tail`. */
static void
say(struct imap_fixture *f, const char *head, size_t octets, const char *tail)
{
	CLEANUP(mem_free) char *text = malloc(octets + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', octets);
	conn_memory_feed(f->conn, str_of(head));
	conn_memory_feed(f->conn, str_make(text, octets));
	conn_memory_feed(f->conn, str_of(tail));
}

/* The rest of what is refused is never run, and what comes behind it is. */
START_TEST(a_command_that_comes_in_pieces_is_held_while_there_is_memory)
{
	static const struct {
		const char *head;
		size_t octets;
		const char *tail, *there, *full, *brimful;
	} rows[] = {
	    {"1 SEARCH SUBJECT {400+}\r\n", 400, "\r\n2 NOOP\r\n", "* SEARCH\n1 OK\n2 OK",
		"1 NO [LIMIT]\n2 OK", "1 NO [LIMIT]\n2 OK"},
	    {"1 STATUS {600+}\r\n", 600, " (UIDNEXT)\r\n2 NOOP\r\n", "1 NO [NONEXISTENT]\n2 OK",
		"1 NO [NONEXISTENT]\n2 OK", "1 NO [LIMIT]\n2 OK"},
	    {"1 STATUS {600}\r\n", 600, " (UIDNEXT)\r\n2 NOOP\r\n", "+ \n1 NO [NONEXISTENT]\n2 OK",
		"+ \n1 NO [NONEXISTENT]\n2 OK", "1 NO [LIMIT]\n* NO [LIMIT]\n2 OK"},
	    {"1 STATUS {4096+}\r\n", 4096, " (UIDNEXT)\r\n2 NOOP\r\n", "1 NO [NONEXISTENT]\n2 OK",
		"1 NO [LIMIT]\n2 OK", "1 NO [LIMIT]\n2 OK"},
	    {"1 STATUS ", 600, " (UIDNEXT)\r\n2 NOOP\r\n", "1 NO [NONEXISTENT]\n2 OK",
		"1 NO [NONEXISTENT]\n2 OK", "1 NO [LIMIT]\n2 OK"},
	    {"1 STATUS ", 5000, " (UIDNEXT)\r\n2 NOOP\r\n", "1 NO [CANNOT]\n2 OK",
		"1 NO [LIMIT]\n2 OK", "1 NO [LIMIT]\n2 OK"},
	};

	enum fullness is = MEMORY_THERE;
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "0 SELECT INBOX", "0 OK");
	store_set_memory(f->store, fullness, &is);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const expected[] = {[MEMORY_THERE] = rows[i].there,
		    [MEMORY_CROWDED] = rows[i].there,
		    [MEMORY_FULL] = rows[i].full,
		    [MEMORY_BRIMFUL] = rows[i].brimful};
		for (is = MEMORY_THERE; is <= MEMORY_BRIMFUL; is++) {
			say(f, rows[i].head, rows[i].octets, rows[i].tail);
			ck_exchange(f, NULL, expected[is]);
		}
	}
}
END_TEST

/* RFC 4469: between octets there are literals that are arguments, and lines. */
START_TEST(an_append_that_is_under_way_is_refused_for_now)
{
	static const struct {
		const char *begins, *goes_on;
	} rows[] = {
	    {"1 APPEND INBOX {10+}\r\n0123456789 CATENATE (URL {600+}\r\n", ")\r\n2 NOOP\r\n"},
	    {"1 APPEND INBOX {10+}\r\n0123456789", "\r\n2 NOOP\r\n"},
	};
	enum fullness is = MEMORY_THERE;
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "0 SELECT INBOX", "* 1 EXISTS\n0 OK");
	store_set_memory(f->store, fullness, &is);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		conn_memory_feed(f->conn, str_of(rows[i].begins));
		is = MEMORY_BRIMFUL;
		say(f, i ? " " : "", 550, "");
		say(f, "", 50, rows[i].goes_on);
		ck_exchange(f, NULL, "1 NO [LIMIT]\n2 OK");
		is = MEMORY_THERE;
		ck_exchange(f, "3 STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 1)\n3 OK");
	}
}
END_TEST

START_TEST(want_of_memory_is_no_mistake_of_the_client)
{
	enum fullness is = MEMORY_BRIMFUL;
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "0 SELECT INBOX", "* 1 EXISTS\n0 OK");
	store_set_memory(f->store, fullness, &is);
	for (int i = 0; i < 50; i++)
		ck_exchange(f, "1 STATUS {600}", "1 NO [LIMIT]");
	ck_exchange(f, "2 NOOP", "2 OK");
}
END_TEST

/* Who waits to be told of mail does not keep the daemon waiting (hub_shed()). */
START_TEST(who_idles_or_rests_is_in_the_middle_of_nothing)
{
	static const struct {
		const char *say;
		bool is;
	} rows[] = {
	    {"1 NOOP\r\n", false},
	    {"2 STATUS {5}\r\n", true},
	    {"INBOX (UIDNEXT)\r\n", false},
	    {"3 APPEND INBOX {10}\r\n", true},
	    {"01234", true},
	    {"56789\r\n", false},
	    {"4 IDLE\r\n", false},
	    {"DONE\r\n", false},
	    {"5 NOTIFY SET (SELECTED (MessageNew MessageExpunge))\r\n", false},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "0 SELECT INBOX", "* 1 EXISTS\n0 OK");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		conn_memory_feed(f->conn, str_of(rows[i].say));
		conn_memory_output(f->conn, f->arena);
		ck_assert_msg(f->conn->in_the_middle == rows[i].is, "%s", rows[i].say);
	}
}
END_TEST

static unsigned full_lines;

static void
count_full(void *arg, struct str line)
{
	(void)arg;
	full_lines += str_find_nocase(line, STR("memory_full")) != STR_NONE;
}

START_TEST(the_log_says_once_a_minute_that_memory_is_full)
{
	enum fullness is = MEMORY_FULL;

	clock_freeze(1000000000);
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");
	store_set_memory(f->store, fullness, &is);
	ck_exchange(f, "0 SELECT INBOX", "0 OK");
	full_lines = 0;
	ck_assert_ok(log_open("test", "stderr", LOG_LEVEL_WARN));
	log_capture(count_full, NULL);
	for (int i = 0; i < 3; i++)
		ck_exchange(f, "1 SEARCH TEXT x", "1 NO [LIMIT]");
	ck_assert_uint_eq(full_lines, 1);
	clock_advance_ms(LOG_RATION_MS);
	ck_exchange(f, "1 SEARCH TEXT x", "1 NO [LIMIT]");
	ck_assert_uint_eq(full_lines, 2);
	log_capture(NULL, NULL);
	clock_thaw();
}
END_TEST

TEST_MAIN("imap_memory", want_of_memory_is_no_mistake_of_the_client,
    who_idles_or_rests_is_in_the_middle_of_nothing,
    the_fuller_memory_is_the_more_is_refused_for_now,
    a_command_that_comes_in_pieces_is_held_while_there_is_memory,
    an_append_that_is_under_way_is_refused_for_now, the_log_says_once_a_minute_that_memory_is_full)
