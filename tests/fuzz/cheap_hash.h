/* tests/fuzz/cheap_hash.h - argon2id at the least cost it can have (cheap_hash.c). */
#ifndef TESTS_FUZZ_CHEAP_HASH_H
#define TESTS_FUZZ_CHEAP_HASH_H

/* Fails where the password of a name that nobody has is computed all the same. */
void cheap_hash_check(void);

#endif
