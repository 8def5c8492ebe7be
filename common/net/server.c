#include "common/net/server_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/recent.h"
#include "common/net/notify.h"
#include "common/net/shut_in.h"
#include "common/sandbox/privileges.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define DRAIN_MS 10000 /* for sessions to end by themselves */
#define HELD_SHARE 16 /* this part of the memory may be output that peers have not taken */
#define DRAIN_CHECK_MS 20
#define SHED_CHECK_MS 500
#define PATIENCE_MS 60000 /* with who keeps the daemon waiting, while memory is crowded or full */
#define BRIM_PATIENCE_MS 5000

struct conf *
server_conf(struct server *s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	return conf_ref(s->conf);
}

const char *
server_name(const struct server *s)
{
	return s->daemon->name;
}

struct loop *
server_loop(struct server *s)
{
	return s->loop;
}

struct hub *
server_hub(struct server *s)
{
	return s->hub;
}

struct workers *
server_workers(struct server *s)
{
	return s->workers;
}

struct limits *
server_limits(struct server *s)
{
	return s->limits;
}

uint64_t
server_memory_limit(const struct server *s)
{
	return s->memory.limit;
}

static enum fullness
look_at_memory(struct server *s)
{
	return memory_fullness(&s->memory, hub_may_need(s->hub));
}

enum fullness
server_fullness(void *server)
{
	struct server *s = server;
	enum fullness is = look_at_memory(s);

	if (is && !atomic_load(&s->sheds) && !atomic_exchange(&s->sheds, true))
		loop_timer_set(s->shed, SHED_CHECK_MS);
	return is;
}

static void
shed(void *arg)
{
	struct server *s = arg;
	enum fullness is = look_at_memory(s);

	if (is) {
		hub_shed(s->hub, is == MEMORY_BRIMFUL ? BRIM_PATIENCE_MS : PATIENCE_MS);
		loop_timer_set(s->shed, SHED_CHECK_MS);
	} else {
		atomic_store(&s->sheds, false);
	}
}

void
server_reserve_memory(struct server *s, uint64_t octets, uint64_t (*used)(void *arg), void *arg)
{
	memory_reserve(&s->memory, octets, used, arg);
}

uint32_t
server_store_files(const struct server *s)
{
	return s->files.store;
}

static struct tls_context *
current_tls(struct server *s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	return s->tls ? tls_context_ref(s->tls) : NULL;
}

/* -- connections
 * -----------------------------------------------------------------------------------------------------------
 */

/* A connection over the limits hears why, as far as its socket takes it at once. */
static void
refuse(struct server *s, int fd, const struct sockaddr *peer, const struct listener_spec *spec,
    enum err why, const char *option)
{
	static const char alert[] =
	    "\x15\x03\x03\x00\x02\x02\x50"; /* TLS: fatal, internal_error (RFC 8446 §6) */
	struct str text = spec->implicit_tls ? str_make(alert, sizeof(alert) - 1)
					     : str_of(s->daemon->refuse_text(spec->service, why));

	const struct refusal told = {
	    .listener = (size_t)(spec - s->specs),
	    .listener_name = spec->name,
	    .peer = peer,
	    .why = why,
	    .limit = option,
	    .open = limits_total(s->limits),
	};

	refusals_note(&s->refusals, &told);
	ssize_t n = send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n;
	close(fd);
}

static void
accepted(void *arg, int fd, const struct sockaddr *peer, const struct listener_spec *spec)
{
	struct server *s = arg;

	if (spec->service == SERVICE_FIGURES) {
		server_accept_scrape(s, fd, peer);
		return;
	}
	recent_note(clock_mono_us());
	const char *option = "max_memory";
	enum err e =
	    server_fullness(s) ? ERR_NOMEM : limits_enter(s->limits, peer, spec->logs_in, &option);

	if (e) {
		refuse(s, fd, peer, spec, e, option);
		return;
	}
	CLEANUP(tls_context_unref) struct tls_context *tls = current_tls(s);
	struct conn *c = hub_add(s->hub, fd, peer, tls, spec->service);
	if (!c) {
		limits_leave(s->limits, peer, spec->logs_in);
		return;
	}
	METRICS_COUNT(connections, (size_t)(spec - s->specs));
	METRICS_COUNT(open_connections, (size_t)(spec - s->specs));
	CLEANUP(conf_unref) struct conf *conf = server_conf(s);
	if (spec->logs_in)
		hub_put_in_front(c);
	void *session = s->daemon->session_new(s->app, s, c);
	hub_start(
	    c, s->daemon->ops, session, spec->implicit_tls, (int64_t)conf->login_timeout_s * 1000);
}

static void
closed(void *arg, struct conn *c)
{
	struct server *s = arg;
	size_t i = 0;

	if (conn_service(c) == SERVICE_FIGURES) {
		atomic_fetch_sub(&s->scrapes, 1);
		return;
	}
	while (i < s->daemon->listener_count && s->specs[i].service != conn_service(c))
		i++;
	METRICS_TAKE(open_connections, i);
	limits_leave(s->limits, conn_peer_addr(c), conn_is_stranger(c));
}

/* -- stop and reload
 * ---------------------------------------------------------------------------------------------------------
 */

static void
check_drained(void *arg)
{
	struct server *s = arg;
	size_t left = hub_count(s->hub);

	s->drained_ms += DRAIN_CHECK_MS;
	if (left == 0) {
		loop_stop(s->loop);
		return;
	}
	if (s->drained_ms == DRAIN_MS) {
		log_warn("drain_ended", F_UINT("connections_cut", left));
		hub_kill(s->hub);
	}
	loop_timer_set(s->drain, DRAIN_CHECK_MS);
}

static void
begin_drain(struct server *s)
{
	if (s->draining) {
		hub_kill(s->hub); /* a second signal: at once */
		return;
	}
	s->draining = true;
	notify_state("STOPPING=1");
	log_info("stopping", F_UINT("connections", hub_count(s->hub)));
	listeners_close(&s->listeners);
	if (s->daemon->drain)
		s->daemon->drain(s->app);
	hub_stop(s->hub);
	loop_timer_set(s->drain, DRAIN_CHECK_MS);
}

static void
log_problem(struct sbuf *problem)
{
	struct str rest = sbuf_view(problem);
	struct str line;

	while (str_split(&rest, '\n', &line))
		if (line.n)
			log_error("config", F_STR("problem", line));
}

/* That it may open itself. */
static uint32_t
dialled(const struct server *s, const struct conf *conf)
{
	return s->daemon->dialled ? s->daemon->dialled(conf) : 0;
}

/* The connections that may be open: as configured, as far as the system has descriptors. */
static uint32_t
connections_that_fit(const struct server *s, const struct conf *conf)
{
	if (s->files.connections < conf->max_connections)
		log_warn("descriptors", F_UINT("limit", s->files.all),
		    F_UINT("max_connections", conf->max_connections),
		    F_UINT("in_force", s->files.connections),
		    F_CSTR("hint", "raise LimitNOFILE of the unit, or `ulimit -Hn`"));
	return s->files.connections;
}

static struct limits_max
limits_of(const struct server *s, const struct conf *conf)
{
	return (struct limits_max){
	    .total = connections_that_fit(s, conf),
	    .per_address = conf->max_connections_per_address,
	    .per_network = conf->max_connections_per_network,
	    .strangers_per_network = conf->max_logins_per_network,
	};
}

static void
open_log(const struct server *s, const struct conf *conf)
{
	enum log_level level = LOG_LEVEL_INFO;
	struct owner owner;

	if (!owner_find(conf->user, conf->group, &owner) && owner.becomes)
		log_set_owner(owner.uid, owner.gid);
	log_level_parse(str_of(conf->log_level), &level);
	if (log_open(s->daemon->name, conf->log_target, level))
		log_error("log", F_CSTR("target", conf->log_target),
		    F_CSTR("reason", strerrordesc_np(errno)));
}

static void
set_held_max(struct server *s)
{
	hub_set_held_max(s->hub, server_memory_limit(s) / HELD_SHARE);
}

/* A configuration that is wrong leaves everything as it was. */
static void
reload(struct server *s)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(16384);
	CLEANUP(conf_unref) struct conf *conf = NULL;
	CLEANUP(tls_context_unref) struct tls_context *tls = NULL;

	notify_state("RELOADING=1");
	enum err e = conf_load(s->conf_path, &conf, &problem);
	if (!e)
		e = tls_context_new(conf, s->daemon->alpn, &tls, &problem);
	if (e) {
		log_problem(&problem);
		log_error("reload_failed", F_ERR(e), F_CSTR("file", s->conf_path),
		    F_CSTR("effect", "the old configuration stays in force"));
	} else {
		open_log(s, conf);
		s->files = files_share(s->files.all, conf->max_connections, dialled(s, conf));
		memory_set_limit(&s->memory, conf->max_memory);
		set_held_max(s);
		const struct limits_max max = limits_of(s, conf);
		limits_set(s->limits, &max);
		if (s->listeners)
			listeners_follow(s->listeners, conf);
		pthread_mutex_lock(&s->mu);
		struct conf *old_conf = s->conf;
		struct tls_context *old_tls = s->tls;
		s->conf = MOVE_PTR(conf);
		s->tls = MOVE_PTR(tls);
		pthread_mutex_unlock(&s->mu);
		conf_unref(&old_conf);
		tls_context_unref(&old_tls);
		log_info("reloaded", F_CSTR("file", s->conf_path));
		if (s->daemon->reloaded)
			s->daemon->reloaded(s->app);
	}
	notify_state("READY=1");
}

static void
on_signal(void *arg)
{
	struct server *s = arg;
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(s);
		else
			begin_drain(s);
	}
}

/* -- start
 * -------------------------------------------------------------------------------------------------------------------
 */

/* Signals come by the descriptor only; every thread inherits the mask. */
static enum err
catch_signals(struct server *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signal_fd < 0 ? err_from_errno(errno) : ERR_OK;
}

static void
set_process_limits(struct server *s)
{
	s->files = files_raise(s->conf->max_connections, dialled(s, s->conf));
	privileges_harden(s->conf->core_dumps);
	/* a thread that went to the lowest priority may come back (sched(7), SCHED_IDLE); nothing
	 * better than the common one is allowed by it */
	struct rlimit nice = {20, 20};
	setrlimit(RLIMIT_NICE, &nice);
	// NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
	mallopt(M_ARENA_MAX, 4); /* a heap for each worker would cost more than it brings */
	// NOLINTNEXTLINE(concurrency-mt-unsafe): as above
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

static enum err
start(struct server *s)
{
	enum err e = catch_signals(s);

	if (!e)
		e = listeners_open(s->conf, s->specs, s->spec_count, &s->listeners);
	if (!e)
		e = become_user(s->conf);
	if (!e)
		e = listeners_open_unix(s->listeners, s->conf, s->specs, s->spec_count);
	if (!e && s->daemon->load && !(s->loaded = s->daemon->load()))
		e = ERR_NOMEM;
	if (!e)
		e = shut_in(s->conf, s->daemon->does);
	if (!e)
		e = loop_new(&s->loop);
	const struct limits_max max = limits_of(s, s->conf);
	if (!e && !(s->limits = limits_new(&max)))
		e = ERR_NOMEM;
	if (!e)
		e = workers_start(s->conf->workers, &s->workers);
	if (!e)
		e = workers_start(1 + s->conf->workers / 4, &s->front);
	if (!e)
		e = hub_new(s->workers, s->loop, closed, s, &s->hub);
	if (!e) {
		hub_set_front(s->hub, s->front);
		set_held_max(s);
		hub_set_memory(s->hub, server_fullness, s);
	}
	if (!e && (!(s->drain = loop_timer_new(s->loop, check_drained, s)) ||
		      !(s->shed = loop_timer_new(s->loop, shed, s))))
		e = ERR_NOMEM;
	if (!e)
		e = s->daemon->start(s, &s->app);
	if (!e)
		e = loop_watch(s->loop, s->signal_fd, on_signal, s);
	if (!e)
		e = listeners_start(s->listeners, s->loop, accepted, s);
	return e;
}

static void
finish(struct server *s)
{
	listeners_close(&s->listeners);
	if (s->app)
		s->daemon->stop(s->app);
	workers_stop(&s->front);
	workers_stop(&s->workers);
	loop_timer_free(&s->drain);
	loop_timer_free(&s->shed);
	hub_free(&s->hub);
	limits_free(&s->limits);
	memory_done(&s->memory);
	loop_free(&s->loop);
	fd_close(&s->signal_fd);
	if (s->loaded)
		s->daemon->unload(s->loaded);
	tls_context_unref(&s->tls);
	conf_unref(&s->conf);
	pthread_mutex_destroy(&s->mu);
	log_close();
}

static int
run(const struct daemon *d, const char *conf_path, bool only_check)
{
	struct server s = {.daemon = d, .conf_path = conf_path, .signal_fd = -1, .memory.fd = -1};
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(16384);

	pthread_mutex_init(&s.mu, NULL);
	enum err e = conf_load(conf_path, &s.conf, &problem);
	if (!e)
		e = tls_context_new(s.conf, d->alpn, &s.tls, &problem);
	if (e) {
		fprintf(stderr,
		    "%s%s: the configuration can't be used; `pillarbox -c %s check` shows more.\n",
		    sbuf_cstr(&problem), d->name, conf_path);
		conf_unref(&s.conf);
		return EXIT_FAILURE;
	}
	if (only_check) {
		printf("%s: %s is fine.\n", d->name, conf_path);
		tls_context_unref(&s.tls);
		conf_unref(&s.conf);
		return EXIT_SUCCESS;
	}
	set_process_limits(&s);
	open_log(&s, s.conf);
	e = memory_init(&s.memory, "", s.conf->max_memory);
	server_begin_figures(&s);
	if (!e)
		e = start(&s);
	if (!e) {
		log_info("ready", F_CSTR("hostname", s.conf->hostname),
		    F_UINT("workers", s.conf->workers));
		notify_state("READY=1");
		memory_forget_start();
		loop_run(s.loop);
		log_info("stopped");
	} else {
		log_error("start_failed", F_ERR(e), F_CSTR("file", conf_path));
	}
	finish(&s);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void
usage(FILE *to, const struct daemon *d)
{
	fprintf(to,
	    "Usage: %s [-c FILE] [-t]\n\n%s\n\n"
	    "  -c, --config FILE   configuration (default %s)\n"
	    "  -t, --test          check the configuration and stop\n"
	    "  -h, --help          this text\n"
	    "  -V, --version       the version\n\n"
	    "Runs in the foreground; SIGTERM drains and stops, SIGHUP reads configuration, "
	    "certificates and log file anew.\n"
	    "`pillarbox run` starts all three daemons. More: man %s\n",
	    d->name, d->description, PILLARBOX_CONF, d->name);
}

int
server_main(int argc, char **argv, const struct daemon *d)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"test", no_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	const char *conf_path = PILLARBOX_CONF;
	bool only_check = false;
	int c;

	tls_wipe_what_is_freed();
	// NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
	while ((c = getopt_long(argc, argv, "c:thV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			conf_path = optarg;
			break;
		case 't':
			only_check = true;
			break;
		case 'h':
			usage(stdout, d);
			return EXIT_SUCCESS;
		case 'V':
			printf("%s (Pillarbox) %s\n", d->name, PILLARBOX_VERSION);
			return EXIT_SUCCESS;
		default:
			usage(stderr, d);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument: %s\n", d->name, argv[optind]);
		usage(stderr, d);
		return 2;
	}
	return run(d, conf_path, only_check);
}
