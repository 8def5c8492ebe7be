/* ctl/dns_records.h - what a domain's zone should say for its mail, and what it says.
 *
 * One process, one thread: dns_look_up() runs a loop of its own until every answer is there.
 */
#ifndef CTL_DNS_RECORDS_H
#define CTL_DNS_RECORDS_H

#include "common/dns/dns.h"
#include "ctl/ctl.h"
#include "store/signing_key.h"

enum dns_priority {
	DNS_REQUIRED, /* without it no mail comes, or none is taken from here */
	DNS_RECOMMENDED,
	DNS_OPTIONAL,
};

/* How a record found is compared with the one wanted. */
enum dns_match {
	DNS_MATCH_ALL, /* one of them is the same */
	DNS_MATCH_ADDRESS, /* any address that others can reach */
	DNS_MATCH_POLICY, /* a single text that begins with the same word ("v=DMARC1") */
	DNS_MATCH_KEY, /* the same p= (RFC 6376 §3.6.1) */
};

enum dns_found {
	DNS_NOT_ASKED,
	DNS_AS_WANTED,
	DNS_MISSING,
	DNS_OTHER, /* there is something else; found_text says what */
	DNS_NOT_KNOWN, /* the question failed; found_text says why */
};

struct dns_wanted {
	enum dns_priority priority;
	enum dns_type type;
	enum dns_match match;
	struct str name; /* without the final dot */
	struct str value; /* as a zone has it, texts without quotes; empty: cannot be known here */
	struct str why; /* one sentence for people */
	enum dns_found found;
	struct str found_text; /* for people */
	struct call *call; /* dns_look_up() only, like the next one */
	size_t *open;
	struct loop *loop;
};

const char *dns_type_name(enum dns_type t);
const char *dns_priority_name(enum dns_priority p);
const char *dns_found_name(enum dns_found f);

/* What the zone of `domain`, which is served here, should have; in call->arena. */
NODISCARD enum err dns_records(
    struct call *call, struct str domain, struct dns_wanted **ret, size_t *ret_n);
/* The record of a key. ERR_IO and ERR_CORRUPT where its file is not as it should be. */
NODISCARD enum err dns_record_of_key(
    struct call *call, const struct signing_key *k, struct dns_wanted *ret);
/* The policy of MTA-STS (RFC 8461 §3.2) that a web server must hand out; in call->arena. */
struct str dns_sts_policy(struct call *call);

/* Appends lines of a zone file. */
void dns_print_zone(const struct dns_wanted *w, size_t n, struct sbuf *out);

/* Asks for all of them and sets `found` and `found_text`. */
NODISCARD enum err dns_look_up(struct call *call, struct dns_wanted *w, size_t n);
/* The texts under `name`, in call->arena. */
NODISCARD enum err dns_ask_texts(struct call *call, struct str name, struct str **ret,
    size_t *ret_n, enum dns_status *ret_status);
/* An address that is asked about, "192.0.2.1" as "1.2.0.192.in-addr.arpa"; `data` has 4 or 16
 * octets. */
struct str dns_reverse_name(struct arena *arena, struct str data);
/* An address in text, and back; false where it is none. */
struct str dns_address_text(struct arena *arena, struct str data);
bool dns_address_data(struct arena *arena, struct str text, struct str *ret);

#endif
