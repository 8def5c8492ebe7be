/* common/base/arena.h - bump allocation with a ceiling, reset in one call.
 *
 * One arena serves one command: what is parsed or built for it lives until arena_reset(). Not
 * thread-safe; it belongs to whoever holds the session. An allocation past the ceiling or without
 * memory gives NULL and the failure sticks, so that a caller who made many can ask arena_failed()
 * once.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include "common/base/cleanup.h"
#include "common/base/str.h"

struct arena;

/* A new arena that holds at most `limit_bytes`; takes no memory for blocks before the first
 * allocation. NULL without memory. */
struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena **a);
/* Forgets everything; keeps one small block for the next command and gives the rest back. */
void arena_reset(struct arena *a);
/* Overwrites what it holds, where that may be a secret; a reset or free should follow. */
void arena_wipe(struct arena *a);
bool arena_failed(const struct arena *a);
size_t arena_used(const struct arena *a);

/* `n` zeroed bytes aligned for any type, or NULL. */
void *arena_alloc(struct arena *a, size_t n);
/* Space for `count` items of `size`; overflow of the product is a failure. */
void *arena_alloc_array(struct arena *a, size_t count, size_t size);
/* A copy of `s`, followed by a NUL that does not count; {NULL,0} on failure. */
struct str arena_dup(struct arena *a, struct str s);
/* The same as a C string (cut at nothing: callers check str_has_nul() where it matters); NULL on
 * failure. */
char *arena_cstr(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* `struct x *x = ARENA_NEW(a, struct x)` */
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

/* Grows an arena array so that it holds at least `need` items: doubles, copies, returns the (new)
 * array or NULL. */
void *arena_grow(struct arena *a, void *array, size_t *cap, size_t need, size_t size);

#endif
