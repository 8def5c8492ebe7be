#include "store/entry_page.h"

#include "common/base/cleanup.h"

/* Room grows in these steps: most mailboxes are small, and a row that keeps its length is
 * overwritten in place. */
static const uint32_t capacities[] = {4, 24, PAGE_ENTRIES};

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

const char *
page_decode(int64_t key, uint64_t modseq, int64_t count, struct str octets, struct page *ret)
{
	if (key <= UINT32_MAX || key >> 32 > MAILBOX_ID_MAX)
		return "a key without a mailbox";
	if (count < 1 || count > PAGE_ENTRIES || (size_t)count * ENTRY_OCTETS > octets.n)
		return "a count of entries that it does not hold";
	ret->mailbox = key >> 32;
	ret->low = (uint32_t)key;
	uint64_t least = ret->low ? ret->low : 1;
	for (int64_t i = 0; i < count; i++) {
		struct entry e = entry_decode(octets.p + i * ENTRY_OCTETS);
		if (e.uid < least)
			return "UIDs that do not rise";
		if (e.modseq > modseq)
			return "an entry changed after its page";
		if (e.message <= 0)
			return "an entry without a message";
		least = (uint64_t)e.uid + 1;
		ret->e[i] = e;
	}
	ret->n = (uint32_t)count;
	return NULL;
}

struct str
page_encode(const struct page *p, char out[PAGE_OCTETS])
{
	size_t step = 0;

	while (capacities[step] < p->n)
		step++;
	size_t size = (size_t)capacities[step] * ENTRY_OCTETS;
	size_t used = (size_t)p->n * ENTRY_OCTETS;
	for (uint32_t i = 0; i < p->n; i++)
		entry_encode(&p->e[i], out + (size_t)i * ENTRY_OCTETS);
	memset(out + used, 0, size - used);
	return str_make(out, size);
}
