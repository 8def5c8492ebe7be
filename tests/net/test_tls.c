/* TLS on real sockets, against OpenSSL's client side. */
#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "common/net/hub.h"
#include "common/net/tls.h"
#include "tests/support/certificate.h"
#include "tests/support/log_lines.h"
#include "tests/support/test.h"

#include <openssl/err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char dir[64];

struct fixture {
	struct loop *loop;
	struct workers *workers;
	struct hub *hub;
	struct tls_context *tls;
	struct conf *conf;
	pthread_t thread;
};

/* 's' starts TLS, 'd' sets a deadline, at which it says "late", 'b' answers both channel bindings
 * in hex, 'L' writes 4 MB, anything else is echoed. */
static void
write_binding(struct conn *c, const char *type)
{
	CLEANUP(arena_free) struct arena *a = arena_new(4096);
	struct str s;

	if (conn_tls_binding(c, type, a, &s)) {
		conn_puts(c, "none ");
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		conn_printf(c, "%02x", (unsigned char)s.p[i]);
	conn_puts(c, " ");
}

static enum conn_turn
turn(void *session, struct conn *c, unsigned events)
{
	size_t *left = session;

	if (events & CONN_EV_TIMEOUT)
		conn_puts(c, "late");
	if (events & (CONN_EV_OPEN | CONN_EV_TLS))
		conn_puts(c, conn_is_tls(c) ? "T" : "P");
	for (struct str in; (in = conn_input(c)).n;) {
		char ch = in.p[0];
		conn_consume(c, 1);
		if (ch == 's') {
			conn_puts(c, "g");
			return CONN_TLS;
		}
		if (ch == 'b') {
			write_binding(c, "tls-exporter");
			write_binding(c, "tls-server-end-point");
			conn_puts(c, "\n");
		} else if (ch == 'd') {
			conn_set_deadline(c, 1500);
		} else if (ch == 'L') {
			*left = 4 << 20;
		} else {
			conn_write(c, &ch, 1);
		}
	}
	while (*left && !conn_out_full(c)) {
		static const char block[4096];
		conn_write(c, block, sizeof(block));
		*left -= sizeof(block);
	}
	return *left ? CONN_DRAIN : CONN_READ;
}

static void
done(void *session)
{
	free(session);
}

static const struct session_ops ops = {.turn = turn, .done = done};

static void
closed(void *arg, struct conn *c)
{
	(void)arg, (void)c;
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
setup(struct fixture *f)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	char path[256];

	signal(SIGPIPE, SIG_IGN); /* as server.c does: OpenSSL writes with write(2) */
	snprintf(dir, sizeof(dir), "%s", test_mkdir());
	for (int i = 0; i < 2; i++) {
		char cert[128], key[128];
		snprintf(cert, sizeof(cert), "%s/%d.pem", dir, i);
		snprintf(key, sizeof(key), "%s/%d.key", dir, i);
		test_certificate(i ? "other.test" : "mail.test", cert, key);
	}
	snprintf(path, sizeof(path), "%s/p.conf", dir);
	FILE *file = fopen(path, "w");
	fprintf(file,
	    "hostname = \"mail.test\"\ndata_dir = \"%s\"\nrun_dir = \"%s\"\n"
	    "tls \"default\" {\n certificate = \"%s/0.pem\"\n key = \"%s/0.key\"\n}\n"
	    "tls \"other.test\" {\n certificate = \"%s/1.pem\"\n key = \"%s/1.key\"\n}\n",
	    dir, dir, dir, dir, dir, dir);
	fclose(file);
	enum err e = conf_load(path, &f->conf, &problem);
	ck_assert_msg(!e, "%s", sbuf_cstr(&problem));
	ck_assert_ok(tls_context_new(f->conf, "imap", &f->tls, &problem));
	ck_assert_ok(loop_new(&f->loop));
	ck_assert_ok(workers_start(2, &f->workers));
	ck_assert_ok(hub_new(f->workers, f->loop, closed, f, &f->hub));
	pthread_create(&f->thread, NULL, run_loop, f->loop);
}

static void
teardown(struct fixture *f)
{
	hub_kill(f->hub);
	while (hub_count(f->hub))
		usleep(1000);
	loop_stop(f->loop); /* first, as in server.c: its timers reach for the workers */
	pthread_join(f->thread, NULL);
	workers_stop(&f->workers);
	hub_free(&f->hub);
	loop_free(&f->loop);
	tls_context_unref(&f->tls);
	conf_unref(&f->conf);
	test_rmdir(dir);
}

static int
connect_client(struct fixture *f, bool implicit)
{
	int fds[2];
	struct sockaddr sa = {.sa_family = AF_UNIX};
	const struct timeval patience = {5, 0};

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	struct conn *c = hub_add(f->hub, fds[0], &sa, f->tls, 0);
	hub_start(c, &ops, calloc(1, sizeof(size_t)), implicit, 5000);
	return fds[1];
}

static SSL *
handshake(SSL_CTX *ctx, int fd, const char *sni, bool *ret_ok)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, fd);
	if (sni)
		SSL_set_tlsext_host_name(ssl, sni);
	bool ok = SSL_connect(ssl) == 1;
	ERR_clear_error();
	if (ret_ok)
		*ret_ok = ok;
	else
		ck_assert(ok);
	return ssl;
}

static void
expect(SSL *ssl, const char *text)
{
	char buf[256] = "";
	size_t got = 0;

	while (got < strlen(text)) {
		int n = SSL_read(ssl, buf + got, (int)(strlen(text) - got));
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	ck_assert_str_eq(buf, text);
}

static void
common_name(SSL *ssl, char *out, int n)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);

	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, n);
	X509_free(cert);
}

START_TEST(implicit_tls_greets_after_the_handshake_with_the_certificate_asked_for)
{
	struct fixture f;
	char name[64];
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	setup(&f);
	static const char *const hosts[][2] = {{NULL, "mail.test"}, {"other.test", "other.test"},
	    {"OTHER.test", "other.test"}, {"unknown.test", "mail.test"}};
	for (size_t i = 0; i < 4; i++) {
		int fd = connect_client(&f, true);
		SSL *ssl = handshake(ctx, fd, hosts[i][0], NULL);
		expect(ssl, "T");
		common_name(ssl, name, sizeof(name));
		ck_assert_str_eq(name, hosts[i][1]);
		SSL_free(ssl);
		close(fd);
	}
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

/* The default's certificate is shown, or the handshake fails; the log has at most the reason. */
START_TEST(a_host_name_that_would_forge_lines_of_the_log_asks_for_no_certificate)
{
	struct fixture f;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	setup(&f);
	log_lines_begin();
	for (const char *const *evil = log_lines_evil; *evil; evil++) {
		int fd = connect_client(&f, true);
		SSL *ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		if (SSL_set_tlsext_host_name(ssl, *evil) == 1 && SSL_connect(ssl) == 1)
			expect(ssl, "T");
		SSL_free(ssl);
		close(fd);
	}
	SSL_CTX_free(ctx);
	teardown(&f);
	ck_assert_ptr_null(strstr(log_lines_end(), "root"));
}
END_TEST

START_TEST(starttls_forgets_plaintext_and_goes_on_encrypted)
{
	struct fixture f;
	char buf[8] = "";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	setup(&f);
	int fd = connect_client(&f, false);
	ck_assert_int_eq(read(fd, buf, 1), 1);
	ck_assert_int_eq(write(fd, "sEVIL", 5), 5);
	ck_assert_int_eq(read(fd, buf, 1), 1);
	ck_assert_int_eq(buf[0], 'g');
	SSL *ssl = handshake(ctx, fd, NULL, NULL);
	expect(ssl, "T");
	ck_assert_int_eq(SSL_write(ssl, "ok", 2), 2);
	expect(ssl, "ok");
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

START_TEST(a_session_keeps_its_deadline_across_starttls)
{
	struct fixture f;
	char buf[8] = "";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	setup(&f);
	int fd = connect_client(&f, false);
	ck_assert_int_eq(read(fd, buf, 1), 1);
	ck_assert_int_eq(write(fd, "ds", 2), 2);
	ck_assert_int_eq(read(fd, buf, 1), 1);
	SSL *ssl = handshake(ctx, fd, NULL, NULL);
	expect(ssl, "Tlate");
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

START_TEST(large_output_crosses_tls_whole)
{
	struct fixture f;
	char buf[65536];
	size_t got = 0;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	setup(&f);
	int fd = connect_client(&f, true);
	SSL *ssl = handshake(ctx, fd, NULL, NULL);
	expect(ssl, "T");
	SSL_write(ssl, "L", 1);
	while (got < 4 << 20) {
		int n = SSL_read(ssl, buf, sizeof(buf));
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	ck_assert_uint_eq(got, 4 << 20);
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

static enum fullness
fullness(void *arg)
{
	return (enum fullness)atomic_load((atomic_int *)arg);
}

/* A record of TLS can be begun and left so: each connection may come to hold one. */
START_TEST(where_memory_is_brimful_no_handshake_goes_on)
{
	struct fixture f;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	atomic_int is = MEMORY_FULL;

	setup(&f);
	hub_set_memory(f.hub, fullness, &is);
	int fd = connect_client(&f, true);
	SSL *ssl = handshake(ctx, fd, NULL, NULL);
	expect(ssl, "T");
	ck_assert_uint_eq(hub_may_need(f.hub), TLS_RECORD_ROOM);
	atomic_store(&is, MEMORY_BRIMFUL);
	int late = connect_client(&f, true);
	SSL *refused = SSL_new(ctx);
	SSL_set_fd(refused, late);
	ck_assert_int_le(SSL_connect(refused), 0);
	SSL_free(refused);
	close(late);
	/* who has shaken hands before goes on */
	SSL_write(ssl, "x", 1);
	expect(ssl, "x");
	SSL_free(ssl);
	close(fd);
	for (int i = 0; i < 500 && hub_count(f.hub); i++)
		usleep(10000);
	ck_assert_uint_eq(hub_may_need(f.hub), 0);
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

static SSL_SESSION *ticket;

static int
keep_ticket(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(ticket);
	ticket = s;
	return 1;
}

START_TEST(sessions_resume_also_under_another_host_name)
{
	struct fixture f;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
	setup(&f);
	for (int i = 0; i < 2; i++) {
		int fd = connect_client(&f, true);
		SSL *ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		SSL_set_tlsext_host_name(ssl, "other.test");
		if (i)
			SSL_set_session(ssl, ticket);
		ck_assert_int_eq(SSL_connect(ssl), 1);
		expect(ssl, "T");
		ck_assert_int_eq(SSL_session_reused(ssl), i);
		SSL_shutdown(ssl);
		SSL_free(ssl);
		close(fd);
	}
	SSL_SESSION_free(ticket);
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

START_TEST(another_protocols_alpn_and_old_tls_are_refused)
{
	struct fixture f;
	bool ok;

	setup(&f);
	for (int i = 0; i < 3; i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		if (i == 0)
			SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x04imap", 5);
		else if (i == 1)
			SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08http/1.1", 9);
		else
			SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
		int fd = connect_client(&f, true);
		SSL *ssl = handshake(ctx, fd, NULL, &ok);
		ck_assert_int_eq(ok, i == 0);
		SSL_free(ssl);
		close(fd);
		SSL_CTX_free(ctx);
	}
	teardown(&f);
}
END_TEST

START_TEST(channel_bindings_are_those_the_client_computes)
{
	struct fixture f;
	unsigned char exporter[32];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_n;
	char wanted[256] = "";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	setup(&f);
	int fd = connect_client(&f, true);
	SSL *ssl = handshake(ctx, fd, "other.test", NULL);
	expect(ssl, "T");
	SSL_export_keying_material(
	    ssl, exporter, 32, "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0, 1);
	X509 *cert = SSL_get1_peer_certificate(ssl);
	X509_digest(cert, EVP_sha256(), digest, &digest_n);
	X509_free(cert);
	for (size_t i = 0; i < 32; i++)
		sprintf(wanted + strlen(wanted), "%02x", exporter[i]);
	strcat(wanted, " ");
	for (size_t i = 0; i < digest_n; i++)
		sprintf(wanted + strlen(wanted), "%02x", digest[i]);
	SSL_write(ssl, "b", 1);
	expect(ssl, wanted);
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(ctx);
	teardown(&f);
}
END_TEST

START_TEST(a_peer_that_talks_no_tls_is_dropped)
{
	struct fixture f;
	char buf[64];

	setup(&f);
	int fd = connect_client(&f, true);
	ck_assert_int_gt(write(fd, "EHLO x\r\nEHLO y\r\n", 16), 0);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	for (int i = 0; i < 2000 && hub_count(f.hub); i++)
		usleep(1000);
	ck_assert_uint_eq(hub_count(f.hub), 0);
	close(fd);
	teardown(&f);
}
END_TEST

static void
count_failures(void *arg, struct str line)
{
	atomic_uint *lines = arg; /* of several threads */

	*lines += str_find_nocase(line, STR("tls_handshake_failed ")) != STR_NONE;
}

START_TEST(handshakes_that_fail_without_end_take_few_lines_of_the_log)
{
	struct fixture f;
	atomic_uint lines = 0;
	CLEANUP(metrics_cells_free) struct metrics_cells *before = metrics_read();
	size_t failed = metrics_index_of(metrics_tls_result, "failed");

	setup(&f);
	log_capture(count_failures, &lines);
	for (int i = 0; i < 300; i++) {
		int fd = connect_client(&f, true);
		ck_assert_int_gt(write(fd, "GET /\r\n", 7), 0);
		close(fd);
	}
	for (int i = 0; i < 2000 && hub_count(f.hub); i++)
		usleep(1000);
	ck_assert_uint_eq(hub_count(f.hub), 0);
	log_capture(NULL, NULL);
	teardown(&f);
	CLEANUP(metrics_cells_free) struct metrics_cells *after = metrics_read();
	ck_assert_uint_eq(metrics_cell(&after->tls_handshakes[failed]) -
			      metrics_cell(&before->tls_handshakes[failed]),
	    300);
	ck_assert_uint_ge(lines, 60);
	ck_assert_uint_le(lines, 62); /* where a minute ends */
}
END_TEST

static void
write_blanks(const char *path, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	while (n-- > 0)
		fputc('\n', f);
	fclose(f);
}

START_TEST(a_key_that_cannot_be_used_is_said_why)
{
	struct fixture f;
	char key[128];
	static const char *const reasons[] = {
	    "No such file or directory", "Is a directory", "File too large", " routines::"};

	setup(&f);
	snprintf(key, sizeof(key), "%s/0.key", dir);
	unlink(key);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
		struct tls_context *tls = NULL;
		if (i == 1)
			ck_assert_int_eq(mkdir(key, 0700), 0);
		if (i == 2)
			ck_assert_int_eq(rmdir(key), 0);
		if (i >= 2)
			write_blanks(key, i == 2 ? 65536 : 10);
		ck_assert_int_eq(tls_context_new(f.conf, "imap", &tls, &problem), ERR_CONFIG);
		ck_assert_ptr_nonnull(strstr(sbuf_cstr(&problem), key));
		ck_assert_msg(
		    strstr(sbuf_cstr(&problem), reasons[i]) != NULL, "%s", sbuf_cstr(&problem));
	}
	teardown(&f);
}
END_TEST

TEST_MAIN("tls", where_memory_is_brimful_no_handshake_goes_on,
    a_host_name_that_would_forge_lines_of_the_log_asks_for_no_certificate,
    a_key_that_cannot_be_used_is_said_why,
    implicit_tls_greets_after_the_handshake_with_the_certificate_asked_for,
    starttls_forgets_plaintext_and_goes_on_encrypted, a_session_keeps_its_deadline_across_starttls,
    large_output_crosses_tls_whole, sessions_resume_also_under_another_host_name,
    another_protocols_alpn_and_old_tls_are_refused, channel_bindings_are_those_the_client_computes,
    a_peer_that_talks_no_tls_is_dropped, handshakes_that_fail_without_end_take_few_lines_of_the_log)
