/* What the DNS answers. The first octet: the type of the records; then each has its length in one
 * octet before it. And the rest as a name that somebody wrote. */
#include "common/dns/dns_private.h"
#include "smtpd/outbound/sts_policy.h"
#include "smtpd/outbound/tlsrpt_report.h"
#include "tests/fuzz/fuzz.h"

#define ARENA_MAX (1 << 20)
#define RECORDS_MAX 300

static const enum dns_type types[] = {
    DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_SRV, DNS_TLSA};

static void
check_name(struct str name)
{
	FUZZ_CHECK(name.n == 0 || dns_is_name(name));
	FUZZ_CHECK(str_find(name, '\0') == STR_NONE);
}

static void
check_record(enum dns_type type, const struct dns_record *r, struct arena *arena)
{
	struct str *addresses;
	size_t n;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		FUZZ_CHECK(r->data.n == (type == DNS_A ? 4 : 16));
		break;
	case DNS_TXT:
		if (tlsrpt_parse_record(r->data, arena, &addresses, &n) == ERR_OK)
			for (size_t i = 0; i < n; i++)
				FUZZ_CHECK(addresses[i].n > 0);
		break;
	case DNS_TLSA:
		FUZZ_CHECK(r->data.n >= 3);
		break;
	default:
		check_name(r->name);
	}
}

static void
check_answer(enum dns_type type, const struct ub_result *result, struct arena *arena)
{
	struct dns_answer a;

	dns_parse_answer(type, 0, result, arena, &a);
	FUZZ_CHECK(a.status == DNS_FOUND ? a.count > 0 : a.count == 0);
	FUZZ_CHECK(a.count <= DNS_RECORDS_MAX);
	for (size_t i = 0; i < a.count; i++)
		check_record(type, &a.records[i], arena);
	for (size_t i = 1; type == DNS_MX && i < a.count; i++)
		FUZZ_CHECK(a.records[i - 1].preference <= a.records[i].preference);
	if (type == DNS_TXT)
		FUZZ_CHECK(sts_record_id(&a).n <= STS_ID_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	char *records[RECORDS_MAX + 1] = {NULL};
	int lengths[RECORDS_MAX];
	struct str rest = str_make(data, size), name;
	size_t n = 0;

	if (size == 0)
		return 0;
	enum dns_type type = types[data[0] % ARRAY_LEN(types)];
	rest = str_sub(rest, 1, rest.n);
	if (dns_name_from_text(rest, arena, &name) == ERR_OK)
		check_name(name);
	while (rest.n > 0 && n < RECORDS_MAX) {
		size_t length = (uint8_t)rest.p[0];
		struct str one = str_sub(rest, 1, length);
		/* each in memory of its own, so that reading behind it is noticed */
		records[n] = malloc(one.n + 1);
		FUZZ_CHECK(records[n]);
		memcpy(records[n], one.p, one.n);
		lengths[n++] = (int)one.n;
		rest = str_sub(rest, 1 + one.n, rest.n);
	}
	struct ub_result result = {.data = records, .len = lengths, .havedata = n > 0, .ttl = size};
	check_answer(type, &result, arena);
	for (size_t i = 0; i < n; i++)
		free(records[i]);
	return 0;
}
