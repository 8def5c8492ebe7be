/* store/view.h - a mailbox in memory: an immutable snapshot shared by all sessions of the process.
 *
 * A snapshot is a list of chunks of entries in UID order, chunks shared between snapshots
 * (copy-on-write), so a change costs one chunk and comparing two snapshots skips what they share.
 * Sequence numbers are positions. The database is the truth: view_current() catches up from MODSEQ
 * with what any process has committed. Snapshots may be read by any number of threads; each holds a
 * reference.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/mailbox.h"
#include "store/uidset.h"

/* Flag bits of an entry. The keywords of a mailbox take the bits from FLAG_KEYWORD_0 on, as
 * view_keyword() names them. */
#define FLAG_SEEN 1ull
#define FLAG_ANSWERED 2ull
#define FLAG_FLAGGED 4ull
#define FLAG_DELETED 8ull
#define FLAG_DRAFT 16ull
#define FLAG_SYSTEM 31ull
#define FLAG_KEYWORD_SHIFT 6
#define KEYWORDS_MAX 58 /* per mailbox: ERR_LIMIT */
#define KEYWORD_LEN_MAX 200 /* octets: ERR_LIMIT */

struct view;

struct view_entry {
	uint64_t flags;
	uint64_t modseq;
	int64_t message; /* id for reader.h */
	uint32_t uid;
	uint32_t size; /* octets; VIEW_SIZE_MAX: so many or more, the message's row knows */
};
#define VIEW_SIZE_MAX UINT32_MAX

/* The mailbox as committed now. ERR_GONE when it was deleted. */
NODISCARD enum err view_current(struct account *a, int64_t mailbox, struct view **ret);
/* The same as `viewer` sees it, the account of somebody with whom it is shared: \Seen is his own,
 * and MODSEQs count what he has marked as read, not what its owner has. VIEWER_OWNER: as
 * view_current(). */
#define VIEWER_OWNER 0
NODISCARD enum err view_current_as(
    struct account *a, int64_t mailbox, int64_t viewer, struct view **ret);
struct view *view_ref(struct view *v);
void view_unref(struct view **v);

int64_t view_mailbox(const struct view *v);
uint32_t view_count(const struct view *v);
uint32_t view_uidvalidity(const struct view *v);
uint32_t view_uidnext(const struct view *v);
uint64_t view_modseq(const struct view *v);

/* By sequence number (1 … count); NULL outside. Logarithmic. */
const struct view_entry *view_at(const struct view *v, uint32_t seq);
/* The sequence number of `uid`, 0 if absent; and of the first entry with a UID >= `uid`, count + 1
 * if none. */
uint32_t view_seq_of(const struct view *v, uint32_t uid);
uint32_t view_seq_from(const struct view *v, uint32_t uid);

/* Looks for one entry after the other: a place that was good for the last one. Any value is right
 * for any view; all zero at first. */
struct view_hint {
	size_t chunk;
	uint32_t at;
};
/* The first entry with a UID >= `uid`, and its number; NULL if none. Constant where the hint stands
 * at it or right before. */
const struct view_entry *view_find(
    const struct view *v, uint32_t uid, struct view_hint *hint, uint32_t *ret_seq);
/* The first with a UID of `range` that has these flags, of those in `mask`. */
const struct view_entry *view_find_flags(const struct view *v, struct uid_range range,
    uint64_t mask, uint64_t flags, struct view_hint *hint, uint32_t *ret_seq);

/* Walks entries in order: `struct view_iter it = view_iter_at(v, seq); while ((e = view_next(&it)))
 * …`; it.seq is e's number. */
struct view_iter {
	const struct view *v;
	size_t chunk, at;
	uint32_t seq; /* of the entry view_next() gave last */
};
struct view_iter view_iter_at(const struct view *v, uint32_t seq);
const struct view_entry *view_next(struct view_iter *it);

/* The keyword of bit FLAG_KEYWORD_SHIFT + i, empty when unused. Lives as long as the view. */
size_t view_keyword_count(const struct view *v);
struct str view_keyword(const struct view *v, size_t i);
/* The flag bit of a keyword (ASCII case ignored), 0 when the mailbox has none such. */
uint64_t view_keyword_bit(const struct view *v, struct str keyword);

/* What has happened between the snapshot a session has told its client (`told`) and `now`. */
struct view_told {
	/* An entry is gone: its sequence number at that moment, counting those expunged before it
	 * in this call as gone (RFC 3501 §7.4.1). */
	void (*expunged)(void *arg, uint32_t seq, uint32_t uid);
	/* Flags of an entry changed. `seq` in the resulting snapshot. */
	void (*changed)(void *arg, uint32_t seq, const struct view_entry *e);
	/* There are new entries; called at most once, after the others. */
	void (*grown)(void *arg, uint32_t count);
	void *arg;
};
/* Tells the differences and makes the snapshot the client then has: `now` itself, or, where
 * expunges may not be told (`may_expunge` false: RFC 3501 §7.4.1, during FETCH, STORE, SEARCH), one
 * that keeps the entries that are gone. Expunges are told first, then changes, then growth. Takes
 * over `told` (sets it NULL); with ERR_NOMEM nothing was told and `told` stays. */
NODISCARD enum err view_advance(struct view **told, struct view *now, bool may_expunge,
    const struct view_told *tell, struct view **ret);
/* Where two snapshots of a mailbox differ, in UID order: an entry that came (`was` NULL), one that
 * went (`is` NULL), one whose flags or modseq are others. The numbers are those in either; of one
 * that is missing there, that of the next. What they share costs nothing. */
void view_compare(const struct view *was, const struct view *is,
    void (*each)(void *arg, const struct view_entry *was, uint32_t seq_was,
	const struct view_entry *is, uint32_t seq_is),
    void *arg);
/* Brings the entries of `uids` (normalised) to what they are in `now`: its session has changed them
 * itself (STORE) and need not be told. `each` is called for those that *told has, in order; `is` is
 * NULL where the entry is gone, which stays news. *told becomes `now` itself where nothing else is
 * new. With ERR_NOMEM *told stays. */
NODISCARD enum err view_adopt(struct view **told, struct view *now, const struct uidset *uids,
    void (*each)(void *arg, const struct view_entry *was, const struct view_entry *is), void *arg);

#endif
