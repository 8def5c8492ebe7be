/* Connections that we open, on real sockets, and their TLS against OpenSSL's server. */
#include "common/net/dial.h"

#include "tests/support/certificate.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/un.h>

/* What a test sees of a connection when it is over. */
struct seen {
	atomic_bool over, heard;
	bool opened, tls, failed;
	char failure[200], error[64], input[64];
	bool verified;
	/* what it does */
	bool starts_tls;
	struct tls_rules rules;
	bool writes_much;
};

struct fixture {
	struct loop *loop;
	struct workers *workers;
	struct hub *hub;
	pthread_t thread;
	atomic_int closed;
	struct sockaddr_in address;
	int listening;
	char dir[64];
};

static enum conn_turn
turn(void *session, struct conn *c, unsigned events)
{
	struct seen *s = session;
	static const char much[64 * 1024];

	if (events & (CONN_EV_FAILED | CONN_EV_TLS)) {
		const struct tls_outcome *o = conn_tls_outcome(c);
		s->verified = o->verified;
		snprintf(s->error, sizeof(s->error), "%s", o->error ? o->error : "");
	}
	if (events & CONN_EV_FAILED) {
		s->failed = true;
		snprintf(s->failure, sizeof(s->failure), "%s", conn_failure(c));
		return CONN_CLOSE;
	}
	if (events & CONN_EV_OPEN) {
		s->opened = true;
		if (s->starts_tls) {
			ck_assert_ok(conn_tls_expect(c, &s->rules));
			conn_puts(c, "s");
			conn_set_deadline(c, 3000);
			return CONN_TLS;
		}
		conn_puts(c, "hello");
	}
	if (events & CONN_EV_TLS) {
		s->tls = conn_is_tls(c);
		conn_puts(c, "hello");
	}
	struct str in = conn_input(c);
	if (in.n)
		snprintf(s->input, sizeof(s->input), "%.*s", STR_ARG(in));
	if (in.n)
		atomic_store(&s->heard, true);
	conn_consume(c, in.n);
	if (events & CONN_EV_EOF || (in.n && !s->writes_much))
		return CONN_CLOSE;
	if (!s->writes_much)
		return CONN_READ;
	while (!conn_out_full(c))
		conn_write(c, much, sizeof(much));
	return CONN_DRAIN;
}

static void
done(void *session)
{
	atomic_store(&((struct seen *)session)->over, true);
}

static const struct session_ops ops = {.turn = turn, .done = done};

static void
closed(void *arg, struct conn *c)
{
	struct fixture *f = arg;

	(void)c;
	atomic_fetch_add(&f->closed, 1);
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
	socklen_t n = sizeof(f->address);

	memset(f, 0, sizeof(*f));
	signal(SIGPIPE, SIG_IGN);
	snprintf(f->dir, sizeof(f->dir), "%s", test_mkdir());
	ck_assert_ok(loop_new(&f->loop));
	ck_assert_ok(workers_start(2, &f->workers));
	ck_assert_ok(hub_new(f->workers, f->loop, closed, f, &f->hub));
	pthread_create(&f->thread, NULL, run_loop, f->loop);
	f->address.sin_family = AF_INET;
	f->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->listening = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(f->listening, (struct sockaddr *)&f->address, n), 0);
	ck_assert_int_eq(listen(f->listening, 8), 0);
	getsockname(f->listening, (struct sockaddr *)&f->address, &n);
}

static void
teardown(struct fixture *f)
{
	hub_kill(f->hub);
	while (hub_count(f->hub))
		usleep(1000);
	ck_assert_int_eq(atomic_load(&f->closed), 0); /* what we open is not counted as a peer's */
	loop_stop(f->loop);
	pthread_join(f->thread, NULL);
	workers_stop(&f->workers);
	hub_free(&f->hub);
	loop_free(&f->loop);
	fd_close(&f->listening);
	test_rmdir(f->dir);
}

static void
dial(struct fixture *f, struct dial *d, struct seen *s)
{
	d->to = d->to ? d->to : (struct sockaddr *)&f->address;
	d->timeout_ms = d->timeout_ms ? d->timeout_ms : 3000;
	struct conn *c = dial_new(f->hub, d);
	ck_assert_ptr_nonnull(c);
	dial_start(c, &ops, s);
}

static void
wait_for(struct seen *s)
{
	for (int i = 0; i < 8000 && !atomic_load(&s->over); i++)
		usleep(1000);
	ck_assert(atomic_load(&s->over));
}

START_TEST(a_connection_opens_talks_and_ends)
{
	struct fixture f;
	struct seen s = {0};
	char buf[16] = "";

	setup(&f);
	dial(&f, &(struct dial){.source = "127.0.0.1"}, &s);
	int fd = accept(f.listening, NULL, NULL);
	ck_assert_int_eq(read(fd, buf, 5), 5);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_eq(write(fd, "answer", 6), 6);
	wait_for(&s);
	close(fd);
	ck_assert(s.opened && !s.failed);
	ck_assert_str_eq(s.input, "answer");
	teardown(&f);
}
END_TEST

START_TEST(a_connection_that_cannot_be_made_is_told_in_a_turn)
{
	struct fixture f;
	struct seen refused = {0}, no_path = {0}, no_source = {0};
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/lmtp.sock"};

	setup(&f);
	fd_close(&f.listening);
	dial(&f, &(struct dial){0}, &refused);
	wait_for(&refused);
	ck_assert(refused.failed && !refused.opened);
	ck_assert_str_eq(refused.failure, "Connection refused");
	dial(&f, &(struct dial){.to = (struct sockaddr *)&path}, &no_path);
	wait_for(&no_path);
	ck_assert_str_eq(no_path.failure, "No such file or directory");
	dial(&f, &(struct dial){.source = "192.0.2.1"}, &no_source);
	wait_for(&no_source);
	ck_assert_str_eq(no_source.failure, "Cannot assign requested address");
	teardown(&f);
}
END_TEST

/* A listener whose queue is full answers no SYN. */
START_TEST(a_connection_that_is_not_answered_ends_at_its_time)
{
	struct fixture f;
	struct seen s = {0};
	int fill[8];

	setup(&f);
	listen(f.listening, 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&f.address, sizeof(f.address));
	}
	dial(&f, &(struct dial){.timeout_ms = 100}, &s);
	wait_for(&s);
	ck_assert(s.failed && !s.opened);
	ck_assert_str_eq(s.failure, "Connection timed out");
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
	teardown(&f);
}
END_TEST

START_TEST(a_stop_ends_a_connection_that_is_being_made)
{
	struct fixture f;
	struct seen s = {0};
	int fill[8];

	setup(&f);
	listen(f.listening, 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&f.address, sizeof(f.address));
	}
	dial(&f, &(struct dial){.timeout_ms = 60000}, &s);
	usleep(20000);
	hub_stop(f.hub);
	wait_for(&s);
	ck_assert_str_eq(s.failure, "stopping");
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
	teardown(&f);
}
END_TEST

/* What a server says before it breaks the connection is heard, though we were writing. */
START_TEST(last_words_are_heard_while_much_is_written)
{
	for (int reset = 0; reset < 2; reset++) {
		struct fixture f;
		struct seen s = {.writes_much = true};

		setup(&f);
		dial(&f, &(struct dial){0}, &s);
		int fd = accept(f.listening, NULL, NULL);
		ck_assert_int_eq(write(fd, "552 too much", 12), 12);
		for (int i = 0; i < 5000 && !atomic_load(&s.heard); i++)
			usleep(1000);
		ck_assert(atomic_load(&s.heard));
		if (reset) {
			struct linger hard = {1, 0};
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		}
		close(fd);
		wait_for(&s);
		ck_assert_str_eq(s.input, "552 too much");
		teardown(&f);
	}
}
END_TEST

/* -- TLS ------------------------------------------------------------------------------------- */

struct server {
	int listening;
	const char *certificate, *key;
	bool starttls, hangs_up;
	char sni[128];
};

static int
note_sni(SSL *ssl, int *alert, void *arg)
{
	struct server *sv = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	snprintf(sv->sni, sizeof(sv->sni), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

/* One connection: a handshake, five octets, an answer. */
static void *
serve_tls(void *arg)
{
	struct server *sv = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char buf[16];
	int fd = accept(sv->listening, NULL, NULL);

	SSL_CTX_set_tlsext_servername_callback(ctx, note_sni);
	SSL_CTX_set_tlsext_servername_arg(ctx, sv);
	ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(ctx, sv->certificate), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ctx, sv->key, SSL_FILETYPE_PEM), 1);
	if (sv->starttls)
		ck_assert_int_eq(read(fd, buf, 1), 1);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (!sv->hangs_up && SSL_accept(ssl) == 1 && SSL_read(ssl, buf, 5) == 5)
		SSL_write(ssl, "answer", 6);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(ctx);
	return NULL;
}

static void
tlsa_of(const char *path, uint8_t usage, int which, struct tls_tlsa *t, unsigned char hash[64])
{
	FILE *file = fopen(path, "r");
	unsigned n = 0;
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);

	if (which > 0) { /* the authority's, behind it */
		X509_free(cert);
		cert = PEM_read_X509(file, NULL, NULL, NULL);
	}
	fclose(file);
	ck_assert_int_eq(X509_pubkey_digest(cert, EVP_sha1(), hash, &n), 1);
	unsigned char *der = NULL;
	int der_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	EVP_Digest(der, (size_t)der_n, hash, &n, EVP_sha256(), NULL);
	OPENSSL_free(der);
	X509_free(cert);
	*t = (struct tls_tlsa){usage, 1, 1, str_make(hash, n)};
}

struct handshake {
	const char *what;
	/* the server's */
	const char *common_name, *san;
	int days;
	bool hangs_up;
	/* the client's */
	enum tls_proof proof;
	const char *expects; /* a name */
	bool knows_authority, lenient;
	int tlsa_usage; /* -1: of another key; 0 none */
	/* what comes of it */
	const char *failure;
	const char *error;
	bool verified;
};

static const struct handshake handshakes[] = {
    {"any certificate will do", "x", NULL, 30, false, TLS_PROOF_NONE, NULL, false, false, 0, NULL,
	"", false},
    {"one that has ended, too", "x", NULL, -2, false, TLS_PROOF_NONE, NULL, false, false, 0, NULL,
	"", false},
    {"a server that hangs up", "x", NULL, 30, true, TLS_PROOF_NONE, NULL, false, false, 0,
	"TLS handshake: ", "validation-failure", false},
    {"a chain and the name", "x", "DNS:mx.example.test", 30, false, TLS_PROOF_NAMES,
	"mx.example.test", true, false, 0, NULL, "", true},
    {"a wildcard of one label", "x", "DNS:*.example.test", 30, false, TLS_PROOF_NAMES,
	"mx.example.test", true, false, 0, NULL, "", true},
    {"a wildcard of two labels", "x", "DNS:*.test", 30, false, TLS_PROOF_NAMES, "mx.example.test",
	true, false, 0, "TLS handshake: ", "certificate-host-mismatch", false},
    {"half a label", "x", "DNS:m*.example.test", 30, false, TLS_PROOF_NAMES, "mx.example.test",
	true, false, 0, "TLS handshake: ", "certificate-host-mismatch", false},
    {"the name in the subject only", "mx.example.test", NULL, 30, false, TLS_PROOF_NAMES,
	"mx.example.test", true, false, 0, "TLS handshake: ", "certificate-host-mismatch", false},
    {"another name", "x", "DNS:mx.example.org", 30, false, TLS_PROOF_NAMES, "mx.example.test", true,
	false, 0, "TLS handshake: ", "certificate-host-mismatch", false},
    {"an address", "x", "IP:127.0.0.1", 30, false, TLS_PROOF_NAMES, "127.0.0.1", true, false, 0,
	NULL, "", true},
    {"ended", "x", "DNS:mx.example.test", -2, false, TLS_PROOF_NAMES, "mx.example.test", true,
	false, 0, "TLS handshake: ", "certificate-expired", false},
    {"an authority nobody knows", "x", "DNS:mx.example.test", 30, false, TLS_PROOF_NAMES,
	"mx.example.test", false, false, 0, "TLS handshake: ", "certificate-not-trusted", false},
    {"the same, being tested", "x", "DNS:mx.example.test", 30, false, TLS_PROOF_NAMES,
	"mx.example.test", false, true, 0, NULL, "certificate-not-trusted", false},
    {"DANE-EE: neither name nor date count", "x", "DNS:other.test", -2, false, TLS_PROOF_DANE,
	"mx.example.test", false, false, 3, NULL, "", true},
    {"DANE-TA", "x", "DNS:mx.example.test", 30, false, TLS_PROOF_DANE, "mx.example.test", false,
	false, 2, NULL, "", true},
    {"DANE-TA: there names count", "x", "DNS:other.test", 30, false, TLS_PROOF_DANE,
	"mx.example.test", false, false, 2, "TLS handshake: ", "certificate-host-mismatch", false},
    {"DANE: another key", "x", "DNS:mx.example.test", 30, false, TLS_PROOF_DANE, "mx.example.test",
	false, false, -1, "TLS handshake: ", "validation-failure", false},
    {"DANE: PKIX usages say nothing to mail", "x", "DNS:mx.example.test", 30, false, TLS_PROOF_DANE,
	"mx.example.test", false, false, 1, NULL, "tlsa-invalid", false},
};

static void
shake_hands(struct fixture *f, const struct handshake *h, struct test_authority *ca, bool implicit)
{
	char cert[128], key[128], authorities[128];
	unsigned char hash[64];
	struct tls_tlsa tlsa = {0};
	struct str name = str_of(h->expects);
	struct seen s = {.starts_tls = !implicit};
	pthread_t thread;

	snprintf(cert, sizeof(cert), "%s/cert.pem", f->dir);
	snprintf(key, sizeof(key), "%s/key.pem", f->dir);
	snprintf(authorities, sizeof(authorities), "%s/ca.pem", f->dir);
	test_authority_sign(ca, h->common_name, h->san, h->days, cert, key);
	struct server sv = {.listening = f->listening,
	    .certificate = cert,
	    .key = key,
	    .starttls = !implicit,
	    .hangs_up = h->hangs_up};
	if (h->tlsa_usage) {
		uint8_t usage = h->tlsa_usage < 0 ? 3 : (uint8_t)h->tlsa_usage;
		tlsa_of(cert, usage, usage == 2, &tlsa, hash);
		if (h->tlsa_usage < 0)
			hash[0] ^= 1;
	}
	struct tls_rules rules = {.proof = h->proof,
	    .server_name = name,
	    .names = &name,
	    .name_count = h->expects ? 1 : 0,
	    .tlsa = &tlsa,
	    .tlsa_count = h->tlsa_usage ? 1 : 0,
	    .ca_file = h->knows_authority ? authorities : "",
	    .lenient = h->lenient};
	pthread_create(&thread, NULL, serve_tls, &sv);
	s.rules = rules;
	dial(f, &(struct dial){.implicit_tls = implicit, .rules = implicit ? &rules : NULL}, &s);
	wait_for(&s);
	pthread_join(thread, NULL);
	ck_assert_msg(s.failed == (h->failure != NULL), "%s: %s", h->what, s.failure);
	if (h->failure)
		ck_assert_msg(str_starts(str_of(s.failure), str_of(h->failure)), "%s: %s", h->what,
		    s.failure);
	else
		ck_assert_msg(strcmp(s.input, "answer") == 0, "%s: no answer", h->what);
	ck_assert_msg(strcmp(s.error, implicit && !h->failure ? "" : h->error) == 0,
	    "%s: %s for %s", h->what, s.error, h->error);
	ck_assert_msg(
	    implicit || s.verified == h->verified, "%s: verified %d", h->what, s.verified);
	bool names_host = h->expects && !ascii_is_digit(h->expects[0]);
	if (!h->hangs_up)
		ck_assert_str_eq(sv.sni, names_host ? h->expects : "");
}

START_TEST(a_handshake_proves_what_was_asked_for)
{
	struct fixture f;

	setup(&f);
	struct test_authority *ca = test_authority_new(f.dir);
	for (size_t i = 0; i < ARRAY_LEN(handshakes); i++)
		for (int implicit = 0; implicit < 2; implicit++)
			shake_hands(&f, &handshakes[i], ca, implicit);
	test_authority_free(&ca);
	teardown(&f);
}
END_TEST

START_TEST(authorities_that_cannot_be_read_are_told)
{
	struct fixture f;
	struct seen s = {.starts_tls = true};
	struct str name = STR("mx.example.test");

	setup(&f);
	s.rules = (struct tls_rules){.proof = TLS_PROOF_NAMES,
	    .names = &name,
	    .name_count = 1,
	    .ca_file = "/nonexistent/ca.pem"};
	dial(&f, &(struct dial){0}, &s);
	int fd = accept(f.listening, NULL, NULL);
	wait_for(&s);
	ck_assert_str_eq(s.failure, "TLS: the certificates of the authorities can't be read");
	close(fd);
	teardown(&f);
}
END_TEST

START_TEST(a_handshake_that_is_not_answered_ends_at_its_time)
{
	struct fixture f;
	struct seen s = {0};

	setup(&f);
	dial(&f, &(struct dial){.implicit_tls = true, .timeout_ms = 100}, &s);
	int fd = accept(f.listening, NULL, NULL);
	wait_for(&s);
	ck_assert_str_eq(s.failure, "TLS handshake: no answer in time");
	close(fd);
	teardown(&f);
}
END_TEST

TEST_MAIN("dial", a_connection_opens_talks_and_ends,
    a_connection_that_cannot_be_made_is_told_in_a_turn,
    a_connection_that_is_not_answered_ends_at_its_time, a_stop_ends_a_connection_that_is_being_made,
    last_words_are_heard_while_much_is_written, a_handshake_proves_what_was_asked_for,
    authorities_that_cannot_be_read_are_told, a_handshake_that_is_not_answered_ends_at_its_time)
