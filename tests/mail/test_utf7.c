#include "common/mail/utf7.h"
#include "tests/support/test.h"

/* RFC 3501 §5.1.3 */
START_TEST(names_go_both_ways)
{
	static const struct {
		const char *utf7;
		const char *utf8;
	} rows[] = {
	    {"", ""}, {"INBOX/Sent Items ~!", "INBOX/Sent Items ~!"}, {"&-", "&"},
	    {"a&-b&-&-", "a&b&&"}, {"Entw&APw-rfe", "Entw\xc3\xbcrfe"}, {"&AOQ-&-", "\xc3\xa4&"},
	    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
	    {"&2D3eAA-", "\xf0\x9f\x98\x80"}, {"&AAoAfw-", "\n\x7f"},
	    {"&2D3eAABh-", NULL}, /* "a" in base64 */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf there = SBUF_INIT(1000);
		CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(1000);
		enum err e = utf7_to_utf8(test_guarded(str_of(rows[i].utf7)), &there);
		ck_assert_msg(e == (rows[i].utf8 ? ERR_OK : ERR_SYNTAX), "%s", rows[i].utf7);
		if (!rows[i].utf8)
			continue;
		ck_assert_str_is(sbuf_view(&there), rows[i].utf8);
		ck_assert_ok(utf8_to_utf7(test_guarded(str_of(rows[i].utf8)), &back));
		ck_assert_str_is(sbuf_view(&back), rows[i].utf7);
	}
}
END_TEST

START_TEST(what_is_not_canonical_is_refused)
{
	static const char *const rows[] = {
	    "&",
	    "a&",
	    "&A",
	    "&AOQ",
	    "&AOQ!-",
	    "\xc3\xa4",
	    "a\tb",
	    "\x7f",
	    "&Jjo-&Jjo-", /* two sections that are one */
	    "&AGE-", /* printable ASCII */
	    "&ACY-", /* even the ampersand */
	    "&AAA-", /* NUL */
	    "&2D0-", /* half a pair of surrogates */
	    "&3gA-",
	    "&3gDYPQ-",
	    "&2D3YPQ-",
	    "&AOR-", /* bits left over are not zero */
	    "&AOQA-", /* six bits too many */
	    "&AO-",
	    "&A-",
	    "&AOQ=-",
	    "&AOQ/-",
	};
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(
		    utf7_to_utf8(test_guarded(str_of(rows[i])), &out) == ERR_SYNTAX, "%s", rows[i]);
	ck_assert_int_eq(utf7_to_utf8(STR("a\0b"), &out), ERR_SYNTAX);
	ck_assert_int_eq(utf8_to_utf7(STR("a\0b"), &out), ERR_SYNTAX);
	ck_assert_int_eq(utf8_to_utf7(STR("a\xff"), &out), ERR_SYNTAX);
	ck_assert_int_eq(utf8_to_utf7(STR("\xed\xa0\x80"), &out), ERR_SYNTAX);
}
END_TEST

TEST_MAIN("utf7", names_go_both_ways, what_is_not_canonical_is_refused)
