#include "tests/outbound/runner_world.h"

#include <stdio.h>

static void
wake(void *arg, void *owner)
{
	(void)arg, (void)owner;
}

static void
poke(void *arg)
{
	(void)arg;
}

static void
load_conf(struct runner_world *w)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	const char *path = store_fixture_path(w->f, "conf");
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "hostname = \"mx.example.test\"\ndata_dir = \"%s\"\nrun_dir = \"%s\"\n",
	    w->f->options.data_dir, w->f->options.run_dir);
	fclose(file);
	ck_assert_ok(conf_load(path, &w->conf, &problem));
}

void
runner_world_open(struct runner_world *w)
{
	static const struct scheduler_options o = {.max_connections = 10,
	    .first_window = 2,
	    .max_window = 10,
	    .connection_reuse = 10,
	    .dead_first_ms = 1000,
	    .dead_max_ms = 1000,
	    .max_rows = 100,
	    .wake = wake,
	    .poke = poke};

	*w = (struct runner_world){.f = store_fixture_open()};
	load_conf(w);
	w->runner = (struct runner){.store = w->f->store,
	    .conf = w->conf,
	    .first_conf = w->conf,
	    .scheduler = scheduler_new(&o)};
	pthread_mutex_init(&w->runner.mu, NULL);
	pthread_cond_init(&w->runner.cond, NULL);
	runner_begin_clock(&w->runner);
	list_init(&w->runner.done);
	list_init(&w->runner.kept);
}

void
runner_world_close(struct runner_world *w)
{
	scheduler_drain(w->runner.scheduler);
	scheduler_free(&w->runner.scheduler);
	pthread_cond_destroy(&w->runner.cond);
	pthread_mutex_destroy(&w->runner.mu);
	conf_unref(&w->conf);
	store_fixture_close(&w->f);
}
