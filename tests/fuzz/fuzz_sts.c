/* MTA-STS policies: what is taken names no more than it says. */
#include "smtpd/outbound/sts_policy.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 22);
	struct sts_policy p;

	if (sts_policy_parse(str_make(data, size), arena, &p) != ERR_OK)
		return 0;
	FUZZ_CHECK(size <= STS_POLICY_MAX && p.mx_count <= STS_MX_MAX);
	FUZZ_CHECK(p.max_age_s <= STS_AGE_MAX_S && p.mode <= STS_ENFORCE);
	FUZZ_CHECK(p.mode == STS_NONE || p.mx_count > 0);
	for (size_t i = 0; i < p.mx_count; i++) {
		bool wild = str_starts_nocase(p.mx[i], STR("*."));
		FUZZ_CHECK(p.mx[i].n > 0);
		FUZZ_CHECK(wild || sts_policy_names(&p, p.mx[i]));
	}
	FUZZ_CHECK(!sts_policy_names(&p, STR("")));
	return 0;
}
