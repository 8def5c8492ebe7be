#include "imapd/list_pattern.h"

#include "store/mailbox.h"

/* Between two octets of a name there is at most one wildcard once runs of them are joined. */
#define POSITIONS_MAX (2 * MAILBOX_NAME_MAX + 1)

static void
set_bit(uint64_t *set, size_t at)
{
	set[at / 64] |= UINT64_C(1) << (at % 64);
}

static bool
is_wild(char ch)
{
	return ch == '*' || ch == '%';
}

/* Joins both and their runs of wildcards: "%%" is "%", any run with a "*" is "*". */
static enum err
join(struct str reference, struct str pattern, struct arena *arena, struct str *ret)
{
	char *to = arena_alloc(arena, reference.n + pattern.n + 1);
	size_t n = 0;

	if (!to)
		return ERR_NOMEM;
	for (size_t i = 0; i < reference.n + pattern.n; i++) {
		char ch = i < reference.n ? reference.p[i] : pattern.p[i - reference.n];
		if (is_wild(ch) && n > 0 && is_wild(to[n - 1])) {
			if (ch == '*')
				to[n - 1] = '*';
			continue;
		}
		to[n++] = ch;
	}
	*ret = str_make(to, n);
	return ERR_OK;
}

enum err
list_pattern_init(
    struct list_pattern *p, struct str reference, struct str pattern, struct arena *arena)
{
	struct str text;

	*p = (struct list_pattern){0};
	if (!reference.p || !pattern.p) /* no valid name */
		return ERR_OK;
	enum err e = join(reference, pattern, arena, &text);
	if (e || text.n > POSITIONS_MAX)
		return e;
	size_t words = (text.n + 1 + 63) / 64;
	p->literal = arena_alloc_array(arena, 256 * words, sizeof(uint64_t));
	p->star = arena_alloc_array(arena, words, sizeof(uint64_t));
	p->wild = arena_alloc_array(arena, words, sizeof(uint64_t));
	p->state = arena_alloc_array(arena, 2 * words, sizeof(uint64_t));
	if (!p->literal || !p->star || !p->wild || !p->state)
		return ERR_NOMEM;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '*')
			set_bit(p->star, i);
		if (is_wild(text.p[i]))
			set_bit(p->wild, i);
		else
			set_bit(p->literal + words * (unsigned char)text.p[i], i);
	}
	p->words = words;
	p->last = text.n;
	p->ends_in_percent = text.n > 0 && text.p[text.n - 1] == '%';
	return ERR_OK;
}

/* `from` one position on, added to `to`. */
static void
add_shifted(uint64_t *to, const uint64_t *from, const uint64_t *mask, size_t words)
{
	uint64_t carry = 0;

	for (size_t w = 0; w < words; w++) {
		uint64_t moving = from[w] & mask[w];
		to[w] |= moving << 1 | carry;
		carry = moving >> 63;
	}
}

/* Reads one octet; `alike` is another octet that counts as the same. */
static void
step(const struct list_pattern *p, const uint64_t *from, uint64_t *to, unsigned char ch,
    unsigned char alike)
{
	const uint64_t *stays = ch == '/' ? p->star : p->wild;

	for (size_t w = 0; w < p->words; w++)
		to[w] = from[w] & stays[w];
	add_shifted(to, from, p->literal + p->words * ch, p->words);
	if (alike != ch)
		add_shifted(to, from, p->literal + p->words * alike, p->words);
	add_shifted(to, to, p->wild, p->words); /* a wildcard may stand for nothing more */
}

bool
list_pattern_matches(const struct list_pattern *p, struct str name)
{
	if (p->words == 0)
		return false;
	size_t inbox = str_eq(name, STR("INBOX")) || str_starts(name, STR("INBOX/")) ? 5 : 0;
	uint64_t *now = p->state;
	uint64_t *after = p->state + p->words;

	memset(now, 0, p->words * sizeof(*now));
	now[0] = 1;
	add_shifted(now, now, p->wild, p->words);
	for (size_t i = 0; i < name.n; i++) {
		char ch = name.p[i];
		uint64_t *swap = now;

		step(p, now, after, (unsigned char)ch,
		    (unsigned char)(i < inbox ? ascii_lower(ch) : ch));
		now = after;
		after = swap;
	}
	return now[p->last / 64] >> (p->last % 64) & 1;
}
