#include "common/base/log.h"
#include "search/segment_private.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct segment {
	struct str octets;
	bool mapped; /* they are ours to unmap */
	uint64_t inode;
	atomic_uint refs;
	const struct segment_head *head;
	const struct segment_row *rows;
	const int64_t *ids;
	const uint64_t *identities;
	uint32_t count;
};

/* -- checking ------------------------------------------------------------------------------- */

static bool
head_is_right(struct str octets)
{
	const struct segment_head *h = (const void *)octets.p;

	return octets.n >= SEGMENT_DATA_AT &&
	       memcmp(h->magic, SEGMENT_MAGIC, sizeof(h->magic)) == 0 &&
	       h->order == SEGMENT_ORDER && h->size == octets.n &&
	       h->sections <= SEGMENT_SECTIONS_MAX && h->first > 0 && h->first <= h->last &&
	       h->head_checksum ==
		   segment_checksum(0, h, offsetof(struct segment_head, head_checksum));
}

static bool
octets_are_whole(struct str octets)
{
	const struct segment_head *h = (const void *)octets.p;
	uint64_t sum = 0;

	for (size_t at = sizeof(*h); at < octets.n; at += SEGMENT_BLOCK) {
		struct str block = str_sub(octets, at, SEGMENT_BLOCK);
		sum = segment_checksum(sum, block.p, block.n);
	}
	return sum == h->checksum;
}

static bool
rows_are_right(const struct segment *s)
{
	for (uint32_t i = 0; i < s->head->sections; i++) {
		const struct segment_row *r = &s->rows[i];
		if (r->name[SEGMENT_NAME_MAX] != '\0' || r->at < SEGMENT_DATA_AT ||
		    r->at % SEGMENT_ALIGN != 0 || r->at > s->octets.n ||
		    r->size > s->octets.n - r->at)
			return false;
	}
	return true;
}

static bool
messages_are_right(struct segment *s)
{
	const void *ids, *identities;
	size_t n, same;

	if (!segment_array(s, SEGMENT_IDS, sizeof(int64_t), &ids, &n) ||
	    !segment_array(s, SEGMENT_IDENTITIES, sizeof(uint64_t), &identities, &same) ||
	    n != same || n >= SEGMENT_NONE)
		return false;
	s->ids = ids;
	s->identities = identities;
	s->count = (uint32_t)n;
	int64_t before = s->head->first - 1;
	for (size_t i = 0; i < n; i++) {
		if (s->ids[i] <= before || s->ids[i] > s->head->last)
			return false;
		before = s->ids[i];
	}
	return true;
}

enum err
segment_path(const char *dir, int64_t first, int64_t last, char *out)
{
	int n = snprintf(out, PATH_MAX, "%s/%lld-%lld.seg", dir, (long long)first, (long long)last);

	return n >= PATH_MAX ? ERR_TOO_LONG : ERR_OK;
}

/* -- opening -------------------------------------------------------------------------------- */

enum err
segment_parse(struct str octets, struct segment **ret)
{
	CLEANUP(segment_unref) struct segment *s = NULL;

	if ((uintptr_t)octets.p % SEGMENT_ALIGN != 0 || !head_is_right(octets) ||
	    !octets_are_whole(octets))
		return ERR_CORRUPT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->octets = octets;
	s->refs = 1;
	s->head = (const void *)octets.p;
	s->rows = (const void *)(octets.p + sizeof(*s->head));
	if (!rows_are_right(s) || !messages_are_right(s))
		return ERR_CORRUPT;
	*ret = MOVE_PTR(s);
	return ERR_OK;
}

static enum err
map_file(const char *path, struct str *ret, uint64_t *ret_inode)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : file_error("open", path);
	if (fstat(fd, &st))
		return file_error("stat", path);
	if (st.st_size < (off_t)SEGMENT_DATA_AT)
		return ERR_CORRUPT;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return file_error("map", path);
	*ret = str_make(p, (size_t)st.st_size);
	*ret_inode = st.st_ino;
	return ERR_OK;
}

enum err
segment_open(const char *path, struct segment **ret)
{
	struct str octets = {NULL, 0};
	struct segment *s = NULL;
	uint64_t inode = 0;
	enum err e = map_file(path, &octets, &inode);

	if (!e)
		e = segment_parse(octets, &s);
	if (e == ERR_CORRUPT)
		log_warn("segment", F_CSTR("file", path),
		    F_CSTR("detail", "damaged; it will be made anew"));
	if (e) {
		if (octets.p)
			munmap((void *)octets.p, octets.n);
		return e;
	}
	s->mapped = true;
	s->inode = inode;
	*ret = s;
	return ERR_OK;
}

struct segment *
segment_ref(struct segment *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
segment_unref(struct segment **sp)
{
	struct segment *s = MOVE_PTR(*sp);

	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->mapped)
		munmap((void *)s->octets.p, s->octets.n);
	free(s);
}

/* -- what is in it -------------------------------------------------------------------------- */

int64_t
segment_first(const struct segment *s)
{
	return s->head->first;
}

int64_t
segment_last(const struct segment *s)
{
	return s->head->last;
}

uint64_t
segment_size(const struct segment *s)
{
	return s->octets.n;
}

uint64_t
segment_inode(const struct segment *s)
{
	return s->inode;
}

uint32_t
segment_count(const struct segment *s)
{
	return s->count;
}

int64_t
segment_message(const struct segment *s, uint32_t ordinal)
{
	return s->ids[ordinal];
}

uint64_t
segment_identity(const struct segment *s, uint32_t ordinal)
{
	return s->identities[ordinal];
}

uint32_t
segment_ordinal(const struct segment *s, int64_t message, uint32_t guess)
{
	if (guess < s->count && s->ids[guess] == message)
		return guess;
	uint32_t lo = 0, hi = s->count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (s->ids[mid] < message)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->count && s->ids[lo] == message ? lo : SEGMENT_NONE;
}

bool
segment_section(const struct segment *s, const char *name, struct str *ret)
{
	for (uint32_t i = 0; i < s->head->sections; i++) {
		const struct segment_row *r = &s->rows[i];
		if (strcmp(r->name, name) == 0) {
			*ret = str_make(s->octets.p + r->at, r->size);
			return true;
		}
	}
	return false;
}

bool
segment_array(
    const struct segment *s, const char *name, size_t item, const void **ret, size_t *ret_n)
{
	struct str section;

	if (!segment_section(s, name, &section) || section.n % item != 0)
		return false;
	*ret = section.p;
	*ret_n = section.n / item;
	return true;
}
