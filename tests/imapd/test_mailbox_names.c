/* Mailbox names in Unicode: RFC 3501 §5.1.3, RFC 9051 §5.1 and §6.3.9.7. */
#include "tests/imapd/imap_fixture.h"

/* "u" and a combining diaeresis, and what it composes to: one name in every command. */
#define APART "u\xcc\x88"
#define WHOLE "\xc3\xbc"

static const struct dialogue names_dialogue[] = {
    {"1 CREATE u&Awg-", "1 OK"},
    {"2 CREATE &APw-", "2 NO [ALREADYEXISTS]"},
    {"3 LIST \"\" &APw-", "* LIST (\\HasNoChildren) \"/\" &APw-\n3 OK"},
    {"4 LIST \"\" u&Awg-*", "* LIST (\\HasNoChildren) \"/\" &APw-\n4 OK"},
    {"5 LIST u&Awg- %", "* LIST (\\HasNoChildren) \"/\" &APw-\n5 OK"},
    {"6 SELECT u&Awg-", "!* LIST\n6 OK"}, /* no OLDNAME for who has not enabled IMAP4rev2 */
    {"7 STATUS u&Awg- (MESSAGES)", "* STATUS u&Awg- (MESSAGES 0)\n7 OK"},
    {"8 SUBSCRIBE u&Awg-", "8 OK"},
    {"9 LSUB \"\" &APw-", "* LSUB (\\HasNoChildren) \"/\" &APw-\n9 OK"},
    {"10 RENAME u&Awg- o&Awg-", "10 OK"},
    {"11 SELECT &APY-", "11 OK"},
    {"12 DELETE o&Awg-", "12 OK"},
    {"13 SELECT &APY-", "13 NO [NONEXISTENT]"},
};
DIALOGUE_TEST(composed_names_are_one, names_dialogue, "Inbox:0")

/* RFC 9051 §6.3.2, §6.3.4, §6.3.5, §6.3.6, §6.3.9.7 */
START_TEST(old_names_are_told_in_rev2)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	f->session->enabled |= EN_REV2;
	ck_exchange(f, "1 CREATE \"" APART "\"",
	    "* LIST () \"/\" \"" WHOLE "\" (\"OLDNAME\" (\"" APART "\"))\n1 OK");
	ck_exchange(f, "2 SELECT \"" APART "\"",
	    "* LIST (\\HasNoChildren) \"/\" \"" WHOLE "\" (\"OLDNAME\" (\"" APART "\"))\n2 OK");
	ck_exchange(
	    f, "3 EXAMINE \"" WHOLE "\"", "* LIST (\\HasNoChildren) \"/\" \"" WHOLE "\"\n3 OK");
	ck_exchange(f, "4 SELECT inbox", "* LIST (\\Subscribed \\HasNoChildren) \"/\" INBOX\n4 OK");
	ck_exchange(
	    f, "5 SELECT Sent", "* LIST (\\Subscribed \\HasNoChildren \\Sent) \"/\" Sent\n5 OK");
	ck_exchange(f, "6 RENAME \"" APART "\" plain",
	    "* LIST () \"/\" plain (\"OLDNAME\" (\"" APART "\"))\n6 OK");
	ck_exchange(f, "7 RENAME plain \"" APART "\"",
	    "* LIST () \"/\" \"" WHOLE "\" (\"OLDNAME\" (plain))\n7 OK");
	ck_exchange(f, "8 DELETE \"" APART "\"",
	    "* LIST (\\NonExistent) \"/\" \"" WHOLE "\" (\"OLDNAME\" (\"" APART "\"))\n8 OK");
	ck_exchange(f, "9 CREATE plain", "!* LIST\n9 OK");
	ck_exchange(f, "10 DELETE plain", "!* LIST\n10 OK");
}
END_TEST

TEST_MAIN("mailbox_names", composed_names_are_one, old_names_are_told_in_rev2)
