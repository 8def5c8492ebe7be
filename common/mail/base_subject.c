#include "common/mail/base_subject.h"

/* What is left of the subject; runs of blanks are one SP. */
struct subject {
	const char *p;
	size_t from;
	size_t to;
	bool replied; /* a sign of a reply or forward was removed */
};

static bool
has_word(const struct subject *s, size_t at, const char *lower)
{
	for (; *lower; lower++, at++)
		if (at >= s->to || ascii_lower(s->p[at]) != *lower)
			return false;
	return true;
}

static size_t
skip_blanks(const struct subject *s, size_t at)
{
	while (at < s->to && s->p[at] == ' ')
		at++;
	return at;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP. Where it ends; `at` if there is none. */
static size_t
blob_end(const struct subject *s, size_t at)
{
	size_t i = at + 1;

	if (at >= s->to || s->p[at] != '[')
		return at;
	while (i < s->to && s->p[i] != '[' && s->p[i] != ']')
		i++;
	return i < s->to && s->p[i] == ']' ? skip_blanks(s, i + 1) : at;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static size_t
refwd_end(const struct subject *s, size_t at)
{
	size_t i = at;

	if (has_word(s, at, "fwd"))
		i += 3;
	else if (has_word(s, at, "re") || has_word(s, at, "fw"))
		i += 2;
	else
		return at;
	i = blob_end(s, skip_blanks(s, i));
	return i < s->to && s->p[i] == ':' ? i + 1 : at;
}

/* Step 2: subj-trailer = "(fwd)" / WSP */
static void
cut_trailers(struct subject *s)
{
	for (;;) {
		if (s->to > s->from && s->p[s->to - 1] == ' ') {
			s->to--;
		} else if (s->to - s->from >= 5 && has_word(s, s->to - 5, "(fwd)")) {
			s->to -= 5;
			s->replied = true;
		} else {
			return;
		}
	}
}

/*
 * Steps 3 to 5. A leader is any number of blobs and a refwd. When no refwd follows a run of blobs,
 * none follows the rest of that run either: they go one by one (step 4), all at once here, but for
 * the last one where nothing else is left. So every octet is looked at a few times only.
 */
static void
cut_leaders(struct subject *s)
{
	for (;;) {
		s->from = skip_blanks(s, s->from);
		size_t last = s->from;
		size_t at = s->from;
		for (size_t end; (end = blob_end(s, at)) > at; at = end)
			last = at;
		size_t end = refwd_end(s, at);
		if (end == at) {
			s->from = at < s->to ? at : last;
			return;
		}
		s->from = end;
		s->replied = true;
	}
}

/* Step 6: subj-fwd-hdr and subj-fwd-trl around it all. */
static bool
cut_forward(struct subject *s)
{
	if (s->to - s->from < 6 || !has_word(s, s->from, "[fwd:") || s->p[s->to - 1] != ']')
		return false;
	s->from += 5;
	s->to--;
	s->replied = true;
	return true;
}

/* Step 1. */
static void
squeeze_blanks(struct str text, struct sbuf *out)
{
	bool after_blank = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
		if (!is_blank)
			sbuf_putc(out, c);
		else if (!after_blank)
			sbuf_putc(out, ' ');
		after_blank = is_blank;
	}
}

bool
base_subject(struct str decoded, struct sbuf *out)
{
	size_t start = out->n;

	squeeze_blanks(decoded, out);
	struct subject s = {out->p, start, out->n, false};
	do {
		cut_trailers(&s);
		cut_leaders(&s);
	} while (cut_forward(&s));
	sbuf_cut(out, s.to);
	size_t n = s.to - s.from;
	if (s.from > start && n > 0)
		memmove(out->p + start, out->p + s.from, n);
	sbuf_cut(out, start + n);
	return s.replied;
}
