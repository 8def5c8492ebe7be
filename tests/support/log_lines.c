#include "tests/support/log_lines.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define KEPT_MAX (1024 * 1024)
#define LINE_MAX_OCTETS 2048

#define TEN(s) s s s s s s s s s s
#define HUNDRED(s) TEN(TEN(s))

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static char kept[KEPT_MAX];
static size_t kept_n;
static char fault[LINE_MAX_OCTETS * 2]; /* the first, or "" */

const char *const log_lines_evil[] = {
    "x\r\n2026-01-01T00:00:00.000Z info smtpd login user=root",
    "x\nwarn imapd login_failed peer=192.0.2.1",
    "x user=root ok=1",
    "x\" user=\"root",
    "x\\",
    "x\\\" user=root",
    "\x1b[2J\x1b[31mred",
    "x\xc2\x9b"
    "31m",
    "x\xc2\x85y",
    "x\xe2\x80\xa8y\xe2\x80\xa9z",
    "x\xe2\x80\xaetoor\xe2\x80\xac\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f",
    "x\x7f\b\b\ty",
    "\xff\xfe\x80x",
    "\xf3\xa0\x81\x81\xef\xbf\xb9\xef\xbb\xbf\xe2\x80\x8b",
    "=",
    HUNDRED("a b\"") HUNDRED("\"\"\\\\"),
    HUNDRED(TEN("\x1b")),
    HUNDRED(TEN("\xc3\xbc")),
    HUNDRED("\xf0\x9f\x98\x80\xc2\x9b"),
    NULL,
};

const char *const log_lines_worst[] = {
    "x\r\n2026-01-01T00:00:00.000Z info smtpd login user=root",
    "x\" user=\"root\\\x1b[31m\xc2\x9b"
    "31m\xe2\x80\xaetoor\xe2\x81\xa6\xff",
    HUNDRED("a b\"") HUNDRED("\x1b\xc3\xbc\\"),
    NULL,
};

/* -- what a line is --------------------------------------------------------------------------- */

static bool
is_obeyed(uint32_t c)
{
	static const uint32_t ranges[][2] = {{0, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c},
	    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
	    {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* `line` is valid. */
static bool
shows_what_is_obeyed(struct str line)
{
	for (size_t i = 0; i < line.n;) {
		unsigned char c = (unsigned char)line.p[i++];
		uint32_t all = c < 0x80 ? c : c < 0xe0 ? c & 31u : c < 0xf0 ? c & 15u : c & 7u;
		while (i < line.n && ((unsigned char)line.p[i] & 0xc0) == 0x80)
			all = all << 6 | ((unsigned char)line.p[i++] & 63u);
		if (is_obeyed(all))
			return true;
	}
	return false;
}

static size_t
word(struct str s, const char *chars)
{
	size_t n = 0;

	while (n < s.n && strchr(chars, s.p[n]))
		n++;
	return n;
}

/* How long the value at the start of `s` is; 0: it is none. */
static size_t
value(struct str s)
{
	size_t n = 0;

	if (s.n == 0 || s.p[0] != '"') {
		while (n < s.n && s.p[n] != ' ') {
			if (s.p[n] == '"' || s.p[n] == '=' ||
			    (s.p[n] == '\\' && (n + 3 >= s.n || s.p[n + 1] != 'x')))
				return 0;
			n++;
		}
		return n;
	}
	for (n = 1; n < s.n && s.p[n] != '"'; n++)
		if (s.p[n] == '\\')
			n++;
	return n < s.n ? n + 1 : 0;
}

static bool
is_forged(struct str key, struct str said)
{
	return str_eq(key, STR("user")) &&
	       (str_eq(said, STR("root")) || str_eq(said, STR("\"root\"")));
}

const char *
log_line_fault(struct str line)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyz_0123456789"
	if (line.n > LINE_MAX_OCTETS)
		return "it is too long";
	if (!str_is_utf8(line))
		return "it is no UTF-8";
	if (shows_what_is_obeyed(line))
		return "it has a character that is obeyed";
	for (int i = 0; i < 3; i++) {
		size_t n = word(line, LETTERS "-");
		if (n == 0 || (i < 2 && n == line.n) || (n < line.n && line.p[n] != ' '))
			return "level, program and event are not its start";
		line = str_skip(line, n);
		if (i < 2)
			line = str_skip(line, 1);
	}
	while (line.n > 0) {
		if (line.p[0] != ' ')
			return "something stands behind a value";
		line = str_skip(line, 1);
		size_t n = word(line, LETTERS);
		if (n == 0 || n == line.n || line.p[n] != '=')
			return "a key is none";
		struct str key = str_sub(line, 0, n);
		line = str_skip(line, n + 1);
		n = value(line);
		if (n == 0)
			return "a value is none, or is not closed";
		if (is_forged(key, str_sub(line, 0, n)))
			return "a key is forged";
		line = str_skip(line, n);
	}
	return NULL;
}

/* -- keeping ---------------------------------------------------------------------------------- */

static void
keep(void *arg, struct str line)
{
	const char *why = log_line_fault(line);

	(void)arg;
	pthread_mutex_lock(&mu);
	if (why && !fault[0])
		snprintf(fault, sizeof(fault), "%s: %.*s", why, STR_ARG(line));
	if (kept_n + line.n + 1 < sizeof(kept)) {
		memcpy(kept + kept_n, line.p, line.n);
		kept_n += line.n;
		kept[kept_n++] = '\n';
	}
	pthread_mutex_unlock(&mu);
}

void
log_lines_begin(void)
{
	kept_n = 0;
	fault[0] = '\0';
	ck_assert_ok(log_open("test", "stderr", LOG_LEVEL_DEBUG));
	log_capture(keep, NULL);
}

const char *
log_lines_end(void)
{
	log_capture(NULL, NULL);
	ck_assert_msg(!fault[0], "%s", fault);
	kept[kept_n] = '\0';
	return kept;
}

unsigned
log_lines_count(const char *event)
{
	char what[64];
	unsigned n = 0;

	snprintf(what, sizeof(what), " test %s ", event);
	for (const char *at = kept; (at = strstr(at, what)); at++)
		n++;
	return n;
}
