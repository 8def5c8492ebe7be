#include "common/mail/date.h"

#include "common/base/clock.h"
#include "common/base/cursor.h"

#include <time.h>

#define DAY_S 86400
#define YEAR_MIN 1900 /* RFC 5322 §3.3; programs that count wrong write "0102" */

static const char months[12][4] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* What stands in a date, 0 or -1 for what has not been seen. */
struct fields {
	int year; /* -1 */
	int month; /* 1…12 */
	int day; /* 1…31 */
	int hour; /* -1 */
	int minute;
	int second;
	int zone_s;
	bool has_zone;
};

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar. */
static int64_t
days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
civil_of(int64_t days, int64_t *year, int *month, int *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

static bool
is_day_of_month(const struct fields *f)
{
	int64_t year;
	int month;
	int day;

	if (f->year < 0 || f->month < 1 || f->day < 1 || f->day > 31)
		return false;
	civil_of(days_of(f->year, f->month, f->day), &year, &month, &day);
	return month == f->month;
}

static bool
finish(const struct fields *f, struct date *ret)
{
	if (!is_day_of_month(f) || f->hour < 0 || f->hour > 23 || f->minute > 59 || f->second > 60)
		return false;
	int second = f->second < 60 ? f->second : 59; /* a leap second stays in its day */
	int64_t local =
	    days_of(f->year, f->month, f->day) * DAY_S + f->hour * 3600 + f->minute * 60 + second;
	*ret = (struct date){local - f->zone_s, f->zone_s};
	return true;
}

static int
month_of(struct str word)
{
	for (int i = 0; i < 12 && word.n >= 3; i++)
		if (str_starts_nocase(word, str_of(months[i])))
			return i + 1;
	return 0;
}

/* RFC 5322 §4.3: what is not one of these names says nothing, like -0000. */
static int
named_zone_s(struct str word)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6},
	    {"PST", -8}, {"PDT", -7}};

	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		if (str_eq_nocase(word, str_of(zones[i].name)))
			return zones[i].hours * 3600;
	return 0;
}

static bool
is_letter(unsigned char c)
{
	return ascii_is_alpha((char)c);
}

static bool
is_digit(unsigned char c)
{
	return ascii_is_digit((char)c);
}

/* Value of one to four digits, -1 for more. */
static int
small_number(struct str digits)
{
	uint32_t value;

	return digits.n <= 4 && str_to_u32(digits, &value) ? (int)value : -1;
}

/* "(…)", nested, with quoted pairs; an unfinished one goes to the end. */
static void
skip_comment(struct cursor *c)
{
	size_t depth = 0;

	do {
		char ch = cursor_take(c, 1, "comment").p[0];
		if (ch == '\\')
			cursor_take(c, cursor_at_end(c) ? 0 : 1, "quoted pair");
		else if (ch == '(')
			depth++;
		else if (ch == ')')
			depth--;
	} while (depth && !cursor_at_end(c));
}

static void
skip_blanks(struct cursor *c)
{
	for (;;) {
		int ch = cursor_peek(c);
		if (ch == '(')
			skip_comment(c);
		else if (ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n')
			cursor_accept(c, (char)ch);
		else
			return;
	}
}

/* A colon, around which obsolete times may have blanks (RFC 5322 §4.3). */
static bool
accept_colon(struct cursor *c)
{
	struct cursor ahead = *c;

	skip_blanks(&ahead);
	if (!cursor_accept(&ahead, ':'))
		return false;
	skip_blanks(&ahead);
	*c = ahead;
	return true;
}

/* Minutes or seconds; what is none is refused by finish(). */
static int
take_sixtieth(struct cursor *c)
{
	int value = small_number(cursor_take_while(c, is_digit));

	return value < 0 ? 99 : value;
}

static void
take_time(struct cursor *c, int hour, struct fields *f)
{
	f->hour = hour;
	f->minute = take_sixtieth(c);
	if (accept_colon(c) || cursor_accept(c, '.'))
		f->second = take_sixtieth(c);
}

/* After a sign: "hhmm". */
static void
take_zone(struct cursor *c, int sign, struct fields *f)
{
	struct str digits = cursor_take_while(c, is_digit);
	int value = small_number(digits);

	if (cursor_accept(c, ':')) { /* "+01:00", which no standard of mail knows */
		int minutes = small_number(cursor_take_while(c, is_digit));
		value = value < 0 || minutes < 0 ? -1 : value * 100 + minutes;
	}
	f->has_zone = true;
	if (value >= 0 && value <= 2359 && value % 100 <= 59)
		f->zone_s = sign * (value / 100 * 3600 + value % 100 * 60);
}

static void
take_number(struct cursor *c, struct fields *f)
{
	struct str digits = cursor_take_while(c, is_digit);
	int value = small_number(digits);

	if (f->hour < 0 && digits.n <= 2 && accept_colon(c)) {
		take_time(c, value, f);
	} else if (f->day == 0 && digits.n <= 2) {
		f->day = value;
	} else if (f->year < 0 && value >= 0) {
		/* RFC 5322 §4.3 */
		f->year = value;
		if (digits.n == 2)
			f->year += value < 50 ? 2000 : 1900;
		else if (digits.n == 3)
			f->year += 1900;
	}
}

static void
take_word(struct cursor *c, struct fields *f)
{
	struct str word = cursor_take_while(c, is_letter);

	if (f->month == 0)
		f->month = month_of(word); /* 0 for the weekday */
	else if (f->hour >= 0 && !f->has_zone) {
		f->zone_s = named_zone_s(word);
		f->has_zone = true;
	}
}

static void
take_fields(struct str value, struct fields *f)
{
	struct cursor c;

	cursor_init(&c, value);
	while (!cursor_at_end(&c)) {
		int ch = cursor_peek(&c);
		if (ch == '(') {
			skip_comment(&c);
		} else if (is_letter((unsigned char)ch)) {
			take_word(&c, f);
		} else if (is_digit((unsigned char)ch)) {
			take_number(&c, f);
		} else {
			cursor_accept(&c, (char)ch);
			int next = cursor_peek(&c);
			bool sign = (ch == '+' || ch == '-') && next >= '0' && next <= '9';
			if (sign && f->hour >= 0 && !f->has_zone)
				take_zone(&c, ch == '+' ? 1 : -1, f);
		}
	}
}

bool
date_parse_rfc5322(struct str value, struct date *ret)
{
	struct fields f = {.year = -1, .hour = -1};

	take_fields(value, &f);
	return finish(&f, ret);
}

bool
date_parse_sent(struct str value, struct date *ret)
{
	struct fields f = {.year = -1, .hour = -1};

	take_fields(value, &f);
	if (f.year < YEAR_MIN)
		return false;
	if (finish(&f, ret))
		return true;
	f.hour = f.minute = f.second = 0;
	return finish(&f, ret);
}

/* Exactly `n` digits, -1 otherwise. */
static int
fixed_number(struct cursor *c, size_t n)
{
	struct str digits = cursor_take(c, n, "digits");

	return digits.n == n ? small_number(digits) : -1;
}

static void
take_imap_month_year(struct cursor *c, struct fields *f)
{
	cursor_expect(c, '-', "-");
	struct str word = cursor_take(c, 3, "month");
	f->month = month_of(word);
	cursor_expect(c, '-', "-");
	f->year = fixed_number(c, 4);
}

bool
date_parse_imap(struct str s, struct date *ret)
{
	struct fields f = {.year = -1, .hour = -1};
	struct cursor c;

	cursor_init(&c, s);
	f.day = cursor_accept(&c, ' ') ? fixed_number(&c, 1) : fixed_number(&c, 2);
	take_imap_month_year(&c, &f);
	cursor_expect(&c, ' ', "space");
	f.hour = fixed_number(&c, 2);
	cursor_expect(&c, ':', ":");
	f.minute = fixed_number(&c, 2);
	cursor_expect(&c, ':', ":");
	f.second = fixed_number(&c, 2);
	cursor_expect(&c, ' ', "space");
	int sign = cursor_accept(&c, '-') ? -1 : 1;
	if (sign > 0)
		cursor_expect(&c, '+', "zone");
	int zone = fixed_number(&c, 4);
	cursor_expect_end(&c);
	if (c.err || zone < 0 || zone > 2359 || zone % 100 > 59 || f.minute < 0 || f.second < 0)
		return false;
	f.zone_s = sign * (zone / 100 * 3600 + zone % 100 * 60);
	return finish(&f, ret);
}

bool
date_parse_imap_day(struct str s, int32_t *ret_days)
{
	struct fields f = {.year = -1};
	struct cursor c;

	cursor_init(&c, s);
	struct str day = cursor_take_while(&c, is_digit);
	f.day = day.n <= 2 ? small_number(day) : -1;
	take_imap_month_year(&c, &f);
	cursor_expect_end(&c);
	if (c.err || !is_day_of_month(&f))
		return false;
	*ret_days = (int32_t)days_of(f.year, f.month, f.day);
	return true;
}

/* `n` digits and what must stand behind them ('\0': nothing). */
static int
take_digits(struct cursor *c, size_t n, char behind)
{
	struct str digits = cursor_take(c, n, "digits");
	uint32_t value = 0;

	if (!str_to_u32(digits, &value))
		cursor_fail(c, ERR_SYNTAX, "digits");
	if (behind && !cursor_accept(c, behind) && !cursor_accept(c, ascii_lower(behind)))
		cursor_fail(c, ERR_SYNTAX, "a separator");
	return (int)value;
}

bool
date_parse_rfc3339(struct str s, int64_t *ret_utc_s)
{
	struct fields f = {0};
	struct cursor c;
	int64_t zone_s = 0;

	cursor_init(&c, s);
	f.year = take_digits(&c, 4, '-');
	f.month = take_digits(&c, 2, '-');
	f.day = take_digits(&c, 2, 'T');
	f.hour = take_digits(&c, 2, ':');
	f.minute = take_digits(&c, 2, ':');
	f.second = take_digits(&c, 2, '\0');
	if (!cursor_accept(&c, 'Z') && !cursor_accept(&c, 'z')) {
		int sign = cursor_accept(&c, '-') ? -1 : 1;
		if (sign > 0)
			cursor_expect(&c, '+', "Z or a zone");
		int hours = take_digits(&c, 2, ':');
		int minutes = take_digits(&c, 2, '\0');
		if (hours > 23 || minutes > 59)
			cursor_fail(&c, ERR_SYNTAX, "a zone");
		zone_s = sign * (hours * 3600LL + minutes * 60);
	}
	cursor_expect_end(&c);
	if (c.err || f.month < 1 || f.month > 12 || !is_day_of_month(&f) || f.hour > 23 ||
	    f.minute > 59 || f.second > 60)
		return false;
	*ret_utc_s = days_of(f.year, f.month, f.day) * DAY_S + f.hour * 3600LL + f.minute * 60 +
		     f.second - zone_s;
	return true;
}

static int64_t
floor_day(int64_t s)
{
	return s / DAY_S - (s % DAY_S < 0);
}

int32_t
date_day(struct date d)
{
	return (int32_t)floor_day(d.utc_s + d.zone_s);
}

static char *
put_two(char *to, int n)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
	return to + 2;
}

/* "Nov-2026 14:03:11 +0100" behind the day, with `sep` around the month. A FETCH asks for
 * thousands, so it is written by hand. */
static void
format_rest(struct date d, const char *day_format, char sep, struct sbuf *out)
{
	int64_t local = d.utc_s + d.zone_s;
	int64_t days = floor_day(local);
	int in_day = (int)(local - days * DAY_S);
	int64_t year;
	int month;
	int day;
	char text[40];
	char *to = text;

	civil_of(days, &year, &month, &day);
	int zone = d.zone_s < 0 ? -d.zone_s : d.zone_s;
	if (day >= 10)
		*to++ = (char)('0' + day / 10);
	else if (day_format[0])
		*to++ = day_format[0];
	*to++ = (char)('0' + day % 10);
	*to++ = sep;
	memcpy(to, months[month - 1], 3);
	to += 3;
	*to++ = sep;
	if (year >= 0 && year <= 9999) {
		to = put_two(put_two(to, (int)year / 100), (int)year % 100);
	} else {
		sbuf_append(out, text, (size_t)(to - text));
		sbuf_printf(out, "%04lld", (long long)year);
		to = text;
	}
	*to++ = ' ';
	to = put_two(to, in_day / 3600);
	*to++ = ':';
	to = put_two(to, in_day / 60 % 60);
	*to++ = ':';
	to = put_two(to, in_day % 60);
	*to++ = ' ';
	*to++ = d.zone_s < 0 ? '-' : '+';
	to = put_two(put_two(to, zone / 3600), zone / 60 % 60);
	sbuf_append(out, text, (size_t)(to - text));
}

void
date_format_rfc5322(struct date d, struct sbuf *out)
{
	int64_t weekday = (floor_day(d.utc_s + d.zone_s) % 7 + 11) % 7; /* 1970 began on Thursday */

	sbuf_printf(out, "%s, ", weekdays[weekday]);
	format_rest(d, "", ' ', out);
}

void
date_format_imap(struct date d, struct sbuf *out)
{
	format_rest(d, " ", '-', out);
}

struct date
date_now(void)
{
	time_t now = clock_real_s();
	struct tm tm;

	return (struct date){now, localtime_r(&now, &tm) ? (int32_t)tm.tm_gmtoff : 0};
}
