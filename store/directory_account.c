#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/acl_private.h"
#include "store/directory_private.h"
#include "store/file.h"
#include "store/mailbox_private.h"
#include "store/share.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* -- adding and removing */

struct account_change {
	struct store *store;
	struct directory_address address;
	const struct credential *credential;
	struct quota quota; /* its limits */
	struct str hidden;
	int64_t id;
};

static enum err
account_path(const struct store *s, int64_t id, const char *suffix, char *out)
{
	int n = snprintf(out, PATH_MAX, "%s/accounts/%lld%s", s->data_dir, (long long)id, suffix);

	return n >= PATH_MAX ? ERR_TOO_LONG : ERR_OK;
}

/* An identifier is new to the directory but its files exist: what a crash left behind, or somebody
 * brought back an old directory.db. Mail is never thrown away on such ground. */
static enum err
set_aside(const struct store *s, int64_t id, const char *dir)
{
	char suffix[64], aside[PATH_MAX];
	struct stat st;

	if (lstat(dir, &st) && errno == ENOENT)
		return ERR_OK;
	snprintf(suffix, sizeof(suffix), ".found-%lld", (long long)clock_real_us());
	enum err e = account_path(s, id, suffix, aside);
	if (e)
		return e;
	log_warn("store", F_CSTR("op", "add_account"), F_CSTR("file", dir),
	    F_CSTR("detail", "existed already and was set aside"), F_CSTR("as", aside));
	return rename(dir, aside) ? file_error("rename", aside) : ERR_OK;
}

static enum err
make_files(const struct store *s, int64_t id)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct mailbox_defaults d = {.account = id,
	    .created_s = clock_real_s(),
	    .quota_bytes = s->default_quota_bytes,
	    .boot = s->boot};
	enum err e = account_path(s, id, "", dir);

	if (!e)
		e = set_aside(s, id, dir);
	if (!e)
		e = file_make_dir(dir);
	if (!e)
		e = account_path(s, id, "/blobs", path);
	if (!e)
		e = file_make_dir(path);
	if (!e)
		e = account_path(s, id, "/mail.db", path);
	if (!e)
		e = database_create(path, &schema_account, mailbox_make_defaults, &d);
	return e;
}

static enum err
insert_account(struct txn *t, void *arg)
{
	struct account_change *c = arg;
	const struct credential *cr = c->credential;
	int64_t domain, ignored;
	enum err e = directory_domain_id(t->db, c->address.domain, &domain);

	if (e)
		return e;
	e = directory_alias_id(t->db, &c->address, &ignored);
	if (e != ERR_NOT_FOUND)
		return e ? e : ERR_EXISTS;
	e = db_run(t->db,
	    "INSERT INTO account (domain, local, quota_bytes, created_s, hash, scram_salt,"
	    " scram_iterations, scram_stored_key, scram_server_key)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    DB_INT(domain), DB_TEXT(c->address.local), DB_INT(c->store->default_quota_bytes),
	    DB_INT(clock_real_s()), DB_TEXT(cr->hash), DB_BLOB(cr->scram_salt),
	    DB_INT(cr->scram_iterations), DB_BLOB(cr->scram_stored_key),
	    DB_BLOB(cr->scram_server_key));
	if (e)
		return e;
	c->id = db_last_id(t->db);
	/* Inside the transaction: whoever sees the account finds its files. */
	return make_files(c->store, c->id);
}

static enum err
delete_account(struct txn *t, void *arg)
{
	struct account_change *c = arg;
	enum err e = directory_account_id(t->db, &c->address, &c->id);

	if (!e)
		e = db_run(
		    t->db, "DELETE FROM share WHERE owner = ?1 OR viewer = ?1", DB_INT(c->id));
	if (!e)
		e = db_run(t->db, "DELETE FROM forward WHERE account = ?1", DB_INT(c->id));
	return e ? e : db_run(t->db, "DELETE FROM account WHERE id = ?1", DB_INT(c->id));
}

static enum err
set_credential(struct txn *t, void *arg)
{
	const struct account_change *c = arg;
	const struct credential *cr = c->credential;
	int64_t id;
	enum err e = directory_account_id(t->db, &c->address, &id);

	return e ? e
		 : db_run(t->db,
		       "UPDATE account SET hash = ?2, scram_salt = ?3, scram_iterations = ?4,"
		       " scram_stored_key = ?5, scram_server_key = ?6 WHERE id = ?1",
		       DB_INT(id), DB_TEXT(cr->hash), DB_BLOB(cr->scram_salt),
		       DB_INT(cr->scram_iterations), DB_BLOB(cr->scram_stored_key),
		       DB_BLOB(cr->scram_server_key));
}

static enum err
set_quota(struct txn *t, void *arg)
{
	struct account_change *c = arg;
	enum err e = directory_account_id(t->db, &c->address, &c->id);

	return e ? e
		 : db_run(t->db,
		       "UPDATE account SET quota_bytes = ?2, quota_messages = ?3 WHERE id = ?1",
		       DB_INT(c->id), DB_INT(c->quota.bytes_limit),
		       DB_INT(c->quota.messages_limit));
}

static enum err
set_hidden(struct txn *t, void *arg)
{
	struct account_change *c = arg;
	enum err e = directory_account_id(t->db, &c->address, &c->id);

	return e ? e
		 : db_run(t->db, "UPDATE account SET hidden = ?2 WHERE id = ?1", DB_INT(c->id),
		       DB_TEXT(c->hidden));
}

static enum err
write_account(struct store *s, struct str address, txn_op *op, struct account_change *c)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);

	if (!arena)
		return ERR_NOMEM;
	c->store = s;
	enum err e = directory_parse_address(address, arena, &c->address);
	if (!e && op == insert_account && !directory_is_new_local(s, c->address.local))
		e = ERR_SYNTAX;
	return e ? e : database_write(&s->directory, op, c, DURABLE_NOW);
}

enum err
directory_add_account(
    struct store *s, struct str address, const struct credential *c, int64_t *ret_id)
{
	struct account_change change = {.credential = c};
	enum err e = write_account(s, address, insert_account, &change);

	if (!e)
		*ret_id = change.id;
	return e;
}

static enum err
mark_removed(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "UPDATE meta SET removed = 1");
}

/* Those who share with the account, of whose lists it is to be taken out. */
static enum err
find_sharing(struct store *s, struct str address, struct arena *arena, struct share_owner **ret,
    size_t *ret_n)
{
	struct account_entry entry;
	enum err e = directory_find_account(s, address, arena, &entry);

	return e ? e : share_owners(s, entry.id, arena, ret, ret_n);
}

/* Nobody gets the id again, so what can't be taken out does no harm. */
static void
forget_in_lists(struct store *s, int64_t gone, const struct share_owner *owners, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(account_unref) struct account *a = NULL;
		enum err e = account_open(s, owners[i].account, &a);
		if (!e)
			e = acl_forget_account(a, gone);
		if (e)
			log_warn("store", F_CSTR("op", "forget_account"), F_ERR(e),
			    F_INT("owner", owners[i].account), F_INT("account", gone));
	}
}

enum err
directory_remove_account(struct store *s, struct str address)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);
	struct account_change change = {0};
	struct share_owner *owners = NULL;
	size_t n = 0;
	char dir[PATH_MAX];
	enum err e = arena ? find_sharing(s, address, arena, &owners, &n) : ERR_NOMEM;

	if (!e)
		e = write_account(s, address, delete_account, &change);
	if (!e)
		e = account_path(s, change.id, "", dir);
	if (e)
		return e;
	forget_in_lists(s, change.id, owners, n);
	/* Other processes may have its files open: what they write from now on is refused. A
	 * database too damaged to be told so is removed all the same. */
	if (!account_open(s, change.id, &a) &&
	    account_write(a, mark_removed, NULL, DURABLE_NOW) == ERR_OK)
		pool_forget(s->pool, &a->database);
	return file_remove_tree(dir);
}

enum err
directory_set_credential(struct store *s, struct str address, const struct credential *c)
{
	struct account_change change = {.credential = c};

	return write_account(s, address, set_credential, &change);
}

enum err
directory_hide(struct store *s, struct str address, struct str capabilities)
{
	struct account_change change = {.hidden = capabilities};

	return capabilities.n > HIDDEN_MAX ? ERR_SYNTAX
					   : write_account(s, address, set_hidden, &change);
}

static enum err
find_account(struct store *s, struct str address, int64_t *ret)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	struct account_entry entry;
	enum err e = arena ? directory_find_account(s, address, arena, &entry) : ERR_NOMEM;

	if (!e)
		*ret = entry.id;
	return e;
}

enum err
directory_set_quota(struct store *s, struct str address, uint64_t bytes, uint64_t messages)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct account_change change = {
	    .quota = {.bytes_limit = bytes, .messages_limit = messages}};

	if (bytes > INT64_MAX || messages > INT64_MAX)
		return ERR_SYNTAX;
	/* Opened first: opening makes what a crash left of an earlier change right, not of this
	 * one. */
	enum err e = find_account(s, address, &change.id);
	if (!e)
		e = account_open(s, change.id, &a);
	if (!e)
		e = write_account(s, address, set_quota, &change);
	if (!e && change.id != a->id)
		e = ERR_STALE; /* removed and made anew meanwhile */
	return e ? e : account_write(a, txn_mirror_limits, NULL, DURABLE_NOW);
}
