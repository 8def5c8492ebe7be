/* The sets of a chain (RFC 8617 §4.2, §5.1.1). */
#include "common/trust/arc_private.h"

const char *
arc_status_name(enum arc_status s)
{
	static const char *const names[] = {
	    [ARC_NONE] = "none", [ARC_PASS] = "pass", [ARC_FAIL] = "fail"};

	return names[s];
}

/* i=, which is the first thing in a field of results and any tag of the others. */
static unsigned
instance_of(const struct header_field *f, enum arc_part part)
{
	struct str value = f->value;
	uint32_t n = 0;

	if (part == ARC_RESULTS) {
		size_t end = str_find(value, ';');
		struct str first = str_trim(str_sub(value, 0, end));
		size_t equals = str_find(first, '=');
		if (end == STR_NONE || equals == STR_NONE ||
		    !str_eq(str_trim(str_sub(first, 0, equals)), STR("i")) ||
		    !str_to_u32(str_trim(str_skip(first, equals + 1)), &n))
			return 0;
		return n;
	}
	struct tags t;
	if (tags_parse(value, &t) || !str_to_u32(tags_get(&t, "i", STR("")), &n))
		return 0;
	return n;
}

void
arc_chain_read(const struct fields *f, struct arc_chain *ret)
{
	static const struct {
		const char *name;
		enum arc_part part;
	} parts[] = {
	    {"ARC-Authentication-Results", ARC_RESULTS},
	    {"ARC-Message-Signature", ARC_MESSAGE},
	    {"ARC-Seal", ARC_SEAL},
	};

	*ret = (struct arc_chain){.count = 0};
	for (size_t i = 0; i < f->count; i++) {
		const struct header_field *field = &f->all[i];
		for (size_t j = 0; j < ARRAY_LEN(parts); j++) {
			if (!str_eq_nocase(field->name, str_of(parts[j].name)))
				continue;
			unsigned n = instance_of(field, parts[j].part);
			if (n == 0 || n > ARC_SETS_MAX) {
				ret->broken = "a field of it has no number from 1 to 50";
				continue;
			}
			const struct header_field **at = &ret->sets[n - 1].parts[parts[j].part];
			if (*at)
				ret->broken = "a field of it is there twice";
			*at = field;
			if (n > ret->count)
				ret->count = n;
		}
	}
	for (unsigned i = 0; i < ret->count; i++)
		for (int j = 0; j < ARC_PART__COUNT; j++)
			if (!ret->sets[i].parts[j])
				ret->broken = "one of its sets is not whole";
}

void
arc_put_sealed(const struct arc_chain *c, unsigned n, bool alone, struct str seal, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf bare = SBUF_INIT(TRUST_HEADER_MAX);

	for (unsigned i = alone ? n : 1; i <= n; i++) {
		for (int j = 0; j < ARC_PART__COUNT; j++) {
			if (i == n && j == ARC_SEAL)
				continue;
			field_relaxed(c->sets[i - 1].parts[j]->whole, true, out);
		}
	}
	field_without_b(seal, &bare);
	field_relaxed(sbuf_view(&bare), false, out);
	if (sbuf_error(&bare) && !out->err)
		out->err = sbuf_error(&bare);
}
