#include "common/base/sbuf.h"

#include <stdarg.h>
#include <stdio.h>

void
sbuf_init(struct sbuf *b, size_t max)
{
	*b = SBUF_INIT(max);
}

void
sbuf_done(struct sbuf *b)
{
	free(b->p);
	*b = SBUF_INIT(b->max);
}

void
sbuf_clear(struct sbuf *b)
{
	b->n = 0;
	b->err = ERR_OK;
}

char *
sbuf_reserve(struct sbuf *b, size_t n)
{
	if (b->err)
		return NULL;
	if (n > b->max - b->n) {
		b->err = ERR_TOO_LONG;
		return NULL;
	}
	size_t need = b->n + n + 1; /* always room for sbuf_cstr's NUL */
	if (need > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		if (cap < need)
			cap = need;
		char *p = realloc(b->p, cap);
		if (!p) {
			b->err = ERR_NOMEM;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
}

void
sbuf_grow(struct sbuf *b, size_t n)
{
	b->n += n;
}

void
sbuf_append(struct sbuf *b, const void *p, size_t n)
{
	char *to = sbuf_reserve(b, n);

	if (!to || n == 0)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void
sbuf_puts(struct sbuf *b, const char *cstr)
{
	sbuf_append(b, cstr, strlen(cstr));
}

void
sbuf_putc(struct sbuf *b, char c)
{
	sbuf_append(b, &c, 1);
}

void
sbuf_put(struct sbuf *b, struct str s)
{
	sbuf_append(b, s.p, s.n);
}

void
sbuf_u64(struct sbuf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	sbuf_append(b, digits + at, sizeof(digits) - at);
}

void
sbuf_printf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *to = n < 0 ? NULL : sbuf_reserve(b, (size_t)n);
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void
sbuf_drop(struct sbuf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void
sbuf_cut(struct sbuf *b, size_t n)
{
	if (n < b->n)
		b->n = n;
}

struct str
sbuf_view(const struct sbuf *b)
{
	return (struct str){b->p ? b->p : "", b->n};
}

const char *
sbuf_cstr(struct sbuf *b)
{
	if (b->err || !b->p)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

enum err
sbuf_error(const struct sbuf *b)
{
	return b->err;
}
