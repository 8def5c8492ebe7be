#include "search/segment_build.h"

#include "common/metrics/metrics.h"

#include "common/mail/message_index.h"
#include "search/facts_build.h"
#include "search/list_fields.h"
#include "search/segment_private.h"
#include "search/segments.h"
#include "search/words.h"
#include "store/file.h"
#include "store/message_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#define BUILDERS_MAX 8
#define READER_MESSAGES                                                                            \
	32 /* then the consistent read is begun anew: a long one would keep the                    \
	      database's log from being used again */
#define IDS_AT_ONCE 1024
#define HEADER_MAX MIME_MAX_HEADER /* as far as headers are looked at */
#define PARTS_ARENA (4 * 1024 * 1024)

const struct segment_builder *const *
segment_builders(size_t *ret_n)
{
	static const struct segment_builder *const all[] = {
	    &facts_builder, &words_builder, &list_fields_builder};

	*ret_n = ARRAY_LEN(all);
	return all;
}

enum err
segment_lock(struct account *a, int *ret_fd)
{
	char dir[PATH_MAX], path[PATH_MAX];
	enum err e = segments_dir(a, dir);

	if (!e)
		e = file_make_dir(dir);
	if (e)
		return e;
	snprintf(path, sizeof(path), "%.4000s/%s", dir, SEGMENT_LOCK);
	CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	if (fd < 0)
		return file_error("open", path);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? ERR_BUSY : file_error("lock", path);
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

/* -- from messages -------------------------------------------------------------------------- */

struct build {
	struct account *account;
	const struct segment_builder *const *builders;
	size_t builder_count;
	void *states[BUILDERS_MAX];
	struct reader *reader;
	struct arena *arena; /* of a message's part table */
	int64_t *ids; /* SEGMENT_BUILD_MESSAGES of them */
	uint64_t *identities;
	uint32_t count;
	int64_t last; /* the last one looked at, 0: none */
};

static void
build_done(struct build *b)
{
	for (size_t i = 0; i < b->builder_count; i++)
		if (b->states[i])
			b->builders[i]->free(b->states[i]);
	reader_close(&b->reader);
	arena_free(&b->arena);
	free(b->ids);
	free(b->identities);
}

static enum err
build_init(struct build *b, struct account *a)
{
	*b = (struct build){.account = a};
	b->builders = segment_builders(&b->builder_count);
	b->arena = arena_new(PARTS_ARENA);
	b->ids = malloc(SEGMENT_BUILD_MESSAGES * sizeof(b->ids[0]));
	b->identities = malloc(SEGMENT_BUILD_MESSAGES * sizeof(b->identities[0]));
	enum err e = b->arena && b->ids && b->identities ? ERR_OK : ERR_NOMEM;
	for (size_t i = 0; !e && i < b->builder_count; i++)
		e = b->builders[i]->begin(&b->states[i]);
	return e;
}

static bool
is_full(const struct build *b)
{
	size_t held = 0;

	for (size_t i = 0; i < b->builder_count; i++)
		held += b->builders[i]->memory(b->states[i]);
	return held >= SEGMENT_BUILD_MEMORY || b->count == SEGMENT_BUILD_MESSAGES;
}

/* Damage and absence concern this message only, which is then left to who reads it directly. */
static bool
is_of_message(enum err e)
{
	return e == ERR_GONE || e == ERR_CORRUPT || e == ERR_IO || e == ERR_LIMIT;
}

static enum err
read_header(struct build *b, const struct message_row *row, struct sbuf *large, struct str *ret)
{
	size_t n = row->header_size < HEADER_MAX ? (size_t)row->header_size : HEADER_MAX;

	*ret = str_sub(row->header, 0, n);
	if (row->header.p)
		return ERR_OK;
	char *to = sbuf_reserve(large, n);
	if (!to)
		return ERR_NOMEM;
	for (size_t at = 0; at < n;) {
		size_t got = 0;
		enum err e = reader_read(b->reader, row->id, at, to + at, n - at, &got);
		if (e || got == 0)
			return e ? e : ERR_CORRUPT;
		at += got;
	}
	*ret = str_make(to, n);
	return ERR_OK;
}

static enum err
hand_to_builders(struct build *b, const struct segment_message *m)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < b->builder_count; i++)
		e = b->builders[i]->message(b->states[i], b->reader, m);
	if (!is_of_message(e))
		return e;
	for (size_t i = 0; i < b->builder_count; i++)
		if (b->builders[i]->unread)
			b->builders[i]->unread(b->states[i], m->ordinal);
	return ERR_OK;
}

static enum err
add_message(struct build *b, int64_t id)
{
	CLEANUP(sbuf_done) struct sbuf large = SBUF_INIT(HEADER_MAX);
	struct segment_message m = {.ordinal = b->count};
	struct message_row row;
	struct part_table parts;
	b->last = id;
	arena_reset(b->arena);
	enum err e = reader_message(b->reader, id, WANT_HEADER | WANT_PARTS, &row);
	if (!e)
		e = parts_decode(row.parts, b->arena, &parts);
	if (!e)
		e = read_header(b, &row, &large, &m.header);
	if (e)
		return is_of_message(e) ? ERR_OK : e;
	m.row = &row;
	m.parts = &parts;
	b->ids[b->count] = id;
	b->identities[b->count] = segment_identity_of(row.email_id);
	b->count++;
	return hand_to_builders(b, &m);
}

static bool
goes_on(segment_pace *pace, void *arg, enum segment_phase phase)
{
	return !pace || pace(arg, phase);
}

/* Of a writer: does what it writes for go on? */
struct writing {
	segment_pace *pace;
	void *arg;
};

static bool
writing_goes_on(void *arg)
{
	const struct writing *writing = arg;

	return goes_on(writing->pace, writing->arg, SEGMENT_WRITES);
}

/* One consistent read. */
static enum err
add_batch(struct build *b, const int64_t *ids, size_t n)
{
	enum err e = reader_open(b->account, &b->reader);

	for (size_t i = 0; !e && i < n && !is_full(b); i++)
		e = add_message(b, ids[i]);
	reader_close(&b->reader);
	return e;
}

static enum err
add_messages(struct build *b, int64_t from, int64_t to, segment_pace *pace, void *arg)
{
	int64_t ids[READER_MESSAGES];
	size_t n = READER_MESSAGES;
	enum err e = ERR_OK;

	while (!e && n == READER_MESSAGES && !is_full(b)) {
		if (!goes_on(pace, arg, SEGMENT_READS))
			return ERR_CANCELLED;
		e = message_ids(b->account, from, ids, READER_MESSAGES, &n);
		if (e)
			return e;
		while (n > 0 && ids[n - 1] > to)
			n--;
		e = add_batch(b, ids, n);
		from = n ? ids[n - 1] + 1 : from;
	}
	if (!e && !goes_on(pace, arg, SEGMENT_WRITES))
		e = ERR_CANCELLED;
	return e;
}

enum err
segment_build(
    struct account *a, int64_t from, int64_t to, segment_pace *pace, void *arg, int64_t *ret_last)
{
	CLEANUP(build_done) struct build b;
	CLEANUP(segment_writer_free) struct segment_writer *w = NULL;
	struct writing writing = {pace, arg};
	char dir[PATH_MAX];
	enum err e = build_init(&b, a);

	if (!e)
		e = segments_dir(a, dir);
	if (!e)
		e = add_messages(&b, from, to, pace, arg);
	if (!e && b.last == 0)
		e = ERR_NOT_FOUND;
	if (!e)
		e = segment_writer_new(dir, from, b.last, &w);
	if (e)
		return e;
	segment_writer_watch(w, writing_goes_on, &writing);
	segment_writer_messages(w, b.ids, b.identities, b.count);
	for (size_t i = 0; !e && i < b.builder_count; i++)
		e = b.builders[i]->finish(b.states[i], w, b.count);
	if (!e)
		e = segment_writer_commit(w);
	if (!e)
		METRICS_COUNT(search_segments, 0);
	if (!e)
		*ret_last = b.last;
	return e;
}

/* -- from segments -------------------------------------------------------------------------- */

/* What remains of the messages of all sources: their ids, and where each goes. */
struct remains {
	uint32_t *to; /* of all sources, one behind the other */
	int64_t *ids;
	uint64_t *identities;
	uint32_t count;
};

static void
remains_done(struct remains *r)
{
	free(r->to);
	free(r->ids);
	free(r->identities);
}

/* Walks the ids that the account still has beside those of the segments. */
static enum err
take_stock(struct account *a, struct segment *const *segments, size_t n, struct remains *r)
{
	int64_t now[IDS_AT_ONCE];
	size_t have = 0, at = 0, out = 0;
	int64_t from = segment_first(segments[0]);
	bool more = true;

	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < segment_count(segments[i]); k++) {
			int64_t id = segment_message(segments[i], k);
			while (more && (at == have || now[at] < id)) {
				if (at < have) {
					at++;
					continue;
				}
				enum err e = message_ids(a, from, now, IDS_AT_ONCE, &have);
				if (e)
					return e;
				more = have > 0;
				from = have ? now[have - 1] + 1 : from;
				at = 0;
			}
			bool there = at < have && now[at] == id;
			r->to[out++] = there ? r->count : SEGMENT_NONE;
			if (!there)
				continue;
			r->ids[r->count] = id;
			r->identities[r->count++] = segment_identity(segments[i], k);
		}
	}
	return ERR_OK;
}

static enum err
remains_init(struct remains *r, struct account *a, struct segment *const *segments, size_t n)
{
	size_t all = 1;

	for (size_t i = 0; i < n; i++)
		all += segment_count(segments[i]);
	r->count = 0;
	r->to = malloc(all * sizeof(r->to[0]));
	r->ids = malloc(all * sizeof(r->ids[0]));
	r->identities = malloc(all * sizeof(r->identities[0]));
	if (!r->to || !r->ids || !r->identities)
		return ERR_NOMEM;
	return take_stock(a, segments, n, r);
}

enum err
segment_count_gone(struct account *a, struct segment *s, uint32_t *ret)
{
	CLEANUP(remains_done) struct remains r = {0};
	enum err e = remains_init(&r, a, &s, 1);

	*ret = e ? 0 : segment_count(s) - r.count;
	return e;
}

/* A merged segment has its parts' range, so a crash before they are gone leaves them covered. */
static void
remove_merged(const char *dir, struct segment *const *segments, size_t n)
{
	char path[PATH_MAX];

	for (size_t i = 0; n > 1 && i < n; i++) {
		if (segment_path(dir, segment_first(segments[i]), segment_last(segments[i]), path))
			continue;
		if (unlink(path) && errno != ENOENT)
			(void)file_error("remove", path); /* logged; it is covered, and harmless */
	}
}

enum err
segment_merge(
    struct account *a, struct segment *const *segments, size_t n, segment_pace *pace, void *arg)
{
	CLEANUP(remains_done) struct remains r = {0};
	CLEANUP(segment_writer_free) struct segment_writer *w = NULL;
	struct segment_source sources[SEGMENT_MERGE_MAX];
	struct writing writing = {pace, arg};
	char dir[PATH_MAX];
	size_t builder_count;
	const struct segment_builder *const *builders = segment_builders(&builder_count);
	enum err e = segments_dir(a, dir);

	if (!e && (n == 0 || n > SEGMENT_MERGE_MAX))
		e = ERR_INTERNAL;
	if (!e)
		e = remains_init(&r, a, segments, n);
	if (!e && !goes_on(pace, arg, SEGMENT_WRITES))
		e = ERR_CANCELLED;
	if (!e)
		e = segment_writer_new(
		    dir, segment_first(segments[0]), segment_last(segments[n - 1]), &w);
	if (e)
		return e;
	segment_writer_watch(w, writing_goes_on, &writing);
	const uint32_t *to = r.to;
	for (size_t i = 0; i < n; i++) {
		sources[i] = (struct segment_source){segments[i], to};
		to += segment_count(segments[i]);
	}
	segment_writer_messages(w, r.ids, r.identities, r.count);
	for (size_t i = 0; !e && i < builder_count; i++)
		e = builders[i]->merge(sources, n, r.count, w);
	if (!e)
		e = segment_writer_commit(w);
	if (!e)
		remove_merged(dir, segments, n);
	return e;
}
