/* The productions of RFC 3501 §9, and mailbox patterns. */
#include "imapd/imap_parse.h"
#include "imapd/list_pattern.h"
#include "tests/support/test.h"

#define ARENA_MAX (16 * 1024 * 1024)

enum production { ASTRING, STRING, NSTRING, ATOM, MAILBOX };

static const struct {
	enum production production;
	const char *text;
	const char *value; /* NULL: a mistake */
	size_t at; /* where */
} string_rows[] = {
    {ATOM, "abc", "abc", 0},
    {ATOM, "abc]", NULL, 3},
    {ATOM, "", NULL, 0},
    {ATOM, "a(b", NULL, 1},
    {ASTRING, "abc]", "abc]", 0},
    {ASTRING, "\"a b\"", "a b", 0},
    {ASTRING, "\"a\\\"\\\\b\"", "a\"\\b", 0},
    {ASTRING, "\"\"", "", 0},
    {ASTRING, "\"a\\b\"", NULL, 3},
    {ASTRING, "\"abc", NULL, 4},
    {ASTRING, "\"a\\", NULL, 3},
    {ASTRING, "\"a\r\n\"", NULL, 2},
    {ASTRING, "{3}\r\na\"b", "a\"b", 0},
    {ASTRING, "{3+}\r\na b", "a b", 0},
    {ASTRING, "{0}\r\n", "", 0},
    {ASTRING, "{3}\r\nab", NULL, 5},
    {ASTRING, "{99999999999999999999}\r\nab", NULL, 1},
    {ASTRING, "{3}ab", NULL, 3},
    {ASTRING, "{}\r\n", NULL, 1},
    {ASTRING, "", NULL, 0},
    {ASTRING, "%", NULL, 0},
    {STRING, "abc", NULL, 0},
    {STRING, "\"abc\"", "abc", 0},
    {NSTRING, "nil", "<NIL>", 0},
    {NSTRING, "NILS", NULL, 0},
    {NSTRING, "\"NIL\"", "NIL", 0},
    {MAILBOX, "InBoX", "INBOX", 0},
    {MAILBOX, "\"inbox\"", "INBOX", 0},
    {MAILBOX, "inbox/a", "inbox/a", 0},
    {MAILBOX, "Entw&APw-rfe", "Entw\xc3\xbcrfe", 0},
    {MAILBOX, "a&-b", "a&b", 0},
    {MAILBOX, "R&D", NULL, 0},
    {MAILBOX, "\"\xc3\xbc\"", "\xc3\xbc", 0}, /* RFC 6855 §3 */
    {MAILBOX, "\"\xc3\"", NULL, 0},
};

START_TEST(strings_and_names_are_read)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);

	for (size_t i = 0; i < ARRAY_LEN(string_rows); i++) {
		struct imap_args a;
		struct str value = {NULL, 0};

		imap_args_init(&a, test_guarded(str_of(string_rows[i].text)), arena);
		switch (string_rows[i].production) {
		case ASTRING:
			imap_parse_astring(&a, &value);
			break;
		case STRING:
			imap_parse_string(&a, &value);
			break;
		case NSTRING:
			imap_parse_nstring(&a, &value);
			if (!value.p)
				value = STR("<NIL>");
			break;
		case ATOM:
			imap_parse_atom(&a, &value);
			break;
		case MAILBOX:
			imap_parse_mailbox(&a, &value);
			break;
		}
		enum err e = imap_parse_end(&a);
		if (string_rows[i].value) {
			ck_assert_msg(!e, "%s: %s", string_rows[i].text, err_name(e));
			ck_assert_str_is(value, string_rows[i].value);
		} else {
			ck_assert_msg(e != ERR_OK, "%s", string_rows[i].text);
			ck_assert_msg(a.c.err_at == string_rows[i].at, "%s: at %zu",
			    string_rows[i].text, a.c.err_at);
		}
	}
}
END_TEST

static const struct {
	const char *text;
	const char *set; /* NULL: a mistake */
} uid_set_rows[] = {
    {"1", "1"},
    {"1:3", "1:3"},
    {"3:1", "1:3"},
    {"5,1:3,2:4", "1:5"},
    {"4294967295", "4294967295"},
    {"1:4294967295", "1:4294967295"},
    {"0", NULL},
    {"1:0", NULL},
    {"4294967296", NULL},
    {"1,", NULL},
    {",1", NULL},
    {"1:", NULL},
    {"*", NULL},
    {"", NULL},
    {"1 2", NULL},
};

START_TEST(uid_sets_are_read)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);

	for (size_t i = 0; i < ARRAY_LEN(uid_set_rows); i++) {
		CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1000);
		struct imap_args a;
		struct uidset set;

		imap_args_init(&a, test_guarded(str_of(uid_set_rows[i].text)), arena);
		imap_parse_uid_set(&a, &set);
		enum err e = imap_parse_end(&a);
		ck_assert_msg(
		    (e == ERR_OK) == (uid_set_rows[i].set != NULL), "%s", uid_set_rows[i].text);
		if (e)
			continue;
		uidset_print(&set, &text);
		ck_assert_str_eq(sbuf_cstr(&text), uid_set_rows[i].set);
	}
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t system;
	const char *keywords;
} flag_rows[] = {
    {"()", true, 0, ""},
    {"(\\Seen)", true, FLAG_SEEN, ""},
    {"(\\seen \\DELETED \\Seen)", true, FLAG_SEEN | FLAG_DELETED, ""},
    {"\\Flagged $Label1 $label1 x", true, FLAG_FLAGGED, "$Label1 x "},
    {"(projekt=20=c3=9cber)", true, 0, "projekt=20=c3=9cber "},
    {"(\\Recent)", false, 0, NULL}, /* RFC 3501 §2.3.2: not a client's to set */
    {"(\\Unknown)", false, 0, NULL},
    {"(\\)", false, 0, NULL},
    {"(a", false, 0, NULL},
    {"(a )", false, 0, NULL},
    {"a,b]", false, 0, NULL},
    {"", false, 0, NULL},
    {"(\"a\")", false, 0, NULL},
};

START_TEST(flags_are_read)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);

	for (size_t i = 0; i < ARRAY_LEN(flag_rows); i++) {
		CLEANUP(sbuf_done) struct sbuf keywords = SBUF_INIT(1000);
		struct imap_args a;
		struct flag_list flags;

		imap_args_init(&a, test_guarded(str_of(flag_rows[i].text)), arena);
		imap_parse_flags(&a, &flags);
		enum err e = imap_parse_end(&a);
		ck_assert_msg((e == ERR_OK) == flag_rows[i].ok, "%s", flag_rows[i].text);
		if (e)
			continue;
		for (size_t k = 0; k < flags.keyword_count; k++) {
			sbuf_put(&keywords, flags.keywords[k]);
			sbuf_putc(&keywords, ' ');
		}
		ck_assert_uint_eq(flags.system, flag_rows[i].system);
		ck_assert_str_eq(sbuf_cstr(&keywords), flag_rows[i].keywords);
	}
}
END_TEST

START_TEST(dates_are_read)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	struct imap_args a;
	struct date date;

	imap_args_init(&a, test_guarded(STR("1-Feb-1970 \"01-Feb-1970\" 32-Feb-1970")), arena);
	ck_assert_int_eq(imap_parse_date(&a), 31);
	imap_parse_space(&a);
	ck_assert_int_eq(imap_parse_date(&a), 31);
	imap_parse_space(&a);
	imap_parse_date(&a);
	ck_assert_int_eq(imap_parse_end(&a), ERR_SYNTAX);
	ck_assert_uint_eq(a.c.err_at, 25);

	imap_args_init(&a, test_guarded(STR("\"17-Jul-1996 02:44:25 -0700\"")), arena);
	imap_parse_date_time(&a, &date);
	ck_assert_ok(imap_parse_end(&a));
	ck_assert_int_eq(date.utc_s, 837596665);
	ck_assert_int_eq(date.zone_s, -7 * 3600);
	imap_args_init(&a, test_guarded(STR("\" 7-Jul-1996 02:44:25 -0700\"")), arena);
	imap_parse_date_time(&a, &date);
	ck_assert_ok(imap_parse_end(&a));
	imap_args_init(&a, test_guarded(STR("17-Jul-1996")), arena);
	imap_parse_date_time(&a, &date);
	ck_assert_int_eq(imap_parse_end(&a), ERR_SYNTAX);
}
END_TEST

START_TEST(literals_are_found_at_the_end_of_a_line)
{
	static const struct {
		const char *line;
		bool found, synchronising;
		uint64_t size;
	} rows[] = {
	    {"a LOGIN {5}", true, true, 5},
	    {"a LOGIN {5+}", true, false, 5},
	    {"a LOGIN {005+}", true, false, 5},
	    {"{99999999999999999999999}", true, true, UINT64_MAX},
	    {"a LOGIN {5} ", false, false, 0},
	    {"a LOGIN {}", false, false, 0},
	    {"a LOGIN {+}", false, false, 0},
	    {"a LOGIN {5-}", false, false, 0},
	    {"a LOGIN {-5}", false, false, 0},
	    {"a LOGIN 5}", false, false, 0},
	    {"{5} {6+}", true, false, 6},
	    {"", false, false, 0},
	    {"}", false, false, 0},
	    {"{", false, false, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t size = 0;
		bool synchronising = false;
		size_t at;

		ck_assert_msg(imap_find_literal(test_guarded(str_of(rows[i].line)), &size,
				  &synchronising, &at) == rows[i].found,
		    "%s", rows[i].line);
		ck_assert_uint_eq(size, rows[i].size);
		ck_assert_int_eq(synchronising, rows[i].synchronising);
	}
}
END_TEST

START_TEST(patterns_match_as_rfc_3501_has_it)
{
	static const struct {
		const char *reference, *pattern, *name;
		bool matches;
	} rows[] = {
	    {"", "*", "a/b/c", true},
	    {"", "%", "a", true},
	    {"", "%", "a/b", false},
	    {"", "%/%", "a/b", true},
	    {"", "%/%", "a/b/c", false},
	    {"", "a*c", "abc", true},
	    {"", "a*c", "ac", true},
	    {"", "a*c", "a/b/c", true},
	    {"", "a%c", "a/c", false},
	    {"", "a%c", "abbc", true},
	    {"", "*%*", "x/y", true},
	    {"", "%%", "xy", true},
	    {"", "%*%", "x/y", true},
	    {"a/", "%", "a/b", true},
	    {"a/", "%", "b", false},
	    {"", "inbox", "INBOX", true},
	    {"", "InB*", "INBOX", true},
	    {"", "inbox/%", "INBOX/x", true},
	    {"", "inbox/X", "INBOX/x", false},
	    {"", "Work", "work", false},
	    {"", "inbox", "INBOXES", false},
	    {"", "", "", true},
	    {"", "abc", "ab", false},
	    {"", "ab", "abc", false},
	    {"", "*", "", true},
	};
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct list_pattern p;

		ck_assert_ok(list_pattern_init(
		    &p, str_of(rows[i].reference), str_of(rows[i].pattern), arena));
		ck_assert_msg(
		    list_pattern_matches(&p, test_guarded(str_of(rows[i].name))) == rows[i].matches,
		    "%s%s on %s", rows[i].reference, rows[i].pattern, rows[i].name);
	}
}
END_TEST

START_TEST(a_pattern_full_of_wildcards_takes_linear_time)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	struct list_pattern p;
	char pattern[1800], name[1000];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = "a*"[i % 2];
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 'b';
	double start = test_cpu_ms();
	ck_assert_ok(list_pattern_init(&p, STR(""), str_make(pattern, sizeof(pattern) - 1), arena));
	for (unsigned i = 0; i < 100; i++)
		ck_assert(!list_pattern_matches(&p, str_make(name, sizeof(name))));
	ck_assert_double_lt(test_cpu_ms() - start, 2000);
	static char longer[100000];
	memset(longer, 'x', sizeof(longer));
	ck_assert_ok(list_pattern_init(&p, STR(""), str_make(longer, sizeof(longer)), arena));
	ck_assert(!list_pattern_matches(&p, STR("x")));
}
END_TEST

TEST_MAIN("imap_parse", strings_and_names_are_read, uid_sets_are_read, flags_are_read,
    dates_are_read, literals_are_found_at_the_end_of_a_line, patterns_match_as_rfc_3501_has_it,
    a_pattern_full_of_wildcards_takes_linear_time)
