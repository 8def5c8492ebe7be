/* Snapshots against a plain array: built, changed, told and patched at random. */
#include "store/view_private.h"
#include "tests/support/test.h"

#include <malloc.h>

#define MODEL_MAX 8000

/* The plain model of a mailbox. */
struct model {
	struct view_entry e[MODEL_MAX];
	uint32_t n;
	uint32_t uidnext;
	uint64_t modseq;
};

static struct view_meta
meta_of(const struct model *m)
{
	return (struct view_meta){
	    .mailbox = 7, .modseq = m->modseq, .uidvalidity = 99, .uidnext = m->uidnext};
}

static struct view *
view_of(const struct model *m)
{
	struct view_builder b;
	struct view *v = NULL;
	struct view_meta meta = meta_of(m);

	view_builder_init(&b);
	for (uint32_t i = 0; i < m->n; i++)
		view_builder_put(&b, &m->e[i]);
	ck_assert_ok(view_builder_finish(&b, &meta, NULL, &v));
	return v;
}

static void
ck_assert_is_model(const struct view *v, const struct model *m)
{
	ck_assert_uint_eq(view_count(v), m->n);
	ck_assert_ptr_null(view_at(v, 0));
	ck_assert_ptr_null(view_at(v, m->n + 1));
	struct view_iter it = view_iter_at(v, 1);
	for (uint32_t seq = 1; seq <= m->n; seq++) {
		const struct view_entry *want = &m->e[seq - 1];
		const struct view_entry *got = view_next(&it);
		ck_assert_ptr_nonnull(got);
		ck_assert_uint_eq(it.seq, seq);
		ck_assert_ptr_eq(got, view_at(v, seq));
		ck_assert_int_eq(memcmp(got, want, sizeof(*got)), 0);
		ck_assert_uint_eq(view_seq_of(v, want->uid), seq);
		uint32_t before = seq > 1 ? m->e[seq - 2].uid : 0;
		ck_assert_uint_eq(view_seq_from(v, before + 1), seq);
		if (before + 1 != want->uid)
			ck_assert_uint_eq(view_seq_of(v, before + 1), 0);
	}
	ck_assert_ptr_null(view_next(&it));
	ck_assert_uint_eq(view_seq_from(v, UINT32_MAX), m->n + 1);
}

/* Random changes to the model and the same to the snapshot. */
static void
change(struct model *m, struct view **v)
{
	static struct view_entry puts[MODEL_MAX];
	static uint32_t gone[MODEL_MAX];
	size_t n_puts = 0, n_gone = 0;
	uint32_t out = 0;
	int thin = rand() % 4 ? 200 : 2; /* now and then most entries go or change */
	int alter = rand() % 4 ? 300 : 3;

	m->modseq++;
	for (uint32_t i = 0; i < m->n; i++) {
		struct view_entry e = m->e[i];
		if (rand() % thin == 0) {
			gone[n_gone++] = e.uid;
			continue;
		}
		if (rand() % alter == 0) {
			e.flags = (uint64_t)rand() % 32;
			e.modseq = m->modseq;
			puts[n_puts++] = e;
		}
		m->e[out++] = e;
	}
	m->n = out;
	if (rand() % 3 == 0)
		gone[n_gone++] = m->uidnext++; /* came and went unseen */
	int added = rand() % 5 ? rand() % 3 : rand() % 1500;
	while (added-- > 0 && m->n < MODEL_MAX) {
		struct view_entry e;
		memset(&e, 0, sizeof(e)); /* compared with memcmp */
		e.uid = m->uidnext;
		e.message = 1000 + m->uidnext;
		e.modseq = m->modseq;
		m->uidnext += 1 + (uint32_t)rand() % 3;
		puts[n_puts++] = e;
		m->e[m->n++] = e;
	}
	struct view_meta meta = meta_of(m);
	struct view *next = NULL;
	ck_assert_ok(view_apply(*v, &meta, (*v)->keywords, puts, n_puts, gone, n_gone, &next));
	view_unref(v);
	*v = next;
}

START_TEST(random_changes_give_what_an_array_gives)
{
	static struct model m;

	for (unsigned round = 0; round < 4; round++) {
		srand(round);
		m = (struct model){.uidnext = 1};
		CLEANUP(view_unref) struct view *v = view_of(&m);
		for (int step = 0; step < 80; step++) {
			change(&m, &v);
			if (step % 10 == 0)
				ck_assert_is_model(v, &m);
		}
		ck_assert_is_model(v, &m);
		CLEANUP(view_unref) struct view *fresh = view_of(&m);
		ck_assert_is_model(fresh, &m);
		/* neighbours were merged: never many more chunks than needed */
		ck_assert_uint_le(v->chunks, 2 * m.n / CHUNK_MERGE + 2);
	}
}
END_TEST

/* What a client believes, kept only from what it is told. */
struct client {
	struct view_entry e[MODEL_MAX * 4];
	uint32_t n;
	const struct view *now;
	int stage; /* the order: expunges, changes, growth */
	unsigned told;
	uint32_t known; /* how many it had when told of growth */
};

static void
client_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct client *c = arg;

	ck_assert_int_eq(c->stage, 0);
	ck_assert_uint_ge(seq, 1);
	ck_assert_uint_le(seq, c->n);
	ck_assert_uint_eq(c->e[seq - 1].uid, uid);
	memmove(&c->e[seq - 1], &c->e[seq], (c->n - seq) * sizeof(c->e[0]));
	c->n--;
	c->told++;
}

static void
client_changed(void *arg, uint32_t seq, const struct view_entry *e)
{
	struct client *c = arg;

	ck_assert_int_le(c->stage, 1);
	c->stage = 1;
	ck_assert_uint_le(seq, c->n);
	ck_assert_uint_eq(c->e[seq - 1].uid, e->uid);
	c->e[seq - 1] = *e;
	c->told++;
}

static void
client_grown(void *arg, uint32_t count)
{
	struct client *c = arg;

	ck_assert_int_le(c->stage, 1);
	c->stage = 2;
	ck_assert_uint_gt(count, c->n);
	c->known = c->n;
	c->n = count; /* it fetches the new ones afterwards */
	c->told++;
}

static void
client_advance(struct client *c, struct view **told, struct view *now, bool may_expunge)
{
	struct view_told tell = {client_expunged, client_changed, client_grown, c};
	struct view *result = NULL;
	uint32_t before = c->n;

	c->stage = 0;
	c->told = 0;
	ck_assert_ok(view_advance(told, now, may_expunge, &tell, &result));
	ck_assert_ptr_null(*told);
	if (may_expunge)
		ck_assert_ptr_eq(result, now);
	else
		ck_assert_uint_ge(c->n, before);
	ck_assert_uint_eq(c->n, view_count(result));
	struct view_iter it = view_iter_at(result, 1);
	for (const struct view_entry *e; (e = view_next(&it));) {
		if (c->stage == 2 && it.seq > c->known)
			c->e[it.seq - 1] = *e;
		ck_assert_uint_eq(c->e[it.seq - 1].uid, e->uid);
		ck_assert_uint_eq(c->e[it.seq - 1].flags, e->flags);
		ck_assert_uint_eq(c->e[it.seq - 1].modseq, e->modseq);
	}
	*told = result;
}

START_TEST(clients_told_at_random_moments_know_the_mailbox)
{
	static struct model m;
	static struct client clients[3];

	for (unsigned round = 0; round < 3; round++) {
		srand(100 + round);
		m = (struct model){.uidnext = 1};
		CLEANUP(view_unref) struct view *now = view_of(&m);
		struct view *told[3];
		for (int i = 0; i < 3; i++) {
			clients[i].n = 0;
			told[i] = view_ref(now);
		}
		for (int step = 0; step < 50; step++) {
			change(&m, &now);
			for (int i = 0; i < 3; i++) {
				bool full = rand() % 4 == 0;
				/* without expunges a client's mailbox only grows: not for ever */
				if (clients[i].n > MODEL_MAX * 2)
					full = true;
				if (rand() % 3 == 0)
					client_advance(&clients[i], &told[i], now, full);
			}
		}
		for (int i = 0; i < 3; i++) {
			client_advance(&clients[i], &told[i], now, false);
			client_advance(&clients[i], &told[i], now, true);
			ck_assert_is_model(told[i], &m);
			client_advance(&clients[i], &told[i], now, true);
			ck_assert_uint_eq(clients[i].told, 0);
			view_unref(&told[i]);
		}
	}
}
END_TEST

static void
fill(struct model *m, uint32_t n)
{
	*m = (struct model){.uidnext = 1};
	for (uint32_t i = 0; i < n; i++) {
		memset(&m->e[i], 0, sizeof(m->e[i]));
		m->e[i].uid = m->uidnext++;
		m->e[i].modseq = ++m->modseq;
	}
	m->n = n;
}

struct each {
	uint32_t n, gone, last;
};

static void
count_each(void *arg, const struct view_entry *was, const struct view_entry *is)
{
	struct each *each = arg;

	ck_assert_uint_gt(was->uid, each->last);
	ck_assert(!is || is->uid == was->uid);
	each->last = was->uid;
	each->n++;
	each->gone += !is;
}

static struct uidset
set_of(struct uid_range *r, size_t n)
{
	return (struct uidset){.r = r, .n = n};
}

START_TEST(an_adopted_change_is_not_told_again)
{
	static struct model m;
	static struct client c;

	fill(&m, 2000);
	CLEANUP(view_unref) struct view *shared = view_of(&m);
	memcpy(c.e, m.e, sizeof(m.e[0]) * m.n);
	c.n = m.n;
	struct view *told = view_ref(shared);
	struct view_meta meta = meta_of(&m);
	struct view_entry puts[2] = {m.e[9], m.e[1500]};
	uint32_t gone[] = {11};
	meta.modseq = 5000;
	puts[0].flags = puts[1].flags = FLAG_SEEN;
	puts[0].modseq = puts[1].modseq = 5000;
	CLEANUP(view_unref) struct view *now = NULL;
	ck_assert_ok(view_apply(shared, &meta, NULL, puts, 2, gone, 1, &now));

	/* its own STORE of UIDs 10 to 12 and of one that is not there */
	struct uidset own = set_of((struct uid_range[]){{10, 12}, {77777, 77777}}, 2);
	struct each each = {0};
	ck_assert_ok(view_adopt(&told, now, &own, count_each, &each));
	ck_assert_uint_eq(each.n, 3);
	ck_assert_uint_eq(each.gone, 1);
	c.e[9] = puts[0];
	ck_assert_uint_eq(view_at(shared, 10)->flags, 0); /* others see nothing of it */
	ck_assert_uint_eq(view_count(told), 2000);
	const struct view *same = told;
	ck_assert_ok(view_adopt(&told, now, &own, count_each, &(struct each){0}));
	ck_assert_ptr_eq(told, same);
	client_advance(&c, &told, now, true);
	ck_assert_uint_eq(c.told, 2); /* UID 11 is gone, 1501 has another flag */
	view_unref(&told);
}
END_TEST

START_TEST(a_change_of_all_makes_the_session_share_the_new_snapshot)
{
	static struct model m;

	fill(&m, 2000);
	CLEANUP(view_unref) struct view *was = view_of(&m);
	for (size_t i = 0; i < m.n; i++)
		m.e[i].flags = FLAG_ANSWERED, m.e[i].modseq = 7000;
	CLEANUP(view_unref) struct view *now = view_of(&m);
	CLEANUP(view_unref) struct view *told = view_ref(was);
	struct uidset all = set_of((struct uid_range[]){{1, UINT32_MAX}}, 1);
	struct each each = {0};
	ck_assert_ok(view_adopt(&told, now, &all, count_each, &each));
	ck_assert_uint_eq(each.n, 2000);
	ck_assert_ptr_eq(told, now);
}
END_TEST

START_TEST(a_hint_of_any_value_finds_what_is_there)
{
	static struct model m;

	fill(&m, 2000);
	CLEANUP(view_unref) struct view *v = view_of(&m);
	srand(5);
	for (int i = 0; i < 20000; i++) {
		static struct view_hint hint;
		static uint32_t uid;
		uint32_t seq = 0;
		if (rand() % 4 == 0)
			hint = (struct view_hint){(size_t)rand() % 7, (uint32_t)rand() % 600};
		uid = rand() % 4 ? uid + 1 : (uint32_t)rand() % 2100;
		const struct view_entry *e = view_find(v, uid, &hint, &seq);
		uint32_t right = view_seq_from(v, uid);
		ck_assert_ptr_eq(e, view_at(v, right));
		if (e)
			ck_assert_uint_eq(seq, right);
	}
	CLEANUP(view_unref) struct view *none = NULL;
	m.n = 0;
	none = view_of(&m);
	ck_assert_ptr_null(view_find(none, 1, &(struct view_hint){0}, &(uint32_t){0}));
}
END_TEST

START_TEST(entries_are_found_by_their_flags)
{
	static struct model m;
	static const uint64_t cases[][2] = {{FLAG_SEEN, 0}, {FLAG_SEEN, FLAG_SEEN},
	    {FLAG_SEEN | FLAG_DRAFT, FLAG_DRAFT}, {FLAG_FLAGGED, FLAG_FLAGGED}, {0, 0}};

	fill(&m, 3000);
	for (size_t i = 0; i < m.n; i++)
		m.e[i].flags = (i < 1500 || i % 700 == 3 ? FLAG_SEEN : 0) |
			       (i == 2999 || i == 0 ? FLAG_DRAFT : 0);
	CLEANUP(view_unref) struct view *v = view_of(&m);
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct view_hint hint = {0};
		uint32_t from = 1, seq = 0;
		for (size_t i = 0; i < m.n; i++) {
			if ((m.e[i].flags & cases[k][0]) != cases[k][1])
				continue;
			const struct view_entry *e =
			    view_find_flags(v, (struct uid_range){from, UINT32_MAX}, cases[k][0],
				cases[k][1], &hint, &seq);
			ck_assert_ptr_nonnull(e);
			ck_assert_uint_eq(e->uid, m.e[i].uid);
			ck_assert_uint_eq(seq, i + 1);
			from = e->uid + 1;
		}
		ck_assert_ptr_null(view_find_flags(v, (struct uid_range){from, UINT32_MAX},
		    cases[k][0], cases[k][1], &hint, &seq));
	}
}
END_TEST

START_TEST(a_change_copies_one_chunk_and_shares_the_rest)
{
	static struct model m;

	fill(&m, 8000);
	CLEANUP(view_unref) struct view *v = view_of(&m);
	struct view_meta meta = meta_of(&m);
	struct view_entry put = m.e[4000];
	uint32_t gone = 100;
	put.flags = FLAG_DELETED;
	CLEANUP(view_unref) struct view *next = NULL;
	ck_assert_ok(view_apply(v, &meta, NULL, &put, 1, &gone, 1, &next));
	ck_assert_uint_eq(next->chunks, v->chunks);
	unsigned shared = 0;
	for (size_t i = 0; i < v->chunks; i++)
		shared += v->slot[i].c == next->slot[i].c;
	ck_assert_uint_eq(shared, v->chunks - 2);
	ck_assert_uint_eq(view_at(v, 100)->uid, 100); /* the old one is as it was */
	ck_assert_uint_eq(view_at(next, 100)->uid, 101);
}
END_TEST

START_TEST(a_hundred_thousand_entries_take_less_than_4_mb)
{
	struct mallinfo2 before = mallinfo2();
	struct view_builder b;
	struct view_entry e = {0};
	struct view_meta meta = {.mailbox = 1, .uidnext = 100001};
	CLEANUP(view_unref) struct view *v = NULL;

	view_builder_init(&b);
	for (uint32_t uid = 1; uid <= 100000; uid++) {
		e.uid = uid;
		view_builder_put(&b, &e);
	}
	ck_assert_ok(view_builder_finish(&b, &meta, NULL, &v));
	struct mallinfo2 after = mallinfo2();
	ck_assert_uint_lt(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd, 4000000);
	size_t counted = v->chunks * sizeof(struct view_slot);
	for (size_t i = 0; i < v->chunks; i++)
		counted += sizeof(struct view_chunk) + v->slot[i].c->n * sizeof(struct view_entry);
	ck_assert_uint_lt(counted, 4000000);
	ck_assert_uint_eq(view_seq_of(v, 77777), 77777);
}
END_TEST

START_TEST(keywords_have_bits_and_ignore_case)
{
	const struct str names[] = {STR("$Forwarded"), STR(""), STR("Junk")};
	struct view_keywords *k = view_keywords_new(names, 3);
	struct view_builder b;
	struct view_meta meta = {.mailbox = 1};
	CLEANUP(view_unref) struct view *v = NULL;

	view_builder_init(&b);
	ck_assert_ok(view_builder_finish(&b, &meta, k, &v));
	view_keywords_unref(&k);
	ck_assert_uint_eq(view_keyword_count(v), 3);
	ck_assert_uint_eq(view_keyword_bit(v, STR("$FORWARDED")), 1ull << 6);
	ck_assert_uint_eq(view_keyword_bit(v, STR("junk")), 1ull << 8);
	ck_assert_uint_eq(view_keyword_bit(v, STR("Other")), 0);
	ck_assert_uint_eq(view_keyword_bit(v, STR("")), 0);
	ck_assert_str_is(view_keyword(v, 2), "Junk");
	ck_assert_str_is(view_keyword(v, 1), "");
	ck_assert_str_is(view_keyword(v, 3), "");
}
END_TEST

static struct view *race_view;

static void *
race_reader(void *arg)
{
	unsigned *sum = arg;

	for (int i = 0; i < 300; i++) {
		struct view *mine = view_ref(race_view);
		*sum += view_at(mine, 1 + (uint32_t)i % view_count(mine))->uid;
		struct view *told = view_ref(mine);
		ck_assert_ok(
		    view_adopt(&told, mine, &(struct uidset){0}, count_each, &(struct each){0}));
		view_unref(&mine);
		view_unref(&told);
	}
	return NULL;
}

START_TEST(threads_share_a_snapshot)
{
	static struct model m;
	pthread_t threads[4];
	unsigned sums[4] = {0};

	fill(&m, 1500);
	race_view = view_of(&m);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, race_reader, &sums[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(sums[0], sums[3]);
	ck_assert_is_model(race_view, &m);
	view_unref(&race_view);
}
END_TEST

TEST_MAIN("view", random_changes_give_what_an_array_gives,
    clients_told_at_random_moments_know_the_mailbox, an_adopted_change_is_not_told_again,
    a_change_of_all_makes_the_session_share_the_new_snapshot,
    a_hint_of_any_value_finds_what_is_there, entries_are_found_by_their_flags,
    a_change_copies_one_chunk_and_shares_the_rest, a_hundred_thousand_entries_take_less_than_4_mb,
    keywords_have_bits_and_ignore_case, threads_share_a_snapshot)
