/* UTF8=ACCEPT: RFC 6855, RFC 9755. */
#include "tests/imapd/imap_fixture.h"

static const struct dialogue utf8_dialogue[] = {
    /* RFC 6855 §3: UTF-8 in quoted strings is understood, and sent only to those who asked */
    {"1 LIST \"\" Entw*", "* LIST (\\HasNoChildren) \"/\" Entw&APw-rfe\n1 OK"},
    {"2 STATUS \"Entw\xc3\xbcrfe\" (MESSAGES)", "* STATUS Entw&APw-rfe (MESSAGES 1)\n2 OK"},
    {"3 ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\n3 OK"}, /* §3, RFC 5161 §3.2 */
    {"4 LIST \"\" Entw*", "* LIST (\\HasNoChildren) \"/\" \"Entw\xc3\xbcrfe\"\n4 OK"},
    {"5 STATUS \"Entw\xc3\xbcrfe\" (MESSAGES)", "* STATUS \"Entw\xc3\xbcrfe\" (MESSAGES 1)\n5 OK"},
    {"6 SELECT {8+}\nEntw\xc3\xbcrf", "6 NO [NONEXISTENT]"},
    {"7 SELECT \"Entw\xc3\xbcrfe\"", "7 OK"},
    {"8 CREATE \"a&b\"", "8 OK"}, /* no modified UTF-7 any more */
    {"9 LIST \"\" a*", "* LIST (\\HasNoChildren) \"/\" a&b\n9 OK"},
    {"10 LSUB \"\" *", "10 OK"},
    {"11 CREATE \"\xc3\"", "11 BAD Expected UTF-8"}, /* §3: MUST reject with BAD */
    {"12 CREATE \"\xed\xa0\x80\"", "12 BAD Expected UTF-8"},
    {"13 CREATE {1+}\n\xc3", "13 BAD"},
    /* §4 */
    {"14 APPEND INBOX UTF8 (~{13+}\nSubject: \xc3\xbc\n)", "14 OK [APPENDUID # 1]"},
    {"15 APPEND INBOX (\\Seen) UTF8 (~{13}", "+ "},
    {"Subject: \xc3\xbc\n)", "15 OK [APPENDUID # 2]"},
    {"16 APPEND INBOX {13+}\nSubject: \xc3\xbc\n", "16 OK"}, /* RFC 9755 §3 */
    {"17 SEARCH CHARSET UTF-8 SUBJECT x", "17 OK"}, /* §3 SHOULD refuse it; it says the same */
    {"18 SEARCH SUBJECT \"\xc3\xbc\"", "18 OK"},
};
DIALOGUE_TEST(
    names_and_strings_are_utf8_once_that_is_enabled, utf8_dialogue, "Inbox:0", "Entw\xc3\xbcrfe:1")

/* RFC 6855 §4 and RFC 9755 §4 have a server refuse these; see keep_octets() in cmd_append.c for why
 * this one does not: what a client without UTF8=ACCEPT puts in it gets back octet for octet. */
static const struct dialogue raw_dialogue[] = {
    {"1 APPEND INBOX {15+}\nSubject: \xc3\xbc\n\n", "1 OK [APPENDUID # 1]"},
    {"2 APPEND INBOX {15+}\nSubject: \xfc!\n\n", "2 OK [APPENDUID # 2]"}, /* Latin-1 */
    {"3 SELECT INBOX", "* 2 EXISTS\n3 OK"},
    {"4 FETCH 1 BODY.PEEK[HEADER]", "* 1 FETCH (BODY[HEADER] {15}\nSubject: \xc3\xbc\n\n)\n4 OK"},
    {"5 FETCH 2 BODY.PEEK[HEADER]", "* 2 FETCH (BODY[HEADER] {15}\nSubject: \xfc!\n\n)\n5 OK"},
};
DIALOGUE_TEST(raw_octets_in_a_header_are_kept, raw_dialogue, "Inbox:0")

TEST_MAIN(
    "utf8_accept", names_and_strings_are_utf8_once_that_is_enabled, raw_octets_in_a_header_are_kept)
