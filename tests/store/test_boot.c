/* What a power loss takes back is not given out again: store/boot.h. The database of the crash is a
 * copy from before what only this process and its clients have seen. */
#include "tests/store/fixture.h"

#include "store/account_private.h"
#include "store/boot.h"
#include "store/expunged.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
copy_data(const struct fixture *f, const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "cp -a %s/data %s/%s", f->dir, f->dir, to);
	ck_assert_int_eq(system(command), 0);
}

/* A copy as a store that some boot of the machine finds. */
static struct store *
open_copy(const struct fixture *f, const char *copy, const char *boot, struct account **ret)
{
	struct store *s;
	char data[300];

	snprintf(data, sizeof(data), "%s/%s", f->dir, copy);
	const struct store_options options = {.data_dir = data, .process = "late"};
	ck_assert_ok(store_open(&options, &s));
	snprintf(s->boot, sizeof(s->boot), "%s", boot);
	ck_assert_ok(account_open(s, account_id(f->a), ret));
	return s;
}

static uint32_t
append_to(struct fixture *f, struct store *s, struct account *a, int64_t mailbox)
{
	CLEANUP(mem_free) char *octets = make_message(7, 100);
	struct fixture there = {.store = s};
	struct append item = append_of(&there, octets, 100, 0);
	uint32_t validity;

	(void)f;
	ck_assert_ok(message_append(a, mailbox, &item, 1, &validity));
	spool_free(&item.spool);
	return item.ret_uid;
}

static uint64_t
known(struct account *a, uint64_t since)
{
	uint64_t ret;

	ck_assert_ok(modseq_known(a, since, &ret));
	return ret;
}

/* The UIDs that somebody who knew `since` has to forget, as "1:3,7". */
static const char *
gone_since(struct fixture *f, struct account *a, uint64_t since)
{
	struct expunged x;
	CLEANUP(view_unref) struct view *v = NULL;
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(10000);
	bool done = false;

	ck_assert_ok(view_current(a, f->inbox, &v));
	expunged_init(&x, v, since, NULL, f->arena);
	while (!done)
		ck_assert_ok(expunged_step(a, &x, &done));
	uidset_print(&x.gone, &text);
	sbuf_putc(&text, '\0');
	return arena_dup(f->arena, sbuf_view(&text)).p;
}

START_TEST(what_a_power_loss_took_is_not_given_out_again)
{
	struct fixture f;
	struct account *a = NULL;

	fixture_open(&f);
	ck_assert_uint_eq(deliver_one(&f, 1, 100), 1);
	CLEANUP(view_unref) struct view *saved = view_now(&f, f.inbox);
	copy_data(&f, "crash");
	/* seen by clients, and lost */
	ck_assert_uint_eq(deliver_one(&f, 2, 100), 2);
	CLEANUP(view_unref) struct view *lost = view_now(&f, f.inbox);

	struct store *s = open_copy(&f, "crash", "another boot", &a);
	ck_assert_uint_eq(
	    known(a, view_modseq(lost)), view_modseq(lost)); /* nothing is written yet */
	ck_assert_uint_eq(append_to(&f, s, a, f.inbox), 2 + BOOT_UIDS);
	CLEANUP(view_unref) struct view *now = NULL;
	ck_assert_ok(view_current(a, f.inbox, &now));
	ck_assert_uint_gt(view_modseq(now), view_modseq(saved) + BOOT_MODSEQS);
	/* who knew what was lost is told of all, and that 2 is not there */
	ck_assert_uint_eq(known(a, view_modseq(lost)), 0);
	ck_assert_str_eq(gone_since(&f, a, view_modseq(lost)), "2:250001");
	/* who knew less, and who knows more, loses nothing */
	ck_assert_uint_eq(known(a, view_modseq(saved)), view_modseq(saved));
	ck_assert_str_eq(gone_since(&f, a, view_modseq(saved)), "");
	ck_assert_uint_eq(known(a, view_modseq(now)), view_modseq(now));
	/* once for each boot */
	ck_assert_uint_eq(append_to(&f, s, a, f.inbox), 3 + BOOT_UIDS);
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(10000);
	ck_assert_ok(account_check(a, &report));
	account_unref(&a);
	store_close(&s);
	s = open_copy(&f, "crash", "another boot", &a);
	ck_assert_uint_eq(append_to(&f, s, a, f.inbox), 4 + BOOT_UIDS);
	account_unref(&a);
	store_close(&s);
	s = open_copy(&f, "crash", "a third", &a);
	ck_assert_uint_eq(append_to(&f, s, a, f.inbox), 5 + 2 * BOOT_UIDS);
	account_unref(&a);
	store_close(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(what_the_first_message_of_an_account_got_is_not_given_out_again)
{
	struct fixture f;
	struct account *a = NULL;

	fixture_open(&f);
	copy_data(&f, "crash");
	ck_assert_uint_eq(deliver_one(&f, 1, 100), 1); /* seen by clients, and lost */
	struct store *s = open_copy(&f, "crash", "another boot", &a);
	ck_assert_uint_eq(append_to(&f, s, a, f.inbox), 1 + BOOT_UIDS);
	account_unref(&a);
	store_close(&s);
	fixture_close(&f);
}
END_TEST

/* Whoever comes back and only reads is told as well, also where the mailbox was in memory before.
 */
START_TEST(who_only_reads_is_told_what_a_power_loss_took)
{
	struct fixture f;
	struct account *a = NULL;

	fixture_open(&f);
	ck_assert_uint_eq(deliver_one(&f, 1, 100), 1);
	copy_data(&f, "crash");
	ck_assert_uint_eq(deliver_one(&f, 2, 100), 2);
	CLEANUP(view_unref) struct view *lost = view_now(&f, f.inbox);
	struct store *s = open_copy(&f, "crash", "another boot", &a);
	CLEANUP(view_unref) struct view *before = NULL;
	ck_assert_ok(view_current(a, f.inbox, &before));
	ck_assert_uint_eq(view_uidnext(before), 2);
	ck_assert_ok(account_settle(a));
	CLEANUP(view_unref) struct view *now = NULL;
	ck_assert_ok(view_current(a, f.inbox, &now));
	ck_assert_uint_eq(view_uidnext(now), 2 + BOOT_UIDS);
	ck_assert_str_eq(gone_since(&f, a, view_modseq(lost)), "2:250001");
	account_unref(&a);
	store_close(&s);
	fixture_close(&f);
}
END_TEST

static enum err
use_up_uids(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "UPDATE mailbox SET uidnext = 4294900000");
}

START_TEST(uids_that_run_out_are_not_skipped)
{
	struct fixture f;
	struct account *a = NULL;

	fixture_open(&f);
	ck_assert_ok(account_write(f.a, use_up_uids, NULL, DURABLE_NOW));
	copy_data(&f, "crash");
	struct store *s = open_copy(&f, "crash", "another boot", &a);
	ck_assert_uint_eq(append_to(&f, s, a, f.inbox), 4294900000);
	account_unref(&a);
	store_close(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(the_machine_tells_its_boot)
{
	char one[BOOT_ROOM], two[BOOT_ROOM];

	boot_read(one);
	boot_read(two);
	ck_assert_str_eq(one, two);
	ck_assert_uint_ge(strlen(one), 7);
}
END_TEST

TEST_MAIN("boot", what_a_power_loss_took_is_not_given_out_again,
    what_the_first_message_of_an_account_got_is_not_given_out_again,
    who_only_reads_is_told_what_a_power_loss_took, uids_that_run_out_are_not_skipped,
    the_machine_tells_its_boot)
