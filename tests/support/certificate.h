/* tests/support/certificate.h - throw-away certificates. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

/* Writes a self-signed EC certificate for `name` and its key as PEM files. */
void test_certificate(const char *name, const char *certificate_path, const char *key_path);

/* An authority in `dir`/ca.pem, and certificates by it: `san` is a subjectAltName as OpenSSL writes
 * it ("DNS:mx.example.test"), NULL none; `days` until it ends, negative: it ended then. The file
 * holds the authority's certificate behind it. */
struct test_authority;
struct test_authority *test_authority_new(const char *dir);
void test_authority_free(struct test_authority **a);
void test_authority_sign(struct test_authority *a, const char *common_name, const char *san,
    int days, const char *certificate_path, const char *key_path);

#endif
