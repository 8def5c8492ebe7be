#include "pop3d/maildrop.h"

#include "common/base/arena.h"
#include "store/message.h"

#include <stdio.h>

#define SNAPSHOT_TRIES 3
#define UPDATE_ARENA ((size_t)256 * 1024 * 1024) /* every second of ten million messages */

/* The snapshot, and its size where the mailbox's counters speak of the very same state. */
static enum err
take_snapshot(struct maildrop *m)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(64L * 1024);
	struct mailbox_info info;

	if (!arena)
		return ERR_NOMEM;
	enum err e = mailbox_find(m->account, STR("INBOX"), arena, &info);
	for (int i = 0; !e && i < SNAPSHOT_TRIES && !m->octets_known; i++) {
		view_unref(&m->view);
		e = view_current(m->account, info.id, &m->view);
		if (!e)
			e = mailbox_get(m->account, info.id, arena, &info);
		if (e)
			break;
		m->octets = info.bytes;
		m->octets_known = info.highest_modseq == view_modseq(m->view) &&
				  info.messages == view_count(m->view);
	}
	return e;
}

enum err
maildrop_open(struct store *store, int64_t account, struct maildrop *m)
{
	*m = (struct maildrop){0};
	enum err e = account_open(store, account, &m->account);
	if (!e)
		e = take_snapshot(m);
	if (e)
		maildrop_close(m);
	return e;
}

void
maildrop_close(struct maildrop *m)
{
	view_unref(&m->view);
	account_unref(&m->account);
	free(m->marks);
	*m = (struct maildrop){0};
}

uint32_t
maildrop_count(const struct maildrop *m)
{
	return view_count(m->view);
}

bool
maildrop_is_marked(const struct maildrop *m, uint32_t seq)
{
	return m->marks && m->marks[(seq - 1) / 8] & 1u << (seq - 1) % 8;
}

enum err
maildrop_entry(const struct maildrop *m, uint32_t seq, const struct view_entry **ret)
{
	const struct view_entry *entry = view_at(m->view, seq);

	if (!entry)
		return ERR_NOT_FOUND;
	if (maildrop_is_marked(m, seq))
		return ERR_GONE;
	*ret = entry;
	return ERR_OK;
}

enum err
maildrop_row(const struct maildrop *m, struct reader *r, uint32_t seq, struct message_row *ret,
    const struct view_entry **ret_entry)
{
	enum err e = maildrop_entry(m, seq, ret_entry);

	return e ? e : reader_message(r, (*ret_entry)->message, WANT_BASICS, ret);
}

/* UIDs only rise, so what INBOX holds below the snapshot's next one is what is left of it. */
enum err
maildrop_is_whole(const struct maildrop *m, bool *ret)
{
	CLEANUP(view_unref) struct view *now = NULL;
	enum err e = view_current(m->account, view_mailbox(m->view), &now);

	if (!e)
		*ret = view_seq_from(now, view_uidnext(m->view)) - 1 == view_count(m->view);
	return e;
}

enum err
maildrop_mark(struct maildrop *m, uint32_t seq)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	const struct view_entry *entry;
	struct message_row row;

	enum err e = reader_open(m->account, &r);
	if (!e)
		e = maildrop_row(m, r, seq, &row, &entry);
	if (e)
		return e;
	if (!m->marks) {
		m->marks = calloc(maildrop_count(m) / 8 + 1, 1);
		if (!m->marks)
			return ERR_NOMEM;
	}
	m->marks[(seq - 1) / 8] |= (unsigned char)(1u << (seq - 1) % 8);
	m->marked++;
	m->marked_octets += row.size;
	return ERR_OK;
}

void
maildrop_unmark_all(struct maildrop *m)
{
	free(m->marks);
	m->marks = NULL;
	m->marked = 0;
	m->marked_octets = 0;
}

enum err
maildrop_update(struct maildrop *m)
{
	struct uidset uids;
	struct view_iter it;
	const struct view_entry *entry;

	if (m->marked == 0)
		return ERR_OK;
	CLEANUP(arena_free) struct arena *arena = arena_new(UPDATE_ARENA);
	if (!arena)
		return ERR_NOMEM;
	uidset_init(&uids, arena);
	it = view_iter_at(m->view, 1);
	while ((entry = view_next(&it))) {
		enum err e = ERR_OK;
		if (maildrop_is_marked(m, it.seq))
			e = uidset_add(&uids, entry->uid, entry->uid);
		if (e)
			return e;
	}
	return message_remove(m->account, view_mailbox(m->view), &uids);
}

void
maildrop_uid(const struct message_row *row, uint32_t uid, char to[MAILDROP_UID_MAX + 1])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char base36[8];
	size_t at = sizeof(base36) - 1;

	base36[at] = '\0';
	do {
		base36[--at] = digits[uid % 36];
		uid /= 36;
	} while (uid);
	snprintf(to, MAILDROP_UID_MAX + 1, "%.*s.%s",
	    row->email_id.n < 60 ? (int)row->email_id.n : 60, row->email_id.p, base36 + at);
}
