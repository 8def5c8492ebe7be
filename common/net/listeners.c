#include "common/net/listeners.h"

#include "common/base/log.h"
#include "common/base/log_ration.h"
#include "common/metrics/metrics.h"
#include "common/net/inherited.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 1024
#define ACCEPTS_AT_ONCE 64 /* then timers and other ports have their turn */
#define PAUSE_MS 200 /* without descriptors, say: no spinning on a readable port */

struct listener {
	struct listener *next;
	struct listeners *set;
	const struct listener_spec *spec;
	int fd;
	bool local; /* a Unix socket */
	bool given; /* we were started with it */
	bool off; /* its service is switched off */
	bool paused;
	bool shut; /* as far as we know: who opened it does not let it listen */
	char path[sizeof(
	    ((struct sockaddr_un *)0)->sun_path)]; /* of one that is ours to remove, or "" */
};

struct listeners {
	struct listener *first;
	struct loop *loop;
	struct loop_timer *resume;
	struct log_ration complaints;
	const struct listener_spec *specs;
	size_t spec_count;
	accept_fn *fn;
	void *arg;
};

void
listener_complain(const char *address, unsigned port)
{
	int why = errno;
	const char *hint = "";

	if (why == EADDRINUSE)
		hint = "another program has this port: stop it, or set port_offset";
	else if (why == EACCES)
		hint = "ports below 1024 need root or CAP_NET_BIND_SERVICE: or set port_offset";
	else if (why == EADDRNOTAVAIL)
		hint = "this machine has no such address: see `listen`";
	else if (why == ENOENT)
		hint = "the directory is missing: `pillarbox run` makes it";
	log_error("listen", F_CSTR("address", address), F_UINT("port", port),
	    F_CSTR("reason", strerrordesc_np(why)), F_CSTR("hint", hint));
}

static struct listener *
add(struct listeners *ls, const struct listener_spec *spec, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->set = ls;
	l->spec = spec;
	l->fd = fd;
	l->next = ls->first;
	ls->first = l;
	return l;
}

static bool
parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		*ret_len = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		*ret_len = sizeof(*six);
		return true;
	}
	return false;
}

enum err
listener_listen(int fd)
{
	return listen(fd, BACKLOG) < 0 ? ERR_CONFIG : ERR_OK;
}

enum err
listener_bind(const char *address, uint16_t port, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len;
	const int on = 1;

	errno = EADDRNOTAVAIL;
	if (port == 0 || !parse_address(address, port, &sa, &len))
		return ERR_CONFIG;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_CONFIG;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listener_listen(fd)) {
		int why = errno;
		close(fd);
		errno = why;
		return ERR_CONFIG;
	}
	*ret_fd = fd;
	return ERR_OK;
}

/* ERR_DENIED: the process has no right to. */
static enum err
open_port(
    struct listeners *ls, const struct listener_spec *spec, const char *address, uint32_t port)
{
	CLEANUP(fd_close) int fd = -1;

	enum err e = listener_bind(address, port <= UINT16_MAX ? (uint16_t)port : 0, &fd);
	if (e) {
		e = errno == EACCES ? ERR_DENIED : e;
		listener_complain(address, port);
		return e;
	}
	if (!add(ls, spec, fd))
		return ERR_NOMEM;
	fd = -1;
	return ERR_OK;
}

/* A socket file that nobody answers on is left from a process that died. */
static bool
is_stale(const struct sockaddr_un *sa)
{
	CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 &&
	       errno == ECONNREFUSED;
}

static enum err
open_unix(struct listeners *ls, const struct listener_spec *spec, const char *run_dir)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", run_dir, spec->unix_name);
	if (n < 0 || (size_t)n >= sizeof(sa.sun_path)) {
		log_error("listen", F_CSTR("path", run_dir),
		    F_CSTR("reason", "run_dir is too long for a socket's name"));
		return ERR_CONFIG;
	}
	if (is_stale(&sa))
		unlink(sa.sun_path);
	CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(sa.sun_path, 0660) < 0 || listen(fd, BACKLOG) < 0) {
		listener_complain(sa.sun_path, 0);
		return ERR_CONFIG;
	}
	struct listener *l = add(ls, spec, fd);
	if (!l)
		return ERR_NOMEM;
	l->local = true;
	memcpy(l->path, sa.sun_path, sizeof(l->path));
	fd = -1;
	return ERR_OK;
}

static uint32_t
port_of(const struct conf *conf, const struct listener_spec *spec)
{
	uint32_t port = spec->port              ? spec->port
			: spec->configured_port ? spec->configured_port(conf)
						: 0;

	return port ? port + conf->port_offset : 0;
}

static bool
is_wanted(const struct listener_spec *spec, const struct conf *conf)
{
	return spec->enabled(conf) && (!spec->implicit_tls || conf->tls_count);
}

static bool
listens(int fd)
{
	int is_so = 0;
	socklen_t len = sizeof(is_so);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_so, &len) == 0 && is_so;
}

/* Somebody who keeps the port of a service open that is switched off: its clients would wait for a
 * greeting. */
static void
warn_if_listening(const struct listener *l)
{
	if (listens(l->fd))
		log_warn("inherited", F_INT("fd", l->fd), F_CSTR("name", l->spec->name),
		    F_CSTR("reason", "its service is switched off: who connects is hung up on"));
}

/* Sockets of this listener that we were started with, also where it is switched off: that may
 * change. */
static enum err
adopt(struct listeners *ls, struct inherited *in, const struct conf *conf,
    const struct listener_spec *spec)
{
	int fd;

	while ((fd = inherited_find(in, spec, port_of(conf, spec))) >= 0) {
		int family = AF_UNSPEC;
		socklen_t len = sizeof(family);
		struct listener *l = add(ls, spec, fd);
		if (!l) {
			close(fd);
			return ERR_NOMEM;
		}
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
		l->local = family == AF_UNIX;
		l->given = true;
		l->off = !is_wanted(spec, conf);
		if (l->off)
			warn_if_listening(l);
	}
	return ERR_OK;
}

static bool
is_open(const struct listeners *ls, const struct listener_spec *spec, bool local)
{
	for (const struct listener *l = ls->first; l; l = l->next)
		if (l->spec == spec && l->local == local)
			return true;
	return false;
}

static enum err
open_ports(struct listeners *ls, const struct conf *conf, const struct listener_spec *spec)
{
	uint32_t port = port_of(conf, spec);
	enum err e = ERR_OK;

	const char *const *listen = spec->addresses ? spec->addresses(conf) : conf->listen;
	for (size_t i = 0; !e && port && listen[i]; i++)
		e = open_port(ls, spec, listen[i], port);
	return e;
}

enum err
listeners_open(
    const struct conf *conf, const struct listener_spec *specs, size_t n, struct listeners **ret)
{
	CLEANUP(listeners_close) struct listeners *ls = calloc(1, sizeof(*ls));
	CLEANUP(inherited_done) struct inherited in = {.n = 0};
	enum err e = ls ? ERR_OK : ERR_NOMEM;

	if (!e) {
		ls->specs = specs;
		ls->spec_count = n;
	}
	inherited_take(&in);
	bool given = in.n > 0;
	for (size_t i = 0; !e && i < n; i++) {
		const struct listener_spec *spec = &specs[i];
		e = adopt(ls, &in, conf, spec);
		if (!e && is_wanted(spec, conf) && !is_open(ls, spec, false))
			e = open_ports(ls, conf, spec);
		if (e == ERR_DENIED)
			e = given ? ERR_OK : ERR_CONFIG;
	}
	if (!e)
		*ret = MOVE_PTR(ls);
	return e;
}

enum err
listeners_open_unix(
    struct listeners *ls, const struct conf *conf, const struct listener_spec *specs, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < n; i++)
		if (specs[i].unix_name && is_wanted(&specs[i], conf) &&
		    !is_open(ls, &specs[i], true))
			e = open_unix(ls, &specs[i], conf->run_dir);
	return e;
}

/* None can be accepted now: they wait in the backlog; the port is looked at again a little later.
 */
static void
pause_listener(struct listener *l)
{
	if (log_ration_takes(&l->set->complaints, 1, NULL))
		log_warn("accept_paused", F_CSTR("listener", l->spec->name),
		    F_CSTR("reason", strerrordesc_np(errno)));
	METRICS_COUNT(accept_pauses, 0);
	loop_unwatch(l->set->loop, l->fd);
	l->paused = true;
	loop_timer_set(l->set->resume, PAUSE_MS);
}

/* Who opened it, and shares it, has shut it; when it opens it again, nobody tells. */
static void
pause_shut(struct listener *l)
{
	loop_unwatch(l->set->loop, l->fd);
	l->paused = l->shut = true;
	if (!l->off)
		loop_timer_set(l->set->resume, PAUSE_MS);
}

union peer {
	struct sockaddr sa;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_storage storage;
};

/* A socket that was opened for us may be for IPv4, too: its clients are not all in one network of
 * IPv6. */
static void
unmap(union peer *peer)
{
	if (peer->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&peer->six.sin6_addr))
		return;
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = peer->six.sin6_port};
	memcpy(&four.sin_addr, peer->six.sin6_addr.s6_addr + 12, sizeof(four.sin_addr));
	peer->four = four;
}

/* accept(2): the connection that would have been next has ended, or is forbidden, or the call was
 * interrupted; it says nothing of those behind it. */
static bool
is_of_one_connection(int errnum)
{
	static const int errnums[] = {EINTR, ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT,
	    EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};

	for (size_t i = 0; i < ARRAY_LEN(errnums); i++)
		if (errnums[i] == errnum)
			return true;
	return false;
}

static void
take_over(struct listener *l, int fd, union peer *peer)
{
	const int on = 1;

	if (l->off) {
		close(fd);
		return;
	}
	if (peer->sa.sa_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on)); /* whole replies are written at once */
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on,
		    sizeof(on)); /* an idle client that is gone */
		unmap(peer);
	}
	l->set->fn(l->set->arg, fd, &peer->sa, l->spec);
}

/* Where it goes on failing the port stays readable: the loop would call this again and again. */
static void
accept_some(void *arg)
{
	struct listener *l = arg;
	bool any = false;

	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		union peer peer = {.sa.sa_family = AF_UNIX};
		socklen_t len = sizeof(peer);
		int fd = accept4(l->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take_over(l, fd, &peer);
			any = true;
		} else if (errno == EAGAIN) {
			return;
		} else if (errno == EINVAL && !listens(l->fd)) {
			pause_shut(l);
			return;
		} else if (!is_of_one_connection(errno)) {
			pause_listener(l);
			return;
		}
	}
	if (!any)
		pause_listener(l);
}

static void
resume_paused(void *arg)
{
	struct listeners *ls = arg;

	for (struct listener *l = ls->first; l; l = l->next) {
		if (!l->paused || (l->shut && l->off))
			continue;
		if (loop_watch(ls->loop, l->fd, accept_some, l))
			loop_timer_set(ls->resume, PAUSE_MS);
		else
			l->paused = l->shut = false;
	}
}

enum err
listeners_start(struct listeners *ls, struct loop *loop, accept_fn *fn, void *arg)
{
	enum err e = ERR_OK;

	ls->loop = loop;
	ls->fn = fn;
	ls->arg = arg;
	ls->resume = loop_timer_new(loop, resume_paused, ls);
	if (!ls->resume)
		return ERR_NOMEM;
	for (struct listener *l = ls->first; l && !e; l = l->next)
		e = loop_watch(loop, l->fd, accept_some, l);
	return e;
}

static void
close_one(struct listener *l)
{
	if (l->set && l->set->loop)
		loop_unwatch(l->set->loop, l->fd);
	fd_close(&l->fd);
	if (l->path[0])
		unlink(l->path);
	free(l);
}

static void
tell_missing(const struct listeners *ls, const struct conf *conf)
{
	for (size_t i = 0; i < ls->spec_count; i++) {
		const struct listener_spec *spec = &ls->specs[i];
		if (!is_wanted(spec, conf))
			continue;
		if ((spec->unix_name && !is_open(ls, spec, true)) ||
		    (port_of(conf, spec) && !is_open(ls, spec, false)))
			log_warn("listener", F_CSTR("name", spec->name), F_CSTR("state", "closed"),
			    F_CSTR("hint", "it is switched on now: a restart opens it"));
	}
}

void
listeners_follow(struct listeners *ls, const struct conf *conf)
{
	for (struct listener **at = &ls->first; *at;) {
		struct listener *l = *at;
		bool wanted = is_wanted(l->spec, conf) &&
			      (l->local || l->given || port_of(conf, l->spec) != 0);
		bool changes = wanted == l->off;
		if (changes)
			log_info("listener", F_CSTR("name", l->spec->name),
			    F_CSTR("state", wanted ? "open" : "closed"));
		if (!wanted && !l->given) {
			*at = l->next;
			close_one(l);
			continue;
		}
		l->off = !wanted;
		if (changes && l->paused)
			loop_timer_set(ls->resume, 1);
		at = &l->next;
	}
	tell_missing(ls, conf);
}

void
listeners_close(struct listeners **lsp)
{
	struct listeners *ls = MOVE_PTR(*lsp);

	if (!ls)
		return;
	loop_timer_free(&ls->resume);
	while (ls->first) {
		struct listener *l = ls->first;
		ls->first = l->next;
		close_one(l);
	}
	free(ls);
}
