#include "common/mail/base_subject.h"
#include "common/mail/charset.h"
#include "tests/support/test.h"

struct row {
	const char *subject; /* as decoded */
	const char *base;
	bool replied;
};

static void
check_row(const struct row *row)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(10000);

	sbuf_puts(&out, "before ");
	bool replied = base_subject(test_guarded(str_of(row->subject)), &out);
	ck_assert_int_eq(sbuf_error(&out), ERR_OK);
	struct str got = str_skip(sbuf_view(&out), 7);
	ck_assert_msg(str_eq(got, str_of(row->base)), "\"%s\": expected \"%s\", got \"%.*s\"",
	    row->subject, row->base, STR_ARG(got));
	ck_assert_msg(replied == row->replied, "\"%s\": reply %d", row->subject, replied);
	ck_assert(str_starts(sbuf_view(&out), STR("before ")));
}

/* RFC 5256 §2.1 by its steps, §5 by its rules */
static const struct row rows[] = {
    {"", "", false},
    {"hello", "hello", false},
    {"hello world", "hello world", false},
    /* (1) blanks */
    {" \t hello \t  world\r\n again\t", "hello world again", false},
    {"   ", "", false},
    /* (2) subj-trailer */
    {"hello (fwd)", "hello", true},
    {"hello(FWD) (fwd) ", "hello", true},
    {"(fwd)", "", true},
    {"hello (fwd) there", "hello (fwd) there", false},
    {"hello fwd)", "hello fwd)", false},
    {"fwd)", "fwd)", false},
    /* (3) subj-leader */
    {"Re: hello", "hello", true},
    {"re:hello", "hello", true},
    {"rE : hello", "hello", true},
    {"FW: hello", "hello", true},
    {"Fwd: hello", "hello", true},
    {"fwd \t : hello", "hello", true},
    {"Re: Fw: FWD: re: hello", "hello", true},
    {"re[4]: hello", "hello", true},
    {"Re [4] : hello", "hello", true},
    {"Re[4][5]: hello", "Re[4][5]: hello", false},
    {"Re [a[b]: hello", "Re [a[b]: hello", false},
    {"Re[]:hello", "hello", true},
    {"[list] Re: hello", "hello", true},
    {"[a][b] [c] re: hello", "hello", true},
    {"re hello", "re hello", false},
    {"reply: hello", "reply: hello", false},
    {"fwdd: hello", "fwdd: hello", false},
    {"AW: hello", "AW: hello", false}, /* §7: translations stay */
    {"Re:", "", true},
    {"Re: Re:", "", true},
    {"r", "r", false},
    {"re", "re", false},
    {"fw", "fw", false},
    /* (4) subj-blob before a base that is not empty */
    {"[list] hello", "hello", false},
    {"[a] [b]hello", "hello", false},
    {"[list]", "[list]", false},
    {"[a][b]", "[b]", false},
    {"[a] [b] (fwd)", "[b]", true},
    {"Re: [a]", "[a]", true},
    {"[list", "[list", false},
    {"[li[st] hello", "[li[st] hello", false},
    {"list] hello", "list] hello", false},
    {"[]", "[]", false},
    {"[] x", "x", false},
    /* (5) again and again */
    {"[a] Re: [b] Fwd: [c] hello", "hello", true},
    {"Re: [a] hello", "hello", true},
    {"[a] re: [b]", "[b]", true},
    /* (6) subj-fwd */
    {"[Fwd: hello]", "hello", true},
    {"[fwd: Re: hello]", "hello", true},
    {"Re: [fwd: [fwd: hello (fwd)] ] ", "hello", true},
    {"[FWD:hello", "[FWD:hello", false},
    {"[fwd: hello] there", "there", false}, /* a blob, step (4) */
    {"[fwd: [list] hello]", "hello", true},
    {"[fwd:]", "", true},
    {"[fwd: ]", "", true},
    {"[fwd:", "[fwd:", false},
    {"[list] [fwd: hello]", "hello", true},
    {"[fwd: hello](fwd)", "hello", true},
    {"[fwd: [a]]", "[a]", true},
    /* octets that are no ASCII */
    {"Re: gr\xc3\xbc\xc3\x9f"
     "e",
	"gr\xc3\xbc\xc3\x9f"
	"e",
	true},
    {"[\xe4\xb8\x96] \xe7\x95\x8c", "\xe7\x95\x8c", false},
};

START_TEST(signs_of_replies_and_lists_are_removed)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}
END_TEST

START_TEST(a_base_subject_is_its_own_base_subject)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&(struct row){rows[i].base, rows[i].base, false});
}
END_TEST

/* A mebioctet of each, in a moment. */
START_TEST(hostile_subjects_take_linear_time)
{
	static const char *const units[] = {"[a]", "[", "re[", "re:", "[a", "[fwd:", "(fwd)",
	    "re[x]", "[fwd: re: [a]", "re   ", "  ", "[fwd: re:"};
	double began = test_cpu_ms();

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(4 << 20);
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4 << 20);
		while (in.n < 1 << 20)
			sbuf_puts(&in, units[i]);
		for (size_t n = 0; n < 1 << 18; n++)
			sbuf_putc(&in, ']');
		base_subject(sbuf_view(&in), &out);
		ck_assert_int_eq(sbuf_error(&out), ERR_OK);
	}
	ck_assert_double_lt(test_cpu_ms() - began, 5000);
}
END_TEST

/* RFC 5051 §2 */
START_TEST(texts_are_ordered_by_unicode_casemap)
{
	static const char *const ascending[] = {
	    "", "a", "A b", "aB", "b", "\xc3\xa9t\xc3\xa9x", "_", "\xce\xb1", "\xd0\x91"};
	static const struct {
		const char *text, *key;
	} keys[] = {
	    {"Hello_[x]", "HELLO_[X]"},
	    {"stra\xc3\x9f"
	     "e",
		"STRA\xc3\x9f"
		"E"}, /* no full mapping */
	    {"\xc3\xa9", "E\xcc\x81"}, {"\xc7\x86", "Dz\xcc\x8c"}, /* titlecase has a small z */
	    {"\xef\xac\x81x", "fiX"}, /* a ligature has no titlecase of its own */
	    {"\xef\xbd\x81", "A"}, /* fullwidth a */
	};

	for (size_t i = 1; i < ARRAY_LEN(ascending); i++) {
		CLEANUP(sbuf_done) struct sbuf a = SBUF_INIT(100);
		CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(100);
		text_casemap(str_of(ascending[i - 1]), &a);
		text_casemap(str_of(ascending[i]), &b);
		ck_assert_msg(str_cmp(sbuf_view(&a), sbuf_view(&b)) < 0, "%s", ascending[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEANUP(sbuf_done) struct sbuf a = SBUF_INIT(100);
		text_casemap(str_of(keys[i].text), &a);
		ck_assert_str_eq(sbuf_cstr(&a), keys[i].key);
	}
}
END_TEST

TEST_MAIN("base_subject", signs_of_replies_and_lists_are_removed,
    a_base_subject_is_its_own_base_subject, hostile_subjects_take_linear_time,
    texts_are_ordered_by_unicode_casemap)
