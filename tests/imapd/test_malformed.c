/* What is not a command: every command of the table, cut at every octet and with every octet
 * replaced, is answered by one tagged reply, and where that is BAD it says what was expected where.
 * RFC 3501 §7.1.3, RFC 9051 §7.1.3. */
#include "imapd/imap_command.h"
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* A right command for every row of the table. */
static const struct sample {
	const char *name, *text;
} samples[] = {
    {"APPEND", "APPEND INBOX (\\Seen $a) \"17-Jul-1996 02:44:25 -0700\" {12+}\r\nSubject: x\r\n"},
    {"AUTHENTICATE", "AUTHENTICATE SCRAM-SHA-256 biwsbj1hLHI9Yg=="},
    {"CANCELUPDATE", "CANCELUPDATE \"7\""},
    {"CAPABILITY", "CAPABILITY"},
    {"CHECK", "CHECK"},
    {"CLOSE", "CLOSE"},
    {"COMPRESS", "COMPRESS DEFLATE"},
    {"COPY", "COPY 1:2,* \"INBOX\""},
    {"CREATE", "CREATE New (USE (\\Archive))"},
    {"DELETE", "DELETE \"Nowhere\""},
    {"DELETEACL", "DELETEACL INBOX bob"},
    {"ENABLE", "ENABLE CONDSTORE X-UNKNOWN"},
    {"ESEARCH",
	"ESEARCH IN (mailboxes (INBOX \"a\") subtree b) RETURN (MIN COUNT) NOT (SEEN DELETED)"},
    {"EXAMINE", "EXAMINE \"INBOX\" (CONDSTORE)"},
    {"EXPUNGE", "UID EXPUNGE 1:4,7"},
    {"FETCH", "FETCH 1:2 (UID BODY.PEEK[1.2.HEADER.FIELDS (From \"To\")]<0.9>) (CHANGEDSINCE 4)"},
    {"FETCH", "UID FETCH 1:* (FLAGS ENVELOPE BODY[TEXT] BINARY.SIZE[1] RFC822.SIZE MODSEQ)"},
    {"GETMETADATA", "GETMETADATA (MAXSIZE 100 DEPTH infinity) INBOX (/private/comment)"},
    {"GETACL", "GETACL INBOX"},
    {"GETQUOTA", "GETQUOTA \"\""},
    {"GETQUOTAROOT", "GETQUOTAROOT INBOX"},
    {"ID", "ID (\"name\" \"x\" \"version\" NIL)"},
    {"IDLE", "IDLE"},
    {"LIST",
	"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (\"a*\" %) RETURN (CHILDREN STATUS (MESSAGES))"},
    {"LISTRIGHTS", "LISTRIGHTS INBOX anyone"},
    {"LOGIN", "LOGIN \"a\" \"b"},
    {"LOGOUT", "LOGOUT"},
    {"LSUB", "LSUB \"\" *"},
    {"MOVE", "MOVE 2 INBOX"},
    {"MYRIGHTS", "MYRIGHTS INBOX"},
    {"NAMESPACE", "NAMESPACE"},
    {"NOTIFY", "NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge)) "
	       "(personal (MailboxName))"},
    {"NOOP", "NOOP"},
    {"RENAME", "RENAME \"a\" b"},
    {"REPLACE", "REPLACE 2 INBOX (\\Seen) {12+}\r\nSubject: x\r\n"},
    {"SEARCH",
	"SEARCH RETURN (MIN ALL) CHARSET UTF-8 OR (UNSEEN NOT 1:3) SINCE 1-Feb-1994 BODY \"x\" "
	"HEADER To y LARGER 7 MODSEQ \"/flags/\\\\draft\" all 1"},
    {"SELECT", "SELECT INBOX (QRESYNC (5 7 1:3 (1 1)))"},
    {"SETMETADATA", "SETMETADATA INBOX (/private/comment \"x\" /shared/comment NIL)"},
    {"SETACL", "SETACL INBOX bob +lr"},
    {"SETQUOTA", "SETQUOTA \"x\" (STORAGE 512)"},
    {"SORT", "SORT (REVERSE DATE SUBJECT) UTF-8 NOT DELETED"},
    {"STARTTLS", "STARTTLS"},
    {"STATUS", "STATUS INBOX (MESSAGES UNSEEN)"},
    {"STORE", "STORE 1:2 (UNCHANGEDSINCE 9) +FLAGS.SILENT (\\Seen $a)"},
    {"STORE", "UID STORE 1 -FLAGS \\Deleted"},
    {"SUBSCRIBE", "SUBSCRIBE \"INBOX\""},
    {"THREAD", "THREAD REFERENCES UTF-8 ALL"},
    {"UIDBATCHES", "UIDBATCHES 500 1:3"},
    {"UNAUTHENTICATE", "UNAUTHENTICATE"},
    {"UNSELECT", "UNSELECT"},
    {"UNSUBSCRIBE", "UNSUBSCRIBE a"},
    {"XLIST", "XLIST \"\" %"},
};

struct tested {
	struct imap_fixture *f;
	struct conn *c;
	bool stranger;
};

static void
reopen(struct tested *t)
{
	if (t->c)
		imap_fixture_drop(t->f);
	t->c = t->stranger ? imap_fixture_stranger(t->f, NULL) : imap_fixture_connect(t->f);
	conn_memory_output(t->c, t->f->arena);
	if (!t->stranger)
		imap_fixture_ask(t->f, t->c, "0 ENABLE QRESYNC"); /* so that SELECT may say it */
}

/* The same state before each: a session that ended, or did what it was told, begins anew. */
static void
prepare(struct tested *t)
{
	if (t->stranger || !t->c)
		reopen(t);
	if (t->stranger || str_starts(imap_fixture_ask(t->f, t->c, "0 SELECT INBOX"), STR("* ")))
		return;
	reopen(t);
	imap_fixture_ask(t->f, t->c, "0 SELECT INBOX");
}

static struct str
last_line(struct str text)
{
	struct str line, last = {NULL, 0};

	while (str_split(&text, '\n', &line))
		if (line.n > 0)
			last = line;
	return last;
}

static bool
says_why(struct str reply, size_t length)
{
	static const char *const others[] = {"Unknown command", "Log in first", "Already logged in",
	    /* of what SASL carries there is no position to tell */
	    "Expected base64", "Expected a message of the mechanism", "cancelled by the client"};
	size_t at = str_find(reply, ' ');

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_find_nocase(reply, str_of(others[i])) != STR_NONE)
			return true;
	if (at == STR_NONE || str_find_nocase(reply, STR("Expected ")) == STR_NONE)
		return false;
	at = str_find_nocase(reply, STR(" at position "));
	if (at == STR_NONE)
		return false;
	unsigned long position = strtoul(reply.p + at + strlen(" at position "), NULL, 10);
	return position >= 1 && position <= length + 1;
}

static struct sbuf complaints; /* of all samples: one run shows them all */

static void
complain(const char *sent, struct str reply)
{
	sbuf_printf(&complaints, "%s  ->  %.*s\n", sent, STR_ARG(reply));
}

/* Sends a line that may be wrong; is it? */
static bool
try(struct tested *t, const char *text)
{
	char line[400];

	prepare(t);
	int n = snprintf(line, sizeof(line), "7 %s", text);
	struct str got = imap_fixture_ask(t->f, t->c, line);
	if (str_starts(last_line(got), STR("+ ")))
		got = imap_fixture_ask(t->f, t->c, strcmp(text, "IDLE") == 0 ? "DONE" : "*");
	struct str reply = last_line(got);
	if (str_starts(reply, STR("7 BAD "))) {
		if (!says_why(reply, (size_t)n))
			complain(line, reply);
	} else if (!str_starts(reply, STR("7 OK")) && !str_starts(reply, STR("7 NO"))) {
		if (got.n > 0 || strncmp(text, "LOGIN", 5) != 0) /* a password: others check it */
			complain(line, got);
		reopen(t);
	}
	if (strncmp(text, "COMPRESS", 8) == 0 && str_starts(reply, STR("7 OK")))
		reopen(t);
	bool bad = str_starts(reply, STR("7 BAD "));
	arena_reset(t->f->arena);
	return bad;
}

static void
try_all(struct tested *t, const struct sample *sample)
{
	static const char replacements[] = "( )\"*{\\x0]";
	char line[400];
	const char *literal = strchr(sample->text, '{');
	size_t n = literal ? (size_t)(literal - sample->text) : strlen(sample->text);

	const struct imap_command *row = imap_find_command(str_of(sample->name));

	t->stranger = row && row->states == ST_GREET;
	reopen(t);
	bool bad = try(t, sample->text);
	ck_assert_msg(!bad || !row || t->stranger, "the sample is wrong: %s", sample->text);
	for (size_t cut = 1; cut < n; cut++) {
		snprintf(line, sizeof(line), "%.*s", (int)cut, sample->text);
		try(t, line);
	}
	for (size_t at = 0; at < n; at++) {
		for (const char *r = replacements; *r; r++) {
			/* a quote may open a string that holds the whole rest: that is fine too */
			snprintf(line, sizeof(line), "%s", sample->text);
			if (line[at] == *r)
				continue;
			line[at] = *r;
			try(t, line);
		}
	}
	imap_fixture_drop(t->f);
	t->c = NULL;
}

START_TEST(what_is_cut_or_changed_anywhere_is_answered_with_what_was_expected)
{
	const char *const boxes[] = {"Inbox:3", NULL};
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f =
	    imap_fixture_open_with(boxes, "limits { bad_commands_before_login = 1000 }\n");
	struct tested t = {.f = f};
	size_t n;
	const struct imap_command *rows = imap_all_commands(&n);

	sbuf_init(&complaints, 16 << 20);
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		for (size_t k = 0; k < ARRAY_LEN(samples); k++)
			found |= strcmp(samples[k].name, rows[i].name) == 0;
		ck_assert_msg(found, "no sample of %s", rows[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		try_all(&t, &samples[i]);
	struct str all = sbuf_view(&complaints);
	ck_assert_msg(all.n == 0, "%.*s", (int)(all.n < 3000 ? all.n : 3000), all.p);
	sbuf_done(&complaints);
}
END_TEST

/* RFC 3501 §7.1.5: the twentieth in a row is one too many; a good command begins anew. */
START_TEST(twenty_in_a_row_end_the_connection)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1");

	for (int i = 0; i < 19; i++)
		ck_exchange(f, "7 FETCH", "7 BAD Select a mailbox first");
	ck_exchange(f, "8 NOOP", "8 OK");
	for (int i = 0; i < 19; i++)
		ck_exchange(f, "7 STATUS INBOX (MESSAGES", "7 BAD Expected");
	ck_exchange(f, "7 STATUS INBOX (MESSAGES",
	    "7 BAD Expected\n* BYE [CLIENTBUG] Too many bad commands\n<closed>");
}
END_TEST

TEST_MAIN("malformed", what_is_cut_or_changed_anywhere_is_answered_with_what_was_expected,
    twenty_in_a_row_end_the_connection)
