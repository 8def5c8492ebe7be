#include "common/net/tls.h"

#include "common/base/log.h"
#include "common/net/conn_private.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>

#define SESSION_CONTEXT "pillarbox" /* resumption is bound to this application */
#define KEY_FILE_MAX (64 * 1024)
#define TICKET_KEYS 256 /* octets; OpenSSL's keys are shorter */

struct host_context {
	const char *name; /* in the configuration's memory; "" is the default */
	SSL_CTX *ctx;
};

struct tls_context {
	atomic_int refs;
	struct conf *conf; /* keeps the names alive */
	unsigned char alpn[32]; /* wire form: length, name */
	unsigned alpn_len;
	size_t count;
	struct host_context hosts[];
};

/* "*.example.org" stands for one label. */
static bool
name_matches(const char *pattern, struct str name)
{
	struct str p = str_of(pattern);

	if (str_starts(p, STR("*."))) {
		size_t dot = str_find(name, '.');
		return dot != STR_NONE && str_eq_nocase(str_skip(p, 1), str_skip(name, dot));
	}
	return str_eq_nocase(p, name);
}

static int
choose_host(SSL *ssl, int *alert, void *arg)
{
	struct tls_context *t = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	for (size_t i = 0; name && i < t->count; i++) {
		if (name_matches(t->hosts[i].name, str_of(name))) {
			SSL_set_SSL_CTX(ssl, t->hosts[i].ctx);
			break;
		}
	}
	return SSL_TLSEXT_ERR_OK; /* an unknown name gets the default certificate */
}

/* A client that offers protocols but not ours has come to the wrong port, or was sent there
 * (ALPACA): RFC 7301 §3.2. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen, const unsigned char *in,
    unsigned int inlen, void *arg)
{
	struct tls_context *t = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, outlen, t->alpn, t->alpn_len, in, inlen) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* `error`: of the system, 0: OpenSSL knows. */
static void
explain(struct sbuf *problem, const char *what, const char *file, int error)
{
	char why[200];

	if (error)
		snprintf(why, sizeof(why), "%s", strerrordesc_np(error));
	else
		ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
	ERR_clear_error();
	if (problem)
		sbuf_printf(problem, "tls: %s %s: %s\n", what, file, why);
	log_error("tls", F_CSTR("problem", what), F_CSTR("file", file), F_CSTR("reason", why));
}

static void
warn_if_expired(SSL_CTX *ctx, const char *file)
{
	const X509 *cert = SSL_CTX_get0_certificate(ctx);

	if (cert && X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		log_warn("tls_certificate_expired", F_CSTR("file", file));
}

/* A key with a passphrase: nobody is there to type it, and OpenSSL's own question would stop the
 * loop. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

/* A certificate that does not verify is no reason to end a connection that may do without: only
 * conn_tls_client() looks at the result. */
static int
go_on(int ok, X509_STORE_CTX *store)
{
	(void)ok, (void)store;
	return 1;
}

static bool
ask_for_certificate(SSL_CTX *ctx, const char *authorities, struct sbuf *problem)
{
	STACK_OF(X509_NAME) * names;

	if (!*authorities)
		return true;
	names = SSL_load_client_CA_file(authorities);
	if (!names || SSL_CTX_load_verify_file(ctx, authorities) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		explain(problem, "cannot use the client authorities", authorities, 0);
		return false;
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, go_on);
	return true;
}

/* -- memory that is wiped when it is freed --------------------------------------------------- */

/* OpenSSL's decoders free what they have made of a key's file as it is. */
static _Thread_local bool wipes;

static void *
take_memory(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return n ? malloc(n) : NULL;
}

static void
give_back(void *p, const char *file, int line)
{
	(void)file, (void)line;
	if (wipes && p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *
change_memory(void *p, size_t n, const char *file, int line)
{
	if (p && n && !wipes)
		return realloc(p, n);
	void *other = take_memory(n, file, line);
	if (p && n && !other)
		return NULL;
	if (p && n) {
		size_t had = malloc_usable_size(p);
		memcpy(other, p, had < n ? had : n);
	}
	give_back(p, file, line);
	return other;
}

void
tls_wipe_what_is_freed(void)
{
	/* refused where OpenSSL has memory already: then nothing is wiped, and all works */
	CRYPTO_set_mem_functions(take_memory, change_memory, give_back);
}

/* -- contexts -------------------------------------------------------------------------------- */

/* The whole file. 0, or the error number. */
static int
read_whole(const char *path, char *text, size_t max, size_t *ret_n)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;
	size_t n = 0;

	if (fd < 0)
		return errno;
	while (n < max && (got = read(fd, text + n, max - n)) > 0)
		n += (size_t)got;
	*ret_n = n;
	return got < 0 ? errno : n == max ? EFBIG : 0;
}

/* Of the file nothing stays in memory but the key. *ret_error: why it can't be read, 0 if it can.
 */
static bool
use_key(SSL_CTX *ctx, const char *path, int *ret_error)
{
	char text[KEY_FILE_MAX];
	size_t n = 0;

	*ret_error = read_whole(path, text, sizeof(text), &n);
	wipes = true;
	BIO *bio = !*ret_error ? BIO_new_mem_buf(text, (int)n) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool used = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	EVP_PKEY_free(key);
	BIO_free(bio);
	wipes = false;
	OPENSSL_cleanse(text, sizeof(text));
	return used;
}

static SSL_CTX *
make_context(struct tls_context *t, const struct conf_tls *files, struct sbuf *problem)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int error = 0;

	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	/* of TLS 1.2 those with forward secrecy and without CBC (CVE-2013-0169); who knows TLS 1.2
	 * knows one of them (RFC 9325 §4.2) */
	if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20") !=
	    1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				     SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Resumption by tickets, which cost the server no memory. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(
	    ctx, (const unsigned char *)SESSION_CONTEXT, sizeof(SESSION_CONTEXT) - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_host);
	SSL_CTX_set_tlsext_servername_arg(ctx, t);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, t);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1)
		explain(problem, "cannot use the certificate", files->certificate, 0);
	else if (!use_key(ctx, files->key, &error) || SSL_CTX_check_private_key(ctx) != 1)
		explain(problem,
		    "cannot use the key (it must be readable, PEM, without a passphrase, and fit "
		    "the "
		    "certificate)",
		    files->key, error);
	else if (ask_for_certificate(ctx, t->conf->tls[0].client_authorities, problem)) {
		warn_if_expired(ctx, files->certificate);
		return ctx;
	}
	SSL_CTX_free(ctx);
	return NULL;
}

/* A ticket made under one host's name must be good under the default's, which is asked first. */
static void
share_ticket_keys(struct tls_context *t)
{
	unsigned char keys[TICKET_KEYS];
	long n = SSL_CTX_get_tlsext_ticket_keys(t->hosts[0].ctx, NULL, 0);

	if (n <= 0 || n > TICKET_KEYS ||
	    SSL_CTX_get_tlsext_ticket_keys(t->hosts[0].ctx, keys, (int)n) != 1)
		return;
	for (size_t i = 1; i < t->count; i++)
		SSL_CTX_set_tlsext_ticket_keys(t->hosts[i].ctx, keys, (int)n);
	OPENSSL_cleanse(keys, sizeof(keys));
}

enum err
tls_context_new(
    const struct conf *conf, const char *alpn, struct tls_context **ret, struct sbuf *ret_problem)
{
	*ret = NULL;
	if (conf->tls_count == 0)
		return ERR_OK;
	CLEANUP(tls_context_unref)
	struct tls_context *t = calloc(1, sizeof(*t) + conf->tls_count * sizeof(t->hosts[0]));
	if (!t)
		return ERR_NOMEM;
	atomic_store(&t->refs, 1);
	t->conf = conf_ref((struct conf *)conf);
	t->alpn_len = (unsigned)strlen(alpn) + 1;
	t->alpn[0] = (unsigned char)(t->alpn_len - 1);
	memcpy(t->alpn + 1, alpn, t->alpn_len - 1);
	for (; t->count < conf->tls_count; t->count++) {
		t->hosts[t->count].name = conf->tls[t->count].name;
		t->hosts[t->count].ctx = make_context(t, &conf->tls[t->count], ret_problem);
		if (!t->hosts[t->count].ctx)
			return ERR_CONFIG;
	}
	share_ticket_keys(t);
	*ret = MOVE_PTR(t);
	return ERR_OK;
}

struct tls_context *
tls_context_ref(struct tls_context *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
tls_context_unref(struct tls_context **tp)
{
	struct tls_context *t = MOVE_PTR(*tp);

	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	for (size_t i = 0; i < t->count; i++)
		SSL_CTX_free(t->hosts[i].ctx);
	conf_unref(&t->conf);
	free(t);
}

SSL *
tls_accept(struct tls_context *t)
{
	SSL *ssl = SSL_new(t->hosts[0].ctx);

	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

/* -- channel bindings
 * ------------------------------------------------------------------------------------------------------
 */

/* RFC 9266 §2. Below TLS 1.3 the exporter is only unique with the extended master secret. */
static enum err
binding_exporter(SSL *ssl, struct arena *arena, struct str *ret)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char out[32];

	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return ERR_CANNOT;
	if (SSL_export_keying_material(ssl, out, sizeof(out), label, sizeof(label) - 1,
		(const unsigned char *)"", 0, 1) != 1)
		return ERR_CANNOT;
	*ret = arena_dup(arena, str_make(out, sizeof(out)));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

/* RFC 5929 §4.1: the certificate's hash under its signature's hash function, SHA-256 for MD5 and
 * SHA-1. */
static enum err
binding_end_point(SSL *ssl, struct arena *arena, struct str *ret)
{
	X509 *cert = SSL_get_certificate(ssl);
	int digest_nid = NID_undef;
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!cert)
		return ERR_CANNOT;
	OBJ_find_sigid_algs(X509_get_signature_nid(cert), &digest_nid, NULL);
	if (digest_nid == NID_undef || digest_nid == NID_md5 || digest_nid == NID_sha1)
		digest_nid = NID_sha256;
	const EVP_MD *md = EVP_get_digestbynid(digest_nid);
	if (!md || X509_digest(cert, md, out, &n) != 1)
		return ERR_CANNOT;
	*ret = arena_dup(arena, str_make(out, n));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
conn_tls_binding(const struct conn *c, const char *type, struct arena *arena, struct str *ret)
{
	if (!c->ssl)
		return ERR_CANNOT;
	if (strcmp(type, "tls-exporter") == 0)
		return binding_exporter(c->ssl, arena, ret);
	if (strcmp(type, "tls-server-end-point") == 0)
		return binding_end_point(c->ssl, arena, ret);
	return ERR_CANNOT;
}

/* -- client certificates
 * ------------------------------------------------------------------------------------------------------
 */

static void
free_names(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

/* The subjectAltName only: an authority may look less closely at what stands in the subject. */
enum err
conn_tls_client(const struct conn *c, struct arena *arena, struct str *ret)
{
	X509 *cert = c->ssl ? SSL_get0_peer_certificate(c->ssl) : NULL;

	if (!cert || SSL_get_verify_result(c->ssl) != X509_V_OK)
		return ERR_CANNOT;
	CLEANUP(free_names)
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		if (n->type != GEN_EMAIL)
			continue;
		*ret = arena_dup(arena, str_make(ASN1_STRING_get0_data(n->d.rfc822Name),
					    (size_t)ASN1_STRING_length(n->d.rfc822Name)));
		return ret->p ? ERR_OK : ERR_NOMEM;
	}
	return ERR_CANNOT;
}
