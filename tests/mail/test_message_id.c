#include "common/mail/message_id.h"
#include "tests/support/test.h"

/* RFC 5322 §3.6.4, §4.5.4; RFC 5256 §3 on quoting */
START_TEST(message_ids_are_found_and_normalised)
{
	static const struct {
		const char *field;
		const char *ids; /* with a blank after each */
	} rows[] = {
	    {"<a@b>", "a@b "},
	    {" <01KF8JCEOCBS0045PS@xxx.yyy.com>\r\n", "01KF8JCEOCBS0045PS@xxx.yyy.com "},
	    {"<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", "01KF8JCEOCBS0045PS@xxx.yyy.com "},
	    {"<a@b> <c@d>\r\n\t<e@f>", "a@b c@d e@f "},
	    {"<a@b><c@d>,<e@f>;", "a@b c@d e@f "},
	    {"<a@B>", "a@B "},
	    {"<\"a\\\"b\"@c>", "a\"b@c "},
	    {"<\"a>b\"@c>", "a>b@c "},
	    {"< a @ b >", "a@b "},
	    {"<a(comment > <)@b>", "a@b "},
	    {"<a@[10.0.0.1]>", "a@[10.0.0.1] "},
	    {"<a@b@c>", "a@b@c "},
	    {"Ann's message of 5 May <a@b> <ann@home>", "a@b ann@home "},
	    {"<a@b", ""},
	    {"a@b", ""},
	    {"<ab>", ""},
	    {"<@b>", ""},
	    {"<a@>", ""},
	    {"<>", ""},
	    {"", ""},
	    {"<a <c@d>", "c@d "},
	    {"<nonsense> <c@d>", "c@d "},
	    {"<\"a@b> <c@d>", ""},
	    {"<a(b@c>", ""},
	    {"<\"\\", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf id = SBUF_INIT(1000);
		CLEANUP(sbuf_done) struct sbuf all = SBUF_INIT(1000);
		struct str rest = test_guarded(str_of(rows[i].field));
		while (message_id_next(&rest, &id)) {
			sbuf_put(&all, sbuf_view(&id));
			sbuf_putc(&all, ' ');
		}
		ck_assert_msg(strcmp(sbuf_cstr(&all), rows[i].ids) == 0,
		    "%s: expected \"%s\", got \"%s\"", rows[i].field, rows[i].ids, sbuf_cstr(&all));
	}
}
END_TEST

START_TEST(hostile_fields_take_linear_time)
{
	static const char *const units[] = {"<", "<\"", "<(", "<a@", "\\<(\"", "<@>", "<a@b>"};
	double began = test_cpu_ms();

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		CLEANUP(sbuf_done) struct sbuf id = SBUF_INIT(4 << 20);
		CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(4 << 20);
		while (in.n < 1 << 20)
			sbuf_puts(&in, units[i]);
		struct str rest = sbuf_view(&in);
		while (message_id_next(&rest, &id))
			;
	}
	ck_assert_double_lt(test_cpu_ms() - began, 5000);
}
END_TEST

START_TEST(angle_brackets_are_taken_off_in_pairs)
{
	static const char *const rows[][2] = {{"<a@b>", "a@b"}, {"a@b", "a@b"}, {"<a@b", "<a@b"},
	    {"a@b>", "a@b>"}, {"<>", ""}, {"<", "<"}, {"", ""}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_is(message_id_bare(test_guarded(str_of(rows[i][0]))), rows[i][1]);
}
END_TEST

TEST_MAIN("message_id", angle_brackets_are_taken_off_in_pairs, message_ids_are_found_and_normalised,
    hostile_fields_take_linear_time)
