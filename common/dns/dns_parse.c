#include "common/dns/dns_private.h"

#include <stdlib.h>

#define RCODE_NXDOMAIN 3

/* -- records ---------------------------------------------------------------------------------- */

/* An uncompressed name that ends where `*wire` does (RFC 1035 §3.1): in text, lower case, without
 * the final dot; the root is "". */
static bool
take_name(struct str wire, struct arena *arena, struct str *ret)
{
	char text[DNS_NAME_MAX + 2];
	size_t n = 0;

	while (wire.n > 0 && wire.p[0]) {
		size_t label = (unsigned char)wire.p[0];
		if (label > 63 || label + 1 > wire.n || n + label + 1 > sizeof(text))
			return false;
		if (n > 0)
			text[n++] = '.';
		for (size_t i = 1; i <= label; i++) {
			if (wire.p[i] == '.') /* in text it would be two labels */
				return false;
			text[n++] = ascii_lower(wire.p[i]);
		}
		wire = str_skip(wire, label + 1);
	}
	if (wire.n != 1 || (n > 0 && !dns_is_name(str_make(text, n))))
		return false;
	*ret = arena_dup(arena, str_make(text, n));
	return ret->p;
}

/* One or more character-strings (RFC 1035 §3.3.14), joined as SPF, DKIM and STS have it (RFC 7208
 * §3.3). */
static bool
take_strings(struct str rdata, struct arena *arena, struct str *ret)
{
	char *text = arena_alloc(arena, rdata.n + 1);
	size_t n = 0;

	if (!text || rdata.n == 0)
		return false;
	while (rdata.n > 0) {
		size_t length = (unsigned char)rdata.p[0];
		if (length + 1 > rdata.n)
			return false;
		memcpy(text + n, rdata.p + 1, length);
		n += length;
		rdata = str_skip(rdata, length + 1);
	}
	*ret = str_make(text, n);
	return true;
}

static bool
take_octets(struct str rdata, size_t min, size_t max, struct arena *arena, struct str *ret)
{
	if (rdata.n < min || rdata.n > max)
		return false;
	*ret = arena_dup(arena, rdata);
	return ret->p;
}

bool
dns_parse_record(enum dns_type type, struct str rdata, struct arena *arena, struct dns_record *ret)
{
	*ret = (struct dns_record){0};
	switch (type) {
	case DNS_A:
		return take_octets(rdata, 4, 4, arena, &ret->data);
	case DNS_AAAA:
		return take_octets(rdata, 16, 16, arena, &ret->data);
	case DNS_TLSA: /* RFC 6698 §2.1: three octets and what they say */
		return take_octets(rdata, 3, UINT16_MAX, arena, &ret->data);
	case DNS_TXT:
		return take_strings(rdata, arena, &ret->data);
	case DNS_CNAME:
	case DNS_NS:
	case DNS_PTR:
		return take_name(rdata, arena, &ret->name);
	case DNS_MX:
		if (rdata.n < 3)
			return false;
		ret->preference =
		    (uint16_t)((unsigned char)rdata.p[0] << 8 | (unsigned char)rdata.p[1]);
		return take_name(str_skip(rdata, 2), arena, &ret->name);
	case DNS_SRV: /* RFC 2782: priority, weight, port, target */
		if (rdata.n < 7)
			return false;
		ret->preference =
		    (uint16_t)((unsigned char)rdata.p[0] << 8 | (unsigned char)rdata.p[1]);
		return take_octets(str_sub(rdata, 2, 4), 4, 4, arena, &ret->data) &&
		       take_name(str_skip(rdata, 6), arena, &ret->name);
	}
	return false;
}

void
dns_order_mx(struct dns_record *records, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = arc4random_uniform((uint32_t)i);
		struct dns_record swap = records[i - 1];
		records[i - 1] = records[j];
		records[j] = swap;
	}
	/* stable, so that equal ones stay shuffled; there are few */
	for (size_t i = 1; i < n; i++) {
		struct dns_record r = records[i];
		size_t j = i;
		for (; j > 0 && records[j - 1].preference > r.preference; j--)
			records[j] = records[j - 1];
		records[j] = r;
	}
}

/* -- answers ---------------------------------------------------------------------------------- */

static void
take_records(
    enum dns_type type, const struct ub_result *result, struct arena *arena, struct dns_answer *ret)
{
	size_t n = 0;

	while (n < DNS_RECORDS_MAX && result->data[n])
		n++;
	ret->records = arena_alloc_array(arena, n + 1, sizeof(*ret->records));
	for (size_t i = 0; ret->records && i < n; i++) {
		struct str rdata = str_make(result->data[i], (size_t)result->len[i]);
		if (dns_parse_record(type, rdata, arena, &ret->records[ret->count]))
			ret->count++;
	}
	if (type == DNS_MX && ret->records)
		dns_order_mx(ret->records, ret->count);
}

static struct str
take_canonical(const char *name, struct arena *arena)
{
	struct str text = str_of(name), ret;

	if (text.n == 0 || dns_name_from_text(text, arena, &ret))
		return (struct str){NULL, 0};
	return ret;
}

static void
fail(struct dns_answer *ret, enum dns_status status, const char *why)
{
	*ret = (struct dns_answer){.status = status, .why = why};
}

/* The words of a code of RFC 1035 §4.1.1. */
static const char *
rcode_text(int rcode)
{
	switch (rcode) {
	case 1:
		return "the name server takes the question for malformed";
	case 2:
		return "the name servers of the domain fail or do not answer";
	case 5:
		return "the name server refuses to answer";
	default:
		return "the name server answers with an error";
	}
}

void
dns_parse_answer(enum dns_type type, int err, const struct ub_result *result, struct arena *arena,
    struct dns_answer *ret)
{
	if (err || !result) {
		fail(ret, DNS_FAILED, err ? ub_strerror(err) : "no answer");
		return;
	}
	if (result->bogus) {
		const char *why = arena_cstr(arena, str_of(result->why_bogus));
		fail(ret, DNS_BOGUS, why && *why ? why : "its signatures are wrong");
		return;
	}
	*ret = (struct dns_answer){
	    .secure = result->secure,
	    .ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0,
	    .canonical = take_canonical(result->canonname, arena),
	};
	if (result->nxdomain || result->rcode == RCODE_NXDOMAIN) {
		ret->status = DNS_NO_NAME;
	} else if (result->rcode != 0) {
		fail(ret, DNS_FAILED, rcode_text(result->rcode));
	} else if (!result->havedata) {
		ret->status = DNS_NO_DATA;
	} else {
		ret->status = DNS_FOUND;
		take_records(type, result, arena, ret);
		if (ret->count == 0) /* there are some, and who knows what they were to say */
			fail(ret, DNS_FAILED, "its records can't be read");
	}
	if (arena_failed(arena))
		fail(ret, DNS_FAILED, "out of memory");
}
