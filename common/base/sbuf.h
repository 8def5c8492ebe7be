/* common/base/sbuf.h - the bounded string builder.
 *
 * Appends to a heap buffer up to a maximum. The first failure (past the maximum: ERR_TOO_LONG, no
 * memory: ERR_NOMEM) sticks and later appends do nothing, so it is asked once, at the end. Contents
 * are octets; sbuf_cstr() ends them with NUL. Not thread-safe.
 */
#ifndef COMMON_BASE_SBUF_H
#define COMMON_BASE_SBUF_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

struct sbuf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
	enum err err;
};

/* An empty builder of at most `max` octets; takes no memory yet. */
#define SBUF_INIT(max_octets) ((struct sbuf){NULL, 0, 0, (max_octets), ERR_OK})
void sbuf_init(struct sbuf *b, size_t max);
/* Frees the memory; the builder can be used again. Also a guard: CLEANUP(sbuf_done) struct sbuf b =
 * SBUF_INIT(4096); */
void sbuf_done(struct sbuf *b);
/* Empties it and forgets the failure; keeps the memory. */
void sbuf_clear(struct sbuf *b);

void sbuf_append(struct sbuf *b, const void *p, size_t n);
void sbuf_puts(struct sbuf *b, const char *cstr);
void sbuf_putc(struct sbuf *b, char c);
void sbuf_put(struct sbuf *b, struct str s);
void sbuf_u64(struct sbuf *b, uint64_t value);
void sbuf_printf(struct sbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Room for `n` octets at the end, to be filled by the caller and then counted with sbuf_grow();
 * NULL on failure. */
char *sbuf_reserve(struct sbuf *b, size_t n);
void sbuf_grow(struct sbuf *b, size_t n);
/* Drops the first `n` octets (moves the rest down). */
void sbuf_drop(struct sbuf *b, size_t n);
/* Cuts back to `n` octets. */
void sbuf_cut(struct sbuf *b, size_t n);

/* The contents; valid until the next append. */
struct str sbuf_view(const struct sbuf *b);
/* The contents as a C string, "" on failure. */
const char *sbuf_cstr(struct sbuf *b);
enum err sbuf_error(const struct sbuf *b);

#endif
