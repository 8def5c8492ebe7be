/* common/auth/oauth.h - whose a bearer token (RFC 6750) is, asked of the provider that issued it.
 *
 * With `jwks_url` tokens are JWTs, checked here with the provider's keys, which are fetched when
 * they are missing, old or lack the one named. With `introspection_url` the provider is asked about
 * each token (RFC 7662). Threads of its own ask and wait, so that no worker does: a question is
 * answered by a call.
 */
#ifndef COMMON_AUTH_OAUTH_H
#define COMMON_AUTH_OAUTH_H

#include "common/base/arena.h"
#include "common/base/conf.h"
#include "common/base/err.h"

#define OAUTH_QUERIES_MAX 256 /* waiting at once; more: ERR_BUSY */
#define OAUTH_THREADS 4 /* requests to the provider at once */
#define OAUTH_BELIEVE_S 60 /* an introspected token is not asked about again for so long */
#define OAUTH_KEYS_FRESH_S 3600
#define OAUTH_KEYS_AGAIN_S 30 /* at the earliest, for a key that is not there */

struct oauth;
struct oauth_query;

/* *ret is NULL where the configuration names no provider. The threads start with the first
 * question. ERR_CONFIG where the client's secret can't be read. */
NODISCARD enum err oauth_new(const struct conf *conf, struct oauth **ret);
/* Waits for requests under way, HTTP_FETCH_TIMEOUT_S at most. */
void oauth_free(struct oauth **o);
/* What a client may be told to look for (RFC 7628 §3.2.2); "" if nothing. */
const char *oauth_issuer(const struct oauth *o);

/* `wake` is called once, on some thread, when there is an answer; it must not block. */
NODISCARD enum err oauth_ask(struct oauth *o, struct str token, void (*wake)(void *arg), void *arg,
    struct oauth_query **ret);
/* False: not yet. *ret_err: ERR_OK with *ret_user in `arena`, ERR_AUTH_FAILED, or one of OURS. */
bool oauth_answer(
    struct oauth_query *q, struct arena *arena, enum err *ret_err, struct str *ret_user);
/* No call of `wake` is running or will come when it returns. */
void oauth_drop(struct oauth_query **q);

#endif
