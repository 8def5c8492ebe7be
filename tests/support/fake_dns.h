/* tests/support/fake_dns.h - a DNS of the test's own in place of common/dns: link libfakedns.a
 * before libdns.a.
 *
 *	struct dns *d = fake_dns_new();
 *	fake_dns_add(d, "example.org", DNS_MX, true, "10 mx.example.org");
 *	fake_dns_add(d, "mx.example.org", DNS_A, true, "192.0.2.1");
 *	... dns_ask() ...
 *	fake_dns_run(d);
 *
 * What is not in it does not exist: DNS_NO_DATA where the name has other records or names below it,
 * else DNS_NO_NAME. CNAMEs are followed. dns_new() makes one that answers from the loop by itself.
 * Thread-safe.
 */
#ifndef TESTS_SUPPORT_FAKE_DNS_H
#define TESTS_SUPPORT_FAKE_DNS_H

#include "common/dns/dns.h"

#define FAKE_DNS_TTL_S 3600

struct dns *fake_dns_new(void);
/* `value`: "10 mx.example.org" (MX; "0 ." is null MX), an address, a name, a text; of TLSA "3 1 1
 * hex", of SRV "0 1 587 mail.example.org". */
void fake_dns_add(
    struct dns *d, const char *name, enum dns_type type, bool secure, const char *value);
/* Questions for it fail in that way, or have no data, `secure` or not. */
void fake_dns_fail(struct dns *d, const char *name, enum dns_type type, enum dns_status status);
/* That nothing is there is validated for `name` and all below it. */
void fake_dns_sign(struct dns *d, const char *name);
/* Takes all of `name` away. */
void fake_dns_remove(struct dns *d, const char *name);
void fake_dns_set_ttl(struct dns *d, uint32_t ttl_s);
/* Answers what was asked, and what is asked because of that, until nothing is open. */
void fake_dns_run(struct dns *d);
/* Questions so far, of this type; 0: of all. */
size_t fake_dns_count(struct dns *d, int type);
/* dns_ask() gives `e` from now on; ERR_OK ends it. */
void fake_dns_refuse(struct dns *d, enum err e);

#endif
