#include "ctl/words.h"

#include "common/base/shown.h"

#include <time.h>

static const struct unit {
	char letter;
	int64_t s;
	const char *name;
} units[] = {
    {'w', 604800, NULL}, {'d', 86400, "d"}, {'h', 3600, "h"}, {'m', 60, "min"}, {'s', 1, "s"}};

#define AGE_MAX_S (INT64_C(100) * 366 * 86400)

bool
words_parse_age(struct str text, int64_t *ret_s)
{
	int64_t factor = 1;
	uint64_t n;

	if (text.n && !ascii_is_digit(text.p[text.n - 1])) {
		factor = 0;
		for (size_t i = 0; i < ARRAY_LEN(units); i++)
			if (units[i].letter == ascii_lower(text.p[text.n - 1]))
				factor = units[i].s;
		text.n--;
	}
	if (!factor || !str_to_u64(text, &n) || n > (uint64_t)(AGE_MAX_S / factor))
		return false;
	*ret_s = (int64_t)n * factor;
	return true;
}

bool
words_parse_time(struct str text, int64_t now_s, int64_t *ret_s)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
	    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};
	char copy[32];
	int64_t age;

	if (words_parse_age(text, &age)) {
		*ret_s = now_s - age;
		return true;
	}
	if (text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(copy, forms[i], &tm);
		if (!end || *end)
			continue;
		*ret_s = (int64_t)mktime(&tm);
		return true;
	}
	return false;
}

void
words_put_time(struct sbuf *out, int64_t s)
{
	time_t t = (time_t)s;
	char text[32];
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		sbuf_printf(out, "%lld", (long long)s);
	else
		sbuf_puts(out, text);
}

void
words_put_age(struct sbuf *out, int64_t s)
{
	if (s < 0)
		s = 0;
	for (size_t i = 1; i < ARRAY_LEN(units); i++) {
		if (s >= units[i].s || units[i].s == 1) {
			sbuf_printf(out, "%lld %s", (long long)(s / units[i].s), units[i].name);
			return;
		}
	}
}

void
words_put_safe(struct sbuf *out, struct str s)
{
	bool utf8 = str_is_utf8(s);

	for (size_t i = 0; i < s.n;) {
		unsigned char c = (unsigned char)s.p[i];
		size_t whole = c >= 0x80 && utf8 ? shown_character(str_skip(s, i)) : 0;
		if (whole)
			sbuf_put(out, str_sub(s, i, whole));
		else if (c < 0x20 || c >= 0x7f)
			sbuf_printf(out, "\\x%02x", c);
		else
			sbuf_putc(out, (char)c);
		i += whole ? whole : 1;
	}
}
