/* Exchanges of SASL: the first octet picks the mechanism, the rest is what the client says, a
 * message to each line. Nobody comes in who does not know the password. */
#include "common/auth/sasl.h"
#include "tests/fuzz/fuzz.h"

#define ARENA_MAX (1 << 20)

static const char *const mechanisms[] = {
    "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL"};

/* Where a password would be hashed it ends before: that takes a thousand times as long as the rest.
 */
struct store {
	bool hashes;
	struct credential credential;
};

static enum err
find(void *arg, struct str login, struct arena *arena, int64_t *ret_account,
    struct str *ret_address, struct credential *ret_credential)
{
	const struct store *s = arg;

	FUZZ_CHECK(login.n > 0 && str_find(login, '\0') == STR_NONE);
	(void)arena;
	if (!s->hashes)
		return ERR_BUSY;
	*ret_account = 7;
	*ret_address = STR("ann@example.test");
	*ret_credential = s->credential;
	return ERR_OK;
}

static enum err
binding(void *arg, const char *type, struct arena *arena, struct str *ret)
{
	(void)arg;
	(void)type;
	*ret = arena_dup(arena, STR("0123456789abcdef0123456789abcdef"));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

static enum err
client(void *arg, struct arena *arena, struct str *ret)
{
	(void)arg;
	(void)arena;
	*ret = STR("ann@example.test");
	return ERR_BUSY;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *kept;
	static struct store store;
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	CLEANUP(sasl_free) struct sasl *s = NULL;
	struct str rest = str_make(data, size), line, challenge;
	enum err e;

	if (size == 0)
		return 0;
	if (!kept) {
		kept = arena_new(ARENA_MAX);
		FUZZ_CHECK(password_make(STR("pencil"), kept, &store.credential) == ERR_OK);
	}
	const char *mechanism = mechanisms[data[0] % ARRAY_LEN(mechanisms)];
	store.hashes = strncmp(mechanism, "SCRAM", 5) == 0;
	const struct sasl_host host = {.find_arg = &store,
	    .find = find,
	    .binding = binding,
	    .client = client,
	    .certified = true,
	    .secure = true,
	    .tls = true};
	FUZZ_CHECK(sasl_begin(str_of(mechanism), &host, &s) == ERR_OK);
	rest = str_sub(rest, 1, rest.n);
	for (int i = 0; i < 8 && str_split(&rest, '\n', &line); i++) {
		enum sasl_status st = sasl_step(s, line, arena, &challenge, &e);
		FUZZ_CHECK(st != SASL_DONE && st != SASL_WAIT);
		if (st == SASL_FAILED)
			break;
	}
	return 0;
}
