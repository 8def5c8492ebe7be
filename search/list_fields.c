#include "search/list_fields.h"

#include "common/mail/header.h"

#define FIELDS_ENDS "field-ends" /* uint32_t each: where the message's octets end */
#define FIELDS_OCTETS "fields"

/* -- names ---------------------------------------------------------------------------------- */

/* By what Thunderbird, Apple Mail, K-9, Roundcube and mutt ask for. */
bool
list_fields_has(struct str name)
{
	static const struct str names[] = {
	    {"From", sizeof("From") - 1},
	    {"To", sizeof("To") - 1},
	    {"Cc", sizeof("Cc") - 1},
	    {"Bcc", sizeof("Bcc") - 1},
	    {"Sender", sizeof("Sender") - 1},
	    {"Reply-To", sizeof("Reply-To") - 1},
	    {"Subject", sizeof("Subject") - 1},
	    {"Date", sizeof("Date") - 1},
	    {"Message-ID", sizeof("Message-ID") - 1},
	    {"In-Reply-To", sizeof("In-Reply-To") - 1},
	    {"References", sizeof("References") - 1},
	    {"Newsgroups", sizeof("Newsgroups") - 1},
	    {"Followup-To", sizeof("Followup-To") - 1},
	    {"Content-Type", sizeof("Content-Type") - 1},
	    {"Content-Description", sizeof("Content-Description") - 1},
	    {"Priority", sizeof("Priority") - 1},
	    {"X-Priority", sizeof("X-Priority") - 1},
	    {"Importance", sizeof("Importance") - 1},
	    {"List-Id", sizeof("List-Id") - 1},
	    {"List-Post", sizeof("List-Post") - 1},
	    {"List-Unsubscribe", sizeof("List-Unsubscribe") - 1},
	    {"Lines", sizeof("Lines") - 1},
	    {"X-Label", sizeof("X-Label") - 1},
	    {"Disposition-Notification-To", sizeof("Disposition-Notification-To") - 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (name.n == names[i].n && str_eq_nocase(name, names[i]))
			return true;
	return false;
}

/* -- building ------------------------------------------------------------------------------- */

struct fields_build {
	struct sbuf octets;
	struct sbuf ends;
	uint32_t n;
};

static void
build_free(void *state)
{
	struct fields_build *b = state;

	sbuf_done(&b->octets);
	sbuf_done(&b->ends);
	free(b);
}

static enum err
build_begin(void **ret)
{
	struct fields_build *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	sbuf_init(&b->octets, UINT32_MAX);
	sbuf_init(&b->ends, SIZE_MAX / 2);
	*ret = b;
	return ERR_OK;
}

/* Ends messages up to the ordinal: those that never came have nothing. */
static enum err
end_messages(struct fields_build *b, uint32_t to)
{
	const uint32_t end = (uint32_t)b->octets.n;

	while (b->n < to) {
		sbuf_append(&b->ends, &end, sizeof(end));
		b->n++;
	}
	return sbuf_error(&b->octets) || sbuf_error(&b->ends) ? ERR_NOMEM : ERR_OK;
}

static enum err
build_message(void *state, struct reader *r, const struct segment_message *m)
{
	struct fields_build *b = state;
	struct str rest = m->header;
	struct header_field f;
	enum err e = end_messages(b, m->ordinal);
	size_t from = b->octets.n;

	(void)r;
	while (!e && header_next(&rest, &f))
		if (list_fields_has(f.name))
			sbuf_put(&b->octets, f.whole);
	if (b->octets.n - from > LIST_FIELDS_MAX)
		sbuf_cut(&b->octets, from);
	return e ? e : end_messages(b, m->ordinal + 1);
}

static size_t
build_memory(const void *state)
{
	const struct fields_build *b = state;

	return b->octets.cap + b->ends.cap;
}

static enum err
build_finish(void *state, struct segment_writer *w, uint32_t count)
{
	struct fields_build *b = state;
	enum err e = end_messages(b, count);

	if (e)
		return e;
	segment_writer_begin(w, FIELDS_ENDS);
	segment_writer_put(w, b->ends.p, b->ends.n);
	segment_writer_begin(w, FIELDS_OCTETS);
	segment_writer_put(w, b->octets.p, b->octets.n);
	return ERR_OK;
}

/* -- merging -------------------------------------------------------------------------------- */

/* What remains of the source's messages, in order: their ends, which begin at `*at`, or octets. */
static void
merge_source(const struct segment_source *s, bool octets, uint64_t *at, struct segment_writer *w)
{
	struct list_fields t;

	list_fields_open(s->segment, &t);
	for (uint32_t i = 0; i < segment_count(s->segment); i++) {
		struct str block = {"", 0};
		if (s->to[i] == SEGMENT_NONE)
			continue;
		if (!list_fields_get(&t, i, &block) || *at + block.n > UINT32_MAX)
			block.n = 0;
		*at += block.n;
		const uint32_t end = (uint32_t)*at;
		if (octets)
			segment_writer_put(w, block.p, block.n);
		else
			segment_writer_put(w, &end, sizeof(end));
	}
}

static enum err
build_merge(
    const struct segment_source *sources, size_t n, uint32_t count, struct segment_writer *w)
{
	(void)count;
	for (int octets = 0; octets < 2; octets++) {
		uint64_t at = 0;
		segment_writer_begin(w, octets ? FIELDS_OCTETS : FIELDS_ENDS);
		for (size_t i = 0; i < n; i++)
			merge_source(&sources[i], octets, &at, w);
	}
	return ERR_OK;
}

const struct segment_builder list_fields_builder = {
    .name = "fields",
    .begin = build_begin,
    .message = build_message,
    .memory = build_memory,
    .finish = build_finish,
    .free = build_free,
    .merge = build_merge,
};

/* -- reading -------------------------------------------------------------------------------- */

void
list_fields_open(const struct segment *s, struct list_fields *ret)
{
	struct list_fields t = {0};
	const void *ends;
	size_t n;

	*ret = t;
	if (!segment_array(s, FIELDS_ENDS, sizeof(uint32_t), &ends, &n) || n != segment_count(s) ||
	    !segment_section(s, FIELDS_OCTETS, &t.octets))
		return;
	t.n = (uint32_t)n;
	t.ends = ends;
	*ret = t;
}

bool
list_fields_get(const struct list_fields *t, uint32_t ordinal, struct str *ret)
{
	if (ordinal >= t->n)
		return false;
	uint32_t from = ordinal ? t->ends[ordinal - 1] : 0, end = t->ends[ordinal];
	if (from >= end || end > t->octets.n) /* none, or not known: the header says */
		return false;
	*ret = str_make(t->octets.p + from, end - from);
	return true;
}
