/* common/net/tls_client.h - the client's side of TLS: what the other side must show, and what it
 * has shown.
 *
 * Contexts are made once for each set of authorities and kept for an hour, since reading the
 * system's takes longer than a handshake. Thread-safe.
 */
#ifndef COMMON_NET_TLS_CLIENT_H
#define COMMON_NET_TLS_CLIENT_H

#include "common/net/dial.h"

#include <openssl/ssl.h>

struct tls_clients;

struct tls_clients *tls_clients_new(void);
void tls_clients_free(struct tls_clients **t);

/* An object for one handshake by `r`. NULL, with *ret_outcome saying why: the authorities can't be
 * read, or no memory. *ret_none_usable: TLSA records, none of which a mail server may use (RFC 7672
 * §3.1.3): the handshake will be without proof. */
SSL *tls_connect(struct tls_clients *t, const struct tls_rules *r, struct tls_outcome *ret_outcome,
    bool *ret_none_usable);
/* After the handshake, `ok` or not. Its strings are literals or OpenSSL's. */
void tls_connect_outcome(
    SSL *ssl, const struct tls_rules *r, bool ok, bool none_usable, struct tls_outcome *ret);

#endif
