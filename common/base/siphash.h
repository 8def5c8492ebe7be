/* common/base/siphash.h - SipHash-2-4 (Aumasson and Bernstein): a short hash under a key, for what
 * strangers choose and must not be able to make equal. Pure.
 */
#ifndef COMMON_BASE_SIPHASH_H
#define COMMON_BASE_SIPHASH_H

#include "common/base/str.h"

#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

uint64_t siphash(const unsigned char key[SIPHASH_KEY_SIZE], struct str text);

#define SIPHASH_BEFORE_MAX 32
#define SIPHASH_NAME_MAX 256

/* Of `before`, SIPHASH_BEFORE_MAX octets at most, always as many for the same purpose, and a name
 * whose case matters to nobody, of a longer one its first SIPHASH_NAME_MAX octets. */
uint64_t siphash_name(
    const unsigned char key[SIPHASH_KEY_SIZE], struct str before, struct str name);

#endif
