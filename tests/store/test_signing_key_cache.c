/* Rows of signing keys kept in memory: they are as the directory is, whoever changed it. */
#include "store/db.h"
#include "store/signing_key_private.h"

#include "tests/support/store_fixture.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void
add_key(struct store *s, const char *selector, enum signing_state state)
{
	const struct signing_key k = {.domain = STR("example.test"),
	    .selector = str_of(selector),
	    .algorithm = STR("ed25519"),
	    .state = state};

	ck_assert_ok(signing_key_add(s, &k, STR("not looked into")));
}

/* As "selector=state" in their order. */
static struct str
listed(struct store_fixture *f, struct store *s, const char *domain)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);
	struct signing_key *keys;
	size_t n;

	ck_assert_ok(signing_key_list(s, str_of(domain), f->arena, &keys, &n));
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&out, "%s%.*s=%s", i ? " " : "", (int)keys[i].selector.n,
		    keys[i].selector.p, signing_state_name(keys[i].state));
	return arena_dup(f->arena, sbuf_view(&out));
}

#define ck_assert_listed(f, s, text) ck_assert_str_is(listed(f, s, "example.test"), text)

START_TEST(each_change_is_seen_at_once)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	for (int again = 0; again < 2; again++) /* no keys are kept in memory too */
		ck_assert_listed(f, f->store, "");
	add_key(f->store, "a", SIGNING_ACTIVE);
	ck_assert_listed(f, f->store, "a=signing");
	add_key(f->store, "b", SIGNING_WAITING);
	ck_assert_listed(f, f->store, "a=signing b=waiting");
	ck_assert_ok(signing_key_switch(f->store, STR("example.test")));
	for (int again = 0; again < 2; again++)
		ck_assert_listed(f, f->store, "a=retired b=signing");
	ck_assert_ok(signing_key_remove(f->store, STR("example.test"), STR("a")));
	ck_assert_listed(f, f->store, "b=signing");
}
END_TEST

START_TEST(a_change_by_another_handle_is_seen)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(store_close) struct store *other = NULL;

	ck_assert_ok(store_open(&f->options, &other));
	add_key(f->store, "a", SIGNING_ACTIVE);
	ck_assert_listed(f, f->store, "a=signing");
	ck_assert_listed(f, other, "a=signing");
	add_key(other, "b", SIGNING_WAITING);
	ck_assert_listed(f, f->store, "a=signing b=waiting");
	ck_assert_ok(signing_key_switch(f->store, STR("example.test")));
	ck_assert_listed(f, other, "a=retired b=signing");
}
END_TEST

/* One process for each step, since the signs of its commit are what is looked for. */
static void
in_another_process(int start[2], struct store_fixture *f)
{
	char step;

	close(start[1]);
	if (read(start[0], &step, 1) != 1)
		_exit(2);
	store_fixture_reopen(f);
	_exit((int)signing_key_switch(f->store, STR("example.test")));
}

START_TEST(a_change_by_another_process_is_seen)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	int start[2], status;

	add_key(f->store, "a", SIGNING_ACTIVE);
	add_key(f->store, "b", SIGNING_WAITING);
	/* forked while nothing is open, and goes on once we have them in memory */
	account_unref(&f->account);
	store_close(&f->store);
	ck_assert_int_eq(pipe(start), 0);
	pid_t pid = fork();
	if (pid == 0)
		in_another_process(start, f);
	store_fixture_reopen(f);
	for (int again = 0; again < 2; again++)
		ck_assert_listed(f, f->store, "a=signing b=waiting");
	ck_assert_int_eq(write(start[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_listed(f, f->store, "a=retired b=signing");
	close(start[0]);
	close(start[1]);
}
END_TEST

/* Other changes of the directory only cost the reading. */
START_TEST(what_is_kept_outlives_changes_of_other_things)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	add_key(f->store, "a", SIGNING_ACTIVE);
	ck_assert_listed(f, f->store, "a=signing");
	store_fixture_add(f, "bob@example.test");
	ck_assert_listed(f, f->store, "a=signing");
	store_fixture_reopen(f);
	ck_assert_listed(f, f->store, "a=signing");
}
END_TEST

/* -- the cache alone --------------------------------------------------------------------------- */

/* The selector that is kept for `domain`, which is its name in this test; "" if none is. */
static const char *
kept(struct signing_key_cache *c, const char *domain, const struct db_stamp *now)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(65536);
	struct signing_key *keys;
	size_t n;

	ck_assert_ptr_nonnull(arena);
	if (!signing_key_cache_get(c, str_of(domain), now, arena, &keys, &n))
		return "";
	ck_assert_uint_eq(n, 1);
	ck_assert(str_eq(keys[0].selector, str_of(domain)));
	ck_assert(str_eq(keys[0].algorithm, STR("rsa")));
	return domain;
}

static void
keep(struct signing_key_cache *c, const char *domain, const struct db_stamp *stamp)
{
	const struct signing_key k = {
	    .domain = str_of(domain), .selector = str_of(domain), .algorithm = STR("rsa")};

	signing_key_cache_put(c, str_of(domain), stamp, &k, 1);
}

START_TEST(only_what_was_read_at_this_stamp_is_given)
{
	CLEANUP(signing_key_cache_free) struct signing_key_cache *c = signing_key_cache_new();
	const struct db_stamp one = {.word = {1}, .opening = 1}, two = {.word = {2}, .opening = 1},
			      reopened = {.word = {1}, .opening = 2};

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(kept(c, "a.test", &one), "");
	keep(c, "a.test", &one);
	ck_assert_str_eq(kept(c, "a.test", &one), "a.test");
	ck_assert_str_eq(kept(c, "a.tes", &one), "");
	ck_assert_str_eq(kept(c, "a.test", &two), "");
	ck_assert_str_eq(kept(c, "a.test", &reopened), "");
	keep(c, "a.test", &two);
	ck_assert_str_eq(kept(c, "a.test", &one), "");
	ck_assert_str_eq(kept(c, "a.test", &two), "a.test");
}
END_TEST

/* A place has one: the last. Never is one taken for another. */
START_TEST(domains_that_share_a_place_are_told_apart)
{
	CLEANUP(signing_key_cache_free) struct signing_key_cache *c = signing_key_cache_new();
	const struct db_stamp now = {.word = {1}};
	char name[32];
	int there = 0;

	ck_assert_ptr_nonnull(c);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d%d.test", i);
		keep(c, name, &now);
		ck_assert_str_eq(kept(c, name, &now), name);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d%d.test", i);
		there += *kept(c, name, &now) != '\0';
	}
	ck_assert_int_ge(there, 1);
	ck_assert_int_le(there, 64);
}
END_TEST

/* It goes on being right without what does not fit. */
START_TEST(rows_that_are_too_large_are_not_kept)
{
	CLEANUP(signing_key_cache_free) struct signing_key_cache *c = signing_key_cache_new();
	const struct db_stamp now = {.word = {1}};
	static char large[300 * 1024];
	memset(large, 'x', sizeof(large));
	const struct signing_key k = {
	    .domain = STR("a.test"), .selector = {large, sizeof(large)}, .algorithm = STR("rsa")};

	ck_assert_ptr_nonnull(c);
	signing_key_cache_put(c, STR("a.test"), &now, &k, 1);
	ck_assert_str_eq(kept(c, "a.test", &now), "");
	keep(c, "a.test", &now);
	ck_assert_str_eq(kept(c, "a.test", &now), "a.test");
}
END_TEST

TEST_MAIN("signing_key_cache", each_change_is_seen_at_once, a_change_by_another_handle_is_seen,
    a_change_by_another_process_is_seen, what_is_kept_outlives_changes_of_other_things,
    only_what_was_read_at_this_stamp_is_given, domains_that_share_a_place_are_told_apart,
    rows_that_are_too_large_are_not_kept)
