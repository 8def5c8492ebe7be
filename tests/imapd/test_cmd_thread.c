#include "imapd/thread_write.h"
#include "tests/imapd/imap_fixture.h"

#define DAY 86400

/* A message: its Message-ID (a letter), references, subject and the day it was sent on. */
struct mail {
	const char *id;
	const char *references; /* letters */
	const char *subject;
	int day;
};

static void
put(struct imap_fixture *f, const struct mail *m)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(100000);
	uint32_t uidvalidity;

	if (m->id)
		sbuf_printf(&text, "Message-ID: <%s@x.test>\r\n", m->id);
	if (m->references)
		sbuf_puts(&text, "References:");
	for (const char *r = m->references; r && *r; r++)
		sbuf_printf(&text, " <%c@x.test>", *r);
	if (m->references)
		sbuf_puts(&text, "\r\n");
	if (m->subject)
		sbuf_printf(&text, "Subject: %s\r\n", m->subject);
	sbuf_printf(&text, "Date: %d Jan 2001 10:00:00 +0000\r\n\r\nbody\r\n", m->day);
	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, text.p, text.n));
	struct append item = {.spool = spool, .internal_s = 10000 * (int64_t)DAY};
	ck_assert_ok(
	    message_append(f->account, imap_fixture_mailbox(f, "Box"), &item, 1, &uidvalidity));
}

static void
check_threads(const char *algorithm, const struct mail *mails, size_t n, const char *threads)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:0");
	CLEANUP(sbuf_done) struct sbuf send = SBUF_INIT(1000);
	CLEANUP(sbuf_done) struct sbuf expect = SBUF_INIT(1000);

	for (size_t i = 0; i < n && mails[i].day; i++)
		put(f, &mails[i]);
	ck_exchange(f, "1 SELECT Box", "1 OK");
	sbuf_printf(&send, "t THREAD %s UTF-8 ALL", algorithm);
	sbuf_printf(&expect, "* THREAD %s\r\nt OK THREAD completed\r\n", threads);
	struct str got = imap_fixture_ask(f, f->conn, sbuf_cstr(&send));
	ck_assert_msg(
	    str_eq(got, sbuf_view(&expect)), "expected %s, got %.*s", threads, STR_ARG(got));
}

/* RFC 5256 §3, REFERENCES, by its steps; §4 */
static const struct {
	struct mail mails[8];
	const char *threads;
} by_references[] = {
    {{{"a", NULL, "x", 1}}, "(1)"},
    {{{"a", NULL, "x", 1}, {"b", "a", "y", 2}, {"c", "ab", "z", 3}}, "(1 2 3)"},
    /* siblings, by date; the example of §4 */
    {{{"a", NULL, "x", 1}, {"b", "a", "y", 3}, {"c", "a", "z", 2}}, "(1 (3)(2))"},
    {{{"a", NULL, "1", 1}, {"b", NULL, "2", 2}, {"c", "b", "3", 3}, {"d", "bc", "4", 4},
	 {"e", "bcd", "5", 5}, {"f", "bc", "6", 6}, {"g", "bcf", "7", 7}},
	"(1)(2 3 (4 5)(6 7))"},
    /* messages that are not there: (3) */
    {{{"b", "a", "1", 1}, {"c", "a", "2", 2}}, "((1)(2))"},
    {{{"b", "a", "1", 1}}, "(1)"},
    {{{"a", NULL, "1", 1}, {"c", "ab", "2", 2}, {"d", "ab", "3", 3}}, "(1 (2)(3))"},
    {{{"d", "abc", "1", 2}, {"e", "abc", "2", 1}}, "((2)(1))"},
    {{{"d", "abc", "1", 1}, {"e", "ab", "2", 2}, {"f", "a", "3", 3}}, "((1)(2)(3))"},
    /* replies that came before what they reply to */
    {{{"c", "ab", "1", 3}, {"b", "a", "2", 2}, {"a", NULL, "3", 1}}, "(3 2 1)"},
    /* In-Reply-To alone is tested below; a message that is its own ancestor is not */
    {{{"a", "a", "1", 1}}, "(1)"},
    {{{"a", "b", "1", 1}, {"b", "a", "2", 2}}, "(2 1)"},
    {{{"a", "bc", "1", 1}, {"b", "ca", "2", 2}, {"c", "ab", "3", 3}}, "(2 3 1)"},
    /* (1)(A): a link that is there stays; (1)(B): the last reference counts */
    {{{"x", "ab", "1", 1}, {"y", "cb", "2", 2}, {"a", NULL, "3", 3}, {"c", NULL, "4", 4}},
	"(3 (1)(2))(4)"},
    {{{"x", "abc", "1", 1}, {"c", "d", "2", 2}, {"d", NULL, "3", 3}}, "(3 2 1)"},
    {{{"x", "abc", "1", 1}, {"c", NULL, "2", 2}, {"a", NULL, "3", 3}}, "(2 1)(3)"},
    /* (1): the first of several with one Message-ID has it */
    {{{"a", NULL, "1", 1}, {"a", NULL, "2", 2}, {"b", "a", "3", 3}}, "(1 3)(2)"},
    {{{"b", "a", "1", 1}, {"a", NULL, "2", 2}, {"a", NULL, "3", 3}}, "(2 1)(3)"},
    {{{NULL, NULL, "1", 1}, {NULL, NULL, "2", 2}}, "(1)(2)"},
    /* (5)(C): what has the same base subject */
    {{{"a", NULL, "x", 1}, {"b", NULL, "Re: X", 2}}, "(1 2)"},
    {{{"a", NULL, "Re: x", 1}, {"b", NULL, "x", 2}}, "(2 1)"},
    {{{"a", NULL, "x", 1}, {"b", NULL, "x", 2}}, "((1)(2))"},
    {{{"a", NULL, "Re: x", 1}, {"b", NULL, "[l] Re: x", 2}}, "((1)(2))"},
    {{{"a", NULL, "x", 1}, {"b", NULL, "x", 2}, {"c", NULL, "Re: x", 3}}, "((1)(2)(3))"},
    {{{"a", NULL, "Re: x", 1}, {"b", NULL, "Fwd: x", 2}, {"c", NULL, "x", 3}}, "(3 (1)(2))"},
    {{{"a", NULL, NULL, 1}, {"b", NULL, "", 2}, {"c", NULL, "Re:", 3}}, "(1)(2)(3)"},
    {{{"b", "a", "x", 1}, {"c", "a", "y", 2}, {"d", NULL, "Re: x", 3}}, "((1)(2)(3))"},
    {{{"d", NULL, "x", 1}, {"b", "a", "Re: x", 2}, {"c", "a", "y", 3}}, "((1)(2)(3))"},
    {{{"b", "a", "x", 1}, {"c", "a", "y", 3}, {"e", "d", "x", 2}, {"f", "d", "z", 4}},
	"((1)(3)(2)(4))"},
    /* (4), (6): threads by the date of their first message */
    {{{"a", NULL, "1", 5}, {"b", "x", "2", 7}, {"c", "x", "3", 3}, {"d", NULL, "4", 4}},
	"((3)(2))(4)(1)"},
    {{{"a", NULL, "1", 5}, {"b", "a", "2", 1}, {"c", NULL, "3", 3}}, "(3)(1 2)"},
    {{{"a", NULL, "1", 2}, {"b", NULL, "2", 2}, {"c", NULL, "3", 2}}, "(1)(2)(3)"},
};

START_TEST(messages_are_threaded_by_references)
{
	for (size_t i = 0; i < ARRAY_LEN(by_references); i++)
		check_threads("REFERENCES", by_references[i].mails,
		    ARRAY_LEN(by_references[i].mails), by_references[i].threads);
}
END_TEST

/* RFC 5256 §3, ORDEREDSUBJECT */
START_TEST(messages_are_threaded_by_subject)
{
	static const struct {
		struct mail mails[8];
		const char *threads;
	} rows[] = {
	    {{{"a", NULL, "x", 2}, {"b", NULL, "y", 1}}, "(2)(1)"},
	    {{{"a", NULL, "x", 1}, {"b", NULL, "Re: X", 2}}, "(1 2)"},
	    {{{"a", NULL, "x", 3}, {"b", NULL, "Re: x", 1}, {"c", NULL, "[l] x", 2},
		 {"d", "a", "y", 4}},
		"(2 (3)(1))(4)"},
	    {{{"a", NULL, NULL, 1}, {"b", NULL, "Re:", 2}}, "(1 2)"},
	    {{{"a", NULL, "x", 1}, {"b", NULL, "x", 1}, {"c", NULL, "x", 1}}, "(1 (2)(3))"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_threads(
		    "ORDEREDSUBJECT", rows[i].mails, ARRAY_LEN(rows[i].mails), rows[i].threads);
}
END_TEST

/* draft-ietf-morg-inthread: no subjects; threads in the order of their latest messages */
START_TEST(refs_orders_threads_by_their_latest_message)
{
	static const struct {
		struct mail mails[8];
		const char *threads;
	} rows[] = {
	    {{{"a", NULL, "x", 1}, {"b", NULL, "Re: x", 2}}, "(1)(2)"},
	    {{{"a", NULL, "x", 1}, {"b", NULL, "y", 2}, {"c", "a", "z", 3}}, "(2)(1 3)"},
	    {{{"a", NULL, "x", 1}, {"b", "a", "y", 5}, {"c", "a", "z", 4}, {"d", "e", "v", 6},
		 {"f", "e", "w", 3}, {"g", NULL, "u", 2}},
		"(6)(1 (3)(2))((5)(4))"},
	    {{{"b", "a", "x", 5}, {"c", "ab", "y", 1}, {"d", NULL, "z", 3}}, "(3)(1 2)"},
	    {{{"a", NULL, "1", 2}, {"b", NULL, "2", 2}, {"c", "a", "3", 2}}, "(2)(1 3)"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_threads("REFS", rows[i].mails, ARRAY_LEN(rows[i].mails), rows[i].threads);
}
END_TEST

static struct imap_fixture *
open_box(void)
{
	struct imap_fixture *f = imap_fixture_open("Box:0");
	static const char *const messages[] = {
	    "Message-ID: <\"a\"@x.test>\r\nSubject: one\r\n\r\n1",
	    "Message-ID: <b@x.test>\r\nIn-Reply-To: Ann's message of May <a@x.test> <z@x.test>\r\n"
	    "References: nonsense\r\nSubject: two\r\n\r\n2",
	    "Message-ID: <c@x.test>\r\nIn-Reply-To: <z@x.test>\r\n"
	    "References: <a@x.test>\r\n\t<b@x.test>\r\nSubject: three\r\n\r\n3",
	    "Subject: four\r\n\r\n4",
	};

	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		imap_fixture_deliver(f, "Box", str_of(messages[i]));
	ck_exchange(f, "0 SELECT Box", "* 4 EXISTS\n0 OK");
	return f;
}

START_TEST(thread_speaks)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();
	static const struct dialogue rows[] = {
	    /* BASE.6.4.THREAD */
	    {"a THREAD REFERENCES UTF-8 ALL", "* THREAD (1 2 3)(4)\na OK THREAD completed"},
	    {"b UID THREAD references us-ascii 1,3:4",
		"* THREAD (1 3)(4)\nb OK UID THREAD completed"},
	    {"b UID THREAD REFS UTF-8 2:4", "* THREAD (2 3)(4)\nb OK UID THREAD completed"},
	    {"c THREAD ORDEREDSUBJECT UTF-8 NOT SUBJECT two", "* THREAD (1)(3)(4)\nc OK"},
	    {"d THREAD REFERENCES US-ASCII TEXT \"gewp\"", "* THREAD\nd OK THREAD completed"},
	    {"e THREAD REFERENCES X-UNHEARD-OF ALL", "e NO [BADCHARSET"},
	    {"f THREAD REFERENCES ALL", "f NO [BADCHARSET"},
	    {"g THREAD REFERENCES UTF-8", "g BAD"},
	    {"h THREAD JWZ UTF-8 ALL", "h BAD"},
	    {"i THREAD (REFERENCES) UTF-8 ALL", "i BAD"},
	    {"j THREAD", "j BAD"},
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++)
		dialogue_row(f->conn, &rows[i % ARRAY_LEN(rows)], i >= ARRAY_LEN(rows));
}
END_TEST

/* -- hostile senders -------------------------------------------------------------------------- */

#define MANY 60000

static struct fact_id
id_of(uint64_t n)
{
	return (struct fact_id){n * 0x9e3779b97f4a7c15u, n + 1};
}

/* Finishes the forest; every message must be in it once: *ret_depth is that of the deepest. */
static void
check_forest(struct thread_forest *f, size_t *ret_roots, size_t *ret_depth)
{
	bool done = false;
	size_t seen = 0;
	size_t depth = 0;

	while (!done)
		ck_assert_ok(thread_forest_finish(f, &done));
	*ret_roots = *ret_depth = 0;
	for (uint32_t at = f->first_root; at != THREAD_NONE;) {
		const struct thread_node *n = &f->nodes[at];
		seen += n->message != THREAD_NONE;
		*ret_roots += n->parent == THREAD_NONE;
		depth++;
		*ret_depth = depth > *ret_depth ? depth : *ret_depth;
		if (n->first != THREAD_NONE) {
			at = n->first;
			continue;
		}
		while (at != THREAD_NONE && f->nodes[at].next == THREAD_NONE) {
			at = f->nodes[at].parent;
			depth--;
		}
		at = at == THREAD_NONE ? at : f->nodes[at].next;
		depth--;
	}
	ck_assert_uint_eq(seen, f->message_n);
	thread_forest_done(f);
}

static void
add(struct thread_forest *f, uint32_t i, struct fact_id id, const struct fact_id *references,
    uint32_t n)
{
	struct facts facts = {.id = id, .references = references, .reference_count = n};

	ck_assert_ok(thread_forest_add(f, i, &facts));
}

START_TEST(a_chain_may_be_as_long_as_the_mailbox)
{
	for (int backwards = 0; backwards < 2; backwards++) {
		struct thread_forest f = {.algorithm = backwards ? THREAD_REFS : THREAD_REFERENCES};
		size_t roots, depth;
		for (uint32_t i = 0; i < MANY; i++) {
			uint64_t n = backwards ? MANY - i : i + 1;
			struct fact_id parent = id_of(n - 1);
			add(&f, i, id_of(n), &parent, 1);
		}
		check_forest(&f, &roots, &depth);
		ck_assert_uint_eq(roots, 1);
		ck_assert_uint_eq(depth, MANY);
	}
}
END_TEST

/* Every message refers to all others in an order that would make loops wherever it can. */
START_TEST(loops_cost_a_bounded_time)
{
	struct thread_forest f = {.algorithm = THREAD_REFERENCES};
	double began = test_cpu_ms();
	uint32_t random = 1;
	size_t roots, depth;

	for (uint32_t i = 0; i < MANY; i++) {
		struct fact_id references[20];
		for (size_t r = 0; r < ARRAY_LEN(references); r++) {
			random = random * 1664525u + 1013904223u;
			references[r] = id_of((random >> 8) % MANY);
		}
		add(&f, i, id_of(i), references, ARRAY_LEN(references));
	}
	ck_assert_uint_le(f.walked, THREAD_WALK_MAX + MANY);
	check_forest(&f, &roots, &depth);
	ck_assert_double_lt(test_cpu_ms() - began, 20000);
}
END_TEST

/* A deep chain, then messages that go under its end again and again, with children of their own. */
START_TEST(looking_for_loops_is_bounded)
{
	struct thread_forest f = {.algorithm = THREAD_REFERENCES};
	double began = test_cpu_ms();
	size_t roots, depth;

	for (uint32_t i = 0; i < MANY; i++) {
		struct fact_id parent = id_of(i);
		add(&f, i, id_of(i + 1), &parent, 1);
	}
	for (uint32_t i = 0; i < MANY; i += 2) {
		struct fact_id own = id_of(2 * MANY + i);
		struct fact_id deep = id_of(MANY);
		add(&f, i, id_of(2 * MANY + i + 1), &own, 1);
		add(&f, i, own, &deep, 1);
	}
	ck_assert_uint_le(f.walked, THREAD_WALK_MAX + MANY);
	check_forest(&f, &roots, &depth);
	ck_assert_double_lt(test_cpu_ms() - began, 20000);
}
END_TEST

START_TEST(what_is_not_there_takes_bounded_memory)
{
	struct thread_forest f = {.algorithm = THREAD_REFERENCES};
	struct fact_id references[FACT_REFERENCES_MAX];
	size_t roots, depth;
	uint64_t n = 1 << 30;

	for (uint32_t i = 0; i < 2 * THREAD_DUMMIES_MAX / FACT_REFERENCES_MAX; i++) {
		for (size_t r = 0; r < FACT_REFERENCES_MAX; r++)
			references[r] = id_of(n++);
		add(&f, i, id_of(i), references, FACT_REFERENCES_MAX);
	}
	/* what is there is still found */
	references[0] = id_of(5);
	add(&f, 1000000, id_of(n), references, 1);
	ck_assert_uint_le(f.dummies, THREAD_DUMMIES_MAX);
	ck_assert_uint_ne(f.nodes[f.messages[f.message_n - 1].node].parent, THREAD_NONE);
	check_forest(&f, &roots, &depth);
}
END_TEST

START_TEST(one_message_id_may_be_that_of_all)
{
	struct thread_forest f = {.algorithm = THREAD_REFERENCES};
	struct fact_id same = id_of(7);
	size_t roots, depth;

	for (uint32_t i = 0; i < MANY; i++)
		add(&f, i, same, &same, i % 2);
	check_forest(&f, &roots, &depth);
	ck_assert_uint_eq(depth, 2);
}
END_TEST

TEST_MAIN("cmd_thread", messages_are_threaded_by_references, messages_are_threaded_by_subject,
    refs_orders_threads_by_their_latest_message, thread_speaks,
    a_chain_may_be_as_long_as_the_mailbox, loops_cost_a_bounded_time, looking_for_loops_is_bounded,
    what_is_not_there_takes_bounded_memory, one_message_id_may_be_that_of_all)
