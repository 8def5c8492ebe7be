/* tests/support/certificate.h - throw-away certificates. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

/* Writes a self-signed EC certificate for `name` and its key as PEM files. */
void test_certificate(const char *name, const char *certificate_path, const char *key_path);

#endif
