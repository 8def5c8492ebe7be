#include "tests/store/queue_fixture.h"

#include "store/changes.h"
#include "store/queue_private.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>

#define FIXTURE_RCPTS 64

int64_t
add_to_queue(
    struct fixture *f, const char *octets, size_t size, const char *sender, const char *rcpts)
{
	CLEANUP(spool_free) struct spool *spool = make_spool(f, octets, size);
	struct queue_new_rcpt to[FIXTURE_RCPTS] = {0};
	struct str rest = str_of(rcpts), one;
	size_t n = 0;
	int64_t id = 0;

	while (str_split(&rest, ' ', &one)) {
		ck_assert_uint_lt(n, FIXTURE_RCPTS);
		to[n++].address = one;
	}
	const struct queue_new q = {.sender = str_of(sender),
	    .trace_id = STR("t1"),
	    .message_id = STR("m1@example.test"),
	    .expires_s = INT64_C(1) << 40,
	    .rcpts = to,
	    .rcpt_count = n};
	ck_assert_ok(queue_add(f->store, spool, &q, &id));
	ck_assert_int_gt(id, 0);
	return id;
}

int64_t
rcpt_of(int64_t message, int i)
{
	return QUEUE_RCPT_ID(message, i);
}

void
record_one(struct fixture *f, int64_t message, int i, enum queue_outcome outcome, int64_t next_ms)
{
	const struct queue_result r = {
	    .rcpt = rcpt_of(message, i), .outcome = outcome, .next_ms = next_ms};

	ck_assert_ok(queue_record(f->store, message, &r, 1, NULL));
}

void
record_all(struct fixture *f, int64_t message, enum queue_outcome outcome)
{
	for (int i = 0; i < FIXTURE_RCPTS; i++)
		record_one(f, message, i, outcome, 0);
}

enum err
record_with_report(
    struct fixture *f, int64_t message, int i, enum queue_outcome outcome, size_t size)
{
	CLEANUP(mem_free) char *m = make_message(9, size);
	CLEANUP(spool_free) struct spool *spool = make_spool(f, m, size);
	const struct queue_new_rcpt to = {.address = STR("a@example.test")};
	const struct queue_new envelope = {.kind = QUEUE_REPORT, .rcpts = &to, .rcpt_count = 1};
	const struct queue_report report = {spool, &envelope};
	const struct queue_result r = {.rcpt = rcpt_of(message, i), .outcome = outcome};

	return queue_record(f->store, message, &r, 1, &report);
}

enum err
count_listed(const struct queue_listed *l, void *arg)
{
	uint64_t *n = arg;

	++*n;
	return l->message.id == l->rcpt.message ? ERR_OK : ERR_CORRUPT;
}

const char *
many_rcpts(struct fixture *f, int n)
{
	struct str all = STR("");

	for (int i = 0; i < n; i++)
		all =
		    arena_printf(f->arena, "%.*s%sr%d@many.example", STR_ARG(all), i ? " " : "", i);
	return arena_cstr(f->arena, all);
}

struct str
domains_of(struct fixture *f)
{
	struct queue_domain *d;
	size_t n;
	struct str all = STR("");

	ck_assert_ok(queue_domains(f->store, f->arena, &d, &n));
	for (size_t i = 0; i < n; i++)
		all = arena_printf(f->arena, "%.*s%s%.*s:%llu", STR_ARG(all), i ? " " : "",
		    STR_ARG(d[i].domain), (unsigned long long)d[i].recipients);
	return all;
}

struct str
queued(struct fixture *f)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct database *d = NULL;
	struct str all = STR("");
	bool row = false;

	ck_assert_ok(queue_database(f->store, &d));
	ck_assert_ok(read_begin(d, &h));
	ck_assert_ok(db_query(h->db, "SELECT" QUEUE_RCPT_COLUMNS "FROM rcpt r ORDER BY id", &st));
	while (!stmt_step(st, &row) && row) {
		struct queue_rcpt r = queue_take_rcpt(st, 0, f->arena);
		all = arena_printf(f->arena, "%.*s%s%lld/%lld %.*s %s%s", STR_ARG(all),
		    all.n ? " " : "", (long long)r.message,
		    (long long)(r.id & ((1 << QUEUE_RCPT_SHIFT) - 1)), STR_ARG(r.address),
		    r.state == QUEUE_HELD ? "h" : "w", r.give_up ? "!" : "");
	}
	return all;
}

void
ck_assert_queued_octets(struct fixture *f, int64_t message, const char *octets, size_t size)
{
	CLEANUP(queue_octets_close) struct queue_octets *o = NULL;
	CLEANUP(mem_free) char *got = malloc(size + 10);
	size_t n = 0;

	ck_assert_ok(queue_octets_open(f->store, message, &o));
	ck_assert_uint_eq(queue_octets_size(o), size);
	ck_assert_ok(queue_octets_read(o, 0, got, size / 3, &n));
	ck_assert_uint_eq(n, size / 3);
	ck_assert_ok(queue_octets_read(o, size / 3, got + size / 3, size + 10 - size / 3, &n));
	ck_assert_uint_eq(n, size - size / 3);
	ck_assert_int_eq(memcmp(got, octets, size), 0);
}

static void
queue_dir(const struct fixture *f, const char *name, char *out, size_t n)
{
	snprintf(out, n, "%s/data/queue/%s", f->dir, name);
}

unsigned
count_queue_files(const struct fixture *f)
{
	char path[300];
	unsigned n = 0;

	queue_dir(f, "", path, sizeof(path));
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

void
make_queue_file(struct fixture *f, const char *name)
{
	char path[300];

	queue_dir(f, name, path, sizeof(path));
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs("x", file);
	fclose(file);
}

void
await_bus(struct store *s)
{
	struct pollfd p = {.fd = changes_fd(s), .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	changes_receive(s);
}
