#include "tests/support/certificate.h"

#include "tests/support/test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

void
test_certificate(const char *name, const char *certificate_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	ck_assert(key && cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	FILE *f = fopen(certificate_path, "w");
	ck_assert_ptr_nonnull(f);
	PEM_write_X509(f, cert);
	fclose(f);
	f = fopen(key_path, "w");
	ck_assert_ptr_nonnull(f);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

struct test_authority {
	EVP_PKEY *key;
	X509 *cert;
};

static void
write_certificate(X509 *cert, X509 *second, const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	PEM_write_X509(f, cert);
	if (second)
		PEM_write_X509(f, second);
	fclose(f);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *common_name, int days)
{
	static long serial = 1;
	X509 *cert = X509_new();

	ck_assert(key && cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60 * 24 * 3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * 24 * 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)common_name, -1, -1, 0);
	X509_set_pubkey(cert, key);
	return cert;
}

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

struct test_authority *
test_authority_new(const char *dir)
{
	struct test_authority *a = calloc(1, sizeof(*a));
	char path[256];

	a->key = EVP_EC_gen("P-256");
	a->cert = make_certificate(a->key, "Test authority", 30);
	X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert));
	add_extension(a->cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(a->cert, NID_key_usage, "critical,keyCertSign");
	ck_assert_int_gt(X509_sign(a->cert, a->key, EVP_sha256()), 0);
	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	write_certificate(a->cert, NULL, path);
	return a;
}

void
test_authority_free(struct test_authority **ap)
{
	X509_free((*ap)->cert);
	EVP_PKEY_free((*ap)->key);
	free(*ap);
	*ap = NULL;
}

void
test_authority_sign(struct test_authority *a, const char *common_name, const char *san, int days,
    const char *certificate_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key, common_name, days);

	X509_set_issuer_name(cert, X509_get_subject_name(a->cert));
	if (san)
		add_extension(cert, NID_subject_alt_name, san);
	ck_assert_int_gt(X509_sign(cert, a->key, EVP_sha256()), 0);
	write_certificate(cert, a->cert, certificate_path);
	FILE *f = fopen(key_path, "w");
	ck_assert_ptr_nonnull(f);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}
