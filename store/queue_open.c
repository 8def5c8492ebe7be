/* The queue's file, its lock and its news. */
#include "store/queue_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/changes_private.h"
#include "store/file.h"
#include "store/upkeep.h"
#include "store/watchers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define QUEUE_CHANNEL (-1) /* on the bus, where others have an account's id */
#define DOOMED_AT_ONCE 200
#define DOOMED_ARENA (64 * 1024)

enum err
queue_new(struct store *s, struct queue **ret)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return ERR_NOMEM;
	q->store = s;
	q->lock_fd = -1;
	pthread_mutex_init(&q->mu, NULL);
	if (asprintf(&q->dir, "%s/queue", s->data_dir) < 0)
		q->dir = NULL;
	*ret = q;
	return q->dir ? ERR_OK : ERR_NOMEM;
}

void
queue_free(struct queue **qp)
{
	struct queue *q = MOVE_PTR(*qp);

	if (!q)
		return;
	watchers_remove(&q->watch);
	if (atomic_load(&q->opened))
		database_done(&q->database);
	fd_close(&q->lock_fd);
	pthread_mutex_destroy(&q->mu);
	free(q->dir);
	free(q);
}

static enum err
open_locked(struct queue *q)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/queue.db", q->store->data_dir) >= (int)sizeof(path))
		return ERR_TOO_LONG;
	enum err e = file_make_dir(q->dir);
	if (!e)
		e = database_provide(path, &schema_queue);
	if (!e)
		e = database_init(&q->database, q->store->pool, path, &schema_queue);
	if (!e) {
		q->database.gathers = true;
		atomic_store(&q->opened, true);
	}
	return e;
}

enum err
queue_database(struct store *s, struct database **ret)
{
	struct queue *q = s->queue;
	enum err e = ERR_OK;

	if (!atomic_load(&q->opened)) {
		CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&q->mu);
		if (!atomic_load(&q->opened))
			e = open_locked(q);
	}
	if (!e)
		*ret = &q->database;
	return e;
}

enum err
queue_read_begin(struct store *s, struct handle **ret)
{
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	return e ? e : read_begin(d, ret);
}

enum err
queue_file_path(const struct queue *q, struct str name, char out[PATH_MAX])
{
	if (name.n != QUEUE_FILE_NAME || str_find(name, '/') != STR_NONE || str_has_nul(name))
		return ERR_CORRUPT;
	return snprintf(out, PATH_MAX, "%s/%.*s", q->dir, STR_ARG(name)) >= PATH_MAX ? ERR_TOO_LONG
										     : ERR_OK;
}

/* -- news */

void
queue_poke(struct queue *q)
{
	/* Who runs it is the only one who listens: to himself he sends nothing. */
	if (atomic_load(&q->running))
		bus_announce_here(q->store->bus, QUEUE_CHANNEL, 0);
	else
		bus_announce(q->store->bus, QUEUE_CHANNEL, 0);
}

void
queue_watch(struct store *s, void (*changed)(void *arg), void *arg)
{
	struct queue *q = s->queue;

	watchers_remove(&q->watch);
	if (!changed)
		return;
	enum err e = bus_watch(s->bus, QUEUE_CHANNEL, 0, changed, arg, &q->watch);
	if (e)
		log_error("queue", F_CSTR("op", "watch"), F_ERR(e));
}

/* -- who runs it */

/* The file of a message that is being added is locked, as its spool is; one that has neither lock
 * nor row belongs to nobody. */
static enum err
sweep_file(struct queue *q, struct database *d, int dir_fd, const char *name)
{
	CLEANUP(fd_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(read_end) struct handle *h = NULL;
	struct stat st;
	int64_t known;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || flock(fd, LOCK_EX | LOCK_NB))
		return ERR_OK;
	enum err e = read_begin(d, &h);
	if (!e)
		e = db_get_int(h->db, "SELECT 1 FROM file_name WHERE file = ?1", &known,
		    DB_TEXT(str_of(name)));
	if (e != ERR_NOT_FOUND)
		return e;
	if (unlinkat(dir_fd, name, 0) == 0)
		log_info("queue", F_CSTR("swept", name), F_INT("octets", (int64_t)st.st_size));
	(void)q;
	return ERR_OK;
}

static enum err
sweep(struct queue *q, struct database *d)
{
	DIR *dir = opendir(q->dir);
	enum err e = ERR_OK;

	if (!dir)
		return file_error("open", q->dir);
	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	for (struct dirent *entry; !e && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			e = sweep_file(q, d, dirfd(dir), entry->d_name);
	closedir(dir);
	return e;
}

static enum err
lock_path(const struct queue *q, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/queue.lock", q->store->data_dir) >= PATH_MAX
		   ? ERR_TOO_LONG
		   : ERR_OK;
}

bool
queue_is_run(struct store *s)
{
	char path[PATH_MAX];

	if (atomic_load(&s->queue->running))
		return true;
	if (lock_path(s->queue, path))
		return false;
	CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct flock would = {.l_type = F_WRLCK};
	return fd >= 0 && !fcntl(fd, F_OFD_GETLK, &would) && would.l_type != F_UNLCK;
}

static enum err
take_lock(struct queue *q)
{
	char path[PATH_MAX];
	enum err e = lock_path(q, path);

	if (e)
		return e;
	CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (fd < 0)
		return file_error("open", path);
	struct flock lock = {.l_type = F_WRLCK}; /* of the file as it is open here, like flock(2)'s,
						    but one that can be asked after */
	if (fcntl(fd, F_OFD_SETLK, &lock))
		return errno == EAGAIN || errno == EACCES ? ERR_BUSY : file_error("lock", path);
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&q->mu);
	q->lock_fd = fd;
	fd = -1;
	return ERR_OK;
}

enum err
queue_run_begin(struct store *s)
{
	struct queue *q = s->queue;
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	if (!e)
		e = take_lock(q);
	if (e)
		return e;
	e = sweep(q, d);
	if (e) {
		queue_run_end(s);
		return e;
	}
	atomic_store(&q->doomed, true); /* what another left */
	upkeep_want(s->upkeep, clock_mono_ms() + UPKEEP_SYNC_MS);
	atomic_store(&q->running, true);
	return ERR_OK;
}

void
queue_run_end(struct store *s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->queue->mu);

	atomic_store(&s->queue->running, false);
	fd_close(&s->queue->lock_fd);
}

/* -- files whose message is gone */

struct doomed {
	struct arena *arena;
	struct str *names;
	size_t n;
};

static enum err
read_doomed(struct database *d, struct doomed *to)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = read_begin(d, &h);

	to->names = arena_alloc_array(to->arena, DOOMED_AT_ONCE, sizeof(*to->names));
	if (!e && !to->names)
		e = ERR_NOMEM;
	if (!e)
		e = db_query(
		    h->db, "SELECT name FROM doomed_file LIMIT ?1", &st, DB_INT(DOOMED_AT_ONCE));
	while (!e && !(e = stmt_step(st, &row)) && row)
		to->names[to->n++] = arena_dup(to->arena, stmt_str(st, 0));
	return e ? e : arena_failed(to->arena) ? ERR_NOMEM : ERR_OK;
}

static enum err
forget_doomed(struct txn *t, void *arg)
{
	const struct doomed *doomed = arg;
	enum err e = ERR_OK;

	for (size_t i = 0; i < doomed->n && !e; i++)
		e = db_run(
		    t->db, "DELETE FROM doomed_file WHERE name = ?1", DB_TEXT(doomed->names[i]));
	return e;
}

static enum err
remove_doomed(struct queue *q, size_t *ret_n)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(DOOMED_ARENA);
	struct doomed doomed = {.arena = arena};

	if (!arena)
		return ERR_NOMEM;
	enum err e = read_doomed(&q->database, &doomed);
	/* That the message is gone must be there for good before its octets are not. */
	if (!e && doomed.n)
		e = database_sync(&q->database);
	for (size_t i = 0; i < doomed.n && !e; i++) {
		char path[PATH_MAX];
		if (queue_file_path(q, doomed.names[i], path))
			continue;
		if (unlink(path) && errno != ENOENT)
			e = file_error("remove", path);
	}
	if (!e && doomed.n)
		e = database_write(&q->database, forget_doomed, &doomed, DURABLE_LATER);
	*ret_n = e ? 0 : doomed.n;
	return e;
}

void
queue_tick(struct queue *q)
{
	size_t n = 0;

	if (!atomic_load(&q->opened) || !atomic_exchange(&q->doomed, false))
		return;
	enum err e = remove_doomed(q, &n);
	if (e || n == DOOMED_AT_ONCE) {
		atomic_store(&q->doomed, true);
		upkeep_want(q->store->upkeep, clock_mono_ms() + (e ? 10 * UPKEEP_SYNC_MS : 1));
	}
}
