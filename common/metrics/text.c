#include "common/metrics/text.h"

#include <string.h>

#define LEAST_US 16
#define MOST_US (UINT64_C(1) << 26)

unsigned
metrics_whose(const char *daemon)
{
	if (strcmp(daemon, "smtpd") == 0)
		return METRIC_OF_SMTPD;
	if (strcmp(daemon, "pop3d") == 0)
		return METRIC_OF_POP3D;
	return strcmp(daemon, "imapd") == 0 ? METRIC_OF_IMAPD : METRIC_OF_ALL;
}

static const char *
ending(const struct metric_family *f)
{
	switch (f->kind) {
	case METRIC_SUM:
	case METRIC_TAKEN:
	case METRIC_MICROS:
		return "_total";
	case METRIC_TIME:
		return "_seconds";
	default:
		return "";
	}
}

static void
put_seconds(struct sbuf *out, uint64_t us)
{
	sbuf_printf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
	    (unsigned long long)(us % 1000000));
}

/* Up to the bracket that closes the labels, which a caller may add one to. */
static void
put_name(struct sbuf *out, enum metric m, const char *more, const char *daemon, size_t i)
{
	const struct metric_family *f = metrics_family(m);
	const char *between = "{";

	sbuf_printf(out, "pillarbox_%s%s%s", f->name, ending(f), more);
	if (f->whose == METRIC_OF_ALL) {
		sbuf_printf(out, "{daemon=\"%s\"", daemon);
		between = ",";
	}
	/* Values are names of ours: nothing in them needs escaping. */
	if (f->label)
		sbuf_printf(out, "%s%s=\"%s\"", between, f->label, metrics_value_of(m, i));
}

/* A name without labels has no brackets. */
static void
end_name(struct sbuf *out, const struct metric_family *f)
{
	sbuf_puts(out, f->whose == METRIC_OF_ALL || f->label ? "} " : " ");
}

static void
write_head(struct sbuf *out, const struct metric_family *f)
{
	static const char *const types[] = {
	    [METRIC_SUM] = "counter",
	    [METRIC_TAKEN] = "counter",
	    [METRIC_MICROS] = "counter",
	    [METRIC_STATE] = "gauge",
	    [METRIC_TIME] = "histogram",
	};

	sbuf_printf(out, "# HELP pillarbox_%s%s %s\n# TYPE pillarbox_%s%s %s\n", f->name, ending(f),
	    f->meaning, f->name, ending(f), types[f->kind]);
}

static void
write_count(struct sbuf *out, enum metric m, const char *daemon, size_t i, uint64_t n)
{
	const struct metric_family *f = metrics_family(m);

	put_name(out, m, "", daemon, i);
	end_name(out, f);
	if (f->kind == METRIC_MICROS)
		put_seconds(out, n);
	else
		sbuf_u64(out, n);
	sbuf_putc(out, '\n');
}

static void
write_bucket(struct sbuf *out, enum metric m, const char *daemon, size_t i, uint64_t us, uint64_t n)
{
	const struct metric_family *f = metrics_family(m);

	put_name(out, m, "_bucket", daemon, i);
	sbuf_puts(out, f->whose == METRIC_OF_ALL || f->label ? ",le=\"" : "{le=\"");
	if (us)
		put_seconds(out, us);
	else
		sbuf_puts(out, "+Inf");
	sbuf_puts(out, "\"} ");
	sbuf_u64(out, n);
	sbuf_putc(out, '\n');
}

static void
write_time(struct sbuf *out, enum metric m, const char *daemon, size_t i, const struct histogram *h)
{
	const struct metric_family *f = metrics_family(m);
	uint64_t all = histogram_count(h);

	for (uint64_t us = LEAST_US; us <= MOST_US; us *= 2)
		write_bucket(out, m, daemon, i, us, histogram_below(h, us));
	write_bucket(out, m, daemon, i, 0, all);
	put_name(out, m, "_sum", daemon, i);
	end_name(out, f);
	put_seconds(out, metrics_cell(&h->sum_us));
	sbuf_putc(out, '\n');
	put_name(out, m, "_count", daemon, i);
	end_name(out, f);
	sbuf_u64(out, all);
	sbuf_putc(out, '\n');
}

static void
write_family(struct sbuf *out, enum metric m, const struct metrics_cells *cells, const char *daemon)
{
	const struct metric_family *f = metrics_family(m);
	size_t n = metrics_series(m);
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		const struct histogram *h =
		    f->kind == METRIC_TIME ? metrics_time_at(cells, f, i) : NULL;
		if (h && histogram_count(h) == 0)
			continue;
		if (!begun)
			write_head(out, f);
		begun = true;
		if (h)
			write_time(out, m, daemon, i, h);
		else
			write_count(out, m, daemon, i, metrics_cell(metrics_count_at(cells, f, i)));
	}
}

void
metrics_write_text(const struct metrics_cells *cells, const char *daemon, struct sbuf *out)
{
	unsigned whose = metrics_whose(daemon);

	for (int m = 0; m < METRIC__COUNT; m++)
		if (metrics_family((enum metric)m)->whose & whose)
			write_family(out, (enum metric)m, cells, daemon);
}
