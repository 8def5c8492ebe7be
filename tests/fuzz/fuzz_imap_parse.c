/* The productions of RFC 3501 §9 and mailbox patterns. The first octet chooses one. */
#include "imapd/imap_parse.h"
#include "imapd/list_pattern.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_ARENA_MAX (64 * 1024 * 1024)

static void
parse_any(struct imap_args *a, void *arg)
{
	struct str s;

	(void)arg;
	imap_parse_nstring(a, &s);
}

static void
parse_one(struct imap_args *a, unsigned which)
{
	struct flag_list flags;
	struct uidset set;
	struct date date;
	struct str s;

	switch (which) {
	case 0:
		imap_parse_astring(a, &s);
		break;
	case 1:
		imap_parse_list(a, true, parse_any, NULL);
		break;
	case 2:
		imap_parse_mailbox(a, &s);
		FUZZ_CHECK(a->c.err || str_is_utf8(s));
		break;
	case 3:
		imap_parse_uid_set(a, &set);
		for (size_t i = 1; i < set.n; i++)
			FUZZ_CHECK(set.r[i - 1].hi + 1 < set.r[i].lo);
		break;
	case 4:
		imap_parse_flags(a, &flags);
		FUZZ_CHECK(a->c.err || flags.keyword_count <= KEYWORDS_MAX);
		break;
	case 5:
		imap_parse_date(a);
		break;
	case 6:
		imap_parse_date_time(a, &date);
		break;
	default:
		imap_parse_list_mailbox(a, &s);
	}
}

/* Pattern and name, divided by the first LF. */
static void
match(struct str in, struct arena *arena)
{
	struct list_pattern p;
	struct str pattern;

	if (!str_split(&in, '\n', &pattern) || !in.p)
		return;
	if (list_pattern_init(&p, STR(""), pattern, arena) != ERR_OK)
		return;
	bool matches = list_pattern_matches(&p, in);
	if (str_eq(pattern, STR("*")))
		FUZZ_CHECK(matches);
	if (str_find(pattern, '*') == STR_NONE && str_find(pattern, '%') == STR_NONE &&
	    !str_starts_nocase(in, STR("INBOX")) && pattern.n < 1000)
		FUZZ_CHECK(matches == str_eq(pattern, in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(FUZZ_ARENA_MAX);
	struct imap_args a;
	uint64_t literal;
	bool synchronising;
	size_t at;

	if (size == 0)
		return 0;
	struct str in = str_make(data + 1, size - 1);
	imap_args_init(&a, in, arena);
	parse_one(&a, data[0] % 8);
	enum err e = imap_parse_end(&a);
	FUZZ_CHECK(e != ERR_OK || a.c.pos == in.n);
	FUZZ_CHECK(e == ERR_OK || a.c.err_at <= in.n);
	if (imap_find_literal(in, &literal, &synchronising, &at))
		FUZZ_CHECK(at < in.n && in.p[at] == '{');
	match(in, arena);
	return 0;
}
