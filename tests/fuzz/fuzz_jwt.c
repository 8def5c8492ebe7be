/* Tokens and key sets of a provider. The first octet says which the rest is. */
#include "common/auth/jwt.h"
#include "common/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

#define ARENA (1024L * 1024)

/* RFC 7515 §A.3.1 */
static const char keys[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
			   "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			   "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static const char token[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

static void
verify(struct str set_text, struct str text)
{
	const struct jwt_rules rules = {.user_claim = "iss", .now_s = 1300819000};
	CLEANUP(jwk_set_free) struct jwk_set *set = NULL;
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA);
	struct str user;
	int64_t until;

	if (jwk_set_parse(set_text, &set) != ERR_OK)
		return;
	/* Nobody without the key can make another. */
	if (jwt_verify(set, &rules, text, arena, &user, &until) == ERR_OK)
		FUZZ_CHECK(str_eq(user, STR("joe")) && str_eq(text, str_of(token)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct str in = str_make(data + 1, size - 1);
	if (data[0] & 1)
		verify(str_of(keys), in);
	else
		verify(in, str_of(token));
	return 0;
}
