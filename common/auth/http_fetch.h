/* common/auth/http_fetch.h - one small HTTPS request, for asking an OAuth provider. OpenSSL's
 * client speaks; it waits, so never call it on a worker or a loop.
 */
#ifndef COMMON_AUTH_HTTP_FETCH_H
#define COMMON_AUTH_HTTP_FETCH_H

#include "common/base/err.h"
#include "common/base/sbuf.h"

#define HTTP_FETCH_MAX (256 * 1024) /* octets of an answer: ERR_TOO_BIG */
#define HTTP_FETCH_TIMEOUT_S 10 /* for all of it */

struct http_request {
	const char *url; /* as the configuration's checks let through */
	const char *ca_file; /* authorities to trust; NULL or "": the system's */
	const char *authorization; /* value of the header, or NULL */
	struct str form; /* application/x-www-form-urlencoded: POST; .p NULL: GET */
};

/* The body of a 200 answer. ERR_IO (not reached, not trusted, not 200; logged without secrets),
 * ERR_TOO_BIG, ERR_NOMEM. */
NODISCARD enum err http_fetch(const struct http_request *r, struct sbuf *ret_body);

#endif
