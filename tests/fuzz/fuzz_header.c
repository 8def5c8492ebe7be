#include "common/mail/header.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	struct str rest = in;
	struct header_field field;
	const char *end = in.p;

	CLEANUP(sbuf_done) struct sbuf value = SBUF_INIT(64 << 20);
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);

	while (header_next(&rest, &field)) {
		sbuf_clear(&value);
		FUZZ_CHECK(field.name.n > 0 && field.whole.p >= end);
		FUZZ_CHECK(field.value.p + field.value.n == field.whole.p + field.whole.n);
		end = field.whole.p + field.whole.n;
		FUZZ_CHECK(end == rest.p);
		header_unfold(field.value, &value);
		FUZZ_CHECK(!value.err && str_find(sbuf_view(&value), '\n') == STR_NONE);
		struct str unfolded = header_unfold_dup(field.value, arena);
		FUZZ_CHECK(str_eq(str_trim(unfolded), str_trim(sbuf_view(&value))));
	}
	FUZZ_CHECK(end <= in.p + in.n);
	return 0;
}
