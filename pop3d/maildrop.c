#include "pop3d/maildrop.h"

#include "common/base/arena.h"
#include "store/message.h"

#include <stdio.h>

#define SNAPSHOT_TRIES 3
#define UPDATE_ARENA ((size_t)256 * 1024 * 1024) /* every second of ten million messages */

/* A bit for each message; without any bits none is set. */
static bool
has_bit(const unsigned char *bits, uint32_t seq)
{
	return bits && bits[(seq - 1) / 8] & 1u << (seq - 1) % 8;
}

static void
set_bit(unsigned char *bits, uint32_t seq)
{
	bits[(seq - 1) / 8] |= (unsigned char)(1u << (seq - 1) % 8);
}

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
	free(m->twins);
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
	return has_bit(m->marks, seq);
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
	set_bit(m->marks, seq);
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

struct place {
	int64_t message;
	uint32_t seq;
};

static int
compare_places(const void *a, const void *b)
{
	const struct place *x = a;
	const struct place *y = b;

	if (x->message != y->message)
		return x->message < y->message ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Identifiers of messages rise with the UIDs, but where something was copied or moved here. */
static bool
messages_rise(const struct maildrop *m)
{
	struct view_iter it = view_iter_at(m->view, 1);
	const struct view_entry *entry;
	int64_t last = 0;

	while ((entry = view_next(&it))) {
		if (entry->message <= last)
			return false;
		last = entry->message;
	}
	return true;
}

enum err
maildrop_find_twins(struct maildrop *m)
{
	uint32_t count = maildrop_count(m);
	const struct view_entry *entry;

	if (m->twins_known || messages_rise(m)) {
		m->twins_known = true;
		return ERR_OK;
	}
	struct place *places = malloc(count * sizeof(*places));
	unsigned char *twins = calloc(count / 8 + 1, 1);
	if (!places || !twins) {
		free(places);
		free(twins);
		return ERR_NOMEM;
	}
	struct view_iter it = view_iter_at(m->view, 1);
	while ((entry = view_next(&it)))
		places[it.seq - 1] = (struct place){entry->message, it.seq};
	qsort(places, count, sizeof(*places), compare_places);
	for (uint32_t i = 1; i < count; i++)
		if (places[i].message == places[i - 1].message)
			set_bit(twins, places[i].seq);
	free(places);
	m->twins = twins;
	m->twins_known = true;
	return ERR_OK;
}

void
maildrop_uid(const struct maildrop *m, uint32_t seq, const struct message_row *row,
    char to[MAILDROP_UID_MAX + 1])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	int id_n = row->email_id.n < 60 ? (int)row->email_id.n : 60;
	char base36[8];
	size_t at = sizeof(base36) - 1;

	if (!has_bit(m->twins, seq)) {
		snprintf(to, MAILDROP_UID_MAX + 1, "%.*s", id_n, row->email_id.p);
		return;
	}
	base36[at] = '\0';
	uint32_t uid = view_at(m->view, seq)->uid;
	do {
		base36[--at] = digits[uid % 36];
		uid /= 36;
	} while (uid);
	snprintf(to, MAILDROP_UID_MAX + 1, "%.*s.%s", id_n, row->email_id.p, base36 + at);
}
