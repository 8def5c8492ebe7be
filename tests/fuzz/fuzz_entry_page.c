#include "store/entry_page.h"
#include "tests/fuzz/fuzz.h"

/* Input: the columns id, modseq and count, 8 octets each in big endian, then the entries. What is
 * believed can be written and read again. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t column[3];
	char octets[PAGE_OCTETS];
	static struct page p, again;

	if (size < sizeof(column))
		return 0;
	memcpy(column, data, sizeof(column));
	struct str rest = str_make(data + sizeof(column), size - sizeof(column));
	int64_t key = (int64_t)be64toh(column[0]);
	uint64_t modseq = be64toh(column[1]);
	if (page_decode(key, modseq, (int64_t)be64toh(column[2]), rest, &p))
		return 0;
	FUZZ_CHECK(p.n >= 1 && p.n <= PAGE_ENTRIES && page_key(p.mailbox, p.low) == key);
	FUZZ_CHECK(page_modseq(&p) <= modseq);
	for (uint32_t i = 0; i < p.n; i++)
		FUZZ_CHECK(page_position(&p, p.e[i].uid) == i);
	FUZZ_CHECK(!page_decode(key, modseq, p.n, page_encode(&p, octets), &again));
	FUZZ_CHECK(again.n == p.n && !memcmp(again.e, p.e, p.n * sizeof(p.e[0])));
	return 0;
}
