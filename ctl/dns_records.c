/* What a zone should have: RFC 5321 §5 (MX), RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 (DMARC), RFC
 * 8461 (MTA-STS), RFC 8460 (TLSRPT), RFC 7672 (TLSA), RFC 6186 and RFC 8314 §5.1 (SRV). */
#include "ctl/dns_records.h"

#include "common/trust/dkim.h"
#include "store/directory.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#define WANTED_MAX (32 + SIGNING_KEYS_MAX)
#define TXT_STRING_MAX 255 /* RFC 1035 §3.3 */

struct list {
	struct call *call;
	struct str domain;
	struct dns_wanted *all;
	size_t n;
};

const char *
dns_type_name(enum dns_type t)
{
	switch (t) {
	case DNS_A:
		return "A";
	case DNS_CNAME:
		return "CNAME";
	case DNS_NS:
		return "NS";
	case DNS_PTR:
		return "PTR";
	case DNS_MX:
		return "MX";
	case DNS_TXT:
		return "TXT";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_TLSA:
		return "TLSA";
	}
	return "";
}

const char *
dns_priority_name(enum dns_priority p)
{
	static const char *const names[] = {"required", "recommended", "optional"};

	return names[p];
}

const char *
dns_found_name(enum dns_found f)
{
	static const char *const names[] = {
	    "not asked", "as wanted", "missing", "different", "not known"};

	return names[f];
}

static struct dns_wanted *
want(struct list *l, enum dns_priority priority, enum dns_type type, const char *why)
{
	struct dns_wanted *w = &l->all[l->n < WANTED_MAX ? l->n++ : WANTED_MAX];

	*w = (struct dns_wanted){.priority = priority, .type = type, .why = str_of(why)};
	return w;
}

static struct str
host(const struct list *l)
{
	return str_of(l->call->conf->hostname);
}

static struct str
below(const struct list *l, const char *label)
{
	return arena_printf(l->call->arena, "%s.%.*s", label, STR_ARG(l->domain));
}

/* -- the parts ------------------------------------------------------------------------------- */

/* An address that somebody elsewhere could reach. */
static bool
is_public(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1) {
		uint32_t a = ntohl(v4.s_addr);
		return a != 0 && a >> 24 != 127 && a >> 24 != 10 && a >> 20 != 0xac1 &&
		       a >> 16 != 0xc0a8 && a >> 16 != 0xa9fe;
	}
	return inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6) &&
	       !IN6_IS_ADDR_LOOPBACK(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6) &&
	       (v6.s6_addr[0] & 0xfe) != 0xfc;
}

static void
want_addresses(struct list *l)
{
	bool any = false;

	for (const char *const *a = l->call->conf->listen; *a; a++) {
		if (!is_public(*a))
			continue;
		struct dns_wanted *w =
		    want(l, DNS_REQUIRED, strchr(*a, ':') ? DNS_AAAA : DNS_A, "where this host is");
		w->name = host(l);
		w->value = str_of(*a);
		any = true;
	}
	if (any)
		return;
	struct dns_wanted *w = want(l, DNS_REQUIRED, DNS_A,
	    "where this host is; its public address is not in the configuration");
	w->name = host(l);
	w->match = DNS_MATCH_ADDRESS;
}

static void
want_mail(struct list *l)
{
	struct dns_wanted *w =
	    want(l, DNS_REQUIRED, DNS_MX, "other servers bring mail for the domain to this host");

	w->name = l->domain;
	w->value = arena_printf(l->call->arena, "10 %.*s.", STR_ARG(host(l)));
	w = want(
	    l, DNS_RECOMMENDED, DNS_TXT, "SPF: only the hosts of its MX send mail of the domain");
	w->name = l->domain;
	w->value = STR("v=spf1 mx -all");
	w->match = DNS_MATCH_POLICY;
	if (str_eq_nocase(host(l), l->domain))
		return;
	w = want(l, DNS_RECOMMENDED, DNS_TXT,
	    "SPF of the host's own name, which reports have as their sender");
	w->name = host(l);
	w->value = STR("v=spf1 a -all");
	w->match = DNS_MATCH_POLICY;
}

enum err
dns_record_of_key(struct call *call, const struct signing_key *k, struct dns_wanted *ret)
{
	CLEANUP(sbuf_done) struct sbuf pem = SBUF_INIT(SIGNING_PEM_MAX + 1);
	CLEANUP(sbuf_done) struct sbuf txt = SBUF_INIT(8192);
	CLEANUP(dkim_key_free) struct dkim_key *key = NULL;
	enum err e = signing_key_read(call->store, k->domain, k->selector, &pem);

	if (!e)
		e = dkim_key_parse(sbuf_view(&pem), &key);
	if (pem.p)
		OPENSSL_cleanse(pem.p, pem.cap);
	if (!e)
		e = dkim_key_record(key, &txt);
	if (e)
		return e == ERR_SYNTAX || e == ERR_DENIED || e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	ret->type = DNS_TXT;
	ret->match = DNS_MATCH_KEY;
	ret->name = arena_printf(
	    call->arena, "%.*s._domainkey.%.*s", STR_ARG(k->selector), STR_ARG(k->domain));
	ret->value = arena_dup(call->arena, sbuf_view(&txt));
	return ret->name.p && ret->value.p ? ERR_OK : ERR_NOMEM;
}

static enum err
want_keys(struct list *l)
{
	static const char *const why[] = {
	    [SIGNING_WAITING] = "DKIM: a new key, which will sign after `pillarbox dkim rotate`",
	    [SIGNING_ACTIVE] = "DKIM: the key that signs",
	    [SIGNING_RETIRED] = "DKIM: a key that signed mail which may still be under way",
	};
	struct signing_key *keys = NULL;
	size_t n = 0;
	enum err e = signing_key_list(l->call->store, l->domain, l->call->arena, &keys, &n);

	for (size_t i = 0; i < n && !e; i++) {
		struct dns_wanted *w =
		    want(l, keys[i].state == SIGNING_RETIRED ? DNS_OPTIONAL : DNS_RECOMMENDED,
			DNS_TXT, why[keys[i].state]);
		e = dns_record_of_key(l->call, &keys[i], w);
	}
	return e;
}

struct str
dns_sts_policy(struct call *call)
{
	return arena_printf(call->arena,
	    "version: STSv1\r\nmode: enforce\r\nmx: %s\r\nmax_age: 604800\r\n",
	    call->conf->hostname);
}

static void
want_policies(struct list *l)
{
	struct str policy = dns_sts_policy(l->call);
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct dns_wanted *w = want(l, DNS_RECOMMENDED, DNS_TXT,
	    "DMARC: what others are to do with mail that only claims to be from the domain");

	w->name = below(l, "_dmarc");
	w->value = arena_printf(l->call->arena,
	    "v=DMARC1; p=quarantine; rua=mailto:postmaster@%.*s", STR_ARG(l->domain));
	w->match = DNS_MATCH_POLICY;
	w = want(l, DNS_RECOMMENDED, DNS_TXT,
	    "TLSRPT: where others report that mail could not come encrypted");
	w->name = below(l, "_smtp._tls");
	w->value = arena_printf(
	    l->call->arena, "v=TLSRPTv1; rua=mailto:postmaster@%.*s", STR_ARG(l->domain));
	w->match = DNS_MATCH_POLICY;
	/* the id changes when the policy does */
	SHA256((const unsigned char *)policy.p, policy.n, hash);
	w = want(l, DNS_OPTIONAL, DNS_TXT,
	    "MTA-STS: others must use TLS; needs a web server with the policy below");
	w->name = below(l, "_mta-sts");
	w->value = arena_printf(l->call->arena, "v=STSv1; id=%02x%02x%02x%02x%02x%02x%02x%02x",
	    hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
	w->match = DNS_MATCH_POLICY;
}

/* "3 1 1 …" (RFC 7671 §5.1): the key of the certificate that this host shows on port 25. */
static struct str
tlsa_value(struct call *call)
{
	const char *path = call->conf->tls[0].certificate;
	unsigned char *der = NULL;
	unsigned char hash[SHA256_DIGEST_LENGTH];
	FILE *f = fopen(path, "re");
	X509 *certificate = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	int n = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der) : 0;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(128);

	if (n > 0) {
		SHA256(der, (size_t)n, hash);
		sbuf_puts(&out, "3 1 1 ");
		for (size_t i = 0; i < sizeof(hash); i++)
			sbuf_printf(&out, "%02x", hash[i]);
	}
	OPENSSL_free(der);
	X509_free(certificate);
	if (f)
		(void)fclose(f); /* it was only read */
	return arena_dup(call->arena, sbuf_view(&out));
}

static void
want_tlsa(struct list *l)
{
	struct str value = l->call->conf->tls_count ? tlsa_value(l->call) : STR("");

	if (value.n == 0)
		return;
	struct dns_wanted *w = want(l, DNS_OPTIONAL, DNS_TLSA,
	    "DANE: others must use TLS with this key; only where the zone is signed (DNSSEC)");
	w->name = arena_printf(l->call->arena, "_25._tcp.%.*s", STR_ARG(host(l)));
	w->value = value;
}

static void
want_services(struct list *l)
{
	const struct conf *c = l->call->conf;
	const struct {
		const char *service;
		unsigned port, priority;
		bool on;
	} rows[] = {
	    {"_submissions._tcp", 465, 0, c->smtpd.submissions},
	    {"_submission._tcp", 587, 10, c->smtpd.submission},
	    {"_imaps._tcp", 993, 0, c->imapd.imaps},
	    {"_imap._tcp", 143, 10, c->imapd.imap},
	    {"_pop3s._tcp", 995, 20, c->pop3d.pop3s},
	    {"_pop3._tcp", 110, 30, c->pop3d.pop3},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!rows[i].on)
			continue;
		struct dns_wanted *w =
		    want(l, DNS_OPTIONAL, DNS_SRV, "mail programs find their server by it");
		w->name = below(l, rows[i].service);
		w->value = arena_printf(l->call->arena, "%u 1 %u %.*s.", rows[i].priority,
		    rows[i].port + c->port_offset, STR_ARG(host(l)));
	}
}

enum err
dns_records(struct call *call, struct str domain, struct dns_wanted **ret, size_t *ret_n)
{
	struct list l = {.call = call};
	enum err e = directory_is_local_domain(call->store, domain);

	if (!e)
		e = dns_name_from_text(domain, call->arena, &l.domain);
	if (e)
		return e;
	l.all = arena_alloc_array(call->arena, WANTED_MAX + 1, sizeof(*l.all));
	if (!l.all)
		return ERR_NOMEM;
	want_mail(&l);
	want_addresses(&l);
	e = want_keys(&l);
	if (e)
		return e;
	want_policies(&l);
	want_tlsa(&l);
	want_services(&l);
	if (arena_failed(call->arena))
		return ERR_NOMEM;
	*ret = l.all;
	*ret_n = l.n;
	return ERR_OK;
}

/* -- as a zone ------------------------------------------------------------------------------- */

static void
put_text(struct sbuf *out, struct str value)
{
	do {
		struct str piece = str_sub(value, 0, TXT_STRING_MAX);
		sbuf_printf(out, " \"%.*s\"", STR_ARG(piece));
		value = str_skip(value, piece.n);
	} while (value.n);
}

void
dns_print_zone(const struct dns_wanted *w, size_t n, struct sbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (w[i].why.n)
			sbuf_printf(out, "; %s: %.*s\n", dns_priority_name(w[i].priority),
			    STR_ARG(w[i].why));
		/* what is not known here is a comment for whoever knows */
		if (w[i].value.n == 0) {
			sbuf_printf(out, "; %.*s. IN %s (the address)\n", STR_ARG(w[i].name),
			    dns_type_name(w[i].type));
			continue;
		}
		sbuf_printf(out, "%.*s. IN %s", STR_ARG(w[i].name), dns_type_name(w[i].type));
		if (w[i].type == DNS_TXT)
			put_text(out, w[i].value);
		else
			sbuf_printf(out, " %.*s", STR_ARG(w[i].value));
		sbuf_putc(out, '\n');
	}
}
