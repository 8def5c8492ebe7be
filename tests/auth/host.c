#include "tests/auth/host.h"

#include "tests/support/test.h"

#define UTE                                                                                        \
	"gr\xc3\xbc\xc3\x9f"                                                                       \
	"e"

static enum err
find(void *arg, struct str login, struct arena *arena, int64_t *ret_account,
    struct str *ret_address, struct credential *ret_credential)
{
	struct test_host *h = arg;

	(void)arena;
	h->finds++;
	if (h->find_err)
		return h->find_err;
	if (str_eq_nocase(login, STR("ann")) || str_eq_nocase(login, STR("ann@example.test"))) {
		*ret_account = 7;
		*ret_address = STR("ann@example.test");
		*ret_credential = h->ann;
		return ERR_OK;
	}
	if (str_eq_nocase(login, STR(UTE "@example.test"))) {
		*ret_account = 8;
		*ret_address = STR(UTE "@example.test");
		*ret_credential = h->ute;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

static enum err
binding(void *arg, const char *type, struct arena *arena, struct str *ret)
{
	struct test_host *h = arg;

	if (h->binding.n == 0 || strcmp(type, "tls-exporter") != 0)
		return ERR_CANNOT;
	*ret = arena_dup(arena, h->binding);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

struct test_host *
test_host_new(bool tls)
{
	struct test_host *h = calloc(1, sizeof(*h));

	ck_assert_ptr_nonnull(h);
	h->arena = arena_new(1 << 20);
	ck_assert_ok(password_make(STR("pencil"), h->arena, &h->ann));
	ck_assert_ok(password_make(STR("Gr\xc3\xbc\xc3\x9f"
				       "e"),
	    h->arena, &h->ute));
	if (tls)
		h->binding = STR("0123456789abcdef0123456789abcdef");
	h->host = (struct sasl_host){.find_arg = h,
	    .find = find,
	    .binding_arg = h,
	    .binding = binding,
	    .secure = true,
	    .tls = tls};
	return h;
}

void
test_host_free(struct test_host **h)
{
	if (!*h)
		return;
	arena_free(&(*h)->arena);
	free(*h);
	*h = NULL;
}
