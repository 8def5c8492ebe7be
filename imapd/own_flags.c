#include "imapd/own_flags.h"

#include "imapd/imap_write.h"

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

static enum err
settle_entry(struct imap_session *s, const struct view_entry *e, enum flags_op op, uint64_t bits,
    struct own_flags *o)
{
	const struct view_entry *known = view_at(s->told, view_seq_of(s->told, e->uid));

	if (!known)
		return ERR_OK; /* newer than what the client was told */
	uint64_t expected = apply(op, known->flags, bits);
	enum err err = uidset_add(&o->uids, e->uid, e->uid);
	if (!err && e->flags != expected)
		err = uidset_add(&o->surprises, e->uid, e->uid);
	if (!err)
		err = view_patch(&s->told, e->uid, e->flags, e->modseq);
	return err;
}

static enum err
settle(struct imap_session *s, const struct uidset *uids, enum flags_op op,
    const struct flag_list *flags, struct own_flags *o)
{
	uint64_t bits = flag_bits(o->now, flags);
	uint64_t known = imap_count_told(s, uids);

	for (size_t i = 0; i < uids->n; i++) {
		struct view_iter it = view_iter_at(o->now, view_seq_from(o->now, uids->r[i].lo));
		const struct view_entry *entry;
		while ((entry = view_next(&it)) && entry->uid <= uids->r[i].hi) {
			enum err e = settle_entry(s, entry, op, bits, o);
			if (e)
				return e;
		}
	}
	o->missing = uidset_count(&o->uids) < known;
	return ERR_OK;
}

enum err
own_flags_store(struct imap_session *s, struct imap_cmd *cmd, const struct uidset *uids,
    enum flags_op op, const struct flag_list *flags, struct own_flags *ret)
{
	*ret = (struct own_flags){0};
	uidset_init(&ret->uids, cmd->arena);
	uidset_init(&ret->surprises, cmd->arena);

	enum err e = message_store_flags(s->account, s->mailbox, uids, op, flags, MODSEQ_ANY, NULL);
	if (!e)
		e = view_current(s->account, s->mailbox, &ret->now);
	if (!e)
		e = settle(s, uids, op, flags, ret);
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
