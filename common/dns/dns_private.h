/* common/dns/dns_private.h - between the questions (dns.c), the library that answers them
 * (dns_resolver.c) and the reading of what it says (dns_parse.c). */
#ifndef COMMON_DNS_DNS_PRIVATE_H
#define COMMON_DNS_DNS_PRIVATE_H

#include "common/dns/dns.h"

#include <unbound.h>

/* A libunbound context that works on a thread of its own. ERR_CONFIG (logged) where a setting is
 * not to be had. */
NODISCARD enum err dns_make_context(const struct conf *conf, struct ub_ctx **ret);

/* RDATA in wire form, names uncompressed (RFC 1035 §3.3). False: it is not as its type has it, or
 * holds a name that is none of a host. ERR_NOMEM shows as arena_failed(). */
bool dns_parse_record(
    enum dns_type type, struct str rdata, struct arena *arena, struct dns_record *ret);
/* MX by preference; equal ones in random order (RFC 5321 §5.1). */
void dns_order_mx(struct dns_record *records, size_t n);
/* What libunbound says: its error `err`, or `result`. Octets in `arena`. */
void dns_parse_answer(enum dns_type type, int err, const struct ub_result *result,
    struct arena *arena, struct dns_answer *ret);

#endif
