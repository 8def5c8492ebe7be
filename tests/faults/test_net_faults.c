/* The whole of imapd in this process, with connections, TLS, COMPRESS, its line of passwords and
 * its threads, while the n-th call fails: a client, in a process of its own, gets a temporary error
 * or its connection is closed; the next one is served; no descriptor stays open. Built with
 * sanitizers, what is not given back at the end is told.
 *
 * FAULTS_LONG=1 takes every call, FAULTS_PART=1/8 an eighth of them, else some of those of large
 * numbers. */
#define main imapd_main
int imapd_main(int argc, char **argv);
#include "imapd/main.c" // NOLINT(bugprone-suspicious-include): the daemon, under another name
#undef main

#include "common/base/clock.h"
#include "store/database.h"
#include "store/directory.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "tests/faults/faults.h"
#include "tests/faults/net_client.h"
#include "tests/support/certificate.h"
#include "tests/support/test.h"

#include <argon2.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#define SHORT_TRIES 40 /* of the calls of one kind, about */
#define PATIENCE_MS 5000
#define TEXT_LINES 3000
#define LASTS_MS 250
#define IDLE_MS (POOL_IDLE_MS + 15000)

struct ground {
	const char *dir;
	char conf[200];
	unsigned offset;
	struct net_client client;
	pthread_t daemon;
	unsigned fds; /* at rest, after a session */
};

/* -- the daemon */

static void
make_account(const char *dir)
{
	CLEANUP(store_close) struct store *store = NULL;
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct store_options o = {
	    .data_dir = dir, .process = "test", .recipient_delimiter = "+"};
	struct mailbox_info inbox;
	char hash[128];
	int64_t id;

	ck_assert_ok(store_create(dir));
	ck_assert_ok(store_open(&o, &store));
	ck_assert_ok(directory_add_domain(store, STR("example.test")));
	ck_assert_int_eq(argon2id_hash_encoded(
			     1, 8, 1, "secret", 6, "saltsaltsaltsalt", 16, 32, hash, sizeof(hash)),
	    ARGON2_OK);
	const struct credential credential = {.hash = str_of(hash),
	    .scram_salt = STR("0123456789abcdef"),
	    .scram_iterations = 4096,
	    .scram_stored_key = STR("0123456789abcdef0123456789abcdef"),
	    .scram_server_key = STR("0123456789abcdef0123456789abcdef")};
	ck_assert_ok(directory_add_account(store, STR("ann@example.test"), &credential, &id));
	ck_assert_ok(account_open(store, id, &a));
	ck_assert_ok(mailbox_find(a, STR("INBOX"), arena, &inbox));
	ck_assert_ok(spool_new(store, &spool));
	ck_assert_ok(spool_write(spool, "Subject: long\r\n\r\n", 17));
	for (int i = 0; i < TEXT_LINES; i++) {
		char line[80];
		int n = snprintf(line, sizeof(line), "%d is the square of %d\r\n", i * i, i);
		ck_assert_ok(spool_write(spool, line, (size_t)n));
	}
	ck_assert_ok(spool_write(spool, "the end\r\n", 9));
	struct append item = {.spool = spool, .internal_s = 837596665};
	ck_assert_ok(message_append(a, inbox.id, &item, 1, &(uint32_t){0}));
}

static bool
can_bind(unsigned port)
{
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in here = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return bind(fd, (const struct sockaddr *)&here, sizeof(here)) == 0;
}

static void
write_conf(struct ground *g)
{
	char path[2][120];

	g->offset = 10000 + (unsigned)getpid() % 20000;
	while (!can_bind(g->offset + 143) || !can_bind(g->offset + 993))
		g->offset += 1000;
	snprintf(path[0], sizeof(path[0]), "%s/cert.pem", g->dir);
	snprintf(path[1], sizeof(path[1]), "%s/key.pem", g->dir);
	test_certificate("mail.example.test", path[0], path[1]);
	snprintf(g->conf, sizeof(g->conf), "%s/p.conf", g->dir);
	FILE *f = fopen(g->conf, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f,
	    "hostname = \"mail.example.test\"\ndata_dir = \"%s\"\nrun_dir = \"%s\"\n"
	    "listen = { \"127.0.0.1\" }\nport_offset = %u\nworkers = 4\nsandbox = \"off\"\n"
	    "core_dumps = yes\n"
	    "log {\n target = \"file:%s/log\"\n}\n"
	    "limits {\n login_cache = \"0s\"\n login_failures = 100\n}\n"
	    "tls \"default\" {\n certificate = \"%s\"\n key = \"%s\"\n}\n",
	    g->dir, g->dir, g->offset, g->dir, path[0], path[1]);
	fclose(f);
}

static void *
run_daemon(void *arg)
{
	struct ground *g = arg;
	char name[] = "imapd", option[] = "-c";
	char *argv[] = {name, option, g->conf, NULL};

	// NOLINTNEXTLINE(concurrency-mt-unsafe): the only one who looks at options
	optind = 0;
	ck_assert_int_eq(imapd_main(3, argv), 0);
	return NULL;
}

static struct net_answer
talk(struct ground *g, bool implicit_tls)
{
	return net_client_run(
	    &g->client, (uint16_t)(g->offset + (implicit_tls ? 993 : 143)), implicit_tls);
}

/* The log says so. */
static bool
is_ready(const char *log)
{
	char line[1000];
	bool found = false;
	FILE *f = fopen(log, "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " ready ") != NULL;
	if (f)
		fclose(f);
	return found;
}

static void
daemon_begin(struct ground *g)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	char log[120];

	snprintf(log, sizeof(log), "%s/log", g->dir);
	unlink(log);
	ck_assert_int_eq(pthread_create(&g->daemon, NULL, run_daemon, g), 0);
	while (!is_ready(log)) {
		ck_assert_msg(clock_mono_ms() < until, "the daemon does not begin");
		usleep(2000);
	}
}

static void
daemon_end(struct ground *g)
{
	kill(getpid(), SIGTERM);
	pthread_join(g->daemon, NULL);
}

static void
ground_begin(struct ground *g)
{
	sigset_t set;

	*g = (struct ground){.dir = test_mkdir()};
	net_client_begin(&g->client);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* the daemon reads it from a descriptor */
	make_account(g->dir);
	write_conf(g);
}

static void
ground_end(struct ground *g)
{
	net_client_end(&g->client);
	test_rmdir(g->dir);
}

/* -- tries */

static const char *
result_name(enum net_result r)
{
	static const char *const names[] = {"done", "later", "closed", "wrong"};

	return names[r];
}

static void
good_session(struct ground *g, const char *after, unsigned n)
{
	struct net_answer a = talk(g, true);

	ck_assert_msg(a.result == NET_DONE, "after %s %u: the next client is %s: %s", after, n,
	    result_name(a.result), a.text);
}

/* What the descriptors are, for people. */
static const char *
name_fds(void)
{
	static char names[8000];
	size_t n = 0;

	names[0] = '\0';
	for (int fd = 3; fd < 200 && n < sizeof(names) - 300; fd++) {
		char path[40], to[256];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(path, to, sizeof(to));
		if (len > 0)
			n += (size_t)snprintf(
			    names + n, sizeof(names) - n, "%d %.*s\n", fd, (int)len, to);
	}
	return names;
}

/* Connections are closed by workers, a moment after their clients know. Where threads met at a
 * database it has a handle more, until it has been idle for a while. */
static void
check_fds(struct ground *g, const char *after, unsigned n)
{
	int64_t until = clock_mono_ms() + IDLE_MS;

	while (fault_count_fds() > g->fds) {
		ck_assert_msg(clock_mono_ms() < until, "after %s %u: %u descriptors, not %u\n%s",
		    after, n, fault_count_fds(), g->fds, name_fds());
		usleep(1000);
	}
}

/* False: there are less than `n` calls. */
static bool
try_one(struct ground *g, enum fault_kind kind, unsigned n, int errnum, bool implicit_tls)
{
	fault_arm(kind, n, errnum, implicit_tls ? "imaps" : "STARTTLS");
	struct net_answer a = talk(g, implicit_tls);
	bool reached = fault_disarm();

	ck_assert_msg(a.result != NET_WRONG, "%s %u: %s", fault_names[kind], n, a.text);
	ck_assert_msg(reached || a.result == NET_DONE, "without a fault: %s: %s",
	    result_name(a.result), a.text);
	good_session(g, fault_names[kind], n);
	check_fds(g, fault_names[kind], n);
	return reached;
}

static unsigned
next_of(unsigned n, unsigned calls)
{
	return fault_next(n, n ? n + 1 + calls / SHORT_TRIES : 1);
}

static void
settle(struct ground *g)
{
	good_session(g, "nothing", 0);
	good_session(g, "nothing", 0);
	usleep(50000);
	g->fds = fault_count_fds();
}

static void
try_kind(enum fault_kind kind, const int *errnums, size_t errnum_count)
{
	struct ground g;
	unsigned tried = 0, calls = 0;

	ground_begin(&g);
	daemon_begin(&g);
	settle(&g);
	for (int implicit_tls = 0; implicit_tls < 2; implicit_tls++) {
		bool reached = true;
		try_one(&g, kind, UINT32_MAX, 0, implicit_tls);
		calls = fault_calls();
		for (unsigned n = next_of(0, calls); reached; n = next_of(n, calls)) {
			/* the first with each error, the others with one in turn */
			for (size_t i = 0; i < (n == 1 ? errnum_count : 1); i++) {
				int errnum = errnums[(n - 1 + i) % errnum_count];
				reached = try_one(&g, kind, n, errnum, implicit_tls);
				tried += reached;
			}
		}
	}
	daemon_end(&g);
	ground_end(&g);
	printf("net, %s: %u faults\n", fault_names[kind], tried);
	ck_assert_uint_gt(calls, 0);
}

/* The first session of a daemon, which needs what later ones have; when it has ended nothing is
 * open. */
static bool
try_new_daemon(struct ground *g, enum fault_kind kind, unsigned n, int errnum, bool implicit_tls)
{
	unsigned fds = fault_count_fds();

	daemon_begin(g);
	g->fds = UINT32_MAX;
	bool reached = try_one(g, kind, n, errnum, implicit_tls);
	daemon_end(g);
	ck_assert_msg(fault_count_fds() == fds, "after first %s %u: %u descriptors, not %u",
	    fault_names[kind], n, fault_count_fds(), fds);
	return reached;
}

static void
try_first(enum fault_kind kind, int errnum)
{
	struct ground g;
	bool reached = true;
	unsigned tried = 0;

	ground_begin(&g);
	try_new_daemon(&g, kind, UINT32_MAX, errnum, true);
	unsigned calls = fault_calls();
	ck_assert_uint_gt(calls, 0);
	for (unsigned n = next_of(0, calls); reached; n = next_of(n, calls)) {
		reached = try_new_daemon(&g, kind, n, errnum, tried % 2);
		tried += reached;
	}
	ground_end(&g);
	printf("net, first %s: %u faults\n", fault_names[kind], tried);
}

START_TEST(a_connection_that_cannot_be_accepted_waits_or_is_gone)
{
	static const int errnums[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EPERM, EPROTO};

	try_kind(FAULT_ACCEPT, errnums, ARRAY_LEN(errnums));
}
END_TEST

struct lasting {
	unsigned calls;
	int64_t cpu_ms;
};

static int64_t
processor_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *
end_it_later(void *arg)
{
	struct lasting *l = arg;

	l->cpu_ms = processor_ms();
	usleep(LASTS_MS * 1000);
	l->calls = fault_calls();
	fault_disarm();
	l->cpu_ms = processor_ms() - l->cpu_ms;
	return NULL;
}

/* While a client waits for its greeting. */
START_TEST(accepting_that_fails_for_long_makes_no_work_and_goes_on_when_it_is_over)
{
	static const int errnums[] = {EMFILE, ENOMEM, EPERM, ECONNABORTED, EINVAL};
	struct ground g;

	ground_begin(&g);
	daemon_begin(&g);
	settle(&g);
	for (size_t i = 0; i < ARRAY_LEN(errnums); i++) {
		struct lasting l;
		pthread_t t;
		fault_arm_lasting(FAULT_ACCEPT, errnums[i], strerrorname_np(errnums[i]));
		ck_assert_int_eq(pthread_create(&t, NULL, end_it_later, &l), 0);
		struct net_answer a = talk(&g, true);
		pthread_join(t, NULL);
		ck_assert_msg(a.result == NET_DONE, "%s: %s", strerrorname_np(errnums[i]), a.text);
		ck_assert_uint_gt(l.calls, 0);
		ck_assert_msg(l.calls <= LASTS_MS && l.cpu_ms < LASTS_MS / 2,
		    "%s: %u calls, %lld ms of processor in %d ms", strerrorname_np(errnums[i]),
		    l.calls, (long long)l.cpu_ms, LASTS_MS);
		check_fds(&g, "lasting", (unsigned)i);
	}
	daemon_end(&g);
	ground_end(&g);
	printf("net, lasting accept: %zu faults\n", ARRAY_LEN(errnums));
}
END_TEST

START_TEST(a_connection_that_cannot_be_watched_is_closed)
{
	static const int errnums[] = {ENOSPC, ENOMEM};

	try_kind(FAULT_WATCH, errnums, ARRAY_LEN(errnums));
}
END_TEST

START_TEST(a_wait_for_events_that_fails_is_begun_again)
{
	try_kind(FAULT_WAIT, &(int){EINTR}, 1);
}
END_TEST

START_TEST(without_memory_for_tls_or_compression_a_connection_is_closed_or_told_for_now)
{
	try_kind(FAULT_MEMORY, &(int){ENOMEM}, 1);
}
END_TEST

START_TEST(without_maps_or_threads_the_first_client_is_told_for_now)
{
	try_first(FAULT_MAP, ENOMEM);
	try_first(FAULT_THREAD, EAGAIN);
}
END_TEST

/* Its first connection among it, whose struct later ones use again. */
START_TEST(without_memory_the_first_client_is_told_for_now_or_closed)
{
	try_first(FAULT_MEMORY, ENOMEM);
}
END_TEST

TEST_MAIN("faults_net", a_connection_that_cannot_be_accepted_waits_or_is_gone,
    accepting_that_fails_for_long_makes_no_work_and_goes_on_when_it_is_over,
    a_connection_that_cannot_be_watched_is_closed, a_wait_for_events_that_fails_is_begun_again,
    without_memory_for_tls_or_compression_a_connection_is_closed_or_told_for_now,
    without_maps_or_threads_the_first_client_is_told_for_now,
    without_memory_the_first_client_is_told_for_now_or_closed)
