#include "smtpd/smtp_parse.h"

#include "tests/support/test.h"

#include <stdio.h>

#define R8 "rrrrrrrr"
#define R64 R8 R8 R8 R8 R8 R8 R8 R8
#define AT21 "@a,@b,@c,@d,@e,@f,@g,@h,@i,@j,@k,@l,@m,@n,@o,@p,@q,@r,@s,@t,@u"

struct path_row {
	const char *text;
	const char *address; /* NULL: refused */
	bool utf8;
};

static void
check_paths(const struct path_row *rows, size_t n, bool forward)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(16384);
		struct cursor c;
		struct smtp_path path;

		cursor_init(&c, test_guarded(str_of(rows[i].text)));
		if (forward)
			smtp_parse_forward_path(&c, arena, &path);
		else
			smtp_parse_reverse_path(&c, arena, &path);
		bool ok = smtp_parse_end(&c) == ERR_OK;
		ck_assert_msg(ok == (rows[i].address != NULL), "%s", rows[i].text);
		if (!ok)
			continue;
		ck_assert_str_is(path.address, rows[i].address);
		ck_assert_msg(path.utf8 == rows[i].utf8, "%s", rows[i].text);
	}
}

/* RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3 */
static const struct path_row both[] = {
    {"<ann@example.test>", "ann@example.test", false},
    {" <ann@example.test>", "ann@example.test", false},
    {"<ann@example.test>  \t", "ann@example.test", false},
    {"<a.b.c@EXAMPLE.test>", "a.b.c@EXAMPLE.test", false},
    {"<ann+tag@example.test>", "ann+tag@example.test", false},
    {"<!#$%&'*+-/=?^_`{|}~@example.test>", "!#$%&'*+-/=?^_`{|}~@example.test", false},
    {"<\"ann\"@example.test>", "ann@example.test", false},
    {"<\"a\\nn\"@example.test>", "ann@example.test", false},
    {"<\"a b\"@example.test>", "\"a b\"@example.test", false},
    {"<\"a..b\"@example.test>", "\"a..b\"@example.test", false},
    {"<\".a\"@example.test>", "\".a\"@example.test", false},
    {"<\"\"@example.test>", "\"\"@example.test", false},
    {"<\"a@b\"@example.test>", "\"a@b\"@example.test", false},
    {"<\"a\\\"\\\\b\"@example.test>", "\"a\\\"\\\\b\"@example.test", false},
    {"<\">\"@example.test>", "\">\"@example.test", false},
    {"<ann@[192.0.2.1]>", "ann@[192.0.2.1]", false},
    {"<ann@[IPv6:2001:db8::1]>", "ann@[IPv6:2001:db8::1]", false},
    {"<ann@[x400:c=us]>", "ann@[x400:c=us]", false},
    {"<ann@[2001:db8::1]>", "ann@[2001:db8::1]", false}, /* a General-address-literal by its form */
    {"<@one.test,@two.test:ann@example.test>", "ann@example.test", false},
    {"<@one.test:ann@example.test>", "ann@example.test", false},
    {"<@[192.0.2.1]:ann@example.test>", "ann@example.test", false},
    {"<ann%other.test@example.test>", "ann%other.test@example.test", false},
    {"<other.test!ann@example.test>", "other.test!ann@example.test", false},
    {"<ann@ex_ample.test>", "ann@ex_ample.test", false},
    {"<ann@localhost>", "ann@localhost", false},
    {"<j\xc3\xb6rg@example.test>", "j\xc3\xb6rg@example.test", true},
    {"<ann@b\xc3\xbc"
     "cher.test>",
	"ann@b\xc3\xbc"
	"cher.test",
	true},
    {"<\"j\xc3\xb6 rg\"@example.test>", "\"j\xc3\xb6 rg\"@example.test", true},
    {"<" R64 R64 R64 "@example.test>", R64 R64 R64 "@example.test", false},
    {"<" R64 R64 R64 R64 "@example.test>", NULL, false},
    {"<a@" R64 ".test>", NULL, false},
    {"<a@rrr" R8 ".", NULL, false},
    {"<a@" R8 R8 R8 R8 "." R8 R8 R8 R8 "." R8 R8 R8 R8 "." R8 R8 R8 R8 "." R8 R8 R8 R8
     "." R8 R8 R8 R8 "." R8 R8 R8 R8 "." R8 R8 R8 R8 ">",
	NULL, false},
    {"<" AT21 ":ann@example.test>", NULL, false},
    {"<j\xf6rg@example.test>", NULL, false}, /* not UTF-8 */
    {"<ann@b\xfc.test>", NULL, false},
    {"ann@example.test", NULL, false},
    {"<ann@example.test", NULL, false},
    {"<ann@example.test>>", NULL, false},
    {"<<ann@example.test>>", NULL, false},
    {"<ann@example.test>x", NULL, false},
    {"<ann@example.test> x", NULL, false},
    {"< ann@example.test>", NULL, false},
    {"<ann@example.test >", NULL, false},
    {"<ann @example.test>", NULL, false},
    {"<ann>", NULL, false},
    {"<@example.test>", NULL, false},
    {"<ann@>", NULL, false},
    {"<.ann@example.test>", NULL, false},
    {"<ann.@example.test>", NULL, false},
    {"<a..b@example.test>", NULL, false},
    {"<ann@example..test>", NULL, false},
    {"<ann@.test>", NULL, false},
    {"<ann@example.test.>", NULL, false},
    {"<ann@-example.test>", NULL, false},
    {"<ann@example-.test>", NULL, false},
    {"<ann@exa mple.test>", NULL, false},
    {"<ann@one@two>", NULL, false},
    {"<ann@(comment)example.test>", NULL, false},
    {"<ann@[192.0.2.256]>", NULL, false},
    {"<ann@[192.0.2]>", NULL, false},
    {"<ann@[]>", NULL, false},
    {"<ann@[192.0.2.1>", NULL, false},
    {"<ann@[IPv6:]>", NULL, false},
    {"<ann@[IPv6:192.0.2.1]>", NULL, false},
    {"<ann@[:x]>", NULL, false},
    {"<ann@[x:]>", NULL, false},
    {"<\"ann@example.test>", NULL, false},
    {"<\"ann\\\"@example.test>", NULL, false},
    {"<\"a\\", NULL, false},
    {"<\"ann\"x@example.test>", NULL, false},
    {"<\"a\tb\"@example.test>", NULL, false},
    {"<a\\b@example.test>", NULL, false},
    {"<@one.test,two.test:ann@example.test>", NULL, false},
    {"<@one.test ann@example.test>", NULL, false},
    {"<@one.test:>", NULL, false},
    {"", NULL, false},
    {"<", NULL, false},
    {">", NULL, false},
};

START_TEST(paths_follow_the_grammar)
{
	check_paths(both, ARRAY_LEN(both), true);
	check_paths(both, ARRAY_LEN(both), false);
}
END_TEST

START_TEST(the_null_path_is_a_sender_and_a_lone_postmaster_a_recipient)
{
	static const struct path_row reverse[] = {{"<>", "", false}, {" <>", "", false},
	    {"<postmaster>", NULL, false}, {"<> x", NULL, false}};
	static const struct path_row forward[] = {{"<>", NULL, false},
	    {"<postmaster>", "postmaster", false}, {"<PostMaster>", "postmaster", false},
	    {"<\"postmaster\">", "postmaster", false}, {"<postmasters>", NULL, false},
	    {"<postmaster@example.test>", "postmaster@example.test", false}};

	check_paths(reverse, ARRAY_LEN(reverse), false);
	check_paths(forward, ARRAY_LEN(forward), true);
}
END_TEST

START_TEST(bdat_takes_a_size_and_perhaps_last)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t size;
		bool last;
	} rows[] = {
	    {"86", true, 86, false},
	    {"0", true, 0, false},
	    {"0 LAST", true, 0, true},
	    {"86 last ", true, 86, true},
	    {"86  ", true, 86, false},
	    {"18446744073709551615", true, UINT64_MAX, false},
	    {"18446744073709551617", true, UINT64_MAX, false},
	    {"", false, 0, false},
	    {"LAST", false, 0, false},
	    {"-1", false, 0, false},
	    {"0x10", false, 0, false},
	    {"86LAST", false, 0, false},
	    {"86 FIRST", false, 0, false},
	    {"86 LASTLY", false, 0, false},
	    {"86 LAST x", false, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t size;
		bool last;
		struct cursor c;
		cursor_init(&c, test_guarded(str_of(rows[i].text)));
		smtp_parse_bdat(&c, &size, &last);
		ck_assert_msg((smtp_parse_end(&c) == ERR_OK) == rows[i].ok, "%s", rows[i].text);
		if (!rows[i].ok)
			continue;
		ck_assert_uint_eq(size, rows[i].size);
		ck_assert(last == rows[i].last);
	}
}
END_TEST

TEST_MAIN("smtp_parse", paths_follow_the_grammar,
    the_null_path_is_a_sender_and_a_lone_postmaster_a_recipient, bdat_takes_a_size_and_perhaps_last)
