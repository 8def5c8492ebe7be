#include "imapd/own_flags.h"

#include "imapd/imap_write.h"
#include "imapd/session_rights.h"

static uint64_t
flag_bits(const struct view *now, const struct flag_list *flags)
{
	uint64_t bits = flags->system;

	for (size_t i = 0; i < flags->keyword_count; i++)
		bits |= view_keyword_bit(now, flags->keywords[i]);
	return bits;
}

static uint64_t
apply(enum flags_op op, uint64_t flags, uint64_t bits)
{
	switch (op) {
	case FLAGS_ADD:
		return flags | bits;
	case FLAGS_REMOVE:
		return flags & ~bits;
	case FLAGS_SET:
		break;
	}
	return bits;
}

struct settling {
	struct own_flags *own;
	enum flags_op op;
	uint64_t bits;
	bool modseqs; /* the client hears of them */
	enum err err;
};

static void
settle_entry(void *arg, const struct view_entry *was, const struct view_entry *is)
{
	struct settling *t = arg;

	if (!is) {
		t->own->missing = true;
		return;
	}
	if (is->flags != apply(t->op, was->flags, t->bits) && !t->err)
		t->err = uidset_add(&t->own->surprises, is->uid, is->uid);
	if (t->modseqs && is->modseq != was->modseq && !t->err)
		t->err = uidset_add(&t->own->moved, is->uid, is->uid);
}

/* `uids` without those in `less`, both normalised. */
static enum err
subtract(const struct uidset *uids, const struct uidset *less, struct uidset *ret)
{
	size_t k = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < uids->n && !e; i++) {
		uint64_t from = uids->r[i].lo;
		const uint32_t hi = uids->r[i].hi;
		while (k < less->n && less->r[k].hi < from)
			k++;
		for (size_t j = k; !e && j < less->n && less->r[j].lo <= hi; j++) {
			if (less->r[j].lo > from)
				e = uidset_add(ret, (uint32_t)from, less->r[j].lo - 1);
			from = (uint64_t)less->r[j].hi + 1;
		}
		if (!e && from <= hi)
			e = uidset_add(ret, (uint32_t)from, hi);
	}
	return e;
}

/* Those of `uids` that are still there. */
static enum err
add_present(const struct view *now, const struct uidset *uids, struct uidset *ret)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < uids->n; i++) {
		struct view_iter it = view_iter_at(now, view_seq_from(now, uids->r[i].lo));
		const struct view_entry *entry;
		while (!e && (entry = view_next(&it)) && entry->uid <= uids->r[i].hi)
			e = uidset_add(ret, entry->uid, entry->uid);
	}
	return e;
}

static enum err
settle(struct imap_session *s, const struct uidset *uids, enum flags_op op,
    const struct flag_list *flags, struct own_flags *o)
{
	struct settling t = {.own = o,
	    .op = op,
	    .bits = flag_bits(o->now, flags),
	    .modseqs = s->enabled & EN_CONDSTORE};
	CLEANUP(view_unref) struct view *was = view_ref(s->told);
	enum err e = view_adopt(&s->told, o->now, uids, settle_entry, &t);

	if (!e)
		e = t.err;
	if (s->told == o->now)
		s->complete_modseq = view_modseq(o->now);
	if (!e && s->told != was)
		e = imap_told_moved(s, was, s->told, true);
	if (!e && o->missing)
		e = add_present(o->now, uids, &o->uids);
	else if (!e)
		o->uids = *uids;
	return e;
}

enum err
own_flags_store(struct imap_session *s, struct imap_cmd *cmd, const struct uidset *uids,
    enum flags_op op, const struct flag_list *flags, uint64_t unchanged_since,
    struct own_flags *ret)
{
	struct uidset changed = *uids;

	*ret = (struct own_flags){0};
	uidset_init(&ret->uids, cmd->arena);
	uidset_init(&ret->surprises, cmd->arena);
	uidset_init(&ret->moved, cmd->arena);
	uidset_init(&ret->modified, cmd->arena);

	const struct flags_condition condition = {unchanged_since, s->told, &ret->modified};
	enum err e = message_store_flags_if(s->owner, s->mailbox, uids, op, flags,
	    unchanged_since == MODSEQ_ANY ? NULL : &condition, imap_actor(s));
	if (!e)
		e = imap_current_view(s, &ret->now);
	if (!e && ret->modified.n > 0) {
		uidset_init(&changed, cmd->arena);
		e = subtract(uids, &ret->modified, &changed);
	}
	if (!e)
		e = settle(s, &changed, op, flags, ret);
	if (e)
		own_flags_done(ret);
	else
		imap_tell_keywords(s, ret->now);
	return e;
}

void
own_flags_done(struct own_flags *o)
{
	view_unref(&o->now);
}

void
own_flags_write(const struct own_flags *o, struct imap_session *s, const struct view_entry *e)
{
	conn_puts(s->conn, "FLAGS ");
	imap_write_flags(s->conn, o->now ? o->now : s->told, e->flags, imap_is_recent(s, e->uid));
}
