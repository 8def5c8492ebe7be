#include "imapd/imap_write.h"
#include "imapd/metadata.h"
#include "imapd/notify.h"
#include "store/directory.h"

/* What a client hears of at once. It is told of no values, so little is lost when it is told of
 * few names only: with more it had better look at all. */
#define CHANGES_ARENA (4 * 1024 * 1024)

/* "Other Users/ann@example.test/Work": the selected mailbox, which is another's. */
static struct str
shared_name(struct imap_session *s, const struct annotation_change *one, struct arena *arena)
{
	struct str owner;

	if (directory_account_address(s->service->store, account_id(s->owner), arena, &owner))
		return (struct str){NULL, 0};
	return arena_printf(
	    arena, "%s%.*s/%.*s", OTHER_USERS, STR_ARG(owner), STR_ARG(one->mailbox_name));
}

/* "* METADATA name entry entry …" (RFC 5464 §4.4.2), a response for each mailbox. Of another's
 * account only the one that is selected is told of. */
static void
write_changes(struct imap_session *s, const struct annotation_home *home,
    const struct annotation_change *list, size_t n, struct arena *arena,
    const struct metadata_seen *seen)
{
	const struct annotation_change *before = NULL;
	bool shared = home->user != 0;

	for (size_t i = 0; i < n; i++) {
		const struct annotation_change *one = &list[i];
		if (one->modseq == seen->own_modseq && one->mailbox == seen->own_mailbox)
			continue;
		if (shared && one->mailbox != s->mailbox)
			continue;
		struct str name = shared ? shared_name(s, one, arena) : one->mailbox_name;
		if (!imap_wants_metadata(s, name))
			continue;
		if (!before || before->mailbox != one->mailbox) {
			conn_puts(s->conn, before ? "\r\n* METADATA " : "* METADATA ");
			imap_write_mailbox(s, name);
		}
		conn_puts(s->conn, " ");
		imap_write_astring(s->conn, one->name);
		before = one;
	}
	if (before)
		conn_puts(s->conn, "\r\n");
}

static void
tell(struct imap_session *s, const struct annotation_home *home, struct metadata_seen *seen)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(CHANGES_ARENA);
	struct annotation_change *list;
	uint64_t latest;
	size_t n;

	if (!arena)
		return;
	if (!seen->begun) {
		if (annotation_latest(home, &seen->modseq) == ERR_OK)
			seen->begun = true;
		return;
	}
	/* a failure is logged by the store: another time */
	if (annotation_changes(home, seen->modseq, arena, &list, &n, &latest))
		return;
	seen->modseq = latest;
	write_changes(s, home, list, n, arena, seen);
}

void
imap_tell_metadata(struct imap_session *s)
{
	if (!s->account || !imap_wants_any_metadata(s))
		return;
	struct annotation_home own = imap_annotation_home(s, NULL, false);
	struct annotation_home server = imap_annotation_home(s, NULL, true);
	tell(s, &own, &s->metadata_seen);
	tell(s, &server, &s->server_metadata_seen);
	if (s->mailbox && s->owner != s->account) {
		struct annotation_home other = {
		    .account = s->owner, .user = account_id(s->account)};
		tell(s, &other, &s->owner_metadata_seen);
	}
}

void
imap_note_own_metadata(struct imap_session *s, const struct annotation_home *home, uint64_t modseq)
{
	struct metadata_seen *seen = !home->account                ? &s->server_metadata_seen
				     : home->account == s->account ? &s->metadata_seen
								   : &s->owner_metadata_seen;

	if (home->account && home->account != s->account && home->account != s->owner)
		return;
	seen->own_modseq = modseq;
	seen->own_mailbox = home->mailbox;
}
