/* common/auth/oauth_provider.h - the provider of oauth.h: its keys, its answers, what was believed.
 *
 * Any thread that may wait; the mutexes are its own.
 */
#ifndef COMMON_AUTH_OAUTH_PROVIDER_H
#define COMMON_AUTH_OAUTH_PROVIDER_H

#include "common/base/arena.h"
#include "common/base/conf.h"
#include "common/base/err.h"

struct oauth_provider;

/* ERR_CONFIG where the client's secret can't be read. */
NODISCARD enum err oauth_provider_new(const struct conf *conf, struct oauth_provider **ret);
void oauth_provider_free(struct oauth_provider **p);
const struct conf_oauth *oauth_provider_settings(const struct oauth_provider *p);

/* Whose the token is, by the configured claim. ERR_AUTH_FAILED, or one of OURS. Waits for the
 * provider. */
NODISCARD enum err oauth_provider_ask(
    struct oauth_provider *p, struct str token, struct arena *arena, struct str *ret_user);

#endif
