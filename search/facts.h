/* search/facts.h - what SORT, THREAD and the search keys of a few header fields want to know of a
 * message, computed from its header.
 *
 * A segment keeps the facts of its messages (facts_table.h); those of others are computed when they
 * are asked for, by this same code, so that an answer does not depend on what is covered. One maker
 * belongs to one thread.
 */
#ifndef SEARCH_FACTS_H
#define SEARCH_FACTS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum fact_text {
	/* What SEARCH looks for strings in: the field's values as UTF-8, folded, an octet 0xff
	 * behind each; empty without such a field. */
	FACT_SUBJECT,
	FACT_FROM,
	FACT_TO,
	FACT_CC,
	FACT_BCC,
	FACT__SEARCHED,
	/* What SORT compares: keys of i;unicode-casemap. */
	FACT_BASE_SUBJECT = FACT__SEARCHED, /* RFC 5256 §2.1 */
	FACT_FROM_MAILBOX, /* addr-mailbox of the first address */
	FACT_TO_MAILBOX,
	FACT_CC_MAILBOX,
	FACT_FROM_NAME, /* RFC 5957 §3 */
	FACT_TO_NAME,
	FACT__TEXTS,
};
#define FACT__KEYS (FACT__TEXTS - FACT__SEARCHED)

#define FACT_VALUE_END '\xff' /* never in UTF-8 */
#define FACT_TEXT_MAX (16 * 1024) /* octets of a searched text; longer ones are not kept */
#define FACT_KEY_MAX 1000 /* octets of a key that count; what is equal so far is equal */
#define FACT_REFERENCES_MAX 250 /* of a message: the last ones, which are the nearest */

/* Stands for a Message ID or a base subject: 128 bits of a cryptographic hash, so that nobody can
 * make two alike. All zero: none. */
struct fact_id {
	uint64_t a, b;
};

enum fact_flag {
	FACT_IS_REPLY = 1, /* or forward (RFC 5256 §3, REFERENCES) */
	FACT_HAS_SENT = 2, /* SEARCH's sent_day is one */
	FACT_TOO_LONG = 4, /* << enum fact_text: that searched text is longer than FACT_TEXT_MAX and
			      not kept (5 bits) */
};
#define FACT_IS_TOO_LONG(text) ((uint32_t)FACT_TOO_LONG << (text))

struct facts {
	int64_t sent_s; /* RFC 5256 §2.2; INTERNALDATE where the field says nothing */
	int64_t internal_s;
	uint64_t size;
	int32_t sent_day; /* FACT_HAS_SENT: the day in its own zone, as SEARCH compares it */
	uint32_t flags;
	struct fact_id id; /* Message-ID */
	struct fact_id subject; /* of the base subject; none where that is empty */
	const struct fact_id *references; /* References, or else the first of In-Reply-To */
	uint32_t reference_count;
	struct str texts[FACT__TEXTS];
};

/* Which facts to compute from the header; the others are left empty. */
enum facts_want {
	FACTS_SENT = 1,
	FACTS_SUBJECT = 2, /* the base subject, and what it says of replies */
	FACTS_ADDRESSES = 4, /* the keys of them */
	FACTS_THREAD = 8, /* ids and references */
	FACTS_SEARCH = 16, /* texts */
	FACTS_ALL = 31,
};

struct facts_maker;

/* NULL without memory. */
struct facts_maker *facts_maker_new(void);
void facts_maker_free(struct facts_maker **m);

/* What is known of a message without its header. */
struct facts_basics {
	int64_t internal_s;
	int32_t internal_zone_s;
	uint64_t size;
};

/* `header` is the top header, as far as MIME_MAX_HEADER. What *ret points to lives until the next
 * call. ERR_NOMEM. */
NODISCARD enum err facts_make(struct facts_maker *m, const struct facts_basics *basics,
    struct str header, unsigned want, struct facts *ret);

static inline bool
fact_id_is(const struct fact_id *id)
{
	return id->a || id->b;
}

static inline bool
fact_id_eq(const struct fact_id *x, const struct fact_id *y)
{
	return x->a == y->a && x->b == y->b;
}

#endif
