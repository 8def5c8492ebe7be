/* common/base/json.h - JSON (RFC 8259) into a builder, one value after the other; commas come by
 * themselves. Octets that are not UTF-8 are written as U+FFFD. */
#ifndef COMMON_BASE_JSON_H
#define COMMON_BASE_JSON_H

#include "common/base/sbuf.h"

/* A key inside of an object, or NULL inside of an array and at the top. */
void json_open(struct sbuf *out, const char *key, char bracket); /* '{' or '[' */
void json_close(struct sbuf *out, char bracket); /* '}' or ']' */
void json_str(struct sbuf *out, const char *key, struct str value);
void json_u64(struct sbuf *out, const char *key, uint64_t value);
/* A value that is JSON already. */
void json_raw(struct sbuf *out, const char *key, struct str value);
void json_bool(struct sbuf *out, const char *key, bool value);

#endif
