/* tests/support/store_fixture.h - a store in a directory of its own, removed at the end.
 *
 *	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
 *
 * It serves example.test, where the account ann@example.test is open as f->account. Link with
 * STORE_LIBS or DAEMON_LIBS.
 */
#ifndef TESTS_SUPPORT_STORE_FIXTURE_H
#define TESTS_SUPPORT_STORE_FIXTURE_H

#include "store/account.h"
#include "store/directory.h"
#include "tests/support/test.h"

struct store_fixture {
	const char *dir; /* holds data/ and run/ */
	struct store_options options;
	struct store *store;
	int64_t account_id;
	struct account *account;
	struct arena *arena; /* for results, until the end */
};

struct store_fixture *store_fixture_open(void);
void store_fixture_close(struct store_fixture **f);
/* Closes store and account and opens them again, as another process would find them. */
void store_fixture_reopen(struct store_fixture *f);
/* A further account without a usable password; its id. */
int64_t store_fixture_add(struct store_fixture *f, const char *address);
/* Gives an account a password (which costs an argon2). */
void store_fixture_set_password(struct store_fixture *f, const char *address, const char *password);
/* dir/<name>, in the arena. */
const char *store_fixture_path(struct store_fixture *f, const char *name);

#endif
