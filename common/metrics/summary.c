#include "common/metrics/summary.h"

#include "common/base/json.h"
#include "common/metrics/recent.h"
#include "common/metrics/text.h"

struct summary {
	const struct metrics_cells *cells, *lately;
	int64_t lately_us;
	struct sbuf *out;
};

/* In a minute. */
static uint64_t
share(const struct summary *s, uint64_t n)
{
	if (s->lately_us <= RECENT_SPAN_US)
		return n;
	double part = (double)RECENT_SPAN_US / (double)s->lately_us;
	return n ? 1 + (uint64_t)((double)(n - 1) * part) : 0; /* a little is not nothing */
}

static void
put_value(struct sbuf *out, enum metric m, size_t i)
{
	const struct metric_family *f = metrics_family(m);

	if (f->label)
		json_str(out, f->label, str_of(metrics_value_of(m, i)));
}

static void
write_count(const struct summary *s, enum metric m, size_t i)
{
	const struct metric_family *f = metrics_family(m);
	uint64_t n = metrics_cell(metrics_count_at(s->cells, f, i));

	if (n == 0)
		return;
	json_open(s->out, NULL, '{');
	put_value(s->out, m, i);
	if (f->kind == METRIC_STATE) {
		json_u64(s->out, "now", n);
	} else {
		json_u64(s->out, f->kind == METRIC_MICROS ? "total_us" : "total", n);
		if (f->kind == METRIC_SUM)
			json_u64(s->out, "last_minute",
			    share(s, metrics_cell(metrics_count_at(s->lately, f, i))));
	}
	json_close(s->out, '}');
}

static void
put_spread(struct sbuf *out, const struct histogram *h, uint64_t n)
{
	json_u64(out, "count", n);
	json_u64(out, "p50_us", histogram_quantile(h, 0.5));
	json_u64(out, "p99_us", histogram_quantile(h, 0.99));
}

static void
write_time(const struct summary *s, enum metric m, size_t i)
{
	const struct metric_family *f = metrics_family(m);
	const struct histogram *h = metrics_time_at(s->cells, f, i);
	const struct histogram *lately = metrics_time_at(s->lately, f, i);
	uint64_t n = histogram_count(h), now = histogram_count(lately);

	if (n == 0)
		return;
	json_open(s->out, NULL, '{');
	put_value(s->out, m, i);
	put_spread(s->out, h, n);
	json_u64(s->out, "sum_us", metrics_cell(&h->sum_us));
	if (now) {
		json_open(s->out, "last_minute", '{');
		put_spread(s->out, lately, share(s, now));
		json_close(s->out, '}');
	}
	json_close(s->out, '}');
}

static bool
is_empty(const struct summary *s, enum metric m)
{
	const struct metric_family *f = metrics_family(m);

	for (size_t i = 0; i < metrics_series(m); i++)
		if (f->kind == METRIC_TIME ? histogram_count(metrics_time_at(s->cells, f, i))
					   : metrics_cell(metrics_count_at(s->cells, f, i)))
			return false;
	return true;
}

static bool
is_of(const struct metric_family *f, const char *group)
{
	switch (f->kind) {
	case METRIC_STATE:
		return group[0] == 'g';
	case METRIC_TIME:
		return group[0] == 't';
	default:
		return group[0] == 'c';
	}
}

static void
write_group(const struct summary *s, const char *group, unsigned whose)
{
	json_open(s->out, group, '{');
	for (int at = 0; at < METRIC__COUNT; at++) {
		enum metric m = (enum metric)at;
		const struct metric_family *f = metrics_family(m);
		if (!(f->whose & whose) || !is_of(f, group) || is_empty(s, m))
			continue;
		json_open(s->out, f->name, '[');
		for (size_t i = 0; i < metrics_series(m); i++) {
			if (f->kind == METRIC_TIME)
				write_time(s, m, i);
			else
				write_count(s, m, i);
		}
		json_close(s->out, ']');
	}
	json_close(s->out, '}');
}

void
metrics_write_summary(const struct metrics_cells *cells, const struct metrics_cells *lately,
    int64_t lately_us, const char *daemon, struct sbuf *out)
{
	static const char *const groups[] = {"counters", "gauges", "times"};
	const struct summary s = {cells, lately, lately_us, out};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		write_group(&s, groups[i], metrics_whose(daemon));
}
