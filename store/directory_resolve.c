/* Where mail for an address goes: a walk over accounts, forwards, aliases and sub-addresses,
 * without recursion and bounded in depth and number. */
#include "store/directory_private.h"

struct step {
	struct directory_address address;
	unsigned depth;
	struct str by; /* the address that leads here, or empty */
};

struct walk {
	struct store *store;
	struct db *db;
	struct arena *arena;
	struct step *steps; /* a queue: taken at `next`, put at the end */
	size_t next, step_count, step_cap;
	struct recipient *found;
	size_t found_count, found_cap;
	int64_t *visited; /* accounts whose forwards were followed */
	size_t visited_count, visited_cap;
	bool ignore_forwards;
};

static enum err
add_found(struct walk *w, const struct recipient *r)
{
	for (size_t i = 0; i < w->found_count; i++) {
		const struct recipient *have = &w->found[i];
		if (have->account == r->account && str_eq(have->elsewhere, r->elsewhere))
			return ERR_OK;
	}
	w->found =
	    arena_grow(w->arena, w->found, &w->found_cap, w->found_count + 1, sizeof(*w->found));
	if (!w->found)
		return ERR_NOMEM;
	w->found[w->found_count++] = *r;
	return ERR_OK;
}

static struct str
text_of(struct walk *w, const struct directory_address *a)
{
	return arena_printf(w->arena, "%.*s@%.*s", STR_ARG(a->local), STR_ARG(a->domain));
}

static enum err
follow(struct walk *w, struct directory_address address, unsigned depth, struct str by)
{
	if (depth > ALIAS_MAX_DEPTH || w->step_count > ALIAS_MAX_TARGETS)
		return ERR_LOOP;
	w->steps =
	    arena_grow(w->arena, w->steps, &w->step_cap, w->step_count + 1, sizeof(*w->steps));
	if (!w->steps)
		return ERR_NOMEM;
	w->steps[w->step_count++] = (struct step){address, depth, by};
	return ERR_OK;
}

/* The addresses in a started query; *ret_n of them. */
static enum err
follow_rows(struct walk *w, struct stmt *st, unsigned depth, struct str by, size_t *ret_n)
{
	bool row = false;
	enum err e;

	*ret_n = 0;
	while (!(e = stmt_step(st, &row)) && row) {
		struct directory_address target;
		e = directory_parse_address(stmt_str(st, 0), w->arena, &target);
		if (!e)
			e = follow(w, target, depth + 1, by);
		if (e)
			return e;
		++*ret_n;
	}
	return e;
}

static enum err
follow_alias(struct walk *w, int64_t alias, unsigned depth, struct str by)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	size_t ignored;
	enum err e =
	    db_query(w->db, "SELECT address FROM alias_target WHERE alias = ?1 ORDER BY position",
		&st, DB_INT(alias));

	return e ? e : follow_rows(w, st, depth, by, &ignored);
}

static enum err
follow_forwards(struct walk *w, int64_t account, unsigned depth, struct str by, size_t *ret_n)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	enum err e =
	    db_query(w->db, "SELECT address FROM forward WHERE account = ?1 ORDER BY position", &st,
		DB_INT(account));

	return e ? e : follow_rows(w, st, depth, by, ret_n);
}

/* Each account once: two that forward to each other reach what else there is. */
static bool
was_visited(struct walk *w, int64_t account)
{
	for (size_t i = 0; i < w->visited_count; i++)
		if (w->visited[i] == account)
			return true;
	return false;
}

/* The account, or where its mail goes on, or both. `by` is its address. */
static enum err
found(struct walk *w, int64_t account, struct str detail, unsigned depth, struct str by)
{
	const struct recipient r = {.account = account, .detail = detail};
	int64_t keeps = 1;
	size_t n = 0;

	if (w->ignore_forwards)
		return add_found(w, &r);
	if (was_visited(w, account))
		return ERR_OK;
	w->visited = arena_grow(
	    w->arena, w->visited, &w->visited_cap, w->visited_count + 1, sizeof(*w->visited));
	if (!w->visited)
		return ERR_NOMEM;
	w->visited[w->visited_count++] = account;
	enum err e = follow_forwards(w, account, depth, by, &n);
	if (!e && n)
		e = db_get_int(
		    w->db, "SELECT keeps FROM account WHERE id = ?1", &keeps, DB_INT(account));
	return e || (n && !keeps) ? e : add_found(w, &r);
}

/* The account or alias of exactly this name: ERR_NOT_FOUND. */
static enum err
try_name(struct walk *w, const struct directory_address *a, struct str detail, unsigned depth)
{
	int64_t id;
	enum err e = directory_account_id(w->db, a, &id);

	if (!e)
		return found(w, id, detail, depth, text_of(w, a));
	if (e == ERR_NOT_FOUND)
		e = directory_alias_id(w->db, a, &id);
	return e ? e : follow_alias(w, id, depth, text_of(w, a));
}

/* RFC 5321 §4.5.1: there is always a postmaster. The first account of the domain, else of the
 * system; for the bare word, one of that name first. */
static enum err
find_postmaster(struct walk *w, struct str domain)
{
	struct recipient r = {0};
	enum err e = db_get_int(w->db,
	    "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain"
	    " ORDER BY d.name <> ?1, a.local <> 'postmaster', a.id LIMIT 1",
	    &r.account, DB_TEXT(domain));

	if (e)
		return e == ERR_NOT_FOUND ? ERR_NO_USER : e;
	return add_found(w, &r);
}

/* A target at a domain that is not ours. Nobody reaches another server by asking for it: the first
 * step is the address that was asked for, and must be ours. */
static enum err
found_elsewhere(struct walk *w, const struct step *step)
{
	struct recipient r = {.elsewhere = text_of(w, &step->address), .by = step->by};

	if (step->depth == 0 || w->ignore_forwards)
		return ERR_RELAY;
	return r.elsewhere.p ? add_found(w, &r) : ERR_NOMEM;
}

static enum err
expand(struct walk *w, const struct step *step)
{
	struct directory_address base = step->address;
	struct str detail = str_make("", 0);
	int64_t domain;
	enum err e = directory_domain_id(w->db, base.domain, &domain);

	if (e)
		return e == ERR_NOT_FOUND ? found_elsewhere(w, step) : e;
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
	if (w->found_count)
		return ERR_OK;
	/* Forwards to each other, or to what is no more: the mail stays where it can. */
	for (size_t i = 0; i < w->visited_count; i++) {
		const struct recipient r = {.account = w->visited[i]};
		enum err e = add_found(w, &r);
		if (e)
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
		e = follow_alias(w, alias, 0, STR("postmaster"));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err
resolve(struct walk *w, const struct directory_address *a)
{
	struct str base = a->local, detail;
	enum err e = a->domain.n ? follow(w, *a, 0, STR("")) : follow_postmaster(w);

	if (!e)
		e = walk_steps(w);
	if (e != ERR_NO_USER)
		return e;
	(void)directory_split_detail(w->store, a->local, &base, &detail);
	return str_eq(base, STR("postmaster")) ? find_postmaster(w, a->domain) : e;
}

static enum err
resolve_address(struct store *s, struct str address, bool ignore_forwards, struct arena *arena,
    struct recipient **ret, size_t *ret_n)
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
	struct walk w = {
	    .store = s, .db = h->db, .arena = arena, .ignore_forwards = ignore_forwards};
	e = resolve(&w, &a);
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = w.found;
	*ret_n = w.found_count;
	return ERR_OK;
}

enum err
directory_resolve(
    struct store *s, struct str address, struct arena *arena, struct recipient **ret, size_t *ret_n)
{
	return resolve_address(s, address, false, arena, ret, ret_n);
}

enum err
directory_may_send_as(struct store *s, int64_t account, struct str address)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 * DIRECTORY_ARENA);
	struct recipient *r;
	size_t n;

	if (!arena)
		return ERR_NOMEM;
	/* Who forwards his mail is still himself. */
	enum err e = resolve_address(s, address, true, arena, &r, &n);
	if (e)
		return err_class(e) == ERR_CLASS_OURS ? e : ERR_DENIED;
	return n == 1 && r[0].account == account ? ERR_OK : ERR_DENIED;
}
