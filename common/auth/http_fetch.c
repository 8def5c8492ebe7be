#include "common/auth/http_fetch.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#define STATUS_MAX 100 /* octets of a status line, for the log */
#define REQUEST_MAX (128 * 1024)

struct url {
	char *host, *port, *path, *query;
	int tls;
};

static void
url_done(struct url *u)
{
	OPENSSL_free(u->host);
	OPENSSL_free(u->port);
	OPENSSL_free(u->path);
	OPENSSL_free(u->query);
}

static bool
url_parse(const char *text, struct url *u)
{
	return OSSL_HTTP_parse_url(
		   text, &u->tls, NULL, &u->host, &u->port, NULL, &u->path, &u->query, NULL) == 1;
}

/* -- TLS -------------------------------------------------------------------------------------- */

struct tls {
	SSL_CTX *ctx;
	const char *host;
};

static void
tls_done(struct tls *t)
{
	SSL_CTX_free(t->ctx);
}

static bool
tls_init(struct tls *t, const char *host, const char *ca_file)
{
	t->host = host;
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (!t->ctx)
		return false;
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	return ca_file && *ca_file ? SSL_CTX_load_verify_locations(t->ctx, ca_file, NULL) == 1
				   : SSL_CTX_set_default_verify_paths(t->ctx) == 1;
}

static bool
expect_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* TLS over `tcp`, which it takes over. */
static BIO *
wrap_connection(struct tls *t, BIO *tcp)
{
	BIO *over = BIO_new_ssl(t->ctx, 1);
	SSL *ssl = NULL;

	if (!over || BIO_get_ssl(over, &ssl) != 1 || !expect_host(ssl, t->host)) {
		BIO_free(over);
		BIO_free_all(tcp);
		return NULL;
	}
	return BIO_push(over, tcp);
}

/* -- asking ----------------------------------------------------------------------------------- */

static void
free_bio(BIO **b)
{
	BIO_free_all(*b);
}

/* Waits until what the last call wanted is possible. False: it failed, or time is up. BIO_wait()
 * and BIO_do_connect_retry() go by the wall clock, which somebody may set meanwhile. */
static bool
may_retry(BIO *bio, int64_t until_ms)
{
	int fd = -1, n = -1;

	if (!BIO_should_retry(bio) || BIO_get_fd(bio, &fd) < 0)
		return false;
	struct pollfd p = {.fd = fd, .events = BIO_should_read(bio) ? POLLIN : POLLOUT};
	for (int64_t left_ms; (left_ms = until_ms - clock_mono_ms()) > 0;) {
		n = poll(&p, 1, (int)left_ms);
		if (n >= 0 || errno != EINTR)
			break;
	}
	return n > 0;
}

/* A connection to `host`, a name or an address. */
static BIO *
connect_once(const char *host, const char *port, int64_t until_ms)
{
	CLEANUP(free_bio) BIO *tcp = BIO_new(BIO_s_connect());

	if (!tcp)
		return NULL;
	BIO_set_conn_hostname(tcp, host);
	BIO_set_conn_port(tcp, port);
	BIO_set_nbio(tcp, 1);
	while (BIO_do_connect(tcp) != 1) {
		if (!may_retry(tcp, until_ms))
			return NULL;
	}
	return MOVE_PTR(tcp);
}

#define ADDRESS_TEXT (INET6_ADDRSTRLEN + 2)

/* "192.0.2.1", "[2001:db8::1]" */
static void
address_text(const struct sockaddr_storage *a, char text[ADDRESS_TEXT])
{
	char six[INET6_ADDRSTRLEN] = "";

	if (a->ss_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, text, ADDRESS_TEXT);
		return;
	}
	inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, six, sizeof(six));
	snprintf(text, ADDRESS_TEXT, "[%s]", six);
}

static BIO *
connect_to(const struct http_request *r, const struct url *u, struct tls *t, int64_t until_ms)
{
	BIO *tcp = NULL;

	if (r->address_count == 0)
		tcp = connect_once(u->host, u->port, until_ms);
	for (size_t i = 0; i < r->address_count && !tcp; i++) {
		char text[ADDRESS_TEXT];
		/* each has its share of the time that is left */
		int64_t now_ms = clock_mono_ms();
		int64_t share_ms = (until_ms - now_ms) / (int64_t)(r->address_count - i);
		address_text(&r->addresses[i], text);
		tcp = connect_once(text, u->port, now_ms + (share_ms > 0 ? share_ms : 1));
	}
	return tcp && u->tls ? wrap_connection(t, tcp) : tcp;
}

static enum err
write_all(BIO *bio, struct str text, int64_t until_ms)
{
	while (text.n > 0) {
		int n = BIO_write(bio, text.p, (int)text.n);
		if (n > 0)
			text = str_skip(text, (size_t)n);
		else if (!may_retry(bio, until_ms))
			return ERR_IO;
	}
	return ERR_OK;
}

/* Up to the peer's end: HTTP/1.0 has no chunks and closes. */
static enum err
read_all(BIO *bio, int64_t until_ms, struct sbuf *ret)
{
	for (;;) {
		char block[4096];
		int n = BIO_read(bio, block, sizeof(block));

		if (n > 0) {
			sbuf_put(ret, str_make(block, (size_t)n));
			if (sbuf_error(ret))
				return ERR_TOO_BIG;
		} else if (!BIO_should_retry(bio)) {
			return ERR_OK; /* cut short or not, the body's own grammar tells */
		} else if (!may_retry(bio, until_ms)) {
			return ERR_IO;
		}
	}
}

static void
put_request(const struct http_request *r, const struct url *u, struct sbuf *out)
{
	sbuf_printf(out, "%s %s%s%s HTTP/1.0\r\nHost: %s:%s\r\nAccept: %s\r\n",
	    r->form.p ? "POST" : "GET", u->path, *u->query ? "?" : "", u->query, u->host, u->port,
	    r->accept ? r->accept : "application/json");
	if (r->authorization)
		sbuf_printf(out, "Authorization: %s\r\n", r->authorization);
	if (r->form.p)
		sbuf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    r->form_type ? r->form_type : "application/x-www-form-urlencoded", r->form.n);
	sbuf_puts(out, "\r\n");
	sbuf_put(out, r->form);
}

static void
wipe(struct sbuf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->n);
	sbuf_done(b);
}

static bool
is_untrusted(BIO *bio)
{
	SSL *ssl = NULL;

	return BIO_get_ssl(bio, &ssl) == 1 && ssl && SSL_get_verify_result(ssl) != X509_V_OK;
}

static enum err
exchange(const struct http_request *r, const struct url *u, struct tls *t, struct sbuf *ret_body,
    enum http_failure *failure)
{
	CLEANUP(wipe) struct sbuf request = SBUF_INIT(r->form.n + REQUEST_MAX);
	CLEANUP(sbuf_done) struct sbuf answer = SBUF_INIT(HTTP_FETCH_MAX);
	int64_t until_ms =
	    clock_mono_ms() + (r->timeout_ms ? r->timeout_ms : HTTP_FETCH_TIMEOUT_S * 1000);
	CLEANUP(free_bio) BIO *bio = connect_to(r, u, t, until_ms);

	if (!bio)
		return ERR_IO;
	sbuf_reserve(&request, r->form.n + 4096); /* in one piece, so that one wipe gets all */
	put_request(r, u, &request);
	if (sbuf_error(&request))
		return ERR_TOO_BIG;
	enum err e = write_all(bio, sbuf_view(&request), until_ms);
	if (!e)
		e = read_all(bio, until_ms, &answer);
	if (u->tls && is_untrusted(bio)) {
		*failure = HTTP_NOT_TRUSTED;
		return ERR_IO;
	}
	if (e == ERR_TOO_BIG)
		*failure = HTTP_WRONG_KIND;
	return e ? e : http_answer_body(r, sbuf_view(&answer), ret_body, failure);
}

enum err
http_fetch(const struct http_request *r, struct sbuf *ret_body)
{
	CLEANUP(url_done) struct url u = {0};
	CLEANUP(tls_done) struct tls t = {0};
	enum http_failure failure = HTTP_FAILED;

	ERR_clear_error();
	enum err e = url_parse(r->url, &u) ? ERR_OK : ERR_IO;
	if (!e && u.tls && !tls_init(&t, u.host, r->ca_file))
		e = ERR_IO;
	if (!e)
		e = exchange(r, &u, &t, ret_body, &failure);
	if (e) {
		char why[200] = "no good answer in time";
		unsigned long code = ERR_peek_last_error();
		if (code)
			ERR_error_string_n(code, why, sizeof(why));
		if (r->failure)
			*r->failure = failure;
		if (r->event) /* a stranger's server, nothing of ours */
			log_info(r->event, F_CSTR("url", r->url), F_CSTR("reason", why));
		else
			log_error("oauth_provider_failed", F_CSTR("url", r->url), F_ERR(e),
			    F_CSTR("reason", why));
	}
	ERR_clear_error();
	return e;
}
