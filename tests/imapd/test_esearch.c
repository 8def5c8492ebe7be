/* What a search returns: ESEARCH (RFC 4731, RFC 9051 §6.4.4), SEARCHRES (RFC 5182), PARTIAL
 * (RFC 9394), ESORT (RFC 5267 §3), WITHIN (RFC 5032), FUZZY (RFC 6203), MODSEQ (RFC 7162). */
#include "common/base/clock.h"
#include "tests/imapd/imap_fixture.h"

/* RFC 4731 §3.1 */
static const struct dialogue esearch_rows[] = {
    {"1 SELECT Box", "* 9 EXISTS\n1 OK"},
    {"2 STORE 2:4,7 +FLAGS.SILENT (\\Flagged)", "2 OK"},
    {"a SEARCH RETURN (MIN COUNT) FLAGGED", "* ESEARCH (TAG \"a\") MIN 2 COUNT 4\na OK"},
    {"b SEARCH RETURN () FLAGGED", "* ESEARCH (TAG \"b\") ALL 2:4,7\nb OK"},
    {"c SEARCH RETURN (MIN) FLAGGED", "* ESEARCH (TAG \"c\") MIN 2\nc OK"},
    {"d UID SEARCH RETURN (MIN MAX) 1:5000", "* ESEARCH (TAG \"d\") UID MIN 1 MAX 9\nd OK"},
    {"e SEARCH RETURN (COUNT) DELETED", "* ESEARCH (TAG \"e\") COUNT 0\ne OK"},
    {"f SEARCH RETURN (MIN MAX ALL) DELETED",
	"!* ESEARCH (TAG \"f\") \n* ESEARCH (TAG \"f\")\nf OK"},
    {"g SEARCH RETURN (MAX ALL MIN COUNT) FLAGGED",
	"* ESEARCH (TAG \"g\") MIN 2 MAX 7 COUNT 4 ALL 2:4,7\ng OK"},
    {"h search return (count) charset utf-8 flagged", "* ESEARCH (TAG \"h\") COUNT 4\nh OK"},
    {"i SEARCH RETURN (MIN MIN) FLAGGED", "* ESEARCH (TAG \"i\") MIN 2\ni OK"},
    {"j SEARCH FLAGGED", "* SEARCH 2 3 4 7\nj OK"},
    /* RFC 4466 §2.6.1: what is not known is rejected */
    {"k SEARCH RETURN (MEDIAN) ALL", "k BAD"},
    {"l SEARCH RETURN MIN ALL", "l BAD"},
    {"m SEARCH RETURN (MIN)", "m BAD"},
    {"n SEARCH RETURN (MIN )ALL", "n BAD"},
    {"o SEARCH RETURN (ALL ALL) ALL", "o BAD"},
    {"p UID SEARCH RETURN () UID 5:*", "* ESEARCH (TAG \"p\") UID ALL 5:9\np OK"},
};
DIALOGUE_TEST(esearch_speaks, esearch_rows, "Box:9")

/* RFC 5182 §2.1, RFC 9051 §6.4.4.1 */
static const struct dialogue searchres_rows[] = {
    {"1 SELECT Box", "* 9 EXISTS\n1 OK"},
    {"2 STORE 2:4,7 +FLAGS.SILENT (\\Flagged)", "2 OK"},
    {"3 FETCH $ UID", "!* \n3 OK"}, /* the variable is empty after SELECT */
    /* §2.2 example 1: nothing is told */
    {"a SEARCH RETURN (SAVE) FLAGGED", "!* ESEARCH\na OK"},
    {"b FETCH $ (UID)", "* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n* 4 FETCH (UID 4)\n"
			"* 7 FETCH (UID 7)\nb OK"},
    {"c UID FETCH $ (FLAGS)", "* 2 FETCH\n* 7 FETCH\nc OK"},
    /* example 3 */
    {"d UID SEARCH UID $ 3:9", "* SEARCH 3 4 7\nd OK"},
    {"e SEARCH $ 1:3", "* SEARCH 2 3\ne OK"},
    /* example 4 */
    {"f SEARCH (OR $ 1,8)", "* SEARCH 1 2 3 4 7 8\nf OK"},
    {"g SEARCH NOT $", "* SEARCH 1 5 6 8 9\ng OK"},
    /* without SAVE it stays what it is; so it does after BAD */
    {"h SEARCH RETURN (ALL) SEEN", "* ESEARCH (TAG \"h\")\nh OK"},
    {"i SEARCH RETURN (SAVE) BOGUS", "i BAD"},
    {"j SEARCH $", "* SEARCH 2 3 4 7\nj OK"},
    /* §2.4, table */
    {"k SEARCH RETURN (SAVE MIN) $", "* ESEARCH (TAG \"k\") MIN 2\nk OK"},
    {"l SEARCH $", "* SEARCH 2\nl OK"},
    {"m SEARCH RETURN (MAX SAVE MIN) FLAGGED", "* ESEARCH (TAG \"m\") MIN 2 MAX 7\nm OK"},
    {"n SEARCH $", "* SEARCH 2 7\nn OK"},
    {"o SEARCH RETURN (MAX SAVE) FLAGGED", "* ESEARCH (TAG \"o\") MAX 7\no OK"},
    {"p SEARCH $", "* SEARCH 7\np OK"},
    {"q SEARCH RETURN (MAX SAVE MIN COUNT) FLAGGED",
	"* ESEARCH (TAG \"q\") MIN 2 MAX 7 COUNT 4\nq OK"},
    {"r SEARCH $", "* SEARCH 2 3 4 7\nr OK"},
    {"s SEARCH RETURN (ALL SAVE MIN) FLAGGED", "* ESEARCH (TAG \"s\") MIN 2 ALL 2:4,7\ns OK"},
    {"t SEARCH $", "* SEARCH 2 3 4 7\nt OK"},
    /* wherever a set may stand */
    {"u STORE $ +FLAGS.SILENT (\\Deleted)", "u OK"},
    {"v UID COPY $ Other", "v OK [COPYUID # 2:4,7 1:4]"},
    {"w COPY $ Other", "w OK [COPYUID # 2:4,7 5:8]"},
    {"x UID EXPUNGE $", "* 2 EXPUNGE\n* 2 EXPUNGE\n* 2 EXPUNGE\n* 4 EXPUNGE\nx OK"},
    /* what is expunged is no more in it; an empty one is no mistake */
    {"y SEARCH $", "!* SEARCH \n* SEARCH\ny OK"},
    {"z FETCH $ UID", "!* \nz OK"},
    {"A COPY $ Other", "A OK"},
    {"B MOVE $ Other", "B OK"},
    {"C STORE $ FLAGS ()", "C OK"},
    {"D UID EXPUNGE $", "D OK"},
    /* a search that fails with NO empties it (example 5) */
    {"E SEARCH RETURN (SAVE) ALL", "E OK"},
    {"F SEARCH RETURN (SAVE) CHARSET X-UNHEARD-OF $", "F NO [BADCHARSET"},
    {"G SEARCH $", "!* SEARCH \n* SEARCH\nG OK"},
    {"H SEARCH RETURN (SAVE) ALL", "H OK"},
    {"I SEARCH CHARSET X-UNHEARD-OF $", "I NO [BADCHARSET"},
    {"J SEARCH RETURN (COUNT) $", "* ESEARCH (TAG \"J\") COUNT 5\nJ OK"},
    {"K FETCH $,1 UID", "K BAD"},
    {"L FETCH 1:$ UID", "L BAD"},
    {"M SELECT Box", "M OK"},
    {"N SEARCH $", "!* SEARCH \n* SEARCH\nN OK"},
    {"O SORT RETURN (SAVE) (REVERSE ARRIVAL) UTF-8 1:2", "O OK"},
    {"P SEARCH $", "* SEARCH 1 2\nP OK"},
    {"Q MOVE $ Other", "* OK [COPYUID\n* 1 EXPUNGE\n* 1 EXPUNGE\nQ OK"},
};
DIALOGUE_TEST(a_saved_result_stands_for_a_set, searchres_rows, "Box:9", "Other:0")

/* RFC 9394 §3.1, §3.2; RFC 5267 §4.4 */
static const struct dialogue partial_rows[] = {
    {"1 SELECT Box", "* 9 EXISTS\n1 OK"},
    {"2 STORE 2:4,7,9 +FLAGS.SILENT (\\Flagged)", "2 OK"},
    {"a UID SEARCH RETURN (PARTIAL 1:2) FLAGGED",
	"* ESEARCH (TAG \"a\") UID PARTIAL (1:2 2:3)\na OK"},
    {"b SEARCH RETURN (PARTIAL 2:4) FLAGGED", "* ESEARCH (TAG \"b\") PARTIAL (2:4 3:4,7)\nb OK"},
    {"c SEARCH RETURN (PARTIAL 4:2) FLAGGED", "* ESEARCH (TAG \"c\") PARTIAL (2:4 3:4,7)\nc OK"},
    {"d SEARCH RETURN (PARTIAL -1:-2) FLAGGED", "* ESEARCH (TAG \"d\") PARTIAL (-1:-2 7,9)\nd OK"},
    {"e SEARCH RETURN (PARTIAL -3:-2) FLAGGED", "* ESEARCH (TAG \"e\") PARTIAL (-2:-3 4,7)\ne OK"},
    {"f SEARCH RETURN (PARTIAL 4:10) FLAGGED", "* ESEARCH (TAG \"f\") PARTIAL (4:10 7,9)\nf OK"},
    {"g SEARCH RETURN (PARTIAL -4:-10) FLAGGED",
	"* ESEARCH (TAG \"g\") PARTIAL (-4:-10 2:3)\ng OK"},
    {"h SEARCH RETURN (PARTIAL 6:10) FLAGGED", "* ESEARCH (TAG \"h\") PARTIAL (6:10 NIL)\nh OK"},
    {"i SEARCH RETURN (PARTIAL -6:-10) FLAGGED",
	"* ESEARCH (TAG \"i\") PARTIAL (-6:-10 NIL)\ni OK"},
    {"j SEARCH RETURN (COUNT PARTIAL 1:1 MIN MAX) FLAGGED",
	"* ESEARCH (TAG \"j\") MIN 2 MAX 9 COUNT 5 PARTIAL (1:1 2)\nj OK"},
    {"k SEARCH RETURN (PARTIAL 1:1 ALL) FLAGGED", "k BAD"},
    {"l SEARCH RETURN (ALL PARTIAL 1:1) FLAGGED", "l BAD"},
    {"m SEARCH RETURN (PARTIAL 1:1 PARTIAL 2:2) FLAGGED", "m BAD"},
    {"n SEARCH RETURN (PARTIAL 0:1) FLAGGED", "n BAD"},
    {"o SEARCH RETURN (PARTIAL -1:1) FLAGGED", "o BAD"},
    {"p SEARCH RETURN (PARTIAL 1:-1) FLAGGED", "p BAD"},
    {"q SEARCH RETURN (PARTIAL 1) FLAGGED", "q BAD"},
    {"r SEARCH RETURN (PARTIAL 1:*) FLAGGED", "r BAD"},
    /* §3.2, table 1 */
    {"s SEARCH RETURN (SAVE PARTIAL 2:3) FLAGGED", "* ESEARCH (TAG \"s\") PARTIAL (2:3 3:4)\ns OK"},
    {"t SEARCH $", "* SEARCH 3 4\nt OK"},
    {"u SEARCH RETURN (SAVE PARTIAL 2:3 MIN MAX) FLAGGED", "* ESEARCH\nu OK"},
    {"v SEARCH $", "* SEARCH 2 3 4 9\nv OK"},
    {"w SEARCH RETURN (SAVE PARTIAL 2:3 MAX) FLAGGED", "* ESEARCH\nw OK"},
    {"x SEARCH $", "* SEARCH 3 4 9\nx OK"},
    {"y SEARCH RETURN (SAVE PARTIAL 2:3 MIN) FLAGGED", "* ESEARCH\ny OK"},
    {"z SEARCH $", "* SEARCH 2 3 4\nz OK"},
    {"A SEARCH RETURN (SAVE PARTIAL 2:3 COUNT MIN) FLAGGED", "* ESEARCH\nA OK"},
    {"B SEARCH $", "* SEARCH 2 3 4 7 9\nB OK"},
};
DIALOGUE_TEST(partial_results_are_told_by_place, partial_rows, "Box:9")

/* RFC 5267 §3.1, §3.2 */
static const struct dialogue esort_rows[] = {
    {"1 SELECT Box", "* 9 EXISTS\n1 OK"},
    {"a UID SORT RETURN () (REVERSE ARRIVAL) UTF-8 1:4",
	"* ESEARCH (TAG \"a\") UID ALL 1:4\na OK"}, /* all arrived at once */
    {"b UID SORT RETURN () (REVERSE SUBJECT) UTF-8 1:4",
	"* ESEARCH (TAG \"b\") UID ALL 4,3,2,1\nb OK"},
    {"c SORT RETURN (MIN MAX COUNT) (REVERSE SUBJECT) UTF-8 2:4",
	"* ESEARCH (TAG \"c\") MIN 4 MAX 2 COUNT 3\nc OK"},
    {"d SORT RETURN (ALL) (SUBJECT) UTF-8 1:2,4", "* ESEARCH (TAG \"d\") ALL 1:2,4\nd OK"},
    {"e SORT RETURN (PARTIAL 1:2) (REVERSE SUBJECT) UTF-8 ALL",
	"* ESEARCH (TAG \"e\") PARTIAL (1:2 9,8)\ne OK"},
    {"f SORT RETURN (PARTIAL -1:-2) (REVERSE SUBJECT) UTF-8 ALL",
	"* ESEARCH (TAG \"f\") PARTIAL (-1:-2 2,1)\nf OK"},
    {"g SORT RETURN (COUNT) (SUBJECT) UTF-8 SEEN", "* ESEARCH (TAG \"g\") COUNT 0\ng OK"},
    {"h SORT RETURN () (SUBJECT) UTF-8 SEEN", "!* ESEARCH (TAG \"h\") \n* ESEARCH\nh OK"},
    {"i SORT RETURN (BOGUS) (SUBJECT) UTF-8 ALL", "i BAD"},
    {"j SORT (SUBJECT) UTF-8 ALL", "* SORT 1 2 3 4 5 6 7 8 9\nj OK"},
};
DIALOGUE_TEST(extended_sort_speaks, esort_rows, "Box:9")

/* RFC 7162 §3.1.5, §3.1.6, §3.1.9, §3.1.10; RFC 4731 §3.2 */
static const struct dialogue modseq_rows[] = {
    {"1 SELECT Box", "* 5 EXISTS\n1 OK"},
    {"2 STORE 2 +FLAGS.SILENT (\\Flagged)", "2 OK"},
    {"3 STORE 4 +FLAGS.SILENT (\\Flagged)", "3 OK"},
    {"4 STORE 3 +FLAGS.SILENT (\\Flagged)", "4 OK"},
    {"a SEARCH MODSEQ 1", "* SEARCH 1 2 3 4 5 (MODSEQ #)\na OK"},
    {"b SEARCH MODSEQ \"/flags/\\\\draft\" all 1 FLAGGED", "* SEARCH 2 3 4 (MODSEQ #)\nb OK"},
    {"c SEARCH OR NOT MODSEQ 0 LARGER 50000", "!* SEARCH \n* SEARCH\nc OK"},
    {"d SEARCH MODSEQ 9223372036854775807", "!* SEARCH \n* SEARCH\nd OK"},
    {"e SEARCH MODSEQ 9223372036854775808", "e BAD"},
    {"f SEARCH MODSEQ x", "f BAD"},
    {"g SEARCH MODSEQ \"/flags/a\" 5", "g BAD"},
    {"h SEARCH MODSEQ \"/flags/a\" priv 1 4", "* SEARCH 4 (MODSEQ #)\nh OK"},
    {"i SEARCH RETURN (ALL) MODSEQ 1 FLAGGED", "* ESEARCH (TAG \"i\") ALL 2:4 MODSEQ #\ni OK"},
    {"j SORT (REVERSE SUBJECT) UTF-8 MODSEQ 1 FLAGGED", "* SORT 4 3 2 (MODSEQ #)\nj OK"},
    {"k SORT RETURN () (REVERSE SUBJECT) UTF-8 MODSEQ 1 FLAGGED",
	"* ESEARCH (TAG \"k\") ALL 4,3,2 MODSEQ #\nk OK"},
    {"l SORT RETURN () (SUBJECT) UTF-8 MODSEQ 9223372036854775807",
	"!* ESEARCH (TAG \"l\") \n* ESEARCH (TAG \"l\")\nl OK"},
    {"m THREAD ORDEREDSUBJECT UTF-8 MODSEQ 1 4", "* THREAD (4)\nm OK"},
};
DIALOGUE_TEST(modseqs_are_searched, modseq_rows, "Box:5")

static uint64_t
modseq_told(struct imap_fixture *f, const char *send)
{
	struct str got = imap_fixture_ask(f, f->conn, send);
	const char *at = memmem(got.p, got.n, "MODSEQ ", 7);

	ck_assert_msg(at != NULL, "%s: %.*s", send, STR_ARG(got));
	return strtoull(at + 7, NULL, 10);
}

/* RFC 4731 §3.2: the highest of what is told. */
START_TEST(the_modseq_is_that_of_the_messages_told)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:5");

	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange(f, "2 STORE 2 +FLAGS.SILENT (\\Flagged)", "2 OK");
	ck_exchange(f, "3 STORE 4 +FLAGS.SILENT (\\Flagged)", "3 OK");
	ck_exchange(f, "4 STORE 3 +FLAGS.SILENT (\\Flagged)", "4 OK");
	ck_exchange(f, "5 SEARCH MODSEQ 1", "* OK [HIGHESTMODSEQ #]\n5 OK"); /* RFC 7162 §3.1 */
	uint64_t m2 = modseq_told(f, "a SEARCH RETURN (MIN) MODSEQ 1 FLAGGED");
	uint64_t m4 = modseq_told(f, "a SEARCH RETURN (MAX) MODSEQ 1 FLAGGED");
	uint64_t m3 = modseq_told(f, "a SEARCH RETURN (ALL) MODSEQ 1 FLAGGED");
	ck_assert_uint_lt(m2, m4);
	ck_assert_uint_lt(m4, m3);
	ck_assert_uint_eq(modseq_told(f, "a SEARCH RETURN (MIN MAX) MODSEQ 1 FLAGGED"), m4);
	ck_assert_uint_eq(modseq_told(f, "a SEARCH RETURN (MIN COUNT) MODSEQ 1 FLAGGED"), m3);
	ck_assert_uint_eq(modseq_told(f, "a UID SEARCH RETURN (PARTIAL 1:1) MODSEQ 1 FLAGGED"), m2);
	ck_assert_uint_eq(modseq_told(f, "a UID SEARCH RETURN (PARTIAL 1:2) MODSEQ 1 FLAGGED"), m3);
	ck_assert_uint_eq(modseq_told(f, "a SEARCH MODSEQ 1 FLAGGED"), m3);
	ck_assert_uint_eq(modseq_told(f, "a SORT (SUBJECT) UTF-8 MODSEQ 1 FLAGGED"), m3);
	ck_assert_uint_eq(
	    modseq_told(f, "a SORT RETURN (MIN) (REVERSE SUBJECT) UTF-8 MODSEQ 1 FLAGGED"), m4);
}
END_TEST

static void
put(struct imap_fixture *f, int64_t internal_s, const char *message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	uint32_t uidvalidity;

	ck_assert_ok(spool_new(f->store, &spool));
	for (const char *p = message; *p; p++)
		ck_assert_ok(*p == '\n' ? spool_write(spool, "\r\n", 2) : spool_write(spool, p, 1));
	struct append item = {.spool = spool, .internal_s = internal_s};
	ck_assert_ok(
	    message_append(f->account, imap_fixture_mailbox(f, "Box"), &item, 1, &uidvalidity));
}

/* The whole answer is `expect`, up to the tagged line. */
static void
ck_answer(struct imap_fixture *f, const char *send, const char *expect)
{
	struct str got = imap_fixture_ask(f, f->conn, send);
	const char *end = memmem(got.p, got.n, "\r\n", 2);

	ck_assert_msg(end != NULL, "%s: %.*s", send, STR_ARG(got));
	ck_assert_msg(str_eq(str_make(got.p, (size_t)(end - got.p)), str_of(expect)),
	    "%s: expected %s, got %.*s", send, expect, STR_ARG(got));
}

/* RFC 5032 §2: to the second, and both ends count. */
START_TEST(messages_are_searched_by_their_age)
{
	static const int64_t now = 1700000000;

	clock_freeze(now);
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:0");

	put(f, now - 100, "Subject: x\n\n");
	put(f, now - 50, "Subject: y\n\n");
	put(f, now, "Subject: z\n\n");
	ck_exchange(f, "1 SELECT Box", "* 3 EXISTS\n1 OK");
	ck_answer(f, "a SEARCH OLDER 50", "* SEARCH 1 2");
	ck_answer(f, "b SEARCH OLDER 51", "* SEARCH 1");
	ck_answer(f, "c SEARCH YOUNGER 50", "* SEARCH 2 3");
	ck_answer(f, "d SEARCH YOUNGER 49", "* SEARCH 3");
	ck_answer(f, "e SEARCH YOUNGER 4294967295", "* SEARCH 1 2 3");
	ck_exchange(f, "f SEARCH OLDER 0", "f BAD");
	ck_exchange(f, "g SEARCH YOUNGER -1", "g BAD");
	ck_exchange(f, "h SEARCH OLDER 4294967296", "h BAD");
	ck_answer(f, "i SEARCH NOT OLDER 51 NOT YOUNGER 49", "* SEARCH 2");
	clock_thaw();
}
END_TEST

/* RFC 6203 §3, §4, §6 */
START_TEST(fuzzy_searches_find_words_and_say_how_relevant)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:0");

	put(f, 1, "From: fred@example.test\nSubject: The break of IMAP\n\nbody text\n");
	put(f, 2, "From: fred@example.test\nSubject: IMAP break\n\nbody text\n");
	put(f, 3, "From: ann@example.test\nSubject: other\n\nimap is what we shall break\n");
	put(f, 4, "From: ann@example.test\nSubject: meetings\n\nbody text\n");
	ck_exchange(f, "1 SELECT Box", "* 4 EXISTS\n1 OK");
	ck_answer(f, "a SEARCH SUBJECT \"IMAP break\"", "* SEARCH 2");
	ck_answer(f, "b SEARCH FUZZY SUBJECT \"IMAP break\"", "* SEARCH 1 2");
	ck_answer(f, "c SEARCH FUZZY (SUBJECT \"IMAP breaks\")", "* SEARCH 1 2");
	ck_answer(f, "d SEARCH FUZZY TEXT \"break, imap!\"", "* SEARCH 1 2 3");
	ck_answer(f, "e SEARCH FUZZY BODY \"break imap\"", "* SEARCH 3");
	ck_answer(f, "f SEARCH FUZZY SUBJECT \"imap break\" FROM \"ann\"", "* SEARCH");
	ck_answer(f, "g SEARCH NOT FUZZY SUBJECT \"imap break\"", "* SEARCH 3 4");
	ck_answer(f, "h SEARCH FUZZY SUBJECT meeting", "* SEARCH 4");
	ck_answer(f, "i SEARCH FUZZY SUBJECT \"?!\"", "* SEARCH");
	/* the string itself in the subject, then its words there, then only in the body */
	ck_answer(f, "j SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT \"imap break\"",
	    "* ESEARCH (TAG \"j\") ALL 1:3 RELEVANCY (47 85 22)");
	ck_answer(f, "k SORT (RELEVANCY) UTF-8 FUZZY TEXT \"imap break\"", "* SORT 2 1 3");
	ck_answer(f, "l SORT (REVERSE RELEVANCY) UTF-8 FUZZY TEXT \"imap break\"", "* SORT 3 1 2");
	ck_answer(f, "m SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT \"imap break\"",
	    "* ESEARCH (TAG \"m\") ALL 2,1,3 RELEVANCY (85 47 22)");
	ck_answer(f, "n SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT \"imap break\"",
	    "* ESEARCH (TAG \"n\") PARTIAL (1:2 2,1)");
	ck_answer(f,
	    "o SORT RETURN (PARTIAL 2:2 RELEVANCY) (RELEVANCY) UTF-8 FUZZY TEXT \"imap break\"",
	    "* ESEARCH (TAG \"o\") PARTIAL (2:2 1) RELEVANCY (47)");
	/* of keys that are no strings: matched as they are, and what is recent is relevant */
	ck_answer(f, "p SEARCH RETURN (RELEVANCY) FUZZY ALL",
	    "* ESEARCH (TAG \"p\") RELEVANCY (77 85 92 100)");
	/* MUST NOT be used without FUZZY */
	ck_exchange(f, "q SEARCH RETURN (RELEVANCY) ALL", "q BAD");
	ck_exchange(f, "r SORT (RELEVANCY) UTF-8 ALL", "r BAD");
	ck_exchange(f, "s SEARCH FUZZY", "s BAD");
	ck_answer(
	    f, "t SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT nowhere", "* ESEARCH (TAG \"t\")");
}
END_TEST

/* RFC 9586 §3.2, RFC 6855 §3, RFC 9051 §6.4.4 */
START_TEST(searches_follow_what_is_enabled)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");

	ck_exchange(f, "1 SELECT Box", "1 OK");
	f->session->enabled |= EN_UTF8;
	ck_exchange(f, "2 SEARCH CHARSET UTF-8 1:2", "* SEARCH 1 2\n2 OK"); /* says the same */
	ck_exchange(f, "3 SEARCH CHARSET ISO-8859-1 1:2", "3 BAD");
	ck_exchange(f, "4 SORT (DATE) ISO-8859-1 1", "* SORT 1\n4 OK"); /* must name one */
	f->session->enabled = EN_REV2;
	ck_answer(f, "5 SEARCH ALL", "* ESEARCH (TAG \"5\") ALL 1:3");
	ck_answer(f, "6 UID SEARCH FLAGGED", "* ESEARCH (TAG \"6\") UID");
	ck_answer(f, "7 SORT (DATE) UTF-8 2", "* SORT 2");
	f->session->enabled = EN_UIDONLY;
	ck_exchange(f, "8 UID SEARCH 1:2", "8 BAD [UIDREQUIRED]");
	ck_exchange(f, "9 UID SEARCH OR SEEN (NOT *)", "9 BAD [UIDREQUIRED]");
	ck_answer(f, "a UID SEARCH UID 1:2", "* SEARCH 1 2");
	ck_answer(f, "b UID SEARCH $", "* SEARCH");
}
END_TEST

/* RFC 5182 §2.5 */
START_TEST(what_is_too_much_is_not_saved)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:1");
	CLEANUP(mem_free) struct uid_range *r = calloc(SAVED_RANGES_MAX + 1, sizeof(*r));

	for (uint32_t i = 0; i <= SAVED_RANGES_MAX; i++)
		r[i] = (struct uid_range){2 * i + 1, 2 * i + 1};
	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_assert_ok(imap_save_found(f->session, &(struct uidset){.r = r, .n = SAVED_RANGES_MAX}));
	ck_answer(f, "2 SEARCH $", "* SEARCH 1");
	const struct uidset more = {.r = r, .n = SAVED_RANGES_MAX + 1};
	ck_assert_int_eq(imap_save_found(f->session, &more), ERR_LIMIT);
	ck_answer(f, "3 SEARCH $", "* SEARCH");
}
END_TEST

TEST_MAIN("esearch", esearch_speaks, a_saved_result_stands_for_a_set,
    partial_results_are_told_by_place, extended_sort_speaks, modseqs_are_searched,
    the_modseq_is_that_of_the_messages_told, messages_are_searched_by_their_age,
    fuzzy_searches_find_words_and_say_how_relevant, searches_follow_what_is_enabled,
    what_is_too_much_is_not_saved)
