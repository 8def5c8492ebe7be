/* store/signing_key_private.h - the file of a key, for those who remove its row. Private to store/.
 */
#ifndef STORE_SIGNING_KEY_PRIVATE_H
#define STORE_SIGNING_KEY_PRIVATE_H

#include "store/signing_key.h"

NODISCARD enum err signing_key_remove_file(struct store *s, const struct signing_key *k);

#endif
