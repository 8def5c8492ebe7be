#include "search/index_work.h"

#include "common/base/clock.h"
#include "store/file.h"
#include "store/message_ids.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define SHED_SAMPLES 64 /* messages of a segment that are looked for */

enum err
index_uncovered(struct segments_cache *c, struct account *a, int64_t *ret)
{
	CLEANUP(segments_unref) struct segments *set = NULL;
	int64_t given = 0;
	enum err e = message_ids_given(a, &given);

	if (!e)
		e = segments_open(c, a, &set);
	if (e)
		return e;
	size_t n = segments_count(set);
	*ret = given - (n ? segment_last(segments_at(set, n - 1)) : 0);
	return ERR_OK;
}

/* -- covering ------------------------------------------------------------------------------- */

/* The first range of ids from `from` on that no segment covers; it may have no messages. */
static void
find_gap(const struct segments *set, int64_t from, int64_t *ret_from, int64_t *ret_to)
{
	*ret_to = INT64_MAX;
	for (size_t i = 0; i < segments_count(set); i++) {
		const struct segment *s = segments_at(set, i);
		if (segment_last(s) < from)
			continue;
		if (segment_first(s) > from) {
			*ret_to = segment_first(s) - 1;
			break;
		}
		from = segment_last(s) + 1;
	}
	*ret_from = from;
}

/* Also before the database is read for something else: not at the priority of what was done last.
 */
static bool
may_read(segment_pace *pace, void *arg)
{
	return !pace || pace(arg, SEGMENT_READS);
}

/* Covers what was there when it began: what comes meanwhile is not worth a segment of its own yet.
 */
static enum err
cover(struct segments_cache *c, struct account *a, segment_pace *pace, void *arg)
{
	int64_t from = 1, to = 0, given = 0;
	enum err e = message_ids_given(a, &given);

	while (!e) {
		CLEANUP(segments_unref) struct segments *set = NULL;
		int64_t last;
		if (!may_read(pace, arg))
			return ERR_CANCELLED;
		e = segments_open(c, a, &set);
		if (e)
			break;
		find_gap(set, from, &from, &to);
		if (from > given)
			break;
		to = to < given ? to : given;
		e = segment_build(a, from, to, pace, arg, &last);
		if (e == ERR_NOT_FOUND) { /* there is nothing to cover */
			last = to;
			e = ERR_OK;
		}
		from = last + 1;
	}
	return e;
}

/* -- merging -------------------------------------------------------------------------------- */

static unsigned
class_of(const struct segment *s)
{
	unsigned class = 0;

	for (uint64_t n = segment_size(s); n > INDEX_CLASS_OCTETS; n /= INDEX_FANOUT)
		class ++;
	return class;
}

/* Neighbours of at most this class, as many as may be merged, beginning with the i-th; none where
 * one of them is larger than the others together: that would be written again and again for the
 * sake of a few small ones. */
static size_t
run_of(const struct segments *set, size_t i, unsigned class)
{
	uint64_t octets = 0, largest = 0;
	size_t n = 0;

	for (; i + n < segments_count(set) && n < SEGMENT_MERGE_MAX; n++) {
		const struct segment *s = segments_at(set, i + n);
		uint64_t size = segment_size(s);
		/* across a gap nothing is merged: it would not be found any more */
		bool adjoins =
		    n == 0 || segment_last(segments_at(set, i + n - 1)) + 1 == segment_first(s);
		if (class_of(s) > class || octets + size > INDEX_SEGMENT_OCTETS || !adjoins)
			break;
		octets += size;
		largest = size > largest ? size : largest;
	}
	return largest > INDEX_CLASS_OCTETS && largest > octets - largest ? 0 : n;
}

/* A run to be merged, the smallest first. */
static bool
find_run(const struct segments *set, size_t *ret_at, size_t *ret_n)
{
	for (unsigned class = 0; class < 8; class ++) {
		for (size_t i = 0; i < segments_count(set); i++) {
			*ret_at = i;
			*ret_n = run_of(set, i, class);
			if (*ret_n >= INDEX_FANOUT)
				return true;
		}
	}
	return false;
}

static enum err
merge(struct segments_cache *c, struct account *a, segment_pace *pace, void *arg)
{
	enum err e = ERR_OK;

	while (!e) {
		CLEANUP(segments_unref) struct segments *set = NULL;
		struct segment *run[SEGMENT_MERGE_MAX];
		size_t at, n;
		if (!may_read(pace, arg))
			return ERR_CANCELLED;
		e = segments_open(c, a, &set);
		if (e || !find_run(set, &at, &n))
			break;
		for (size_t i = 0; i < n; i++)
			run[i] = segments_at(set, at + i);
		e = segment_merge(a, run, n, pace, arg);
	}
	return e;
}

/* -- letting go ----------------------------------------------------------------------------- */

/* Looks at some of the messages, evenly spread, so that it costs little for any segment. */
static enum err
is_good_enough(struct account *a, const struct segment *s, bool *ret)
{
	uint32_t n = segment_count(s) < SHED_SAMPLES ? segment_count(s) : SHED_SAMPLES;
	uint32_t gone = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t ordinal = (uint32_t)((uint64_t)segment_count(s) * i / n);
		int64_t id = segment_message(s, ordinal);
		enum err e = message_last_id(a, id, id, &id, NULL);
		if (e && e != ERR_NOT_FOUND)
			return e;
		gone += e == ERR_NOT_FOUND;
	}
	*ret = gone * INDEX_SHED < n || gone == 0;
	return ERR_OK;
}

static enum err
is_mostly_kept(struct account *a, struct segment *s, bool *ret)
{
	uint32_t gone = 0;
	enum err e = is_good_enough(a, s, ret);

	if (e || !*ret || clock_real_s() - segment_written_s(s) < INDEX_FORGET_S)
		return e;
	e = segment_count_gone(a, s, &gone);
	*ret = gone == 0;
	return e;
}

/* Rewrites segments of which a good part has been expunged. */
static enum err
shed(struct segments_cache *c, struct account *a, segment_pace *pace, void *arg)
{
	CLEANUP(segments_unref) struct segments *set = NULL;
	enum err e = segments_open(c, a, &set);

	for (size_t i = 0; !e && i < segments_count(set); i++) {
		struct segment *s = segments_at(set, i);
		bool kept = true;
		if (!may_read(pace, arg))
			return ERR_CANCELLED;
		e = is_mostly_kept(a, s, &kept);
		if (!e && !kept)
			e = segment_merge(a, &s, 1, pace, arg);
	}
	return e;
}

/* -- tidying up ----------------------------------------------------------------------------- */

/* What a killed builder left. */
static void
sweep_temporaries(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	while (d && (entry = readdir(d))) {
		char path[PATH_MAX];
		if (entry->d_name[0] == '.' &&
		    str_ends_nocase(str_of(entry->d_name), STR(".tmp")) &&
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) < (int)sizeof(path))
			unlink(path);
	}
	if (d)
		closedir(d);
}

static enum err
tidy(struct segments_cache *c, struct account *a)
{
	CLEANUP(segments_unref) struct segments *set = NULL;
	char dir[PATH_MAX];
	enum err e = segments_dir(a, dir);

	if (!e)
		e = segments_open(c, a, &set);
	if (e)
		return e;
	sweep_temporaries(dir);
	for (size_t i = 0; i < segments_useless_count(set); i++)
		if (unlink(segments_useless_path(set, i)) && errno != ENOENT)
			return file_error("remove", segments_useless_path(set, i));
	return ERR_OK;
}

/* The lock file bears the time of the last look. */
bool
index_is_due(struct account *a)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct stat st;

	if (segments_dir(a, dir))
		return false;
	snprintf(path, sizeof(path), "%.4000s/%s", dir, SEGMENT_LOCK);
	return stat(path, &st) == 0 && clock_real_s() - st.st_mtim.tv_sec >= INDEX_LOOK_S;
}

enum err
index_bring_up(struct segments_cache *c, struct account *a, segment_pace *pace, void *arg)
{
	CLEANUP(fd_close) int lock = -1;
	enum err e = segment_lock(a, &lock);

	if (!e)
		e = tidy(c, a);
	if (!e)
		e = cover(c, a, pace, arg);
	if (!e)
		e = shed(c, a, pace, arg);
	if (!e)
		e = merge(c, a, pace, arg);
	if (!e && futimens(lock, NULL))
		e = file_error("stamp", "index lock");
	return e;
}
