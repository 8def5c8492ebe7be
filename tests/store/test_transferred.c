/* What copies and moves into another account bring there. */
#include "store/directory.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <pthread.h>

static int64_t
inbox_of(struct fixture *f, struct account *a)
{
	struct mailbox_info info;

	ck_assert_ok(mailbox_find(a, STR("INBOX"), f->arena, &info));
	return info.id;
}

static struct transfer
to_b(struct fixture *f, const struct uidset *uids, bool move)
{
	return (struct transfer){.from_account = f->a,
	    .to_account = f->b,
	    .from = f->inbox,
	    .to = inbox_of(f, f->b),
	    .uids = uids,
	    .from_viewer = account_id(f->b),
	    .actor = ACTOR_OWNER,
	    .move = move};
}

START_TEST(copies_into_another_account_are_messages_of_their_own)
{
	static const size_t sizes[] = {40, 3000, SPOOL_MEMORY + 1, 300000};
	struct fixture f;
	struct copied copied;
	struct str word = STR("word");
	struct flag_list flags = {FLAG_FLAGGED, &word, 1}, seen = {.system = FLAG_SEEN};

	fixture_open(&f);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
		deliver_one(&f, i, sizes[i]);
	struct uidset all = uids_of(&f, "1:9"), two = uids_of(&f, "2"), three = uids_of(&f, "3");
	ck_assert_ok(message_store_flags(f.a, f.inbox, &two, FLAGS_ADD, &flags, MODSEQ_ANY, NULL));
	ck_assert_ok(message_store_flags(f.a, f.inbox, &two, FLAGS_ADD, &seen, MODSEQ_ANY, NULL));
	ck_assert_ok(message_store_flags_as(f.a, f.inbox, &three, FLAGS_ADD, &seen, MODSEQ_ANY,
	    (struct actor){account_id(f.b), UINT64_MAX}, NULL));
	struct transfer x = to_b(&f, &all, false);
	ck_assert_ok(message_transfer(&x, f.arena, &copied));
	ck_assert_uint_eq(uidset_count(&copied.to), 4);

	CLEANUP(view_unref) struct view *v = NULL;
	ck_assert_ok(view_current(f.b, x.to, &v));
	ck_assert_uint_eq(view_count(v), 4);
	ck_assert_uint_eq(view_at(v, 2)->flags, FLAG_FLAGGED | view_keyword_bit(v, STR("word")));
	ck_assert_uint_eq(view_at(v, 3)->flags, FLAG_SEEN); /* as b has seen it */
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(mem_free) char *octets = make_message(i, sizes[i]);
		ck_assert_holds(f.b, view_at(v, i + 1)->message, octets, sizes[i]);
	}
	ck_assert_uint_eq(count_blobs(&f, f.b), 2);
	ck_assert_counters(f.b);
	/* they do without the source */
	ck_assert_ok(message_remove(f.a, f.inbox, &all));
	ck_assert_ok(account_clean(f.a));
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	CLEANUP(mem_free) char *last = make_message(3, sizes[3]);
	ck_assert_holds(f.b, view_at(v, 4)->message, last, sizes[3]);
	fixture_close(&f);
}
END_TEST

START_TEST(a_copy_over_the_targets_quota_copies_nothing)
{
	struct fixture f;
	struct copied copied;

	fixture_open(&f);
	deliver_one(&f, 1, 100);
	deliver_one(&f, 2, SPOOL_MEMORY + 1);
	ck_assert_ok(directory_set_quota(f.store, STR("b@example.test"), 1000, 0));
	struct uidset all = uids_of(&f, "1:2");
	struct transfer x = to_b(&f, &all, true);
	ck_assert_int_eq(message_transfer(&x, f.arena, &copied), ERR_OVER_QUOTA);
	ck_assert_uint_eq(count_blobs(&f, f.b), 0);
	ck_assert_counters(f.b);
	CLEANUP(view_unref) struct view *v = view_now(&f, f.inbox);
	ck_assert_uint_eq(view_count(v), 2);
	fixture_close(&f);
}
END_TEST

START_TEST(a_move_into_another_account_takes_out_what_it_brought_there)
{
	struct fixture f;
	struct copied copied;

	fixture_open(&f);
	for (unsigned i = 1; i <= 3; i++)
		deliver_one(&f, i, 50);
	struct uidset some = uids_of(&f, "1,3,7");
	struct transfer x = to_b(&f, &some, true);
	ck_assert_ok(message_transfer(&x, f.arena, &copied));
	ck_assert_uint_eq(uidset_count(&copied.from), 2);
	ck_assert_str_eq(listing(&f, f.inbox), "2");
	x.count = 2;
	ck_assert_int_eq(message_transfer(&x, f.arena, &copied), ERR_STALE);
	ck_assert_counters(f.a);
	ck_assert_counters(f.b);
	fixture_close(&f);
}
END_TEST

struct mover {
	struct account *from, *to;
	int64_t from_box, to_box;
	unsigned rounds;
	enum err failed;
};

static void *
move_all(void *arg)
{
	struct mover *m = arg;
	struct uid_range range = {1, UINT32_MAX};
	const struct uidset all = {.r = &range, .n = 1};
	struct transfer x = {.from_account = m->from,
	    .to_account = m->to,
	    .from = m->from_box,
	    .to = m->to_box,
	    .uids = &all,
	    .actor = ACTOR_OWNER,
	    .move = true};

	for (unsigned i = 0; i < m->rounds; i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		struct copied copied;
		enum err e = message_transfer(&x, arena, &copied);
		if (e && e != ERR_STALE) /* a file may have gone in between */
			m->failed = e;
	}
	return NULL;
}

START_TEST(two_that_move_to_each_other_neither_wait_for_ever_nor_lose_or_double_mail)
{
	struct fixture f;
	pthread_t threads[4];

	fixture_open(&f);
	int64_t b_inbox = inbox_of(&f, f.b);
	for (unsigned i = 0; i < 6; i++)
		deliver_one(&f, i, i % 2 ? 100 : SPOOL_MEMORY + 1);
	struct mover movers[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		movers[i] = i % 2 ? (struct mover){f.a, f.b, f.inbox, b_inbox, 8, ERR_OK}
				  : (struct mover){f.b, f.a, b_inbox, f.inbox, 8, ERR_OK};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, move_all, &movers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], NULL);
		ck_assert_ok(movers[i].failed);
	}
	CLEANUP(view_unref) struct view *a = NULL;
	CLEANUP(view_unref) struct view *b = NULL;
	ck_assert_ok(view_current(f.a, f.inbox, &a));
	ck_assert_ok(view_current(f.b, b_inbox, &b));
	ck_assert_uint_eq(view_count(a) + view_count(b), 6);
	ck_assert_counters(f.a);
	ck_assert_counters(f.b);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("transferred", copies_into_another_account_are_messages_of_their_own,
    a_copy_over_the_targets_quota_copies_nothing,
    a_move_into_another_account_takes_out_what_it_brought_there,
    two_that_move_to_each_other_neither_wait_for_ever_nor_lose_or_double_mail)
