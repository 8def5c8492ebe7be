#include "common/auth/http_fetch.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <time.h>

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

static BIO *
connect_to(const struct url *u, struct tls *t)
{
	BIO *tcp = BIO_new(BIO_s_connect());

	if (!tcp)
		return NULL;
	BIO_set_conn_hostname(tcp, u->host);
	BIO_set_conn_port(tcp, u->port);
	BIO_set_nbio(tcp, 1);
	if (BIO_do_connect_retry(tcp, HTTP_FETCH_TIMEOUT_S, 20) != 1) {
		BIO_free_all(tcp);
		return NULL;
	}
	return u->tls ? wrap_connection(t, tcp) : tcp;
}

/* Waits until what the last call wanted is possible. False: it failed, or time is up. */
static bool
may_retry(BIO *bio, time_t until)
{
	return BIO_should_retry(bio) && BIO_wait(bio, until, 20) == 1;
}

static enum err
write_all(BIO *bio, struct str text, time_t until)
{
	while (text.n > 0) {
		int n = BIO_write(bio, text.p, (int)text.n);
		if (n > 0)
			text = str_skip(text, (size_t)n);
		else if (!may_retry(bio, until))
			return ERR_IO;
	}
	return ERR_OK;
}

/* Up to the peer's end: HTTP/1.0 has no chunks and closes. */
static enum err
read_all(BIO *bio, time_t until, struct sbuf *ret)
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
		} else if (BIO_wait(bio, until, 20) != 1) {
			return ERR_IO;
		}
	}
}

static void
put_request(const struct http_request *r, const struct url *u, struct sbuf *out)
{
	sbuf_printf(out, "%s %s%s%s HTTP/1.0\r\nHost: %s:%s\r\nAccept: application/json\r\n",
	    r->form.p ? "POST" : "GET", u->path, *u->query ? "?" : "", u->query, u->host, u->port);
	if (r->authorization)
		sbuf_printf(out, "Authorization: %s\r\n", r->authorization);
	if (r->form.p)
		sbuf_printf(out,
		    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n",
		    r->form.n);
	sbuf_puts(out, "\r\n");
	sbuf_put(out, r->form);
}

/* "HTTP/1.x 200 …", fields, an empty line, the body. */
static enum err
take_body(struct str answer, struct sbuf *ret_body)
{
	struct str version = STR("HTTP/1."), line;
	const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);

	if (!str_starts(answer, version) || !str_starts(str_sub(answer, 8, 5), STR(" 200 ")) ||
	    !end)
		return ERR_IO;
	struct str fields = str_make(answer.p, (size_t)(end - answer.p));
	while (str_split(&fields, '\n', &line))
		if (str_starts_nocase(line, STR("Transfer-Encoding:")))
			return ERR_IO; /* not to a request of HTTP/1.0: RFC 9112 §6.1 */
	sbuf_put(ret_body, str_skip(answer, (size_t)(end + 4 - answer.p)));
	return sbuf_error(ret_body) ? ERR_TOO_BIG : ERR_OK;
}

static void
wipe(struct sbuf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->n);
	sbuf_done(b);
}

static enum err
exchange(const struct http_request *r, const struct url *u, struct tls *t, struct sbuf *ret_body)
{
	CLEANUP(wipe) struct sbuf request = SBUF_INIT(REQUEST_MAX);
	CLEANUP(sbuf_done) struct sbuf answer = SBUF_INIT(HTTP_FETCH_MAX);
	time_t until = time(NULL) + HTTP_FETCH_TIMEOUT_S;
	CLEANUP(free_bio) BIO *bio = connect_to(u, t);

	if (!bio)
		return ERR_IO;
	sbuf_reserve(&request, r->form.n + 4096); /* in one piece, so that one wipe gets all */
	put_request(r, u, &request);
	if (sbuf_error(&request))
		return ERR_TOO_BIG;
	enum err e = write_all(bio, sbuf_view(&request), until);
	if (!e)
		e = read_all(bio, until, &answer);
	return e ? e : take_body(sbuf_view(&answer), ret_body);
}

enum err
http_fetch(const struct http_request *r, struct sbuf *ret_body)
{
	CLEANUP(url_done) struct url u = {0};
	CLEANUP(tls_done) struct tls t = {0};

	ERR_clear_error();
	enum err e = url_parse(r->url, &u) ? ERR_OK : ERR_IO;
	if (!e && u.tls && !tls_init(&t, u.host, r->ca_file))
		e = ERR_IO;
	if (!e)
		e = exchange(r, &u, &t, ret_body);
	if (e) {
		char why[200] = "no good answer in time";
		unsigned long code = ERR_peek_last_error();
		if (code)
			ERR_error_string_n(code, why, sizeof(why));
		log_error("oauth_provider_failed", F_CSTR("url", r->url), F_ERR(e),
		    F_CSTR("reason", why));
	}
	ERR_clear_error();
	return e;
}
