/* What each viewer of a shared mailbox has seen. */
#include "store/acl.h"
#include "store/view_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define VIEWERS 3
#define UIDS_MAX 700

struct model {
	uint32_t uidnext;
	bool there[UIDS_MAX];
	uint64_t flags[UIDS_MAX]; /* the owner's */
	bool seen[VIEWERS][UIDS_MAX];
	struct view *told[VIEWERS];
};

static void
ck_assert_is_seen(struct fixture *f, struct model *m, size_t v)
{
	CLEANUP(view_unref) struct view *now = NULL;
	CLEANUP(view_unref) struct view *fresh = NULL;
	struct view_iter it;
	const struct view_entry *e;

	ck_assert_ok(view_current_as(f->a, f->inbox, 100 + (int64_t)v, &now));
	ck_assert_ok(view_catch_up(f->a, f->inbox, 100 + (int64_t)v, &fresh));
	ck_assert_uint_eq(view_count(now), view_count(fresh));
	ck_assert_uint_eq(view_modseq(now), view_modseq(fresh));
	it = view_iter_at(now, 1);
	uint32_t wrong = 0; /* one assertion for all: each costs a system call */
	for (uint32_t uid = 1; uid < m->uidnext; uid++) {
		if (!m->there[uid])
			continue;
		uint64_t want = (m->flags[uid] & ~FLAG_SEEN) | (m->seen[v][uid] ? FLAG_SEEN : 0);
		const struct view_entry *same = view_at(fresh, it.seq + 1);
		e = view_next(&it);
		if (!e || e->uid != uid || e->flags != want || e->modseq > view_modseq(now) ||
		    memcmp(e, same, sizeof(*e)) != 0)
			wrong = uid;
	}
	ck_assert_ptr_null(view_next(&it));
	/* whatever is different from what was told has a higher MODSEQ (RFC 7162 §3.1) */
	for (uint32_t seq = 1; m->told[v] && seq <= view_count(m->told[v]); seq++) {
		const struct view_entry *was = view_at(m->told[v], seq);
		e = view_at(now, view_seq_of(now, was->uid));
		if (e && e->flags != was->flags && e->modseq <= view_modseq(m->told[v]))
			wrong = e->uid;
	}
	ck_assert_uint_eq(wrong, 0);
	view_unref(&m->told[v]);
	m->told[v] = MOVE_PTR(now);
}

static void
store_random(struct fixture *f, struct model *m)
{
	uint32_t lo = 1 + (uint32_t)rand() % m->uidnext, hi = lo + (uint32_t)rand() % 60;
	size_t v = (size_t)rand() % (VIEWERS + 1);
	uint64_t bits = (uint64_t)rand() % 32, may = rand() % 3 ? UINT64_MAX : (uint64_t)rand();
	enum flags_op op = (enum flags_op)(rand() % 3);
	struct flag_list list = {.system = bits};
	struct uidset uids;

	uidset_init(&uids, f->arena);
	ck_assert_ok(uidset_add(&uids, lo, hi));
	struct actor actor = {v < VIEWERS ? 100 + (int64_t)v : VIEWER_OWNER, may};
	ck_assert_ok(
	    message_store_flags_as(f->a, f->inbox, &uids, op, &list, MODSEQ_ANY, actor, NULL));
	for (uint32_t uid = lo; uid <= hi && uid < m->uidnext; uid++) {
		uint64_t was = m->flags[uid];
		if (v < VIEWERS)
			was = (was & ~FLAG_SEEN) | (m->seen[v][uid] ? FLAG_SEEN : 0);
		uint64_t after = op == FLAGS_ADD      ? was | bits
				 : op == FLAGS_REMOVE ? was & ~bits
						      : bits;
		after = (after & may) | (was & ~may);
		if (v < VIEWERS) {
			m->seen[v][uid] = after & FLAG_SEEN;
			after = (after & ~FLAG_SEEN) | (m->flags[uid] & FLAG_SEEN);
		}
		m->flags[uid] = after;
	}
}

static void
expunge_random(struct fixture *f, struct model *m)
{
	struct uidset uids;

	uidset_init(&uids, f->arena);
	for (int i = 0; i < 5; i++) {
		uint32_t uid = 1 + (uint32_t)rand() % m->uidnext;
		ck_assert_ok(uidset_add(&uids, uid, uid));
		m->there[uid] = false;
	}
	uidset_normalise(&uids);
	ck_assert_ok(message_remove(f->a, f->inbox, &uids));
}

/* \\Seen of what is appended is the owner's, as is that of what he has seen elsewhere. */
static void
append_many(struct fixture *f, struct model *m, size_t n)
{
	CLEANUP(mem_free) struct append *items = calloc(n, sizeof(*items));
	uint32_t uidvalidity;

	for (size_t i = 0; i < n; i++) {
		items[i] = append_of(f, "X: y\r\n\r\nz", 10, i % 2 ? FLAG_SEEN : 0);
		m->flags[m->uidnext] = i % 2 ? FLAG_SEEN : 0;
		m->there[m->uidnext++] = true;
	}
	ck_assert_ok(message_append(f->a, f->inbox, items, n, &uidvalidity));
	for (size_t i = 0; i < n; i++)
		spool_free(&items[i].spool);
}

START_TEST(each_viewer_has_a_seen_flag_of_his_own)
{
	for (unsigned seed = 0; seed < 2; seed++) {
		struct fixture f;
		static struct model m;

		srand(seed);
		fixture_open(&f);
		m = (struct model){.uidnext = 1};
		append_many(&f, &m, 400 + 100 * seed);
		for (int step = 0; step < 80; step++) {
			int dice = rand() % 10;
			if (dice < 7)
				store_random(&f, &m);
			else if (dice < 8)
				expunge_random(&f, &m);
			else if (m.uidnext < UIDS_MAX)
				append_many(&f, &m, 1);
			ck_assert_is_seen(&f, &m, (size_t)rand() % VIEWERS);
		}
		for (size_t v = 0; v < VIEWERS; v++) {
			ck_assert_is_seen(&f, &m, v);
			view_unref(&m.told[v]);
		}
		ck_assert_counters(f.a);
		fixture_close(&f);
	}
}
END_TEST

START_TEST(what_one_has_seen_is_nobody_elses_news)
{
	struct fixture f;
	struct flag_list seen = {.system = FLAG_SEEN};

	fixture_open(&f);
	deliver_one(&f, 1, 30);
	struct uidset one = uids_of(&f, "1");
	CLEANUP(view_unref) struct view *before = NULL;
	CLEANUP(view_unref) struct view *after = NULL;
	CLEANUP(view_unref) struct view *own = NULL;
	struct actor viewer = {account_id(f.b), UINT64_MAX};
	ck_assert_ok(view_current(f.a, f.inbox, &before));
	ck_assert_ok(
	    message_store_flags_as(f.a, f.inbox, &one, FLAGS_ADD, &seen, MODSEQ_ANY, viewer, NULL));
	ck_assert_ok(view_current(f.a, f.inbox, &after));
	ck_assert_uint_eq(view_modseq(after), view_modseq(before));
	ck_assert_uint_eq(view_at(after, 1)->flags, 0);
	ck_assert_ok(view_current_as(f.a, f.inbox, account_id(f.b), &own));
	ck_assert_uint_eq(view_at(own, 1)->flags, FLAG_SEEN);
	ck_assert_uint_gt(view_modseq(own), view_modseq(before));

	/* UNCHANGEDSINCE looks at the viewer's own MODSEQs (RFC 7162 §3.1.3) */
	struct uidset modified;
	uidset_init(&modified, f.arena);
	ck_assert_ok(message_store_flags_as(
	    f.a, f.inbox, &one, FLAGS_REMOVE, &seen, view_modseq(before), viewer, &modified));
	ck_assert_uint_eq(modified.n, 1);
	fixture_close(&f);
}
END_TEST

static bool
has_seen(struct fixture *f, int64_t mailbox, uint32_t uid, int64_t viewer)
{
	CLEANUP(view_unref) struct view *v = NULL;

	ck_assert_ok(view_current_as(f->a, mailbox, viewer, &v));
	const struct view_entry *e = view_at(v, view_seq_of(v, uid));
	ck_assert_ptr_nonnull(e);
	return e->flags & FLAG_SEEN;
}

START_TEST(what_is_seen_goes_with_an_inbox_that_is_renamed)
{
	struct fixture f;
	struct flag_list seen = {.system = FLAG_SEEN};
	struct mailbox_info info;

	fixture_open(&f);
	for (unsigned i = 1; i <= 3; i++)
		deliver_one(&f, i, 30);
	struct uidset two = uids_of(&f, "2");
	struct actor viewer = {account_id(f.b), UINT64_MAX};
	ck_assert_ok(
	    message_store_flags_as(f.a, f.inbox, &two, FLAGS_ADD, &seen, MODSEQ_ANY, viewer, NULL));
	ck_assert_ok(mailbox_rename(f.a, STR("INBOX"), STR("Old")));
	ck_assert_ok(mailbox_find(f.a, STR("Old"), f.arena, &info));
	ck_assert(has_seen(&f, info.id, 2, viewer.viewer));
	ck_assert(!has_seen(&f, info.id, 3, viewer.viewer));
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

START_TEST(recent_is_each_viewers_own)
{
	struct fixture f;
	uint32_t first;

	fixture_open(&f);
	int64_t b = account_id(f.b);
	deliver_one(&f, 1, 30);
	ck_assert_ok(mailbox_claim_recent_as(f.a, f.inbox, b, true, &first));
	ck_assert_uint_eq(first, 2); /* what was there when he came is nothing new */
	deliver_one(&f, 2, 30);
	ck_assert_ok(mailbox_claim_recent_as(f.a, f.inbox, b, true, &first));
	ck_assert_uint_eq(first, 2);
	ck_assert_ok(mailbox_claim_recent_as(f.a, f.inbox, b, true, &first));
	ck_assert_uint_eq(first, 3);
	ck_assert_ok(mailbox_claim_recent(f.a, f.inbox, true, &first));
	ck_assert_uint_eq(first, 1);
	fixture_close(&f);
}
END_TEST

START_TEST(within_an_account_marks_go_with_a_copy)
{
	struct fixture f;
	struct copied copied;
	struct flag_list seen = {.system = FLAG_SEEN};
	int64_t c = 77;

	fixture_open(&f);
	int64_t b = account_id(f.b);
	deliver_one(&f, 1, 50);
	struct uidset one = uids_of(&f, "1");
	for (int i = 0; i < 2; i++)
		ck_assert_ok(message_store_flags_as(f.a, f.inbox, &one, FLAGS_ADD, &seen,
		    MODSEQ_ANY, (struct actor){i ? b : c, UINT64_MAX}, NULL));
	/* b, who may not set \Seen there, copies: his own mark stays away, c's goes along */
	struct transfer x = {.from_account = f.a,
	    .to_account = f.a,
	    .from = f.inbox,
	    .to = f.archive,
	    .uids = &one,
	    .from_viewer = b,
	    .actor = {b, ~FLAG_SEEN}};
	ck_assert_ok(message_transfer(&x, f.arena, &copied));
	ck_assert(!has_seen(&f, f.archive, 1, b));
	ck_assert(has_seen(&f, f.archive, 1, c));
	ck_assert(!has_seen(&f, f.archive, 1, VIEWER_OWNER));
	x.actor.may = UINT64_MAX;
	x.move = true;
	ck_assert_ok(message_transfer(&x, f.arena, &copied));
	ck_assert(has_seen(&f, f.archive, 2, b));
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("seen", each_viewer_has_a_seen_flag_of_his_own, what_one_has_seen_is_nobody_elses_news,
    what_is_seen_goes_with_an_inbox_that_is_renamed, recent_is_each_viewers_own,
    within_an_account_marks_go_with_a_copy)
