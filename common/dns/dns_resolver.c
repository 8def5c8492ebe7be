/* What libunbound(3) is told. Its own defaults are those of a small tool: 16 sockets, with which a
 * few dead name servers would keep all others waiting, and 1 MB of cache. */
#include "common/dns/dns_private.h"

#include "common/base/log.h"

#include <errno.h>

static const struct {
	const char *name, *value;
} settings[] = {
    {"verbosity:", "0"},
    {"outgoing-range:", "512"}, /* sockets, opened as needed */
    {"num-queries-per-thread:", "1024"},
    {"outgoing-num-tcp:", "32"},
    {"msg-cache-size:", "4m"},
    {"rrset-cache-size:", "8m"},
    {"key-cache-size:", "4m"},
};

/* Names that the public DNS has none of, by intention: only a resolver of one's own can know them,
 * and the root's "does not exist" says nothing (RFC 6761 §6, RFC 8375). */
static const char *const own_zones[] = {"test.", "home.arpa.", "internal.", "local."};

static bool
set(struct ub_ctx *ctx, const char *name, const char *value)
{
	int code = ub_ctx_set_option(ctx, name, value);

	if (code)
		log_error("dns_setting", F_CSTR("name", name), F_CSTR("value", value),
		    F_CSTR("reason", ub_strerror(code)));
	return !code;
}

/* Asks the resolvers of the configuration, or the system's. */
static bool
use_resolvers(struct ub_ctx *ctx, const struct conf *conf)
{
	const char *const *r = conf->dns.resolvers;
	int code = 0;

	for (size_t i = 0; r[i] && !code; i++)
		code = ub_ctx_set_fwd(ctx, r[i]);
	if (!r[0] && (code = ub_ctx_resolvconf(ctx, NULL))) {
		log_warn("dns_no_system_resolver", F_CSTR("path", "/etc/resolv.conf"),
		    F_CSTR("reason", ub_strerror(code)), F_CSTR("instead", "the root"));
		return true;
	}
	if (code) {
		log_error("dns_resolver", F_CSTR("reason", ub_strerror(code)));
		return false;
	}
	/* reverse names of private networks, and those above, are theirs to answer */
	if (!set(ctx, "unblock-lan-zones:", "yes") || !set(ctx, "insecure-lan-zones:", "yes"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own_zones); i++)
		if (!set(ctx, "domain-insecure:", own_zones[i]))
			return false;
	return true;
}

static bool
use_trust_anchor(struct ub_ctx *ctx, const char *path)
{
	if (!*path)
		return true;
	if (access(path, R_OK) < 0) {
		log_warn("dns_not_validated", F_CSTR("trust_anchor_file", path),
		    F_ERR(err_from_errno(errno)));
		return true;
	}
	int code = ub_ctx_add_ta_file(ctx, path);
	if (code)
		log_error(
		    "dns_trust_anchor", F_CSTR("path", path), F_CSTR("reason", ub_strerror(code)));
	return !code;
}

/* Takes away the answers that libunbound has of itself for those zones. Nothing can be set
 * afterwards. */
static bool
finish(struct ub_ctx *ctx, const struct conf *conf)
{
	int code = ub_ctx_async(ctx, 1);

	for (size_t i = 0; !conf->dns.from_root && i < ARRAY_LEN(own_zones) && !code; i++)
		code = ub_ctx_zone_remove(ctx, own_zones[i]);
	if (code)
		log_error("dns_start", F_CSTR("reason", ub_strerror(code)));
	return !code;
}

static void
delete_context(struct ub_ctx **ctx)
{
	if (*ctx)
		ub_ctx_delete(*ctx);
	*ctx = NULL;
}

enum err
dns_make_context(const struct conf *conf, bool validates, struct ub_ctx **ret)
{
	CLEANUP(delete_context) struct ub_ctx *ctx = ub_ctx_create();

	if (!ctx)
		return ERR_NOMEM;
	ub_ctx_debugout(ctx, NULL); /* it would write to stderr, in a form of its own */
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (!set(ctx, settings[i].name, settings[i].value))
			return ERR_CONFIG;
	if ((!conf->dns.from_root && !use_resolvers(ctx, conf)) ||
	    (validates && !use_trust_anchor(ctx, conf->dns.trust_anchor_file)) ||
	    !finish(ctx, conf))
		return ERR_CONFIG;
	*ret = MOVE_PTR(ctx);
	return ERR_OK;
}
