#include "search/word_table.h"

#include <openssl/rand.h>

#define FIRST_SLOTS 4096
#define INLINE_OCTETS 11 /* of postings: enough for a word of two or three messages */
#define CHUNK_MIN 16
#define CHUNK_MAX 240
#define HASH_KEYS (2 + WORD_WINDOW / 4 + 1) /* start, length, each four octets, what is left */

struct word_entry {
	uint32_t hash;
	uint32_t text; /* in `texts` */
	uint32_t first, last; /* chunks of postings in `chunks`; 0: none */
	uint32_t octets; /* of all its postings */
	uint32_t ordinal; /* not coded yet: other places may be added */
	struct posting_coder coder;
	uint8_t places; /* the same */
	uint8_t length;
	uint8_t last_used, last_size; /* of the last chunk; of the octets below while there is none
				       */
	uint8_t octet[INLINE_OCTETS];
};

/* A chunk: the place of the next one, its size, then octets of postings. */
struct chunk_head {
	uint32_t next;
	uint32_t used;
};

struct word_table {
	uint64_t key[HASH_KEYS]; /* nobody knows them */
	struct word_entry *entries;
	size_t count, cap;
	uint32_t *slots; /* number of an entry + 1, 0: empty; a power of two of them */
	size_t slot_count;
	struct sbuf texts;
	struct sbuf chunks;
	enum err err;
};

struct word_table *
word_table_new(void)
{
	CLEANUP(word_table_free) struct word_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->texts = SBUF_INIT(UINT32_MAX / 2);
	t->chunks = SBUF_INIT(UINT32_MAX / 2);
	sbuf_append(&t->chunks, "chunks:", 8); /* so that no chunk is at 0 */
	t->slot_count = FIRST_SLOTS;
	t->slots = calloc(t->slot_count, sizeof(t->slots[0]));
	if (!t->slots || RAND_bytes((unsigned char *)t->key, sizeof(t->key)) != 1)
		return NULL;
	return MOVE_PTR(t);
}

void
word_table_free(struct word_table **tp)
{
	struct word_table *t = MOVE_PTR(*tp);

	if (!t)
		return;
	free(t->entries);
	free(t->slots);
	sbuf_done(&t->texts);
	sbuf_done(&t->chunks);
	free(t);
}

size_t
word_table_memory(const struct word_table *t)
{
	return t->cap * sizeof(t->entries[0]) + t->slot_count * sizeof(t->slots[0]) + t->texts.cap +
	       t->chunks.cap;
}

enum err
word_table_error(const struct word_table *t)
{
	return t->err || t->texts.err || t->chunks.err ? ERR_NOMEM : ERR_OK;
}

/* -- finding -------------------------------------------------------------------------------- */

/* A sender, who chooses the words, shall not choose where they are: this is strongly universal
 * (Lemire and Kaser, Strongly universal string hashing is fast: multilinear, 64 bits of key for
 * each 32 of text), and as cheap as a hash without a key. */
static uint32_t
hash_of(const struct word_table *t, struct str word)
{
	uint64_t h = t->key[0] + t->key[1] * word.n;
	const uint64_t *key = t->key + 2;
	uint32_t part;

	for (; word.n >= sizeof(part); word = str_skip(word, sizeof(part))) {
		memcpy(&part, word.p, sizeof(part));
		h += *key++ * part;
	}
	part = 0;
	for (size_t i = 0; i < word.n; i++)
		part = part << 8 | (unsigned char)word.p[i];
	return (uint32_t)((h + *key * part) >> 32);
}

static void
grow_slots(struct word_table *t)
{
	size_t n = t->slot_count * 2;
	uint32_t *slots = calloc(n, sizeof(slots[0]));

	if (!slots) {
		t->err = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		size_t at = t->entries[i].hash & (n - 1);
		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(t->slots);
	t->slots = slots;
	t->slot_count = n;
}

static struct word_entry *
new_entry(struct word_table *t)
{
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap + t->cap / 2 : 1024;
		struct word_entry *grown = realloc(t->entries, cap * sizeof(grown[0]));
		if (!grown || cap >= UINT32_MAX / 2) {
			t->err = ERR_NOMEM;
			t->entries = grown ? grown : t->entries;
			return NULL;
		}
		t->entries = grown;
		t->cap = cap;
	}
	struct word_entry *e = &t->entries[t->count++];
	*e = (struct word_entry){.last_size = INLINE_OCTETS};
	return e;
}

static struct word_entry *
find_or_add(struct word_table *t, struct str word)
{
	uint32_t hash = hash_of(t, word);
	size_t at = hash & (t->slot_count - 1);

	for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
		struct word_entry *e = &t->entries[t->slots[at] - 1];
		if (e->hash == hash && e->length == word.n &&
		    memcmp(t->texts.p + e->text, word.p, word.n) == 0)
			return e;
	}
	struct word_entry *e = new_entry(t);
	if (!e)
		return NULL;
	e->hash = hash;
	e->length = (uint8_t)word.n;
	e->text = (uint32_t)t->texts.n;
	sbuf_put(&t->texts, word);
	t->slots[at] = (uint32_t)t->count;
	size_t number = t->count - 1;
	if (t->count * 4 > t->slot_count * 3)
		grow_slots(t);
	return &t->entries[number];
}

/* -- postings ------------------------------------------------------------------------------- */

/* A further chunk, larger the more there are already. */
static void
new_chunk(struct word_table *t, struct word_entry *e)
{
	size_t size = e->octets < CHUNK_MIN ? CHUNK_MIN : e->octets;
	uint32_t at = (uint32_t)t->chunks.n;
	struct chunk_head head = {0, 0};

	size = size > CHUNK_MAX ? CHUNK_MAX : size & ~(size_t)7;
	char *p = sbuf_reserve(&t->chunks, sizeof(head) + size);
	if (!p)
		return;
	memset(p, 0, sizeof(head) + size);
	sbuf_grow(&t->chunks, sizeof(head) + size);
	if (e->last)
		memcpy(t->chunks.p + e->last, &at, sizeof(at));
	else
		e->first = at;
	e->last = at;
	e->last_used = 0;
	e->last_size = (uint8_t)size;
}

/* Codes the posting in hand. */
static void
put_posting(struct word_table *t, struct word_entry *e)
{
	unsigned char octets[POSTING_MAX];
	size_t n = posting_put(&e->coder, (struct posting){e->ordinal, e->places}, octets);

	for (size_t i = 0; i < n; i++) {
		if (e->last_used == e->last_size)
			new_chunk(t, e);
		if (word_table_error(t))
			return;
		e->octets++;
		if (!e->last) {
			e->octet[e->last_used++] = octets[i];
			continue;
		}
		char *chunk = t->chunks.p + e->last;
		chunk[sizeof(struct chunk_head) + e->last_used] = (char)octets[i];
		uint32_t used = ++e->last_used;
		memcpy(chunk + offsetof(struct chunk_head, used), &used, sizeof(used));
	}
}

void
word_table_add(struct word_table *t, struct str word, uint32_t ordinal, unsigned place)
{
	if (word_table_error(t))
		return;
	struct word_entry *e = find_or_add(t, word);
	if (!e)
		return;
	if (e->places && e->ordinal != ordinal) {
		put_posting(t, e);
		e->places = 0;
	}
	e->ordinal = ordinal;
	e->places |= (uint8_t)place;
}

/* -- writing -------------------------------------------------------------------------------- */

static int
compare(const void *ap, const void *bp, void *arg)
{
	const struct word_table *t = arg;
	const struct word_entry *a = ap, *b = bp;

	return str_cmp(
	    str_make(t->texts.p + a->text, a->length), str_make(t->texts.p + b->text, b->length));
}

static void
write_text(const struct word_table *t, struct segment_writer *w)
{
	static const char end = WORDS_END;

	segment_writer_begin(w, WORDS_TEXT);
	segment_writer_put(w, &end, 1);
	for (size_t i = 0; i < t->count; i++) {
		segment_writer_put(w, t->texts.p + t->entries[i].text, t->entries[i].length);
		segment_writer_put(w, &end, 1);
	}
}

static void
write_places(const struct word_table *t, struct segment_writer *w)
{
	struct word_at at = {1, 0};

	segment_writer_begin(w, WORDS_AT);
	for (size_t i = 0; i < t->count; i++) {
		segment_writer_put(w, &at, sizeof(at));
		at.text += t->entries[i].length + 1;
		at.post += t->entries[i].octets;
	}
	segment_writer_put(w, &at, sizeof(at));
}

static void
write_postings(const struct word_table *t, struct segment_writer *w)
{
	segment_writer_begin(w, WORDS_POST);
	for (size_t i = 0; i < t->count; i++) {
		const struct word_entry *e = &t->entries[i];
		size_t held = e->octets < INLINE_OCTETS ? e->octets : INLINE_OCTETS;
		struct chunk_head head;
		segment_writer_put(w, e->octet, held);
		for (uint32_t at = e->first; at; at = head.next) {
			memcpy(&head, t->chunks.p + at, sizeof(head));
			segment_writer_put(w, t->chunks.p + at + sizeof(head), head.used);
		}
	}
}

enum err
word_table_write(struct word_table *t, struct segment_writer *w)
{
	for (size_t i = 0; i < t->count; i++)
		put_posting(t, &t->entries[i]);
	if (word_table_error(t))
		return ERR_NOMEM;
	if (t->count)
		qsort_r(t->entries, t->count, sizeof(t->entries[0]), compare, t);
	write_text(t, w);
	write_places(t, w);
	write_postings(t, w);
	return ERR_OK;
}
