/* common/base/cursor.h - a forward reader over a slice, the base of the protocol grammars.
 *
 * One production is one function over a cursor. The first failure sticks with its offset and with
 * what was expected there; readers after it do nothing, so a handler reads a whole command and asks
 * once. Slices given out point into the input.
 */
#ifndef COMMON_BASE_CURSOR_H
#define COMMON_BASE_CURSOR_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

struct cursor {
	struct str in;
	size_t pos;
	enum err err;
	size_t err_at;
	const char *expected; /* what stood in the grammar where it failed; a literal */
};

typedef bool char_class(unsigned char c);

void cursor_init(struct cursor *c, struct str in);
/* Records the first failure at the current position; later ones change nothing. Returns the failure
 * that stuck. */
enum err cursor_fail(struct cursor *c, enum err e, const char *expected);
bool cursor_at_end(const struct cursor *c);
/* What is left. */
struct str cursor_rest(const struct cursor *c);
/* The next octet without taking it, -1 at the end or after a failure. */
int cursor_peek(const struct cursor *c);

/* Takes the octet `ch` if it is next. */
bool cursor_accept(struct cursor *c, char ch);
/* Takes `word` if it is next, ASCII case ignored. */
bool cursor_accept_word(struct cursor *c, struct str word);
/* The same, but their absence is a failure. */
void cursor_expect(struct cursor *c, char ch, const char *expected);
void cursor_expect_end(struct cursor *c);
/* All octets of the class that come next; may be empty. */
struct str cursor_take_while(struct cursor *c, char_class *is);
/* Exactly `n` octets; fewer is a failure. */
struct str cursor_take(struct cursor *c, size_t n, const char *expected);
/* Decimal number up to UINT32_MAX or UINT64_MAX; more, or no digit, is a failure. */
uint32_t cursor_u32(struct cursor *c, const char *expected);
uint64_t cursor_u64(struct cursor *c, const char *expected);

#endif
