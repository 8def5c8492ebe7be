#include "search/segments.h"

#include "common/base/log.h"
#include "search/segment_private.h"
#include "store/file.h"
#include "store/message_ids.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#define DIR_PATH_ROOM (PATH_MAX - 64) /* a file's name follows */

struct segments {
	atomic_uint refs;
	struct segment *all[SEGMENTS_MAX];
	size_t count;
	char **useless; /* paths */
	size_t useless_count;
};

/* When the folder was looked at. */
struct stamp {
	bool exists;
	dev_t device;
	ino_t inode;
	struct timespec changed;
};

struct cached {
	int64_t account;
	struct stamp stamp;
	struct segments *set;
	uint64_t used; /* by the cache's count of uses */
};

struct segments_cache {
	pthread_mutex_t mu;
	/* guarded by mu */
	struct cached cached[SEGMENTS_ACCOUNTS_MAX];
	size_t count;
	uint64_t uses;
};

struct segments_cache *
segments_cache_new(void)
{
	struct segments_cache *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->mu, NULL);
	return c;
}

void
segments_cache_free(struct segments_cache **cp)
{
	struct segments_cache *c = MOVE_PTR(*cp);

	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		segments_unref(&c->cached[i].set);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

static struct segments *
set_ref(struct segments *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
segments_unref(struct segments **sp)
{
	struct segments *s = MOVE_PTR(*sp);

	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (size_t i = 0; i < s->count; i++)
		segment_unref(&s->all[i]);
	for (size_t i = 0; i < s->useless_count; i++)
		free(s->useless[i]);
	free(s->useless);
	free(s);
}

enum err
segments_dir(const struct account *a, char *out)
{
	int n = snprintf(out, PATH_MAX, "%s/index", account_dir(a));

	return n >= DIR_PATH_ROOM ? ERR_TOO_LONG : ERR_OK;
}

/* -- a new picture -------------------------------------------------------------------------- */

struct range {
	int64_t first, last;
};

static bool
parse_name(const char *name, struct range *ret)
{
	struct str rest = str_of(name), first;
	uint64_t a, b;

	if (!str_split(&rest, '-', &first) || !str_ends_nocase(rest, STR(".seg")))
		return false;
	if (!str_to_u64(first, &a) || !str_to_u64(str_sub(rest, 0, rest.n - 4), &b) ||
	    a > INT64_MAX || b > INT64_MAX)
		return false;
	*ret = (struct range){(int64_t)a, (int64_t)b};
	return true;
}

/* In the order of ids; of those with the same beginning the one that covers most comes first. */
static int
compare_ranges(const void *ap, const void *bp)
{
	const struct range *a = ap, *b = bp;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last == b->last ? 0 : a->last > b->last ? -1 : 1;
}

static enum err
list_ranges(const char *dir, struct sbuf *ret)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return errno == ENOENT ? ERR_OK : file_error("open", dir);
	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	while ((entry = readdir(d))) {
		struct range r;
		if (parse_name(entry->d_name, &r))
			sbuf_append(ret, &r, sizeof(r));
	}
	closedir(d);
	if (ret->n)
		qsort(ret->p, ret->n / sizeof(struct range), sizeof(struct range), compare_ranges);
	return sbuf_error(ret) ? ERR_NOMEM : ERR_OK;
}

/* Whether the segment is of the messages that the database has. Ids rise, and restoring a backup
 * takes the last ones back, to be given out anew. So: all ids it covers have been given out, and
 * if the last message of that range that still exists is the one in the segment, so are those
 * before it. */
static enum err
belongs(const struct segment *s, struct account *a, bool *ret)
{
	char email_id[EMAIL_ID_ROOM];
	int64_t given = 0, id = 0;
	enum err e = message_ids_given(a, &given);

	*ret = false;
	if (e || given < segment_last(s))
		return e;
	e = message_last_id(a, segment_first(s), segment_last(s), &id, email_id);
	if (e == ERR_NOT_FOUND) {
		*ret = true; /* all are gone, and their ids will not be seen again */
		return ERR_OK;
	}
	if (e)
		return e;
	uint32_t ordinal = segment_ordinal(s, id, SEGMENT_NONE);
	*ret = ordinal != SEGMENT_NONE &&
	       segment_identity(s, ordinal) == segment_identity_of(str_of(email_id));
	return ERR_OK;
}

/* The old picture's segment that is this file. */
static struct segment *
find_open(const struct segments *old, struct range r, const char *path)
{
	struct stat st;

	for (size_t i = 0; old && i < old->count; i++)
		if (segment_first(old->all[i]) == r.first && segment_last(old->all[i]) == r.last &&
		    !stat(path, &st) && st.st_ino == segment_inode(old->all[i]))
			return segment_ref(old->all[i]);
	return NULL;
}

static enum err
note_useless(struct segments *s, const char *path)
{
	char **grown = realloc(s->useless, (s->useless_count + 1) * sizeof(grown[0]));

	if (!grown)
		return ERR_NOMEM;
	s->useless = grown;
	grown[s->useless_count] = strdup(path);
	if (!grown[s->useless_count])
		return ERR_NOMEM;
	s->useless_count++;
	return ERR_OK;
}

static enum err
add_range(struct segments *s, const struct segments *old, struct account *a, const char *dir,
    struct range r)
{
	char path[PATH_MAX];
	int64_t covered = s->count ? segment_last(s->all[s->count - 1]) : 0;
	CLEANUP(segment_unref) struct segment *seg = NULL;
	bool good = false;
	enum err e = segment_path(dir, r.first, r.last, path);

	if (!e && r.first > covered && s->count < SEGMENTS_MAX) {
		seg = find_open(old, r, path);
		good = seg != NULL;
		if (!seg)
			e = segment_open(path, &seg);
		if (e == ERR_NOT_FOUND) /* replaced in the meantime */
			return ERR_OK;
		if (!e && !good && segment_first(seg) == r.first && segment_last(seg) == r.last)
			e = belongs(seg, a, &good);
	}
	if (e && e != ERR_CORRUPT)
		return e;
	if (!good)
		return note_useless(s, path);
	s->all[s->count++] = MOVE_PTR(seg);
	return ERR_OK;
}

static enum err
take_picture(const struct segments *old, struct account *a, const char *dir, struct segments **ret)
{
	CLEANUP(sbuf_done) struct sbuf ranges = SBUF_INIT(SIZE_MAX / 2);
	CLEANUP(segments_unref) struct segments *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->refs = 1;
	enum err e = list_ranges(dir, &ranges);
	const struct range *r = (const void *)ranges.p;
	for (size_t i = 0; !e && i < ranges.n / sizeof(*r); i++)
		e = add_range(s, old, a, dir, r[i]);
	if (!e)
		*ret = MOVE_PTR(s);
	return e;
}

/* -- the cache ------------------------------------------------------------------------------ */

static enum err
look(const char *dir, struct stamp *ret)
{
	struct stat st;

	*ret = (struct stamp){0};
	if (stat(dir, &st))
		return errno == ENOENT ? ERR_OK : file_error("stat", dir);
	*ret = (struct stamp){true, st.st_dev, st.st_ino, st.st_mtim};
	return ERR_OK;
}

static bool
same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* The row of the account, or the one whose use is longest ago, emptied. Under mu. */
static struct cached *
row_for(struct segments_cache *c, int64_t account, bool *ret_found)
{
	struct cached *oldest = &c->cached[0];

	for (size_t i = 0; i < c->count; i++) {
		*ret_found = c->cached[i].account == account;
		if (*ret_found)
			return &c->cached[i];
		if (c->cached[i].used < oldest->used)
			oldest = &c->cached[i];
	}
	*ret_found = false;
	return c->count < SEGMENTS_ACCOUNTS_MAX ? &c->cached[c->count] : oldest;
}

/* The set kept, and whether it is of this look at the folder. */
static struct segments *
get_kept(struct segments_cache *c, int64_t account, const struct stamp *stamp, bool *ret_fresh)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&c->mu);
	bool found;
	struct cached *row = row_for(c, account, &found);

	(void)held;
	*ret_fresh = found && same_stamp(&row->stamp, stamp);
	if (!found)
		return NULL;
	row->used = ++c->uses;
	return set_ref(row->set);
}

static void
keep(struct segments_cache *c, int64_t account, const struct stamp *stamp, struct segments *set)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&c->mu);
	bool found;
	struct cached *row = row_for(c, account, &found);

	(void)held;
	if (row == &c->cached[c->count])
		c->count++;
	segments_unref(&row->set);
	*row = (struct cached){account, *stamp, set_ref(set), ++c->uses};
}

enum err
segments_open(struct segments_cache *c, struct account *a, struct segments **ret)
{
	CLEANUP(segments_unref) struct segments *old = NULL;
	char dir[PATH_MAX];
	struct stamp stamp;
	bool fresh = false;

	enum err e = segments_dir(a, dir);
	if (!e)
		e = look(dir, &stamp); /* before the picture: a later change is seen next time */
	if (e)
		return e;
	old = get_kept(c, account_id(a), &stamp, &fresh);
	if (fresh) {
		*ret = MOVE_PTR(old);
		return ERR_OK;
	}
	e = take_picture(old, a, dir, ret);
	if (!e)
		keep(c, account_id(a), &stamp, *ret);
	return e;
}

/* -- what is covered ------------------------------------------------------------------------ */

size_t
segments_count(const struct segments *s)
{
	return s->count;
}

struct segment *
segments_at(const struct segments *s, size_t i)
{
	return s->all[i];
}

size_t
segments_useless_count(const struct segments *s)
{
	return s->useless_count;
}

const char *
segments_useless_path(const struct segments *s, size_t i)
{
	return s->useless[i];
}

static bool
covers(const struct segment *s, int64_t message)
{
	return message >= segment_first(s) && message <= segment_last(s);
}

bool
segments_find(const struct segments *s, int64_t message, struct segment_place *place)
{
	size_t i = place->segment;

	if (i >= s->count || !covers(s->all[i], message)) {
		size_t lo = 0, hi = s->count;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (segment_last(s->all[mid]) < message)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo == s->count || !covers(s->all[lo], message))
			return false;
		i = lo;
	}
	uint32_t ordinal = segment_ordinal(s->all[i], message, place->ordinal + 1);
	if (ordinal == SEGMENT_NONE)
		return false;
	*place = (struct segment_place){i, ordinal};
	return true;
}
