/* common/base/siphash.h - SipHash-2-4 (Aumasson and Bernstein): a short hash under a key, for what
 * strangers choose and must not be able to make equal. Pure.
 */
#ifndef COMMON_BASE_SIPHASH_H
#define COMMON_BASE_SIPHASH_H

#include "common/base/str.h"

#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

uint64_t siphash(const unsigned char key[SIPHASH_KEY_SIZE], struct str text);

#endif
