#include "tests/store/database_fixture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const struct schema_step steps[] = {
    {.before = "CREATE TABLE number (n INTEGER PRIMARY KEY, octets BLOB)"},
    {.before = "ALTER TABLE number ADD COLUMN more"},
};
const struct schema number_schema_1 = {.name = "test", .steps = steps, .version = 1};
const struct schema number_schema_2 = {.name = "test", .steps = steps, .version = 2};

struct database_fixture *
database_fixture_open(void)
{
	struct database_fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "%s", test_mkdir());
	snprintf(f->path, sizeof(f->path), "%s/x.db", f->dir);
	ck_assert_ok(database_create(f->path, &number_schema_1, NULL, NULL));
	ck_assert_ok(pool_new(NULL, &f->pool));
	ck_assert_ok(database_init(&f->d, f->pool, f->path, &number_schema_1));
	return f;
}

void
database_fixture_close(struct database_fixture **fp)
{
	struct database_fixture *f = *fp;

	database_done(&f->d);
	pool_free(&f->pool);
	test_rmdir(f->dir);
	free(f);
}

enum err
insert_number(struct txn *t, void *arg)
{
	return db_run(t->db, "INSERT INTO number (n) VALUES (?1)", DB_INT(*(int64_t *)arg));
}

enum err
insert_megabyte(struct txn *t, void *arg)
{
	static char megabyte[1 << 20];

	return db_run(t->db, "INSERT INTO number (n, octets) VALUES (?1, ?2)",
	    DB_INT(*(int64_t *)arg), DB_BLOB(str_make(megabyte, sizeof(megabyte))));
}

enum err
put_number(struct database_fixture *f, int64_t n, enum durability durability)
{
	return database_write(&f->d, insert_number, &n, durability);
}

int64_t
count_numbers(struct database_fixture *f)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n = -1;

	ck_assert_ok(read_begin(&f->d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM number", &n));
	return n;
}

int number_syncs, number_sync_errno;

int
count_and_sync(int fd)
{
	__atomic_add_fetch(&number_syncs, 1, __ATOMIC_SEQ_CST);
	if (number_sync_errno) {
		errno = number_sync_errno;
		return -1;
	}
	return fdatasync(fd);
}

static void *
work(void *arg)
{
	struct number_writer *w = arg;

	w->result = database_write(&w->f->d, w->op, &w->n, DURABLE_NOW);
	return NULL;
}

static size_t
queued(struct database_fixture *f)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&f->d.mu);
	size_t n = 0;

	(void)held;
	for (struct write_op *op = f->d.queue; op; op = *(struct write_op **)op)
		n++; /* `next` is its first member */
	return n;
}

static bool
is_writing(struct database_fixture *f)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&f->d.mu);

	(void)held;
	return f->d.writing;
}

static struct database_fixture *held_fixture;
static size_t held_for;

/* Holds the first transaction until the others have queued up behind it. */
static enum err
insert_when_others_wait(struct txn *t, void *arg)
{
	while (queued(held_fixture) < held_for)
		usleep(1000);
	return insert_number(t, arg);
}

void
run_number_writers(struct database_fixture *f, struct number_writer *w, size_t n)
{
	held_fixture = f;
	held_for = n - 1;
	w[0].op = insert_when_others_wait;
	for (size_t i = 0; i < n; i++) {
		w[i].f = f;
		w[i].n = (int64_t)i + 100;
		if (!w[i].op)
			w[i].op = insert_number;
		ck_assert_int_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
		while (i == 0 && !is_writing(f))
			usleep(1000);
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
}
