/* common/auth/http_fetch.h - one small HTTPS request: to an OAuth provider, for an MTA-STS policy,
 * with a report. OpenSSL's client speaks; it waits, so never call it on a worker or a loop. It
 * follows no redirect.
 */
#ifndef COMMON_AUTH_HTTP_FETCH_H
#define COMMON_AUTH_HTTP_FETCH_H

#include "common/base/err.h"
#include "common/base/sbuf.h"

#include <sys/socket.h>

#define HTTP_FETCH_MAX (256 * 1024) /* octets of an answer: ERR_TOO_BIG */
#define HTTP_FETCH_TIMEOUT_S 10 /* for all of it but finding the host's addresses */

enum http_failure {
	HTTP_FAILED, /* not reached, no answer in time, none that is HTTP's, not 200 */
	HTTP_NOT_TRUSTED, /* the certificate */
	HTTP_WRONG_KIND, /* not of the media type that was asked for, too big */
};

struct http_request {
	const char *url; /* whose checks are the caller's */
	const char *ca_file; /* authorities to trust; NULL or "": the system's */
	const char *authorization; /* value of the header, or NULL */
	struct str form; /* what to POST; .p NULL: GET */
	const char *form_type; /* NULL: application/x-www-form-urlencoded */
	/* Where to connect to, in this order; none: what the system's resolver has for the host. */
	const struct sockaddr_storage *addresses; /* the port is the URL's */
	size_t address_count;
	const char *accept; /* the media type of the answer; NULL: application/json, unchecked */
	size_t max; /* octets of the answer's body; 0: HTTP_FETCH_MAX */
	int64_t timeout_ms; /* 0: HTTP_FETCH_TIMEOUT_S */
	const char *event; /* of the line in the log (info) on a failure; NULL:
			      oauth_provider_failed (error) */
	enum http_failure *failure; /* told there; may be NULL */
};

/* The body of a 2xx answer to POST, of 200 to GET. ERR_IO (all of enum http_failure; logged without
 * secrets), ERR_TOO_BIG, ERR_NOMEM. */
NODISCARD enum err http_fetch(const struct http_request *r, struct sbuf *ret_body);

/* The body of `answer`, all that the server sent, as http_fetch() takes it; *failure is set where
 * it is not HTTP_FAILED. Pure. ERR_IO, ERR_TOO_BIG. */
NODISCARD enum err http_answer_body(const struct http_request *r, struct str answer,
    struct sbuf *ret_body, enum http_failure *failure);

#endif
