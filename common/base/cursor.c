#include "common/base/cursor.h"

void
cursor_init(struct cursor *c, struct str in)
{
	*c = (struct cursor){.in = in};
}

enum err
cursor_fail(struct cursor *c, enum err e, const char *expected)
{
	if (!c->err) {
		c->err = e;
		c->err_at = c->pos;
		c->expected = expected;
	}
	return c->err;
}

bool
cursor_at_end(const struct cursor *c)
{
	return c->err || c->pos == c->in.n;
}

struct str
cursor_rest(const struct cursor *c)
{
	return c->err ? (struct str){"", 0} : str_skip(c->in, c->pos);
}

int
cursor_peek(const struct cursor *c)
{
	return cursor_at_end(c) ? -1 : (unsigned char)c->in.p[c->pos];
}

bool
cursor_accept(struct cursor *c, char ch)
{
	if (cursor_peek(c) != (unsigned char)ch)
		return false;
	c->pos++;
	return true;
}

bool
cursor_accept_word(struct cursor *c, struct str word)
{
	if (!str_starts_nocase(cursor_rest(c), word))
		return false;
	c->pos += word.n;
	return true;
}

void
cursor_expect(struct cursor *c, char ch, const char *expected)
{
	if (!cursor_accept(c, ch))
		cursor_fail(c, ERR_SYNTAX, expected);
}

void
cursor_expect_end(struct cursor *c)
{
	if (!cursor_at_end(c))
		cursor_fail(c, ERR_SYNTAX, "end of line");
}

struct str
cursor_take_while(struct cursor *c, char_class *is)
{
	struct str rest = cursor_rest(c);
	size_t n = 0;

	while (n < rest.n && is((unsigned char)rest.p[n]))
		n++;
	c->pos += n;
	return str_sub(rest, 0, n);
}

struct str
cursor_take(struct cursor *c, size_t n, const char *expected)
{
	struct str rest = cursor_rest(c);

	if (rest.n < n) {
		cursor_fail(c, ERR_SYNTAX, expected);
		return (struct str){"", 0};
	}
	c->pos += n;
	return str_sub(rest, 0, n);
}

static bool
is_digit(unsigned char ch)
{
	return ascii_is_digit((char)ch);
}

uint64_t
cursor_u64(struct cursor *c, const char *expected)
{
	size_t start = c->pos;
	uint64_t value = 0;

	if (!str_to_u64(cursor_take_while(c, is_digit), &value)) {
		if (!c->err)
			c->pos = start;
		cursor_fail(c, ERR_SYNTAX, expected);
		return 0;
	}
	return value;
}

uint32_t
cursor_u32(struct cursor *c, const char *expected)
{
	size_t start = c->pos;
	uint64_t value = cursor_u64(c, expected);

	if (value > UINT32_MAX) {
		c->pos = start;
		cursor_fail(c, ERR_SYNTAX, expected);
		return 0;
	}
	return (uint32_t)value;
}
