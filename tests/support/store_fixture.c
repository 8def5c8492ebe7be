#include "tests/support/store_fixture.h"

#include <sys/stat.h>

static const struct credential no_password = {
    .hash = {"!", 1},
    .scram_salt = {"salt", 4},
    .scram_iterations = 4096,
    .scram_stored_key = {"stored", 6},
    .scram_server_key = {"server", 6},
};

const char *
store_fixture_path(struct store_fixture *f, const char *name)
{
	return arena_printf(f->arena, "%s/%s", f->dir, name).p;
}

static void
open_both(struct store_fixture *f)
{
	ck_assert_ok(store_open(&f->options, &f->store));
	if (f->account_id)
		ck_assert_ok(account_open(f->store, f->account_id, &f->account));
}

struct store_fixture *
store_fixture_open(void)
{
	struct store_fixture *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	f->dir = test_mkdir();
	f->arena = arena_new(64 * 1024 * 1024);
	f->options = (struct store_options){
	    .data_dir = store_fixture_path(f, "data"),
	    .run_dir = store_fixture_path(f, "run"),
	    .process = "test",
	    .recipient_delimiter = "+",
	};
	ck_assert_int_eq(mkdir(f->options.run_dir, 0770), 0);
	ck_assert_ok(store_create(f->options.data_dir));
	open_both(f);
	ck_assert_ok(directory_add_domain(f->store, STR("example.test")));
	f->account_id = store_fixture_add(f, "ann@example.test");
	ck_assert_ok(account_open(f->store, f->account_id, &f->account));
	return f;
}

void
store_fixture_close(struct store_fixture **fp)
{
	struct store_fixture *f = *fp;

	if (!f)
		return;
	*fp = NULL;
	account_unref(&f->account);
	store_close(&f->store);
	test_rmdir(f->dir);
	arena_free(&f->arena);
	free(f);
}

void
store_fixture_reopen(struct store_fixture *f)
{
	account_unref(&f->account);
	store_close(&f->store);
	open_both(f);
}

int64_t
store_fixture_add(struct store_fixture *f, const char *address)
{
	int64_t id = 0;

	ck_assert_ok(directory_add_account(f->store, str_of(address), &no_password, &id));
	return id;
}

void
store_fixture_set_password(struct store_fixture *f, const char *address, const char *password)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1024 * 1024);
	struct credential c;

	ck_assert_ok(password_make(str_of(password), arena, &c));
	ck_assert_ok(directory_set_credential(f->store, str_of(address), &c));
}
