/* common/auth/scram_keys.h - what a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3).
 * Pure. */
#ifndef COMMON_AUTH_SCRAM_KEYS_H
#define COMMON_AUTH_SCRAM_KEYS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define SCRAM_KEY_SIZE 32
#define SCRAM_SALT_SIZE 16
/* RFC 7677 §4 asks for 4096 at least; the keys must not be the weak way to a stolen password. */
#define SCRAM_ITERATIONS 32768

/* StoredKey and ServerKey of a prepared password. ERR_NOMEM, or ERR_INTERNAL when the library
 * refuses. */
NODISCARD enum err scram_keys(struct str password, struct str salt, uint32_t iterations,
    unsigned char stored_key[SCRAM_KEY_SIZE], unsigned char server_key[SCRAM_KEY_SIZE]);

#endif
