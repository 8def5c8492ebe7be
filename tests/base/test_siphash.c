#include "common/base/cleanup.h"
#include "common/base/siphash.h"
#include "tests/support/test.h"

/* The key 00 01 … 0f and the texts of 0, 1, 7, 8, 15 and 63 octets 00 01 …: of the reference
 * implementation's vectors. */
START_TEST(the_vectors_of_its_authors_hold)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} rows[] = {
	    {0, 0x726fdb47dd0e0e31u},
	    {1, 0x74f839c593dc67fdu},
	    {7, 0xab0200f58b01d137u},
	    {8, 0x93f5f5799a932462u},
	    {15, 0xa129ca6149be45e5u},
	    {63, 0x958a324ceb064572u},
	};
	unsigned char key[SIPHASH_KEY_SIZE];
	char text[64];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t h = siphash(key, test_guarded(str_make(text, rows[i].n)));
		ck_assert_msg(
		    h == rows[i].hash, "%zu octets: %llx", rows[i].n, (unsigned long long)h);
	}
}
END_TEST

START_TEST(another_key_gives_another_hash)
{
	unsigned char key[SIPHASH_KEY_SIZE] = {0};
	uint64_t h = siphash(key, STR("<a@example.test>"));

	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] ^= 0x80;
		ck_assert(siphash(key, STR("<a@example.test>")) != h);
		key[i] ^= 0x80;
	}
}
END_TEST

START_TEST(a_name_is_hashed_without_its_case_behind_what_is_not_a_name)
{
	static const struct {
		const char *before, *name, *as;
	} rows[] = {
	    {"", "", ""}, {"ABC", "", "ABC"}, {"ABC", "Ann@Example.TEST", "ABCann@example.test"},
	    {"", "\xc3\x9c", "\xc3\x9c"}, /* as far as ASCII goes */
	};
	static const unsigned char key[SIPHASH_KEY_SIZE] = {1, 2, 3};
	char name[SIPHASH_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert(
		    siphash_name(key, test_guarded(str_of(rows[i].before)),
			test_guarded(str_of(rows[i].name))) == siphash(key, str_of(rows[i].as)));
	memset(name, 'a', sizeof(name));
	uint64_t h = siphash_name(key, STR("x"), str_make(name, SIPHASH_NAME_MAX));
	ck_assert(siphash_name(key, STR("x"), str_make(name, SIPHASH_NAME_MAX - 1)) != h);
	name[SIPHASH_NAME_MAX] = 'b';
	ck_assert(siphash_name(key, STR("x"), str_make(name, SIPHASH_NAME_MAX + 1)) == h);
}
END_TEST

TEST_MAIN("siphash", a_name_is_hashed_without_its_case_behind_what_is_not_a_name,
    the_vectors_of_its_authors_hold, another_key_gives_another_hash)
