#include "store/entry_page.h"

#include "common/base/cleanup.h"

#include <assert.h>

static_assert(PAGE_OCTETS >= PAGE_COLUMNS * COLUMN_OCTETS + PAGE_ENTRIES * ENTRY_OCTETS &&
		  PAGE_OCTETS % PAGE_STEP == 0,
    "the longest row");

int64_t
page_key(int64_t mailbox, uint32_t low)
{
	return (int64_t)((uint64_t)mailbox << 32 | low);
}

uint64_t
page_modseq(const struct page *p)
{
	uint64_t modseq = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (p->e[i].modseq > modseq)
			modseq = p->e[i].modseq;
	return modseq;
}

uint32_t
page_position(const struct page *p, uint32_t uid)
{
	uint32_t lo = 0;
	uint32_t hi = p->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (p->e[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* -- columns */

static const struct {
	size_t at; /* in struct entry */
	bool narrow; /* 32 bits */
} fields[PAGE_COLUMNS] = {
    {offsetof(struct entry, uid), true},
    {offsetof(struct entry, saved_s), true},
    {offsetof(struct entry, flags), false},
    {offsetof(struct entry, modseq), false},
    {offsetof(struct entry, message), false},
    {offsetof(struct entry, size), false},
};

struct column {
	uint64_t base;
	uint32_t width, step;
};

static uint64_t
field(const struct entry *e, size_t column)
{
	const char *p = (const char *)e + fields[column].at;
	uint32_t narrow;
	uint64_t wide;

	if (!fields[column].narrow) {
		memcpy(&wide, p, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, p, sizeof(narrow));
	return narrow;
}

/* Gives all values in one; the compiler makes a loop for each width. */
static inline __attribute__((always_inline)) uint64_t
unpack(const struct column *c, const unsigned char *from, uint32_t width, bool narrow, char *to,
    uint32_t n)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < n; i++, from += width, to += sizeof(struct entry)) {
		uint64_t value = 0;
		for (uint32_t k = 0; k < width; k++)
			value = value << 8 | from[k];
		value += c->base + c->step * (uint64_t)i;
		all |= value;
		if (narrow)
			memcpy(to, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
		else
			memcpy(to, &value, sizeof(value));
	}
	return all;
}

/* False: a value does not fit. */
static bool
unpack_column(
    const struct column *c, const char *octets, size_t column, struct entry *to, uint32_t n)
{
	const unsigned char *from = (const unsigned char *)octets;
	char *at = (char *)to + fields[column].at;

#define UNPACK(w)                                                                                  \
	case w:                                                                                    \
		if (fields[column].narrow)                                                         \
			return unpack(c, from, w, true, at, n) <= UINT32_MAX;                      \
		unpack(c, from, w, false, at, n);                                                  \
		return true
	switch (c->width) {
		UNPACK(0);
		UNPACK(1);
		UNPACK(2);
		UNPACK(3);
		UNPACK(4);
		UNPACK(5);
		UNPACK(6);
		UNPACK(7);
		UNPACK(8);
	default:
		return false;
	}
#undef UNPACK
}

static uint32_t
width_of(uint64_t most)
{
	return most ? 8 - (uint32_t)__builtin_clzll(most) / 8 : 0;
}

/* The narrowest way to write a column. */
static struct column
choose_column(const struct page *p, size_t column)
{
	uint64_t lo = UINT64_MAX, hi = 0, lo_step = UINT64_MAX, hi_step = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t value = field(&p->e[i], column), rest = value - i;
		lo = value < lo ? value : lo;
		hi = value > hi ? value : hi;
		lo_step = rest < lo_step ? rest : lo_step;
		hi_step = rest > hi_step ? rest : hi_step;
	}
	struct column plain = {lo, width_of(hi - lo), 0};
	struct column rising = {lo_step, width_of(hi_step - lo_step), 1};
	struct column best = rising.width < plain.width ? rising : plain;
	if (best.width == sizeof(uint64_t))
		best = (struct column){0, sizeof(uint64_t), 0}; /* the number is the value */
	return best;
}

static char *
pack_column(const struct column *c, const struct page *p, size_t column, char *to)
{
	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t number = field(&p->e[i], column) - c->base - c->step * (uint64_t)i;
		uint64_t be = htobe64(number);
		memcpy(to, (const char *)&be + sizeof(be) - c->width, c->width);
		to += c->width;
	}
	return to;
}

/* -- rows */

/* False: the columns are not there, or not as page_encode() writes them. */
static bool
unpack_columns(struct str octets, struct entry *to, uint32_t n)
{
	size_t at = PAGE_COLUMNS * COLUMN_OCTETS;

	if (octets.n < at)
		return false;
	for (size_t i = 0; i < PAGE_COLUMNS; i++) {
		const char *p = octets.p + i * COLUMN_OCTETS;
		struct column c = {0, (unsigned char)p[8], (unsigned char)p[9]};
		memcpy(&c.base, p, sizeof(c.base));
		c.base = be64toh(c.base);
		if (c.width > sizeof(uint64_t) || c.step > 1 ||
		    (size_t)c.width * n > octets.n - at ||
		    !unpack_column(&c, octets.p + at, i, to, n))
			return false;
		at += (size_t)c.width * n;
	}
	return true;
}

const char *
page_decode(int64_t key, uint64_t modseq, int64_t count, struct str octets, struct page *ret)
{
	if (key <= UINT32_MAX || key >> 32 > MAILBOX_ID_MAX)
		return "a key without a mailbox";
	if (count < 1 || count > PAGE_ENTRIES)
		return "a count of entries that it can't hold";
	ret->mailbox = key >> 32;
	ret->low = (uint32_t)key;
	if (!unpack_columns(octets, ret->e, (uint32_t)count))
		return "columns that it does not hold";
	uint64_t least = ret->low ? ret->low : 1;
	for (int64_t i = 0; i < count; i++) {
		const struct entry *e = &ret->e[i];
		if (e->uid < least)
			return "UIDs that do not rise";
		if (e->modseq > modseq)
			return "an entry changed after its page";
		if (e->message <= 0)
			return "an entry without a message";
		least = (uint64_t)e->uid + 1;
	}
	ret->n = (uint32_t)count;
	return NULL;
}

struct str
page_encode(const struct page *p, char out[PAGE_OCTETS])
{
	char *to = out + PAGE_COLUMNS * COLUMN_OCTETS;

	for (size_t i = 0; i < PAGE_COLUMNS; i++) {
		struct column c = choose_column(p, i);
		uint64_t base = htobe64(c.base);
		char *head = out + i * COLUMN_OCTETS;
		memcpy(head, &base, sizeof(base));
		head[8] = (char)c.width;
		head[9] = (char)c.step;
		to = pack_column(&c, p, i, to);
	}
	size_t used = (size_t)(to - out);
	size_t size = (used + PAGE_STEP - 1) / PAGE_STEP * PAGE_STEP;
	memset(to, 0, size - used);
	return str_make(out, size);
}
