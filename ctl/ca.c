#include "ctl/ca.h"
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#define SAN_MAX 16384

static enum err
openssl_failed(const char *doing)
{
	char text[256] = "no reason given";
	unsigned long code = ERR_peek_last_error();

	if (code)
		ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	call_complain("%s: %s", doing, text);
	return ERR_INTERNAL;
}

void
ca_done(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
	*ca = (struct ca){NULL, NULL};
}

/* 159 random bits: RFC 5280 §4.1.2.2 wants a positive number of at most 20 octets. */
static bool
set_serial(X509 *x)
{
	unsigned char octets[20];
	bool ok = RAND_bytes(octets, sizeof(octets)) == 1;

	octets[0] &= 0x7f;
	octets[0] |= 0x40;
	BIGNUM *n = ok ? BN_bin2bn(octets, sizeof(octets), NULL) : NULL;
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	bool ok = extension && X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

/* A certificate with a new key, without extensions and signature. */
static bool
begin_certificate(struct ca *c, const char *organization, const char *name, int days)
{
	c->key = EVP_EC_gen("P-256");
	c->certificate = X509_new();
	if (!c->key || !c->certificate)
		return false;
	X509_NAME *subject = X509_get_subject_name(c->certificate);
	return X509_set_version(c->certificate, X509_VERSION_3) && set_serial(c->certificate) &&
	       /* a day back, for clients whose clock is late */
	       X509_gmtime_adj(X509_getm_notBefore(c->certificate), -86400) &&
	       X509_time_adj_ex(X509_getm_notAfter(c->certificate), days, -86400, NULL) &&
	       X509_set_pubkey(c->certificate, c->key) &&
	       X509_NAME_add_entry_by_txt(
		   subject, "O", MBSTRING_UTF8, (const unsigned char *)organization, -1, -1, 0) &&
	       X509_NAME_add_entry_by_txt(
		   subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
}

enum err
ca_make(const char *domain, struct ca *ret)
{
	struct ca c = {NULL, NULL};
	char name[65]; /* ub-common-name, RFC 5280 appendix A */

	snprintf(name, sizeof(name), "Mail of %s", domain);
	bool ok = begin_certificate(&c, "Pillarbox", name, CA_DAYS) &&
		  X509_set_issuer_name(c.certificate, X509_get_subject_name(c.certificate)) &&
		  add_extension(c.certificate, c.certificate, NID_basic_constraints,
		      "critical,CA:TRUE,pathlen:0") &&
		  add_extension(c.certificate, c.certificate, NID_key_usage,
		      "critical,keyCertSign,cRLSign") &&
		  add_extension(c.certificate, c.certificate, NID_subject_key_identifier, "hash") &&
		  X509_sign(c.certificate, c.key, EVP_sha256()) > 0;
	if (!ok) {
		ca_done(&c);
		return openssl_failed("making a certificate authority");
	}
	*ret = c;
	return ERR_OK;
}

/* "DNS:mail.example.test,IP:127.0.0.1"; names that stand twice once. */
static void
put_names(struct sbuf *out, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		unsigned char octets[16];
		bool known = false;
		for (size_t j = 0; j < i && !known; j++)
			known = strcasecmp(names[i], names[j]) == 0;
		if (known)
			continue;
		bool address = inet_pton(AF_INET, names[i], octets) == 1 ||
			       inet_pton(AF_INET6, names[i], octets) == 1;
		sbuf_printf(out, "%s%s:%s", out->n ? "," : "", address ? "IP" : "DNS", names[i]);
	}
}

enum err
ca_sign_server(const struct ca *ca, const char *const *names, struct ca *ret)
{
	CLEANUP(sbuf_done) struct sbuf san = SBUF_INIT(SAN_MAX);
	struct ca c = {NULL, NULL};
	char name[65];

	snprintf(name, sizeof(name), "%s", names[0]);
	put_names(&san, names);
	if (sbuf_error(&san))
		return sbuf_error(&san);
	bool ok =
	    begin_certificate(&c, "Pillarbox", name, CA_SERVER_DAYS) &&
	    X509_set_issuer_name(c.certificate, X509_get_subject_name(ca->certificate)) &&
	    add_extension(
		c.certificate, ca->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(
		c.certificate, ca->certificate, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(c.certificate, ca->certificate, NID_ext_key_usage, "serverAuth") &&
	    add_extension(c.certificate, ca->certificate, NID_subject_key_identifier, "hash") &&
	    add_extension(
		c.certificate, ca->certificate, NID_authority_key_identifier, "keyid:always") &&
	    add_extension(c.certificate, ca->certificate, NID_subject_alt_name, sbuf_cstr(&san)) &&
	    X509_sign(c.certificate, ca->key, EVP_sha256()) > 0;
	if (!ok) {
		ca_done(&c);
		return openssl_failed("making a certificate");
	}
	*ret = c;
	return ERR_OK;
}

/* The file must be new, so that nobody's key is overwritten. */
static enum err
open_new(const char *path, mode_t mode, FILE **ret)
{
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	/* the mode is meant as it stands here, whatever the umask */
	if (fd < 0 || fchmod(fd, mode) != 0)
		return err_from_errno(errno);
	*ret = fdopen(fd, "w");
	if (!*ret)
		return err_from_errno(errno);
	fd = -1;
	return ERR_OK;
}

static enum err
close_new(FILE *f, bool written)
{
	bool ok = written && fflush(f) == 0 && fsync(fileno(f)) == 0;
	int saved = errno;

	if (fclose(f) != 0 || !ok)
		return ok ? ERR_IO : err_from_errno(saved);
	return ERR_OK;
}

enum err
ca_write_certificate(const char *path, const X509 *certificate)
{
	FILE *f = NULL;
	enum err e = open_new(path, 0644, &f);

	return e ? e : close_new(f, PEM_write_X509(f, certificate) == 1);
}

enum err
ca_write_key(const char *path, const EVP_PKEY *key, bool group_reads)
{
	FILE *f = NULL;
	enum err e = open_new(path, group_reads ? 0640 : 0600, &f);

	return e ? e : close_new(f, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
}
