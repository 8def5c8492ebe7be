/* common/base/str.h - a borrowed slice of octets: not terminated, may hold NUL. Whoever owns the
 * octets is said where the slice is given out; a slice never outlives its buffer. Comparisons
 * marked `nocase` fold ASCII only, as mail protocols do.
 */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A slice over a string literal. */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
/* For printf's "%.*s". Evaluates twice. */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str
str_of(const char *cstr)
{
	return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct str
str_make(const void *p, size_t n)
{
	return (struct str){p, n};
}

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends_nocase(struct str s, struct str suffix);
/* <0, 0, >0 in octet order; a proper prefix sorts first. */
int str_cmp(struct str a, struct str b);
int str_cmp_nocase(struct str a, struct str b);

/* The octets from `from` on (empty when there are none), and at most `n` of them. */
struct str str_sub(struct str s, size_t from, size_t n);
struct str str_skip(struct str s, size_t n);
/* Without leading and trailing SP, HTAB, CR and LF. */
struct str str_trim(struct str s);

#define STR_NONE SIZE_MAX
/* Position of the first or last `c`, or STR_NONE. */
size_t str_find(struct str s, char c);
size_t str_rfind(struct str s, char c);
/* Position of the first occurrence of `needle`, ASCII case ignored, or STR_NONE. */
size_t str_find_nocase(struct str s, struct str needle);
bool str_has_nul(struct str s);
/* How many octets at the start are below 0x80. As fast as memory allows. */
size_t str_ascii_run(struct str s);
/* All octets below 0x80. */
bool str_is_ascii(struct str s);
/* Well-formed UTF-8 (RFC 3629): no overlong forms, surrogates or values above U+10FFFF. */
bool str_is_utf8(struct str s);

/* Cuts `*rest` at the first `sep`: *ret_head is what stands before, *rest what follows. False once
 * `*rest` is used up. */
bool str_split(struct str *rest, char sep, struct str *ret_head);

/* Decimal digits only, all of them, no sign, no overflow. */
bool str_to_u32(struct str s, uint32_t *ret);
bool str_to_u64(struct str s, uint64_t *ret);

#endif
