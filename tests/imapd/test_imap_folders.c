/* Folder commands, LIST and LSUB, STATUS, quota. */
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

static const struct dialogue folders_dialogue[] = {
    {"1 CREATE work", "1 OK"}, /* RFC 3501 §6.3.3 */
    {"2 CREATE work", "2 NO [ALREADYEXISTS]"},
    {"3 CREATE inbox", "3 NO [ALREADYEXISTS]"},
    {"4 CREATE a/b/c/", "4 OK"}, /* superiors too, trailing separator dropped */
    {"5 SELECT a", "* 0 EXISTS\n5 OK [READ-WRITE]"},
    {"6 SELECT a/b/c", "6 OK [READ-WRITE]"},
    {"7 CREATE \"\"", "7 NO [CANNOT]"},
    {"8 CREATE a//b", "8 NO [CANNOT]"},
    {"9 CREATE R&D", "9 NO [CANNOT]"}, /* §5.1.3: not modified UTF-7 */
    {"10 CREATE Entw&APw-rfe", "10 OK"},
    {"11 SELECT Entw&APw-rfe", "11 OK"},
    {"12 CREATE (x", "12 BAD"},
    {"13 CREATE", "13 BAD Expected a space"},
    {"14 CREATE x y", "14 BAD"},
    {"15 CREATE \"odd \\\"name\\\" %*{1}\"", "15 OK"},
    {"16 DELETE INBOX", "16 NO [CANNOT]"}, /* §6.3.4 */
    {"17 DELETE nowhere", "17 NO [NONEXISTENT]"},
    {"18 DELETE a/b", "18 OK"}, /* has inferiors: stays as \Noselect */
    {"19 SELECT a/b", "19 NO [CANNOT]"},
    {"20 STATUS a/b (MESSAGES)", "20 NO [CANNOT]"},
    {"21 LIST \"\" a/b", "* LIST (\\Noselect \\HasChildren) \"/\" a/b\n21 OK"},
    {"22 DELETE a/b", "22 NO [HASCHILDREN]"},
    {"23 RENAME a/b/c b/d", "23 OK"}, /* §6.3.5 */
    {"24 SELECT a/b/c", "24 NO [NONEXISTENT]"},
    {"25 SELECT b/d", "25 OK"},
    {"26 RENAME b/d work", "26 NO [ALREADYEXISTS]"},
    {"27 RENAME nowhere else", "27 NO [NONEXISTENT]"},
    {"28 RENAME INBOX old", "28 OK"}, /* §6.3.5: messages move, INBOX stays */
    {"29 STATUS old (MESSAGES)", "* STATUS old (MESSAGES 3)\n29 OK"},
    {"30 STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 0)\n30 OK"},
    {"31 SUBSCRIBE work", "31 OK"},
    {"32 UNSUBSCRIBE work", "32 OK"},
    {"33 CREATE papers (USE (\\Archive))", "33 OK"}, /* RFC 6154 §3 */
    {"34 LIST \"\" papers", "* LIST (\\HasNoChildren \\Archive) \"/\" papers\n34 OK"},
    {"35 CREATE all (USE (\\All))", "35 NO [USEATTR]"},
    {"36 CREATE two (USE (\\Sent \\Junk))", "36 OK"}, /* RFC 6154 §5.3 */
    {"37 CREATE x (USE \\Sent)", "37 BAD"},
    {"38 CREATE plain (USE ())", "38 OK"},
};
DIALOGUE_TEST(folders_speak, folders_dialogue, "Inbox:3")

static const struct dialogue select_dialogue[] = {
    {"1 SELECT INBOX",
	"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
	"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)]\n"
	"* 3 EXISTS\n* 3 RECENT\n* OK [UNSEEN 1]\n* OK [UIDVALIDITY #]\n* OK [UIDNEXT 4]\n"
	"1 OK [READ-WRITE]"},
    {"2 SELECT inbox", "* 3 EXISTS\n* 0 RECENT\n2 OK"}, /* claimed by the first */
    {"3 EXAMINE InBox", "* OK [PERMANENTFLAGS ()]\n* 3 EXISTS\n3 OK [READ-ONLY]"},
    {"4 SELECT nowhere", "4 NO [NONEXISTENT]"},
    {"5 CLOSE", "5 BAD"}, /* RFC 3501 §6.3.1: a failed SELECT leaves nothing selected */
    {"6 SELECT", "6 BAD"},
    {"7 SELECT INBOX", "7 OK"},
    {"8 SELECT (", "8 BAD"},
    {"9 CHECK", "9 OK"}, /* a SELECT that is no command changes nothing */
    {"10 CLOSE", "10 OK"},
    {"11 CHECK", "11 BAD"},
    {"12 SELECT INBOX", "12 OK"},
    {"13 UNSELECT", "13 OK"}, /* RFC 3691 */
    {"14 UNSELECT", "14 BAD"},
    {"15 CREATE here", "15 OK"},
    {"16 SELECT here", "16 OK"},
    {"17 DELETE here", "* NO [NONEXISTENT]\n17 OK"},
    {"18 CHECK", "18 NO [NONEXISTENT] The selected mailbox was deleted"},
    {"19 NOOP", "19 OK"},
    {"20 SELECT INBOX", "20 OK"},
    {"21 CHECK", "21 OK"},
    {"22 STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE)",
	"* STATUS INBOX (MESSAGES 3 RECENT 0 UIDNEXT 4 UIDVALIDITY # UNSEEN 3 SIZE #)\n22 OK"},
    {"23 STATUS INBOX ()", "23 BAD"},
    {"24 STATUS INBOX (HIGHEST)", "24 BAD"},
    {"25 STATUS nowhere (UIDNEXT)", "25 NO [NONEXISTENT]"},
    {"26 STATUS {5+}\nINBOX (messages)", "* STATUS INBOX (MESSAGES 3)\n26 OK"},
};
DIALOGUE_TEST(select_speaks, select_dialogue, "Inbox:3")

static const struct dialogue list_dialogue[] = {
    {"1 LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\n1 OK"}, /* RFC 3501 §6.3.8 */
    {"2 LIST \"\" INBOX", "* LIST (\\HasNoChildren) \"/\" INBOX\n2 OK"},
    {"3 LIST \"\" iNbOx", "* LIST (\\HasNoChildren) \"/\" INBOX\n3 OK"},
    {"4 LIST \"\" Sent", "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\n4 OK"}, /* RFC 6154 §2 */
    {"5 LIST \"\" w%",
	"* LIST (\\HasChildren) \"/\" work\n!* LIST (\\HasNoChildren) \"/\" work/\n5 OK"},
    {"6 LIST \"\" w*",
	"* LIST (\\HasChildren) \"/\" work\n* LIST (\\HasNoChildren) \"/\" work/a\n"
	"* LIST (\\HasNoChildren) \"/\" work/b\n* LIST (\\HasNoChildren) \"/\" \"work b\"\n6 OK"},
    {"7 LIST work/ %", "* LIST (\\HasNoChildren) \"/\" work/a\n"
		       "* LIST (\\HasNoChildren) \"/\" work/b\n7 OK"},
    {"8 LIST \"\" %/%", "* LIST (\\HasNoChildren) \"/\" work/a\n"
			"* LIST (\\HasNoChildren) \"/\" work/b\n!* LIST (\\HasChildren)\n8 OK"},
    {"9 LIST \"\" nothing", "9 OK"},
    {"10 LIST \"\" &*", "10 OK"}, /* no modified UTF-7: matches nothing */
    {"11 LIST \"\"", "11 BAD"},
    {"12 LIST \"\" x y", "12 BAD Expected RETURN"},
    {"13 LIST (SUBSCRIBED) \"\" \"*\" RETURN (SPECIAL-USE)", /* as Thunderbird sends it */
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" INBOX\n"
	"* LIST (\\Subscribed \\HasNoChildren \\Sent) \"/\" Sent\n!* LIST (\\Has\n13 OK"},
    {"14 SUBSCRIBE work/b", "14 OK"},
    {"15 LSUB \"\" work/*", "* LSUB (\\HasNoChildren) \"/\" work/b\n15 OK"},
    {"16 LSUB \"\" wor%", "* LSUB (\\Noselect) \"/\" work\n16 OK"}, /* §6.3.9 */
    {"17 LSUB \"\" work", "17 OK"},
    {"18 LIST (SUBSCRIBED) \"\" w%", "18 OK"},
    {"19 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" w%",
	"* LIST (\\HasChildren) \"/\" work (\"CHILDINFO\" (\"SUBSCRIBED\"))\n19 OK"},
    {"20 LIST (RECURSIVEMATCH) \"\" *", "20 BAD"}, /* RFC 5258 §3 */
    {"21 LIST (SUBSCRIBED) \"\" (work/a work/b \"Se%\")",
	"* LIST (\\Subscribed \\HasNoChildren \\Sent) \"/\" Sent\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" work/b\n!* LIST (\\Subscribed "
	"\\HasNoChildren) \"/\" work/a\n21 OK"},
    {"22 LIST \"\" work/% RETURN (SUBSCRIBED CHILDREN)",
	"* LIST (\\HasNoChildren) \"/\" work/a\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" work/b\n22 OK"},
    {"23 LIST \"\" work/a RETURN (STATUS (MESSAGES UNSEEN))", /* RFC 5819 */
	"* LIST (\\HasNoChildren) \"/\" work/a\n* STATUS work/a (MESSAGES 2 UNSEEN 2)\n23 OK"},
    {"24 LIST (SPECIAL-USE) \"\" *", "* LIST (\\HasNoChildren \\Archive) \"/\" Archive\n"
				     "!* LIST (\\HasNoChildren) \"/\" INBOX\n24 OK"},
    {"25 DELETE work/b", "25 OK"}, /* the subscription stays: §6.3.6 */
    {"26 LIST \"\" work/*", "* LIST (\\HasNoChildren) \"/\" work/a\n26 OK"},
    {"27 LSUB \"\" work/*", "* LSUB () \"/\" work/b\n27 OK"},
    {"28 LIST (SUBSCRIBED) \"\" work/*",
	"* LIST (\\NonExistent \\Noselect \\Subscribed \\HasNoChildren) \"/\" work/b\n28 OK"},
    {"29 UNSUBSCRIBE work/b", "29 OK"},
    {"30 LSUB \"\" work/*", "30 OK"},
    {"31 LIST () \"\" work", "* LIST (\\HasChildren) \"/\" work\n31 OK"},
    {"32 LIST (X) \"\" work", "32 BAD"},
    {"33 LIST \"\" work RETURN (X)", "33 BAD"},
    {"34 LIST \"\" ()", "34 BAD"},
    {"35 LIST \"\" {2+}\nw%", "* LIST (\\HasChildren) \"/\" work\n35 OK"},
    {"36 LSUB \"\" \"\"", "* LSUB (\\Noselect) \"/\" \"\"\n36 OK"},
};
DIALOGUE_TEST(list_speaks, list_dialogue, "Inbox:0", "work/a:2", "work/b:0", "work b:0")

static const struct dialogue special_names_dialogue[] = {
    {"1 CREATE \"&2D3eAA-\"", "1 OK"}, /* an emoji: surrogates in modified UTF-7 */
    {"2 LIST \"\" &*", "2 OK"},
    {"3 LIST \"\" \"&2D3eAA-\"", "* LIST (\\HasNoChildren) \"/\" &2D3eAA-\n3 OK"},
    {"4 CREATE \"100%\"", "4 OK"},
    {"5 LIST \"\" \"100%\"", "* LIST (\\HasNoChildren) \"/\" \"100%\"\n5 OK"},
    {"6 CREATE \"a \\\"b\\\" \\\\ {3}\"", "6 OK"},
    {"7 LIST \"\" a*", "* LIST (\\HasNoChildren) \"/\" \"a \\\"b\\\" \\\\ {3}\"\n7 OK"},
    {"8 CREATE a&-b", "8 OK"},
    {"9 LIST \"\" a&*", "9 OK"},
    {"10 LIST \"\" a&-*", "* LIST (\\HasNoChildren) \"/\" a&-b\n10 OK"},
    {"11 CREATE ../etc/passwd", "11 OK"}, /* names are data, never paths */
    {"12 SELECT ../etc/passwd", "* 0 EXISTS\n12 OK"},
};
DIALOGUE_TEST(special_names_speak, special_names_dialogue, "Inbox:0")

START_TEST(patterns_are_limited)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf many = SBUF_INIT(100000);
	CLEANUP(sbuf_done) struct sbuf wide = SBUF_INIT(100000);

	sbuf_puts(&many, "1 LIST \"\" (");
	for (unsigned i = 0; i < 100; i++)
		sbuf_printf(&many, "%u ", i);
	ck_exchange(f, (sbuf_puts(&many, "x)"), sbuf_cstr(&many)), "1 BAD");
	sbuf_puts(&wide, "2 LIST \"\" ");
	for (unsigned i = 0; i < 4001; i++)
		sbuf_putc(&wide, 'x');
	ck_exchange(f, sbuf_cstr(&wide), "2 BAD");
	ck_exchange(f, "3 NOOP", "3 OK");
}
END_TEST

/* More than one output buffer holds, to a slow reader. */
START_TEST(a_long_list_is_pumped)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	const unsigned count = 600;
	char name[300];
	int64_t id;
	size_t lines = 0, octets = 0;
	bool last = false;
	struct str got;

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%0250u", i);
		ck_assert_ok(mailbox_create(f->account, str_of(name), STR(""), &id));
	}
	conn_memory_feed(f->conn, STR("1 LIST \"\" 0* RETURN (STATUS (MESSAGES))\r\n2 NOOP\r\n"));
	do {
		got = conn_memory_output_some(f->conn, f->arena, 10000);
		octets += got.n;
		for (size_t i = 0; i < got.n; i++)
			lines += got.p[i] == '\n';
		last |= str_find_nocase(got, STR("2 OK")) != STR_NONE;
		conn_memory_run(f->conn);
	} while (got.n > 0);
	ck_assert_uint_eq(lines, 2 * count + 2);
	ck_assert_uint_gt(octets, CONN_OUT_HIGH);
	ck_assert(last);
}
END_TEST

TEST_MAIN("imap_folders", folders_speak, select_speaks, list_speaks, special_names_speak,
    patterns_are_limited, a_long_list_is_pumped)
