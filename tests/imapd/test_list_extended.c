/* LIST with options: RFC 5258 (its examples are rows here), 5819, 6154, 8440, 9590; XLIST. */
#include "tests/imapd/imap_fixture.h"

static const struct dialogue fruit_dialogue[] = {
    {"1 UNSUBSCRIBE Archive", "1 OK"},
    {"1 UNSUBSCRIBE Drafts", "1 OK"},
    {"1 UNSUBSCRIBE Junk", "1 OK"},
    {"1 UNSUBSCRIBE Sent", "1 OK"},
    {"1 UNSUBSCRIBE Trash", "1 OK"},
    {"1 SUBSCRIBE Fruit/Banana", "1 OK"},
    {"1 SUBSCRIBE Fruit/Peach", "1 OK"},
    {"1 SUBSCRIBE Vegetable", "1 OK"},
    {"1 SUBSCRIBE Vegetable/Broccoli", "1 OK"},
    {"1 DELETE Fruit/Peach", "1 OK"},
    /* RFC 5258 §5, example 2 */
    {"2 LIST (SUBSCRIBED) \"\" \"*\"",
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" INBOX\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Fruit/Banana\n"
	"* LIST (\\NonExistent \\Noselect \\Subscribed \\HasNoChildren) \"/\" Fruit/Peach\n"
	"* LIST (\\Subscribed \\HasChildren) \"/\" Vegetable\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Vegetable/Broccoli\n2 OK"},
    {"3 LIST (SUBSCRIBED) \"\" \"*\"", "!* LIST (\\HasChildren) \"/\" Fruit\n3 OK"},
    /* examples 3 and 4: no mailbox is remote */
    {"4 LIST () \"\" \"%\" RETURN (CHILDREN)",
	"* LIST (\\HasChildren) \"/\" Fruit\n* LIST (\\HasNoChildren) \"/\" Tofu\n"
	"* LIST (\\HasChildren) \"/\" Vegetable\n4 OK"},
    {"5 LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)",
	"* LIST (\\HasChildren) \"/\" Fruit\n* LIST (\\HasNoChildren) \"/\" Tofu\n"
	"* LIST (\\HasChildren) \"/\" Vegetable\n5 OK"},
    /* examples 5 and 6 */
    {"6 LIST (REMOTE SUBSCRIBED) \"\" F*",
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Fruit/Banana\n"
	"* LIST (\\NonExistent \\Noselect \\Subscribed \\HasNoChildren) \"/\" Fruit/Peach\n6 OK"},
    {"7 LIST (REMOTE) \"\" F* RETURN (SUBSCRIBED)",
	"* LIST (\\HasChildren) \"/\" Fruit\n* LIST (\\HasNoChildren) \"/\" Fruit/Apple\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Fruit/Banana\n7 OK"},
    {"8 LIST (REMOTE) \"\" F* RETURN (SUBSCRIBED)", "!* LIST (\\NonExistent\n8 OK"},
    /* §3.1: RECURSIVEMATCH needs another option, and REMOTE is none */
    {"9 LIST (RECURSIVEMATCH) \"\" *", "9 BAD Expected SUBSCRIBED along with RECURSIVEMATCH"},
    {"10 LIST (REMOTE RECURSIVEMATCH) \"\" *", "10 BAD"},
    {"11 LIST (REMOTE RECURSIVEMATCH SUBSCRIBED) \"\" F%",
	"* LIST (\\HasChildren) \"/\" Fruit (\"CHILDINFO\" (\"SUBSCRIBED\"))\n11 OK"},
    {"12 LIST (subscribed SUBSCRIBED) \"\" Vegetable", /* §3: as if it were there once */
	"* LIST (\\Subscribed \\HasChildren) \"/\" Vegetable\n12 OK"},
    {"13 LIST (MARKED) \"\" *", "13 BAD"}, /* §3: unknown options are BAD */
    {"14 LIST \"\" * RETURN (MARKED)", "14 BAD"},
    /* §3: one response for a name that matches two patterns; an empty one matches nothing */
    {"15 LIST \"\" (Tofu \"\" T%)", "* LIST (\\HasNoChildren) \"/\" Tofu\n"
				    "* LIST (\\HasNoChildren \\Trash) \"/\" Trash\n15 OK"},
    {"16 LIST Tofu (\"\")", "!* LIST\n16 OK"},
    {"17 LIST \"\" \"\" RETURN ()", "!* LIST\n17 OK"},
    {"18 LIST () \"\" \"\"", "!* LIST\n18 OK"},
};
DIALOGUE_TEST(fruit_speaks, fruit_dialogue, "Inbox:0", "Fruit/Apple:0", "Fruit/Banana:0",
    "Fruit/Peach:0", "Tofu:0", "Vegetable/Broccoli:0", "Vegetable/Corn:0")

/* RFC 5258 §3.5 and §5, example 8 */
static const struct dialogue child_info_dialogue[] = {
    {"1 UNSUBSCRIBE INBOX", "1 OK"},
    {"1 SUBSCRIBE Foo/Baz", "1 OK"},
    {"2 LIST (SUBSCRIBED) \"\" F*", "* LIST (\\Subscribed \\HasNoChildren) \"/\" Foo/Baz\n2 OK"},
    {"3 LIST (SUBSCRIBED) \"\" F%", "!* LIST\n3 OK"},
    {"4 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" F%",
	"* LIST (\\HasChildren) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n4 OK"},
    {"5 SUBSCRIBE Foo", "5 OK"}, /* A1 */
    {"6 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" F%",
	"* LIST (\\Subscribed \\HasChildren) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n6 OK"},
    {"7 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" F*", /* the table of §3.5, last row */
	"* LIST (\\Subscribed \\HasChildren) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Foo/Baz\n7 OK"},
    {"8 UNSUBSCRIBE Foo", "8 OK"},
    {"9 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" F*", /* a redundant CHILDINFO is left out */
	"!* LIST (\\HasChildren) \"/\" Foo\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Foo/Baz\n9 OK"},
    {"10 DELETE Foo", "10 OK"}, /* A2 */
    {"11 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" F%",
	"* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" Foo "
	"(\"CHILDINFO\" (\"SUBSCRIBED\"))\n11 OK"},
    {"12 UNSUBSCRIBE Foo/Baz", "12 OK"}, /* B */
    {"13 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (F% M%)", "!* LIST\n13 OK"},
    {"14 SUBSCRIBE Moo", "14 OK"}, /* C */
    {"15 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (F% M%) RETURN (CHILDREN)",
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" Moo\n15 OK"},
    /* example 10: CHILDINFO does not mean that there are mailboxes below */
    {"16 CREATE foo/bar", "16 OK"},
    {"17 SUBSCRIBE foo/bar", "17 OK"},
    {"18 DELETE foo/bar", "18 OK"},
    {"19 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (CHILDREN)",
	"* LIST (\\HasNoChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n19 OK"},
    {"20 LIST (SPECIAL-USE RECURSIVEMATCH SUBSCRIBED) \"\" foo", "!* LIST\n20 OK"},
    {"21 CREATE top/Old (USE (\\Archive))", "21 OK"},
    {"22 LIST (SPECIAL-USE RECURSIVEMATCH) \"\" top",
	"* LIST (\\HasChildren) \"/\" top (\"CHILDINFO\" (\"SPECIAL-USE\"))\n22 OK"},
    {"23 LIST \"\" top*", "* LIST (\\HasChildren) \"/\" top\n"
			  "* LIST (\\HasNoChildren \\Archive) \"/\" top/Old\n23 OK"},
};
DIALOGUE_TEST(child_info_speaks, child_info_dialogue, "Inbox:0", "Foo/Bar:0", "Foo/Baz:0", "Moo:0")

/* Example 9 */
static const struct dialogue patterns_dialogue[] = {
    {"1 SUBSCRIBE foo2/bar1", "1 OK"},
    {"1 SUBSCRIBE foo2/bar2", "1 OK"},
    {"1 SUBSCRIBE baz2/bar2", "1 OK"},
    {"1 SUBSCRIBE eps2", "1 OK"},
    {"1 SUBSCRIBE eps2/mamba", "1 OK"},
    {"2 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"",
	"!* LIST (\\HasChildren) \"/\" baz2\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" baz2/bar2\n"
	"* LIST (\\Subscribed \\HasChildren) \"/\" eps2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"* LIST (\\HasChildren) \"/\" foo2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" foo2/bar2\n2 OK"},
};
DIALOGUE_TEST(patterns_speak, patterns_dialogue, "Inbox:0", "foo2/bar1:0", "foo2/bar2:0",
    "baz2/bar2:0", "eps2/mamba:0")

static const struct dialogue more_dialogue[] = {
    /* RFC 5819 §2 and §3 */
    {"1 LIST \"\" (INBOX foo) RETURN (STATUS (MESSAGES UNSEEN))",
	"* LIST (\\HasNoChildren) \"/\" INBOX\n* STATUS INBOX (MESSAGES 2 UNSEEN 2)\n"
	"* LIST (\\HasChildren) \"/\" foo\n* STATUS foo (MESSAGES 0 UNSEEN 0)\n1 OK"},
    {"2 SUBSCRIBE foo/bar", "2 OK"},
    {"3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (STATUS (MESSAGES))",
	"!* STATUS\n* LIST (\\HasChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n3 OK"},
    {"4 LIST \"\" foo RETURN (STATUS ())", "4 BAD"},
    /* RFC 8440 §3 and §4 */
    {"5 LIST \"\" (INBOX foo) RETURN (MYRIGHTS)",
	"* LIST (\\HasNoChildren) \"/\" INBOX\n* MYRIGHTS INBOX lrswipkxtea\n"
	"* LIST (\\HasChildren) \"/\" foo\n* MYRIGHTS foo lrswipkxtea\n5 OK"},
    {"6 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (MYRIGHTS)",
	"!* MYRIGHTS\n* LIST (\\HasChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n6 OK"},
    /* RFC 9590 §3 and §4 */
    {"7 SETMETADATA foo (/shared/vendor/x/color \"blue\")", "7 OK"},
    {"8 LIST \"\" (INBOX foo) RETURN (METADATA (\"/shared/vendor/x/color\" /private/comment))",
	"* LIST (\\HasNoChildren) \"/\" INBOX\n"
	"* METADATA INBOX (/shared/vendor/x/color NIL /private/comment NIL)\n"
	"* LIST (\\HasChildren) \"/\" foo\n"
	"* METADATA foo (/shared/vendor/x/color \"blue\" /private/comment NIL)\n8 OK"},
    {"9 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (METADATA (/private/comment))",
	"!* METADATA\n* LIST (\\HasChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n9 OK"},
    {"10 LIST \"\" foo RETURN (METADATA ())", "10 BAD"},
    {"11 LIST \"\" foo RETURN (METADATA (comment))", "11 BAD Expected an entry's name"},
    {"12 LIST \"\" INBOX RETURN (SUBSCRIBED STATUS (MESSAGES) MYRIGHTS METADATA "
     "(/private/comment) CHILDREN)",
	"* LIST (\\Subscribed \\HasNoChildren) \"/\" INBOX\n* STATUS INBOX (MESSAGES 2)\n"
	"* MYRIGHTS INBOX lrswipkxtea\n* METADATA INBOX (/private/comment NIL)\n12 OK"},
    {"13 UNSUBSCRIBE foo/bar", "13 OK"},
    {"14 DELETE foo", "14 OK"}, /* nothing more is known of a name without a mailbox */
    {"15 LIST \"\" foo RETURN (MYRIGHTS STATUS (MESSAGES) METADATA (/private/comment))",
	"* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" foo\n15 OK"},
    /* XLIST has no options; uses have Gmail's names, too */
    {"16 XLIST \"\" (INBOX)", "16 BAD"},
    {"17 XLIST \"\" INBOX", "* XLIST (\\HasNoChildren \\Inbox) \"/\" INBOX\n17 OK"},
    {"18 XLIST \"\" %k", "* XLIST (\\HasNoChildren \\Junk \\Spam) \"/\" Junk\n18 OK"},
    {"19 XLIST \"\" Sent", "* XLIST (\\HasNoChildren \\Sent) \"/\" Sent\n19 OK"},
    {"20 XLIST \"\" \"\"", "* XLIST (\\Noselect) \"/\" \"\"\n20 OK"},
};
DIALOGUE_TEST(more_speaks, more_dialogue, "Inbox:2", "foo/bar:0")

TEST_MAIN("list_extended", fruit_speaks, child_info_speaks, patterns_speak, more_speaks)
