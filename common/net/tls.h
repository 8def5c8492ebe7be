/* common/net/tls.h - OpenSSL contexts: TLS 1.2 and up, a certificate per host name (SNI), session
 * resumption, ALPN.
 *
 * A tls_context is immutable and shared by reference; a reload (SIGHUP) makes a new one for
 * connections to come.
 */
#ifndef COMMON_NET_TLS_H
#define COMMON_NET_TLS_H

#include "common/base/cleanup.h"
#include "common/base/conf.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"

#include <openssl/ssl.h>

struct tls_context;

/* At the very start of the process, before OpenSSL has memory: what it makes of private keys while
 * it reads them is wiped when it is freed. */
void tls_wipe_what_is_freed(void);
/* Reads every certificate of `conf`. ERR_CONFIG with one line per file that can't be read, does not
 * fit its key or has expired (that one is only a warning in the log). With no certificate
 * configured *ret is NULL and the result ERR_OK: no TLS. `alpn` names the protocol ("imap", "pop3",
 * "smtp"); a client that offers ALPN without it is refused (ALPACA). */
NODISCARD enum err tls_context_new(
    const struct conf *conf, const char *alpn, struct tls_context **ret, struct sbuf *ret_problem);
struct tls_context *tls_context_ref(struct tls_context *t);
void tls_context_unref(struct tls_context **t);
/* A server-side connection object. */
SSL *tls_accept(struct tls_context *t);

#endif
