#include "store/account_private.h"
#include "tests/imapd/imap_fixture.h"

#include <unistd.h>

static const struct dialogue copy_dialogue[] = {
    {"1 COPY 1 Archive", "1 BAD"}, /* nothing selected yet */
    {"2 SELECT Inbox", "* 3 EXISTS\n2 OK"},
    {"3 COPY 1:2 Nowhere", "3 NO [TRYCREATE]"}, /* RFC 3501 §6.4.7 */
    {"4 CREATE Nowhere", "4 OK"},
    {"5 COPY 1:2 Nowhere", "5 OK [COPYUID # 1:2 1:2]"}, /* RFC 4315 §3 */
    {"6 UID COPY 99 Nowhere", "6 OK UID COPY"}, /* §6.4.8: no such UID, a no-op */
    {"7 COPY 1:2", "7 BAD"},
    {"8 COPY 4 Nowhere", "8 BAD"},
    {"9 UID COPY 3,1 {7}\nNowhere", "9 OK [COPYUID # 1,3 3:4]"},
    {"10 COPY * INBOX", "* 4 EXISTS\n10 OK [COPYUID # 3 4]"}, /* into itself */
    {"11 STORE 1 FLAGS (\\Seen Label)", "11 OK"},
    {"12 COPY 1 Nowhere", "12 OK [COPYUID # 1 5]"},
    {"13 EXAMINE Nowhere", "* 5 EXISTS\n13 OK"},
    {"14 FETCH 5 (FLAGS INTERNALDATE)", /* both are kept */
	"* 5 FETCH (FLAGS (\\Seen Label \\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\n14 "
	"OK"},
    {"15 COPY 5 INBOX", "15 OK [COPYUID # 5 5]"}, /* from a read-only mailbox */
    {"16 COPY 1 \"a//b\"", "16 NO"},
    {"17 COPY 1 \"\"", "17 NO"},
    {"18 COPY 1 Nowhere x", "18 BAD"},
};
DIALOGUE_TEST(copy_speaks, copy_dialogue, "Inbox:3")

/* RFC 6851 */
static const struct dialogue move_dialogue[] = {
    {"1 MOVE 1 Archive", "1 BAD"},
    {"2 SELECT Inbox", "* 5 EXISTS\n2 OK"},
    {"3 MOVE 1 Nowhere", "!* 1 EXPUNGE\n3 NO [TRYCREATE]"},
    {"4 MOVE 2,4 Archive",
	"* OK [COPYUID # 2,4 1:2]\n* 2 EXPUNGE\n* 3 EXPUNGE\n4 OK MOVE completed"},
    {"5 FETCH 1:* UID", "* 1 FETCH (UID 1)\n* 2 FETCH (UID 3)\n* 3 FETCH (UID 5)\n5 OK"},
    {"6 UID MOVE 4 Archive", "!* OK [COPYUID\n6 OK"},
    {"7 UID MOVE 3:* Archive",
	"* OK [COPYUID # 3,5 3:4]\n* 2 EXPUNGE\n* 2 EXPUNGE\n7 OK UID MOVE completed"},
    {"8 MOVE 1 INBOX", "* OK [COPYUID # 1 6]\n* 1 EXPUNGE\n* 1 EXISTS\n* # RECENT\n8 OK"},
    {"9 MOVE 1", "9 BAD"},
    {"10 EXAMINE Archive", "* 4 EXISTS\n10 OK"},
    {"11 MOVE 1 INBOX", "!* 1 EXPUNGE\n11 NO [READ-ONLY]"},
    {"12 SELECT Archive", "12 OK"},
    {"13 FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
	"* 1 FETCH\nSubject: message 2\n* 2 FETCH\nSubject: message 4\n"
	"* 3 FETCH\nSubject: message 3\n* 4 FETCH\nSubject: message 5\n\n)\n13 OK"},
};
DIALOGUE_TEST(move_speaks, move_dialogue, "Inbox:5", "Archive:0")

START_TEST(copy_over_quota_copies_nothing)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:3", "Full:0");

	imap_fixture_set_quota(f, 0, 5);
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 COPY 1:3 Full", "2 NO [OVERQUOTA]");
	ck_assert_uint_eq(imap_fixture_count(f, "Full"), 0);
	ck_exchange(f, "3 COPY 1:2 Full", "3 OK [COPYUID");
	ck_exchange(f, "4 MOVE 3 Full", "4 OK"); /* a move takes no room */
	ck_assert_uint_eq(imap_fixture_count(f, "Full"), 3);
}
END_TEST

START_TEST(messages_expunged_by_others_are_not_copied)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:3", "Archive:0");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 UID MOVE 2 Archive", "* 2 EXPUNGE\n2 OK");
	/* RFC 3501 §6.4.7, RFC 2180 §4.4.1: all or nothing, since the client believes that 2 is
	 * there */
	ck_exchange(f, "2 COPY 1:3 Archive", "!* 2 EXPUNGE\n2 NO [EXPUNGEISSUED]");
	ck_exchange(f, "3 COPY 2 Archive", "!* 2 EXPUNGE\n3 NO [EXPUNGEISSUED]");
	ck_assert_uint_eq(imap_fixture_count(f, "Archive"), 1);
	ck_exchange(f, "4 UID COPY 1:3 Archive", "* 2 EXPUNGE\n4 OK [COPYUID # 1,3 2:3]");
	ck_exchange_on(other, "3 NOOP", "3 OK");
}
END_TEST

START_TEST(messages_expunged_by_others_are_not_moved)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:3", "Archive:0");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 UID MOVE 2 Archive", "* 2 EXPUNGE\n2 OK");
	ck_exchange(f, "2 MOVE 2 Archive", "* 2 EXPUNGE\n2 NO [EXPUNGEISSUED]");
	ck_exchange_on(other, "3 UID MOVE 3 Archive", "* 2 EXPUNGE\n3 OK");
	ck_exchange(
	    f, "3 MOVE 1:2 Archive", "* OK [COPYUID # 1 3]\n* 1 EXPUNGE\n* 1 EXPUNGE\n3 OK");
}
END_TEST

START_TEST(a_target_that_only_holds_others_can_not_take_messages)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	ck_exchange(f, "1 CREATE top/sub", "1 OK");
	ck_exchange(f, "2 DELETE top", "2 OK"); /* \Noselect: RFC 3501 §6.3.4 */
	ck_exchange(f, "3 SELECT Inbox", "3 OK");
	ck_exchange(f, "4 COPY 1 top", "4 NO [CANNOT]");
	ck_exchange(f, "5 COPY 1 top/sub", "5 OK [COPYUID");
}
END_TEST

static int syncs;

static int
counting_sync(int fd)
{
	syncs++;
	return fdatasync(fd);
}

/* What a client that waits for nothing sends is committed one by one and synced once, before the
 * first answer leaves. */
START_TEST(pipelined_copies_moves_and_expunges_share_a_sync)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open("Inbox:9", "Archive:0");

	ck_exchange(f, "0 SELECT Inbox", "0 OK");
	ck_exchange(f, "0 STORE 9 FLAGS.SILENT (\\Deleted)", "0 OK");
	f->account->database.sync_file = counting_sync;
	syncs = 0;
	ck_exchange(f,
	    "1 COPY 1 Archive\n2 COPY 2 Archive\n3 UID MOVE 3 Archive\n4 EXPUNGE\n5 COPY 1 Archive",
	    "1 OK\n2 OK\n3 OK\n4 OK\n5 OK");
	ck_assert_int_eq(syncs, 1);
	ck_assert(database_is_synced(&f->account->database));
	ck_assert_uint_eq(imap_fixture_count(f, "Archive"), 4);
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 7);
}
END_TEST

TEST_MAIN("cmd_copy", pipelined_copies_moves_and_expunges_share_a_sync, copy_speaks, move_speaks,
    copy_over_quota_copies_nothing, messages_expunged_by_others_are_not_copied,
    messages_expunged_by_others_are_not_moved,
    a_target_that_only_holds_others_can_not_take_messages)
