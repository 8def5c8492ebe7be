/* Lists of rights (RFC 4314), whom they mean, and what each viewer of a shared mailbox has seen. */
#include "store/acl_private.h"
#include "store/directory.h"
#include "store/share.h"
#include "store/view_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdlib.h>

static struct acl_who
who(struct fixture *f, const char *identifier, struct str *ret_name)
{
	struct acl_who w = {0};

	ck_assert_ok(acl_identify(f->store, str_of(identifier), f->arena, &w, ret_name));
	return w;
}

static void
change(
    struct fixture *f, int64_t mailbox, const char *identifier, enum acl_op op, const char *letters)
{
	struct str name;
	unsigned rights = 0;
	struct acl_who w = who(f, identifier, &name);

	ck_assert_ok(acl_parse_rights(str_of(letters), &rights));
	ck_assert_ok(acl_change(f->a, mailbox, w, name, op, rights));
}

static const char *
letters_of(struct fixture *f, int64_t mailbox, int64_t viewer)
{
	char out[ACL_LETTERS_MAX];
	unsigned rights = 0;

	ck_assert_ok(acl_rights(f->a, mailbox, viewer, &rights));
	return arena_cstr(f->arena, acl_print_rights(rights, out));
}

static int64_t
add(struct fixture *f, const char *address)
{
	struct credential none = {0};
	int64_t id = 0;

	ck_assert_ok(directory_add_account(f->store, str_of(address), &none, &id));
	return id;
}

START_TEST(rights_are_letters_with_the_obsolete_ones)
{
	static const struct {
		const char *given, *printed; /* RFC 4314 §2.1.1 */
	} rows[] = {
	    {"", ""},
	    {"lr", "lr"},
	    {"rl", "lr"},
	    {"c", "kxc"},
	    {"d", "ted"},
	    {"k", "kc"},
	    {"x", "xc"},
	    {"t", "td"},
	    {"e", "ed"},
	    {"lrswida", "lrswitead"},
	    {"lrswipkxteacd", "lrswipkxteacd"},
	};
	char out[ACL_LETTERS_MAX];
	unsigned rights;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_ok(acl_parse_rights(str_of(rows[i].given), &rights));
		ck_assert_str_is(acl_print_rights(rights, out), rows[i].printed);
	}
	ck_assert_int_eq(acl_parse_rights(STR("lq"), &rights), ERR_SYNTAX);
	ck_assert_int_eq(acl_parse_rights(STR("L"), &rights), ERR_SYNTAX);
	ck_assert_int_eq(acl_parse_rights(STR("l0"), &rights), ERR_SYNTAX);
}
END_TEST

START_TEST(rights_add_up_and_negative_ones_take_away)
{
	struct fixture f;

	fixture_open(&f);
	int64_t b = account_id(f.b), c = add(&f, "c@example.test");
	ck_assert_str_eq(letters_of(&f, f.inbox, account_id(f.a)), "lrswipkxteacd");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "");
	change(&f, f.inbox, "anyone", ACL_SET, "l");
	change(&f, f.inbox, "B@EXAMPLE.test", ACL_SET, "rs");
	change(&f, f.inbox, "authenticated", ACL_SET, "i");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "lrsi");
	ck_assert_str_eq(letters_of(&f, f.inbox, c), "li");
	change(&f, f.inbox, "-b@example.test", ACL_SET, "li");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "rs");
	change(&f, f.inbox, "b", ACL_ADD, "w");
	change(&f, f.inbox, "b", ACL_REMOVE, "s");
	ck_assert_str_eq(letters_of(&f, f.inbox, b), "rw");
	ck_assert_str_eq(letters_of(&f, f.archive, b), "");

	struct acl_of_mailbox *all;
	size_t n;
	ck_assert_ok(acl_rights_everywhere(f.a, b, f.arena, &all, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(all[0].mailbox, f.inbox);
	ck_assert_uint_eq(all[0].rights, RIGHT_READ | RIGHT_WRITE);

	struct acl_entry *list;
	ck_assert_ok(acl_list(f.a, f.inbox, f.arena, &list, &n));
	ck_assert_uint_eq(n, 4);
	ck_assert_str_is(list[2].identifier, "b@example.test");
	ck_assert_str_is(list[3].identifier, "-b@example.test");
	fixture_close(&f);
}
END_TEST

START_TEST(an_identifier_means_an_account_or_everybody)
{
	struct fixture f;
	struct acl_who w;
	struct str name;

	fixture_open(&f);
	ck_assert_int_eq(acl_identify(f.store, STR("nobody"), f.arena, &w, &name), ERR_NO_USER);
	ck_assert_int_eq(acl_identify(f.store, STR("x@y"), f.arena, &w, &name), ERR_NO_USER);
	ck_assert_int_eq(acl_identify(f.store, STR(""), f.arena, &w, &name), ERR_SYNTAX);
	ck_assert_int_eq(acl_identify(f.store, STR("-\xff"), f.arena, &w, &name), ERR_SYNTAX);
	w = who(&f, "-anyone", &name);
	ck_assert(w.negative && w.account == ACL_ANYONE);
	w = who(&f, "a", &name);
	ck_assert_int_eq(w.account, account_id(f.a));
	ck_assert_int_eq(acl_change(f.a, f.inbox, w, name, ACL_SET, 0), ERR_CANNOT);
	w = who(&f, "b", &name);
	ck_assert_int_eq(acl_change(f.a, 9999, w, name, ACL_SET, RIGHT_READ), ERR_GONE);
	fixture_close(&f);
}
END_TEST

static size_t
owners_for(struct fixture *f, int64_t viewer)
{
	struct share_owner *owners;
	size_t n;

	ck_assert_ok(share_owners(f->store, viewer, f->arena, &owners, &n));
	return n;
}

START_TEST(the_directory_knows_who_shares_with_whom)
{
	struct fixture f;
	bool has;

	fixture_open(&f);
	int64_t a = account_id(f.a), b = account_id(f.b), c = add(&f, "c@example.test");
	ck_assert_uint_eq(owners_for(&f, b), 0);
	change(&f, f.inbox, "b", ACL_SET, "lr");
	ck_assert_uint_eq(owners_for(&f, b), 1);
	ck_assert_uint_eq(owners_for(&f, c), 0);
	change(&f, f.archive, "anyone", ACL_SET, "lr");
	ck_assert_uint_eq(owners_for(&f, c), 1);
	ck_assert_uint_eq(owners_for(&f, a), 0); /* with himself nobody shares */
	change(&f, f.archive, "anyone", ACL_SET, "");
	change(&f, f.inbox, "b", ACL_REMOVE, "lr");
	ck_assert_uint_eq(owners_for(&f, b), 0);
	ck_assert_ok(share_has(f.store, a, b, &has));
	ck_assert(!has);
	fixture_close(&f);
}
END_TEST

START_TEST(a_change_of_rights_writes_to_the_directory_once_at_most)
{
	static const struct {
		const char *who;
		enum acl_op op;
		const char *rights;
		unsigned commits;
	} rows[] = {
	    {"b", ACL_SET, "lr", 1},
	    {"b", ACL_SET, "lrs", 0},
	    {"b", ACL_ADD, "w", 0},
	    {"-b", ACL_SET, "w", 0},
	    {"b", ACL_REMOVE, "w", 0},
	    {"b", ACL_SET, "", 1},
	    {"anyone", ACL_SET, "l", 1},
	};
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = f.store->directory.commits;
		change(&f, f.inbox, rows[i].who, rows[i].op, rows[i].rights);
		ck_assert_uint_eq(f.store->directory.commits - before, rows[i].commits);
	}
	fixture_close(&f);
}
END_TEST

static enum err
forget_shares(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "DELETE FROM share");
}

START_TEST(a_crash_between_the_two_databases_heals)
{
	struct fixture f;

	fixture_open(&f);
	int64_t b = account_id(f.b);
	change(&f, f.inbox, "b", ACL_SET, "lr");
	ck_assert_ok(database_write(&f.store->directory, forget_shares, NULL, DURABLE_NOW));
	ck_assert_uint_eq(owners_for(&f, b), 0);
	share_mend(f.a); /* as the account's first use in a process does */
	ck_assert_uint_eq(owners_for(&f, b), 1);
	ck_assert_ok(share_announce(f.b, account_id(f.a))); /* and then nothing */
	ck_assert_uint_eq(owners_for(&f, account_id(f.a)), 1);
	share_mend(f.b);
	ck_assert_uint_eq(owners_for(&f, account_id(f.a)), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_new_mailbox_inherits_and_a_deleted_one_takes_its_list_along)
{
	struct fixture f;
	int64_t sub, other;
	struct acl_entry *list;
	size_t n;

	fixture_open(&f);
	int64_t b = account_id(f.b);
	change(&f, f.archive, "b", ACL_SET, "lrk");
	ck_assert_ok(mailbox_create(f.a, STR("Archive/x/y"), STR(""), &sub));
	ck_assert_str_eq(letters_of(&f, sub, b), "lrkc"); /* RFC 4314 §4, CREATE */
	ck_assert_ok(mailbox_create(f.a, STR("Other"), STR(""), &other));
	ck_assert_str_eq(letters_of(&f, other, b), "");
	ck_assert_ok(mailbox_rename(f.a, STR("Archive/x/y"), STR("Moved")));
	ck_assert_str_eq(letters_of(&f, sub, b), "lrkc"); /* RENAME */
	ck_assert_ok(mailbox_delete(f.a, STR("Moved")));
	ck_assert_str_eq(letters_of(&f, sub, b), ""); /* DELETE */
	ck_assert_int_eq(acl_list(f.a, sub, f.arena, &list, &n), ERR_GONE);
	ck_assert_uint_eq(owners_for(&f, b), 1);
	ck_assert_ok(mailbox_delete(f.a, STR("Archive/x")));
	ck_assert_ok(mailbox_delete(f.a, STR("Archive")));
	ck_assert_uint_eq(owners_for(&f, b), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(who_is_made_anew_inherits_nothing)
{
	struct fixture f;
	struct acl_entry *list;
	size_t n;

	fixture_open(&f);
	add(&f, "c@example.test");
	change(&f, f.inbox, "c", ACL_SET, "lr");
	ck_assert_ok(directory_remove_account(f.store, STR("c@example.test")));
	int64_t c = add(&f, "c@example.test");
	ck_assert_str_eq(letters_of(&f, f.inbox, c), "");
	ck_assert_uint_eq(owners_for(&f, c), 0);
	ck_assert_ok(acl_list(f.a, f.inbox, f.arena, &list, &n));
	ck_assert_uint_eq(n, 0);
	fixture_close(&f);
}
END_TEST

/* -- \Seen of each */

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

/* -- into another account */

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
};

static void *
move_all(void *arg)
{
	const struct mover *m = arg;
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
		if (message_transfer(&x, arena, &copied))
			return arg;
	}
	return NULL;
}

START_TEST(two_that_move_to_each_other_neither_wait_for_ever_nor_lose_or_double_mail)
{
	struct fixture f;
	pthread_t threads[4];
	void *failed = NULL, *some = NULL;

	fixture_open(&f);
	int64_t b_inbox = inbox_of(&f, f.b);
	for (unsigned i = 0; i < 6; i++)
		deliver_one(&f, i, i % 2 ? 100 : SPOOL_MEMORY + 1);
	struct mover there = {f.a, f.b, f.inbox, b_inbox, 8};
	struct mover back = {f.b, f.a, b_inbox, f.inbox, 8};
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, move_all, i % 2 ? &there : &back), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &some);
		failed = failed ? failed : some;
	}
	/* ERR_STALE is no failure of these: a file may have gone in between */
	(void)failed;
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

TEST_MAIN("acl", rights_are_letters_with_the_obsolete_ones,
    rights_add_up_and_negative_ones_take_away, an_identifier_means_an_account_or_everybody,
    the_directory_knows_who_shares_with_whom,
    a_change_of_rights_writes_to_the_directory_once_at_most,
    a_crash_between_the_two_databases_heals,
    a_new_mailbox_inherits_and_a_deleted_one_takes_its_list_along,
    who_is_made_anew_inherits_nothing, each_viewer_has_a_seen_flag_of_his_own,
    what_one_has_seen_is_nobody_elses_news, what_is_seen_goes_with_an_inbox_that_is_renamed,
    recent_is_each_viewers_own, copies_into_another_account_are_messages_of_their_own,
    a_copy_over_the_targets_quota_copies_nothing,
    a_move_into_another_account_takes_out_what_it_brought_there,
    two_that_move_to_each_other_neither_wait_for_ever_nor_lose_or_double_mail,
    within_an_account_marks_go_with_a_copy)
