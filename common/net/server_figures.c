/* What a daemon tells of itself: counted everywhere (metrics.h), collected here, asked for over
 * listeners like the others (scrape.h). */
#include "common/net/server_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/recent.h"

#include <assert.h>
#include <stdio.h>
#include <sys/resource.h>

/* Whoever looks after the daemon is let in when nobody else is. */
void
server_accept_scrape(struct server *s, int fd, const struct sockaddr *peer)
{
	if (atomic_fetch_add(&s->scrapes, 1) >= SCRAPES_MAX) {
		atomic_fetch_sub(&s->scrapes, 1);
		close(fd);
		return;
	}
	struct conn *c = hub_add(s->hub, fd, peer, NULL, SERVICE_FIGURES);
	if (!c) {
		atomic_fetch_sub(&s->scrapes, 1);
		return;
	}
	hub_leave_uncounted(c);
	hub_start(c, &scrape_session_ops, scrape_session_new(&s->figures), false, 0);
}

/* -- labels ------------------------------------------------------------------------------------ */

static const char *
listener_row(const void *table, size_t i)
{
	const struct daemon *d = table;

	return i < d->listener_count ? d->listeners[i].name : NULL;
}

static const char *
version_value(size_t i)
{
	return i == 0 ? PILLARBOX_VERSION : NULL;
}

static const char *
pool_value(size_t i)
{
	static const char *const pools[] = {"main", "front"};

	return i < ARRAY_LEN(pools) ? pools[i] : NULL;
}

static const char *
outbound_value(size_t i)
{
	static const char *const results[] = {"ok", "failed"};

	return i < ARRAY_LEN(results) ? results[i] : NULL;
}

static const char *
level_value(size_t i)
{
	return i < LOG_LEVEL__COUNT ? log_level_name((enum log_level)i) : NULL;
}

static void
collect_pool(struct metrics_cells *to, size_t i, struct workers *w)
{
	struct workers_state state = workers_look(w);

	metrics_set(&to->workers[i], state.threads);
	metrics_set(&to->workers_busy[i], state.busy);
	metrics_set(&to->tasks_waiting[i], state.queued);
}

static void
collect_process(struct server *s, struct metrics_cells *to)
{
	struct rusage used;

	metrics_set(&to->build_info[0], 1);
	metrics_set(&to->start_time_seconds[0], (uint64_t)s->began_s);
	metrics_set(&to->resident_memory_bytes[0], memory_in_use(&s->memory));
	if (getrusage(RUSAGE_SELF, &used) == 0)
		metrics_set(&to->cpu_seconds[0],
		    (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
			(uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
	for (int i = 0; i < LOG_LEVEL__COUNT; i++)
		metrics_set(&to->log_lines[i], log_lines((enum log_level)i));
	metrics_set(&to->log_lines_lost[0], log_lines_lost());
}

static void
collect(void *arg, struct metrics_cells *to)
{
	struct server *s = arg;

	collect_process(s, to);
	collect_pool(to, 0, s->workers);
	collect_pool(to, 1, s->front);
	metrics_set(&to->unread_bytes[0], hub_held(s->hub));
	if (s->daemon->collect)
		s->daemon->collect(s->app, to);
}

static bool
always(const struct conf *c)
{
	(void)c;
	return true;
}

static const char *const *
metrics_addresses(const struct conf *c)
{
	return c->metrics.listen;
}

/* The daemon's listeners, and one more for whoever wants to know how it is. */
void
server_begin_figures(struct server *s)
{
	static const struct metric_values shared[] = {
	    {METRIC_build_info, version_value},
	    {METRIC_connections_refused, refusals_limit},
	    {METRIC_tls_handshakes, metrics_tls_result},
	    {METRIC_workers, pool_value},
	    {METRIC_workers_busy, pool_value},
	    {METRIC_tasks_waiting, pool_value},
	    {METRIC_logins, metrics_mechanism},
	    {METRIC_login_failures, metrics_mechanism},
	    {METRIC_errors, metrics_error_code},
	    {METRIC_store_errors, metrics_error_code},
	    {METRIC_log_lines, level_value},
	    {METRIC_outbound_connections, outbound_value},
	};
	const struct daemon *d = s->daemon;

	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		metrics_set_values(shared[i].metric, shared[i].value);
	metrics_set_rows(METRIC_connections, listener_row, d);
	metrics_set_rows(METRIC_open_connections, listener_row, d);
	for (size_t i = 0; i < d->metric_count; i++)
		metrics_set_values(d->metrics[i].metric, d->metrics[i].value);
	assert(d->listener_count < ARRAY_LEN(s->specs));
	for (size_t i = 0; i < d->listener_count; i++)
		s->specs[i] = d->listeners[i];
	snprintf(s->figures_name, sizeof(s->figures_name), STATUS_SOCKET, d->name);
	s->specs[d->listener_count] = (struct listener_spec){
	    .name = "figures",
	    .service = SERVICE_FIGURES,
	    .unix_name = s->figures_name,
	    .enabled = always,
	    .configured_port = d->metrics_port,
	    .addresses = metrics_addresses,
	};
	s->spec_count = d->listener_count + 1;
	s->figures = (struct scrape_source){d->name, collect, s};
	s->began_s = clock_real_s();
	recent_begin(clock_mono_us());
}
