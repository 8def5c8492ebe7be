#include "common/net/tls_client.h"

#include "common/base/clock.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define KEPT 8 /* sets of authorities */
#define KEPT_MS ((int64_t)60 * 60 * 1000) /* then files are read again */

struct kept {
	SSL_CTX *ctx;
	bool lenient; /* as weak as one without proof: its result is only looked at */
	char *ca_file; /* "" for the system's */
	int64_t made_ms;
};

struct tls_clients {
	pthread_mutex_t mu;
	SSL_CTX *any; /* guarded by mu, as all of it */
	SSL_CTX *dane;
	struct kept kept[KEPT];
};

struct tls_clients *
tls_clients_new(void)
{
	struct tls_clients *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->mu, NULL);
	return t;
}

void
tls_clients_free(struct tls_clients **tp)
{
	struct tls_clients *t = MOVE_PTR(*tp);

	if (!t)
		return;
	SSL_CTX_free(t->any);
	SSL_CTX_free(t->dane);
	for (size_t i = 0; i < KEPT; i++) {
		SSL_CTX_free(t->kept[i].ctx);
		free(t->kept[i].ca_file);
	}
	pthread_mutex_destroy(&t->mu);
	free(t);
}

static void
free_context(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
	*ctx = NULL;
}

/* Without proof anything is better than the clear (RFC 7435 §3): old versions and short keys, too.
 */
static SSL_CTX *
make_context(bool proof)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx)
		return NULL;
	if (!proof)
		SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, proof ? TLS1_2_VERSION : TLS1_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

static SSL_CTX *
make_any(void)
{
	return make_context(false);
}

static SSL_CTX *
make_dane(void)
{
	CLEANUP(free_context) SSL_CTX *ctx = make_context(true);

	if (!ctx || SSL_CTX_dane_enable(ctx) <= 0)
		return NULL;
	return MOVE_PTR(ctx);
}

static SSL_CTX *
make_names(const char *ca_file, bool lenient)
{
	CLEANUP(free_context) SSL_CTX *ctx = make_context(!lenient);

	if (!ctx)
		return NULL;
	if (*ca_file ? SSL_CTX_load_verify_file(ctx, ca_file) != 1
		     : SSL_CTX_set_default_verify_paths(ctx) != 1)
		return NULL;
	return MOVE_PTR(ctx);
}

static SSL_CTX *
take_once_locked(SSL_CTX **kept, SSL_CTX *(*make)(void))
{
	if (!*kept)
		*kept = make();
	if (*kept)
		SSL_CTX_up_ref(*kept);
	return *kept;
}

static bool
is_kept(const struct kept *k, const char *ca_file, bool lenient)
{
	return k->ctx && k->lenient == lenient && strcmp(k->ca_file, ca_file) == 0;
}

/* The one of this file, or the place for it: a free one, else the oldest's. */
static struct kept *
find_kept_locked(struct tls_clients *t, const char *ca_file, bool lenient)
{
	struct kept *oldest = &t->kept[0];

	for (size_t i = 0; i < KEPT; i++) {
		if (is_kept(&t->kept[i], ca_file, lenient))
			return &t->kept[i];
		if (t->kept[i].made_ms < oldest->made_ms)
			oldest = &t->kept[i];
	}
	return oldest;
}

static SSL_CTX *
take_names_locked(struct tls_clients *t, const char *ca_file, bool lenient)
{
	struct kept *k = find_kept_locked(t, ca_file, lenient);
	int64_t now = clock_mono_ms();

	if (!is_kept(k, ca_file, lenient) || now - k->made_ms > KEPT_MS) {
		char *name = strdup(ca_file);
		SSL_CTX *ctx = name ? make_names(ca_file, lenient) : NULL;
		if (!ctx) {
			free(name);
			return NULL;
		}
		SSL_CTX_free(k->ctx);
		free(k->ca_file);
		*k = (struct kept){ctx, lenient, name, now};
	}
	SSL_CTX_up_ref(k->ctx);
	return k->ctx;
}

/* A reference, or NULL. */
static SSL_CTX *
take_context(struct tls_clients *t, const struct tls_rules *r)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&t->mu);

	switch (r->proof) {
	case TLS_PROOF_NAMES:
		return take_names_locked(t, r->ca_file ? r->ca_file : "", r->lenient);
	case TLS_PROOF_DANE:
		return take_once_locked(&t->dane, make_dane);
	default:
		return take_once_locked(&t->any, make_any);
	}
}

/* -- rules ----------------------------------------------------------------------------------- */

#define NAME_MAX_OCTETS 255

/* As a C string; false: no name of a host. */
static bool
name_text(struct str name, char out[NAME_MAX_OCTETS + 1])
{
	if (name.n == 0 || name.n > NAME_MAX_OCTETS || str_has_nul(name))
		return false;
	memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return true;
}

static bool
is_address(const char *name)
{
	unsigned char octets[16];

	return inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
}

static bool
expect_names(SSL *ssl, const struct tls_rules *r)
{
	char name[NAME_MAX_OCTETS + 1];
	bool some = false;

	for (size_t i = 0; i < r->name_count; i++) {
		if (!name_text(r->names[i], name))
			return false;
		if ((some ? SSL_add1_host(ssl, name) : SSL_set1_host(ssl, name)) != 1)
			return false;
		some = true;
	}
	return some;
}

/* RFC 7672 §3.1.3: usages 0 and 1 say nothing to a mail server. §3.1.1: with usage 3 neither names
 * nor dates of the certificate count. */
static bool
expect_dane(SSL *ssl, const struct tls_rules *r, bool *ret_none_usable)
{
	char name[NAME_MAX_OCTETS + 1];
	size_t usable = 0;

	if (!name_text(r->server_name, name) || SSL_dane_enable(ssl, name) <= 0)
		return false;
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < r->tlsa_count; i++) {
		const struct tls_tlsa *t = &r->tlsa[i];
		if (t->usage != 2 && t->usage != 3)
			continue;
		usable += SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->matching,
			      (const unsigned char *)t->data.p, t->data.n) > 0;
	}
	for (size_t i = 0; i < r->name_count; i++)
		if (!name_text(r->names[i], name) || SSL_add1_host(ssl, name) != 1)
			return false;
	*ret_none_usable = usable == 0;
	return true;
}

static bool
expect(SSL *ssl, const struct tls_rules *r, bool *ret_none_usable)
{
	switch (r->proof) {
	case TLS_PROOF_NAMES:
		/* RFC 8461 §4.2, RFC 9525 §2: names stand in subjectAltName */
		SSL_set_hostflags(ssl,
		    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
		return expect_names(ssl, r);
	case TLS_PROOF_DANE:
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		return expect_dane(ssl, r, ret_none_usable);
	default:
		return true;
	}
}

SSL *
tls_connect(struct tls_clients *t, const struct tls_rules *r, struct tls_outcome *ret_outcome,
    bool *ret_none_usable)
{
	char name[NAME_MAX_OCTETS + 1];

	*ret_none_usable = false;
	ERR_clear_error();
	CLEANUP(free_context) SSL_CTX *ctx = take_context(t, r);
	SSL *ssl = ctx ? SSL_new(ctx) : NULL;
	if (ssl && expect(ssl, r, ret_none_usable)) {
		bool binds = r->proof != TLS_PROOF_NONE && !r->lenient && !*ret_none_usable;
		SSL_set_verify(ssl, binds ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
		/* an address is no server name (RFC 6066 §3) */
		if (name_text(r->server_name, name) && !is_address(name))
			SSL_set_tlsext_host_name(ssl, name);
		SSL_set_connect_state(ssl);
		return ssl;
	}
	*ret_outcome = (struct tls_outcome){.error = "validation-failure",
	    .detail = ctx ? "a name or record to be checked is none"
			  : "the certificates of the authorities can't be read"};
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}

/* -- outcome --------------------------------------------------------------------------------- */

/* RFC 8460 §4.3.2 */
static const char *
result_type(long verify)
{
	switch (verify) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "certificate-host-mismatch";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "certificate-expired";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REVOKED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_INVALID_CA:
		return "certificate-not-trusted";
	default:
		return "validation-failure";
	}
}

void
tls_connect_outcome(
    SSL *ssl, const struct tls_rules *r, bool ok, bool none_usable, struct tls_outcome *ret)
{
	long verify = SSL_get_verify_result(ssl);
	bool asked = r->proof != TLS_PROOF_NONE && !none_usable;

	*ret = (struct tls_outcome){0};
	if (none_usable) {
		ret->error = "tlsa-invalid";
		ret->detail = "no usable TLSA record (RFC 7672 section 3.1.3)";
	} else if (asked && verify != X509_V_OK) {
		ret->error = result_type(verify);
		ret->detail = X509_verify_cert_error_string(verify);
	} else if (asked && ok) {
		ret->verified =
		    SSL_get0_peer_certificate(ssl) &&
		    (r->proof != TLS_PROOF_DANE || SSL_get0_dane_authority(ssl, NULL, NULL) >= 0);
	}
	if (ok || ret->detail)
		return;
	unsigned long code = ERR_peek_last_error();
	ret->error = "validation-failure"; /* the general one: there is none for a handshake */
	ret->detail = code ? ERR_reason_error_string(code) : NULL;
	if (!ret->detail)
		ret->detail = "the other side closed the connection";
}
