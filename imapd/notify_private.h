/* imapd/notify_private.h - what NOTIFY consists of: notify*.c, cmd_notify.c. */
#ifndef IMAPD_NOTIFY_PRIVATE_H
#define IMAPD_NOTIFY_PRIVATE_H

#include "imapd/fetch_run.h"
#include "imapd/imap_session.h"
#include "imapd/list_rows.h"
#include "imapd/notify.h"

#include <stdatomic.h>

/* What the client knows of a mailbox. */
struct notify_box {
	uint32_t name_at, name_n; /* in the table's text */
	uint8_t events; /* enum notify_event */
	bool in_tree; /* a mailbox, or one that was deleted and has inferiors */
	bool exists; /* can be selected, by those who may */
	bool readable;
	bool subscribed;
	bool shared; /* it is another's */
	bool rename_told; /* the client knows its new name, though the table has the old one */
	int64_t account, id;
	uint32_t uidvalidity, uidnext, messages, unseen;
	uint64_t modseq;
};

/* Sorted by name. */
struct notify_table {
	struct notify_box *box;
	size_t n, cap;
	struct sbuf text;
};

struct notify_watch {
	int64_t account;
	struct watch *watch;
	bool wanted;
};

/* Messages the session has put somewhere itself. */
#define NOTIFY_OWN_MAX 16 /* more of them at once are told as those of others */
struct notify_own_messages {
	int64_t account, mailbox;
	uint32_t first, last;
};

struct notify {
	struct told_listener listener; /* of the selected mailbox, while `listens` */
	bool listens;
	struct conn *conn;
	struct arena *arena; /* of `request` */
	struct notify_request request;

	atomic_bool heard_selected,
	    heard_boxes; /* set by any thread, before it wakes the session */
	struct watch *selected_watch;
	struct notify_watch *watch;
	size_t watch_n;

	struct notify_table table;
	bool initial; /* nothing of it has been told yet */
	bool unfinished; /* the output was full */
	struct list_gathering *gather; /* of a look that has begun */
	struct arena *gather_arena;

	struct sbuf own_names; /* each with a NUL behind it */
	struct notify_own_messages own[NOTIFY_OWN_MAX];
	size_t own_n;

	/* new messages in the selected mailbox, whose data items are to be told */
	uint32_t fetch_from; /* the first UID, 0 none */
	struct fetch_run *run;
	struct uidset uids;
	struct arena *run_arena; /* of `uids` */
	/* those among them that contexts have items to tell of too: they come first, with all items
	 */
	struct uidset also;
	struct fetch_items also_items;
	struct arena *also_arena; /* of these two */
	enum { ALSO_WAITS, ALSO_RUNS, ALSO_TOLD } also_phase;
};

/* -- notify_table.c */
struct str notify_box_name(const struct notify_table *t, const struct notify_box *b);
/* The box of that name or id, or NULL. */
struct notify_box *notify_find_name(const struct notify_table *t, struct str name);
struct notify_box *notify_find_id(const struct notify_table *t, int64_t account, int64_t id);
/* Adds a copy behind the others. ERR_LIMIT beyond NOTIFY_BOXES_MAX, ERR_NOMEM. */
NODISCARD enum err notify_add_box(
    struct notify_table *t, const struct notify_box *b, struct str name);
void notify_table_done(struct notify_table *t);

/* -- notify_rows.c */
/* The rows that are mailboxes, by account and id. */
struct notify_rows {
	struct list_row **row;
	size_t n;
};
/* Once the rows stand where they stay. ERR_NOMEM. */
NODISCARD enum err notify_rows_index(const struct list_rows *rows, struct notify_rows *ret);
void notify_rows_done(struct notify_rows *r);
/* Its row, or NULL. */
struct list_row *notify_rows_find(const struct notify_rows *r, int64_t account, int64_t id);

/* -- notify.c */
/* The events that some group has for the mailbox. */
unsigned notify_events_of(const struct notify *n, const struct list_row *row);
/* Some group has the mailbox, be it with NONE. */
bool notify_is_named(const struct notify *n, const struct list_row *row);
/* A mailbox with these events is kept in the table: also where a subscription would make it of
 * interest. */
bool notify_is_watched(const struct notify *n, unsigned events);
/* Watches the account from now on, if it does not yet; true: what happened before may have been
 * missed. */
bool notify_watch_account(struct imap_session *s, struct account *a);
/* What NOTIFY has asked for; takes the arena. NULL without memory. */
struct notify *notify_new(
    struct imap_session *s, struct arena **arena, const struct notify_request *r);
/* From now on the session has it instead of what it had. */
void notify_set(struct imap_session *s, struct notify *n);
void notify_drop(struct imap_session *s, struct notify *n);
/* As after NOTIFY NONE; for NOTIFICATIONOVERFLOW (§5.8). */
void notify_forget_all(struct imap_session *s);
/* Sets up what the request wants of the selected mailbox. */
void notify_apply_to_selected(struct imap_session *s);
bool notify_is_own_name(const struct notify *n, struct str name);

/* -- notify_fetch.c */
void notify_init_listener(struct notify *n);
void notify_forget_new(struct notify *n);

/* -- notify_write.c */
/* "* LIST (attributes) "/" name", with OLDNAME unless `old` is NULL. `rows` are sorted by name;
 * `row` is that of the name, or NULL. `lost`: it may be there, but not for this user any more. */
void notify_write_list(struct imap_session *s, const struct list_rows *rows, struct str name,
    const struct list_row *row, struct str old, bool lost);
/* The row of that name, or NULL. */
struct list_row *notify_find_row(const struct list_rows *rows, struct str name);

/* -- notify_look.c */
/* Looks, account by account. Unless GO_ON it has to be called again. */
enum imap_go notify_look(struct imap_session *s);
void notify_end_gathering(struct notify *n);

#endif
