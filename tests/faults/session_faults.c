#include "tests/faults/session_faults.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/codec.h"
#include "store/account_private.h"
#include "store/directory.h"
#include "store/message.h"
#include "store/queue_private.h"
#include "tests/faults/session_state.h"
#include "tests/support/test.h"

#include <argon2.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ROWS_MAX 48
#define BIG 70000
#define ANSWER_MS 5000
#define TRIES_MAX 3
#define ACCOUNTS_MAX 60 /* of one store */

struct world {
	const struct session_protocol *p;
	const char *dir;
	struct session_ground g; /* its arena, account and queue: of one try */
	struct conf *conf;
	struct service *svc;
	unsigned accounts;
	/* of one try */
	char address[64];
	struct conn *conn;
	enum fault_kind kind;
	unsigned n;
	size_t row;
	bool doubtful; /* a sync failed behind a commit: recipients may get it again */
};

/* What happens without faults; lives as long as the test. */
struct memory {
	char *before[ROWS_MAX], *after[ROWS_MAX], *text[ROWS_MAX];
	unsigned calls;
};

static struct sbuf logged;
static const char *big;
static unsigned seed;

#define ck_world(w, condition, format, ...)                                                        \
	ck_assert_msg(condition, "%s, %s %u, row %zu (%.40s): " format "\nlog: %.1500s",           \
	    (w)->p->name, fault_names[(w)->kind], (w)->n, (w)->row, (w)->p->rows[(w)->row].send,   \
	    ##__VA_ARGS__, sbuf_cstr(&logged))

static void
keep_line(void *arg, struct str line)
{
	static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

	(void)arg;
	pthread_mutex_lock(&mu); /* without malloc: it may be what fails */
	if (logged.n + line.n + 2 < logged.cap) {
		sbuf_put(&logged, line);
		sbuf_putc(&logged, '\n');
	}
	pthread_mutex_unlock(&mu);
}

/* -- the store and its accounts */

static struct conf *
load_conf(const char *dir)
{
	const char *const set[] = {"hostname", "mail.example.test", "data_dir", dir, "run_dir", dir,
	    "limits.login_failures", "100", NULL};
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(256 * 1024);
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(64 * 1024);
	char path[256];
	struct conf *conf = NULL;

	conf_write_default(&text, set);
	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(sbuf_cstr(&text), f);
	fclose(f);
	enum err e = conf_load(path, &conf, &problem);
	ck_assert_msg(!e, "%s", sbuf_cstr(&problem));
	return conf;
}

static void
world_open(struct world *w)
{
	w->dir = test_mkdir();
	w->conf = load_conf(w->dir);
	ck_assert_ok(store_create(w->dir));
	const struct store_options o = {
	    .data_dir = w->dir, .process = "test", .recipient_delimiter = "+"};
	ck_assert_ok(store_open(&o, &w->g.store));
	ck_assert_ok(directory_add_domain(w->g.store, STR("example.test")));
	w->svc = service_for_test(w->g.store, w->conf);
	ck_assert_ptr_nonnull(w->svc);
	w->svc->logins = login_cache_new(600);
	w->accounts = 0;
}

static void
world_close(struct world *w)
{
	service_stop(&w->svc);
	store_close(&w->g.store);
	conf_unref(&w->conf);
	test_rmdir(w->dir);
}

/* "secret", as cheap to check as it can be. */
static void
make_credential(struct arena *arena, struct credential *ret)
{
	static char hash[128];

	if (!hash[0])
		ck_assert_int_eq(argon2id_hash_encoded(1, 8, 1, "secret", 6, "saltsaltsaltsalt", 16,
				     32, hash, sizeof(hash)),
		    ARGON2_OK);
	*ret = (struct credential){.hash = str_of(hash),
	    .scram_salt = STR("0123456789abcdef"),
	    .scram_iterations = 4096,
	    .scram_stored_key = STR("0123456789abcdef0123456789abcdef"),
	    .scram_server_key = STR("0123456789abcdef0123456789abcdef")};
	(void)arena;
}

static int64_t
highest_queued(struct world *w)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct database *d = NULL;
	int64_t id = 0;

	ck_assert_ok(queue_database(w->g.store, &d));
	ck_assert_ok(read_begin(d, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT coalesce(max(id), 0) FROM message", &id));
	return id;
}

static void
add_account(struct world *w)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct credential credential;
	struct mailbox_info inbox;
	char text[200];

	make_credential(w->g.arena, &credential);
	snprintf(w->address, sizeof(w->address), "user%03u@example.test", ++w->accounts);
	ck_assert_ok(
	    directory_add_account(w->g.store, str_of(w->address), &credential, &w->g.account));
	ck_assert_ok(account_open(w->g.store, w->g.account, &a));
	ck_assert_ok(mailbox_find(a, STR("INBOX"), w->g.arena, &inbox));
	for (unsigned i = 1; i <= w->p->messages; i++) {
		CLEANUP(spool_free) struct spool *spool = NULL;
		snprintf(text, sizeof(text),
		    "From: Bob <bob@example.test>\r\nSubject: number %u\r\n"
		    "Message-ID: <%u@example.test>\r\n\r\nThis is text %u.\r\n",
		    i, i, i);
		ck_assert_ok(spool_new(w->g.store, &spool));
		ck_assert_ok(spool_write(spool, text, strlen(text)));
		struct append item = {.spool = spool, .internal_s = 837596665};
		ck_assert_ok(message_append(a, inbox.id, &item, 1, &(uint32_t){0}));
	}
	w->g.queue_before = highest_queued(w);
}

/* -- talking */

static void
rest(struct world *w, bool rests)
{
	if (w->n)
		fault_rest(rests);
}

static void
connect_again(struct world *w)
{
	conn_memory_close(&w->conn);
	w->conn = w->p->connect(w->svc);
	rest(w, false);
	conn_memory_run(w->conn);
	rest(w, true);
	conn_memory_output_some(w->conn, w->g.arena, 1000);
}

/* One stage with its $ replaced. */
static struct str
stage_text(struct world *w, struct str stage)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);
	char plain[128];

	for (size_t i = 0; i < stage.n; i++) {
		char next = i + 1 < stage.n ? stage.p[i + 1] : ' ';
		if (stage.p[i] != '$' || !strchr("UPB", next)) {
			sbuf_putc(&out, stage.p[i]);
			continue;
		}
		i++;
		if (next == 'U')
			sbuf_puts(&out, w->address);
		else if (next == 'B')
			sbuf_puts(&out, big);
		else {
			int n = snprintf(plain, sizeof(plain), "%c%s%csecret", 0, w->address, 0);
			base64_encode(str_make(plain, (size_t)n), &out);
		}
	}
	sbuf_puts(&out, "\r\n");
	return arena_dup(w->g.arena, sbuf_view(&out));
}

/* Says one stage; what is answered goes to *text. */
static enum session_answer
say(struct world *w, struct str stage, unsigned flags, struct sbuf *text)
{
	int64_t until = clock_mono_ms() + ANSWER_MS;
	enum session_answer a = SESSION_NONE;

	sbuf_clear(text);
	conn_memory_put(w->conn, stage_text(w, stage));
	while (a == SESSION_NONE) {
		rest(w, false);
		conn_memory_run(w->conn);
		rest(w, true);
		struct str some = conn_memory_output_some(w->conn, w->g.arena, SIZE_MAX);
		sbuf_put(text, some);
		a = w->p->judge(sbuf_view(text), flags);
		if (a || (some.n == 0 && conn_memory_closed(w->conn)))
			break;
		if (some.n == 0) {
			ck_world(
			    w, clock_mono_ms() < until, "no answer, but \"%s\"", sbuf_cstr(text));
			usleep(1000);
		}
	}
	return a;
}

static enum session_answer
say_row(struct world *w, const struct session_row *row, struct sbuf *text)
{
	struct str left = str_of(row->send), stage;
	enum session_answer a = SESSION_NONE;
	bool first = true;

	while (str_split(&left, '\f', &stage)) {
		a = say(w, stage, row->flags, text);
		if (a == SESSION_LATER && !first && w->p->reset && !conn_memory_closed(w->conn)) {
			CLEANUP(sbuf_done) struct sbuf ignored = SBUF_INIT(65536);
			say(w, str_of(w->p->reset), 0, &ignored);
		}
		if (a == SESSION_DONE && left.n)
			a = SESSION_GO_ON;
		if (a != SESSION_GO_ON)
			break;
		first = false;
	}
	ck_world(w, a != SESSION_WRONG && a != SESSION_GO_ON, "answered \"%s\"", sbuf_cstr(text));
	return a;
}

/* A session like that which was cut off: false where it was cut off as well. */
static bool
enter_again(struct world *w)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 20);

	connect_again(w);
	for (size_t i = 0; i < w->row; i++) {
		if (!(w->p->rows[i].flags & SESSION_ENTERS))
			continue;
		enum session_answer a = say_row(w, &w->p->rows[i], &text);
		if (a == SESSION_LATER)
			a = say_row(w, &w->p->rows[i], &text);
		if (a != SESSION_DONE)
			return false;
	}
	return true;
}

/* -- a try */

static void
check_log(struct world *w)
{
	struct str all = sbuf_view(&logged);

	ck_world(w, str_find_nocase(all, STR("err=CORRUPT")) == STR_NONE, "a word of damage");
	ck_world(w, str_find_nocase(all, STR("err=INTERNAL")) == STR_NONE, "an internal error");
}

static bool
is_at(struct world *w, const char *expected)
{
	CLEANUP(mem_free) char *now = session_state(&w->g);

	return strcmp(now, expected) == 0;
}

/* False, but for once: news that a fault kept from a session come behind what it asked for next. */
static bool
check_text(struct world *w, bool may_differ, struct str got, struct str wanted)
{
	size_t at = 0;

	if (may_differ && !str_eq(got, wanted))
		return false;

	while (at < got.n && at < wanted.n && got.p[at] == wanted.p[at])
		at++;
	got = str_skip(got, at);
	wanted = str_skip(wanted, at);
	ck_world(w, !got.n && !wanted.n, "after %zu octets \"%.*s\", not \"%.*s\"", at,
	    (int)(got.n < 200 ? got.n : 200), got.p, (int)(wanted.n < 200 ? wanted.n : 200),
	    wanted.p);
	return true;
}

/* Until the row has happened once. */
static void
run_row(struct world *w, const struct memory *m)
{
	const struct session_row *row = &w->p->rows[w->row];
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(8 << 20);

	for (int i = 0;; i++) {
		unsigned calls = fault_calls();
		bool was_open = !conn_memory_closed(w->conn);
		if (!was_open && !enter_again(w))
			ck_world(w, i < TRIES_MAX, "no session any more");
		enum session_answer a = say_row(w, row, &text);
		bool hit = calls < w->n && fault_calls() >= w->n;
		const char *before = m->before[w->row], *after = m->after[w->row];
		if (a == SESSION_DONE) {
			if (row->flags & SESSION_TEXT &&
			    !check_text(w, i == 0 && !hit && fault_calls() >= w->n,
				sbuf_view(&text), str_of(m->text[w->row])))
				continue;
			if (hit)
				ck_world(w, is_at(w, after),
				    "said it was done:\n%s\n-- but wanted\n%s",
				    session_state(&w->g), after);
			return;
		}
		ck_world(w, i < TRIES_MAX, "fails again and again: \"%s\"", sbuf_cstr(&text));
		if (a == SESSION_LATER) {
			ck_world(w, fault_calls() >= w->n, "refused for nothing: \"%s\"",
			    sbuf_cstr(&text));
			/* a sync that failed came after the commit */
			if (w->kind == FAULT_SYNC && strcmp(before, after) != 0 && is_at(w, after))
				return;
			if (w->kind == FAULT_SYNC && (row->flags & SESSION_PARTS))
				w->doubtful = true;
			if (row->flags & SESSION_SAME && is_at(w, after))
				continue;
			if (!(row->flags & SESSION_PARTS))
				ck_world(w, is_at(w, before), "half done:\n%s\n-- before\n%s",
				    session_state(&w->g), before);
			continue;
		}
		ck_world(w, conn_memory_closed(w->conn), "cut off, but open");
		/* without memory there is none for an answer, else it ends in the middle of data */
		ck_world(w, w->kind == FAULT_MEMORY || text.n, "closed without a word");
		bool done = strcmp(before, after) != 0 && is_at(w, after);
		if (!done && !(row->flags & SESSION_PARTS))
			ck_world(w, is_at(w, before), "cut off and half done:\n%s\n-- before\n%s",
			    session_state(&w->g), before);
		if (done)
			return;
	}
}

/* The whole dialogue without faults. */
static void
remember(struct world *w, struct memory *m)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(8 << 20);

	w->n = 0;
	connect_again(w);
	for (w->row = 0; w->row < w->p->row_count; w->row++) {
		m->before[w->row] = session_state(&w->g);
		enum session_answer a = say_row(w, &w->p->rows[w->row], &text);
		ck_world(w, a == SESSION_DONE, "without faults: \"%s\"", sbuf_cstr(&text));
		m->after[w->row] = session_state(&w->g);
		m->text[w->row] = strdup(sbuf_cstr(&text));
	}
	conn_memory_close(&w->conn);
	w->row = 0;
}

static const int errnos[FAULT__COUNT] = {
    [FAULT_MEMORY] = ENOMEM,
    [FAULT_OPEN] = EMFILE,
    [FAULT_READ] = EIO,
    [FAULT_WRITE] = ENOSPC,
    [FAULT_SYNC] = EIO,
    [FAULT_TRUNCATE] = EIO,
    [FAULT_NAMES] = ENOSPC,
    [FAULT_MAP] = ENOMEM,
    [FAULT_THREAD] = EAGAIN,
    [FAULT_ACCEPT] = EMFILE,
    [FAULT_WATCH] = ENOSPC,
    [FAULT_WAIT] = EINTR,
};

static void
check_end(struct world *w)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(65536);

	ck_assert_ok(account_open(w->g.store, w->g.account, &a));
	enum err e = account_check(a, &report);
	ck_assert_ok(account_sync(a)); /* a file of which something is not synced stays open */
	ck_world(w, !e, "check says: %s", sbuf_cstr(&report));
}

/* False when there are less than `n` calls of the kind. */
static bool
try_one(struct world *w, const struct memory *m, unsigned n)
{
	arena_reset(w->g.arena);
	add_account(w);
	pool_reap(w->g.store->pool, 0);
	sbuf_clear(&logged);
	w->n = n;
	w->row = 0;
	w->doubtful = false;
	fault_arm(w->kind, n, errnos[w->kind], w->p->name);
	fault_rest(true);
	connect_again(w);
	for (; w->row < w->p->row_count; w->row++)
		run_row(w, m);
	w->row--;
	rest(w, false);
	if (w->conn)
		conn_memory_close(&w->conn);
	bool reached = fault_disarm();
	w->n = n;
	check_log(w);
	ck_world(w, w->doubtful || is_at(w, m->after[w->row]), "in the end\n%s\n-- not\n%s",
	    session_state(&w->g), m->after[w->row]);
	check_end(w);
	return reached;
}

static unsigned
next_of(unsigned n, unsigned calls)
{
	unsigned step = calls / 24 + 1;

	seed = seed * 1103515245 + 12345;
	return fault_next(n, n + 1 + (seed >> 16) % (2 * step - 1));
}

static unsigned
try_kind(struct world *w)
{
	struct memory m = {0};
	unsigned tried = 0, fds = 0, only = 0;

	if (getenv("FAULTS_N"))
		only = (unsigned)atoi(getenv("FAULTS_N"));
	world_open(w);
	add_account(w);
	remember(w, &m);
	add_account(w);
	sbuf_clear(&logged);
	try_one(w, &m, UINT32_MAX);
	unsigned calls = fault_calls();
	fds = session_count_files(&w->g);
	for (unsigned n = only ? only : next_of(0, calls);; n = next_of(n, calls)) {
		if (w->accounts > ACCOUNTS_MAX) {
			world_close(w);
			world_open(w);
		}
		if (!try_one(w, &m, n))
			break;
		unsigned now = session_count_files(&w->g);
		ck_world(w, now == fds, "%u files are open, not %u", now, fds);
		tried++;
		if (only)
			break;
	}
	world_close(w);
	for (size_t i = 0; i < ROWS_MAX; i++) {
		free(m.before[i]);
		free(m.after[i]);
		free(m.text[i]);
	}
	return tried;
}

void
session_faults(const struct session_protocol *p, enum fault_kind first, enum fault_kind last)
{
	CLEANUP(sbuf_done) struct sbuf lines = SBUF_INIT(BIG + 1);
	struct world w = {.p = p, .g.arena = arena_new((size_t)64 << 20)};
	unsigned tried = 0;

	ck_assert_uint_le(p->row_count, ROWS_MAX);
	while (lines.n + 64 <= BIG)
		sbuf_puts(
		    &lines, "sixty-two octets, which with the end of the line are sixtyfour\r\n");
	big = sbuf_cstr(&lines);
	logged = (struct sbuf)SBUF_INIT(1 << 20);
	ck_assert(sbuf_reserve(&logged, 1 << 19));
	log_capture(keep_line, NULL);
	seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 5;
	printf("%s: SEED=%u\n", p->name, seed);
	for (w.kind = first; w.kind <= last; w.kind++)
		tried += try_kind(&w);
	log_capture(NULL, NULL);
	sbuf_done(&logged);
	arena_free(&w.g.arena);
	printf("%s, %s to %s: %u faults\n", p->name, fault_names[first], fault_names[last], tried);
}
