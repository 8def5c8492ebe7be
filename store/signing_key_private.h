/* store/signing_key_private.h - the file of a key, for those who remove its row; rows kept in
 * memory. Private to store/. */
#ifndef STORE_SIGNING_KEY_PRIVATE_H
#define STORE_SIGNING_KEY_PRIVATE_H

#include "store/database.h"
#include "store/signing_key.h"

NODISCARD enum err signing_key_remove_file(struct store *s, const struct signing_key *k);

struct signing_key_cache;
/* NULL without memory. */
struct signing_key_cache *signing_key_cache_new(void);
void signing_key_cache_free(struct signing_key_cache **c);
/* The rows of `domain`, copied into `arena`; false: they have to be read. */
bool signing_key_cache_get(struct signing_key_cache *c, struct str domain,
    const struct db_stamp *now, struct arena *arena, struct signing_key **ret, size_t *ret_n);
/* What was read after the directory had the stamp `before`. */
void signing_key_cache_put(struct signing_key_cache *c, struct str domain,
    const struct db_stamp *before, const struct signing_key *keys, size_t n);

#endif
