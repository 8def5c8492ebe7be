/* Where mail for an address goes: a walk over accounts, aliases and sub-addresses, without
 * recursion and bounded in depth and number. */
#include "store/directory_private.h"

struct step {
	struct directory_address address;
	unsigned depth;
};

struct walk {
	struct store *store;
	struct db *db;
	struct arena *arena;
	struct step *steps; /* a queue: taken at `next`, put at the end */
	size_t next, step_count, step_cap;
	struct recipient *found;
	size_t found_count, found_cap;
};

static enum err
found(struct walk *w, int64_t account, struct str detail)
{
	for (size_t i = 0; i < w->found_count; i++) {
		if (w->found[i].account == account)
			return ERR_OK;
	}
	w->found =
	    arena_grow(w->arena, w->found, &w->found_cap, w->found_count + 1, sizeof(*w->found));
	if (!w->found)
		return ERR_NOMEM;
	w->found[w->found_count++] = (struct recipient){account, detail};
	return ERR_OK;
}

static enum err
follow(struct walk *w, struct directory_address address, unsigned depth)
{
	if (depth > ALIAS_MAX_DEPTH || w->step_count > ALIAS_MAX_TARGETS)
		return ERR_LOOP;
	w->steps =
	    arena_grow(w->arena, w->steps, &w->step_cap, w->step_count + 1, sizeof(*w->steps));
	if (!w->steps)
		return ERR_NOMEM;
	w->steps[w->step_count++] = (struct step){address, depth};
	return ERR_OK;
}

static enum err
follow_alias(struct walk *w, int64_t alias, unsigned depth)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(w->db, "SELECT address FROM alias_target WHERE alias = ?1 ORDER BY position",
		&st, DB_INT(alias));

	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct directory_address target;
		e = directory_parse_address(stmt_str(st, 0), w->arena, &target);
		if (!e)
			e = follow(w, target, depth + 1);
	}
	return e;
}

/* The account or alias of exactly this name: ERR_NOT_FOUND. */
static enum err
try_name(struct walk *w, const struct directory_address *a, struct str detail, unsigned depth)
{
	int64_t id;
	enum err e = directory_account_id(w->db, a, &id);

	if (!e)
		return found(w, id, detail);
	if (e == ERR_NOT_FOUND)
		e = directory_alias_id(w->db, a, &id);
	return e ? e : follow_alias(w, id, depth);
}

/* RFC 5321 §4.5.1: there is always a postmaster. The first account of the domain, else of the
 * system; for the bare word, one of that name first. */
static enum err
find_postmaster(struct walk *w, struct str domain)
{
	int64_t id;
	enum err e = db_get_int(w->db,
	    "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain"
	    " ORDER BY d.name <> ?1, a.local <> 'postmaster', a.id LIMIT 1",
	    &id, DB_TEXT(domain));

	if (e)
		return e == ERR_NOT_FOUND ? ERR_NO_USER : e;
	return found(w, id, str_make("", 0));
}

static enum err
expand(struct walk *w, const struct step *step)
{
	struct directory_address base = step->address;
	struct str detail = str_make("", 0);
	int64_t domain;
	enum err e = directory_domain_id(w->db, base.domain, &domain);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_RELAY : e;
	e = try_name(w, &base, detail, step->depth);
	if (e == ERR_NOT_FOUND &&
	    directory_split_detail(w->store, step->address.local, &base.local, &detail))
		e = try_name(w, &base, detail, step->depth);
	return e == ERR_NOT_FOUND ? ERR_NO_USER : e;
}

/* An alias whose targets are gone leads to the others; one that leads nowhere is no address. */
static enum err
walk_steps(struct walk *w)
{
	while (w->next < w->step_count) {
		struct step step = w->steps[w->next++];
		enum err e = expand(w, &step);
		if (e && (step.depth == 0 || (e != ERR_NO_USER && e != ERR_RELAY)))
			return e;
	}
	return w->found_count ? ERR_OK : ERR_NO_USER;
}

/* The bare word means this system's postmaster: any domain's alias of that name. */
static enum err
follow_postmaster(struct walk *w)
{
	int64_t alias;
	enum err e = db_get_int(w->db,
	    "SELECT id FROM alias WHERE local = 'postmaster' ORDER BY domain LIMIT 1", &alias);

	if (!e)
		e = follow_alias(w, alias, 0);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err
resolve(struct walk *w, const struct directory_address *a)
{
	struct str base = a->local, detail;
	enum err e = a->domain.n ? follow(w, *a, 0) : follow_postmaster(w);

	if (!e)
		e = walk_steps(w);
	if (e != ERR_NO_USER)
		return e;
	(void)directory_split_detail(w->store, a->local, &base, &detail);
	return str_eq(base, STR("postmaster")) ? find_postmaster(w, a->domain) : e;
}

enum err
directory_resolve(
    struct store *s, struct str address, struct arena *arena, struct recipient **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct directory_address a = {STR("postmaster"), STR("")};
	enum err e = str_eq_nocase(address, STR("postmaster"))
			 ? ERR_OK
			 : directory_parse_address(address, arena, &a);

	if (e == ERR_SYNTAX) {
		/* A domain that is no host name (an address literal) is not one of ours. */
		size_t at = str_rfind(address, '@');
		struct str domain;
		if (at == STR_NONE ||
		    !directory_parse_domain(str_skip(address, at + 1), arena, &domain))
			return ERR_NO_USER;
		return ERR_RELAY;
	}
	if (!e)
		e = read_begin(&s->directory, &h);
	if (e)
		return e;
	struct walk w = {.store = s, .db = h->db, .arena = arena};
	e = resolve(&w, &a);
	if (e)
		return e;
	*ret = w.found;
	*ret_n = w.found_count;
	return ERR_OK;
}

enum err
directory_may_send_as(struct store *s, int64_t account, struct str address)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 * DIRECTORY_ARENA);
	struct recipient *r;
	size_t n;

	if (!arena)
		return ERR_NOMEM;
	enum err e = directory_resolve(s, address, arena, &r, &n);
	if (e)
		return err_class(e) == ERR_CLASS_OURS ? e : ERR_DENIED;
	return n == 1 && r[0].account == account ? ERR_OK : ERR_DENIED;
}
