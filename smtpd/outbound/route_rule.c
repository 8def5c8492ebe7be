/* The transport rules of the configuration. */
#include "common/base/log.h"
#include "smtpd/outbound/route_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/un.h>

#define PASSWORD_MAX 1024 /* octets of its first line */
#define RULE_TTL_S 3600
#define SMTP_PORT 25
#define SUBMISSIONS_PORT 465
#define LMTP_PORT 24

/* -- configuration ---------------------------------------------------------------------------- */

/* The first line of the file, or .p NULL. */
static struct str
read_password(const char *path)
{
	char text[PASSWORD_MAX + 1] = "";
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, PASSWORD_MAX);
	struct str ret = {NULL, 0};

	if (n < 0) {
		log_error("transport_password_unreadable", F_CSTR("path", path),
		    F_ERR(err_from_errno(errno)));
		return ret;
	}
	size_t length = strcspn(text, "\r\n");
	char *copy = OPENSSL_malloc(length + 1);
	if (copy) {
		memcpy(copy, text, length + 1);
		copy[length] = '\0';
		ret = str_make(copy, length);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return ret;
}

struct route_config *
route_config_new(const struct conf *conf)
{
	CLEANUP(route_config_unref) struct route_config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->conf = conf_ref((struct conf *)conf);
	c->settings = (struct route_settings){
	    .hostname = str_of(conf->hostname),
	    .allow_private = conf->outbound.allow_private,
	    .port = (uint16_t)conf->outbound.port,
	    .ca_file = conf->outbound.ca_file,
	};
	if (RAND_bytes(c->login_key, sizeof(c->login_key)) != 1)
		return NULL;
	c->rules = calloc(conf->transport_count + 1, sizeof(*c->rules));
	if (!c->rules)
		return NULL;
	c->rule_count = conf->transport_count;
	for (size_t i = 0; i < c->rule_count; i++) {
		struct route_rule *r = &c->rules[i];
		r->conf = &conf->transports[i];
		if (*r->conf->user)
			r->password = read_password(r->conf->password_file);
	}
	return MOVE_PTR(c);
}

struct route_config *
route_config_ref(struct route_config *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
route_config_unref(struct route_config **cp)
{
	struct route_config *c = MOVE_PTR(*cp);

	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < c->rule_count; i++)
		OPENSSL_clear_free((char *)c->rules[i].password.p, c->rules[i].password.n);
	free(c->rules);
	conf_unref(&c->conf);
	free(c);
}

/* How well the rule's title fits: 0 not at all; the longer, the nearer. */
static size_t
fit(const struct conf_transport *t, struct str domain)
{
	struct str title = str_of(t->domain);

	if (str_eq(title, STR("*")))
		return 1;
	if (str_eq_nocase(title, domain))
		return SIZE_MAX;
	if (title.p[0] == '.' && domain.n > title.n && str_ends_nocase(domain, title))
		return 1 + title.n;
	return 0;
}

const struct route_rule *
route_rule_find(const struct route_config *c, struct str domain)
{
	const struct route_rule *best = NULL;
	size_t best_fit = 0;

	for (size_t i = 0; i < c->rule_count; i++) {
		size_t f = fit(c->rules[i].conf, domain);
		if (f > best_fit) {
			best = &c->rules[i];
			best_fit = f;
		}
	}
	return best;
}

uint16_t
route_rule_port(const struct conf_transport *t)
{
	if (t->port)
		return (uint16_t)t->port;
	if (strcmp(t->protocol, "lmtp") == 0)
		return LMTP_PORT;
	return t->implicit_tls ? SUBMISSIONS_PORT : SMTP_PORT;
}

/* -- routes ----------------------------------------------------------------------------------- */

static void
apply_to_host(struct route_host *h, const struct route_config *c, const struct conf_transport *t,
    struct arena *arena)
{
	bool verified = strcmp(t->tls, "verified") == 0;

	h->no_tls = *t->socket || strcmp(t->tls, "none") == 0;
	h->must_tls = verified || t->implicit_tls || strcmp(t->tls, "required") == 0;
	h->policy = h->must_tls ? POLICY_RULE : POLICY_NONE;
	h->tls = (struct tls_rules){
	    .proof = verified ? TLS_PROOF_NAMES : TLS_PROOF_NONE,
	    .server_name = h->name,
	};
	if (!verified)
		return;
	struct str *names = ARENA_NEW(arena, struct str);
	if (names)
		*names = h->name;
	h->tls.names = names;
	h->tls.name_count = names != NULL;
	if (*c->settings.ca_file)
		h->tls.ca_file = arena_cstr(arena, str_of(c->settings.ca_file));
}

/* What tells one login from another wherever routes are compared, and tells nobody the password. */
static struct str
digest_of(const struct route_config *c, const struct route_rule *rule, struct arena *arena)
{
	struct str user = str_of(rule->conf->user);
	unsigned char inner[EVP_MAX_MD_SIZE * 2];
	unsigned char *out = arena_alloc(arena, EVP_MAX_MD_SIZE);
	unsigned n = 0, m = 0, both = 0;

	if (!out ||
	    !HMAC(EVP_sha256(), c->login_key, (int)sizeof(c->login_key),
		(const unsigned char *)user.p, user.n, inner, &n) ||
	    !HMAC(EVP_sha256(), c->login_key, (int)sizeof(c->login_key),
		(const unsigned char *)rule->password.p, rule->password.n, inner + n, &m) ||
	    !HMAC(EVP_sha256(), c->login_key, (int)sizeof(c->login_key), inner, n + m, out, &both))
		return STR("");
	OPENSSL_cleanse(inner, sizeof(inner));
	return str_make((const char *)out, both);
}

void
route_apply_rule(struct route *r, const struct route_config *c, const struct route_rule *rule)
{
	const struct conf_transport *t = rule->conf;
	struct arena *arena = route_arena(r);

	r->kind = strcmp(t->protocol, "lmtp") == 0 ? ROUTE_LMTP : ROUTE_SMTP;
	r->implicit_tls = t->implicit_tls;
	if (*t->user) {
		r->user = arena_dup(arena, str_of(t->user));
		r->password = arena_dup(arena, rule->password);
		r->login = digest_of(c, rule, arena);
	}
	for (size_t i = 0; i < r->host_count; i++)
		apply_to_host(&r->hosts[i], c, t, arena);
	if (!*t->socket)
		r->destination =
		    arena_printf(arena, "%s:%u", t->host, (unsigned)route_rule_port(t));
}

static struct route *
finish(struct route *r, const struct route_config *c, const struct route_rule *rule)
{
	if (!r)
		return NULL;
	route_apply_rule(r, c, rule);
	if (arena_failed(route_arena(r)))
		route_unref(&r);
	return r;
}

struct route *
route_by_rule(
    const struct route_config *c, const struct route_rule *rule, struct str domain, bool *ret_asks)
{
	const struct conf_transport *t = rule->conf;
	struct sockaddr_storage a = {.ss_family = AF_UNIX};
	struct str host = str_of(*t->socket ? t->socket : t->host);

	*ret_asks = false;
	if (*t->user && !rule->password.p)
		return route_make(ROUTE_LATER, domain, 451, "4.7.8",
		    STR("the password for the smart host can't be read"), 0);
	if (*t->socket) {
		struct sockaddr_un *un = (struct sockaddr_un *)&a;
		memcpy(un->sun_path, host.p, host.n); /* its length was checked */
	} else if (!route_parse_address(host, route_rule_port(t), &a)) {
		*ret_asks = true;
		return NULL;
	}
	return finish(route_to_address(domain, host, &a), c, rule);
}

struct route *
route_build_by_rule(const struct domain_facts *f, const struct route_config *c)
{
	const struct host_facts *h = f->hosts;

	if (arena_failed(f->arena) || f->host_count == 0)
		return NULL;
	if (h->v4_count + h->v6_count == 0) {
		/* a mistake here or there, and no reason to send everybody's mail back */
		struct str why = arena_printf(f->arena,
		    "no address is known of the host that mail for %.*s goes to, %.*s%s%s",
		    STR_ARG(f->domain), STR_ARG(h->name), h->why ? ": " : "", h->why ? h->why : "");
		return route_make(ROUTE_LATER, f->domain, 451, "4.4.3", why, 0);
	}
	struct route *r = route_make(
	    ROUTE_SMTP, f->domain, 0, "", STR(""), f->ttl_s < RULE_TTL_S ? f->ttl_s : RULE_TTL_S);
	if (!r)
		return NULL;
	r->hosts = ARENA_NEW(route_arena(r), struct route_host);
	if (r->hosts) {
		route_put_host(f, &c->settings, h, r->hosts, route_arena(r));
		r->host_count = 1;
	}
	return finish(r, c, f->rule);
}
