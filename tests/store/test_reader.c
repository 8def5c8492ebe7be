/* A reader steps over rows where it can: whatever is asked for, in whatever order, must be what a
 * search of its own would find. */
#include "store/account_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <stdio.h>

#define MESSAGES 48

struct known {
	int64_t id;
	char *octets;
	size_t size, header_size;
	bool gone, file;
};

struct shelf {
	struct fixture f;
	struct known m[MESSAGES]; /* ascending ids */
};

static void
put_message(struct shelf *s, unsigned i)
{
	struct known *k = &s->m[i];
	char head[100];
	size_t body = i % 5 == 4 ? SPOOL_MEMORY + i : (size_t)i * i * 7 % 9000;
	int n = snprintf(head, sizeof(head), "Subject: number %u\r\nX-Fill: %.*s\r\n\r\n", i,
	    (int)(i % 40), "abcdefghijklmnopqrstuvwxyzabcdefghijklmn");

	k->header_size = (size_t)n;
	k->size = (size_t)n + body;
	k->file = i % 5 == 4;
	k->octets = malloc(k->size + 100);
	memcpy(k->octets, head, (size_t)n);
	for (size_t at = 0; at < body; at++)
		k->octets[(size_t)n + at] = (char)('a' + (i + at / 50) % 26);
	CLEANUP(spool_free) struct spool *spool = make_spool(&s->f, k->octets, k->size);
	struct delivery d = {.account = account_id(s->f.a)};
	message_deliver(s->f.store, spool, &d, 1);
	ck_assert_ok(d.result);
	k->id = message_of(&s->f, s->f.inbox, d.uid);
}

static enum err
delete_row(struct txn *t, void *arg)
{
	int64_t id = *(int64_t *)arg;
	enum err e = db_run(t->db, "DELETE FROM message WHERE id = ?1", DB_INT(id));

	if (!e)
		e = db_run(t->db, "DELETE FROM header WHERE message = ?1", DB_INT(id));
	return e ? e : db_run(t->db, "DELETE FROM body WHERE message = ?1", DB_INT(id));
}

static void
take_away(struct shelf *s, unsigned i)
{
	ck_assert_ok(database_write(&s->f.a->database, delete_row, &s->m[i].id, DURABLE_LATER));
	s->m[i].gone = true;
}

static void
shelf_open(struct shelf *s)
{
	memset(s, 0, sizeof(*s));
	fixture_open(&s->f);
	for (unsigned i = 0; i < MESSAGES; i++)
		put_message(s, i);
}

static void
shelf_close(struct shelf *s)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		free(s->m[i].octets);
	fixture_close(&s->f);
}

static void
ck_assert_row(const struct known *k, unsigned want, const struct message_row *row)
{
	char subject[40];

	snprintf(subject, sizeof(subject), "\"number %u\"", (unsigned)atoi(k->octets + 16));
	ck_assert_int_eq(row->id, k->id);
	ck_assert_uint_eq(row->size, k->size);
	ck_assert_uint_eq(row->header_size, k->header_size);
	ck_assert_uint_eq(row->email_id.n, 20);
	ck_assert_int_eq(row->envelope.p != NULL, (want & WANT_ENVELOPE) != 0);
	if (want & WANT_ENVELOPE)
		ck_assert_uint_ne(str_find_nocase(row->envelope, str_of(subject)), STR_NONE);
	ck_assert_int_eq(row->bodystructure.p != NULL, (want & WANT_BODYSTRUCTURE) != 0);
	if (want & WANT_BODYSTRUCTURE)
		ck_assert_int_eq(row->bodystructure.p[0], '(');
	ck_assert_int_eq(row->parts.p != NULL, (want & WANT_PARTS) != 0);
	ck_assert_int_eq(row->header.p != NULL, (want & WANT_HEADER) != 0);
	if (want & WANT_HEADER)
		ck_assert(str_eq(row->header, str_make(k->octets, k->header_size)));
}

static void
ask_for_row(struct reader *r, const struct known *k, unsigned want)
{
	struct message_row row;
	enum err e = reader_message(r, k->id, want, &row);

	ck_assert_int_eq(e, k->gone ? ERR_GONE : ERR_OK);
	if (!e)
		ck_assert_row(k, want, &row);
}

static void
ask_for_piece(struct reader *r, const struct known *k, size_t at, size_t n)
{
	char buf[300];
	size_t got = 0;
	enum err e = reader_read(r, k->id, at, buf, n, &got);

	ck_assert_int_eq(e, k->gone ? ERR_GONE : ERR_OK);
	if (e)
		return;
	size_t left = at < k->size ? k->size - at : 0;
	ck_assert_uint_eq(got, n < left ? n : left);
	ck_assert_int_eq(memcmp(buf, k->octets + (at < k->size ? at : 0), got), 0);
}

static void
ask_for_octets(struct reader *r, const struct known *k)
{
	struct str header, body;
	ck_assert_ok(reader_octets(r, k->id, k->size, &header, &body));
	ck_assert_int_eq(header.p == NULL, k->file || k->gone);
	ck_assert_int_eq(body.p == NULL, k->file || k->gone);
	if (k->file || k->gone)
		return;
	ck_assert(str_eq(header, str_make(k->octets, k->header_size)));
	ck_assert(str_eq(body, str_make(k->octets + k->header_size, k->size - k->header_size)));
}

START_TEST(rows_come_in_ascending_order_with_gaps)
{
	struct shelf s;

	shelf_open(&s);
	static const unsigned gone[] = {0, 7, 8, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28, 40, 47};
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		take_away(&s, gone[i]);
	for (unsigned want = 0; want < 16; want++) {
		for (unsigned step = 1; step < 9; step++) {
			CLEANUP(reader_close) struct reader *r = NULL;
			ck_assert_ok(reader_open(s.f.a, &r));
			for (unsigned i = 0; i < MESSAGES; i += step) {
				ask_for_row(r, &s.m[i], want);
				ask_for_octets(r, &s.m[i]);
			}
		}
	}
	shelf_close(&s);
}
END_TEST

START_TEST(rows_come_in_descending_order_and_again)
{
	struct shelf s;

	shelf_open(&s);
	take_away(&s, 5);
	take_away(&s, 30);
	CLEANUP(reader_close) struct reader *r = NULL;
	ck_assert_ok(reader_open(s.f.a, &r));
	for (int round = 0; round < 2; round++) {
		for (unsigned i = MESSAGES; i-- > 0;) {
			ask_for_row(r, &s.m[i], WANT_ENVELOPE | WANT_HEADER);
			ask_for_row(r, &s.m[i], WANT_ENVELOPE | WANT_HEADER);
			ask_for_piece(r, &s.m[i], 3, 100);
		}
	}
	reader_close(&r);
	shelf_close(&s);
}
END_TEST

START_TEST(ids_that_never_were_are_gone)
{
	static const int64_t ids[] = {-1, 0, 999999, INT64_MAX - 1, INT64_MAX};
	struct shelf s;

	shelf_open(&s);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct known none = {.id = ids[i], .gone = true};
		CLEANUP(reader_close) struct reader *r = NULL;
		ck_assert_ok(reader_open(s.f.a, &r));
		ask_for_row(r, &none, WANT_HEADER);
		ask_for_row(r, &s.m[MESSAGES - 1], WANT_HEADER);
		ask_for_row(r, &none, WANT_HEADER);
		ask_for_row(r, &none, WANT_HEADER);
		ask_for_row(r, &s.m[0], WANT_HEADER);
		ask_for_octets(r, &none);
	}
	shelf_close(&s);
}
END_TEST

/* What is asked for next depends on nothing: ascending runs, leaps, other columns, pieces of
 * another message in between. */
START_TEST(any_order_of_questions_gets_the_right_answers)
{
	struct shelf s;
	uint32_t x = 12345;

	shelf_open(&s);
	for (unsigned i = 0; i < 12; i++)
		take_away(&s, (i * 17 + 3) % MESSAGES);
	CLEANUP(reader_close) struct reader *r = NULL;
	unsigned at = 0;
	for (int n = 0; n < 20000; n++) {
		x = x * 1664525u + 1013904223u;
		unsigned random = x >> 8;
		if (n % 500 == 0) {
			reader_close(&r);
			ck_assert_ok(reader_open(s.f.a, &r));
		}
		at = random % 4 ? (at + random / 4 % 3) % MESSAGES : random / 4 % MESSAGES;
		const struct known *k = &s.m[at];
		switch (random / 1024 % 4) {
		case 0:
		case 1:
			ask_for_row(r, k, random / 4096 % 16);
			break;
		case 2:
			ask_for_piece(r, k, random / 4096 % (k->size + 9), 1 + random % 300);
			break;
		default:
			ask_for_octets(r, k);
		}
	}
	reader_close(&r);
	shelf_close(&s);
}
END_TEST

START_TEST(strings_stay_while_the_same_message_is_read)
{
	struct shelf s;
	struct message_row row;
	const unsigned want = WANT_ENVELOPE | WANT_PARTS | WANT_HEADER;
	struct str header, body;
	size_t n;

	shelf_open(&s);
	CLEANUP(reader_close) struct reader *r = NULL;
	ck_assert_ok(reader_open(s.f.a, &r));
	for (unsigned i = 0; i < MESSAGES; i++) {
		char buf[64];
		ck_assert_ok(reader_message(r, s.m[i].id, want, &row));
		ck_assert_ok(reader_read(r, s.m[i].id, s.m[i].size / 2, buf, sizeof(buf), &n));
		ck_assert_ok(reader_octets(r, s.m[i].id, s.m[i].size, &header, &body));
		ck_assert_row(&s.m[i], want, &row);
	}
	reader_close(&r);
	shelf_close(&s);
}
END_TEST

/* One consistent read: what others do meanwhile is not seen. */
START_TEST(a_reader_sees_what_was_there_when_it_began)
{
	struct shelf s;

	shelf_open(&s);
	CLEANUP(reader_close) struct reader *before = NULL;
	ck_assert_ok(reader_open(s.f.a, &before));
	ask_for_row(before, &s.m[0], WANT_HEADER);
	for (unsigned i = 1; i < MESSAGES; i += 3)
		if (!s.m[i].file)
			take_away(&s, i);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct known there = s.m[i];
		there.gone = false;
		ask_for_row(before, &there, WANT_HEADER);
		ask_for_octets(before, &there);
	}
	reader_close(&before);
	CLEANUP(reader_close) struct reader *after = NULL;
	ck_assert_ok(reader_open(s.f.a, &after));
	for (unsigned i = 0; i < MESSAGES; i++)
		ask_for_row(after, &s.m[i], WANT_HEADER);
	reader_close(&after);
	shelf_close(&s);
}
END_TEST

static enum err
cut_body(struct txn *t, void *arg)
{
	return db_run(t->db, "UPDATE body SET octets = substr(octets, 2) WHERE message = ?1",
	    DB_INT(*(int64_t *)arg));
}

START_TEST(rows_without_the_size_of_the_message_are_damaged)
{
	struct shelf s;
	struct message_row row;
	struct str header, body;
	char buf[10];
	size_t n;

	shelf_open(&s);
	const struct known *k = &s.m[11];
	ck_assert_ok(database_write(&s.f.a->database, cut_body, &s.m[11].id, DURABLE_LATER));
	CLEANUP(reader_close) struct reader *r = NULL;
	ck_assert_ok(reader_open(s.f.a, &r));
	ck_assert_int_eq(reader_octets(r, k->id, k->size, &header, &body), ERR_CORRUPT);
	reader_close(&r);
	ck_assert_ok(reader_open(s.f.a, &r));
	ck_assert_ok(reader_message(r, k->id, WANT_BASICS, &row));
	ck_assert_int_eq(reader_read(r, k->id, 0, buf, sizeof(buf), &n), ERR_CORRUPT);
	ask_for_octets(r, &s.m[12]);
	reader_close(&r);
	shelf_close(&s);
}
END_TEST

/* clang-format off */
TEST_MAIN("reader", rows_come_in_ascending_order_with_gaps,
    rows_come_in_descending_order_and_again, ids_that_never_were_are_gone,
    any_order_of_questions_gets_the_right_answers, strings_stay_while_the_same_message_is_read,
    a_reader_sees_what_was_there_when_it_began, rows_without_the_size_of_the_message_are_damaged)
/* clang-format on */
