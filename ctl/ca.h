/* ctl/ca.h - the certificate authority of a new server, and the certificate it signs: EC P-256,
 * X.509 v3 (RFC 5280). OpenSSL's errors are told to stderr. */
#ifndef CTL_CA_H
#define CTL_CA_H

#include "common/base/cleanup.h"
#include "common/base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define CA_DAYS 3650
/* Some clients take no server certificate that is valid for longer. */
#define CA_SERVER_DAYS 825

struct ca {
	EVP_PKEY *key;
	X509 *certificate;
};

/* A new authority for the mail of `domain`. */
NODISCARD enum err ca_make(const char *domain, struct ca *ret);
/* A key and certificate for `names` (host names and IP addresses, NULL-terminated; the first is the
 * subject), signed by `ca`. */
NODISCARD enum err ca_sign_server(const struct ca *ca, const char *const *names, struct ca *ret);
void ca_done(struct ca *ca);

/* New files in PEM, certificates for everybody, keys for the owner (and its group, when
 * `group_reads`). ERR_EXISTS when there is one. */
NODISCARD enum err ca_write_certificate(const char *path, const X509 *certificate);
NODISCARD enum err ca_write_key(const char *path, const EVP_PKEY *key, bool group_reads);

#endif
