#include "store/sending.h"

#include "common/base/clock.h"
#include "store/queue_private.h"

#define SENDING_SLOT_S 300
#define SLOTS_PER_HOUR 12
#define SLOTS_PER_DAY 288
#define DAY_S 86400
#define SENDING_KNOWN_STEP 30 /* days: when the last mail to an address is noted anew */

static int64_t
slot_now(void)
{
	return clock_real_s() / SENDING_SLOT_S;
}

static int64_t
today(void)
{
	return clock_real_s() / DAY_S;
}

static enum err
read_use(struct db *db, int64_t account, struct sending_use *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	int64_t now = slot_now();
	bool row = false;
	enum err e = db_query(db,
	    "SELECT coalesce(sum(iif(slot > ?2, recipients, 0)), 0), coalesce(sum(recipients), 0),"
	    " coalesce(sum(fresh), 0) FROM sent WHERE account = ?1 AND slot > ?3",
	    &st, DB_INT(account), DB_INT(now - SLOTS_PER_HOUR), DB_INT(now - SLOTS_PER_DAY));

	if (!e)
		e = stmt_step(st, &row);
	if (!e && row)
		*ret = (struct sending_use){.hour = (uint64_t)stmt_int(st, 0),
		    .day = (uint64_t)stmt_int(st, 1),
		    .new_day = (uint64_t)stmt_int(st, 2)};
	return e;
}

/* `fresh` of the `more` are new to the account. */
static enum sending_bound
bound_of(
    const struct sending_use *use, const struct sending_limits *l, uint64_t more, uint64_t fresh)
{
	if (use->held)
		return SENDING_HELD;
	if (l->per_hour && use->hour + more > l->per_hour)
		return SENDING_PER_HOUR;
	if (l->per_day && use->day + more > l->per_day)
		return SENDING_PER_DAY;
	if (l->new_per_day && fresh && use->new_day + fresh > l->new_per_day)
		return SENDING_NEW_PER_DAY;
	return SENDING_FREE;
}

/* -- in the transaction of queue_add() */

/* Without regard to case, as far as ASCII goes; one in 2^64 is taken for another. */
static int64_t
hash_of(struct str address)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < address.n; i++)
		h = (h ^ (unsigned char)ascii_lower(address.p[i])) * 1099511628211u;
	return (int64_t)h;
}

static enum err
note_known(struct txn *t, int64_t account, struct str address, uint64_t *fresh)
{
	int64_t day = 0, hash = hash_of(address);
	enum err e = db_get_int(t->db, "SELECT day FROM known WHERE account = ?1 AND address = ?2",
	    &day, DB_INT(account), DB_INT(hash));

	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e || day < today() - SENDING_KNOWN_DAYS)
		++*fresh;
	else if (day > today() - SENDING_KNOWN_STEP)
		return ERR_OK;
	return db_run(t->db,
	    "INSERT OR REPLACE INTO known (account, address, day) VALUES (?1, ?2, ?3)",
	    DB_INT(account), DB_INT(hash), DB_INT(today()));
}

/* Once a day for an account that sends. */
static enum err
forget_old(struct txn *t, int64_t account)
{
	int64_t last;
	enum err e = db_get_int(t->db, "SELECT coalesce(max(slot), 0) FROM sent WHERE account = ?1",
	    &last, DB_INT(account));

	if (e || last * SENDING_SLOT_S / DAY_S == today())
		return e;
	e = db_run(t->db, "DELETE FROM sent WHERE account = ?1 AND slot <= ?2", DB_INT(account),
	    DB_INT(slot_now() - SLOTS_PER_DAY));
	return e ? e
		 : db_run(t->db, "DELETE FROM known WHERE account = ?1 AND day < ?2",
		       DB_INT(account), DB_INT(today() - SENDING_KNOWN_DAYS));
}

static enum err
is_held(struct db *db, int64_t account, bool *ret)
{
	int64_t since;
	enum err e = db_get_int(
	    db, "SELECT since_s FROM held_account WHERE account = ?1", &since, DB_INT(account));

	*ret = !e;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err
sending_in_txn(struct txn *t, int64_t account, const struct sending_limits *limits,
    const struct queue_new_rcpt *rcpts, size_t n)
{
	struct sending_use use = {0};
	uint64_t fresh = 0;
	enum err e = forget_old(t, account);

	if (!e)
		e = read_use(t->db, account, &use);
	if (!e)
		e = is_held(t->db, account, &use.held);
	for (size_t i = 0; i < n && !e; i++)
		e = note_known(t, account, rcpts[i].address, &fresh);
	if (e)
		return e;
	switch (bound_of(&use, limits, n, fresh)) {
	case SENDING_FREE:
		break;
	case SENDING_HELD:
		return ERR_DENIED;
	default:
		return ERR_LIMIT;
	}
	return db_run(t->db,
	    "INSERT INTO sent (account, slot, recipients, fresh) VALUES (?1, ?2, ?3, ?4)"
	    " ON CONFLICT (account, slot) DO UPDATE SET recipients = recipients + ?3,"
	    " fresh = fresh + ?4",
	    DB_INT(account), DB_INT(slot_now()), DB_INT(n), DB_INT(fresh));
}

/* -- asked from outside */

enum err
sending_use(struct store *s, int64_t account, struct arena *arena, struct sending_use *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct sending_use use = {0};
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = read_use(h->db, account, &use);
	if (!e)
		e = db_query(h->db, "SELECT since_s, why FROM held_account WHERE account = ?1", &st,
		    DB_INT(account));
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (row) {
		use.held = true;
		use.held_since_s = stmt_int(st, 0);
		use.held_why = arena_dup(arena, stmt_str(st, 1));
	}
	*ret = use;
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

enum err
sending_may(struct store *s, int64_t account, const struct sending_limits *limits, uint64_t more,
    enum sending_bound *ret_bound)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct sending_use use = {0};
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = read_use(h->db, account, &use);
	if (!e)
		e = is_held(h->db, account, &use.held);
	if (e)
		return e;
	*ret_bound = bound_of(&use, limits, more, 0);
	return *ret_bound == SENDING_FREE   ? ERR_OK
	       : *ret_bound == SENDING_HELD ? ERR_DENIED
					    : ERR_LIMIT;
}

/* -- held accounts */

struct hold {
	int64_t account;
	struct str why;
};

static enum err
hold_in_txn(struct txn *t, void *arg)
{
	const struct hold *h = arg;

	return db_run(t->db, "INSERT INTO held_account (account, since_s, why) VALUES (?1, ?2, ?3)",
	    DB_INT(h->account), DB_INT(clock_real_s()), DB_TEXT(h->why));
}

static enum err
release_in_txn(struct txn *t, void *arg)
{
	const struct hold *h = arg;
	enum err e =
	    db_run(t->db, "DELETE FROM held_account WHERE account = ?1", DB_INT(h->account));

	return e ? e : db_changes(t->db) ? ERR_OK : ERR_NOT_FOUND;
}

enum err
sending_hold(struct store *s, int64_t account, struct str why)
{
	struct hold h = {account, why};
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	return e ? e : database_write(d, hold_in_txn, &h, DURABLE_NOW);
}

enum err
sending_release(struct store *s, int64_t account)
{
	struct hold h = {.account = account};
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	return e ? e : database_write(d, release_in_txn, &h, DURABLE_NOW);
}

enum err
sending_list_held(struct store *s, struct arena *arena, struct sending_held **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct sending_held *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(
		    h->db, "SELECT account, since_s, why FROM held_account ORDER BY account", &st);
	while (!e && !(e = stmt_step(st, &row)) && row) {
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct sending_held){
		    stmt_int(st, 0), stmt_int(st, 1), arena_dup(arena, stmt_str(st, 2))};
	}
	if (e)
		return e;
	*ret = list;
	*ret_n = n;
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}
