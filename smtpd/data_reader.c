#include "smtpd/data_reader.h"

void
data_reader_init(struct data_reader *r, enum data_form form)
{
	*r = (struct data_reader){.form = form, .state = DATA_LINE_START};
}

/* One feed: what lies between `run` and `p` is handed on unchanged, in one piece. */
struct feed {
	struct data_reader *r;
	const char *run;
	const char *p;
	const char *end;
	const char *lf; /* the next LF at or after `p`, or `end`: each octet is searched once */
	data_sink *sink;
	void *arg;
};

/* Hands on what came before `p`; the octet at `p` and `skip` - 1 more are left out. */
static void
flush(struct feed *f, size_t skip)
{
	if (f->p > f->run)
		f->sink(f->arg, f->run, (size_t)(f->p - f->run));
	f->p += skip;
	f->run = f->p;
}

static void
put_newline(struct feed *f)
{
	f->sink(f->arg, "\r\n", 2);
}

/* A CR or LF that stands alone. What follows is no line start in the sender's eyes: dots there are
 * text. */
static void
put_bare(struct feed *f)
{
	f->r->bare = true;
	put_newline(f);
	f->r->state = DATA_IN_LINE;
}

static void
find_lf(struct feed *f)
{
	const char *at = memchr(f->p, '\n', (size_t)(f->end - f->p));

	f->lf = at ? at : f->end;
}

/* From inside a line to the next CR or LF. */
static void
step_in_line(struct feed *f)
{
	if (f->lf < f->p)
		find_lf(f);
	const char *cr = memchr(f->p, '\r', (size_t)(f->lf - f->p));

	f->p = cr ? cr : f->lf;
	if (f->p == f->end)
		return;
	if (*f->p == '\n') {
		flush(f, 1);
		put_bare(f);
	} else if (f->p + 1 < f->end && f->p[1] == '\n') {
		f->p += 2; /* the common case: the run goes on */
		f->r->state = DATA_LINE_START;
	} else {
		flush(f, 1);
		f->r->state = DATA_AFTER_CR;
	}
}

/* A CR is held back: its LF may come. */
static void
step_after_cr(struct feed *f)
{
	if (*f->p == '\n') {
		flush(f, 1);
		put_newline(f);
		f->r->state = DATA_LINE_START;
	} else {
		put_bare(f);
	}
}

/* A dot at the start of a line is held back: it is the end, or stuffing. Stuffing goes whatever
 * follows it (RFC 5321 §4.5.2). */
static void
step_after_dot(struct feed *f)
{
	if (*f->p == '\r') {
		flush(f, 1);
		f->r->state = DATA_AFTER_DOT_CR;
	} else {
		f->r->state = DATA_IN_LINE;
	}
}

static void
step_after_dot_cr(struct feed *f)
{
	if (*f->p == '\n') {
		flush(f, 1);
		f->r->ended = true;
	} else {
		put_bare(f);
	}
}

static void
step(struct feed *f)
{
	switch (f->r->state) {
	case DATA_LINE_START:
		if (*f->p == '.' && f->r->form == DATA_DOTS) {
			flush(f, 1);
			f->r->state = DATA_AFTER_DOT;
		} else {
			f->r->state = DATA_IN_LINE;
		}
		break;
	case DATA_IN_LINE:
		step_in_line(f);
		break;
	case DATA_AFTER_CR:
		step_after_cr(f);
		break;
	case DATA_AFTER_DOT:
		step_after_dot(f);
		break;
	case DATA_AFTER_DOT_CR:
		step_after_dot_cr(f);
		break;
	}
}

size_t
data_reader_feed(struct data_reader *r, struct str in, data_sink *sink, void *arg)
{
	if (in.n == 0 || r->ended)
		return 0;
	if (r->form == DATA_BINARY) {
		sink(arg, in.p, in.n);
		return in.n;
	}
	struct feed f = {
	    .r = r, .run = in.p, .p = in.p, .end = in.p + in.n, .sink = sink, .arg = arg};
	find_lf(&f);
	while (f.p < f.end && !r->ended)
		step(&f);
	flush(&f, 0);
	return (size_t)(f.p - in.p);
}

void
data_reader_finish(struct data_reader *r, data_sink *sink, void *arg)
{
	if (r->state != DATA_AFTER_CR)
		return;
	r->bare = true;
	r->state = DATA_IN_LINE;
	sink(arg, "\r\n", 2);
}
