#include "store/signing_key_private.h"

#include "common/base/clock.h"
#include "store/directory_private.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define SELECTOR_MAX 63

const char *
signing_state_name(enum signing_state s)
{
	static const char *const names[] = {"waiting", "signing", "retired"};

	return names[s];
}

static bool
is_selector(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= SELECTOR_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

/* -- files ----------------------------------------------------------------------------------- */

static enum err
path_of(const struct store *s, struct str domain, struct str selector, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/dkim/%.*s.%.*s.pem", s->data_dir, STR_ARG(selector),
	    STR_ARG(domain));

	return n < 0 || n >= PATH_MAX ? ERR_TOO_LONG : ERR_OK;
}

/* Nobody but the owner may enter, whatever the umask. */
static enum err
make_dir(const struct store *s)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/dkim", s->data_dir) >= (int)sizeof(path))
		return ERR_TOO_LONG;
	if (mkdir(path, 0700) == 0)
		return file_sync_parent(path);
	return errno == EEXIST ? ERR_OK : file_error("mkdir", path);
}

static enum err
write_all(int fd, struct str octets)
{
	while (octets.n) {
		ssize_t n = write(fd, octets.p, octets.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		octets = str_skip(octets, (size_t)n);
	}
	return fsync(fd) ? ERR_IO : ERR_OK;
}

static enum err
write_file(const struct store *s, const struct signing_key *k, struct str pem)
{
	char path[PATH_MAX];
	enum err e = path_of(s, k->domain, k->selector, path);

	if (!e)
		e = make_dir(s);
	if (e)
		return e;
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? ERR_EXISTS : file_error("create", path);
	e = write_all(fd, pem);
	if (e)
		e = file_error("write", path);
	if (!e)
		e = file_sync_parent(path);
	if (e)
		unlink(path);
	return e;
}

enum err
signing_key_remove_file(struct store *s, const struct signing_key *k)
{
	char path[PATH_MAX];
	enum err e = path_of(s, k->domain, k->selector, path);

	if (!e && unlink(path) && errno != ENOENT)
		e = file_error("remove", path);
	return e ? e : file_sync_parent(path);
}

/* -- rows ------------------------------------------------------------------------------------ */

struct change {
	struct signing_key key; /* its domain in the form of the directory */
	int64_t now_s;
};

static enum err
insert_key(struct txn *t, void *arg)
{
	const struct change *c = arg;
	int64_t domain, n;
	enum err e = directory_domain_id(t->db, c->key.domain, &domain);

	if (!e)
		e = db_get_int(t->db, "SELECT COUNT(*) FROM signing_key WHERE domain = ?1", &n,
		    DB_INT(domain));
	if (!e && n >= SIGNING_KEYS_MAX)
		return ERR_LIMIT;
	return e ? e
		 : db_run(t->db,
		       "INSERT INTO signing_key (domain, selector, algorithm, state, created_s,"
		       " changed_s) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
		       DB_INT(domain), DB_TEXT(c->key.selector), DB_TEXT(c->key.algorithm),
		       DB_INT(c->key.state), DB_INT(c->now_s));
}

static enum err
switch_keys(struct txn *t, void *arg)
{
	const struct change *c = arg;
	int64_t domain, waiting;
	enum err e = directory_domain_id(t->db, c->key.domain, &domain);

	if (!e)
		e = db_get_int(t->db,
		    "SELECT COUNT(*) FROM signing_key WHERE domain = ?1 AND state = ?2", &waiting,
		    DB_INT(domain), DB_INT(SIGNING_WAITING));
	if (!e && waiting == 0)
		return ERR_NOT_FOUND;
	if (!e)
		e = db_run(t->db,
		    "UPDATE signing_key SET state = ?3, changed_s = ?4"
		    " WHERE domain = ?1 AND state = ?2",
		    DB_INT(domain), DB_INT(SIGNING_ACTIVE), DB_INT(SIGNING_RETIRED),
		    DB_INT(c->now_s));
	return e ? e
		 : db_run(t->db,
		       "UPDATE signing_key SET state = ?3, changed_s = ?4"
		       " WHERE domain = ?1 AND state = ?2",
		       DB_INT(domain), DB_INT(SIGNING_WAITING), DB_INT(SIGNING_ACTIVE),
		       DB_INT(c->now_s));
}

static enum err
delete_key(struct txn *t, void *arg)
{
	const struct change *c = arg;
	int64_t domain;
	enum err e = directory_domain_id(t->db, c->key.domain, &domain);

	if (!e)
		e = db_run(t->db, "DELETE FROM signing_key WHERE domain = ?1 AND selector = ?2",
		    DB_INT(domain), DB_TEXT(c->key.selector));
	return e ? e : db_changes(t->db) ? ERR_OK : ERR_NOT_FOUND;
}

enum err
signing_key_add(struct store *s, const struct signing_key *k, struct str pem)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	struct change c = {*k, clock_real_s()};

	if (!arena)
		return ERR_NOMEM;
	if (!is_selector(k->selector) || pem.n > SIGNING_PEM_MAX)
		return ERR_SYNTAX;
	enum err e = directory_parse_domain(k->domain, arena, &c.key.domain);
	if (!e)
		e = directory_is_local_domain(s, c.key.domain);
	if (!e)
		e = write_file(s, &c.key, pem);
	if (e)
		return e;
	e = database_write(&s->directory, insert_key, &c, DURABLE_NOW);
	if (e && signing_key_remove_file(s, &c.key)) /* which has logged it */
		return ERR_IO;
	return e;
}

static enum err
read_rows(struct stmt *st, struct arena *arena, struct signing_key **ret, size_t *ret_n)
{
	struct signing_key *keys = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e;

	while (!(e = stmt_step(st, &row)) && row) {
		keys = arena_grow(arena, keys, &cap, n + 1, sizeof(*keys));
		if (!keys)
			return ERR_NOMEM;
		keys[n++] = (struct signing_key){
		    .domain = arena_dup(arena, stmt_str(st, 0)),
		    .selector = arena_dup(arena, stmt_str(st, 1)),
		    .algorithm = arena_dup(arena, stmt_str(st, 2)),
		    .state = (enum signing_state)stmt_int(st, 3),
		    .created_s = stmt_int(st, 4),
		    .changed_s = stmt_int(st, 5),
		};
		if (keys[n - 1].state < SIGNING_WAITING || keys[n - 1].state > SIGNING_RETIRED)
			return ERR_CORRUPT;
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = keys;
	*ret_n = n;
	return ERR_OK;
}

static enum err
read_keys(struct store *s, struct str domain, struct arena *arena, struct signing_key **ret,
    size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct str name = domain;
	enum err e = domain.n ? directory_parse_domain(domain, arena, &name) : ERR_OK;

	if (!e)
		e = read_begin(&s->directory, &h);
	if (!e)
		e = db_query(h->db,
		    "SELECT d.name, k.selector, k.algorithm, k.state, k.created_s, k.changed_s"
		    " FROM domain d JOIN signing_key k ON k.domain = d.id"
		    " WHERE ?1 = '' OR d.name = ?1 ORDER BY d.name, k.created_s, k.selector",
		    &st, DB_TEXT(name));
	return e ? e : read_rows(st, arena, ret, ret_n);
}

enum err
signing_key_list(struct store *s, struct str domain, struct arena *arena, struct signing_key **ret,
    size_t *ret_n)
{
	struct db_stamp before;
	bool stamped = domain.n && pool_stamp(&s->directory, &before);

	if (stamped && signing_key_cache_get(s->signing_keys, domain, &before, arena, ret, ret_n))
		return ERR_OK;
	enum err e = read_keys(s, domain, arena, ret, ret_n);
	if (!e && stamped)
		signing_key_cache_put(s->signing_keys, domain, &before, *ret, *ret_n);
	return e;
}

static enum err
write_change(struct store *s, struct str domain, struct str selector, txn_op *op)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DIRECTORY_ARENA);
	struct change c = {.key.selector = selector, .now_s = clock_real_s()};

	if (!arena)
		return ERR_NOMEM;
	enum err e = directory_parse_domain(domain, arena, &c.key.domain);
	if (!e)
		e = database_write(&s->directory, op, &c, DURABLE_NOW);
	return e || op != delete_key ? e : signing_key_remove_file(s, &c.key);
}

enum err
signing_key_switch(struct store *s, struct str domain)
{
	return write_change(s, domain, STR(""), switch_keys);
}

enum err
signing_key_remove(struct store *s, struct str domain, struct str selector)
{
	if (!is_selector(selector))
		return ERR_NOT_FOUND;
	return write_change(s, domain, selector, delete_key);
}

enum err
signing_key_read(struct store *s, struct str domain, struct str selector, struct sbuf *ret_pem)
{
	char path[PATH_MAX];
	struct stat st;
	enum err e = is_selector(selector) ? path_of(s, domain, selector, path) : ERR_NOT_FOUND;

	if (e)
		return e;
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : file_error("open", path);
	if (fstat(fd, &st) || st.st_size > SIGNING_PEM_MAX)
		return file_error("read", path);
	size_t size = (size_t)st.st_size;
	char *to = sbuf_reserve(ret_pem, size + 1); /* at once: no copy stays behind */
	if (!to)
		return sbuf_error(ret_pem);
	ssize_t n = pread(fd, to, size, 0);
	if (n < 0 || (size_t)n != size)
		return file_error("read", path);
	sbuf_grow(ret_pem, size);
	return ERR_OK;
}
