/* NOTIFY: RFC 5465. What is told between commands comes without any, once a session is woken. */
#include "imapd/notify.h"
#include "tests/imapd/imap_fixture.h"

struct exchange {
	int who; /* 0: the one with NOTIFY, 1: another session of the same user */
	const char *send; /* NULL: what is told unasked for */
	const char *expect;
};

static void
run(struct imap_fixture *f, const struct exchange *rows, size_t n)
{
	struct conn *other = imap_fixture_connect(f);

	for (size_t i = 0; i < n; i++)
		ck_exchange_on(rows[i].who ? other : f->conn, rows[i].send, rows[i].expect);
}

#define EXCHANGE_TEST(name, rows, ...)                                                             \
	START_TEST(name)                                                                           \
	{                                                                                          \
		CLEANUP(imap_fixture_close)                                                        \
		struct imap_fixture *f = imap_fixture_open(__VA_ARGS__);                           \
		run(f, rows, ARRAY_LEN(rows));                                                     \
	}                                                                                          \
	END_TEST

#define ALL_EVENTS                                                                                 \
	"(MessageNew MessageExpunge FlagChange AnnotationChange MailboxName SubscriptionChange "   \
	"MailboxMetadataChange ServerMetadataChange)"

static const struct dialogue grammar[] = {
    {"1 CAPABILITY", "* CAPABILITY\n1 OK"},
    /* §8 */
    {"2 NOTIFY NONE", "2 OK"},
    {"3 notify set (personal NONE)", "3 OK"},
    {"4 NOTIFY SET STATUS (personal (messagenew messageexpunge))", "* STATUS Box\n4 OK"},
    {"5 NOTIFY SET (selected (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (FROM)]) "
     "MessageExpunge FlagChange)) (subtree (A B/C) " ALL_EVENTS
     ") (mailboxes INBOX (MailboxName)) (inboxes (MailboxName)) (subscribed (MailboxName))",
	"5 OK"},
    {"6 NOTIFY SET (selected-delayed (MessageNew MessageExpunge))", "6 OK"},
    {"7 NOTIFY SET (selected NONE)", "7 OK"},
    {"10 NOTIFY", "10 BAD Expected a space"},
    {"11 NOTIFY SET", "11 BAD Expected a space"},
    {"12 NOTIFY SET ()", "12 BAD Expected which mailboxes at position 16"},
    {"13 NOTIFY SET (elsewhere (MailboxName))", "13 BAD Expected which mailboxes"},
    {"14 NOTIFY SET (personal)", "14 BAD Expected a space"},
    {"15 NOTIFY SET (personal ())", "15 BAD"},
    {"16 NOTIFY SET (personal (MailboxName)) x", "16 BAD"},
    {"17 NOTIFY NONE x", "17 BAD"},
    {"18 NOTIFY SET (mailboxes (MailboxName))", "18 BAD"},
    /* §5: MessageNew and MessageExpunge come together, FlagChange with both */
    {"20 NOTIFY SET (personal (MessageNew))", "20 BAD Expected MessageNew and MessageExpunge"},
    {"21 NOTIFY SET (personal (MessageExpunge))", "21 BAD"},
    {"22 NOTIFY SET (personal (FlagChange))", "22 BAD"},
    {"23 NOTIFY SET (personal (AnnotationChange MessageNew))", "23 BAD"},
    /* §6.1: the selected mailbox once, and message events only */
    {"30 NOTIFY SET (selected (MailboxName))", "30 BAD Expected a message event"},
    {"31 NOTIFY SET (selected NONE) (selected-delayed NONE)", "31 BAD"},
    /* §8: data items only there */
    {"32 NOTIFY SET (personal (MessageNew (UID) MessageExpunge))", "32 BAD"},
    {"33 NOTIFY SET (selected (MessageNew () MessageExpunge))", "33 BAD"},
    {"34 NOTIFY SET (selected (MessageNew (FOO) MessageExpunge))", "34 BAD"},
    /* §3.1: an event that is none; BADEVENT lists what there is */
    {"40 NOTIFY SET (personal (MailboxName Teatime))",
	"40 NO [BADEVENT (MessageNew MessageExpunge FlagChange AnnotationChange MailboxName "
	"SubscriptionChange MailboxMetadataChange ServerMetadataChange)]"},
    {"41 NOTIFY SET (selected (MessageNew MessageExpunge Teatime))", "41 NO [BADEVENT ("},
    /* a name that there is not is ignored */
    {"42 NOTIFY SET STATUS (mailboxes (Nowhere Box) (MessageNew MessageExpunge))",
	"!* STATUS Nowhere\n* STATUS Box\n42 OK"},
};
DIALOGUE_TEST(its_grammar_is_that_of_section_8, grammar, "Box:1")

/* §3.1: the STATUS indicator */
static const struct exchange statuses[] = {
    {0, "1 SELECT Box", "1 OK"},
    {0, "2 NOTIFY SET STATUS (mailboxes (Box Far) (MessageNew MessageExpunge))",
	"!* STATUS Box\n* STATUS Far (MESSAGES 2 UIDNEXT 3 UIDVALIDITY #)\n2 OK"},
    /* CONDSTORE is supported: HIGHESTMODSEQ too */
    {0, "3 NOTIFY SET STATUS (mailboxes Far (MessageNew MessageExpunge FlagChange))",
	"* STATUS Far (MESSAGES 2 UIDNEXT 3 UIDVALIDITY # UNSEEN 2 HIGHESTMODSEQ #)\n3 OK"},
    /* without it, and for other events, none */
    {0, "4 NOTIFY SET (mailboxes Far (MessageNew MessageExpunge))", "!* STATUS\n4 OK"},
    {0, "5 NOTIFY SET STATUS (mailboxes Far (MailboxName))", "!* STATUS\n5 OK"},
    /* §5: NONE makes a snapshot */
    {0, "6 NOTIFY SET STATUS (mailboxes Far NONE)",
	"* STATUS Far (MESSAGES 2 UIDNEXT 3 UIDVALIDITY #)\n6 OK"},
    {1, "1 STATUS Far (MESSAGES)", "1 OK"},
};
EXCHANGE_TEST(status_gives_a_snapshot, statuses, "Box:1", "Far:2")

/* §5.1 to §5.3 in the selected mailbox, §6.1.1 */
static const struct exchange selected[] = {
    {1, "1 SELECT Box", "1 OK"},
    {0, "1 SELECT Box", "1 OK"},
    {1, "2 STORE 2 +FLAGS.SILENT (\\Seen)", "2 OK"},
    {0, NULL, NULL}, /* §3.1: not before NOTIFY is used */
    /* §3.1: NOTIFY SET is a NOOP */
    {0,
	"2 NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) "
	"MessageExpunge FlagChange))",
	"* 2 FETCH (UID 2 FLAGS (\\Seen))\n2 OK"},
    {0, NULL, NULL},
    {1, "3 STORE 1 +FLAGS.SILENT (\\Flagged)", "3 OK"},
    {0, NULL, "* 1 FETCH (UID 1 FLAGS (\\Flagged))"}, /* §5.1: with the UID */
    {1, "4 STORE 1 +FLAGS.SILENT (\\Deleted)", "4 OK"},
    {1, "5 EXPUNGE", "5 OK"},
    {0, NULL, "* 1 EXPUNGE"}, /* §5.3 */
    {1, "6 COPY 1 Box", "6 OK"},
    /* §5.2: EXISTS, then FETCH */
    {0, NULL,
	"* 3 EXISTS\n* 3 FETCH (UID 4 BODY[HEADER.FIELDS (SUBJECT)] {22}\nSubject: message "
	"2\n\n)"},
    {1, "7 COPY 1:2 Box", "7 OK"},
    {0, NULL, "* 5 EXISTS\n* 4 FETCH (UID 5 BODY[\n* 5 FETCH (UID 6 BODY[\nSubject\n\n)"},
    /* §5.2: not of those that the session has put there itself */
    {0, "3 COPY 1 Box", "!* 6 FETCH\n* 6 EXISTS\n3 OK"},
    {0, "4 APPEND Box {6+}\na: b\n", "!* 7 FETCH\n* 7 EXISTS\n4 OK"},
    {0, NULL, NULL},
    {1, "8 COPY 1 Box", "8 OK"},
    {0, NULL, "* 8 EXISTS\n* 8 FETCH (UID 9 BODY[\nSubject\n\n)"},
    /* within a command all waits for its end */
    {0, "5 NOO\\", NULL},
    {1, "9 STORE 1 +FLAGS.SILENT (\\Draft)", "9 OK"},
    {0, NULL, NULL},
    {0, "P", "* 1 FETCH (UID 2 FLAGS (\\Seen \\Draft))\n5 OK"},
    /* FETCH may not tell of an EXPUNGE, but right behind it */
    {1, "10 STORE 1 +FLAGS.SILENT (\\Deleted)", "10 OK"},
    {1, "11 EXPUNGE", "11 OK"},
    {0, "6 FETCH 2 (UID)", "!* 2 EXPUNGE\n* 2 FETCH (UID 3)\n6 OK\n* 1 EXPUNGE"},
};
EXCHANGE_TEST(the_selected_mailbox_is_followed_without_a_command, selected, "Box:3")

/* §6.1.2 */
static const struct exchange delayed[] = {
    {1, "1 SELECT Box", "1 OK"},
    {0, "1 NOTIFY SET (selected-delayed (MessageNew (UID) MessageExpunge))", "1 OK"},
    {0, "2 SELECT Box", "2 OK"},
    {1, "2 STORE 1 +FLAGS.SILENT (\\Deleted)", "2 OK"},
    {1, "3 EXPUNGE", "3 OK"},
    {0, NULL, NULL},
    {1, "4 COPY 1 Box", "4 OK"},
    {0, NULL, "* 4 EXISTS\n* 4 FETCH (UID 4)"},
    {0, "3 FETCH 2 (UID)", "!* 1 EXPUNGE\n* 2 FETCH (UID 2)\n3 OK"},
    {0, "4 NOOP", "* 1 EXPUNGE\n4 OK"},
    {1, "5 STORE 1 +FLAGS.SILENT (\\Deleted)", "5 OK"},
    {1, "6 EXPUNGE", "6 OK"},
    {0, NULL, NULL},
    {0, "5 IDLE", "+ idling\n* 1 EXPUNGE"},
    {0, "DONE", "5 OK"},
};
EXCHANGE_TEST(an_expunge_waits_for_a_command, delayed, "Box:3")

/* §3.1: without SELECTED, and after NONE, nothing is told of the selected mailbox, nor elsewhere */
static const struct exchange muted[] = {
    {1, "1 SELECT Box", "1 OK"},
    {0, "1 SELECT Box", "1 OK"},
    {0, "2 NOTIFY NONE", "2 OK"},
    {1, "2 STORE 1:2 +FLAGS.SILENT (\\Deleted)", "2 OK"},
    {1, "3 COPY 1 Box", "3 OK"},
    {0, "3 NOOP", "!* \n3 OK"},
    {0, "4 NOTIFY SET (mailboxes Box (MessageNew MessageExpunge FlagChange))", "!* \n4 OK"},
    {0, "5 NOOP", "!* \n5 OK"},
    {1, "4 UID EXPUNGE 1", "4 OK"},
    {0, "6 IDLE", "+ idling"}, /* §4: the same as without IDLE */
    {0, "DONE", "!* \n6 OK"},
    /* its own EXPUNGE has to be told, with what else is gone; flags are not */
    {0, "7 UID EXPUNGE 2", "* 1 EXPUNGE\n* 1 EXPUNGE\n!* 1 FETCH\n7 OK"},
    /* without FlagChange only flags are not told */
    {0, "8 NOTIFY SET (selected (MessageNew MessageExpunge))", "8 OK"},
    {1, "5 NOOP", "5 OK"},
    {1, "5 STORE 1 +FLAGS.SILENT (\\Flagged)", "5 OK"},
    {1, "6 COPY 1 Box", "6 OK"},
    {0, NULL, "!* 1 FETCH\n* 3 EXISTS\n* # RECENT"},
    /* §3.1: NOTIFY SET returns the accumulated changes */
    {0, "9 NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))",
	"* 1 FETCH (UID 3 FLAGS (\\Flagged))\n9 OK"},
    {0, "10 NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))", "!* \n10 OK"},
};
EXCHANGE_TEST(what_is_not_asked_for_is_not_told, muted, "Box:3")

/* §5.1 to §5.3 elsewhere */
static const struct exchange elsewhere[] = {
    {0, "1 SELECT Box", "1 OK"},
    {0,
	"2 NOTIFY SET (selected (MessageNew MessageExpunge)) "
	"(personal (MessageNew MessageExpunge FlagChange))",
	"2 OK"},
    {1, "1 SELECT Far", "1 OK"},
    {0, NULL, NULL},
    {1, "2 COPY 1 Far", "2 OK"},
    {0, NULL, "* STATUS Far (MESSAGES 3 UIDNEXT 4 UNSEEN 3)"},
    {1, "3 STORE 1 +FLAGS.SILENT (\\Seen)", "3 OK"},
    {0, NULL, "* STATUS Far (UNSEEN 2)"},
    {1, "4 STORE 1 +FLAGS.SILENT (\\Flagged)", "4 OK"},
    {0, NULL, NULL}, /* §5.1: nothing to say without CONDSTORE */
    {1, "5 STORE 1 +FLAGS.SILENT (\\Deleted)", "5 OK"},
    {1, "6 EXPUNGE", "6 OK"},
    {0, NULL, "* STATUS Far (MESSAGES 2 UIDNEXT 4)"}, /* §5.3 */
    {0, "3 ENABLE CONDSTORE", "3 OK"},
    {0, NULL, NULL},
    {1, "7 STORE 1 +FLAGS.SILENT (\\Flagged)", "7 OK"},
    {0, NULL, "* STATUS Far (UIDVALIDITY # HIGHESTMODSEQ #)"},
    {1, "8 COPY 1 Far", "8 OK"},
    {0, NULL, "* STATUS Far (MESSAGES 3 UIDNEXT 5 UIDVALIDITY # UNSEEN 3 HIGHESTMODSEQ #)"},
    /* §5: its own messages it knows of */
    {0, "4 COPY 1 Far", "!* STATUS\n4 OK"},
    {0, "5 APPEND Far {6+}\na: b\n", "!* STATUS\n5 OK"},
    {0, NULL, NULL},
    {1, "9 NOOP", "9 OK"},
    {1, "10 STORE 1 +FLAGS.SILENT (\\Deleted)", "10 OK"},
    {1, "11 EXPUNGE", "11 OK"},
    {0, NULL, "* STATUS Far (MESSAGES 4 UIDNEXT 7 UIDVALIDITY # UNSEEN 4 HIGHESTMODSEQ #)"},
    /* §6: the selected mailbox is SELECTED's affair, until it is left */
    {0, "6 SELECT Far", "!* STATUS\n6 OK"},
    {1, "12 COPY 1 Far", "12 OK"},
    {0, NULL, "!* STATUS\n* 5 EXISTS\n* # RECENT"},
    {0, "7 UNSELECT", "!* STATUS\n7 OK"},
    {0, NULL, NULL},
    {1, "13 COPY 1 Far", "13 OK"},
    {0, NULL, "* STATUS Far (MESSAGES 6"},
    /* at the end of a command too, and in IDLE: §4 */
    {1, "14 COPY 1 Far", "14 OK"},
    {0, "8 NOOP", "* STATUS Far (MESSAGES 7\n8 OK"},
    {0, "9 IDLE", "+ idling"},
    {1, "15 COPY 1 Far", "15 OK"},
    {0, NULL, "* STATUS Far (MESSAGES 8"},
    {0, "DONE", "9 OK"},
    /* not what is not covered */
    {0, "10 NOTIFY SET (mailboxes Box (MessageNew MessageExpunge FlagChange))", "10 OK"},
    {1, "16 COPY 1 Far", "16 OK"},
    {0, NULL, NULL},
    {1, "17 COPY 1 Box", "17 OK"},
    {0, NULL, "* STATUS Box (MESSAGES 2"},
    {0, "11 NOTIFY NONE", "11 OK"},
    {1, "18 COPY 1 Box", "18 OK"},
    {0, "12 NOOP", "!* \n12 OK"},
};
EXCHANGE_TEST(other_mailboxes_are_told_by_status, elsewhere, "Box:1", "Far:2")

/* §5.4 */
static const struct exchange names[] = {
    {0, "1 NOTIFY SET (personal (MailboxName))", "1 OK"},
    {1, "1 CREATE New", "1 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" New"},
    /* the one above is affected */
    {1, "2 CREATE New/Sub", "2 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" New/Sub\n* LIST (\\HasChildren) \"/\" New"},
    {1, "3 DELETE New/Sub", "3 OK"},
    {0, NULL, "* LIST (\\NonExistent) \"/\" New/Sub\n* LIST (\\HasNoChildren) \"/\" New"},
    {1, "4 RENAME New Old", "4 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Old (\"OLDNAME\" (New))"},
    {1, "5 CREATE Old/Sub", "5 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Old/Sub\n* LIST (\\HasChildren) \"/\" Old"},
    /* nothing is said of those below */
    {1, "6 RENAME Old Next", "6 OK"},
    {0, NULL, "!* LIST (\\HasNoChildren)\n* LIST (\\HasChildren) \"/\" Next (\"OLDNAME\" (Old))"},
    {1, "7 RENAME Next/Sub Sub", "7 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Sub (\"OLDNAME\" (Next/Sub))"},
    {1, "8 DELETE Next", "8 OK"},
    {0, NULL, "* LIST (\\NonExistent) \"/\" Next"},
    /* RENAME of INBOX makes a mailbox */
    {1, "9 RENAME INBOX Before", "9 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Before"},
    /* what the session does itself it knows */
    {0, "2 CREATE Mine/Own", "!* LIST\n2 OK"},
    {0, "3 RENAME Mine/Own Mine/Other", "!* LIST\n3 OK"},
    {0, "4 DELETE Mine/Other", "!* LIST\n4 OK"},
    {0, NULL, NULL},
    {1, "10 CREATE Mine/Own", "10 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Mine/Own\n* LIST (\\HasChildren) \"/\" Mine"},
    /* only what is covered, by a name that is not there yet */
    {0, "5 NOTIFY SET (subtree Tree (MailboxName)) (mailboxes Leaf (MailboxName))", "5 OK"},
    {1, "11 CREATE Leaf/Sub", "11 OK"},
    {0, NULL, "!* LIST (\\HasNoChildren)\n* LIST (\\HasChildren) \"/\" Leaf"},
    {1, "12 CREATE Treetop", "12 OK"},
    {0, NULL, NULL},
    {1, "13 CREATE Tree/Sub", "13 OK"},
    {0, NULL, "* LIST (\\HasChildren) \"/\" Tree\n* LIST (\\HasNoChildren) \"/\" Tree/Sub"},
    {1, "14 RENAME Tree/Sub Elsewhere", "14 OK"}, /* it has left, but whither is told */
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Elsewhere (\"OLDNAME\" (Tree/Sub))"},
};
EXCHANGE_TEST(names_are_told_by_list, names, "Box:1")

/* §5.5, §6.4 */
static const struct exchange subscriptions[] = {
    {0, "1 NOTIFY SET (personal (SubscriptionChange))", "1 OK"},
    {1, "1 SUBSCRIBE Box", "1 OK"},
    {0, NULL, "* LIST (\\Subscribed \\HasNoChildren) \"/\" Box"},
    {1, "2 UNSUBSCRIBE Box", "2 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" Box"},
    {0, "2 SUBSCRIBE Box", "!* LIST\n2 OK"},
    {0, NULL, NULL},
    {1, "3 CREATE New", "3 OK"},
    {0, NULL, NULL},
    /* the list is evaluated again when it changes */
    {0, "3 NOTIFY SET (subscribed (MessageNew MessageExpunge))", "3 OK"},
    {1, "4 APPEND New {6+}\na: b\n", "4 OK"},
    {0, NULL, NULL},
    {1, "5 SUBSCRIBE New", "5 OK"},
    {0, NULL, NULL},
    {1, "6 APPEND New {6+}\na: b\n", "6 OK"},
    {0, NULL, "* STATUS New (MESSAGES 2 UIDNEXT 3"},
    {1, "7 UNSUBSCRIBE New", "7 OK"},
    {1, "8 APPEND New {6+}\na: b\n", "8 OK"},
    {0, NULL, NULL},
};
EXCHANGE_TEST(subscriptions_are_told_by_list, subscriptions, "Box:1")

/* §5.6, §5.7: ENABLE METADATA is not needed */
static const struct exchange metadata[] = {
    {0, "1 NOTIFY SET (personal (MailboxMetadataChange))", "1 OK"},
    {1, "1 SETMETADATA Box (/private/comment \"hello\")", "1 OK"},
    {0, NULL, "* METADATA Box /private/comment"},
    {1, "2 SETMETADATA \"\" (/private/comment \"hello\")", "2 OK"},
    {0, NULL, NULL},
    {0, "2 SETMETADATA Box (/private/comment \"mine\")", "!* METADATA\n2 OK"},
    {0, NULL, NULL},
    {0, "3 NOTIFY SET (personal (ServerMetadataChange))", "3 OK"},
    {1, "3 SETMETADATA \"\" (/private/comment NIL)", "3 OK"},
    {0, NULL, "* METADATA \"\" /private/comment"},
    {1, "4 SETMETADATA Box (/private/comment NIL)", "4 OK"},
    {0, NULL, NULL},
};
EXCHANGE_TEST(metadata_is_told_of, metadata, "Box:1")

/* §7: UPDATE with data items; §5.2: the FETCH follows ADDTO */
static const struct exchange updates[] = {
    {1, "1 SELECT Box", "1 OK"},
    {0, "1 SELECT Box", "1 OK"},
    {0,
	"U SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT "
	"message",
	"* ESEARCH (TAG \"U\") COUNT 2\nU OK"},
    {0, "F UID SEARCH RETURN (UPDATE(FLAGS) COUNT) FLAGGED",
	"* ESEARCH (TAG \"F\") UID COUNT 0\nF OK"},
    {0, "2 SEARCH RETURN (UPDATE ()) ALL", "2 BAD"},
    {0, "3 NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))", "3 OK"},
    {1, "2 COPY 1 Box", "2 OK"},
    {0, NULL,
	"* 3 EXISTS\n* ESEARCH (TAG \"U\") ADDTO (0 3)\n"
	"* 3 FETCH (UID 3 BODY[HEADER.FIELDS (SUBJECT)] {22}\nSubject: message 1\n\n)"},
    /* not of what is in the result for its flags */
    {1, "3 STORE 1 +FLAGS.SILENT (\\Flagged)", "3 OK"},
    {0, NULL, "* 1 FETCH (UID 1 FLAGS (\\Flagged))\n* ESEARCH (TAG \"F\") UID ADDTO (0 1)"},
    {1, "4 COPY 1 Box", "4 OK"},
    {0, NULL,
	"* 4 EXISTS\n* ESEARCH (TAG \"U\") ADDTO (0 4)\n* 4 FETCH (UID 4 BODY[\nSubject\n\n)\n"
	"* ESEARCH (TAG \"F\") UID ADDTO (0 4)\n* 4 FETCH (FLAGS (\\Flagged"},
};
EXCHANGE_TEST(contexts_can_ask_for_data_items, updates, "Box:2")

/* §5.2: attributes of NOTIFY and of searches SHOULD be combined into a single FETCH, behind ADDTO,
 * and nothing be told twice */
static const struct exchange combined[] = {
    {1, "1 SELECT Box", "1 OK"},
    {0, "1 SELECT Box", "1 OK"},
    {0, "U SEARCH RETURN (COUNT UPDATE (UID RFC822.SIZE)) SUBJECT \"message 1\"",
	"* ESEARCH (TAG \"U\") COUNT 1\nU OK"},
    {0, "V SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[]<0.3>)) ALL",
	"* ESEARCH (TAG \"V\") COUNT 3\nV OK"},
    {0, "W SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[]<0.5>)) FLAGGED",
	"* ESEARCH (TAG \"W\") COUNT 0\nW OK"},
    {0, "2 NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))", "2 OK"},
    {1, "2 COPY 1:2 Box", "2 OK"},
    {0, NULL,
	"!FETCH (UID 4 FLAGS ()) \n* 5 EXISTS\n* ESEARCH (TAG \"U\") ADDTO (0 4)\n"
	"* ESEARCH (TAG \"V\") ADDTO (0 4:5)\n"
	"* 4 FETCH (UID 4 FLAGS () RFC822.SIZE 163 BODY[]<0> {3}\nFro)\n"
	"* 5 FETCH (UID 5 FLAGS () RFC822.SIZE 163 BODY[]<0> {3}\nFro)"},
    {0, "V CANCELUPDATE \"V\"", "V OK"},
    {1, "3 COPY 1:2 Box", "3 OK"},
    {0, NULL,
	"* 7 EXISTS\n* ESEARCH (TAG \"U\") ADDTO (0 6)\n"
	"* 6 FETCH (UID 6 FLAGS () RFC822.SIZE 163)\n* 7 FETCH (UID 7 FLAGS ())"},
    /* its own are told for the search's sake */
    {0, "3 COPY 1 Box", "* 8 EXISTS\n* ESEARCH (TAG \"U\") ADDTO (0 8)\n* 8 FETCH (UID 8\n3 OK"},
};
EXCHANGE_TEST(items_of_notify_and_of_contexts_come_in_one_fetch, combined, "Box:3")

/* -- shared mailboxes: 1 is their owner, 0 the one they are shared with */

#define WORK "\"Other Users/" FIXTURE_USER "/Work\""
#define THEIRS "\"Other Users/" FIXTURE_USER "\""

static const struct exchange sharing[] = {
    {1, "1 SELECT Work", "1 OK"},
    {0, "1 NOTIFY SET (subtree " THEIRS " (MessageNew MessageExpunge FlagChange MailboxName))",
	"!* \n1 OK"},
    /* §5.4: granting l is creation */
    {1, "2 SETACL Work bob@example.test l", "2 OK"},
    {0, NULL, "* LIST (\\NoAccess \\Noselect \\HasNoChildren) \"/\" " WORK},
    {1, "3 COPY 1 Work", "3 OK"},
    {0, NULL, NULL}, /* §5: l and r */
    /* §3.1: \NoAccess when NOTIFY is used */
    {0, "2 NOTIFY SET STATUS (subtree " THEIRS " (MessageNew MessageExpunge FlagChange))",
	"!* STATUS\n* LIST (\\NoAccess \\Noselect \\HasNoChildren) \"/\" " WORK "\n2 OK"},
    /* §5.9 */
    {1, "4 SETACL Work bob@example.test lrs", "4 OK"},
    {0, NULL, "* LIST (\\HasNoChildren) \"/\" " WORK},
    {1, "5 COPY 1 Work", "5 OK"},
    {0, NULL, "* STATUS " WORK " (MESSAGES 5 UIDNEXT 6"},
    /* \Seen is everybody's own */
    {1, "6 STORE 1 +FLAGS.SILENT (\\Seen)", "6 OK"},
    {0, NULL, NULL},
    {0, "3 SELECT " WORK, "3 OK"},
    {0, "4 STORE 1:2 +FLAGS.SILENT (\\Seen)", "4 OK"},
    {0, "5 UNSELECT", "!* STATUS\n5 OK"},
    {0, NULL, NULL},
    {1, "7 COPY 1 Work", "7 OK"},
    {0, NULL, "* STATUS " WORK " (MESSAGES 6 UIDNEXT 7"},
    {1, "8 DELETEACL Work bob@example.test", "8 OK"},
    {0, NULL, "* LIST (\\NonExistent \\NoAccess) \"/\" " WORK},
    {1, "9 COPY 1 Work", "9 OK"},
    {0, NULL, NULL},
    {1, "10 SETACL Work bob@example.test lr", "10 OK"},
    {0, NULL, "* STATUS " WORK " (MESSAGES 7"},
};

/* RFC 5465 §5.9: access that is lost, and given again */
START_TEST(shared_mailboxes_are_told_of_as_far_as_rights_go)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Work:3");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	for (size_t i = 0; i < ARRAY_LEN(sharing); i++)
		ck_exchange_on(sharing[i].who ? f->conn : bob, sharing[i].send, sharing[i].expect);
}
END_TEST

/* RFC 7162 §3.1, with RFC 5465 §5.2: what comes unasked has the MODSEQ where CONDSTORE is enabled.
 */
static const struct exchange modseqs[] = {
    {0, "1 SELECT Box", "1 OK"},
    {0, "2 NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))", "2 OK"},
    {1, "1 SELECT Box", "1 OK"},
    {1, "2 COPY 1 Box", "2 OK"},
    {0, NULL, "* 2 EXISTS\n* 2 FETCH (UID 2 FLAGS ())"},
    {0, "3 ENABLE CONDSTORE", "3 OK"},
    {1, "3 COPY 1 Box", "3 OK"},
    {0, NULL, "* 3 EXISTS\n* 3 FETCH (UID 3 FLAGS () MODSEQ (#))"},
};
EXCHANGE_TEST(news_have_their_modseqs, modseqs, "Box:1")

/* §5.7: entries that all share */
START_TEST(entries_of_the_server_are_told_to_all)
{
	static const char *const boxes[] = {"Box:1", NULL};
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f =
	    imap_fixture_open_with(boxes, "imapd {\n admins = { \"ann@example.test\" }\n}\n");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	ck_exchange_on(bob, "1 NOTIFY SET (personal (ServerMetadataChange))", "1 OK");
	ck_exchange(f, "1 SETMETADATA \"\" (/shared/comment \"hello\")", "1 OK");
	ck_exchange_on(bob, NULL, "* METADATA \"\" /shared/comment");
	ck_exchange_on(bob, NULL, NULL);
}
END_TEST

/* -- limits ----------------------------------------------------------------------------------- */

static void
make_many(struct imap_fixture *f, const char *prefix, unsigned n)
{
	int64_t id;

	for (unsigned i = 0; i < n; i++) {
		struct str name = arena_printf(f->arena, "%s%04u", prefix, i);
		ck_assert_ok(mailbox_create(f->account, name, STR(""), &id));
	}
}

static unsigned
count_lines(struct str text, const char *start)
{
	struct str line;
	unsigned n = 0;

	while (str_split(&text, '\n', &line))
		n += str_starts(line, str_of(start));
	return n;
}

/* RFC 5465 §9: who does not read what he asked for costs one buffer; it goes on where it stopped.
 */
START_TEST(much_is_told_in_pieces)
{
	char prefix[901];
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("INBOX:0");

	memset(prefix, 'n', sizeof(prefix) - 1);
	for (size_t i = 200; i < sizeof(prefix) - 1; i += 200)
		prefix[i] = '/'; /* components are short */
	prefix[sizeof(prefix) - 1] = '\0';
	make_many(f, prefix, 500);
	conn_memory_feed(f->conn,
	    STR("1 NOTIFY SET STATUS (personal (MessageNew MessageExpunge MailboxName))\r\n"));
	ck_assert_uint_lt(conn_out_pending(f->conn), CONN_OUT_HIGH + 1000);
	struct str told = conn_memory_output(f->conn, f->arena);
	ck_assert_uint_eq(count_lines(told, "* STATUS nnn"), 504);
	ck_assert_uint_eq(count_lines(told, "1 OK"), 1);
	ck_exchange(f, NULL, NULL);
	prefix[0] = 'm';
	make_many(f, prefix, 500);
	conn_memory_run(f->conn);
	ck_assert_uint_eq(
	    count_lines(conn_memory_output(f->conn, f->arena), "* LIST (\\HasNoChildren)"), 500);
	ck_exchange(f, NULL, NULL);
	ck_exchange(f, "2 NOOP", "!* \n2 OK");
}
END_TEST

/* §5.8 */
START_TEST(too_many_mailboxes_are_an_overflow)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("INBOX:0");

	ck_exchange(f, "1 NOTIFY SET (personal (MailboxName))", "1 OK");
	make_many(f, "x", NOTIFY_BOXES_MAX);
	conn_memory_run(f->conn);
	struct str told = conn_memory_output(f->conn, f->arena);
	ck_assert_uint_eq(count_lines(told, "* OK [NOTIFICATIONOVERFLOW]"), 1);
	/* as after NOTIFY NONE */
	make_many(f, "y", 1);
	ck_exchange(f, NULL, NULL);
	ck_exchange(f, "2 NOTIFY SET (personal (MailboxName))", "2 NO [NOTIFICATIONOVERFLOW]");
	ck_exchange(f, "3 NOTIFY SET (mailboxes x0001 (MailboxName))", "3 OK");
}
END_TEST

/* §3.1: too complex */
START_TEST(too_many_groups_are_refused)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("INBOX:0");
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(100000);

	for (unsigned n = NOTIFY_GROUPS_MAX; n <= NOTIFY_GROUPS_MAX + 1; n++) {
		sbuf_clear(&line);
		sbuf_puts(&line, "1 NOTIFY SET");
		for (unsigned i = 0; i < n; i++)
			sbuf_puts(&line, " (personal (MailboxName))");
		ck_exchange(f, sbuf_cstr(&line),
		    n > NOTIFY_GROUPS_MAX ? "1 NO [NOTIFICATIONOVERFLOW]" : "1 OK");
	}
	sbuf_clear(&line);
	sbuf_puts(&line, "2 NOTIFY SET");
	for (unsigned i = 0; i <= NOTIFY_NAMES_MAX; i++)
		sbuf_puts(&line, i == 600 ? ") NONE) (mailboxes (a" : i ? " a" : " (mailboxes (a");
	sbuf_puts(&line, ") NONE)");
	ck_exchange(f, sbuf_cstr(&line), "2 NO [NOTIFICATIONOVERFLOW]");
}
END_TEST

TEST_MAIN("cmd_notify", news_have_their_modseqs, its_grammar_is_that_of_section_8,
    status_gives_a_snapshot, the_selected_mailbox_is_followed_without_a_command,
    an_expunge_waits_for_a_command, what_is_not_asked_for_is_not_told,
    other_mailboxes_are_told_by_status, names_are_told_by_list, subscriptions_are_told_by_list,
    metadata_is_told_of, contexts_can_ask_for_data_items,
    items_of_notify_and_of_contexts_come_in_one_fetch, entries_of_the_server_are_told_to_all,
    much_is_told_in_pieces, too_many_mailboxes_are_an_overflow, too_many_groups_are_refused,
    shared_mailboxes_are_told_of_as_far_as_rights_go)
