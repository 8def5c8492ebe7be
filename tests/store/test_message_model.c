/* Random operations: one thread against a plain model, several threads against what must hold
 * whatever they do. */
#include "store/changes.h"
#include "store/view.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <stdatomic.h>

#define BOXES 2
#define MODEL_MAX 4000

static struct fixture f;

/* -- one thread, a plain model */

struct model_entry {
	uint32_t uid;
	uint64_t flags; /* system flags; 32: the keyword "word" */
	unsigned seed;
	size_t size;
};

#define WORD 32u

struct model {
	struct model_entry e[MODEL_MAX];
	size_t n;
	uint32_t uidnext;
	uint64_t modseq; /* as the view last had it */
};

static struct model model[BOXES];
static int64_t box_id[BOXES];

static void
model_add(struct model *m, uint64_t flags, unsigned seed, size_t size)
{
	ck_assert_uint_lt(m->n, MODEL_MAX);
	m->e[m->n++] = (struct model_entry){m->uidnext++, flags, seed, size};
}

static void
model_remove(struct model *m, const struct uidset *uids, uint64_t flags)
{
	size_t out = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!uidset_has(uids, m->e[i].uid) || (m->e[i].flags & flags) != flags)
			m->e[out++] = m->e[i];
	m->n = out;
}

static struct uidset
random_uids(uint32_t uidnext)
{
	struct uidset s;

	uidset_init(&s, f.arena);
	for (int i = rand() % 4; i >= 0; i--) {
		uint32_t lo = 1 + (uint32_t)rand() % (uidnext + 2);
		ck_assert_ok(uidset_add(&s, lo, lo + (uint32_t)(rand() % 3 ? 0 : rand() % 9)));
	}
	uidset_normalise(&s);
	return s;
}

static struct flag_list
random_flags(struct str *word)
{
	*word = STR("word");
	return (struct flag_list){
	    .system = (uint64_t)rand() % 32, .keywords = word, .keyword_count = rand() % 2};
}

static uint64_t
model_flags(const struct flag_list *l)
{
	return l->system | (l->keyword_count ? WORD : 0);
}

static size_t
random_size(void)
{
	return 20 + (size_t)(rand() % 12 ? rand() % 3000 : rand() % 150000);
}

static void
do_append(int box, unsigned seed)
{
	struct append items[3];
	struct str words[3];
	CLEANUP(mem_free) char *octets = make_message(seed, 200000);
	size_t n = 1 + (size_t)rand() % 3;
	uint32_t validity;

	for (size_t i = 0; i < n; i++) {
		size_t size = random_size();
		items[i] = (struct append){.spool = make_spool(&f, octets, size)};
		items[i].flags = random_flags(&words[i]);
		model_add(&model[box], model_flags(&items[i].flags), seed, size);
	}
	ck_assert_ok(message_append(f.a, box_id[box], items, n, &validity));
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(items[i].ret_uid, model[box].uidnext - n + i);
		spool_free(&items[i].spool);
	}
}

static void
do_copy(int from, int to, bool move)
{
	struct uidset uids = random_uids(model[from].uidnext);
	struct copied c;
	size_t had = model[from].n, i = 0;
	static struct model_entry before[MODEL_MAX];

	memcpy(before, model[from].e, sizeof(before[0]) * had);
	if (move)
		model_remove(&model[from], &uids, 0);
	uint32_t first = model[to].uidnext;
	for (size_t k = 0; k < had; k++) {
		if (uidset_has(&uids, before[k].uid)) {
			model_add(&model[to], before[k].flags, before[k].seed, before[k].size);
			i++;
		}
	}
	ck_assert_ok((move ? message_move : message_copy)(
	    f.a, box_id[from], &uids, box_id[to], f.arena, &c));
	ck_assert_uint_eq(uidset_count(&c.from), i);
	ck_assert_uint_eq(uidset_count(&c.to), i);
	if (i)
		ck_assert_uint_eq(c.to.r[0].lo, first);
}

static void
do_flags(int box)
{
	struct uidset uids = random_uids(model[box].uidnext);
	struct str word;
	struct flag_list list = random_flags(&word);
	enum flags_op op = (enum flags_op)(rand() % 3);

	ck_assert_ok(message_store_flags(f.a, box_id[box], &uids, op, &list, MODSEQ_ANY, NULL));
	uint64_t bits = model_flags(&list);
	for (size_t i = 0; i < model[box].n; i++) {
		struct model_entry *e = &model[box].e[i];
		if (!uidset_has(&uids, e->uid))
			continue;
		e->flags = op == FLAGS_ADD      ? e->flags | bits
			   : op == FLAGS_REMOVE ? e->flags & ~bits
						: bits;
	}
}

static void
do_remove(int box)
{
	struct uidset uids = random_uids(model[box].uidnext);
	struct uidset went;
	size_t had = model[box].n;

	uidset_init(&went, f.arena);
	if (rand() % 2) {
		model_remove(&model[box], &uids, 0);
		ck_assert_ok(message_remove(f.a, box_id[box], &uids));
		return;
	}
	model_remove(&model[box], &uids, FLAG_DELETED);
	ck_assert_ok(message_expunge(f.a, box_id[box], &uids, &went));
	ck_assert_uint_eq(uidset_count(&went), had - model[box].n);
}

static void
ck_assert_box_is_model(int box, bool octets)
{
	struct model *m = &model[box];
	CLEANUP(view_unref) struct view *v = NULL;

	ck_assert_ok(view_current(f.a, box_id[box], &v));
	ck_assert_uint_eq(view_count(v), m->n);
	ck_assert_uint_eq(view_uidnext(v), m->uidnext);
	ck_assert_uint_ge(view_modseq(v), m->modseq);
	m->modseq = view_modseq(v);
	uint64_t word = view_keyword_bit(v, STR("WORD"));
	for (uint32_t seq = 1; seq <= m->n; seq++) {
		const struct view_entry *e = view_at(v, seq);
		const struct model_entry *want = &m->e[seq - 1];
		ck_assert_uint_eq(e->uid, want->uid);
		uint64_t flags = (e->flags & FLAG_SYSTEM) | (word && e->flags & word ? WORD : 0);
		ck_assert_uint_eq(flags, want->flags);
		ck_assert_uint_le(e->modseq, m->modseq);
		if (!octets)
			continue;
		size_t n = 0;
		CLEANUP(mem_free) char *got = read_message(f.a, e->message, &n);
		CLEANUP(mem_free) char *made = make_message(want->seed, 200000);
		ck_assert_uint_eq(n, want->size);
		ck_assert_int_eq(memcmp(got, made, n), 0);
	}
}

static void
ck_assert_quota_is_model(void)
{
	struct quota q;
	uint64_t bytes = 0, messages = 0;

	for (int b = 0; b < BOXES; b++) {
		messages += model[b].n;
		for (size_t i = 0; i < model[b].n; i++)
			bytes += model[b].e[i].size;
	}
	ck_assert_ok(account_quota(f.a, &q));
	ck_assert_uint_eq(q.bytes_used, bytes);
	ck_assert_uint_eq(q.messages_used, messages);
}

START_TEST(random_operations_give_what_a_plain_model_gives)
{
	for (unsigned round = 0; round < 2; round++) {
		srand(round);
		fixture_open(&f);
		box_id[0] = f.inbox;
		box_id[1] = f.archive;
		for (int b = 0; b < BOXES; b++)
			model[b] = (struct model){.uidnext = 1};
		for (unsigned step = 0; step < 150; step++) {
			int box = rand() % BOXES;
			switch (rand() % 8) {
			case 0:
			case 1:
				do_append(box, step);
				break;
			case 2: {
				size_t size = random_size();
				CLEANUP(mem_free) char *m = make_message(step, 200000);
				CLEANUP(spool_free) struct spool *s = make_spool(&f, m, size);
				struct delivery d = {.account = account_id(f.a)};
				message_deliver(f.store, s, &d, 1);
				ck_assert_ok(d.result);
				ck_assert_uint_eq(d.uid, model[0].uidnext);
				model_add(&model[0], 0, step, size);
				break;
			}
			case 3:
				do_copy(box, rand() % BOXES, false);
				break;
			case 4:
				do_copy(box, rand() % BOXES, true);
				break;
			case 5:
			case 6:
				do_flags(box);
				break;
			default:
				do_remove(box);
			}
			for (int b = 0; b < BOXES; b++)
				ck_assert_box_is_model(b, false);
			ck_assert_quota_is_model();
			arena_reset(f.arena);
		}
		for (int b = 0; b < BOXES; b++)
			ck_assert_box_is_model(b, true);
		ck_assert_counters(f.a);
		struct uidset all = uids_of(&f, "1:100000");
		for (int b = 0; b < BOXES; b++)
			ck_assert_ok(message_remove(f.a, box_id[b], &all));
		ck_assert_ok(account_clean(f.a));
		ck_assert_uint_eq(count_blobs(&f, f.a), 0);
		ck_assert_counters(f.a);
		fixture_close(&f);
	}
}
END_TEST

/* -- several threads */

#define THREADS 4
#define CLIENT_MAX 20000

/* What the client of a session believes, from what it is told. */
struct session {
	int64_t mailbox;
	unsigned seed;
	struct view *told;
	struct client_entry {
		uint32_t uid;
		uint64_t flags;
	} e[CLIENT_MAX];
	uint32_t n, known;
	uint32_t uidnext; /* of the last snapshot */
	uint64_t modseq;
};

static void
told_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct session *s = arg;

	ck_assert(seq >= 1 && seq <= s->n && s->e[seq - 1].uid == uid);
	memmove(&s->e[seq - 1], &s->e[seq], (s->n - seq) * sizeof(s->e[0]));
	s->n--;
}

static void
told_changed(void *arg, uint32_t seq, const struct view_entry *e)
{
	struct session *s = arg;

	ck_assert(seq >= 1 && seq <= s->n && s->e[seq - 1].uid == e->uid);
	s->e[seq - 1].flags = e->flags;
}

static void
told_grown(void *arg, uint32_t count)
{
	struct session *s = arg;

	ck_assert_uint_gt(count, s->n);
	s->known = s->n;
	s->n = count;
}

static void
session_advance(struct session *s, bool may_expunge)
{
	struct view_told tell = {told_expunged, told_changed, told_grown, s};
	CLEANUP(view_unref) struct view *now = NULL;
	struct view *result = NULL;

	s->known = UINT32_MAX;
	ck_assert_ok(view_current(f.a, s->mailbox, &now));
	ck_assert_uint_ge(view_modseq(now), s->modseq);
	ck_assert_uint_ge(view_uidnext(now), s->uidnext);
	ck_assert_ok(view_advance(&s->told, now, may_expunge, &tell, &result));
	ck_assert_uint_lt(view_count(result), CLIENT_MAX);
	ck_assert_uint_eq(view_count(result), s->n);
	struct view_iter it = view_iter_at(result, 1);
	for (const struct view_entry *e; (e = view_next(&it));) {
		if (it.seq > s->known) {
			ck_assert_uint_ge(e->uid, s->uidnext); /* new ones have new UIDs */
			s->e[it.seq - 1] = (struct client_entry){e->uid, e->flags};
		}
		ck_assert_uint_eq(s->e[it.seq - 1].uid, e->uid);
		ck_assert_uint_eq(s->e[it.seq - 1].flags, e->flags);
	}
	s->uidnext = view_uidnext(now);
	s->modseq = view_modseq(now);
	s->told = result;
}

static struct uidset
some_uids(struct session *s, struct arena *arena)
{
	struct uidset u;

	uidset_init(&u, arena);
	uint32_t lo = 1 + (uint32_t)rand_r(&s->seed) % s->uidnext;
	ck_assert_ok(uidset_add(&u, lo, lo + (uint32_t)rand_r(&s->seed) % 6));
	return u;
}

static void
session_step(struct session *s, struct arena *arena)
{
	struct uidset uids = some_uids(s, arena);
	int64_t other = rand_r(&s->seed) % 2 ? f.inbox : f.archive;
	struct str word = arena_printf(arena, "word%d", rand_r(&s->seed) % 20);
	struct flag_list list = {(uint64_t)rand_r(&s->seed) % 32, &word, rand_r(&s->seed) % 2};
	struct copied c;
	size_t size = 30 + (size_t)rand_r(&s->seed) % (rand_r(&s->seed) % 9 ? 2000 : 100000);

	switch (rand_r(&s->seed) % 9) {
	case 0:
	case 1:
	case 2:
		deliver_one(&f, s->seed, size);
		break;
	case 3: {
		CLEANUP(mem_free) char *m = make_message(s->seed, size);
		struct append a = {.spool = make_spool(&f, m, size), .flags = list};
		uint32_t validity;
		ck_assert_ok(message_append(f.a, s->mailbox, &a, 1, &validity));
		spool_free(&a.spool);
		break;
	}
	case 4:
		ck_assert_ok(message_copy(f.a, s->mailbox, &uids, other, arena, &c));
		break;
	case 5:
		ck_assert_ok(message_move(f.a, s->mailbox, &uids, other, arena, &c));
		break;
	case 6:
	case 7:
		ck_assert_ok(message_store_flags(f.a, s->mailbox, &uids,
		    (enum flags_op)(rand_r(&s->seed) % 3), &list, MODSEQ_ANY, NULL));
		break;
	default:
		ck_assert_ok(rand_r(&s->seed) % 2 ? message_expunge(f.a, s->mailbox, NULL, NULL)
						  : message_remove(f.a, s->mailbox, &uids));
	}
}

static void *
session_main(void *arg)
{
	struct session *s = arg;
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);

	for (int i = 0; i < 60; i++) {
		session_step(s, arena);
		if (rand_r(&s->seed) % 2)
			session_advance(s, rand_r(&s->seed) % 3 == 0);
		arena_reset(arena);
	}
	return NULL;
}

static void
count_call(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

START_TEST(sessions_of_many_threads_end_with_what_the_database_has)
{
	static struct session s[THREADS];
	pthread_t threads[THREADS];
	_Atomic unsigned calls = 0;
	struct watch *w = NULL;

	fixture_open(&f);
	ck_assert_ok(changes_watch(f.a, 0, count_call, &calls, &w));
	for (unsigned i = 0; i < THREADS; i++) {
		s[i].mailbox = i % 2 ? f.inbox : f.archive;
		s[i].seed = i * 7919 + 1;
		s[i].uidnext = 1;
		ck_assert_ok(view_current(f.a, s[i].mailbox, &s[i].told));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, session_main, &s[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	changes_unwatch(&w);
	ck_assert_uint_gt(calls, 50);
	/* another process reads it all anew */
	struct store *second = fixture_second(&f, "second");
	struct account *a2 = NULL;
	ck_assert_ok(account_open(second, account_id(f.a), &a2));
	for (int i = 0; i < THREADS; i++) {
		session_advance(&s[i], false);
		session_advance(&s[i], true);
		CLEANUP(view_unref) struct view *fresh = NULL;
		ck_assert_ok(view_current(a2, s[i].mailbox, &fresh));
		ck_assert_uint_eq(view_count(fresh), s[i].n);
		for (uint32_t seq = 1; seq <= s[i].n; seq++) {
			const struct view_entry *e = view_at(fresh, seq);
			const struct view_entry *mine = view_at(s[i].told, seq);
			ck_assert(e->uid == mine->uid && e->flags == mine->flags &&
				  e->modseq == mine->modseq && e->message == mine->message);
		}
		view_unref(&s[i].told);
	}
	account_unref(&a2);
	store_close(&second);
	ck_assert_counters(f.a);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("message_model", random_operations_give_what_a_plain_model_gives,
    sessions_of_many_threads_end_with_what_the_database_has)
