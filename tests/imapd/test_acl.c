/* Rights (RFC 4314) and mailboxes that others share, in conversations of the owner, ann, with two
 * who look in: bob and cat. */
#include "imapd/list_rows.h"
#include "tests/imapd/imap_fixture.h"
#include "tests/support/test.h"

#include <stdio.h>

#define ANNS "\"Other Users/ann@example.test/"
#define WORK ANNS "Work\""

/* Whose session sends it: 'a', 'b' or 'c'. */
struct turn {
	char who;
	const char *send, *expect;
};

struct three {
	struct imap_fixture *f;
	struct conn *conn[3];
};

static struct three
open_three(const char *const *mailboxes)
{
	struct three t = {
	    .f = imap_fixture_open_with(mailboxes, "imapd { share_with_all = yes }\n")};

	t.conn[0] = t.f->conn;
	t.conn[1] = imap_fixture_connect_as(t.f, "bob@example.test");
	t.conn[2] = imap_fixture_connect_as(t.f, "cat@example.test");
	return t;
}

static void
run(const struct turn *turns, size_t n, const char *const *mailboxes, bool by_byte)
{
	struct three t = open_three(mailboxes);

	for (size_t i = 0; i < n; i++) {
		const struct dialogue row = {turns[i].send, turns[i].expect};
		dialogue_row(t.conn[turns[i].who - 'a'], &row, by_byte);
	}
	imap_fixture_close(&t.f);
}

#define TURNS_TEST(name, turns, ...)                                                               \
	START_TEST(name)                                                                           \
	{                                                                                          \
		const char *const boxes_[] = {__VA_ARGS__, NULL};                                  \
		run(turns, ARRAY_LEN(turns), boxes_, false);                                       \
		run(turns, ARRAY_LEN(turns), boxes_, true);                                        \
	}                                                                                          \
	END_TEST

/* clang-format off */
static const struct turn lists[] = {
	{'a', "1 CAPABILITY", "* CAPABILITY\n1 OK"},
	{'a', "2 GETACL Work", "* ACL Work ann@example.test lrswipkxteacd\n2 OK"},		/* RFC 4314 §3.3 */
	{'a', "3 SETACL Work bob@example.test lrs", "3 OK"},					/* §3.1 */
	{'a', "4 SETACL Work BOB +w", "4 OK"},
	{'a', "5 SETACL Work bob -s", "5 OK"},
	{'a', "6 GETACL Work", "* ACL Work ann@example.test lrswipkxteacd bob@example.test lrw\n6 OK"},
	{'a', "7 SETACL Work bob lrQ", "7 BAD Expected rights"},				/* §3.1: MUST be BAD */
	{'a', "8 SETACL Work bob lrq", "8 BAD"},
	{'a', "9 SETACL Work nobody lr", "9 NO [NONEXISTENT] There is no such user"},
	{'a', "10 SETACL Work \"\" lr", "10 BAD"},						/* §3 */
	{'a', "11 SETACL Work bob@example.test lrswida", "11 OK"},				/* §2.1.1 */
	{'a', "12 GETACL Work", "* ACL Work ann@example.test lrswipkxteacd bob@example.test lrswitead\n12 OK"},
	{'a', "13 SETACL Work -bob w", "13 OK"},						/* §2 */
	{'a', "14 GETACL Work", "* ACL Work ann@example.test lrswipkxteacd bob@example.test lrswitead -bob@example.test w\n14 OK"},
	{'b', "15 MYRIGHTS " WORK, "* MYRIGHTS " WORK " lrsitead\n15 OK"},			/* §3.5 */
	{'a', "16 DELETEACL Work -bob", "16 OK"},						/* §3.2 */
	{'b', "17 MYRIGHTS " WORK, "* MYRIGHTS " WORK " lrswitead\n17 OK"},
	{'a', "18 SETACL Work anyone k", "18 OK"},
	{'b', "19 MYRIGHTS " WORK, "* MYRIGHTS " WORK " lrswikteacd\n19 OK"},
	{'c', "20 MYRIGHTS " WORK, "* MYRIGHTS " WORK " kc\n20 OK"},
	{'a', "21 LISTRIGHTS Work bob", "* LISTRIGHTS Work bob \"\" l r s w i p k x t e c d a\n21 OK"},	/* §3.4 */
	{'a', "22 LISTRIGHTS Work ann", "* LISTRIGHTS Work ann lrswipkxteacd\n22 OK"},
	{'a', "23 LISTRIGHTS Work anyone", "* LISTRIGHTS Work anyone \"\" l r\n23 OK"},
	{'a', "24 MYRIGHTS Work", "* MYRIGHTS Work lrswipkxteacd\n24 OK"},
	{'a', "25 SETACL Work ann lr", "25 NO [CANNOT] The owner of a mailbox always has all rights"},
	{'a', "26 GETACL Nowhere", "26 NO [NONEXISTENT]"},
	{'a', "27 SETACL Nowhere bob l", "27 NO [NONEXISTENT]"},
	{'a', "28 DELETEACL Work bob", "28 OK"},
	{'a', "29 DELETEACL Work bob", "29 OK"},
	{'a', "30 GETACL Work extra", "30 BAD"},
	{'a', "31 SETACL Work bob", "31 BAD"},
	{'a', "32 MYRIGHTS", "32 BAD"},
	{'a', "33 SETACL Work bob \"\"", "33 OK"},
	{'a', "34 GETACL Work", "* ACL Work ann@example.test lrswipkxteacd anyone kc\n34 OK"},
	{'b', "35 SETACL " WORK " cat l", "35 NO [NONEXISTENT]"},				/* no l: §6 */
	{'a', "36 SETACL Work bob l", "36 OK"},
	{'b', "37 SETACL " WORK " cat l", "37 NO [NOPERM]"},					/* §4: a */
	{'b', "38 GETACL " WORK, "38 NO [NOPERM]"},
	{'b', "39 LISTRIGHTS " WORK " cat", "39 NO [NOPERM]"},
	{'a', "40 SETACL Work bob la", "40 OK"},
	{'b', "41 SETACL " WORK " cat r", "41 OK"},
	{'b', "42 GETACL " WORK, "* ACL " WORK " ann@example.test lrswipkxteacd anyone kc bob@example.test la cat@example.test r\n42 OK"},
	{'b', "43 SETACL " WORK " ann@example.test l", "43 NO [CANNOT]"},
};
TURNS_TEST(lists_of_rights_are_set_and_told, lists, "Work:0")

static const struct turn seeing[] = {
	{'b', "1 NAMESPACE", "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL\n1 OK"},	/* RFC 2342 §5 */
	{'b', "2 LIST \"\" \"Other Users/*\"", "2 OK"},
	{'b', "3 SELECT " WORK, "3 NO [NONEXISTENT]"},
	{'b', "4 STATUS " WORK " (MESSAGES)", "4 NO [NONEXISTENT]"},
	{'a', "5 SETACL Work bob lr", "5 OK"},
	{'b', "6 LIST \"\" \"Other Users/*\"", "* LIST (\\HasNoChildren) \"/\" " WORK "\n6 OK"},	/* RFC 4314 §4: l */
	{'c', "7 LIST \"\" \"Other Users/*\"", "7 OK"},
	{'c', "8 SELECT " WORK, "8 NO [NONEXISTENT]"},
	{'b', "9 SELECT " WORK, "* OK [PERMANENTFLAGS ()]\n* 3 EXISTS\n9 OK [READ-ONLY]"},	/* §5.2 */
	{'b', "10 FETCH 1 (UID FLAGS BODY[TEXT])", "* 1 FETCH (UID 1 FLAGS () BODY[TEXT] {20}\n10 OK"},	/* §4: no s */
	{'b', "11 STORE 1 +FLAGS (\\Seen)", "11 NO [NOPERM]"},
	{'b', "12 EXPUNGE", "12 NO [NOPERM]"},
	{'a', "13 SETACL Work bob +s", "13 OK"},
	{'b', "14 NOOP", "* OK [PERMANENTFLAGS (\\Seen)]\n14 OK"},			/* §5.1.1 */
	{'b', "15 STORE 1 +FLAGS (\\Seen \\Flagged)", "* 1 FETCH (FLAGS (\\Seen))\n15 OK"},	/* §4: changes what he may */
	{'b', "16 FETCH 2 BODY[TEXT]", "* 2 FETCH (BODY[TEXT] {20}\n16 OK"},
	{'b', "17 SEARCH UNSEEN", "* SEARCH 3\n17 OK"},
	{'b', "18 STATUS " WORK " (MESSAGES UNSEEN)", "* STATUS " WORK " (MESSAGES 3 UNSEEN 1)\n18 OK"},
	{'a', "19 STATUS Work (MESSAGES UNSEEN)", "* STATUS Work (MESSAGES 3 UNSEEN 3)\n19 OK"},
	{'a', "20 SELECT Work", "20 OK [READ-WRITE]"},
	{'a', "21 STORE 3 +FLAGS (\\Seen \\Answered)", "21 OK"},
	{'b', "22 NOOP", "* 3 FETCH (FLAGS (\\Answered))\n22 OK"},
	{'b', "23 STORE 2 -FLAGS (\\Seen)", "* 2 FETCH (FLAGS ())\n23 OK"},
	{'b', "24 SEARCH UNSEEN", "* SEARCH 2 3\n24 OK"},
	{'a', "25 SETACL Work cat lrs", "25 OK"},
	{'c', "26 SELECT " WORK, "26 OK"},
	{'c', "27 SEARCH SEEN", "* SEARCH\n27 OK"},
	{'c', "28 EXAMINE " WORK, "28 OK [READ-ONLY]"},
	{'c', "29 LIST (SUBSCRIBED) \"\" *", "29 OK"},
};
TURNS_TEST(each_sees_a_shared_mailbox_with_flags_of_his_own, seeing, "Work:3")

static const struct turn losing[] = {
	{'a', "1 SETACL Work bob lrs", "1 OK"},
	{'b', "2 SELECT " WORK, "2 OK"},
	{'a', "3 SETACL Work bob \"\"", "3 OK"},
	{'b', "4 FETCH 1 FLAGS", "* NO [NONEXISTENT]\n4 NO [NONEXISTENT]"},			/* RFC 4314 §5.1.1 */
	{'b', "5 LIST \"\" \"Other Users/*\"", "5 OK"},
	{'b', "6 NOOP", "6 OK"},
	{'a', "7 SETACL Work bob lr", "7 OK"},
	{'b', "8 SELECT " WORK, "8 OK"},
	{'a', "9 DELETE Work", "9 OK"},
	{'b', "10 NOOP", "* NO [NONEXISTENT]\n10 OK"},
};
TURNS_TEST(who_may_read_no_more_loses_the_mailbox, losing, "Work:1")

static const struct turn writing[] = {
	{'a', "1 SETACL Work bob lrswiteapkx", "1 OK"},
	{'b', "2 SELECT " WORK, "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)]\n2 OK [READ-WRITE]"},
	{'b', "3 STORE 1 +FLAGS (\\Deleted $Word)", "* 1 FETCH (FLAGS (\\Deleted $Word))\n3 OK"},
	{'b', "4 EXPUNGE", "* 1 EXPUNGE\n4 OK"},
	{'a', "5 STATUS Work (MESSAGES)", "* STATUS Work (MESSAGES 2)\n5 OK"},
	{'b', "6 APPEND " WORK " (\\Seen $Word) {6+}\r\na: b\r\n", "* 3 EXISTS\n6 OK [APPENDUID # 4]"},
	{'b', "7 FETCH 3 FLAGS", "* 3 FETCH (FLAGS (\\Seen $Word \\Recent))\n7 OK"},
	{'a', "8 STATUS Work (MESSAGES UNSEEN)", "* STATUS Work (MESSAGES 3 UNSEEN 3)\n8 OK"},
	{'a', "9 SETACL Work bob li", "9 OK"},
	{'b', "10 UNSELECT", "* NO [NONEXISTENT]\n10 NO [NONEXISTENT]"},
	{'b', "11 APPEND " WORK " (\\Seen \\Flagged $Word) {6+}\r\na: b\r\n", "11 OK APPEND completed"},	/* §4: flags are left out; RFC 4315 §3: no UID */
	{'a', "12 SELECT Work", "12 OK"},
	{'a', "13 FETCH 4 FLAGS", "* 4 FETCH (FLAGS (\\Recent))\n13 OK"},
	{'a', "14 SETACL Work bob lr", "14 OK"},
	{'b', "15 APPEND " WORK " {6+}\r\na: b\r\n", "15 NO [NOPERM]"},
	{'b', "16 CREATE " ANNS "Work/x\"", "16 NO [NOPERM]"},					/* §4: k of the parent */
	{'b', "17 CREATE " ANNS "y\"", "17 NO [NOPERM]"},
	{'b', "18 CREATE \"Other Users/zoe@example.test/y\"", "18 NO [NONEXISTENT]"},
	{'b', "19 CREATE \"Other Users/y\"", "19 NO [CANNOT]"},
	{'b', "20 DELETE " WORK, "20 NO [NOPERM]"},						/* §4: x */
	{'b', "21 RENAME " WORK " " ANNS "Old\"", "21 NO [NOPERM]"},
	{'a', "22 SETACL Work bob lrkx", "22 OK"},
	{'b', "23 CREATE " ANNS "Work/x\"", "23 OK"},
	{'b', "24 MYRIGHTS " ANNS "Work/x\"", "* MYRIGHTS " ANNS "Work/x\" lrkxc\n24 OK"},	/* §4: it inherits */
	{'b', "25 RENAME " ANNS "Work/x\" " ANNS "Work/z\"", "25 OK"},
	{'b', "26 RENAME " ANNS "Work/z\" Mine", "26 NO [CANNOT]"},
	{'b', "27 LIST \"\" \"Other Users/*\"", "* LIST (\\HasChildren) \"/\" " WORK "\n* LIST (\\HasNoChildren) \"/\" " ANNS "Work/z\"\n27 OK"},
	{'b', "28 DELETE " ANNS "Work/z\"", "28 OK"},
	{'a', "29 LIST \"\" Work/*", "29 OK"},
};
TURNS_TEST(rights_are_asked_for_everywhere, writing, "Work:3")

static const struct turn subscribing[] = {
	{'b', "1 SUBSCRIBE " WORK, "1 NO [NONEXISTENT]"},
	{'a', "2 SETACL Work bob lr", "2 OK"},
	{'b', "3 SUBSCRIBE \"Other Users/ANN@example.test/Work\"", "3 OK"},
	{'b', "4 LSUB \"\" \"Other*\"", "* LSUB (\\HasNoChildren) \"/\" " WORK "\n4 OK"},
	{'b', "5 LIST (SUBSCRIBED) \"\" \"Other*\"", "* LIST (\\Subscribed \\HasNoChildren) \"/\" " WORK "\n5 OK"},
	{'a', "6 DELETEACL Work bob", "6 OK"},
	{'b', "7 LSUB \"\" \"Other*\"", "* LSUB () \"/\" " WORK "\n7 OK"},
	{'b', "8 UNSUBSCRIBE " WORK, "8 OK"},							/* RFC 4314 §4: no rights */
	{'b', "9 LSUB \"\" \"Other*\"", "9 OK"},
};
TURNS_TEST(shared_mailboxes_can_be_subscribed_to, subscribing, "Work:0")
static const struct turn transferring[] = {
	{'a', "1 SETACL Work bob lrs", "1 OK"},
	{'b', "2 SELECT " WORK, "2 OK"},
	{'b', "3 STORE 2 +FLAGS.SILENT (\\Seen)", "3 OK"},
	{'b', "4 COPY 1:3 INBOX", "4 OK [COPYUID # 1:3 1:3]"},
	{'b', "5 MOVE 1 INBOX", "5 NO [NOPERM]"},						/* RFC 6851 §4.2 */
	{'b', "6 COPY 1 " WORK, "6 NO [NOPERM]"},						/* RFC 4314 §4: i */
	{'b', "7 SELECT INBOX", "* 3 EXISTS\n7 OK"},
	{'b', "8 FETCH 1:3 (FLAGS BODY.PEEK[TEXT])", "* 1 FETCH (FLAGS (\\Recent) BODY[TEXT] {20}\n* 2 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {20}\n8 OK"},
	{'b', "9 STORE 1 +FLAGS (\\Flagged $Word)", "9 OK"},
	{'a', "10 SETACL Work bob lrsi", "10 OK"},
	{'b', "11 COPY 1:2 " WORK, "11 OK [COPYUID # 1:2 4:5]"},
	{'a', "12 SELECT Work", "* 5 EXISTS\n12 OK"},
	{'a', "13 FETCH 4:5 FLAGS", "* 4 FETCH (FLAGS (\\Recent))\n* 5 FETCH (FLAGS (\\Recent))\n13 OK"},	/* §4: no w */
	{'b', "14 STATUS " WORK " (UNSEEN)", "* STATUS " WORK " (UNSEEN 3)\n14 OK"},
	{'a', "15 SETACL Work bob lrswite", "15 OK"},
	{'b', "16 UID MOVE 3 " WORK, "* OK [COPYUID # 3 6]\n* 3 EXPUNGE\n16 OK"},
	{'b', "17 SELECT " WORK, "* 6 EXISTS\n17 OK"},
	{'b', "18 MOVE 6 INBOX", "* OK [COPYUID # 6 4]\n* 6 EXPUNGE\n18 OK"},
	{'a', "19 NOOP", "19 OK"},
	{'b', "20 COPY 1 \"Other Users/ann@example.test/Nope\"", "20 NO [TRYCREATE]"},
	{'b', "21 COPY 1 " ANNS "INBOX\"", "21 NO [TRYCREATE]"},				/* hidden: as if it were not there */
};
TURNS_TEST(messages_go_from_one_account_to_the_other, transferring, "Work:3")

static const struct turn searching_selected[] = {
	{'a', "1 SETACL Work bob rs", "1 OK"},							/* no "l": LIST does not show it */
	{'b', "2 SELECT " WORK, "2 OK"},
	{'b', "3 ESEARCH IN (selected) ALL", "* ESEARCH (TAG \"3\" MAILBOX " WORK " UIDVALIDITY #) UID ALL 1:2\n3 OK"},	/* RFC 7377 §2.1 */
};
TURNS_TEST(esearch_names_a_mailbox_as_the_viewer_knows_it, searching_selected, "Work:2")

static const struct turn hearing_of_anyone[] = {
	{'b', "1 NOTIFY SET (subtree \"Other Users\" (MailboxName))", "1 OK"},
	{'b', "2 IDLE", "+ idling"},
	{'a', "3 SETACL Work anyone lr", "3 OK"},
	{'b', "DONE", "* LIST (\\HasNoChildren) \"/\" " WORK "\n2 OK"},
};

static const struct turn watching[] = {
	{'a', "1 SETACL Work bob lrs", "1 OK"},
	{'b', "2 SELECT " WORK, "2 OK"},
	{'b', "3 IDLE", "+ idling"},
	{'a', "4 SELECT Work", "4 OK"},
	{'a', "5 STORE 1 +FLAGS.SILENT (\\Flagged)", "5 OK"},
	{'b', "DONE", "* 1 FETCH (FLAGS (\\Flagged))\n3 OK"},
	{'b', "6 IDLE", "+ idling"},
	{'a', "7 SETACL Work bob lr", "7 OK"},
	{'b', "DONE", "* OK [PERMANENTFLAGS ()]\n6 OK"},
	{'b', "8 IDLE", "+ idling"},
	{'a', "9 DELETEACL Work bob", "9 OK"},
	{'b', "DONE", "* NO [NONEXISTENT]\n8 OK"},
};
TURNS_TEST(notify_hears_of_rights_given_to_anyone, hearing_of_anyone, "Work:1")

/* Many who share: their databases are looked into one at a time. */
START_TEST(what_others_share_is_gathered_account_by_account)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(imap_gather_free) struct list_gathering *g = NULL;
	struct list_rows rows = {0};
	bool done = false;
	unsigned steps = 0;
	size_t shared = 0;

	for (int i = 0; i < 5; i++) {
		char address[40];
		snprintf(address, sizeof(address), "u%d@example.test", i);
		ck_exchange_on(
		    imap_fixture_connect_as(f, address), "1 SETACL INBOX ann lr", "1 OK");
		imap_fixture_drop(f);
	}
	ck_assert_ok(imap_gather_begin(f->session, f->arena, &g));
	for (; !done; steps++)
		ck_assert_ok(imap_gather_step(g, &rows, &done));
	ck_assert_uint_eq(steps, 5);
	for (size_t i = 0; i < rows.n; i++)
		shared += rows.row[i].folder.viewer != VIEWER_OWNER;
	ck_assert_uint_eq(shared, 5);
	ck_exchange(f, "2 LIST \"\" \"Other*\"",
	    "* LIST (\\HasNoChildren) \"/\" \"Other Users/u0@example.test/INBOX\"\n2 OK");
}
END_TEST

TURNS_TEST(idle_hears_of_another_account, watching, "Work:1")
static const struct turn elsewhere[] = {
	{'a', "1 SETACL Work bob lrst", "1 OK"},
	{'b', "2 LIST \"\" \"Other*\" RETURN (MYRIGHTS)", "* LIST (\\HasNoChildren) \"/\" " WORK "\n* MYRIGHTS " WORK " lrstd\n2 OK"},	/* RFC 8440 §3.1 */
	{'b', "3 LIST \"\" \"Other*\" RETURN (STATUS (UNSEEN))", "* STATUS " WORK " (UNSEEN 2)\n3 OK"},
	{'b', "4 SELECT " WORK, "* OK [PERMANENTFLAGS (\\Deleted \\Seen)]\n4 OK [READ-WRITE]"},
	{'b', "5 STORE 1 +FLAGS.SILENT (\\Deleted \\Seen)", "5 OK"},
	{'b', "6 CLOSE", "6 OK"},								/* RFC 4314 §4: ignored without e */
	{'b', "7 STATUS " WORK " (MESSAGES UNSEEN)", "* STATUS " WORK " (MESSAGES 2 UNSEEN 1)\n7 OK"},
	{'b', "8 STORE 1 +FLAGS (\\Flagged)", "8 BAD"},
	{'b', "9 SELECT " WORK, "9 OK"},
	{'b', "10 STORE 1 +FLAGS (\\Flagged)", "10 NO [NOPERM]"},				/* w */
	{'b', "11 STORE 1 FLAGS (\\Flagged)", "* 1 FETCH (FLAGS ())\n11 OK"},		/* changes what it may */
	{'b', "12 UID EXPUNGE 1", "12 NO [NOPERM]"},						/* e */
	{'a', "13 SETACL Work bob lri", "13 OK"},
	{'b', "14 STORE 1 +FLAGS (\\Seen)", "14 NO [NOPERM]"},				/* s */
	{'b', "15 GETQUOTAROOT " WORK, "* QUOTAROOT " WORK "\n15 OK"},
	{'c', "16 GETQUOTAROOT " WORK, "16 NO [NONEXISTENT]"},
	{'c', "17 GETMETADATA " WORK " /shared/comment", "17 NO [NONEXISTENT]"},
	{'c', "18 LISTRIGHTS " WORK " cat@example.test", "18 NO [NONEXISTENT]"},		/* §6 */
	{'c', "19 MYRIGHTS " WORK, "19 NO [NONEXISTENT]"},
	{'c', "20 DELETE " WORK, "20 NO [NONEXISTENT]"},
	{'c', "21 RENAME " WORK " " ANNS "x\"", "21 NO [NONEXISTENT]"},
	{'c', "22 APPEND " WORK " {6+}\r\na: b\r\n", "22 NO [TRYCREATE]"},
};
TURNS_TEST(rights_hold_in_every_extension, elsewhere, "Work:2")
/* clang-format on */

/* The MODSEQ in an answer to FETCH (MODSEQ). */
static unsigned long long
modseq_of(struct imap_fixture *f, struct conn *c, unsigned seq)
{
	char command[40];

	snprintf(command, sizeof(command), "m FETCH %u (MODSEQ)", seq);
	const char *answer = arena_cstr(f->arena, imap_fixture_ask(f, c, command));
	const char *at = strstr(answer, "MODSEQ (");
	ck_assert_ptr_nonnull(at);
	return strtoull(at + strlen("MODSEQ ("), NULL, 10);
}

/* RFC 4314 §3.1: what a server does not allow is NO. */
START_TEST(not_everybody_shares_with_everybody)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Work:1");
	static const struct dialogue rows[] = {
	    {"1 SETACL Work anyone lr",
		"1 NO [NOPERM] Sharing with everybody is switched off here"},
	    {"2 SETACL Work authenticated +l", "2 NO [NOPERM]"},
	    {"3 SETACL Work -anyone r", "3 OK"},
	    {"4 SETACL Work anyone -l", "4 OK"},
	    {"5 DELETEACL Work anyone", "5 OK"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		dialogue_row(f->conn, &rows[i], false);
}
END_TEST

/* RFC 7162 §3.1: a MODSEQ rises with a change that its user sees; \Seen of others is none. */
START_TEST(modseqs_rise_with_ones_own_seen_only)
{
	const char *const boxes[] = {"Work:2", NULL};
	struct three t = open_three(boxes);

	ck_exchange_on(t.conn[0], "1 SETACL Work anyone lrs", "1 OK");
	for (int i = 0; i < 3; i++)
		ck_exchange_on(t.conn[i], i ? "2 SELECT " WORK : "2 SELECT Work", "2 OK");
	unsigned long long before[3];
	for (int i = 0; i < 3; i++)
		before[i] = modseq_of(t.f, t.conn[i], 1);
	ck_exchange_on(t.conn[1], "3 STORE 1 +FLAGS (\\Seen)", "3 OK");
	ck_assert_uint_gt(modseq_of(t.f, t.conn[1], 1), before[1]);
	ck_assert_uint_eq(modseq_of(t.f, t.conn[0], 1), before[0]);
	ck_assert_uint_eq(modseq_of(t.f, t.conn[2], 1), before[2]);
	imap_fixture_close(&t.f);
}
END_TEST

START_TEST(an_owner_who_is_removed_takes_his_mailboxes_along)
{
	const char *const boxes[] = {"Work:2", NULL};
	struct three t = open_three(boxes);

	ck_exchange_on(t.conn[0], "1 SETACL Work bob lrs", "1 OK");
	ck_exchange_on(t.conn[1], "2 SELECT " WORK, "2 OK");
	ck_assert_ok(directory_remove_account(t.f->store, STR(FIXTURE_USER)));
	ck_exchange_on(t.conn[1], "3 NOOP", "* NO [NONEXISTENT]\n3 OK");
	ck_exchange_on(t.conn[1], "4 SELECT " WORK, "4 NO [NONEXISTENT]");
	ck_exchange_on(t.conn[1], "5 LIST \"\" \"Other*\"", "5 OK");
	ck_exchange_on(t.conn[1], "6 SELECT INBOX", "6 OK");
	imap_fixture_close(&t.f);
}
END_TEST

/* It can't be made by IMAP, but may be there, from another server or an earlier version. */
START_TEST(a_mailbox_of_ones_own_is_hidden_by_no_share)
{
	const char *const boxes[] = {"Work:2", NULL};
	struct three t = open_three(boxes);
	CLEANUP(account_unref) struct account *bob = NULL;
	struct account_entry entry;
	int64_t id;

	ck_assert_ok(
	    directory_find_account(t.f->store, STR("bob@example.test"), t.f->arena, &entry));
	ck_assert_ok(account_open(t.f->store, entry.id, &bob));
	ck_assert_ok(mailbox_create(bob, STR("Other Users/ann@example.test/Work"), STR(""), &id));
	account_unref(&bob);
	ck_exchange_on(t.conn[1], "1 SELECT " WORK, "* 0 EXISTS\n1 OK");
	ck_exchange_on(t.conn[0], "2 SETACL Work bob lrs", "2 OK");
	ck_exchange_on(t.conn[1], "3 SELECT " WORK, "* 0 EXISTS\n3 OK");
	struct str got = imap_fixture_ask(t.f, t.conn[1], "4 LIST \"\" " WORK);
	const char *second = memmem(got.p + 1, got.n - 1, "* LIST", 6);
	ck_assert(str_starts(got, STR("* LIST")));
	ck_assert_ptr_null(second);
	ck_exchange_on(t.conn[1], "5 RENAME " WORK " Mine", "5 OK");
	ck_exchange_on(t.conn[1], "6 SELECT " WORK, "* 2 EXISTS\n6 OK");
	imap_fixture_close(&t.f);
}
END_TEST

TEST_MAIN("imap_acl", lists_of_rights_are_set_and_told,
    each_sees_a_shared_mailbox_with_flags_of_his_own, who_may_read_no_more_loses_the_mailbox,
    rights_are_asked_for_everywhere, messages_go_from_one_account_to_the_other,
    idle_hears_of_another_account, esearch_names_a_mailbox_as_the_viewer_knows_it,
    notify_hears_of_rights_given_to_anyone, what_others_share_is_gathered_account_by_account,
    a_mailbox_of_ones_own_is_hidden_by_no_share, rights_hold_in_every_extension,
    not_everybody_shares_with_everybody, modseqs_rise_with_ones_own_seen_only,
    an_owner_who_is_removed_takes_his_mailboxes_along, shared_mailboxes_can_be_subscribed_to)
