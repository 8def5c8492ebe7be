#include "common/mail/address.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	size_t n = 0;
	size_t octets = 0;
	bool in_group = false;

	for (struct address *a = address_parse_list(str_make(data, size), arena); a; a = a->next) {
		n++;
		octets += a->name.n + a->route.n + a->mailbox.n + a->host.n;
		if (a->host.p) {
			FUZZ_CHECK(a->mailbox.p);
			continue;
		}
		/* group markers alternate */
		FUZZ_CHECK(!a->name.p && !a->route.p);
		FUZZ_CHECK(in_group == !a->mailbox.p);
		in_group = !in_group;
	}
	FUZZ_CHECK(n <= ADDRESS_MAX && octets <= size);
	FUZZ_CHECK(!in_group || n == ADDRESS_MAX);
	FUZZ_CHECK(!arena_failed(arena));
	return 0;
}
