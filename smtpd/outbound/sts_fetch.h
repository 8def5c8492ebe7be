/* smtpd/outbound/sts_fetch.h - fetches MTA-STS policies by HTTPS (RFC 8461 §3.3), on threads of its
 * own, since that waits for strangers' servers.
 */
#ifndef SMTPD_OUTBOUND_STS_FETCH_H
#define SMTPD_OUTBOUND_STS_FETCH_H

#include "common/base/conf.h"
#include "common/base/err.h"
#include "common/base/str.h"

#include <sys/socket.h>

#define STS_THREADS 32 /* made as needed */
#define STS_FETCHES_MAX 1000 /* that wait for a thread: ERR_BUSY */
#define STS_ADDRESSES_MAX 4 /* of the policy's host that are tried */

struct sts_fetcher;

struct sts_fetch {
	struct str domain;
	const struct sockaddr_storage *addresses; /* of mta-sts.<domain>; copied */
	size_t address_count;
	uint16_t port;
	const char *ca_file; /* "": the system's; lives until `fn` was called */
	/* On one of the threads: the body, which lives as long as the call; or .p NULL, and
	 * `failure` as RFC 8460 §4.3.2 names it. */
	void (*fn)(void *arg, struct str body, const char *failure);
	void *arg;
};

NODISCARD enum err sts_fetcher_new(struct sts_fetcher **ret);
/* What waits is answered as failed; what runs is waited for (HTTP_FETCH_TIMEOUT_S). */
void sts_fetcher_free(struct sts_fetcher **f);
/* `fn` is called once, never from inside. ERR_BUSY, ERR_NOMEM: it will not be. */
NODISCARD enum err sts_fetch(struct sts_fetcher *f, const struct sts_fetch *what);

#endif
