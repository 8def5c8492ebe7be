#include "store/service.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "store/changes.h"
#include "store/database.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#define HANDLES_MIN 16
#define HANDLE_OCTETS 150000 /* of memory: what a handle was measured to hold, mostly its pages */
#define MEMORY_SHARE 16 /* this part of the machine's may go into idle handles */
#define PASSWORDS_SHARE 4 /* this part of what the daemon may take may go into hashing */
#define TICK_AGAIN_MS 250 /* where the last one is still at work */

/* A service with a server also has the store's clockwork: when the store asks for it a timer of the
 * loop is set, and the tick is done by a worker, since it syncs. */
struct clockwork {
	struct service service; /* first: a struct service * is what everybody has */
	struct loop_timer *timer;
	struct task tick;
	atomic_bool ticking;
};

static void
run_tick(struct task *t)
{
	struct clockwork *w = (struct clockwork *)((char *)t - offsetof(struct clockwork, tick));

	store_tick(w->service.store);
	atomic_store(&w->ticking, false);
}

static void
timer_fired(void *arg)
{
	struct clockwork *w = arg;

	if (!atomic_exchange(&w->ticking, true))
		workers_queue(server_workers(w->service.server), &w->tick);
	else
		loop_timer_set(w->timer, TICK_AGAIN_MS);
}

static void
tick_wanted(void *arg, int64_t in_ms)
{
	struct clockwork *w = arg;

	loop_timer_set(w->timer, in_ms);
}

static void
bus_readable(void *arg)
{
	struct service *svc = arg;

	changes_receive(svc->store);
}

#define STAMP_EPOCH_S INT64_C(1577836800) /* 2020 */
#define STAMP_DIGITS 7

void
service_stamp(int64_t real_us, char out[SERVICE_STAMP_MAX])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t ticks = (uint64_t)(real_us - STAMP_EPOCH_S * 1000000) / (1000000 / 32);

	for (size_t i = STAMP_DIGITS; i-- > 0; ticks /= 32)
		out[i] = digits[ticks % 32];
	out[STAMP_DIGITS] = '-';
	out[STAMP_DIGITS + 1] = '\0';
}

static enum err
read_secret(struct service *svc)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4096);
	struct str secret;

	if (!arena)
		return ERR_NOMEM;
	enum err e = directory_secret(svc->store, arena, &secret);
	if (!e)
		memcpy(svc->secret, secret.p, sizeof(svc->secret));
	return e;
}

/* As many handles as there are descriptors and memory for, which three daemons share with all
 * else. */
static unsigned
handles_that_fit(const struct server *s)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t by_files = server_store_files(s) / POOL_HANDLE_FILES;
	uint64_t by_memory = pages > 0 && page > 0
				 ? (uint64_t)pages * (uint64_t)page / MEMORY_SHARE / HANDLE_OCTETS
				 : by_files;
	uint64_t n = by_files < by_memory ? by_files : by_memory;

	return n > HANDLES_MIN ? (unsigned)n : HANDLES_MIN;
}

/* As many at once as there are processors, but no more of them than fit a part of the memory. */
static unsigned
passwords_at_once(const struct service *svc, const struct conf *conf)
{
	uint64_t fit = server_memory_limit(svc->server) / PASSWORDS_SHARE / PASSWORD_MEMORY;
	uint64_t n = conf->password_threads ? conf->password_threads : (uint64_t)get_nprocs();

	if (n > fit)
		n = fit;
	return n ? (unsigned)n : 1;
}

static uint64_t
passwords_memory(void *arg)
{
	return password_line_memory(arg);
}

static struct password_line_options
line_options(const struct service *svc, const struct conf *conf)
{
	return (struct password_line_options){
	    .threads = passwords_at_once(svc, conf),
	    .waiting_max = conf->password_queue,
	    .wait_max_ms = conf->password_wait_s * 1000,
	    .cache = svc->logins,
	    .standing = svc->standing,
	};
}

static void
reserve_passwords(struct service *svc)
{
	server_reserve_memory(svc->server, password_line_memory_max(svc->passwords),
	    passwords_memory, svc->passwords);
}

static bool
start_passwords(struct service *svc, const struct conf *conf)
{
	svc->standing = standing_new();
	const struct password_line_options options = line_options(svc, conf);
	if (svc->standing)
		svc->passwords = password_line_new(&options);
	if (svc->passwords)
		reserve_passwords(svc);
	return svc->passwords;
}

enum err
service_start(struct server *s, const char *process, struct service **ret)
{
	CLEANUP(conf_unref) struct conf *conf = server_conf(s);
	struct clockwork *w = calloc(1, sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	CLEANUP(service_stop) struct service *svc = &w->service;

	svc->server = s;
	svc->limits = server_limits(s);
	service_stamp(clock_real_us(), svc->stamp);
	w->tick.run = run_tick;
	svc->logins = conf->login_cache_s ? login_cache_new(conf->login_cache_s) : NULL;
	if (!start_passwords(svc, conf))
		return ERR_NOMEM;
	const struct store_options options = {
	    .data_dir = conf->data_dir,
	    .run_dir = conf->run_dir,
	    .process = process,
	    .default_quota_bytes = conf->default_quota_bytes,
	    .recipient_delimiter = conf->recipient_delimiter,
	    .tombstone_days = conf->tombstone_days,
	    .trace_days = conf->trace_days,
	    .handles_max = handles_that_fit(s),
	};
	enum err e = store_open(&options, &svc->store);
	if (!e)
		e = oauth_new(conf, &svc->oauth);
	if (!e)
		e = read_secret(svc);
	if (!e && changes_fd(svc->store) >= 0)
		e = loop_watch(server_loop(s), changes_fd(svc->store), bus_readable, svc);
	if (!e && !(w->timer = loop_timer_new(server_loop(s), timer_fired, w)))
		e = ERR_NOMEM;
	if (e)
		return e;
	store_set_alarm(svc->store, tick_wanted, w);
	store_set_memory(svc->store, server_fullness, s);
	*ret = MOVE_PTR(svc);
	return ERR_OK;
}

void
service_stop(struct service **svcp)
{
	struct service *svc = MOVE_PTR(*svcp);
	struct clockwork *w = (struct clockwork *)svc;

	if (!svc)
		return;
	if (svc->server) {
		if (svc->store)
			store_set_alarm(svc->store, NULL, NULL);
		loop_timer_free(&w->timer);
		while (atomic_load(&w->ticking))
			usleep(1000); /* the last tick, on a worker that is still there */
		if (svc->store && changes_fd(svc->store) >= 0)
			loop_unwatch(server_loop(svc->server), changes_fd(svc->store));
		store_close(&svc->store);
	} else {
		limits_free(&svc->limits);
	}
	if (svc->passwords && svc->server)
		server_reserve_memory(svc->server, 0, NULL, NULL);
	password_line_free(&svc->passwords);
	standing_free(&svc->standing);
	login_cache_free(&svc->logins);
	oauth_free(&svc->oauth);
	conf_unref(&svc->conf);
	free(svc);
}

enum err
service_start_app(struct server *s, void **ret_app)
{
	struct service *svc = NULL;
	enum err e = service_start(s, server_name(s), &svc);

	if (!e)
		*ret_app = svc;
	return e;
}

void
service_stop_app(void *app)
{
	struct service *svc = app;

	service_stop(&svc);
}

void
service_reloaded(struct service *svc)
{
	CLEANUP(conf_unref) struct conf *conf = server_conf(svc->server);
	const struct password_line_options options = line_options(svc, conf);

	password_line_change(svc->passwords, &options);
	reserve_passwords(svc);
}

void
service_reloaded_app(void *app)
{
	service_reloaded(app);
}

struct service *
service_for_test(struct store *store, struct conf *conf)
{
	struct clockwork *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->service.store = store;
	w->service.conf = conf_ref(conf);
	w->service.limits =
	    limits_new(&(const struct limits_max){1000000, 1000000, 1000000, 1000000});
	if (oauth_new(conf, &w->service.oauth) || read_secret(&w->service)) {
		CLEANUP(service_stop) struct service *failed = &w->service;
		return NULL;
	}
	return &w->service;
}

enum err
service_may_begin(struct service *svc, const char *command, enum fullness refused_at)
{
	if (store_fullness(svc->store) < refused_at)
		return ERR_OK;
	if (log_ration_takes(&svc->memory_complaints, 1, NULL))
		log_warn("memory_full", F_CSTR("command", command));
	return ERR_NOMEM;
}

void
service_collect(void *svc, struct metrics_cells *to)
{
	const struct service *s = svc;

	metrics_set(&to->database_handles[0], store_handles(s->store));
	metrics_set(&to->passwords_waiting[0],
	    s->passwords ? (int64_t)password_line_waiting(s->passwords) : 0);
}

struct conf *
service_conf(struct service *svc)
{
	return svc->server ? server_conf(svc->server) : conf_ref(svc->conf);
}

/* -- logging in
 * ----------------------------------------------------------------------------------------------------------
 */

static enum err
find_login(void *arg, struct str login, struct arena *arena, int64_t *ret_account,
    struct str *ret_address, struct credential *ret_credential)
{
	struct service *svc = arg;
	struct account_entry entry;

	enum err e = directory_find_login(svc->store, login, arena, &entry, ret_credential);
	if (!e) {
		*ret_account = entry.id;
		*ret_address = entry.address;
	} else if (e == ERR_NOT_FOUND || e == ERR_SYNTAX) {
		e = directory_expand_login(svc->store, login, arena, ret_address);
		e = e ? e : ERR_NOT_FOUND;
	}
	return e;
}

static enum err
find_binding(void *arg, const char *type, struct arena *arena, struct str *ret)
{
	return conn_tls_binding(arg, type, arena, ret);
}

static enum err
find_client(void *arg, struct arena *arena, struct str *ret)
{
	return conn_tls_client(arg, arena, ret);
}

static bool
is_certified(struct conn *c)
{
	CLEANUP(arena_free) struct arena *arena = conn_is_tls(c) ? arena_new(4096) : NULL;
	struct str address;

	return arena && conn_tls_client(c, arena, &address) == ERR_OK;
}

static void
wake_conn(void *arg)
{
	conn_wake(arg);
}

static bool
sends_no_more(void *arg)
{
	return conn_peer_ended(arg);
}

static void
find_who(void *arg, struct standing_who *ret)
{
	const struct sockaddr *peer = conn_peer_addr(arg);

	limits_address(peer, ret->address);
	limits_network(peer, ret->network);
}

/* -PLUS is offered where it can be done: an old TLS 1.2 peer has no exporter (RFC 9266 §2). */
static bool
can_bind(struct conn *c)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4096);
	struct str binding;

	return conn_is_tls(c) && arena &&
	       conn_tls_binding(c, "tls-exporter", arena, &binding) == ERR_OK;
}

void
service_sasl_host(struct service *svc, struct conn *c, struct sasl_host *ret)
{
	*ret = (struct sasl_host){
	    .find_arg = svc,
	    .find = find_login,
	    .binding_arg = c,
	    .binding = find_binding,
	    .client = find_client,
	    .certified = is_certified(c),
	    .cache = svc->logins,
	    .line = svc->passwords,
	    .who = find_who,
	    .silent = sends_no_more,
	    .secret = str_make(svc->secret, sizeof(svc->secret)),
	    .secure = conn_is_secure(c),
	    .tls = can_bind(c),
	    .oauth = svc->oauth,
	    .wake = wake_conn,
	    .wake_arg = c,
	};
}

void
service_login_succeeded(
    struct service *svc, struct conn *c, int64_t account, struct str user, const char *mechanism)
{
	METRICS_COUNT(logins, metrics_index_of(metrics_mechanism, mechanism));
	log_info("login", F_CSTR("peer", conn_peer(c)), F_STR("user", user),
	    F_CSTR("mechanism", mechanism),
	    F_CSTR("tls", conn_is_tls(c) ? conn_tls_version(c) : "no"));
	if (svc->limits && conn_is_stranger(c))
		limits_known(svc->limits, conn_peer_addr(c));
	conn_leave_front(c);
	if (svc->standing) {
		struct standing_who who = {.name = user};
		find_who(c, &who);
		const struct standing_key key = standing_key(svc->standing, &who);
		standing_was_right(svc->standing, &key);
	}
	if (svc->limits)
		limits_login_succeeded(svc->limits, conn_peer_addr(c), user);
	directory_note_login(svc->store, account);
}

int64_t
service_login_failed(
    struct service *svc, struct conn *c, const struct sasl *x, const char *mechanism)
{
	CLEANUP(conf_unref) struct conf *conf = service_conf(svc);

	METRICS_COUNT(login_failures, metrics_index_of(metrics_mechanism, mechanism));
	/* The peer first: whoever reads this line for it (fail2ban) reads nothing that the client
	 * chose before it. */
	log_warn("login_failed", F_CSTR("peer", conn_peer(c)), F_STR("user", sasl_login(x)),
	    F_CSTR("mechanism", mechanism),
	    F_CSTR("tls", conn_is_tls(c) ? conn_tls_version(c) : "no"));
	return limits_login_failed(
	    svc->limits, conn_peer_addr(c), sasl_claim(x), conf->login_failure_delay_ms);
}

int64_t
service_login_put_off(
    struct service *svc, struct conn *c, const struct sasl *x, const char *mechanism)
{
	CLEANUP(conf_unref) struct conf *conf = service_conf(svc);

	log_info("login_put_off", F_CSTR("peer", conn_peer(c)), F_STR("user", sasl_login(x)),
	    F_CSTR("mechanism", mechanism));
	return conf->login_failure_delay_ms;
}
