/* tests/store/database_fixture.h - one small database of numbers, and ways to write into it. */
#ifndef TESTS_STORE_DATABASE_FIXTURE_H
#define TESTS_STORE_DATABASE_FIXTURE_H

#include "store/database.h"

#include <pthread.h>

/* A table `number` of an integer and octets; version 2 has one column more. */
extern const struct schema number_schema_1, number_schema_2;

struct database_fixture {
	char dir[64], path[100]; /* the database is `path`, alone in `dir` */
	struct pool *pool;
	struct database d; /* of version 1 */
};

struct database_fixture *database_fixture_open(void);
void database_fixture_close(struct database_fixture **fp);

/* Operations for database_write(): arg is an int64_t, the number. The second gives it a megabyte
 * of octets. */
enum err insert_number(struct txn *t, void *arg);
enum err insert_megabyte(struct txn *t, void *arg);
NODISCARD enum err put_number(struct database_fixture *f, int64_t n, enum durability durability);
int64_t count_numbers(struct database_fixture *f);

/* In place of a database's sync_file: counts, and fails with `number_sync_errno` where that is not
 * 0. */
int count_and_sync(int fd);
extern int number_syncs, number_sync_errno;

/* One of several threads that write at once. */
struct number_writer {
	txn_op *op; /* NULL: insert_number */
	struct database_fixture *f;
	pthread_t thread;
	int64_t n; /* the number: 100 and its place */
	enum err result; /* once all are done */
};

/* Runs them all, each durable at once; the first is held in its transaction until the others wait
 * behind it, so that these share the next. */
void run_number_writers(struct database_fixture *f, struct number_writer *w, size_t n);

#endif
