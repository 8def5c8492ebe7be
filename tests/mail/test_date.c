#include "common/base/clock.h"
#include "common/mail/date.h"
#include "tests/support/test.h"

/* RFC 5322 §3.3, §4.3 */
START_TEST(dates_of_mail_are_read)
{
	static const struct {
		const char *text;
		int64_t utc_s;
		int32_t zone_s;
	} rows[] = {
	    {"Sun, 22 Nov 2026 14:03:11 +0100", 1795352591, 3600},
	    {" 22 nov 2026 14:03:11 +0100 (MET)\r\n", 1795352591, 3600},
	    {"Sun,22 Nov 2026\r\n 13:03:11 GMT", 1795352591, 0},
	    {"22 Nov 26 13:03:11 UT", 1795352591, 0},
	    {"22 Nov 126 13:03:11 -0000", 1795352591, 0},
	    {"22 Nov 2026 13:03 +0000", 1795352580, 0},
	    {"22 Nov 2026 08:03:11 EST", 1795352591, -5 * 3600},
	    {"22 Nov 2026 06:03:11 pdt", 1795352591, -7 * 3600},
	    {"22 Nov 2026 13:03:11 XYZ", 1795352591, 0},
	    {"22 Nov 2026 13:03:11", 1795352591, 0},
	    {"Sun Nov 22 13:03:11 2026", 1795352591, 0},
	    {"Sunday, 22-Nov-26 13:03:11 GMT", 1795352591, 0},
	    {"(a(b)\\)) 22 (c) Nov 2026 13 (d): 03 :11", 1795352591, 0},
	    {"22 (c) Nov (d) 2026 13:03:11 (e) -0130", 1795352591 + 5400, -5400},
	    {"22 Nov 2026 14:03:11 +01:00", 1795352591, 3600},
	    {"1 Jan 1970 00:00:00 +0000", 0, 0},
	    {"31 Dec 1969 23:59:59 +0000", -1, 0},
	    {"29 Feb 2024 00:00:00 +0000", 1709164800, 0},
	    {"31 Dec 2016 23:59:60 +0000", 1483228799, 0}, /* stays in its day */
	    {"22 Nov 2026 14:03:11 +9999", 1795356191, 0},
	    {"29 Feb 2023 00:00:00 +0000", 0, -1},
	    {"31 Nov 2026 00:00:00 +0000", 0, -1},
	    {"0 Nov 2026 00:00:00 +0000", 0, -1},
	    {"22 Nov 2026 24:00:00 +0000", 0, -1},
	    {"22 Nov 2026 10:60:00 +0000", 0, -1},
	    {"22 Nov 2026 10:00:61 +0000", 0, -1},
	    {"22 Nov 2026 10:", 0, -1},
	    {"22 Nov 2026", 0, -1},
	    {"Nov 2026 10:00:00", 0, -1},
	    {"22 2026 10:00:00", 0, -1},
	    {"22 Nov 10:00:00", 0, -1},
	    {"22 Nov 99999 10:00:00", 0, -1},
	    {"", 0, -1},
	    {"tomorrow (", 0, -1},
	    {"(\\", 0, -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct date d = {0, 0};
		bool ok = date_parse_rfc5322(test_guarded(str_of(rows[i].text)), &d);
		ck_assert_msg(ok == (rows[i].zone_s != -1), "%s", rows[i].text);
		if (!ok)
			continue;
		ck_assert_msg(d.utc_s == rows[i].utc_s && d.zone_s == rows[i].zone_s, "%s: %lld %d",
		    rows[i].text, (long long)d.utc_s, d.zone_s);
	}
}
END_TEST

/* RFC 5256 §2.2 */
START_TEST(an_invalid_time_of_a_sent_date_is_midnight)
{
	static const struct {
		const char *text;
		int64_t utc_s; /* -1: none */
	} rows[] = {
	    {"31 Dec 2000 16:01:33 -0800", 978307293},
	    {"1 Jan 2001 00:01:33 +0000", 978307293},
	    {"1 Jan 2001 00:01:33 nonsense", 978307293},
	    {"1 Jan 2001 00:01:33", 978307293},
	    {"1 Jan 2001", 978307200},
	    {"1 Jan 2001 25:00:00 +0000", 978307200},
	    {"1 Jan 2001 10:99:00", 978307200},
	    {"1 Jan 2001 24:00 +0100", 978303600},
	    {"31 Dec 1899 10:00:00", -1},
	    {"02 Feb 0102 11:39:51 +0200", -1},
	    {"1 Jan 1900 00:00:00", -2208988800},
	    {"32 Jan 2001 10:00:00", -1},
	    {"nonsense", -1},
	    {"", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct date d = {-1, 0};
		bool ok = date_parse_sent(test_guarded(str_of(rows[i].text)), &d);
		ck_assert_msg(ok == (rows[i].utc_s != -1) && (!ok || d.utc_s == rows[i].utc_s),
		    "%s: %lld", rows[i].text, (long long)d.utc_s);
	}
}
END_TEST

START_TEST(dates_are_written)
{
	static const struct {
		struct date d;
		const char *rfc5322;
		const char *imap;
	} rows[] = {
	    {{1795352591, 3600}, "Sun, 22 Nov 2026 14:03:11 +0100", "22-Nov-2026 14:03:11 +0100"},
	    {{0, 0}, "Thu, 1 Jan 1970 00:00:00 +0000", " 1-Jan-1970 00:00:00 +0000"},
	    {{0, -5400}, "Wed, 31 Dec 1969 22:30:00 -0130", "31-Dec-1969 22:30:00 -0130"},
	    {{-86400 * 3, 0}, "Mon, 29 Dec 1969 00:00:00 +0000", "29-Dec-1969 00:00:00 +0000"},
	    {{1709164800, 0}, "Thu, 29 Feb 2024 00:00:00 +0000", "29-Feb-2024 00:00:00 +0000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf mail = SBUF_INIT(100);
		CLEANUP(sbuf_done) struct sbuf imap = SBUF_INIT(100);
		struct date back;
		date_format_rfc5322(rows[i].d, &mail);
		date_format_imap(rows[i].d, &imap);
		ck_assert_str_eq(sbuf_cstr(&mail), rows[i].rfc5322);
		ck_assert_str_eq(sbuf_cstr(&imap), rows[i].imap);
		ck_assert(date_parse_imap(sbuf_view(&imap), &back));
		ck_assert_int_eq(back.utc_s, rows[i].d.utc_s);
		ck_assert_int_eq(back.zone_s, rows[i].d.zone_s);
	}
}
END_TEST

/* RFC 3501 §9: date-time and date are exact. */
START_TEST(dates_of_imap_have_one_form)
{
	static const char *const bad[] = {"7-Nov-2026 14:03:11 +0100", "07-Nov-2026 14:03:11",
	    "07-Nov-2026 14:03:11 0100", " 7-Nov-26 14:03:11 +0100", "07-Nov-2026 14:03:11 +0100 ",
	    "07-Nox-2026 14:03:11 +0100", "07-Nov-2026 24:03:11 +0100",
	    "31-Nov-2026 14:03:11 +0100", "07-Nov-2026 14:03:11 +0160",
	    "07 Nov 2026 14:03:11 +0100", "07-Nov-2026 1:03:11 +0100",
	    "  7-Nov-2026 14:03:11 +0100", ""};
	static const char *const bad_days[] = {
	    "", "7-Nov", "007-Nov-2026", "7-Nov-26", "30-Feb-2026", "7-Nov-2026 ", "-Nov-2026"};
	struct date d;
	int32_t days;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!date_parse_imap(test_guarded(str_of(bad[i])), &d), "%s", bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_days); i++)
		ck_assert_msg(!date_parse_imap_day(test_guarded(str_of(bad_days[i])), &days), "%s",
		    bad_days[i]);
	ck_assert(date_parse_imap(STR(" 7-NOV-2026 14:03:11 -0100"), &d));
	ck_assert_int_eq(d.zone_s, -3600);
	ck_assert(date_parse_imap_day(STR("7-Nov-2026"), &days));
	ck_assert_int_eq(days, 20764);
	ck_assert(date_parse_imap_day(STR("07-nov-2026"), &days));
	ck_assert_int_eq(days, 20764);
}
END_TEST

START_TEST(a_day_is_that_of_the_senders_zone)
{
	ck_assert_int_eq(date_day((struct date){0, 0}), 0);
	ck_assert_int_eq(date_day((struct date){0, -3600}), -1);
	ck_assert_int_eq(date_day((struct date){86399, 0}), 0);
	ck_assert_int_eq(date_day((struct date){86399, 3600}), 1);
	ck_assert_int_eq(date_day((struct date){-86401, 0}), -2);
}
END_TEST

START_TEST(now_is_the_clocks_time)
{
	setenv("TZ", "UTC-2", 1);
	clock_freeze(1795352591);
	struct date d = date_now();
	clock_thaw();
	ck_assert_int_eq(d.utc_s, 1795352591);
	ck_assert_int_eq(d.zone_s, 7200);
}
END_TEST

TEST_MAIN("date", dates_of_mail_are_read, an_invalid_time_of_a_sent_date_is_midnight,
    dates_are_written, dates_of_imap_have_one_form, a_day_is_that_of_the_senders_zone,
    now_is_the_clocks_time)
