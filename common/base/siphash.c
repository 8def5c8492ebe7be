#include "common/base/siphash.h"

#include <assert.h>
#include <endian.h>

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t
word_at(const void *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

static void
mix(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
		v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
	}
}

static void
take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

uint64_t
siphash(const unsigned char key[SIPHASH_KEY_SIZE], struct str text)
{
	uint64_t k0 = word_at(key), k1 = word_at(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
	    k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
	unsigned char last[8] = {0};
	size_t i = 0;

	for (; i + 8 <= text.n; i += 8)
		take(v, word_at(text.p + i));
	if (text.n > i)
		memcpy(last, text.p + i, text.n - i);
	last[7] = (unsigned char)text.n;
	take(v, word_at(last));
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
siphash_name(const unsigned char key[SIPHASH_KEY_SIZE], struct str before, struct str name)
{
	char text[SIPHASH_BEFORE_MAX + SIPHASH_NAME_MAX];
	size_t n = before.n;

	assert(n <= SIPHASH_BEFORE_MAX);
	memcpy(text, before.p, n);
	for (size_t i = 0; i < name.n && i < SIPHASH_NAME_MAX; i++)
		text[n++] = ascii_lower(name.p[i]);
	return siphash(key, str_make(text, n));
}
