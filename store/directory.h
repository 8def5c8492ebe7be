/* store/directory.h - domains, accounts, aliases and credentials: directory.db.
 *
 * Addresses are compared with ASCII case folded, in the local part too, and domains in their ASCII
 * (IDNA) form.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "common/auth/password.h"
#include "store/store.h"

struct account_entry {
	int64_t id;
	struct str address;
	bool enabled;
	uint64_t quota_bytes; /* limits, 0 none */
	uint64_t quota_messages;
	int64_t created_s;
	int64_t last_login_s; /* 0 never */
	struct str hidden; /* capabilities that imapd does not show it, separated by blanks */
};

struct alias_entry {
	struct str address;
	struct str *targets;
	size_t target_count;
};

/* Names and arrays given out live in the caller's arena. Errors: ERR_EXISTS, ERR_NOT_FOUND,
 * ERR_SYNTAX (no valid domain or address; also a local part that holds the recipient delimiter),
 * ERR_CANNOT (a domain with accounts or aliases, an alias's domain not local). */
NODISCARD enum err directory_add_domain(struct store *s, struct str domain);
NODISCARD enum err directory_remove_domain(struct store *s, struct str domain);
NODISCARD enum err directory_list_domains(
    struct store *s, struct arena *arena, struct str **ret, size_t *ret_n);
NODISCARD enum err directory_is_local_domain(struct store *s, struct str domain);
/* The postmaster of this system: at the first of our domains, since he is there whatever accounts
 * there are (directory_resolve()); what the host is called need not be one of them. In `arena`.
 * ERR_NOT_FOUND: there is no domain. */
NODISCARD enum err directory_postmaster(struct store *s, struct arena *arena, struct str *ret);

/* Adds the account and makes its database with INBOX and the special-use mailboxes (Sent, Drafts,
 * Trash, Junk, Archive; all subscribed). */
NODISCARD enum err directory_add_account(
    struct store *s, struct str address, const struct credential *c, int64_t *ret_id);
/* Removes the account from the directory and its data directory from disk. */
NODISCARD enum err directory_remove_account(struct store *s, struct str address);
NODISCARD enum err directory_set_credential(
    struct store *s, struct str address, const struct credential *c);
NODISCARD enum err directory_set_quota(
    struct store *s, struct str address, uint64_t bytes, uint64_t messages);
NODISCARD enum err directory_find_account(
    struct store *s, struct str address, struct arena *arena, struct account_entry *ret);
/* Of the account with this id; in `arena`. ERR_NOT_FOUND. */
NODISCARD enum err directory_account_address(
    struct store *s, int64_t account, struct arena *arena, struct str *ret);
/* Capabilities that imapd is not to show to this account's mail programs, separated by blanks; from
 * their next login on. ERR_NOT_FOUND; ERR_SYNTAX: more than HIDDEN_MAX octets. */
#define HIDDEN_MAX 1000
NODISCARD enum err directory_hide(struct store *s, struct str address, struct str capabilities);
/* The same by account, in `arena`. ERR_NOT_FOUND. */
NODISCARD enum err directory_hidden(
    struct store *s, int64_t account, struct arena *arena, struct str *ret);
NODISCARD enum err directory_list_accounts(
    struct store *s, struct arena *arena, struct account_entry **ret, size_t *ret_n);

/* Addresses to which an account's mail goes on: here or elsewhere. */
struct forward_entry {
	struct str *targets;
	size_t target_count; /* 0: it is not forwarded */
	bool keeps; /* it also stays in the account */
};
#define FORWARD_MAX_TARGETS 20
/* Replaces what was; n = 0 ends it. ERR_NOT_FOUND: no such account, or a target at a domain of ours
 * that does not exist; ERR_SYNTAX: a target elsewhere that needs quotes; ERR_LOOP: its own address;
 * ERR_LIMIT. */
NODISCARD enum err directory_set_forward(
    struct store *s, struct str address, const struct str *targets, size_t n, bool keeps);
NODISCARD enum err directory_get_forward(
    struct store *s, struct str address, struct arena *arena, struct forward_entry *ret);

/* Replaces an alias's targets: accounts and aliases here, and any address at domains that are not
 * served here (n = 0 is ERR_SYNTAX). */
NODISCARD enum err directory_set_alias(
    struct store *s, struct str address, const struct str *targets, size_t n);
NODISCARD enum err directory_remove_alias(struct store *s, struct str address);
NODISCARD enum err directory_list_aliases(
    struct store *s, struct arena *arena, struct alias_entry **ret, size_t *ret_n);

/* The account a login name means: a full address, or the bare local part where one domain is
 * served; an alias is not a login. ERR_NOT_FOUND for unknown and disabled ones. *ret_credential in
 * `arena`. */
NODISCARD enum err directory_find_login(struct store *s, struct str login, struct arena *arena,
    struct account_entry *ret, struct credential *ret_credential);
/* The full address that a login name stands for, whether there is such an account or not: the bare
 * local part gets the domain where one is served. In `arena`. */
NODISCARD enum err directory_expand_login(
    struct store *s, struct str login, struct arena *arena, struct str *ret);
/* DIRECTORY_SECRET_SIZE random octets, made with the directory and never changed. In `arena`. */
#define DIRECTORY_SECRET_SIZE 32
NODISCARD enum err directory_secret(struct store *s, struct arena *arena, struct str *ret);
/* Notes a successful login; at most one write a minute per account. */
void directory_note_login(struct store *s, int64_t account);

struct recipient {
	int64_t account; /* 0: elsewhere */
	struct str detail; /* what followed the delimiter ("tag" of user+tag@…), or empty */
	struct str elsewhere; /* an address to which the mail goes on, or empty */
	struct str by; /* the alias or account that says so */
};

#define ALIAS_MAX_DEPTH 10
#define ALIAS_MAX_TARGETS 1000

/* The accounts that mail for `address` reaches, each once, and the addresses elsewhere: the account
 * itself or what it is forwarded to, an alias's targets (nested up to ALIAS_MAX_DEPTH), the address
 * without its +detail, or postmaster (also without a domain, RFC 5321 §4.5.1): the alias of that
 * name, else the first account of the domain, else of the system. ERR_RELAY: not a local domain.
 * ERR_NO_USER: no such address. ERR_LOOP: aliases too deep or too many. Accounts that forward to
 * each other and nowhere else keep the mail. */
NODISCARD enum err directory_resolve(struct store *s, struct str address, struct arena *arena,
    struct recipient **ret, size_t *ret_n);
/* Whether `account` may send as `address`: its own (with any +detail), or an alias that reaches it
 * alone. ERR_OK or ERR_DENIED. */
NODISCARD enum err directory_may_send_as(struct store *s, int64_t account, struct str address);

/* Integrity of directory.db, what its rows say of each other, and whether every account has its
 * database. Problems are written as lines to `report`; ERR_CORRUPT if there are any. */
NODISCARD enum err directory_check(struct store *s, struct sbuf *report);

#endif
