#include "imapd/folder.h"

#include "store/acl.h"
#include "store/directory.h"
#include "store/share.h"

#include <stdlib.h>

/* -- accounts of others */

enum err
imap_visit_account(struct imap_session *s, int64_t id, struct account **ret)
{
	CLEANUP(account_unref) struct account *a = NULL;

	for (size_t i = 0; i < s->visited.n; i++) {
		if (account_id(s->visited.a[i]) == id) {
			*ret = s->visited.a[i];
			return ERR_OK;
		}
	}
	struct account **grown =
	    // NOLINTNEXTLINE(bugprone-sizeof-expression): its elements are pointers
	    reallocarray(s->visited.a, s->visited.n + 1, sizeof(*s->visited.a));
	if (!grown)
		return ERR_NOMEM;
	s->visited.a = grown;
	enum err e = account_open(s->service->store, id, &a);
	if (e)
		return e;
	*ret = grown[s->visited.n++] = MOVE_PTR(a);
	return ERR_OK;
}

void
imap_leave_accounts(struct imap_session *s)
{
	if (!s->visited.a)
		return;
	for (size_t i = 0; i < s->visited.n; i++)
		account_unref(&s->visited.a[i]);
	free(s->visited.a);
	s->visited.a = NULL;
	s->visited.n = 0;
}

/* -- names */

/* "Other Users/bob@example.test/Work/x" as address and name; a local part may hold slashes, a
 * domain none. False for the session's own names. */
static bool
split_other(struct str name, struct str *ret_address, struct str *ret_name)
{
	if (!str_starts(name, STR(OTHER_USERS)))
		return false;
	struct str rest = str_skip(name, strlen(OTHER_USERS));
	size_t at = str_find(rest, '@');
	if (at == STR_NONE)
		return false;
	size_t slash = str_find(str_skip(rest, at), '/');
	size_t n = slash == STR_NONE ? rest.n : at + slash;
	*ret_address = str_sub(rest, 0, n);
	*ret_name = str_skip(rest, n + 1);
	return true;
}

/* The account of that address, if it may have something to share with the user. */
static enum err
find_owner(
    struct imap_session *s, struct imap_cmd *cmd, struct str address, struct imap_folder *ret)
{
	struct account_entry entry;
	bool shares = false;
	enum err e = directory_find_account(s->service->store, address, cmd->arena, &entry);

	if (e)
		return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
	if (entry.id == account_id(s->account)) {
		ret->account = s->account;
		return ERR_OK;
	}
	ret->owner = entry.address;
	ret->viewer = account_id(s->account);
	ret->rights = 0;
	e = share_has(s->service->store, entry.id, account_id(s->account), &shares);
	if (!e && !shares)
		e = ERR_NOT_FOUND;
	return e ? e : imap_visit_account(s, entry.id, &ret->account);
}

/* A mailbox of one's own whose name is as if it were another's: nobody can make one by IMAP, but it
 * may have come otherwise, and nothing that another shares may hide it. */
static enum err
is_own(struct imap_session *s, struct imap_cmd *cmd, struct str name, bool *ret)
{
	struct mailbox_info info;
	enum err e = mailbox_find(s->account, name, cmd->arena, &info);

	*ret = !e && info.id != 0 && !info.noselect;
	return e == ERR_NOT_FOUND || e == ERR_SYNTAX ? ERR_OK : e;
}

enum err
imap_locate_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	struct str address, there;
	bool own;

	*ret = (struct imap_folder){
	    .account = s->account, .name = name, .rights = RIGHTS_ALL, .viewer = VIEWER_OWNER};
	if (!split_other(name, &address, &there))
		return ERR_OK;
	enum err e = is_own(s, cmd, name, &own);
	if (e || own)
		return e;
	ret->name = there;
	e = find_owner(s, cmd, address, ret);
	if (e || ret->account == s->account)
		return e;
	e = mailbox_find(ret->account, ret->name, cmd->arena, &ret->info);
	if (!e)
		e = acl_rights(ret->account, ret->info.id, ret->viewer, &ret->rights);
	return e == ERR_NOT_FOUND || e == ERR_SYNTAX ? ERR_OK : e;
}

struct str
imap_shared_name(struct arena *arena, const struct imap_folder *folder)
{
	struct str name = folder->info.id ? folder->info.name : folder->name;

	return arena_printf(
	    arena, "%s%.*s/%.*s", OTHER_USERS, STR_ARG(folder->owner), STR_ARG(name));
}

enum err
imap_require(unsigned rights, unsigned need)
{
	const unsigned any = RIGHT_LOOKUP | RIGHT_READ | RIGHT_INSERT | RIGHT_CREATE |
			     RIGHT_DELETE_MAILBOX | RIGHT_ADMIN; /* RFC 4314 §4, MYRIGHTS */

	if (need ? (rights & need) == need : (rights & any) != 0)
		return ERR_OK;
	return rights & RIGHT_LOOKUP ? ERR_DENIED : ERR_NOT_FOUND;
}

enum err
imap_find_folder_for(struct imap_session *s, struct imap_cmd *cmd, struct str name, unsigned need,
    struct imap_folder *ret)
{
	enum err e = imap_locate_folder(s, cmd, name, ret);

	if (!e)
		e = mailbox_find(ret->account, ret->name, cmd->arena, &ret->info);
	if (!e && ret->viewer)
		e = imap_require(ret->rights, need);
	if (!e && ret->info.noselect)
		return ERR_CANNOT;
	if (!e && ret->info.id == 0)
		return ERR_NOT_FOUND;
	return e;
}

enum err
imap_find_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	return imap_find_folder_for(s, cmd, name, RIGHT_READ, ret);
}

enum err
imap_may_create(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, const struct imap_folder *at)
{
	struct str above = at->name;
	size_t slash;

	if (!at->viewer) /* one's own; but what stands among the others' is theirs to make */
		return at->account == s->account && str_starts(name, STR(OTHER_USERS)) &&
			       at->name.p == name.p
			   ? ERR_CANNOT
			   : ERR_OK;
	if (above.n > 0 && above.p[above.n - 1] == '/')
		above.n--;
	while ((slash = str_rfind(above, '/')) != STR_NONE) {
		struct mailbox_info info;
		unsigned rights = 0;
		above = str_sub(above, 0, slash);
		enum err e = mailbox_find(at->account, above, cmd->arena, &info);
		if (e == ERR_NOT_FOUND || (!e && (info.noselect || info.id == 0)))
			continue;
		if (!e)
			e = acl_rights(at->account, info.id, at->viewer, &rights);
		if (e)
			return e;
		return rights & RIGHT_CREATE ? ERR_OK : ERR_DENIED;
	}
	return ERR_DENIED;
}

/* -- what the user sees */

static enum err
count_unseen(const struct imap_folder *folder, uint32_t *ret)
{
	CLEANUP(view_unref) struct view *v = NULL;
	struct uid_range all = {1, UINT32_MAX};
	struct view_hint hint = {0};
	uint32_t seq = 0, n = 0;
	enum err e = view_current_as(folder->account, folder->info.id, folder->viewer, &v);
	const struct view_entry *entry;

	while (!e && (entry = view_find_flags(v, all, FLAG_SEEN, 0, &hint, &seq))) {
		n++;
		if (entry->uid == UINT32_MAX)
			break;
		all.lo = entry->uid + 1;
	}
	if (!e)
		*ret = n;
	return e;
}

enum err
imap_see_folder(struct imap_folder *folder, bool count)
{
	if (!folder->viewer)
		return ERR_OK;
	enum err e = mailbox_see_as(folder->account, folder->viewer, &folder->info);
	return e || !count ? e : count_unseen(folder, &folder->info.unseen);
}
